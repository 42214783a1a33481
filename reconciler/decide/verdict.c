/*
 * The rules by which a canary is judged, and their words. The one thing to know: a rule counts hits (errors, or slow
 * answers) of both sides in each row, and asks decide/odds about them; nothing here depends on what they are hits of.
 */
#include "decide/verdict.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "decide/odds.h"

/* Of the budget of 1 %: one in so many rollouts is sent back without a reason by that test. Errors cost most. */
#define RELATIVE_ONE_IN 143
#define LATENCY_ONE_IN 500
#define ABSOLUTE_ONE_IN 2000
/* Over the bound is a matter of degree: what is worse than stable for sure may be within it once in 10 times. */
#define BOUND_ONE_IN 10
#define HITS_LEAST 3         /* no way back because of one crawler at one broken address */
#define CONTROL_LEAST 100    /* attempts of stable: fewer say nothing about its rate */
#define MOST 500             /* permille: with more, stable has too few for the relative test */
#define SLOW_SHARE 0.01      /* a p99 of so many ms: that share may take longer */
#define SLOWER_BY_MS 5       /* less is not worth going back for */
#define LIMITS_APART 2       /* buckets: a limit every 12 % */
#define OUTAGE_IN 5          /* one in so many attempts fails, on both sides, */
#define OUTAGE_LEAST 20      /* of at least so many */

/* What one rule counts, for each row. */
struct count {
	int weight;
	int64_t next, next_hits, stable, stable_hits;
};

struct trial {
	const struct analysis *analysis;
	const struct evidence *const *rows;
	struct count *counts;
	struct tally *tallies;
	size_t rows_count;
	int weight;
	const struct measure *measure;
	struct arena *arena;
};

static const char *number(struct arena *a, int64_t n)
{
	if (n < 1000)
		return arena_printf(a, "%lld", (long long)n);
	return arena_printf(a, "%s,%03lld", number(a, n / 1000), (long long)(n % 1000));
}

static const char *percent(struct arena *a, int64_t hits, int64_t all)
{
	return arena_printf(a, "%.1f %%", all ? 100.0 * (double)hits / (double)all : 0);
}

/* ---- Two sides, or one: asked of the counts ---- */

static bool is_compared(const struct count *c)
{
	return c->weight > 0 && c->weight < PERMILLE;
}

/* Next's part of the attempts: as it is drawn, or as it came out when that is more: clients are not all alike. Times the
 * tolerance, so many times as many hits as its part are no fault. */
static double share_of(const struct count *c, double tolerance)
{
	double drawn = (double)c->weight / PERMILLE, all = (double)(c->next + c->stable);
	double seen = all > 0 ? (double)c->next / all : 1, share = drawn > seen ? drawn : seen;
	return share < 1 ? tolerance * share / (1 + (tolerance - 1) * share) : 1;
}

/* Does next have more of the hits than its part of the attempts? */
static double odds_worse(struct trial *c, double tolerance, size_t *from)
{
	for (size_t i = 0; i < c->rows_count; i++) {
		const struct count *n = &c->counts[i];
		c->tallies[i] = is_compared(n) ? (struct tally){n->next_hits + n->stable_hits, n->next_hits, share_of(n, tolerance)}
		                               : (struct tally){.share = 1};
	}
	return odds_against(c->tallies, c->rows_count, from);
}

/* Is next's rate higher than that, under weights of more than `above`? */
static double odds_beyond(struct trial *c, double rate, int above, size_t *from)
{
	for (size_t i = 0; i < c->rows_count; i++) {
		const struct count *n = &c->counts[i];
		c->tallies[i] = n->weight > above ? (struct tally){n->next, n->next_hits, rate} : (struct tally){.share = 1};
	}
	return odds_against(c->tallies, c->rows_count, from);
}

static struct count sum(const struct trial *c, size_t from, int above)
{
	struct count all = {0};
	for (size_t i = from; i < c->rows_count; i++) {
		const struct count *n = &c->counts[i];
		if (n->weight <= above)
			continue;
		all.next += n->next;
		all.next_hits += n->next_hits;
		all.stable += n->stable;
		all.stable_hits += n->stable_hits;
	}
	return all;
}

/* ---- Errors ---- */

static void count_errors(struct trial *c)
{
	for (size_t i = 0; i < c->rows_count; i++) {
		const struct evidence *e = c->rows[i];
		c->counts[i] = (struct count){e->weight, e->next.attempts, e->next.errors, e->stable.attempts, e->stable.errors};
	}
}

/* Of next's errors since that row. */
static const char *unanswered(const struct trial *c, size_t from, int above)
{
	int64_t failed = 0;
	for (size_t i = from; i < c->rows_count; i++)
		failed += c->rows[i]->weight > above ? c->rows[i]->next.failed : 0;
	return failed ? arena_printf(c->arena, "; %s got no answer", number(c->arena, failed)) : "";
}

static const char *error_figures(const struct trial *c, size_t from, int above)
{
	struct arena *a = c->arena;
	struct count n = sum(c, from, above);
	return arena_printf(a, "next %s of %s attempts failed (%s%s), stable %s of %s (%s)", number(a, n.next_hits),
	                    number(a, n.next), percent(a, n.next_hits, n.next), unanswered(c, from, above),
	                    number(a, n.stable_hits), number(a, n.stable), percent(a, n.stable_hits, n.stable));
}

static const char *bound_text(struct arena *a, const struct bound *b, double rate)
{
	return b->is_set && b->is_relative ? arena_printf(a, "%gx", b->value) : arena_printf(a, "%g %%", 100 * rate);
}

static const char *errors_relative(struct trial *c)
{
	const struct bound *b = &c->analysis->max_error_rate;
	bool is_times = b->is_set && b->is_relative;
	double rate = b->is_set ? b->value : VERDICT_ERROR_RATE;
	size_t from;
	double worse = odds_worse(c, is_times ? b->value : 1, &from);
	if (worse < log(RELATIVE_ONE_IN) || sum(c, from, 0).next_hits < HITS_LEAST)
		return NULL;
	if (!is_times && odds_beyond(c, rate, 0, NULL) < log(BOUND_ONE_IN))
		return NULL;
	return arena_printf(c->arena, "%s; %.1f > %.1f by the relative test, bound %s", error_figures(c, from, 0), worse,
	                    log(RELATIVE_ONE_IN), bound_text(c->arena, b, rate));
}

/* What next may do where nobody is beside it. What stable did under the weights so far is easily believed of it again. */
static double rate_alone(const struct trial *c)
{
	const struct bound *b = &c->analysis->max_error_rate;
	struct count all = sum(c, 0, -1);
	double before = odds_most(all.stable, all.stable_hits);
	bool is_times = b->is_set && b->is_relative;
	double least = b->is_set && !is_times ? b->value : is_times ? 0 : VERDICT_ERROR_RATE;
	if (all.stable < CONTROL_LEAST)
		return b->is_set && !is_times ? b->value : VERDICT_ERROR_RATE_ALONE;
	before *= is_times ? b->value : 1;
	return before > least ? before : least;
}

/* Both sides now, under those weights. */
static bool fails_alike(const struct trial *c, double rate)
{
	struct count all = {0};
	for (size_t i = 0; i < c->rows_count; i++)
		if (c->counts[i].weight > MOST) {
			all.stable += c->counts[i].stable;
			all.stable_hits += c->counts[i].stable_hits;
		}
	return all.stable_hits >= HITS_LEAST && (double)all.stable_hits > rate * (double)all.stable;
}

static const char *errors_absolute(struct trial *c)
{
	size_t from;
	double rate = rate_alone(c), beyond = odds_beyond(c, rate, MOST, &from);
	if (beyond < log(ABSOLUTE_ONE_IN) || sum(c, from, MOST).next_hits < HITS_LEAST || fails_alike(c, rate))
		return NULL;
	struct count now = sum(c, from, MOST), all = sum(c, 0, -1);
	struct arena *a = c->arena;
	return arena_printf(a, "next %s of %s attempts failed (%s%s) with %d.%d%% of the requests, stable %s of %s so far (%s); "
	                    "%.1f > %.1f by the absolute test, bound %.2g %%", number(a, now.next_hits), number(a, now.next),
	                    percent(a, now.next_hits, now.next), unanswered(c, from, MOST), c->weight / 10, c->weight % 10,
	                    number(a, all.stable_hits), number(a, all.stable), percent(a, all.stable_hits, all.stable), beyond,
	                    log(ABSOLUTE_ONE_IN), 100 * rate);
}

/* ---- Latency ---- */

static int64_t count_slow(const struct seen *s, int limit)
{
	int64_t slow = 0;
	for (int i = limit + 1; i < LATENCY_BUCKETS; i++)
		slow += s->latency[i];
	return slow;
}

static int64_t count_answers(const struct seen *s)
{
	return count_slow(s, -1);
}

/* A bound in ms is the limit of a bucket: the one that it lies in counts as within. */
static void count_slower_than(struct trial *c, double limit_ms)
{
	int limit = evidence_bucket_of(limit_ms);
	for (size_t i = 0; i < c->rows_count; i++) {
		const struct evidence *e = c->rows[i];
		c->counts[i] = (struct count){e->weight, count_answers(&e->next), count_slow(&e->next, limit),
		                              count_answers(&e->stable), count_slow(&e->stable, limit)};
	}
}

static const char *slow_figures(const struct trial *c, size_t from, int above, double limit_ms)
{
	struct arena *a = c->arena;
	struct count n = sum(c, from, above);
	return arena_printf(a, "next took longer than %g ms in %s of %s answers (%s), stable in %s of %s (%s)", limit_ms,
	                    number(a, n.next_hits), number(a, n.next), percent(a, n.next_hits, n.next),
	                    number(a, n.stable_hits), number(a, n.stable), percent(a, n.stable_hits, n.stable));
}

static const char *latency_absolute(struct trial *c, double limit_ms)
{
	size_t from;
	count_slower_than(c, limit_ms);
	double worse = odds_worse(c, 1, &from);
	if (worse >= log(LATENCY_ONE_IN) && sum(c, from, 0).next_hits >= HITS_LEAST &&
	    odds_beyond(c, SLOW_SHARE, 0, NULL) >= log(BOUND_ONE_IN))
		return arena_printf(c->arena, "%s; %.1f > %.1f by the relative test, bound p99 %g ms",
		                    slow_figures(c, from, 0, limit_ms), worse, log(LATENCY_ONE_IN), limit_ms);
	double beyond = odds_beyond(c, SLOW_SHARE, MOST, &from);
	if (beyond >= log(ABSOLUTE_ONE_IN) && sum(c, from, MOST).next_hits >= HITS_LEAST && !fails_alike(c, SLOW_SHARE))
		return arena_printf(c->arena, "%s; %.1f > %.1f by the absolute test, bound p99 %g ms",
		                    slow_figures(c, from, MOST, limit_ms), beyond, log(ABSOLUTE_ONE_IN), limit_ms);
	return NULL;
}

/* What is slower than each limit, all limits at once: [row][limit]. Stable's answers count as so much slower. */
struct slow {
	int64_t next[LATENCY_BUCKETS], stable[LATENCY_BUCKETS];
	int64_t next_all, stable_all;
};

static void scale(double times, int to[LATENCY_BUCKETS])
{
	for (int i = 0; i < LATENCY_BUCKETS; i++) {
		double ms = evidence_bucket_ms(i), slower = ms * times > ms + SLOWER_BY_MS ? ms * times : ms + SLOWER_BY_MS;
		to[i] = evidence_bucket_of(slower);
	}
}

static void count_all_slow(const struct evidence *e, const int to[LATENCY_BUCKETS], struct slow *out)
{
	int64_t scaled[LATENCY_BUCKETS] = {0};
	for (int i = 0; i < LATENCY_BUCKETS; i++)
		scaled[to[i]] += e->stable.latency[i];
	for (int i = LATENCY_BUCKETS - 1; i >= 0; i--) {
		out->next[i] = out->next_all;
		out->stable[i] = out->stable_all;
		out->next_all += e->next.latency[i];
		out->stable_all += scaled[i];
	}
}

static double quantile_ms(const struct trial *c, size_t from, bool is_next, double part)
{
	int64_t all = 0, seen = 0;
	for (size_t i = from; i < c->rows_count; i++)
		all += count_answers(is_next ? &c->rows[i]->next : &c->rows[i]->stable);
	for (int b = 0; b < LATENCY_BUCKETS; b++) {
		for (size_t i = from; i < c->rows_count; i++)
			seen += (is_next ? &c->rows[i]->next : &c->rows[i]->stable)->latency[b];
		if ((double)seen >= part * (double)all)
			return evidence_bucket_ms(b);
	}
	return 0;
}

static const char *latency_figures(const struct trial *c, size_t from)
{
	struct arena *a = c->arena;
	struct count n = sum(c, from, 0);
	return arena_printf(a, "next answered within %.0f ms (p50) and %.0f ms (p99) of %s times, stable within %.0f ms and %.0f ms "
	                    "of %s", quantile_ms(c, from, true, 0.5), quantile_ms(c, from, true, 0.99), number(a, n.next),
	                    quantile_ms(c, from, false, 0.5), quantile_ms(c, from, false, 0.99), number(a, n.stable));
}

static const char *latency_relative(struct trial *c, double times)
{
	int to[LATENCY_BUCKETS];
	int64_t answers = 0;
	struct slow *slow = arena_alloc(c->arena, (c->rows_count + 1) * sizeof *slow);
	for (size_t i = 0; i < c->rows_count; i++)
		answers += count_answers(&c->rows[i]->next);
	if (answers < HITS_LEAST)
		return NULL;
	scale(times, to);
	for (size_t i = 0; i < c->rows_count; i++)
		count_all_slow(c->rows[i], to, &slow[i]);
	double all = -INFINITY, best = -INFINITY;
	size_t from = 0;
	for (int limit = LIMITS_APART / 2; limit < LATENCY_BUCKETS; limit += LIMITS_APART) {
		size_t here = 0;
		for (size_t i = 0; i < c->rows_count; i++)
			c->counts[i] = (struct count){c->rows[i]->weight, slow[i].next_all, slow[i].next[limit], slow[i].stable_all,
			                              slow[i].stable[limit]};
		double worse = sum(c, 0, 0).next_hits ? odds_worse(c, 1, &here) : 0; /* without any it gains nothing */
		all = odds_add(all, worse - log(LATENCY_BUCKETS / LIMITS_APART));
		from = worse > best ? here : from;
		best = worse > best ? worse : best;
	}
	if (all < log(LATENCY_ONE_IN))
		return NULL;
	return arena_printf(c->arena, "%s; %.1f > %.1f by the latency test, bound %gx", latency_figures(c, from), all,
	                    log(LATENCY_ONE_IN), times);
}

static const char *too_slow(struct trial *c)
{
	const struct bound *b = &c->analysis->max_latency_p99;
	if (b->is_set && !b->is_relative)
		return latency_absolute(c, b->value);
	return latency_relative(c, b->is_set ? b->value : VERDICT_SLOWER);
}

/* ---- The query ---- */

static const char *query_says(const struct trial *c)
{
	const struct measure *m = c->measure;
	if (!c->analysis->query.text || !m || !m->has_value || m->value <= c->analysis->query.max)
		return NULL;
	return arena_printf(c->arena, "the query answered %g, and %g is the most that it may be%s%s", m->value,
	                    c->analysis->query.max, *m->why ? ": " : "", m->why);
}

static const char *query_is_silent(const struct trial *c)
{
	const struct measure *m = c->measure;
	if (!c->analysis->query.text || (m && m->has_value))
		return NULL;
	return arena_printf(c->arena, "the query has no answer yet%s%s", m && *m->why ? ": " : "", m ? m->why : "");
}

/* ---- What cannot be told ---- */

static bool is_down(const struct seen *s)
{
	return s->attempts >= OUTAGE_LEAST && s->errors * OUTAGE_IN >= s->attempts;
}

static const char *outage(struct trial *c)
{
	const struct evidence *last = c->rows_count ? c->rows[c->rows_count - 1] : NULL;
	if (!last || last->weight != c->weight || !is_down(&last->next) || !is_down(&last->stable))
		return NULL;
	count_errors(c);
	return arena_printf(c->arena, "both sides fail: %s", error_figures(c, c->rows_count - 1, 0));
}

static const char *too_few(const struct trial *c)
{
	int64_t seen = 0, wanted = c->analysis->min_requests;
	for (size_t i = 0; i < c->rows_count; i++)
		seen += c->rows[i]->weight == c->weight ? c->rows[i]->next.attempts : 0;
	if (seen >= wanted)
		return NULL;
	return arena_printf(c->arena, "saw %s of %s requests", number(c->arena, seen), number(c->arena, wanted));
}

struct verdict verdict_judge(const struct analysis *analysis, const struct evidence *const *rows, size_t count, int weight,
                             const struct measure *measure, struct arena *a)
{
	struct trial c = {.analysis = analysis, .rows = rows, .rows_count = count, .weight = weight, .measure = measure, .arena = a};
	c.counts = arena_alloc(a, (count + 1) * sizeof *c.counts);
	c.tallies = arena_alloc(a, (count + 1) * sizeof *c.tallies);
	count_errors(&c);
	const char *why = errors_relative(&c);
	why = why ? why : errors_absolute(&c);
	why = why ? why : too_slow(&c);
	why = why ? why : query_says(&c);
	if (why)
		return (struct verdict){VERDICT_BAD, why};
	why = outage(&c);
	why = why ? why : query_is_silent(&c);
	why = why ? why : too_few(&c);
	return (struct verdict){why ? VERDICT_OPEN : VERDICT_GOOD, why};
}
