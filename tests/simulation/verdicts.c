/*
 * verdicts [--rollouts N] [--goals]: how often is a canary sent back, rightly and wrongly? For each kind of canary N rollouts are
 * played: 5, 25, 50 and 100 % of 20 requests a second, a minute each, judged anew every second by decide/verdict with its
 * defaults, until it is BAD or all is over; with --goals only those kinds that have a goal. Nothing else of a rollout is
 * played: see simulate for that.
 *
 * The last line is `verdicts: rollouts=N false=X% caught10=Y% ...`: the worst rate of false ways back among the kinds
 * that are as good as stable, and how many that fail a tenth of their requests are caught within 100 of these. Returns 1
 * when more than 1 % are false or less than 95 % caught.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "decide/verdict.h"
#include "draw.h"

#define REQUESTS_A_SECOND 20
#define SECONDS_A_STEP 60
#define FALSE_MOST 1.0   /* percent */
#define CAUGHT_LEAST 95.0
#define CAUGHT "10 % fail"

static const int weights[] = {50, 250, 500, PERMILLE};
static const int within[] = {25, 50, 100, 200, 500, 1000, 1000000};

struct kind {
	const char *name;
	bool is_equal;
	double stable_errors, next_errors;
	double slower;        /* each answer takes so many times as long */
	double tail;          /* that part of the answers takes 20 times as long */
	double max_errors;    /* the manifest's bound; 0: the default */
	double max_slower;
	bool is_outage;       /* both fail as given for 20 s in the second step only */
	double breaks_at;     /* it is as good as stable until it has that share */
};

static const struct kind kinds[] = {
	{"equal, 0.1 % fail", true, .001, .001, 1},
	{"equal, 0.5 % fail", true, .005, .005, 1},
	{"equal, 1 % fail", true, .01, .01, 1},
	{"equal, 5 % fail", true, .05, .05, 1},
	{"equal, 30 % fail", true, .30, .30, 1},
	{"equal, 90 % fail for 20 s", true, .9, .9, 1, .is_outage = true},
	{"equal, 0.1 %; bounds 0.1 % and 1x", true, .001, .001, 1, .max_errors = .001, .max_slower = 1},
	{"1 % fail", false, .001, .01, 1},
	{"1 % fail, bound 0.3 %", false, .001, .01, 1, .max_errors = .003},
	{"2 % fail", false, .001, .02, 1},
	{"5 % fail", false, .001, .05, 1},
	{CAUGHT, false, .001, .10, 1},
	{"10 % fail, stable 1 %", false, .01, .10, 1},
	{"50 % fail", false, .001, .50, 1},
	{"10 % fail, from 50 % on", false, .001, .10, 1, .breaks_at = 500},
	{"10 % fail, from 100 % on", false, .001, .10, 1, .breaks_at = PERMILLE},
	{"1.25 times as slow", false, .001, .001, 1.25},
	{"1.25 times as slow, bound 1x", false, .001, .001, 1.25, .max_slower = 1},
	{"1.5 times as slow", false, .001, .001, 1.5},
	{"1.5 times as slow, bound 1.2x", false, .001, .001, 1.5, .max_slower = 1.2},
	{"2 times as slow", false, .001, .001, 2},
	{"2 times as slow, bound 1.2x", false, .001, .001, 2, .max_slower = 1.2},
	{"5 % are 20 times as slow", false, .001, .001, 1, .tail = .05},
};

/* How long an answer takes, ms: log-normal, half of them within 40. */
static double draw_ms(uint64_t *state)
{
	double normal = sqrt(-2 * log(1 - draw_part(state))) * cos(2 * 3.14159265358979 * draw_part(state));
	return 40 * exp(0.7 * normal);
}

static void request(uint64_t *state, struct seen *s, double errors, double slower, double tail)
{
	s->attempts++;
	s->errors += draw_part(state) < errors;
	double ms = draw_ms(state) * slower;
	s->latency[evidence_bucket_of(draw_part(state) < tail ? 20 * ms : ms)]++;
}

static void second(uint64_t *state, const struct kind *k, int at, struct evidence *e)
{
	bool is_well = k->is_outage && !(e->weight == weights[1] && at >= 20 && at < 40);
	bool is_next_well = e->weight < k->breaks_at;
	for (int i = 0; i < REQUESTS_A_SECOND; i++) {
		if ((int)roll(state, PERMILLE) < e->weight)
			request(state, &e->next, is_well ? 0 : is_next_well ? k->stable_errors : k->next_errors, k->slower, k->tail);
		else
			request(state, &e->stable, is_well ? 0 : k->stable_errors, 1, 0);
	}
}

/* Returns how many requests next had until it was sent back; 0: it was not. */
static int64_t play(uint64_t *state, const struct kind *k, struct arena *a)
{
	static struct evidence rows[ARRAY_LEN(weights)];
	const struct evidence *seen[ARRAY_LEN(weights)];
	struct analysis analysis = {
		.max_error_rate = {.is_set = k->max_errors > 0, .value = k->max_errors},
		.max_latency_p99 = {.is_set = k->max_slower > 0, .is_relative = true, .value = k->max_slower}};
	int64_t requests = 0;
	memset(rows, 0, sizeof rows);
	for (size_t i = 0; i < ARRAY_LEN(weights); i++) {
		rows[i].weight = weights[i];
		seen[i] = &rows[i];
		for (int at = 0; at < SECONDS_A_STEP; at++) {
			int64_t before = rows[i].next.attempts;
			second(state, k, at, &rows[i]);
			requests += weights[i] >= k->breaks_at ? rows[i].next.attempts - before : 0;
			arena_clear(a);
			if (verdict_judge(&analysis, seen, i + 1, weights[i], NULL, a).kind == VERDICT_BAD)
				return requests;
		}
	}
	return 0;
}

struct sums {
	double worst_false, caught10;
};

static void play_kind(const struct kind *k, int rollouts, struct arena *a, struct sums *sums)
{
	uint64_t state = (uint64_t)(k - kinds) + 1;
	int caught[ARRAY_LEN(within)] = {0};
	for (int n = 0; n < rollouts; n++) {
		int64_t requests = play(&state, k, a);
		for (size_t i = 0; i < ARRAY_LEN(within); i++)
			caught[i] += requests > 0 && requests <= within[i];
	}
	printf("%-36s", k->name);
	for (size_t i = 0; i < ARRAY_LEN(within); i++)
		printf(" %6.1f%%", 100.0 * caught[i] / rollouts);
	putchar('\n');
	fflush(stdout);
	double all = 100.0 * caught[ARRAY_LEN(within) - 1] / rollouts;
	if (k->is_equal && all > sums->worst_false)
		sums->worst_false = all;
	if (strcmp(k->name, CAUGHT) == 0)
		sums->caught10 = 100.0 * caught[2] / rollouts;
}

int main(int argc, char **argv)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct sums sums = {0};
	int rollouts = 400;
	bool has_goals_only = false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--rollouts") == 0 && i + 1 < argc)
			rollouts = (int)strtol(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--goals") == 0)
			has_goals_only = true;
		else
			rollouts = 0;
	}
	if (rollouts <= 0) {
		fputs("usage: verdicts [--rollouts N] [--goals]\n", stderr);
		return 64;
	}
	printf("%-36s", "sent back within so many requests:");
	for (size_t i = 0; i + 1 < ARRAY_LEN(within); i++)
		printf(" %7d", within[i]);
	puts("     all");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!has_goals_only || kinds[i].is_equal || strcmp(kinds[i].name, CAUGHT) == 0)
			play_kind(&kinds[i], rollouts, &a, &sums);
	printf("verdicts: rollouts=%d false=%.2f%% caught10=%.1f%%\n", rollouts, sums.worst_false, sums.caught10);
	return sums.worst_false > FALSE_MOST || sums.caught10 < CAUGHT_LEAST;
}
