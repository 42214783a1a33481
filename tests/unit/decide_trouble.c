/* decide when things go wrong in a particular way. What must never happen at any action is in model_host.h. */
#include "model_host.h"

static struct host *with(const char *name, enum strategy strategy, bool routed)
{
	struct host *h = host_new();
	add_service(h, name, "app:1", strategy, routed);
	return h;
}

static bool stop_fails(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_STOP && err_set(e, ERR_TRANSIENT, "cannot kill it") < 0;
}

static bool remove_fails(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_REMOVE && err_set(e, ERR_CONFLICT, "device or resource busy") < 0;
}

static bool create_meets_a_taken_address(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_CREATE && err_set(e, ERR_CONFLICT, "Address already in use") < 0;
}

static bool weight_fails(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_WEIGHT && err_set(e, ERR_TRANSIENT, "No space left on device") < 0;
}

static bool publish_fails(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_PUBLISH && err_set(e, ERR_INVALID, "nginx: unknown directive \"foo\"") < 0;
}

static bool park_fails(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_PARK && err_set(e, ERR_TRANSIENT, "by chance") < 0;
}

static bool app1_cannot_be_made(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	bool is_it = a->kind == ACTION_PULL && strcmp(a->spec->image, "app:1") == 0;
	return is_it && err_set(e, ERR_TRANSIENT, "the registry is away") < 0;
}

/* From any point of an in-place rollout: back, or on to something newer. model_host.h counts at every start. */
static void in_place_never_runs_two_on_any_way_back(void)
{
	for (int replicas = 1; replicas <= 2; replicas++)
		for (int rounds = 1; rounds < 16; rounds++)
			for (int image = 0; image < 2; image++) {
				struct host *h = with("db", STRATEGY_IN_PLACE, true);
				struct service *s = service_of(h, "db");
				s->replicas = replicas;
				run(h);
				set_image(h, s, "app:2");
				run_rounds(h, rounds);
				set_image(h, s, image ? "app:1" : "app:3");
				run(h);
				CHECK_INT(phase_of(h, "db"), PHASE_SETTLED);
				CHECK_INT(h->world->instances_count, replicas);
				nothing_left(h);
				host_free(h);
			}
}

static int least_serving;

static bool counts_who_serves(struct host *h, const struct action *a, struct err *e)
{
	(void)a;
	(void)e;
	const struct traffic *t = traffic_of(h, "db");
	int serving = (t->weight < PERMILLE ? count_serving(h, &t->stable) : 0) + (t->weight ? count_serving(h, &t->next) : 0);
	least_serving = serving < least_serving ? serving : least_serving;
	return false;
}

/* One slot after the other, back as there: others serve, of whichever revision they are. */
static void in_place_somebody_serves_on_the_way_back(void)
{
	for (int replicas = 2; replicas <= 3; replicas++)
		for (int rounds = 1; rounds < 24; rounds++) {
			struct host *h = with("db", STRATEGY_IN_PLACE, true);
			service_of(h, "db")->replicas = replicas;
			run(h);
			set_image(h, service_of(h, "db"), "app:2");
			run_rounds(h, rounds);
			least_serving = replicas;
			h->fails = counts_who_serves;
			set_image(h, service_of(h, "db"), "app:1");
			run(h);
			CHECK(least_serving >= 1);
			CHECK_INT(phase_of(h, "db"), PHASE_SETTLED);
			host_free(h);
		}
}

/* The gate passed, nginx leads to it, and then it dies: still the old one is known, and comes back. */
static void in_place_is_noted_before_the_old_one_is_let_go(void)
{
	for (int rounds = 1; rounds < 16; rounds++) {
		struct host *h = with("db", STRATEGY_IN_PLACE, true);
		run(h);
		set_image(h, service_of(h, "db"), "app:2");
		run_rounds(h, rounds);
		h->exits = "rev-app:2";
		bool was_good = strcmp(h->world->goods[0].revision, "rev-app:2") == 0;
		behave(h);
		run(h);
		CHECK_INT(phase_of(h, "db"), was_good ? PHASE_FAILED : PHASE_ROLLED_BACK);
		host_free(h);
	}
}

/* The one that is ill goes, whatever its number. */
static void fewer_in_place_replicas_while_one_is_ill(void)
{
	struct host *h = with("db", STRATEGY_IN_PLACE, true);
	service_of(h, "db")->replicas = 3;
	run(h);
	service_of(h, "db")->replicas = 1;
	struct instance *first = find_instance(h, "shop-db-1");
	first->passing_since_ms = 0;
	first->failing_since_ms = h->world->now_ms;
	h->world->now_ms += 100000;
	run(h);
	CHECK_INT(phase_of(h, "db"), PHASE_SETTLED);
	CHECK(is_served(h, traffic_of(h, "db"), 0));
	CHECK(!find_instance(h, "shop-db-1"));
	host_free(h);
}

/* A first deployment that the engine starts again and again comes to an end within its deadline. */
static void a_crash_loop_is_not_waited_for_for_ever(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	run_rounds(h, 3);
	struct instance *i = find_instance(h, "shop-web-1");
	i->state = INSTANCE_RESTARTING;
	i->exit_code = 1;
	i->restart_count = 3;
	i->passing_since_ms = 0;
	int64_t before = h->world->now_ms;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
	CHECK_CONTAINS(h->last.services[0].reason, "restart");
	CHECK(h->world->now_ms - before <= 62000);
	host_free(h);
}

/* One service that Docker cannot let go of neither ends the run nor holds up the others. */
static void what_cannot_be_stopped_or_removed_holds_up_nobody_else(void)
{
	for (int which = 0; which < 2; which++) {
		struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
		add_service(h, "other", "app:1", STRATEGY_BLUE_GREEN, true);
		run(h);
		set_image(h, service_of(h, "web"), "app:2");
		h->fails = which ? stop_fails : remove_fails;
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
		CHECK_CONTAINS(h->last.services[0].reason, which ? "cannot kill it" : "device or resource busy");
		CHECK_INT(phase_of(h, "other"), PHASE_SETTLED);
		h->fails = NULL;
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
		nothing_left(h);
		host_free(h);
	}
}

static void a_taken_address_is_no_verdict(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, service_of(h, "web"), "app:2");
	h->fails = create_meets_a_taken_address;
	run(h);
	CHECK_INT(h->world->quarantines_count, 0);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	host_free(h);
}

static void many_that_fail_at_once_are_one_attempt(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	service_of(h, "web")->replicas = 4;
	h->fails = create_meets_a_taken_address;
	run_rounds(h, 1);
	for (size_t i = 0; i < h->failures.count; i++)
		CHECK_INT(h->failures.items[i].attempts, 1);
	host_free(h);
}

static void weight_that_cannot_be_set_fails_that_service_only(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	add_service(h, "other", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	set_image(h, service_of(h, "web"), "app:2");
	set_image(h, service_of(h, "other"), "app:2");
	h->fails = weight_fails;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_INT(phase_of(h, "other"), PHASE_SETTLED);
	CHECK_INT(h->world->quarantines_count, 0);
	host_free(h);
}

static void a_failed_park_is_not_tried_for_ever(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	service_of(h, "web")->keep_old_ms = 600000;
	run(h);
	set_image(h, service_of(h, "web"), "app:2");
	h->fails = park_fails;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_KEEPING);
	host_free(h);
}

/* A refused configuration, or no nginx: a run ends and says so, also when something waits to be drained. */
static void a_removal_does_not_wait_for_a_broken_nginx(void)
{
	for (int is_down = 0; is_down < 2; is_down++) {
		struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
		add_service(h, "old", "app:2", STRATEGY_BLUE_GREEN, true);
		run(h);
		h->desired.projects[0].services_count = 1;
		h->desired.routes_count = 1;
		if (is_down) {
			h->world->nginx.is_up = h->world->nginx.is_current = false;
			h->world->nginx.problem = "no master runs";
		} else {
			h->fails = publish_fails;
		}
		run(h);
		CHECK_INT(phase_of(h, "old"), is_down ? PHASE_BLOCKED : PHASE_FAILED);
		CHECK(!strstr(h->log, "stop"));
		host_free(h);
	}
}

static void what_hangs_is_taken_out_before_it_is_stopped(void)
{
	static const enum instance_state states[] = {INSTANCE_PAUSED, INSTANCE_RESTARTING, INSTANCE_EXITED};
	for (size_t k = 0; k < ARRAY_LEN(states); k++) {
		struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
		add_service(h, "old", "app:2", STRATEGY_BLUE_GREEN, true);
		run(h);
		h->desired.projects[0].services_count = 1;
		h->desired.routes_count = 1;
		find_instance(h, "shop-old-1")->state = states[k];
		run(h);
		CHECK(strncmp(h->log, "publish routes (shop/old leaves)\n", 33) == 0);
		CHECK_INT(h->world->instances_count, 1);
		host_free(h);
	}
}

/* A fix must get in also when what serves cannot be mended. */
static void a_broken_stable_does_not_keep_the_fix_out(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	service_of(h, "web")->replicas = 2;
	run(h);
	h->world->instances_count--;
	h->world->instances[0].state = INSTANCE_DEAD;
	h->world->instances[0].passing_since_ms = 0;
	h->world->images[0].name = "something:else";
	set_image(h, service_of(h, "web"), "app:2");
	h->fails = app1_cannot_be_made;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_STR(h->last.services[0].revision, "rev-app:2");
	host_free(h);
}

/* The old one is kept and its spec is not known any more: what is half removed of it cannot be made again. */
static void a_kept_instance_that_died_is_not_replaced_by_something_else(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	service_of(h, "web")->keep_old_ms = 600000;
	run(h);
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	find_instance(h, "shop-web-1")->state = INSTANCE_DEAD;
	struct instance *now = find_instance(h, "shop-web-2");
	now->state = INSTANCE_EXITED;
	now->started_ms = now->passing_since_ms = 0;
	run(h);
	CHECK(!strstr(h->log, "create"));
	CHECK_INT(phase_of(h, "web"), PHASE_KEEPING);
	host_free(h);
}

static void a_lost_configuration_comes_back_before_anything_new(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	run(h);
	h->world->nginx.topology = (struct topology){0};
	h->world->nginx.is_current = false;
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	CHECK(strncmp(h->log, "publish routes (shop/web goes live)\n", 36) == 0);
	CHECK_CONTAINS(h->log, "shift traffic: 100.0%");
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

/* Back only to what nginx lists *and* is ready: another instance of the same revision is no help. */
static void traffic_does_not_go_back_to_an_instance_that_is_gone(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	struct service *s = service_of(h, "web");
	s->keep_old_ms = 600000;
	s->replicas = 2;
	run(h);
	set_image(h, s, "app:2");
	run(h);
	/* One of the two kept ones was replaced by hand; nginx still lists the address that is gone. */
	find_instance(h, "shop-web-1")->address = "10.231.0.77";
	find_instance(h, "shop-web-2")->address = "10.231.0.78";
	set_image(h, s, "app:1");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	nothing_left(h);
	host_free(h);
}

/* A commit during keep_old makes what serves the stable side: what nginx lists, and nothing that is down. */
static void a_commit_while_the_old_one_is_kept_starts_from_what_serves(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	struct service *s = service_of(h, "web");
	s->keep_old_ms = 600000;
	run(h);
	set_image(h, s, "app:2");
	run(h);
	struct instance *extra = ARENA_PUSH(&h->arena, h->world->instances, h->world->instances_count);
	*extra = *find_instance(h, "shop-web-2");
	extra->id = "extra";
	extra->name = "shop-web-9";
	extra->number = 9;
	extra->state = INSTANCE_EXITED;
	extra->passing_since_ms = 0;
	extra->address = "10.231.0.99";
	set_image(h, s, "app:3");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_KEEPING);
	CHECK_STR(h->last.services[0].revision, "rev-app:3");
	CHECK(!strstr(h->log, "shift traffic: 0.0%"));
	host_free(h);
}

static void a_project_without_services_removes_nothing(void)
{
	struct host *h = with("web", STRATEGY_BLUE_GREEN, true);
	run(h);
	h->desired.projects[0].services_count = 0;
	h->desired.routes_count = 0;
	nothing_left(h);
	CHECK(is_served(h, traffic_of(h, "web"), 0));
	host_free(h);
}

static const struct test tests[] = {
	TEST(in_place_never_runs_two_on_any_way_back),
	TEST(in_place_somebody_serves_on_the_way_back),
	TEST(in_place_is_noted_before_the_old_one_is_let_go),
	TEST(fewer_in_place_replicas_while_one_is_ill),
	TEST(a_crash_loop_is_not_waited_for_for_ever),
	TEST(what_cannot_be_stopped_or_removed_holds_up_nobody_else),
	TEST(a_taken_address_is_no_verdict),
	TEST(many_that_fail_at_once_are_one_attempt),
	TEST(weight_that_cannot_be_set_fails_that_service_only),
	TEST(a_failed_park_is_not_tried_for_ever),
	TEST(a_removal_does_not_wait_for_a_broken_nginx),
	TEST(what_hangs_is_taken_out_before_it_is_stopped),
	TEST(a_broken_stable_does_not_keep_the_fix_out),
	TEST(a_kept_instance_that_died_is_not_replaced_by_something_else),
	TEST(a_lost_configuration_comes_back_before_anything_new),
	TEST(traffic_does_not_go_back_to_an_instance_that_is_gone),
	TEST(a_commit_while_the_old_one_is_kept_starts_from_what_serves),
	TEST(a_project_without_services_removes_nothing),
};
TESTS_MAIN(tests)
