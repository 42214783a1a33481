/* The rules by which a canary is judged, each by figures that just do and just do not meet it, and their words. */
#include "check.h"

#include <math.h>

#include "base/macros.h"
#include "decide/odds.h"
#include "decide/verdict.h"

#define ROWS_MAX 6

struct seen_so_far {
	struct arena arena;
	struct analysis analysis;
	struct evidence rows[ROWS_MAX];
	size_t count;
	const struct measure *measure;
	struct verdict verdict;
};

static struct evidence *row(struct seen_so_far *s, int weight, int64_t next, int64_t errors, int64_t stable, int64_t stable_errors)
{
	struct evidence *e = &s->rows[s->count++];
	*e = (struct evidence){.project = "shop", .service = "web", .revision = "r2", .weight = weight,
	                       .next = {.attempts = next, .errors = errors}, .stable = {.attempts = stable, .errors = stable_errors}};
	return e;
}

/* So many answers took that long. */
static void took(struct seen *s, int64_t answers, double ms)
{
	s->attempts += answers;
	s->latency[evidence_bucket_of(ms)] += answers;
}

/* Judged under the last weight. */
static int judge(struct seen_so_far *s)
{
	const struct evidence *rows[ROWS_MAX];
	for (size_t i = 0; i < s->count; i++)
		rows[i] = &s->rows[i];
	s->verdict = verdict_judge(&s->analysis, rows, s->count, s->count ? s->rows[s->count - 1].weight : 50, s->measure, &s->arena);
	return s->verdict.kind;
}

static void judged(struct seen_so_far *s, int kind, const char *why)
{
	CHECK_INT(judge(s), kind);
	if (why)
		CHECK_STR(s->verdict.why, why);
	else
		CHECK(!s->verdict.why);
	arena_done(&s->arena);
}

#define SEEN(...) struct seen_so_far s = {__VA_ARGS__}
#define RATE(rate) .max_error_rate = {.is_set = true, .value = (rate)}
#define TIMES(factor) {.is_set = true, .is_relative = true, .value = (factor)}

/* ---- Bets ---- */

static double choose(int n, int k)
{
	double c = 1;
	for (int i = 0; i < k; i++)
		c = c * (n - i) / (i + 1);
	return c;
}

/* As long as the assumption holds, a bet gains nothing: over all that may come it is 1 on average. */
static void a_bet_is_fair(void)
{
	double sum = 0;
	for (int first = 0; first <= 6; first++)
		for (int then = 0; then <= 9; then++) {
			struct tally pieces[] = {{6, first, 0.3}, {9, then, 0.05}};
			double chance = choose(6, first) * pow(0.3, first) * pow(0.7, 6 - first) * choose(9, then) * pow(0.05, then) *
			                pow(0.95, 9 - then);
			sum += chance * exp(odds_against(pieces, 2, NULL));
		}
	CHECK(fabs(sum - 1) < 1e-9);
	CHECK(fabs(odds_against((struct tally[]){{0, 0, 0.5}}, 1, NULL)) < 1e-9);
	CHECK(odds_against(NULL, 0, NULL) == 0);
	CHECK(fabs(odds_against((struct tally[]){{500, 500, 1}}, 1, NULL)) < 1e-9); /* nobody else was there */
}

static void a_bet_finds_where_it_began(void)
{
	struct tally pieces[] = {{1000, 10, 0.01}, {2000, 21, 0.01}, {100, 20, 0.01}};
	size_t from = 9;
	double all = odds_against(pieces, 3, &from), alone = odds_against(&pieces[2], 1, NULL);
	CHECK_INT(from, 2);
	CHECK(all < alone && all > alone - 4); /* it costs something not to have known it */
	CHECK(odds_against(pieces, 2, NULL) < 1);
	CHECK(fabs(odds_add(log(2), log(3)) - log(5)) < 1e-12);
	CHECK(odds_add(-INFINITY, 1) == 1);
}

static void the_most_that_is_easy_to_believe(void)
{
	CHECK(odds_most(0, 0) == 1);
	CHECK(odds_most(1000, 0) > 0.008 && odds_most(1000, 0) < 0.01);
	CHECK(odds_most(1000, 50) > 0.07 && odds_most(1000, 50) < 0.08);
	CHECK(odds_most(10, 10) == 1 || fabs(odds_most(10, 10) - 1) < 1e-9);
}

/* ---- Errors: two sides ---- */

static void more_than_its_part_of_the_errors(void)
{
	SEEN();
	row(&s, 50, 120, 17, 2280, 3)->next.failed = 12;
	judged(&s, VERDICT_BAD, "next 17 of 120 attempts failed (14.2 %; 12 got no answer), stable 3 of 2,280 (0.1 %); "
	       "41.0 > 5.0 by the relative test, bound 1 %");
	s.rows[0].next.errors = 0;
	judged(&s, VERDICT_GOOD, NULL);
	s.count = 0;
	judged(&s, VERDICT_GOOD, NULL);
}

static void two_errors_are_no_verdict(void)
{
	SEEN();
	row(&s, 1, 2, 2, 9998, 0);
	judged(&s, VERDICT_GOOD, NULL);
	s.rows[0].next = (struct seen){.attempts = 3, .errors = 3};
	CHECK_INT(judge(&s), VERDICT_BAD);
	arena_done(&s.arena);
}

/* Far worse than stable, and still as good as the manifest asks for. */
static void within_the_bound_is_good(void)
{
	SEEN();
	row(&s, 50, 4000, 34, 76000, 0);
	judged(&s, VERDICT_GOOD, NULL);
	s.analysis = (struct analysis){RATE(0.003)};
	judged(&s, VERDICT_BAD, "next 34 of 4,000 attempts failed (0.8 %), stable 0 of 76,000 (0.0 %); "
	       "94.3 > 5.0 by the relative test, bound 0.3 %");
	s.analysis = (struct analysis){RATE(0)};
	CHECK_INT(judge(&s), VERDICT_BAD);
	arena_done(&s.arena);
}

static void so_many_times_as_many_errors(void)
{
	SEEN(.analysis.max_error_rate = TIMES(3));
	row(&s, 100, 1000, 30, 9000, 90); /* 3 times the rate */
	judged(&s, VERDICT_GOOD, NULL);
	s.rows[0].next.errors = 120;
	judged(&s, VERDICT_BAD, "next 120 of 1,000 attempts failed (12.0 %), stable 90 of 9,000 (1.0 %); "
	       "45.9 > 5.0 by the relative test, bound 3x");
	s.analysis = (struct analysis){.max_error_rate = TIMES(20)};
	judged(&s, VERDICT_GOOD, NULL);
}

static void both_sides_alike_is_no_verdict(void)
{
	static const int64_t percent[] = {2, 10, 30, 100};
	for (size_t i = 0; i < ARRAY_LEN(percent); i++) {
		SEEN();
		row(&s, 50, 200, 2 * percent[i], 3800, 38 * percent[i]);
		row(&s, 500, 1000, 10 * percent[i], 1000, 10 * percent[i]);
		CHECK(judge(&s) != VERDICT_BAD);
		CHECK_INT(s.verdict.kind, percent[i] < 20 ? VERDICT_GOOD : VERDICT_OPEN);
		arena_done(&s.arena);
	}
}

static void an_outage_cannot_be_told(void)
{
	SEEN();
	row(&s, 50, 20, 4, 380, 76);
	judged(&s, VERDICT_OPEN, "both sides fail: next 4 of 20 attempts failed (20.0 %), stable 76 of 380 (20.0 %)");
	s.rows[0].next.errors = 3; /* less than one in five */
	judged(&s, VERDICT_GOOD, NULL);
	/* Of the old one only: the new one is the cure. */
	s.rows[0].next.errors = 0;
	judged(&s, VERDICT_GOOD, NULL);
	/* It was under an earlier weight. */
	s.rows[0].next.errors = 4;
	row(&s, 250, 100, 0, 300, 0);
	judged(&s, VERDICT_GOOD, NULL);
}

/* While it had little nothing went wrong, and while it had half everything did: the sums alone would blame it. */
static void an_outage_under_one_weight_is_not_held_against_next(void)
{
	SEEN();
	row(&s, 50, 500, 0, 9500, 10);
	row(&s, 500, 1000, 120, 1000, 124);
	judged(&s, VERDICT_GOOD, NULL);
}

/* Clients are not all alike: those who always come to next may be the busy ones. */
static void a_share_that_came_out_larger_counts(void)
{
	SEEN();
	row(&s, 50, 1000, 30, 1000, 30);
	judged(&s, VERDICT_GOOD, NULL);
}

/* What went well for long does not weigh against what goes wrong now; the figures are those since then. */
static void what_breaks_later_is_seen(void)
{
	SEEN();
	row(&s, 50, 5000, 5, 95000, 95);
	row(&s, 250, 5000, 5, 15000, 15);
	row(&s, 250, 100, 20, 300, 0);
	judged(&s, VERDICT_BAD, "next 20 of 100 attempts failed (20.0 %), stable 0 of 300 (0.0 %); "
	       "22.7 > 5.0 by the relative test, bound 1 %");
}

/* ---- Errors: one side ---- */

static void alone_it_is_compared_with_the_weights_before(void)
{
	SEEN();
	row(&s, 50, 100, 0, 2000, 2);
	row(&s, PERMILLE, 400, 30, 0, 0);
	judged(&s, VERDICT_BAD, "next 30 of 400 attempts failed (7.5 %) with 100.0% of the requests, stable 2 of 2,000 so far (0.1 %); "
	       "31.1 > 7.6 by the absolute test, bound 1 %");
	/* A service that always fails so much is not worse for it. */
	s.rows[0].stable.errors = 140;
	s.rows[0].next.errors = 7;
	judged(&s, VERDICT_GOOD, NULL);
	s.analysis = (struct analysis){.max_error_rate = TIMES(0.1)};
	CHECK_INT(judge(&s), VERDICT_BAD);
	arena_done(&s.arena);
}

/* Also what stable did while next was in the dark. */
static void without_a_weight_before_it_is_compared_with_the_dark(void)
{
	SEEN();
	row(&s, 0, 0, 0, 2000, 2);
	row(&s, PERMILLE, 100, 9, 0, 0);
	CHECK_INT(judge(&s), VERDICT_BAD);
	arena_done(&s.arena);
}

static void alone_and_nothing_before(void)
{
	SEEN();
	row(&s, PERMILLE, 100, 9, 0, 0);
	judged(&s, VERDICT_GOOD, NULL);
	s.rows[0].next.errors = 30;
	judged(&s, VERDICT_BAD, "next 30 of 100 attempts failed (30.0 %) with 100.0% of the requests, stable 0 of 0 so far (0.0 %); "
	       "28.4 > 7.6 by the absolute test, bound 5 %");
	s.rows[0].next.errors = 9;
	s.analysis = (struct analysis){RATE(0.01)};
	CHECK_INT(judge(&s), VERDICT_BAD);
	arena_done(&s.arena);
}

/* With most of the requests it is judged by itself, too: stable has too few for a comparison. But they may say that it
 * is an outage. */
static void most_of_the_requests(void)
{
	SEEN();
	row(&s, 50, 100, 0, 2000, 2);
	row(&s, 900, 900, 60, 100, 0);
	judged(&s, VERDICT_BAD, "next 60 of 900 attempts failed (6.7 %) with 90.0% of the requests, stable 2 of 2,100 so far (0.1 %); "
	       "59.7 > 7.6 by the absolute test, bound 1 %");
	s.rows[1].stable.errors = 6;
	judged(&s, VERDICT_GOOD, NULL);
	s.rows[1] = (struct evidence){.weight = 900, .next = {.attempts = 90, .errors = 45}, .stable = {.attempts = 10, .errors = 5}};
	judged(&s, VERDICT_GOOD, NULL);
	s.rows[1].stable.errors = 2; /* may have been those in flight */
	CHECK_INT(judge(&s), VERDICT_BAD);
	arena_done(&s.arena);
	/* Up to the half of them it is only compared. */
	s.count = 1;
	row(&s, 500, 60, 6, 60, 0);
	judged(&s, VERDICT_GOOD, NULL);
}

/* ---- Latency ---- */

static void slower_by_half(void)
{
	SEEN();
	struct evidence *e = row(&s, 50, 0, 0, 0, 0);
	took(&e->stable, 1800, 40);
	took(&e->stable, 180, 100);
	took(&e->stable, 20, 400);
	took(&e->next, 90, 40 * 1.4);
	took(&e->next, 9, 100 * 1.4);
	took(&e->next, 1, 400 * 1.4);
	judged(&s, VERDICT_GOOD, NULL);
	/* The same, if less is allowed. */
	s.analysis.max_latency_p99 = (struct bound)TIMES(1.2);
	judged(&s, VERDICT_BAD, "next answered within 59 ms (p50) and 142 ms (p99) of 100 times, stable within 42 ms and 106 ms of "
	       "2,000; 99.8 > 6.2 by the latency test, bound 1.2x");
	s.analysis.max_latency_p99.value = 2;
	judged(&s, VERDICT_GOOD, NULL);
}

/* Half of them or the slowest of them: no bell is assumed. */
static void some_are_much_slower(void)
{
	SEEN();
	struct evidence *e = row(&s, 100, 0, 0, 0, 0);
	took(&e->stable, 1791, 40);
	took(&e->stable, 9, 90);
	took(&e->next, 190, 40);
	took(&e->next, 10, 900);
	judged(&s, VERDICT_BAD, "next answered within 42 ms (p50) and 914 ms (p99) of 200 times, stable within 42 ms and 42 ms of "
	       "1,800; 18.6 > 6.2 by the latency test, bound 1.5x");
	took(&e->stable, 90, 900); /* as many of stable's */
	judged(&s, VERDICT_GOOD, NULL);
}

static void a_few_milliseconds_are_nothing(void)
{
	SEEN();
	struct evidence *e = row(&s, 50, 0, 0, 0, 0);
	took(&e->stable, 1900, 2);
	took(&e->next, 100, 6);
	judged(&s, VERDICT_GOOD, NULL);
	took(&e->next, 100, 10);
	CHECK_INT(judge(&s), VERDICT_BAD);
	arena_done(&s.arena);
}

/* When all is slow it is not next that is. */
static void both_slow_alike_is_no_verdict(void)
{
	SEEN();
	struct evidence *e = row(&s, 50, 0, 0, 0, 0);
	took(&e->stable, 9500, 20);
	took(&e->next, 500, 20);
	e = row(&s, 500, 0, 0, 0, 0);
	took(&e->stable, 1000, 2000);
	took(&e->next, 1000, 2000);
	judged(&s, VERDICT_GOOD, NULL);
}

/* One in a hundred may take longer than the bound. */
static void slower_than_so_many_milliseconds(void)
{
	SEEN(.analysis.max_latency_p99 = {.is_set = true, .value = 500});
	struct evidence *e = row(&s, 100, 0, 0, 0, 0);
	took(&e->stable, 900, 40);
	took(&e->next, 99, 40);
	took(&e->next, 1, 2000);
	judged(&s, VERDICT_GOOD, NULL);
	took(&e->next, 9, 2000);
	judged(&s, VERDICT_BAD, "next took longer than 500 ms in 10 of 109 answers (9.2 %), stable in 0 of 900 (0.0 %); "
	       "19.9 > 6.2 by the relative test, bound p99 500 ms");
	took(&e->stable, 90, 2000); /* both do */
	judged(&s, VERDICT_GOOD, NULL);
	/* Many times as slow, and within the bound. */
	s.count = 0;
	e = row(&s, 100, 0, 0, 0, 0);
	took(&e->stable, 900, 10);
	took(&e->next, 100, 400);
	judged(&s, VERDICT_GOOD, NULL);
}

/* Under another load other latencies are usual: without a side to compare with only a bound in ms counts. */
static void slow_and_alone(void)
{
	SEEN();
	struct evidence *e = row(&s, 50, 0, 0, 0, 0);
	took(&e->stable, 1900, 40);
	e = row(&s, PERMILLE, 0, 0, 0, 0);
	took(&e->next, 100, 2000);
	judged(&s, VERDICT_GOOD, NULL);
	s.analysis.max_latency_p99 = (struct bound){.is_set = true, .value = 500};
	judged(&s, VERDICT_BAD, "next took longer than 500 ms in 100 of 100 answers (100.0 %), stable in 0 of 0 (0.0 %); "
	       "390.2 > 7.6 by the absolute test, bound p99 500 ms");
}

/* ---- The query, and what cannot be told ---- */

static void the_query_decides(void)
{
	struct measure m = {"shop", "web", "r2", true, 0.05, ""};
	SEEN(.analysis.query = {.url = "http://127.0.0.1:9090", .text = "errors", .max = 0.05}, .measure = &m);
	judged(&s, VERDICT_GOOD, NULL);
	m.value = 0.07;
	judged(&s, VERDICT_BAD, "the query answered 0.07, and 0.05 is the most that it may be");
	m.why = "of the last 5m";
	judged(&s, VERDICT_BAD, "the query answered 0.07, and 0.05 is the most that it may be: of the last 5m");
	m.has_value = false;
	m.why = "connection refused";
	judged(&s, VERDICT_OPEN, "the query has no answer yet: connection refused");
	s.measure = NULL;
	judged(&s, VERDICT_OPEN, "the query has no answer yet");
	/* It is asked beside the log, not in its place. */
	m = (struct measure){"shop", "web", "r2", true, 0, ""};
	s.measure = &m;
	row(&s, 50, 100, 50, 1900, 0);
	CHECK_INT(judge(&s), VERDICT_BAD);
	arena_done(&s.arena);
}

static void as_many_as_are_asked_for_under_each_weight(void)
{
	SEEN(.analysis.min_requests = 1200);
	judged(&s, VERDICT_OPEN, "saw 0 of 1,200 requests");
	row(&s, 50, 1199, 0, 20000, 0);
	judged(&s, VERDICT_OPEN, "saw 1,199 of 1,200 requests");
	row(&s, 50, 1, 0, 20, 0); /* the same weight, a later piece */
	judged(&s, VERDICT_GOOD, NULL);
	row(&s, 250, 7, 0, 20, 0);
	judged(&s, VERDICT_OPEN, "saw 7 of 1,200 requests");
	s.rows[2].next.errors = 7; /* bad needs no more of them */
	CHECK_INT(judge(&s), VERDICT_BAD);
	arena_done(&s.arena);
}

static const struct test tests[] = {
	TEST(a_bet_is_fair), TEST(a_bet_finds_where_it_began), TEST(the_most_that_is_easy_to_believe),
	TEST(more_than_its_part_of_the_errors), TEST(two_errors_are_no_verdict), TEST(within_the_bound_is_good),
	TEST(so_many_times_as_many_errors), TEST(both_sides_alike_is_no_verdict), TEST(an_outage_cannot_be_told),
	TEST(an_outage_under_one_weight_is_not_held_against_next), TEST(a_share_that_came_out_larger_counts),
	TEST(what_breaks_later_is_seen), TEST(alone_it_is_compared_with_the_weights_before),
	TEST(without_a_weight_before_it_is_compared_with_the_dark), TEST(alone_and_nothing_before), TEST(most_of_the_requests),
	TEST(slower_by_half), TEST(some_are_much_slower), TEST(a_few_milliseconds_are_nothing),
	TEST(both_slow_alike_is_no_verdict), TEST(slower_than_so_many_milliseconds), TEST(slow_and_alone),
	TEST(the_query_decides), TEST(as_many_as_are_asked_for_under_each_weight),
};

TESTS_MAIN(tests)
