/* decide, one decision at a time: what opens a gate, what ends a drain, and what is waited for. */
#include "model_host.h"

static void decide_now(struct host *h)
{
	decide(&h->desired, world_copy(&h->arena, h->world), &h->arena, &h->last);
	check_decision(&h->last);
}

static const struct action *action_of(struct host *h, enum action_kind kind)
{
	for (size_t i = 0; i < h->last.actions_count; i++)
		if (h->last.actions[i].kind == kind)
			return &h->last.actions[i];
	return NULL;
}

/* web serves from app:1, and its only instance of app:2 has been started just now. */
static struct host *on_trial(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, service_of(h, "web"), "app:2");
	run_rounds(h, 2);
	CHECK(find_instance(h, "shop-web-2")->state == INSTANCE_RUNNING);
	h->world->now_ms += 2000; /* longer than ready.for */
	return h;
}

static void a_gate_opens_for_what_passes_long_enough(void)
{
	struct host *h = on_trial();
	struct instance *i = find_instance(h, "shop-web-2");
	decide_now(h);
	CHECK(action_of(h, ACTION_ALIAS) != NULL);
	i->passing_since_ms = h->world->now_ms - 999;
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_INT(h->last.wait_until_ms, h->world->now_ms + 1);
	host_free(h);
}

static void a_health_check_that_has_not_passed_keeps_it_shut(void)
{
	struct host *h = on_trial();
	struct instance *i = find_instance(h, "shop-web-2");
	i->health = HEALTH_STARTING;
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_INT(h->last.wait_until_ms, i->started_ms + 60000);
	i->health = HEALTH_UNHEALTHY;
	decide_now(h);
	CHECK(action_of(h, ACTION_QUARANTINE) != NULL);
	host_free(h);
}

static void a_restart_on_trial_is_a_verdict(void)
{
	struct host *h = on_trial();
	find_instance(h, "shop-web-2")->restart_count = 1;
	decide_now(h);
	CHECK(action_of(h, ACTION_QUARANTINE) != NULL);
	host_free(h);
}

/* One probe that fails is no verdict on what was ready, and three seconds of them are. */
static void a_moment_of_failing_is_forgiven(void)
{
	struct host *h = on_trial();
	h->world->now_ms += 70000; /* past its deadline */
	struct instance *i = find_instance(h, "shop-web-2");
	i->passing_since_ms = 0;
	i->failing_since_ms = h->world->now_ms;
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_INT(h->last.wait_until_ms, h->world->now_ms + 3000);
	h->world->now_ms += 3000;
	decide_now(h);
	CHECK(action_of(h, ACTION_QUARANTINE) != NULL);
	host_free(h);
}

static void what_ended_with_the_engine_is_started_again(void)
{
	struct host *h = on_trial();
	engine_dies(h);
	decide_now(h);
	const struct action *start = action_of(h, ACTION_START);
	CHECK(start && strcmp(start->instance->name, "shop-web-1") == 0);
	CHECK(action_of(h, ACTION_QUARANTINE) == NULL);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_STR(h->last.services[0].revision, "rev-app:2");
	CHECK_INT(h->world->quarantines_count, 0);
	host_free(h);
}

/* The engine came back while it ran on, and asks its health check anew: what that says is not known for a while. */
static void what_the_engine_forgot_is_no_verdict(void)
{
	struct host *h = on_trial();
	struct instance *i = find_instance(h, "shop-web-2");
	h->world->now_ms += 600000;
	h->world->engine_started_ms = h->world->now_ms;
	i->health = HEALTH_STARTING;
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_INT(h->last.wait_until_ms, h->world->engine_started_ms + 60000);
	h->world->now_ms += 60000;
	decide_now(h);
	CHECK(action_of(h, ACTION_QUARANTINE) != NULL);
	host_free(h);
}

/* Under the engine that runs now an end is its own again. */
static void what_ends_after_that_is_a_verdict(void)
{
	struct host *h = on_trial();
	engine_dies(h);
	run_rounds(h, 1);
	h->exits = "rev-app:2";
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	host_free(h);
}

/* Its hold is of 5 seconds, of which 4 are over. */
static void a_hold_begins_again_with_a_new_start(void)
{
	struct host *h = on_trial();
	while (!traffic_of(h, "web") || traffic_of(h, "web")->weight < PERMILLE)
		run_rounds(h, 1);
	struct instance *i = find_instance(h, "shop-web-2");
	h->world->now_ms += 4000;
	i->started_ms = i->passing_since_ms = h->world->now_ms;
	h->world->now_ms += 4000;
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_INT(h->last.wait_until_ms, i->started_ms + 5000);
	host_free(h);
}

/* web went from two instances to one; nginx has let go of the second, and so have those who looked its name up. */
static struct host *draining(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	service_of(h, "web")->replicas = 2;
	run(h);
	service_of(h, "web")->replicas = 1;
	run_rounds(h, 2);
	CHECK_STR(h->log, "publish routes (instances of shop/web)\nshop/web: unalias shop-web-2\n");
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_STR(h->last.services[0].reason, "shop-web-2 drains: it has lost the name web, and who looked that up before may still come");
	CHECK_INT(h->last.wait_until_ms, find_instance(h, "shop-web-2")->alone_since_ms + 1500);
	h->world->now_ms = h->last.wait_until_ms;
	return h;
}

/* Fewer are wanted, and the one that stays is stopped by hand: those that leave are in nobody's way. */
static void the_one_that_stays_comes_back_beside_those_that_leave(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_ROLLING, true)->replicas = 3;
	run(h);
	service_of(h, "web")->replicas = 1;
	run_rounds(h, 1);
	find_instance(h, "shop-web-1")->state = INSTANCE_EXITED;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(h->world->instances_count, 1);
	CHECK_INT(find_instance(h, "shop-web-1")->state, INSTANCE_RUNNING);
	host_free(h);
}

static void what_is_idle_is_stopped(void)
{
	struct host *h = draining();
	decide_now(h);
	CHECK(action_of(h, ACTION_STOP) != NULL);
	host_free(h);
}

static void old_workers_and_connections_are_waited_for_but_not_for_ever(void)
{
	struct host *h = draining();
	h->world->nginx.draining_workers = 1;
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_INT(h->last.wait_until_ms, h->world->now_ms + 200);
	/* Who reads that at night knows what for, since when, and until when. */
	CHECK_CONTAINS(h->last.services[0].reason, "shop-web-2 drains since 2023-11-14 22:13:");
	CHECK_CONTAINS(h->last.services[0].reason, "Z: 0 connections, 1 old nginx worker; cut after the drain_timeout of 65s");
	CHECK_INT(h->last.services[0].until_ms, find_instance(h, "shop-web-2")->alone_since_ms + 65000);
	/* Who looks for the first time does not know since when it has been without the name. */
	h->world->watched_since_ms = h->world->now_ms;
	decide_now(h);
	CHECK_CONTAINS(h->last.services[0].reason, "shop-web-2 drains since 2023-11-14 22:13:");
	CHECK_INT(h->last.services[0].until_ms, 0);
	h->world->watched_since_ms = 0;
	h->world->nginx.draining_workers = 0;
	struct instance *i = find_instance(h, "shop-web-2");
	i->connections = 2;
	i->idle_readings = 0;
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_CONTAINS(h->last.services[0].reason, "2 connections");
	/* Two readings of nothing may be luck. */
	i->connections = 0;
	i->idle_readings = 2;
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_INT(h->last.wait_until_ms, h->world->now_ms + 50);
	i->connections = 2;
	i->idle_readings = 0;
	h->world->now_ms = i->alone_since_ms + 64999;
	decide_now(h);
	CHECK_INT(h->last.actions_count, 0);
	h->world->now_ms++;
	decide_now(h);
	const struct action *stop = action_of(h, ACTION_STOP);
	CHECK_STR(stop ? stop->reason : "", "cuts 2 connections after the drain time-out of 65s: name 1.5s, old nginx workers, connections (2 left)");
	host_free(h);
}

/* Each fact with what it took, as far as this run waited for it. */
static void a_stop_says_what_was_waited_for(void)
{
	struct host *h = draining();
	struct instance *i = find_instance(h, "shop-web-2");
	h->world->nginx.workers_gone_ms = i->alone_since_ms + 400;
	i->idle_since_ms = i->alone_since_ms + 7600;
	h->world->now_ms = i->alone_since_ms + 7700;
	decide_now(h);
	CHECK_STR(action_of(h, ACTION_STOP)->reason, "drained: name 1.5s, old nginx workers 0.4s, connections 7.6s");
	h->world->run_started_ms = i->alone_since_ms + 7000;
	decide_now(h);
	CHECK_STR(action_of(h, ACTION_STOP)->reason, "drained: name 0.0s, old nginx workers 0.0s, connections 0.6s");
	h->world->nginx.draining_workers = 1;
	h->world->now_ms = i->alone_since_ms + 65000;
	decide_now(h);
	CHECK_STR(action_of(h, ACTION_STOP)->reason,
	          "after the drain time-out of 65s: name 0.0s, old nginx workers (1 left), connections 0.6s");
	host_free(h);
}

/* What is installed has let go of it; but that is not what runs. */
static void nothing_is_drained_while_another_configuration_is_in_force(void)
{
	struct host *h = draining();
	h->world->nginx.is_current = false;
	decide_now(h);
	CHECK(action_of(h, ACTION_STOP) == NULL);
	CHECK(action_of(h, ACTION_PUBLISH) != NULL);
	host_free(h);
}

static void a_close_flag_left_behind_is_taken_away(void)
{
	struct host *h = draining();
	h->world->nginx.is_announcing = true;
	decide_now(h);
	CHECK(action_of(h, ACTION_UNANNOUNCE) != NULL);
	host_free(h);
}

/* It runs, in an old revision: that is not what the new one of ours was written for. */
static void a_dependency_that_is_being_replaced_is_waited_for(void)
{
	struct host *h = host_new();
	add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	depends_on(h, "web", "db", CONDITION_STARTED);
	run(h);
	set_image(h, service_of(h, "db"), "app:2");
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	const char *db = strstr(h->log, "shop/db: accept"), *web = strstr(h->log, "shop/web: create");
	CHECK(db && web && db < web);
	host_free(h);
}

/* The next address is above the highest in use, so that one comes back late; at the end it starts from below. */
static void addresses_wrap_round_and_skip_what_is_taken(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	service_of(h, "web")->replicas = 2;
	run(h);
	find_instance(h, "shop-web-2")->address = "10.231.0.254";
	service_of(h, "web")->replicas = 4;
	run_rounds(h, 1);
	/* .1 is the gateway, .2 an instance, .3 is still in nginx */
	CHECK_CONTAINS(h->log, "create shop-web-3 (app:1) at 10.231.0.4\n");
	CHECK_CONTAINS(h->log, "create shop-web-4 (app:1) at 10.231.0.5\n");
	host_free(h);
}

static const struct test tests[] = {
	TEST(a_gate_opens_for_what_passes_long_enough),
	TEST(a_health_check_that_has_not_passed_keeps_it_shut),
	TEST(a_restart_on_trial_is_a_verdict),
	TEST(a_moment_of_failing_is_forgiven),
	TEST(what_ended_with_the_engine_is_started_again),
	TEST(what_the_engine_forgot_is_no_verdict),
	TEST(what_ends_after_that_is_a_verdict),
	TEST(a_hold_begins_again_with_a_new_start),
	TEST(the_one_that_stays_comes_back_beside_those_that_leave),
	TEST(what_is_idle_is_stopped),
	TEST(old_workers_and_connections_are_waited_for_but_not_for_ever),
	TEST(a_stop_says_what_was_waited_for),
	TEST(nothing_is_drained_while_another_configuration_is_in_force),
	TEST(a_close_flag_left_behind_is_taken_away),
	TEST(a_dependency_that_is_being_replaced_is_waited_for),
	TEST(addresses_wrap_round_and_skip_what_is_taken),
};
TESTS_MAIN(tests)
