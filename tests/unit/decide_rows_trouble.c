/*
 * What may go wrong in a rollout, row by row, at every action of every strategy; and where the tool may be killed. A row
 * is named by what it is about (rows.sh has the list).
 */
#include "rows.h"

#define MIB ((int64_t)1 << 20)

static bool is_rows(const struct action *a, const char *revision)
{
	return a->revision && strcmp(a->revision, revision) == 0;
}

/* ---- B8: the new revision ---- */

static enum action_kind failing_kind;
static enum err_kind failing_as;
static int failing_from, failing_times, failing_seen; /* how many of them go well before, how many do not, and how many were */

static bool one_kind_fails(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	if (a->kind != failing_kind || (a->revision && !is_rows(a, "rev-app:2") && !is_rows(a, "rev-app:9")))
		return false;
	int seen = failing_seen++;
	return seen >= failing_from && seen < failing_from + failing_times && err_set(e, failing_as, "no way") < 0;
}

static struct host *asked_for_failing(const struct way *way, enum action_kind kind, enum err_kind as, int from, int times)
{
	struct host *h = asked_for_new(way);
	failing_kind = kind;
	failing_as = as;
	failing_from = from;
	failing_times = times;
	failing_seen = 0;
	also_fails = one_kind_fails;
	look_from_here(h);
	return h;
}

/* Nothing of it was ever in nginx. What Docker refuses for good is a verdict at once, also of the last of them. */
static void failed_start(void)
{
	static const enum action_kind kinds[] = {ACTION_CREATE, ACTION_START};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			for (int from = 0; from < ways[i].replicas; from++) {
				int before = check_failures;
				struct host *h = asked_for_failing(&ways[i], kinds[k], ERR_INVALID, from, 99);
				struct point p = {.way = &ways[i], .last = "", .weight = 0};
				went_back(h, &p);
				was_served(&p, ways[i].replicas);
				CHECK_INT(h->world->quarantines_count, 1);
				if (from == 0)
					CHECK(!strstr(h->trace.text, "shift traffic"));
				if (from == 0 && ways[i].strategy != STRATEGY_IN_PLACE)
					CHECK(!strstr(h->trace.text, "publish"));
				told(h, &p, before);
				/* By chance, and it is tried again. */
				before = check_failures;
				h = asked_for_failing(&ways[i], kinds[k], ERR_TRANSIENT, from, 1);
				comes_in(h, "rev-app:2", ways[i].replicas);
				was_served(&p, ways[i].replicas);
				told(h, &p, before);
			}
}

/* An image that is not there is a verdict, and a registry that is away is none; nothing is stopped before it is here. */
static void failed_pull(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (int is_away = 0; is_away < 2; is_away++) {
			int before = check_failures;
			struct host *h = asked_for_failing(&ways[i], ACTION_PULL, is_away ? ERR_TRANSIENT : ERR_NOT_FOUND, 0, 99);
			struct point p = {.way = &ways[i], .last = "", .weight = 0};
			set_image(h, service_of(h, "web"), "app:9");
			run(h);
			CHECK_INT(phase_of(h, "web"), is_away ? PHASE_BLOCKED : PHASE_ROLLED_BACK);
			CHECK_INT(h->world->quarantines_count, !is_away);
			CHECK_INT(least_serving, ways[i].replicas);
			CHECK(!strstr(h->trace.text, "stop") && !strstr(h->trace.text, "create") && !strstr(h->trace.text, "publish"));
			also_fails = NULL;
			if (is_away)
				comes_in(h, "rev-app:9", ways[i].replicas);
			told(h, &p, before);
		}
}

/* Ends before it is ready. */
static void failed_before_ready(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		int before = check_failures;
		struct host *h = asked_for_new(&ways[i]);
		struct point p = {.way = &ways[i], .last = "", .weight = 0};
		h->exits = "rev-app:2";
		went_back(h, &p);
		was_served(&p, ways[i].replicas);
		CHECK(!strstr(h->trace.text, "shift traffic"));
		told(h, &p, before);
	}
}

static void failed_starts(void)
{
	failed_start();
	failed_pull();
	failed_before_ready();
}

static void verdict_at(struct host *h, const struct point *p)
{
	run(h);
	if (has_both(p) && p->weight) {
		CHECK(is_before(h->log, "shift traffic: 0.0%", "publish"));
		CHECK(!strstr(h->log, "create"));
	}
	went_back(h, p);
	CHECK_INT(h->world->quarantines_count, 1);
	CHECK(most_up <= p->way->replicas + (has_both(p) ? p->way->replicas : p->way->strategy == STRATEGY_ROLLING));
}

/* What is accepted has nothing to go back to by itself: it stays, and says so. */
static void unready_at(struct host *h, const struct point *p)
{
	h->never_ready = "rev-app:2";
	behave(h);
	if (!p->is_accepted) {
		verdict_at(h, p);
		return;
	}
	h->world->now_ms += 120000;
	run(h);
	CHECK_INT(h->world->quarantines_count, 0);
	CHECK(!strstr(h->log, "start shop-web-1 "));
}

static void exits_at(struct host *h, const struct point *p)
{
	if (p->is_accepted)
		return;
	h->exits = "rev-app:2";
	behave(h);
	verdict_at(h, p);
}

static void fails_in_hold(void)
{
	at_each_point(unready_at);
	at_each_point(exits_at);
}

/* ---- B8: the old revision ---- */

/* One that has requests: no fault of the new one, and started again at once, whatever the rollout is waiting for. */
static void old_ends_at(struct host *h, const struct point *p, bool is_oom)
{
	struct instance *i = NULL;
	for (size_t k = 0; k < h->world->instances_count && !i; k++) {
		struct instance *one = &h->world->instances[k];
		if (strcmp(one->revision, "rev-app:1") == 0 && is_serving(one) && side_has(&traffic_of(h, "web")->stable, one->address))
			i = one;
	}
	if (!i || p->is_accepted)
		return;
	const char *name = i->name;
	int64_t ended_ms = h->world->now_ms;
	i->state = INSTANCE_EXITED;
	i->exit_code = 137;
	i->was_oom_killed = is_oom;
	i->passing_since_ms = 0;
	i->is_passing = false;
	if (has_both(p) && p->weight < PERMILLE) {
		run_rounds(h, 1);
		CHECK_CONTAINS(h->log, arena_printf(&h->arena, "start %s (%s exited with code 137%s)", name, name,
		                                    is_oom ? " (killed: out of memory)" : ""));
		CHECK(find_instance(h, name)->started_ms - ended_ms < 1000);
	}
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void old_dies_at(struct host *h, const struct point *p)
{
	old_ends_at(h, p, false);
}

static void old_dies(void)
{
	at_each_point(old_dies_at);
}

static void old_oom_at(struct host *h, const struct point *p)
{
	old_ends_at(h, p, true);
}

static void old_is_oom_killed(void)
{
	at_each_point(old_oom_at);
}

/* ---- B8: analysis (in place there are never two to compare: the manifest may not ask for it) ---- */

static void analysis_fails_at(struct host *h, const struct point *p)
{
	if (p->is_accepted || !p->weight)
		return;
	int64_t began_ms = h->world->now_ms;
	service_of(h, "web")->analysis = (struct analysis){.is_on = true};
	see(h, 100, 60, p->weight == PERMILLE ? 0 : 2000);
	run(h);
	CHECK_CONTAINS(h->log, "quarantine revision rev-app: (next 60 of 100 attempts failed (60.0 %)");
	went_straight_back(h, p);
	CHECK(h->world->now_ms - began_ms < 15000);
	went_back(h, p);
}

static void analysis_fails(void)
{
	at_each_point_but(STRATEGY_IN_PLACE, analysis_fails_at);
}

/* Neither accepted nor sent back: it waits where it is, for requests or for an operator. */
static void inconclusive_at(struct host *h, const struct point *p)
{
	if (p->is_accepted)
		return;
	service_of(h, "web")->analysis = (struct analysis){.is_on = true, .min_requests = 60};
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_CONTAINS(reason_of(h, "web"), "saw 0 of 60 requests");
	CHECK(traffic_of(h, "web")->weight >= p->weight && !strstr(h->log, "accept"));
	was_served(p, p->way->replicas);
	nothing_left(h);
	order(h, ORDER_PROMOTE, "web", "rev-app:2", PERMILLE);
	comes_in(h, "rev-app:2", p->way->replicas);
}

/* Something that both need is down. */
static void both_fail_at(struct host *h, const struct point *p)
{
	if (p->is_accepted || !p->weight || p->weight == PERMILLE)
		return;
	service_of(h, "web")->analysis = (struct analysis){.is_on = true};
	see(h, 200, 180, 2000)->stable.errors = 1800;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_INT(traffic_of(h, "web")->weight, p->weight);
	CHECK_INT(h->world->quarantines_count, 0);
}

static void analysis_inconclusive(void)
{
	at_each_point_but(STRATEGY_IN_PLACE, inconclusive_at);
	at_each_point_but(STRATEGY_IN_PLACE, both_fail_at);
}

/* ---- B8 and B9: the tool ---- */

/* Another process, a minute later: it has seen nothing of what passed before. */
static void another_run(struct host *h)
{
	h->world->now_ms += 60000;
	for (size_t i = 0; i < h->world->instances_count; i++) {
		struct instance *in = &h->world->instances[i];
		if (in->passing_since_ms)
			in->passing_since_ms = h->world->now_ms;
		if (in->alone_since_ms)
			in->alone_since_ms = h->world->now_ms;
	}
}

/* Nothing is done twice, nothing is left out. */
static void killed_at(struct host *h, const struct point *p)
{
	struct host *whole = asked_for_new(p->way);
	comes_in(whole, "rev-app:2", p->way->replicas);
	look_from_here(h);
	another_run(h);
	comes_in(h, "rev-app:2", p->way->replicas);
	was_served(p, p->way->replicas);
	CHECK_INT(count_lines(h->trace.text, "\n"), count_lines(whole->trace.text, "\n"));
	host_free(whole);
}

static void killed(void)
{
	at_each_point(killed_at);
}

/* So long after its start the hold is over, unless what is watched has ended in between. */
static void restarted(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways) - 1; i++)
		for (int has_ended = 0; has_ended < 2; has_ended++) {
			struct host *h = asked_for_new(&ways[i]);
			until(h, "shift traffic");
			another_run(h);
			for (size_t k = 0; has_ended && k < h->world->instances_count; k++)
				h->world->instances[k].started_ms = h->world->now_ms;
			h->log[0] = 0;
			int64_t again_ms = h->world->now_ms;
			until(h, ways[i].strategy == STRATEGY_BLUE_GREEN ? "accept" : ways[i].strategy == STRATEGY_CANARY ? "25.0%" : "stop");
			int64_t hold_ms = ways[i].strategy == STRATEGY_CANARY ? 10000 : 5000;
			CHECK(has_ended == (h->world->now_ms - again_ms >= hold_ms));
			comes_in(h, "rev-app:2", ways[i].replicas);
			host_free(h);
		}
}

/* ---- B8: dockerd ---- */

static void engine_dies_at(struct host *h, const struct point *p)
{
	engine_dies(h);
	comes_in(h, "rev-app:2", p->way->replicas);
}

/* The engine forgets what its health checks had said: that is not "unhealthy". */
static void health_is_forgotten_at(struct host *h, const struct point *p)
{
	h->world->now_ms += 600000;
	h->world->engine_started_ms = h->world->now_ms;
	for (size_t i = 0; i < h->world->instances_count; i++)
		if (h->world->instances[i].state == INSTANCE_RUNNING)
			h->world->instances[i].health = HEALTH_STARTING;
	run_rounds(h, 1);
	CHECK_INT(h->world->quarantines_count, 0);
	CHECK(p->way->strategy == STRATEGY_IN_PLACE || !strstr(h->log, "stop"));
	for (size_t i = 0; i < h->world->instances_count; i++)
		if (h->world->instances[i].health == HEALTH_STARTING)
			h->world->instances[i].health = HEALTH_HEALTHY;
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void dockerd_restarts(void)
{
	at_each_point(engine_dies_at);
	at_each_point(health_is_forgotten_at);
}

/* ---- B8: nginx ---- */

/* All that nginx leads to goes on; nothing is held against the revision; and when nginx takes it again, it comes in. */
static void nginx_refuses_at(struct host *h, const struct point *p, enum err_kind as)
{
	failing_kind = ACTION_PUBLISH;
	failing_as = as;
	failing_from = failing_seen = 0;
	failing_times = 99;
	also_fails = one_kind_fails;
	run(h);
	CHECK(phase_of(h, "web") == (strstr(h->trace.text, "! publish") ? PHASE_FAILED : PHASE_SETTLED));
	was_served(p, p->way->replicas);
	also_fails = NULL;
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void test_refuses_at(struct host *h, const struct point *p)
{
	nginx_refuses_at(h, p, ERR_INVALID);
}

static void nginx_test_fails(void)
{
	at_each_point(test_refuses_at);
}

static void not_live_at(struct host *h, const struct point *p)
{
	nginx_refuses_at(h, p, ERR_CONFLICT);
}

static void reload_is_not_live(void)
{
	at_each_point(not_live_at);
}

static void nginx_dies_at(struct host *h, const struct point *p)
{
	h->world->nginx.is_up = h->world->nginx.is_current = false;
	h->world->nginx.problem = "is not running";
	run(h);
	CHECK(!strstr(h->log, "shift") && !strstr(h->log, "publish") && !strstr(h->log, "create") && !strstr(h->log, "stop"));
	CHECK_INT(traffic_of(h, "web")->weight, p->weight);
	if (count_of(h, "rev-app:1"))
		CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	h->world->nginx.is_up = h->world->nginx.is_current = true;
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void nginx_is_dead(void)
{
	at_each_point(nginx_dies_at);
}

/* ---- B8: the host ---- */

/* Each takes 50 MiB: nothing more is made than there is room for, and nothing that serves has to go for it. */
static void memory_is_short_at(struct host *h, const struct point *p)
{
	for (size_t i = 0; i < h->world->instances_count; i++)
		h->world->instances[i].memory_bytes = h->world->instances[i].state == INSTANCE_RUNNING ? 50 * MIB : 0;
	h->world->host.memory_bytes = 1000 * MIB;
	h->world->host.memory_available_bytes = 20 * MIB;
	int made = count_of(h, "rev-app:2");
	run(h);
	was_served(p, p->way->replicas);
	if (p->way->strategy != STRATEGY_IN_PLACE) {
		CHECK(phase_of(h, "web") == PHASE_SETTLED || phase_of(h, "web") == PHASE_BLOCKED);
		CHECK(phase_of(h, "web") == PHASE_SETTLED || strstr(reason_of(h, "web"), " of shop/web would need "));
		CHECK(phase_of(h, "web") == PHASE_SETTLED || count_of(h, "rev-app:2") == made || p->way->strategy == STRATEGY_ROLLING);
	}
	h->world->host.memory_available_bytes = 500 * MIB;
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void memory_is_short(void)
{
	at_each_point(memory_is_short_at);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) { /* looked at before the first of them is made */
		struct point p;
		struct host *h = stopped_at(&ways[i], 0, &p);
		for (size_t k = 0; k < h->world->instances_count; k++)
			h->world->instances[k].memory_bytes = 50 * MIB;
		h->world->host.memory_bytes = 1000 * MIB;
		h->world->host.memory_available_bytes = 20 * MIB;
		run(h);
		bool fits = ways[i].strategy == STRATEGY_IN_PLACE; /* the slot is free by then */
		CHECK_INT(phase_of(h, "web"), fits ? PHASE_SETTLED : PHASE_BLOCKED);
		CHECK(fits || !*h->log);
		host_free(h);
	}
}

static bool nothing_is_written(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	bool is_writing = action_info(a->kind)->room == ROOM_NOTES || a->kind == ACTION_WEIGHT || a->kind == ACTION_PUBLISH;
	return is_writing && err_set(e, ERR_TRANSIENT, "No space left on device") < 0;
}

static void disk_is_full_at(struct host *h, const struct point *p)
{
	also_fails = nothing_is_written;
	run(h);
	CHECK_INT(traffic_of(h, "web")->weight, p->weight);
	CHECK(p->is_accepted || strcmp(good_of(h, "web")->revision, "rev-app:1") == 0);
	CHECK(p->is_accepted || count_of(h, "rev-app:1") == p->way->replicas);
	was_served(p, p->way->replicas);
	also_fails = NULL;
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void disk_is_full(void)
{
	at_each_point(disk_is_full_at);
}

static void no_later_than(int64_t *ms, int64_t now_ms)
{
	*ms = *ms < now_ms ? *ms : now_ms;
}

/* Between two runs: in one of them only the steady clock counts. What is to come has just been, for whoever looks first. */
static void clock_jumps_at(struct host *h, const struct point *p, int64_t by_ms)
{
	int64_t now_ms = h->world->now_ms += by_ms;
	for (size_t i = 0; i < h->world->nginx.topology.services_count; i++) {
		struct traffic *t = &h->world->nginx.topology.services[i];
		t->is_damaged = t->weight_since_ms > now_ms; /* its flags are made anew */
		no_later_than(&t->weight_since_ms, now_ms);
	}
	no_later_than(&h->world->nginx.installed_ms, now_ms);
	for (size_t i = 0; i < h->world->instances_count; i++) {
		no_later_than(&h->world->instances[i].created_ms, now_ms);
		no_later_than(&h->world->instances[i].started_ms, now_ms);
	}
	another_run(h);
	int64_t began_ms = h->world->now_ms;
	run(h);
	CHECK(h->world->now_ms - began_ms < 60000);
	was_served(p, p->way->replicas);
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void clock_is_set_back_at(struct host *h, const struct point *p)
{
	clock_jumps_at(h, p, -86400000);
}

static void clock_is_set_forward_at(struct host *h, const struct point *p)
{
	clock_jumps_at(h, p, 86400000);
}

static void clock_jumps(void)
{
	at_each_point(clock_is_set_forward_at);
	at_each_point(clock_is_set_back_at);
}

/* ---- B9 ---- */

/* Only at points whose last action is this one. */
static bool comes_after(const struct point *p, const char *action)
{
	return strstr(p->last, action) != NULL;
}

static void created_at(struct host *h, const struct point *p)
{
	if (!comes_after(p, ": create "))
		return;
	killed_at(h, p);
	CHECK_INT(count_lines(h->trace.text, ": create "), p->way->replicas);
}

static void after_create(void)
{
	at_each_point(created_at);
}

/* Its deadline goes on from its start. */
static void started_at(struct host *h, const struct point *p)
{
	if (!comes_after(p, ": start ") || p->weight)
		return;
	h->never_ready = "rev-app:2";
	behave(h);
	int64_t began_ms = h->world->now_ms;
	another_run(h);
	h->world->now_ms -= 30000;
	run(h);
	CHECK(h->world->now_ms - began_ms < 75000);
	went_back(h, p);
}

static void after_start(void)
{
	at_each_point(started_at);
}

/* What is installed is not what runs: it is published once more, before anything rests on it. */
static void renamed_at(struct host *h, const struct point *p)
{
	if (!comes_after(p, "publish"))
		return;
	h->world->nginx.is_current = false;
	another_run(h);
	run(h);
	CHECK(is_before(h->log, "publish", "shift"));
	CHECK(is_before(h->log, "publish", "stop"));
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void after_rename(void)
{
	at_each_point(renamed_at);
}

/* It runs, the flag is up, and the workers of before are there. */
static void unconfirmed_at(struct host *h, const struct point *p)
{
	if (!comes_after(p, "publish"))
		return;
	h->world->nginx.is_announcing = true;
	h->world->nginx.draining_workers = 1;
	another_run(h);
	comes_in(h, "rev-app:2", p->way->replicas);
	CHECK(!h->world->nginx.is_announcing);
}

static void after_hup(void)
{
	at_each_point(unconfirmed_at);
}

static void flag_is_left_at(struct host *h, const struct point *p)
{
	h->world->nginx.is_announcing = true;
	another_run(h);
	comes_in(h, "rev-app:2", p->way->replicas);
	CHECK(!h->world->nginx.is_announcing);
}

static void close_flag(void)
{
	at_each_point(flag_is_left_at);
}

/* Who still has connections is waited for anew, up to the time-out. */
static void drained_at(struct host *h, const struct point *p)
{
	if (!comes_after(p, ": unalias "))
		return;
	another_run(h);
	int64_t began_ms = h->world->now_ms;
	for (size_t i = 0; i < h->world->instances_count; i++)
		if (h->world->instances[i].alone_since_ms) {
			h->world->instances[i].connections = 2;
			h->world->instances[i].idle_readings = 0;
		}
	run(h);
	CHECK_CONTAINS(h->log, "(cuts 2 connections after the drain time-out of 65s: ");
	CHECK(h->world->now_ms - began_ms >= 65000);
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void during_drain(void)
{
	at_each_point(drained_at);
}

/* It goes as it was to go, and is not started again. */
static void stopped_after_at(struct host *h, const struct point *p)
{
	if (!comes_after(p, ": stop "))
		return;
	killed_at(h, p);
	CHECK(!strstr(h->log, "start shop-web-1 "));
}

static void after_stop(void)
{
	at_each_point(stopped_after_at);
}

/* The way back is never left for the way forward. */
static void back_is_left_at(struct host *h, const struct point *p)
{
	if (p->is_accepted || !p->weight)
		return;
	for (size_t actions = 1; ; actions++) {
		int before = check_failures;
		struct point again;
		struct host *back = stopped_at(p->way, p->actions, &again);
		back->exits = "rev-app:2";
		behave(back);
		back->stop_after = actions;
		run(back);
		bool was_killed = back->was_killed;
		back->stop_after = 0;
		another_run(back);
		went_back(back, p);
		CHECK_INT(back->world->quarantines_count, 1);
		CHECK_INT(count_lines(back->trace.text, "quarantine"), 1);
		told(back, p, before);
		if (!was_killed)
			break;
	}
	(void)h;
}

static void during_the_way_back(void)
{
	at_each_point(back_is_left_at);
}

/* Both copies: what runs goes on as it is, until somebody says `retry`. */
static void notes_are_lost_at(struct host *h, const struct point *p)
{
	h->world->are_notes_lost = true;
	h->world->goods_count = h->world->quarantines_count = h->world->past_goods.count = 0;
	another_run(h);
	nothing_left(h);
	CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
	CHECK_INT(traffic_of(h, "web")->weight, p->weight);
	h->world->are_notes_lost = false;
	comes_in(h, "rev-app:2", p->way->replicas);
}

static void notes_are_damaged(void)
{
	at_each_point(notes_are_lost_at);
}

static const struct test tests[] = {
	{"B8 failed start", failed_starts},
	{"B8 health fails in hold", fails_in_hold},
	{"B8 health fails on a stable container", old_dies},
	{"B8 analysis fails", analysis_fails},
	{"B8 analysis inconclusive", analysis_inconclusive},
	{"B8 crash between two actions", killed},
	{"B8 restart of the tool", restarted},
	{"B8 dockerd restart", dockerd_restarts},
	{"B8 nginx -t fails", nginx_test_fails},
	{"B8 reload accepted but not live", reload_is_not_live},
	{"B8 nginx dead", nginx_is_dead},
	{"B8 host out of memory", memory_is_short},
	{"B8 OOM-killed stable", old_is_oom_killed},
	{"B8 disk full", disk_is_full},
	{"B8 clock jump", clock_jumps},
	{"B9 after create, before start", after_create},
	{"B9 after start", after_start},
	{"B9 after rename, before HUP", after_rename},
	{"B9 after HUP, before confirm", after_hup},
	{"B9 close flag left behind", close_flag},
	{"B9 during drain", during_drain},
	{"B9 after stop, before remove", after_stop},
	{"B9 during the way back", during_the_way_back},
	{"B9 notes damaged", notes_are_damaged},
};
TESTS_MAIN(tests)
