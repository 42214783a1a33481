/*
 * simulate [--seeds N] [--seed S] [--steps N] [--trace] [--first] [--missed]: plays N schedules, beginning with seed S,
 * and prints what went into them and every promise that was broken, with the shortest schedule that still breaks it; with
 * --first it ends at the first one, as it was drawn. Before the last line it says how many branches of decide/ were
 * taken; the last one is `simulate: seeds=N events=N violations=N rate=N/s`.
 *
 * Which branches were not: simulate --seeds 50000 --missed | addr2line -s -e build/clang/tests/simulation/simulate
 */
#include <errno.h>
#include <getopt.h>
#include <time.h>

#include "coverage.h"
#include "happen.h"
#include "shrink.h"

#define VIOLATIONS_MAX 3 /* then it is enough for one day */

struct options {
	uint64_t seeds, seed;
	int steps;
	bool is_traced, is_first_enough, wants_missed;
};

static int usage(void)
{
	fputs("usage: simulate [--seeds N] [--seed S] [--steps N] [--trace] [--first] [--missed]\n", stderr);
	return 64;
}

static bool parse_number(const char *text, uint64_t most, uint64_t *out)
{
	char *end;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *out <= most;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{"seeds", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 's'},
		{"steps", required_argument, NULL, 'k'}, {"trace", no_argument, NULL, 't'},
		{"first", no_argument, NULL, 'f'}, {"missed", no_argument, NULL, 'm'}, {0}};
	uint64_t number;
	bool has_seeds = false;
	*o = (struct options){.seeds = 10000, .seed = 1, .steps = 24};
	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1; ) {
		o->is_traced |= c == 't';
		o->is_first_enough |= c == 'f';
		o->wants_missed |= c == 'm';
		if (c == 't' || c == 'f' || c == 'm')
			continue;
		if (c == '?' || !parse_number(optarg, c == 'k' ? STEPS_MAX : UINT64_MAX, &number))
			return false;
		if (c == 'n') {
			has_seeds = true;
			o->seeds = number;
		} else if (c == 's') {
			o->seed = number;
			o->seeds = has_seeds ? o->seeds : 1;
		} else {
			o->steps = (int)number;
		}
	}
	return optind == argc && o->seeds > 0;
}

static void show_violation(struct simulation *s, struct schedule *schedule)
{
	const char *broken = s->broken;
	int steps = schedule->steps_count;
	struct counters counters = *s->counters;
	schedule_shrink(s, schedule, broken);
	fprintf(stderr, "seed %llu: %s\nshrunk from %d to %d steps:\n", (unsigned long long)schedule->seed, broken, steps,
	        schedule->steps_count);
	schedule_print(schedule);
	bool is_traced = s->is_traced;
	s->is_traced = true;
	simulation_play(s, schedule);
	s->is_traced = is_traced;
	*s->counters = counters;
}

static void print_count(const char *name, uint64_t count)
{
	printf("  %12llu  %s\n", (unsigned long long)count, name);
}

static void print_counters(const struct counters *c)
{
	printf("%llu schedules, %llu runs, %llu decisions, %llu events\n", (unsigned long long)c->schedules,
	       (unsigned long long)c->runs, (unsigned long long)c->decisions, (unsigned long long)c->events);
	puts("what happened:");
	for (unsigned i = 0; i < happenings_count; i++)
		print_count(happenings[i].name, c->happened[i]);
	puts("actions, by what became of them:");
	for (int i = 0; i < FATE_COUNT; i++)
		print_count(fate_names[i], c->fates[i]);
	puts("actions, by kind:");
	for (int i = 0; i < ACTION_KIND_COUNT; i++)
		print_count(action_info((enum action_kind)i)->verb, c->actions[i]);
	puts("returns of what was good before:");
	print_count("by readiness alone", c->returns);
	puts("where services stood when a run ended:");
	for (int i = 0; i < PHASE_COUNT; i++)
		print_count(phase_name((enum phase)i), c->phases[i]);
}

/* Of the processor: the rate is that of one core, whatever else goes on there. */
static double now_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct counters counters;
	static struct simulation s = {.counters = &counters};
	static struct schedule schedule;
	struct options o;
	int violations = 0;
	if (!parse_options(argc, argv, &o))
		return usage();
	s.is_traced = o.is_traced;
	double began = now_seconds();
	for (uint64_t i = 0; i < o.seeds && violations < VIOLATIONS_MAX; i++) {
		schedule_draw(&schedule, o.seed + i, o.steps);
		if (o.is_traced)
			schedule_print(&schedule);
		simulation_play(&s, &schedule);
		if (s.broken) {
			violations++;
			printf("seed %llu: broken: %s\n", (unsigned long long)schedule.seed, s.broken);
			fflush(stdout);
			if (o.is_first_enough)
				break;
			show_violation(&s, &schedule);
		}
	}
	double took = now_seconds() - began;
	arena_done(&s.host.arena);
	if (o.wants_missed) {
		coverage_print_missed();
		return violations > 0;
	}
	print_counters(&counters);
	coverage_print();
	printf("simulate: seeds=%llu events=%llu violations=%d rate=%.0f/s\n", (unsigned long long)counters.schedules,
	       (unsigned long long)counters.events, violations, (double)counters.schedules / (took > 0 ? took : 1));
	return violations > 0;
}
