/*
 * Each strategy row by row: its steps, what an operator may say in the middle, and what Git may. A row is named by what
 * it is about (rows.sh has the list); where a rollout may be stopped anywhere, it is stopped at every action.
 */
#include "rows.h"

/* ---- B4 to B7: the steps ---- */

/* Where it is rolling, no more than a batch runs beside as many as are wanted, and as many as are wanted serve. Where fewer
 * were to serve for a while, the strategy is in-place, and says that it stops the old one first. */
static const struct steps_row {
	const char *name;
	enum strategy strategy;
	int replicas, batch;
	const char *steps;
} steps_rows[] = {
	{"B4 rolling 1 / 1 / 0", STRATEGY_ROLLING, 1, 1, "1+1(1)@1000 hold commit, 1+0(0)@1000"},
	{"B4 rolling 2 / 1 / 0", STRATEGY_ROLLING, 2, 1,
	 "1+2(1)@500 hold, 1+1(1)@500, 2+1(1)@1000 hold commit, 2+0(0)@1000"},
	{"B4 rolling 3 / 1 / 0", STRATEGY_ROLLING, 3, 1,
	 "1+3(2)@333 hold, 1+2(2)@333, 2+2(1)@667 hold, 2+1(1)@667, 3+1(1)@1000 hold commit, 3+0(0)@1000"},
	{"B4 rolling 3 / 0 / 1", STRATEGY_IN_PLACE, 3, 1,
	 "0+2(2)@0, 1+2(2)@333, 1+1(1)@500, 2+1(1)@667, 2+0(0)@1000, 3+0(0)@1000, 3+0(0)@1000 commit, 3+0(0)@1000"},
	{"B4 rolling 4 / 2 / 0", STRATEGY_ROLLING, 4, 2,
	 "2+4(2)@500 hold, 2+2(2)@500, 4+2(2)@1000 hold commit, 4+0(0)@1000"},
	{"B4 rolling 5 / 5 / 0", STRATEGY_ROLLING, 5, 5, "5+5(5)@1000 hold commit, 5+0(0)@1000"},
	{"B4 rolling 1 / 0 / 1", STRATEGY_IN_PLACE, 1, 1, "0+0(0)@0, 1+0(0)@1000, 1+0(0)@1000 commit, 1+0(0)@1000"},
};

static void steps_and_the_way_through_them(void)
{
	for (size_t i = 0; i < ARRAY_LEN(steps_rows); i++) {
		const struct steps_row *row = &steps_rows[i];
		struct way way = {row->strategy, row->replicas};
		struct host *h = asked_for_new(&way);
		struct service *s = service_of(h, "web");
		int before = check_failures;
		s->batch = row->batch;
		bool stops_first = row->strategy == STRATEGY_IN_PLACE;
		CHECK_STR(text_of(h, s, row->replicas), row->steps);
		look_from_here(h);
		comes_in(h, "rev-app:2", row->replicas);
		CHECK_INT(most_up, row->replicas + (stops_first ? 0 : row->batch));
		CHECK_INT(least_serving, row->replicas - (stops_first ? 1 : 0));
		CHECK(h->last.services[0].stops_old_first == stops_first);
		if (check_failures > before)
			fprintf(stderr, "%s\n%s", row->name, h->trace.text);
		host_free(h);
	}
}

/* Whatever the numbers. */
static void steps_of_any_size(void)
{
	struct arena a = {0};
	for (int n = 1; n <= 20; n++)
		for (int batch = 1; batch <= n; batch++) {
			struct service s = {.strategy = STRATEGY_ROLLING, .replicas = n, .batch = batch};
			struct steps steps;
			strategy_steps(&a, &s, n, &steps);
			for (size_t i = 0; i < steps.count; i++) {
				const struct step *step = &steps.items[i];
				CHECK(step->next + step->stable <= n + batch);
				CHECK(step->next + step->listed >= n);
				CHECK(step->weight == (step->next == n ? PERMILLE : strategy_share(step->next, step->listed)));
			}
			const struct step *last = &steps.items[steps.count - 1];
			CHECK(last->next == n && last->stable == 0 && last->weight == PERMILLE);
		}
	arena_done(&a);
}

static struct host *asked_for(enum strategy strategy, int replicas, int64_t keep_old_ms)
{
	struct host *h = asked_for_new(&(struct way){strategy, replicas});
	service_of(h, "web")->keep_old_ms = keep_old_ms;
	return h;
}

static void blue_green_steps(void)
{
	struct host *h = asked_for(STRATEGY_BLUE_GREEN, 3, 600000);
	CHECK_STR(text_of(h, service_of(h, "web"), 3),
	          "3+3(3)@0, 3+3(3)@1000 hold commit, 3+3(3)@1000 hold keep, 3+0(0)@1000");
	host_free(h);
}

/* All of them, and not even as somebody who may stand in. */
static void blue_green_preview(void)
{
	struct host *h = asked_for(STRATEGY_BLUE_GREEN, 2, 0);
	until(h, "alias shop-web-4");
	stands_at(h, 2, 2, 0, false);
	comes_in(h, "rev-app:2", 2);
	host_free(h);
}

/* It comes when the new ones have the requests and the old ones are warm: nothing is accepted without it. */
static void blue_green_approval(void)
{
	struct host *h = asked_for(STRATEGY_BLUE_GREEN, 2, 0);
	hold_by_hand(service_of(h, "web"));
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	stands_at(h, 2, 2, PERMILLE, true);
	CHECK_STR(good_of(h, "web")->revision, "rev-app:1");
	nothing_left(h);
	order(h, ORDER_PROMOTE, "web", "rev-app:2", PERMILLE);
	comes_in(h, "rev-app:2", 2);
	host_free(h);
}

static void blue_green_switch(void)
{
	struct host *h = asked_for(STRATEGY_BLUE_GREEN, 2, 600000);
	until(h, "shift traffic");
	stands_at(h, 2, 2, PERMILLE, true);
	CHECK_STR(good_of(h, "web")->revision, "rev-app:1");
	run_rounds(h, 1);
	CHECK_CONTAINS(reason_of(h, "web"), "is watched for 5s, with 100.0% of the requests");
	host_free(h);
}

/* Parked: warm, and the engine does not bring them back. What is kept does not hold up what is new. */
static void kept(enum strategy strategy)
{
	struct host *h = asked_for(strategy, 2, 600000);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_KEEPING);
	stands_at(h, 2, 2, PERMILLE, true);
	CHECK_STR(good_of(h, "web")->revision, "rev-app:2");
	CHECK(find_instance(h, "shop-web-1")->is_restart_off && is_serving(find_instance(h, "shop-web-1")));
	CHECK(!find_instance(h, "shop-web-3")->is_restart_off);
	nothing_left(h);
	service_of(h, "web")->keep_old_ms = 0;
	set_image(h, service_of(h, "web"), "app:3");
	comes_in(h, "rev-app:3", 2);
	host_free(h);
}

static void blue_green_keep_old(void)
{
	kept(STRATEGY_BLUE_GREEN);
}

/* One reload to announce and one to retire. */
static void retired(enum strategy strategy, int reloads)
{
	struct host *h = asked_for(strategy, 2, 600000);
	run(h);
	h->world->now_ms += 600000;
	comes_in(h, "rev-app:2", 2);
	CHECK_INT(count_lines(h->trace.text, "publish routes"), reloads);
	CHECK_INT(count_lines(h->trace.text, "unalias"), 2);
	host_free(h);
}

static void blue_green_retire(void)
{
	retired(STRATEGY_BLUE_GREEN, 2);
}

static void canary_steps(void)
{
	struct host *h = asked_for(STRATEGY_CANARY, 4, 600000);
	CHECK_STR(text_of(h, service_of(h, "web"), 4),
	          "1+4(4)@50 hold, 1+4(4)@250 hold, 2+4(4)@500 hold, 4+4(4)@500, 4+4(4)@1000 hold commit, 4+4(4)@1000 hold keep, "
	          "4+0(0)@1000");
	host_free(h);
}

static void canary_dark(void)
{
	struct host *h = asked_for(STRATEGY_CANARY, 4, 0);
	until(h, "alias shop-web-5");
	stands_at(h, 1, 4, 0, false);
	host_free(h);
}

/* As many as the share needs, and all of the old ones. */
static void canary_shares(void)
{
	static const struct {
		const char *when;
		int next, weight;
	} shares[] = {{"5.0%", 1, 50}, {"25.0%", 1, 250}, {"50.0%", 2, 500}, {"100.0%", 4, PERMILLE}};
	struct host *h = asked_for(STRATEGY_CANARY, 4, 0);
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		until(h, shares[i].when);
		stands_at(h, shares[i].next, 4, shares[i].weight, true);
		CHECK_STR(good_of(h, "web")->revision, "rev-app:1");
	}
	comes_in(h, "rev-app:2", 4);
	host_free(h);
}

static void canary_keep_old(void)
{
	kept(STRATEGY_CANARY);
}

/* Two instances: one more reload, when the second one comes in. */
static void canary_retire(void)
{
	retired(STRATEGY_CANARY, 3);
}

/* Nothing is restarted, nothing is reloaded; and back again. */
static void live_change(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_for_new(&ways[i]);
		set_image(h, service_of(h, "web"), "app:1");
		run(h);
		own_values(h, service_of(h, "web"))[2] = value_int(128 << 20);
		comes_in(h, "rev-app:1", ways[i].replicas);
		CHECK_INT(count_lines(h->trace.text, "update shop-web-"), ways[i].replicas);
		CHECK_INT(count_lines(h->trace.text, "\n"), ways[i].replicas + 1); /* and then nothing */
		own_values(h, service_of(h, "web"))[2] = value_int(64 << 20);
		comes_in(h, "rev-app:1", ways[i].replicas);
		CHECK_INT(count_lines(h->trace.text, "update shop-web-"), 2 * ways[i].replicas);
		host_free(h);
	}
}

/* The others serve, none runs beside the one that it replaces, and it leaves nginx before it stops. */
static void slot_by_slot(void)
{
	struct host *h = asked_for(STRATEGY_IN_PLACE, 3, 0);
	look_from_here(h);
	until(h, "stop shop-web-");
	CHECK_INT(traffic_of(h, "web")->stable.addresses_count, 2);
	comes_in(h, "rev-app:2", 3);
	CHECK_INT(most_up, 3);
	CHECK_INT(least_serving, 2);
	CHECK(h->last.services[0].stops_old_first);
	host_free(h);
}

/* ---- B8: an operator ---- */

/* What is accepted cannot be called off any more: the command says so. */
static void abort_at(struct host *h, const struct point *p)
{
	if (p->is_accepted)
		return;
	order(h, ORDER_ABORT, "web", "rev-app:2", 0);
	run(h);
	went_straight_back(h, p);
	went_back(h, p);
	CHECK_INT(h->world->quarantines_count, 0); /* `retry` takes the word back, and no verdict is left */
	CHECK_CONTAINS(reason_of(h, "web"), "aborted by an operator");
}

static void aborted(void)
{
	at_each_point(abort_at);
}

/* In place nobody is left half way: what has no new one yet goes back, and what has one goes on. */
static void pause_at(struct host *h, const struct point *p)
{
	if (p->is_accepted)
		return;
	order(h, ORDER_PAUSE, "web", "", 0);
	h->world->now_ms += 3600000;
	run(h);
	if (p->way->strategy != STRATEGY_IN_PLACE || !p->actions) {
		CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
		CHECK_INT(traffic_of(h, "web")->weight, p->weight);
		CHECK(!strstr(h->log, "create") && !strstr(h->log, "publish") && !strstr(h->log, "shift traffic"));
		nothing_left(h);
	}
	was_served(p, p->way->replicas);
	h->world->orders_count = 0;
	comes_in(h, "rev-app:2", p->way->replicas);
}

/* What fails goes back all the same. */
static void pause_and_fail_at(struct host *h, const struct point *p)
{
	if (p->is_accepted || !p->weight)
		return;
	order(h, ORDER_PAUSE, "web", "", 0);
	h->exits = "rev-app:2";
	behave(h);
	run(h);
	CHECK_CONTAINS(h->log, "quarantine revision");
	CHECK_INT(traffic_of(h, "web")->weight, 0);
	h->world->orders_count = 0;
	went_back(h, p);
}

static void paused(void)
{
	at_each_point(pause_at);
	at_each_point(pause_and_fail_at);
}

static int64_t time_with(const struct way *way, bool is_promoted)
{
	struct host *h = asked_for_new(way);
	int64_t began_ms = h->world->now_ms;
	if (is_promoted)
		order(h, ORDER_PROMOTE, "web", "rev-app:2", PERMILLE);
	comes_in(h, "rev-app:2", way->replicas);
	int64_t took_ms = h->world->now_ms - began_ms;
	host_free(h);
	return took_ms;
}

/* The holds are over, the gates are not. */
static void promote_at(struct host *h, const struct point *p)
{
	if (p->is_accepted || p->weight == PERMILLE)
		return;
	order(h, ORDER_PROMOTE, "web", "rev-app:2", PERMILLE);
	h->never_ready = "rev-app:2";
	behave(h);
	went_back(h, p);
	CHECK(!strstr(h->trace.text, "accept revision"));
}

static void promoted(void)
{
	static const int64_t holds_ms[STRATEGY_COUNT] = {[STRATEGY_ROLLING] = 15000, [STRATEGY_BLUE_GREEN] = 5000,
	                                                 [STRATEGY_CANARY] = 35000};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		CHECK(time_with(&ways[i], false) - time_with(&ways[i], true) >= holds_ms[ways[i].strategy]);
	at_each_point(promote_at);
	/* A manual hold waits for its word, and each word is for the holds up to its share. */
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_for_new(&ways[i]);
		hold_by_hand(service_of(h, "web"));
		int words = 0;
		run(h);
		for (; phase_of(h, "web") == PHASE_WAITING && words < 9; words++) {
			nothing_left(h);
			h->world->orders_count = 0;
			order(h, ORDER_PROMOTE, "web", "rev-app:2", traffic_of(h, "web")->weight);
			run(h);
		}
		static const int holds[STRATEGY_COUNT] = {[STRATEGY_ROLLING] = 3, [STRATEGY_BLUE_GREEN] = 1, [STRATEGY_CANARY] = 2};
		CHECK_INT(words, holds[ways[i].strategy]);
		comes_in(h, "rev-app:2", ways[i].replicas);
		host_free(h);
	}
}

/* ---- B8: Git ---- */

static int served_by_old; /* when the first of the newest was made; -1: none was */

static bool newest_is_made(struct host *h, const struct action *a, struct err *e)
{
	(void)e;
	if (a->kind == ACTION_CREATE && strcmp(a->revision, "rev-app:3") == 0 && served_by_old < 0)
		served_by_old = count_serving(h, &traffic_of(h, "web")->stable);
	return false;
}

/* What was good last has all its instances again before the newest comes in; and once app:2 is accepted, that is it. */
static void newer_at(struct host *h, const struct point *p)
{
	served_by_old = -1;
	also_fails = newest_is_made;
	set_image(h, service_of(h, "web"), "app:3");
	comes_in(h, "rev-app:3", p->way->replicas);
	was_served(p, p->way->replicas);
	if (p->way->strategy != STRATEGY_IN_PLACE)
		CHECK_INT(served_by_old, p->way->replicas);
	CHECK(!p->is_accepted || !strstr(h->log, "start shop-web-1 "));
}

static void newer_revision(void)
{
	at_each_point(newer_at);
}

static void several_revisions(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_for_new(&ways[i]);
		set_image(h, service_of(h, "web"), "app:3");
		comes_in(h, "rev-app:3", ways[i].replicas);
		CHECK(!strstr(h->trace.text, "app:2"));
		host_free(h);
	}
}

static void revert_at(struct host *h, const struct point *p)
{
	int64_t began_ms = h->world->now_ms;
	if (p->is_accepted)
		return;
	set_image(h, service_of(h, "web"), "app:1");
	run(h);
	went_straight_back(h, p);
	CHECK(h->world->now_ms - began_ms < 5000 * p->way->replicas); /* without holds */
	CHECK(!strstr(h->log, "is watched"));
	comes_in(h, "rev-app:1", p->way->replicas);
	/* Nothing is held against what was taken back. */
	set_image(h, service_of(h, "web"), "app:2");
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void reverted(void)
{
	at_each_point(revert_at);
}

/* A name and a shift. Rolling and in place keep nothing: for them it is a rollout. */
static void revert_while_kept(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_for_new(&ways[i]);
		struct point p = {.way = &ways[i]};
		service_of(h, "web")->keep_old_ms = 600000;
		run(h);
		CHECK_INT(phase_of(h, "web"), has_both(&p) ? PHASE_KEEPING : PHASE_SETTLED);
		p = point_of(h, &ways[i], 0);
		look_from_here(h);
		int64_t began_ms = h->world->now_ms;
		set_image(h, service_of(h, "web"), "app:1");
		run(h);
		went_straight_back(h, &p);
		CHECK(!has_both(&p) || h->world->now_ms - began_ms < 5000);
		CHECK(has_both(&p) == !strstr(h->log, "create"));
		comes_in(h, "rev-app:1", ways[i].replicas);
		host_free(h);
	}
}

/* There is nothing left of it but its image: without a rollback_window it comes in as any other does. */
static void revert_after_keep(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_for_new(&ways[i]);
		service_of(h, "web")->rollback_window = 0;
		comes_in(h, "rev-app:2", ways[i].replicas);
		look_from_here(h);
		set_image(h, service_of(h, "web"), "app:1");
		run(h);
		was_served(&(struct point){.way = &ways[i]}, ways[i].replicas);
		CHECK_CONTAINS(h->log, "accept revision");
		CHECK(!strstr(h->log, "pull"));
		comes_in(h, "rev-app:1", ways[i].replicas);
		host_free(h);
	}
}

static void scale_up_at(struct host *h, const struct point *p)
{
	service_of(h, "web")->replicas++;
	comes_in(h, "rev-app:2", p->way->replicas + 1);
	was_served(p, p->way->replicas);
}

static void scale_down_at(struct host *h, const struct point *p)
{
	service_of(h, "web")->replicas--;
	comes_in(h, "rev-app:2", p->way->replicas - 1);
	was_served(p, p->way->replicas - 1);
}

/* Its share does not rise with it. */
static void scaled(void)
{
	at_each_point(scale_up_at);
	at_each_point(scale_down_at);
	struct host *h = asked_for(STRATEGY_CANARY, 2, 0);
	hold_by_hand(service_of(h, "web"));
	run(h);
	for (int to = 1; to <= 5; to++) {
		service_of(h, "web")->replicas = to;
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
		CHECK_INT(traffic_of(h, "web")->weight, 50);
	}
	order(h, ORDER_PROMOTE, "web", "rev-app:2", PERMILLE);
	comes_in(h, "rev-app:2", 5);
	host_free(h);
}

static bool has_fallen;

static bool weight_falls(struct host *h, const struct action *a, struct err *e)
{
	(void)e;
	has_fallen |= a->kind == ACTION_WEIGHT && a->weight < traffic_of(h, "web")->weight;
	return false;
}

/* No plan is frozen: the steps are read off the world as they are written now, and go on from the share that it has. */
static void options_at(struct host *h, const struct point *p)
{
	static struct canary_step other[] = {{20, 1000}, {300, 1000}, {400, 1000}};
	struct service *s = service_of(h, "web");
	has_fallen = false;
	also_fails = weight_falls;
	s->batch = 2;
	s->hold_ms = 1000;
	if (s->steps_count) {
		s->steps = other;
		s->steps_count = ARRAY_LEN(other);
	}
	comes_in(h, "rev-app:2", p->way->replicas);
	CHECK(!has_fallen);
}

/* Nor when it comes in another way from here on. */
static void strategy_at(struct host *h, const struct point *p)
{
	static const enum strategy then[STRATEGY_COUNT] = {
		[STRATEGY_ROLLING] = STRATEGY_BLUE_GREEN, [STRATEGY_BLUE_GREEN] = STRATEGY_CANARY,
		[STRATEGY_CANARY] = STRATEGY_ROLLING, [STRATEGY_IN_PLACE] = STRATEGY_ROLLING};
	struct service *s = service_of(h, "web");
	has_fallen = false;
	also_fails = weight_falls;
	s->strategy = then[p->way->strategy];
	is_rolling |= s->strategy == STRATEGY_ROLLING;
	look_from_here(h);
	s->steps = quick;
	s->steps_count = s->strategy == STRATEGY_CANARY ? ARRAY_LEN(quick) : 0;
	comes_in(h, "rev-app:2", p->way->replicas);
	was_served(p, p->way->replicas);
	CHECK(!has_fallen);
}

static void options_changed(void)
{
	at_each_point(options_at);
	at_each_point(strategy_at);
}

static const struct test tests[] = {
	TEST(steps_and_the_way_through_them),
	TEST(steps_of_any_size),
	{"B5 blue-green steps", blue_green_steps},
	{"B5 preview up", blue_green_preview},
	{"B5 approval", blue_green_approval},
	{"B5 switch", blue_green_switch},
	{"B5 keep old", blue_green_keep_old},
	{"B5 retire", blue_green_retire},
	{"B6 canary steps", canary_steps},
	{"B6 dark", canary_dark},
	{"B6 shares", canary_shares},
	{"B6 keep old", canary_keep_old},
	{"B6 retire", canary_retire},
	{"B7 live", live_change},
	{"B7 slot by slot", slot_by_slot},
	{"B8 abort", aborted},
	{"B8 pause and resume", paused},
	{"B8 promote", promoted},
	{"B8 new revision mid-rollout", newer_revision},
	{"B8 several revisions at once", several_revisions},
	{"B8 revert mid-rollout", reverted},
	{"B8 revert while the old one is kept", revert_while_kept},
	{"B8 revert after that", revert_after_keep},
	{"B8 scale mid-rollout", scaled},
	{"B8 options changed mid-rollout", options_changed},
};
TESTS_MAIN(tests)
