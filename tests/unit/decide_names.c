/* decide: who is reached by the service's name, and what is done where the name cannot move. */
#include "model_host.h"

/* Who has the name of the service and runs: "shop-web-1 shop-web-2 ". */
static const char *named(struct host *h, const char *service)
{
	static char text[256];
	text[0] = 0;
	for (size_t i = 0; i < h->world->instances_count; i++) {
		const struct instance *in = &h->world->instances[i];
		if (strcmp(in->service, service) == 0 && in->state == INSTANCE_RUNNING && instance_has_name(in))
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", in->name);
	}
	return text;
}

static const struct action *action_of(struct host *h, enum action_kind kind)
{
	for (size_t i = 0; i < h->last.actions_count; i++)
		if (h->last.actions[i].kind == kind)
			return &h->last.actions[i];
	return NULL;
}

/* web at app:2 beside app:1, which serves; the next instance runs and is not ready yet. */
static struct host *on_trial(bool routed)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, routed);
	run(h);
	set_image(h, service_of(h, "web"), "app:2");
	run_rounds(h, 2);
	CHECK(find_instance(h, "shop-web-2")->state == INSTANCE_RUNNING);
	return h;
}

static void a_name_comes_after_the_gate_and_goes_before_the_drain(void)
{
	for (int routed = 0; routed < 2; routed++) {
		struct host *h = on_trial(routed);
		CHECK_STR(named(h, "web"), "shop-web-1 ");
		const struct endpoint *e = find_instance(h, "shop-web-2")->endpoints;
		CHECK(strcmp(e->network, "shop_default") == 0 && strcmp(e->address, "10.231.255.129") == 0);
		run(h);
		CHECK_STR(named(h, "web"), "shop-web-2 ");
		const char *given = strstr(h->log, "alias shop-web-2 as web"), *taken = strstr(h->log, "unalias shop-web-1");
		const char *stopped = strstr(h->log, "stop shop-web-1"), *shifted = strstr(h->log, "shift traffic");
		CHECK(given && taken && stopped && given < taken && taken < stopped && (!routed || (given < shifted && shifted < taken)));
		nothing_left(h);
		host_free(h);
	}
}

static void what_fails_never_has_it(void)
{
	struct host *h = on_trial(true);
	h->never_ready = "rev-app:2";
	behave(h);
	run(h);
	CHECK(!strstr(h->log, "alias"));
	CHECK_STR(named(h, "web"), "shop-web-1 ");
	host_free(h);
	/* After the gate, while it is watched: the old one has never lost it. */
	h = on_trial(true);
	h->world->now_ms += 2000;
	run_rounds(h, 3);
	CHECK_STR(named(h, "web"), "shop-web-1 shop-web-2 ");
	find_instance(h, "shop-web-2")->health = HEALTH_UNHEALTHY;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK(strstr(h->log, "unalias shop-web-2") < strstr(h->log, "stop shop-web-2"));
	CHECK_STR(named(h, "web"), "shop-web-1 ");
	host_free(h);
}

/* A way back: up again without the name first, then ready, then the name, then the traffic. */
static void a_parked_one_that_was_stopped_comes_back_unnamed(void)
{
	struct host *h = on_trial(true);
	service_of(h, "web")->keep_old_ms = 600000;
	run(h);
	CHECK_STR(named(h, "web"), "shop-web-2 ");
	find_instance(h, "shop-web-1")->state = INSTANCE_EXITED;
	set_image(h, service_of(h, "web"), "app:1");
	run(h);
	const char *started = strstr(h->log, "start shop-web-1"), *given = strstr(h->log, "alias shop-web-1");
	CHECK(started && given && started < given && given < strstr(h->log, "shift traffic: 0.0%"));
	CHECK_STR(named(h, "web"), "shop-web-1 ");
	host_free(h);
}

static bool taken_address(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_ALIAS && err_set(e, ERR_CONFLICT, "connect to shop_default: Address already in use") < 0;
}

static void one_that_cannot_get_it_gets_no_traffic(void)
{
	struct host *h = on_trial(true);
	h->world->now_ms += 2000;
	h->fails = taken_address;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_CONTAINS(h->last.services[0].reason, "Address already in use");
	CHECK_INT(traffic_of(h, "web")->weight, 0);
	CHECK_INT(h->world->quarantines_count, 0);
	CHECK_STR(named(h, "web"), "shop-web-1 ");
	/* The next run finds it off its network, and mends that. */
	h->fails = NULL;
	run(h);
	CHECK_CONTAINS(h->log, "alias shop-web-2 as web (it is not on shop_default)\n");
	CHECK_STR(named(h, "web"), "shop-web-2 ");
	nothing_left(h);
	host_free(h);
}

/* Off its network, however that came: back, at the address that it had. */
static void whoever_is_off_its_network_is_connected(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	lose_network(h, find_instance(h, "shop-web-1"));
	find_instance(h, "shop-db-1")->endpoints_count = 0; /* without a label nothing is left of it */
	run(h);
	CHECK_STR(h->log, "shop/web: alias shop-web-1 as web (it is not on shop_default)\n"
	                  "shop/db: alias shop-db-1 as db (it is not on shop_default)\n");
	CHECK_STR(find_instance(h, "shop-web-1")->endpoints->address, "10.231.255.128");
	CHECK_STR(find_instance(h, "shop-db-1")->endpoints->address, "");
	nothing_left(h);
	host_free(h);
}

static const char *stuck; /* the id of the one that it is about, or NULL for all */

static bool engine_lost_it(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	bool is_place = a->kind == ACTION_ALIAS || a->kind == ACTION_UNALIAS;
	return is_place && (!stuck || strcmp(a->instance->id, stuck) == 0) &&
	       err_set(e, ERR_TRANSIENT, "connect to shop_default: conflicts with existing route") < 0;
}

/* The engine was killed in the middle of a move: only a new container is rid of what is left in there. */
static void one_that_cannot_be_given_its_place_is_replaced(void)
{
	for (int trial = 0; trial < 2; trial++) {
		struct host *h = trial ? on_trial(true) : host_new();
		if (!trial) {
			add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
			run(h);
		}
		struct instance *one = find_instance(h, trial ? "shop-web-2" : "shop-web-1");
		stuck = one->id;
		lose_network(h, one);
		h->fails = engine_lost_it;
		run(h);
		CHECK_STR(named(h, "web"), "shop-web-2 ");
		CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
		/* What serves goes when the other one has come; what does not yet, before. */
		const char *created = strstr(h->log, "create shop-web-2"), *stopped = strstr(h->log, trial ? "stop shop-web-2" : "stop shop-web-1");
		CHECK(created && stopped && (created < stopped) != trial);
		CHECK_INT(strstr(h->log, "(shop-web-1 cannot be given its place on a network: connect to shop_default: conflicts") != NULL, !trial);
		h->fails = NULL;
		nothing_left(h);
		host_free(h);
	}
}

/* It has its requests from nginx all the same: a rollout goes on with it, and takes it away as it takes the others. */
static void what_serves_without_its_place_goes_on_until_its_turn(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_ROLLING, true);
	s->replicas = 2;
	s->batch = 1;
	run(h);
	stuck = find_instance(h, "shop-web-1")->id;
	lose_network(h, find_instance(h, "shop-web-1"));
	h->fails = engine_lost_it;
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(h->world->instances_count, 2);
	CHECK_STR(named(h, "web"), "shop-web-4 shop-web-3 ");
	CHECK(strstr(h->log, "shift traffic: 50.0%") && strstr(h->log, "stop shop-web-1"));
	nothing_left(h);
	host_free(h);
}

static int most_up;

static bool lost_and_counted(struct host *h, const struct action *a, struct err *e)
{
	int up = a->kind == ACTION_START;
	for (size_t i = 0; i < h->world->instances_count; i++)
		up += h->world->instances[i].state == INSTANCE_RUNNING;
	most_up = up > most_up ? up : most_up;
	return engine_lost_it(h, a, e);
}

/* Of three that may run at once one cannot serve any more: it goes before the one in its stead comes, on either way. */
static void what_lost_its_place_counts_among_those_that_run(void)
{
	for (int back = 0; back < 2; back++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", STRATEGY_ROLLING, true);
		s->replicas = 2;
		s->batch = 1;
		s->hold_ms = 60000;
		run(h);
		set_image(h, service_of(h, "web"), "app:2");
		for (int i = 0; i < 300 && traffic_of(h, "web")->weight != 500; i++)
			run_rounds(h, 1);
		CHECK_INT(traffic_of(h, "web")->weight, 500);
		struct instance *parked = find_instance(h, back ? "shop-web-2" : "shop-web-3");
		stuck = parked->id;
		lose_network(h, parked);
		most_up = 0;
		h->fails = lost_and_counted;
		if (back)
			find_instance(h, "shop-web-3")->health = HEALTH_UNHEALTHY;
		run(h);
		CHECK_INT(phase_of(h, "web"), back ? PHASE_ROLLED_BACK : PHASE_SETTLED);
		CHECK_INT(most_up, 3);
		CHECK_STR(named(h, "web"), back ? "shop-web-1 shop-web-4 " : "shop-web-5 shop-web-4 ");
		host_free(h);
	}
}

/* More containers would not help. */
static void when_none_can_be_given_its_place_none_is_replaced(void)
{
	for (int trial = 0; trial < 2; trial++) {
		struct host *h = trial ? on_trial(true) : host_new();
		if (!trial) {
			add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true)->replicas = 2;
			run(h);
			lose_network(h, find_instance(h, "shop-web-2"));
		}
		lose_network(h, find_instance(h, "shop-web-1"));
		stuck = NULL;
		h->fails = engine_lost_it;
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
		CHECK_CONTAINS(h->last.services[0].reason, "conflicts with existing route");
		CHECK_INT(h->world->instances_count, 2);
		CHECK_INT(find_instance(h, "shop-web-1")->state, INSTANCE_RUNNING);
		host_free(h);
	}
}

/* Where an address cannot be fixed the name stays where it is, from the first day; the plan says so. */
static void where_it_cannot_move_it_is_there_at_once(void)
{
	static const struct { const char *subnet, *range, *reason; } cases[] = {
		{"172.18.0.0/16", "", "others reach it as web at once: no fixed address on shop_default"}, /* made before, or by others */
		{"10.231.255.0/24", "10.231.255.0/26", "others reach it as web at once: no fixed address on shop_default"},
		{"10.231.255.0/24", "10.231.255.0/25", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = host_new();
		*ARENA_PUSH(&h->arena, h->world->networks, h->world->networks_count) =
			(struct network){"shop_default", cases[i].subnet, cases[i].range, "shop"};
		add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
		run(h);
		CHECK(!strstr(h->log, "at once"));
		set_image(h, service_of(h, "web"), "app:2");
		run_rounds(h, 1);
		const struct action *create = action_of(h, ACTION_CREATE);
		CHECK_STR(create->reason ? create->reason : "", cases[i].reason ? cases[i].reason : "");
		run(h);
		CHECK_INT(strstr(h->log, "unalias") == NULL, cases[i].reason != NULL);
		CHECK_STR(named(h, "web"), "shop-web-2 ");
		nothing_left(h);
		host_free(h);
	}
}

/* Traffic networks come from the bottom; a project's own from the top, and never from the lower half. */
static void subnets_run_out_for_the_traffic_last(void)
{
	static const struct { const char *subnet, *own, *traffic; } cases[] = {
		{"10.9.0.0/22", "shop_default (10.9.3.0/24)\n", "shop_reconcile (10.9.0.0/24)\n"},
		{"10.9.0.0/23", "shop_default (10.9.1.0/24)\n", "shop_reconcile (10.9.0.0/24)\n"},
		{"10.9.0.0/24", "shop_default\n", "shop_reconcile (10.9.0.0/24)\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = host_new();
		h->desired.subnet = cases[i].subnet;
		add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
		run(h);
		CHECK_CONTAINS(h->log, cases[i].own);
		CHECK_CONTAINS(h->log, cases[i].traffic);
		host_free(h);
	}
	/* The upper half is taken by others. */
	struct host *h = host_new();
	*ARENA_PUSH(&h->arena, h->world->networks, h->world->networks_count) = (struct network){"other", "10.231.128.0/17", "", ""};
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	CHECK_CONTAINS(h->log, "create network shop_default\n");
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

static const struct test tests[] = {
	TEST(a_name_comes_after_the_gate_and_goes_before_the_drain),
	TEST(what_fails_never_has_it),
	TEST(a_parked_one_that_was_stopped_comes_back_unnamed),
	TEST(one_that_cannot_get_it_gets_no_traffic),
	TEST(whoever_is_off_its_network_is_connected),
	TEST(one_that_cannot_be_given_its_place_is_replaced),
	TEST(what_serves_without_its_place_goes_on_until_its_turn),
	TEST(what_lost_its_place_counts_among_those_that_run),
	TEST(when_none_can_be_given_its_place_none_is_replaced),
	TEST(where_it_cannot_move_it_is_there_at_once),
	TEST(subnets_run_out_for_the_traffic_last),
};
TESTS_MAIN(tests)
