/* What the simulator has found in decide, each as the shortest story that showed it. */
#include "model_host.h"

static struct host *with(enum strategy strategy, bool is_routed, int replicas)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", strategy, is_routed);
	s->replicas = replicas;
	s->batch = 1;
	return h;
}

/* What left Git, or lost its route, is in nobody's list any more; its clients are still there. */
static void what_leaves_is_drained_too(void)
{
	struct host *h = with(STRATEGY_BLUE_GREEN, true, 1);
	add_service(h, "old", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	h->desired.projects[0].services_count = h->desired.routes_count = 1;
	run_rounds(h, 1);
	CHECK_STR(h->log, "publish routes (shop/old leaves)\n");
	find_instance(h, "shop-old-1")->connections = 2;
	find_instance(h, "shop-old-1")->idle_readings = 0;
	run_rounds(h, 1);
	CHECK_STR(h->log, "");
	run(h);
	CHECK_CONTAINS(h->log, "cuts 2 connections after the drain time-out");
	nothing_left(h);
	host_free(h);
}

/* nginx still does what it did before its files went: nothing is stopped that it may lead to. */
static void lost_files_of_nginx_are_no_reason_to_stop_anything(void)
{
	struct host *h = with(STRATEGY_ROLLING, true, 2);
	run(h);
	h->world->nginx.topology = (struct topology){0};
	h->world->nginx.is_current = false;
	h->never_ready = "rev-app:1";
	behave(h);
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	const char *stop = strstr(h->log, "stop"), *publish = strstr(h->log, "publish");
	CHECK(publish && (!stop || publish < stop));
	host_free(h);
}

static void a_route_may_go_in_the_middle(void)
{
	for (int strategy = 0; strategy < STRATEGY_COUNT; strategy++)
		for (int rounds = 1; rounds < 14; rounds++) {
			struct host *h = with((enum strategy)strategy, true, 2);
			run(h);
			set_image(h, service_of(h, "web"), "app:2");
			run_rounds(h, rounds);
			service_of(h, "web")->is_routed = false;
			h->desired.routes_count = 0;
			run(h);
			CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
			CHECK_INT(h->world->nginx.topology.services_count, 0);
			nothing_left(h);
			host_free(h);
		}
}

/* A run that ended before it noted the new route: the way back still leads to it. */
static void a_route_is_there_on_the_way_back(void)
{
	struct host *h = with(STRATEGY_BLUE_GREEN, false, 1);
	run(h);
	service_of(h, "web")->is_routed = true;
	add_route(h, "web");
	run(h);
	struct service *noted = arena_alloc(&h->arena, sizeof *noted);
	*noted = *h->world->goods[0].spec;
	noted->is_routed = false;
	h->world->goods[0].spec = noted;
	set_image(h, service_of(h, "web"), "app:2");
	h->exits = "rev-app:2";
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK(is_served(h, traffic_of(h, "web"), 0));
	host_free(h);
}

/* What is half removed is replaced once: what replaces it counts, too. */
static void a_broken_old_one_is_replaced_once(void)
{
	struct host *h = with(STRATEGY_BLUE_GREEN, true, 3);
	run(h);
	h->world->instances[0].state = INSTANCE_DEAD;
	h->world->instances[0].passing_since_ms = 0;
	set_image(h, service_of(h, "web"), "app:2");
	h->never_ready = "rev-app:2";
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK(!strstr(h->log, "create shop-web-8"));
	host_free(h);
}

/* Paused, and nobody knows any more what the old ones were made from. */
static void a_pause_makes_nothing_new(void)
{
	struct host *h = with(STRATEGY_CANARY, true, 1);
	run(h);
	h->world->goods_count = 0;
	set_image(h, service_of(h, "web"), "app:2");
	h->never_ready = "rev-app:2";
	run(h);
	*find_instance(h, "shop-web-1") = h->world->instances[--h->world->instances_count];
	*ARENA_PUSH(&h->arena, h->world->orders, h->world->orders_count) =
		(struct order){.kind = ORDER_PAUSE, .project = "", .service = "", .revision = "", .reason = ""};
	run(h);
	CHECK_INT(h->world->instances_count, 1);
	host_free(h);
}

/* The job completed in another revision, and what Git wants of it is not tried again: no reason for a new revision to wait
 * for ever, nor for what was good with the completed one to stay away. */
static void who_depends_on_what_went_back_is_blocked(void)
{
	struct host *h = host_new();
	struct service *job = add_service(h, "job", "app:1", STRATEGY_IN_PLACE, false);
	job->is_job = job->may_end = true;
	own_values(h, job)[1] = value_string("no");
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, false);
	depends_on(h, "web", "job", CONDITION_COMPLETED);
	run(h);
	h->world->instances_count = 1; /* web is gone */
	set_image(h, service_of(h, "job"), "app:2");
	*ARENA_PUSH(&h->arena, h->world->quarantines, h->world->quarantines_count) =
		(struct quarantine){"shop", "job", "rev-app:2", "it failed", 1};
	run(h);
	CHECK_INT(phase_of(h, "job"), PHASE_ROLLED_BACK);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_INT(find_instance(h, "shop-web-1")->state, INSTANCE_RUNNING);
	host_free(h);
}

static bool publish_is_refused(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_PUBLISH && err_set(e, ERR_INVALID, "nginx: unknown directive \"foo\"") < 0;
}

static void who_depends_on_what_nginx_refuses_is_blocked(void)
{
	struct host *h = with(STRATEGY_BLUE_GREEN, true, 1);
	add_service(h, "worker", "app:1", STRATEGY_IN_PLACE, false);
	depends_on(h, "worker", "web", CONDITION_STARTED);
	h->fails = publish_is_refused;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
	CHECK_INT(phase_of(h, "worker"), PHASE_BLOCKED);
	host_free(h);
}

static int least_used;

/* How many serve and get requests, at every publish. */
static bool count_used(struct host *h, const struct action *a, struct err *e)
{
	(void)e;
	for (size_t i = 0; a->kind == ACTION_PUBLISH && i < a->topology->services_count; i++) {
		const struct traffic *t = &a->topology->services[i], *was = traffic_of(h, t->service);
		int weight = was && strcmp(was->rollout, t->rollout) == 0 ? was->weight : 0;
		int used = (weight ? count_serving(h, &t->next) : 0) + (weight < PERMILLE ? count_serving(h, &t->stable) : 0);
		least_used = used < least_used ? used : least_used;
	}
	return false;
}

/* All requests go to the new revision; the old one comes back. Nobody leaves before the requests do. */
static void the_way_back_keeps_who_serves(void)
{
	struct host *h = with(STRATEGY_BLUE_GREEN, true, 4);
	service_of(h, "web")->keep_old_ms = 600000;
	run(h);
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_KEEPING);
	struct instance *old = find_instance(h, "shop-web-1");
	old->state = INSTANCE_EXITED;
	old->passing_since_ms = 0;
	set_image(h, service_of(h, "web"), "app:1");
	least_used = 100;
	h->fails = count_used;
	run(h);
	CHECK(least_used >= 4);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

/* One of the new ones dies while the batches go on: the others stay where they are. */
static void a_batch_does_not_take_out_who_serves(void)
{
	struct host *h = with(STRATEGY_ROLLING, true, 4);
	run(h);
	set_image(h, service_of(h, "web"), "app:2");
	while (!find_instance(h, "shop-web-7") || find_instance(h, "shop-web-7")->state != INSTANCE_RUNNING ||
	       !is_listed(h, find_instance(h, "shop-web-7")->address))
		run_rounds(h, 1);
	struct instance *dead = find_instance(h, "shop-web-7");
	dead->state = INSTANCE_EXITED;
	dead->passing_since_ms = 0;
	h->world->goods[0].revision = "rev-app:2"; /* noted by a run that was killed then: no verdict, it is mended */
	least_used = 100;
	h->fails = count_used;
	run(h);
	CHECK(least_used >= 3);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

/* Atomic, and another one of the project is paused: run after run it waits to be accepted, and what it had stopped of the
 * old ones stays so, although a new run has not seen the new ones pass yet. */
static void what_waits_to_be_accepted_starts_nothing_old(void)
{
	struct host *h = with(STRATEGY_ROLLING, false, 3);
	service_of(h, "web")->batch = 2;
	h->desired.projects[0].is_atomic = true;
	add_service(h, "db", "app:1", STRATEGY_BLUE_GREEN, false);
	run(h);
	*ARENA_PUSH(&h->arena, h->world->orders, h->world->orders_count) =
		(struct order){.kind = ORDER_PAUSE, .project = "shop", .service = "db", .revision = "", .reason = ""};
	set_image(h, service_of(h, "web"), "app:2");
	service_of(h, "db")->replicas = 2;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	for (size_t i = 0; i < h->world->instances_count; i++)
		if (h->world->instances[i].state == INSTANCE_RUNNING)
			h->world->instances[i].passing_since_ms = h->world->now_ms;
	nothing_left(h);
	host_free(h);
}

/* In place, half way between two revisions of which neither was ever good, and all lose their network: of the old one
 * nothing is left, and nobody knows what to make it from. */
static void nothing_is_made_of_what_nobody_knows(void)
{
	struct host *h = with(STRATEGY_IN_PLACE, true, 2);
	run(h);
	h->world->goods_count = 0;
	set_image(h, service_of(h, "web"), "app:2");
	while (!traffic_of(h, "web") || !*traffic_of(h, "web")->next.revision)
		run_rounds(h, 1);
	for (size_t i = 0; i < h->world->instances_count; i++)
		h->world->instances[i].address = "";
	h->world->goods_count = 0;
	set_image(h, service_of(h, "web"), "app:3");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(h->world->instances_count, 2);
	host_free(h);
}

/* One that is started again takes its memory too, before another service is given it. */
static void what_is_started_again_needs_its_memory(void)
{
	struct host *h = host_new();
	add_service(h, "bot", "app:1", STRATEGY_IN_PLACE, false)->replicas = 2;
	add_service(h, "web", "app:1", STRATEGY_ROLLING, false);
	own_values(h, service_of(h, "bot"))[2] = own_values(h, service_of(h, "web"))[2] = value_int(0);
	run(h);
	for (size_t i = 0; i < h->world->instances_count; i++)
		h->world->instances[i].memory_bytes = 40 << 20;
	h->world->host.memory_bytes = 1 << 30;
	h->world->host.memory_available_bytes = 60 << 20; /* for one of them */
	struct instance *ended = find_instance(h, "shop-bot-2");
	ended->state = INSTANCE_EXITED;
	ended->passing_since_ms = ended->memory_bytes = 0;
	set_image(h, service_of(h, "web"), "app:2");
	run_rounds(h, 1);
	CHECK_STR(h->log, "shop/bot: start shop-bot-2 (shop-bot-2 exited with code 0)\n");
	host_free(h);
}

/* An engine takes its time: what it is told to stop still runs, and is nothing to start upon. */
static void nothing_depends_on_what_is_being_stopped(void)
{
	struct host *h = with(STRATEGY_IN_PLACE, false, 1);
	add_service(h, "bot", "app:1", STRATEGY_IN_PLACE, false);
	depends_on(h, "bot", "web", CONDITION_STARTED);
	run(h);
	find_instance(h, "shop-bot-1")->state = INSTANCE_EXITED;
	find_instance(h, "shop-bot-1")->passing_since_ms = 0;
	find_instance(h, "shop-web-1")->is_stopping = true;
	run_rounds(h, 1);
	CHECK_STR(h->log, "");
	find_instance(h, "shop-web-1")->is_stopping = false;
	run_rounds(h, 1);
	CHECK_CONTAINS(h->log, "start shop-bot-1");
	host_free(h);
}

/* Decisions go on while a network is made, or an instance removed, or made under a name that somebody was faster to take. */
static void what_is_under_way_is_the_worse_of_before_and_after(void)
{
	struct host *h = with(STRATEGY_ROLLING, true, 1);
	run(h);
	size_t networks = h->world->networks_count;
	struct instance *web = find_instance(h, "shop-web-1");
	struct action network = {.kind = ACTION_NETWORK, .project = "stall", .network = "stall_reconcile", .subnet = "10.231.9.0/24"};
	struct action create = {.kind = ACTION_CREATE, .project = "shop", .service = "web", .name = "shop-web-1", .address = "10.231.0.9",
	                        .spec = service_of(h, "web"), .revision = "rev-app:1"};
	struct action removal = {.kind = ACTION_REMOVE, .project = "shop", .service = "web", .instance = web};
	for (int i = 0; i < 2; i++)
		model_under_way(h->world, &network, &h->arena);
	CHECK_INT(h->world->networks_count, networks + 1);
	CHECK_STR(h->world->networks[networks].subnet, "10.231.9.0/24");
	const char *address = web->address;
	model_under_way(h->world, &create, &h->arena);
	CHECK_STR(find_instance(h, "shop-web-1")->address, address);
	web->state = INSTANCE_EXITED;
	model_under_way(h->world, &removal, &h->arena);
	CHECK_INT(web->state, INSTANCE_DEAD);
	host_free(h);
}

/* Until the others have lost the name too, who looks it up may get the one that is stopped. */
static void the_last_name_goes_last(void)
{
	struct instance one = {.id = "1", .name = "shop-web-1"}, other = {.id = "2", .name = "shop-web-2"};
	struct action unalias = {.kind = ACTION_UNALIAS, .project = "shop", .service = "web", .instance = &one};
	struct action stop = {.kind = ACTION_STOP, .project = "shop", .service = "web", .instance = &other};
	CHECK(action_must_follow(&stop, &unalias));
	CHECK(!action_must_follow(&unalias, &stop));
	stop.service = "bot";
	CHECK(!action_must_follow(&stop, &unalias));
}

/* One built on the other: the engine found the second one gone while it removed it. */
static void images_go_one_by_one(void)
{
	struct past_image one = {.image = "shop-lib:1"}, other = {.image = "shop-lib:2"};
	struct action drop = {.kind = ACTION_DROP, .project = "shop", .service = "lib", .image = &one}, next = drop;
	next.image = &other;
	CHECK(action_must_follow(&next, &drop));
	CHECK(action_must_follow(&drop, &next));
}

/* The engine counts restarts from the last start that somebody asked for: those of before are no verdict. */
static void a_start_forgets_the_restarts_of_before(void)
{
	struct host *h = with(STRATEGY_ROLLING, false, 1);
	run(h);
	struct instance *web = find_instance(h, "shop-web-1");
	web->state = INSTANCE_EXITED;
	web->restart_count = 3;
	struct action start = {.kind = ACTION_START, .project = "shop", .service = "web", .instance = web};
	model_under_way(h->world, &start, &h->arena);
	CHECK_INT(web->restart_count, 0);
	host_free(h);
}

static const struct test tests[] = {
	TEST(what_leaves_is_drained_too),
	TEST(lost_files_of_nginx_are_no_reason_to_stop_anything),
	TEST(a_route_may_go_in_the_middle),
	TEST(a_route_is_there_on_the_way_back),
	TEST(a_broken_old_one_is_replaced_once),
	TEST(a_pause_makes_nothing_new),
	TEST(who_depends_on_what_went_back_is_blocked),
	TEST(who_depends_on_what_nginx_refuses_is_blocked),
	TEST(the_way_back_keeps_who_serves),
	TEST(a_batch_does_not_take_out_who_serves),
	TEST(what_waits_to_be_accepted_starts_nothing_old),
	TEST(nothing_is_made_of_what_nobody_knows),
	TEST(what_is_started_again_needs_its_memory),
	TEST(nothing_depends_on_what_is_being_stopped),
	TEST(what_is_under_way_is_the_worse_of_before_and_after),
	TEST(the_last_name_goes_last),
	TEST(images_go_one_by_one),
	TEST(a_start_forgets_the_restarts_of_before),
};
TESTS_MAIN(tests)
