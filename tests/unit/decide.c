/* decide against the model world: what happens, action by action. What must never happen is in model_host.h. */
#include "model_host.h"

/* ---- Blue-green ---- */

static void first_deployment(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	CHECK_STR(h->log,
	          "shop: create network shop_default (10.231.255.0/24)\n"
	          "shop: create network shop_reconcile (10.231.0.0/24)\n"
	          "shop/web: create shop-web-1 (app:1) at 10.231.0.2\n"
	          "shop/web: start shop-web-1\n"
	          "publish routes (shop/web goes live)\n"
	          "shop/web: accept revision rev-app:\n");
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	nothing_left(h);
	host_free(h);
}

static void a_new_version_comes_in(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, s, "app:2");
	run(h);
	CHECK_STR(h->log,
	          "shop/web: create shop-web-2 (app:2) at 10.231.0.3\n"
	          "shop/web: start shop-web-2\n"
	          "shop/web: alias shop-web-2 as web\n"
	          "publish routes (announce the next revision of shop/web)\n"
	          "shop/web: shift traffic: 100.0% to the next revision\n"
	          "shop/web: accept revision rev-app:\n"
	          "publish routes (one revision of shop/web)\n"
	          "shop/web: unalias shop-web-1\n"
	          "shop/web: stop shop-web-1 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: remove shop-web-1\n");
	nothing_left(h);
	CHECK_INT(h->world->instances_count, 1);
	host_free(h);
}

static void a_bad_version_never_gets_traffic(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, s, "app:2");
	h->never_ready = "rev-app:2";
	run(h);
	CHECK_STR(h->log,
	          "shop/web: create shop-web-2 (app:2) at 10.231.0.3\n"
	          "shop/web: start shop-web-2\n"
	          "shop/web: quarantine revision rev-app: (shop-web-2 is not ready within 1m: "
	          "GET http://10.231.0.3:8080/health answered 503, wanted 200)\n"
	          "shop/web: stop shop-web-2\n"
	          "shop/web: remove shop-web-2\n");
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	/* Not tried again; and a revert is no change at all. */
	nothing_left(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	set_image(h, s, "app:1");
	nothing_left(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

static void a_version_that_exits_is_a_verdict_at_once(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	int64_t before = h->world->now_ms;
	set_image(h, s, "app:2");
	h->exits = "rev-app:2";
	run(h);
	CHECK_CONTAINS(h->log, "quarantine revision rev-app: (shop-web-2 exited with code 1)");
	CHECK(h->world->now_ms - before < 5000);
	host_free(h);
}

/* Goes bad after it got the traffic, while it is watched. */
static void a_version_that_fails_in_its_hold_goes_back_by_one_shift(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, s, "app:2");
	run_rounds(h, 6);
	CHECK_CONTAINS(h->log, "shift traffic: 100.0%");
	h->exits = "rev-app:2";
	behave(h);
	run(h);
	CHECK_STR(h->log,
	          "shop/web: quarantine revision rev-app: (shop-web-2 exited with code 1)\n"
	          "shop/web: shift traffic: 0.0% to the next revision (back to the old revision)\n"
	          "publish routes (one revision of shop/web)\n"
	          "shop/web: remove shop-web-2\n");
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	host_free(h);
}

static void the_old_one_is_kept_warm(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	s->keep_old_ms = 600000;
	run(h);
	set_image(h, s, "app:2");
	run(h);
	CHECK_CONTAINS(h->log, "park shop-web-1");
	CHECK(!strstr(h->log, "remove"));
	CHECK_INT(phase_of(h, "web"), PHASE_KEEPING);
	CHECK(h->last.keeping_until_ms > h->world->now_ms);
	nothing_left(h);
	/* A revert goes straight back: its name and one shift, no new instance, no reload before it. */
	set_image(h, s, "app:1");
	run(h);
	CHECK_CONTAINS(h->log, "shop/web: shift traffic: 0.0% to the next revision (back to the old revision)\n");
	CHECK(strncmp(h->log, "shop/web: alias shop-web-1 as web\nshop/web: shift", 49) == 0);
	CHECK_CONTAINS(h->log, "shop/web: unalias shop-web-2\n");
	CHECK(!strstr(h->log, "create"));
	CHECK_CONTAINS(h->log, "update shop-web-1: restart \"no\" -> \"always\"");
	nothing_left(h);
	CHECK_INT(h->world->instances_count, 1);
	host_free(h);
}

static void keeping_ends_by_itself(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	s->keep_old_ms = 600000;
	run(h);
	set_image(h, s, "app:2");
	run(h);
	h->world->now_ms += 700000;
	run(h);
	CHECK_STR(h->log,
	          "publish routes (one revision of shop/web)\n"
	          "shop/web: stop shop-web-1 (drained: name 0.0s, old nginx workers, connections)\n"
	          "shop/web: remove shop-web-1\n");
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

static void a_newer_commit_supersedes(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	s->keep_old_ms = 600000;
	run(h);
	for (int rounds = 1; rounds < 9; rounds++) {
		set_image(h, s, "app:2");
		run_rounds(h, rounds);
		set_image(h, s, "app:3");
		run(h);
		set_image(h, s, "app:1");
		run(h);
		CHECK(phase_of(h, "web") == PHASE_SETTLED || phase_of(h, "web") == PHASE_KEEPING);
		h->world->now_ms += 700000;
		run(h);
		CHECK_INT(h->world->instances_count, 1);
		CHECK_STR(h->world->instances[0].revision, "rev-app:1");
	}
	host_free(h);
}

/* ---- In-place ---- */

static void in_place_stops_the_old_one_first(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	CHECK(!strstr(h->log, "publish"));
	set_image(h, s, "app:2");
	run(h);
	CHECK_STR(h->log,
	          "shop/db: stop shop-db-1\n"
	          "shop/db: create shop-db-2 (app:2)\n"
	          "shop/db: start shop-db-2\n"
	          "shop/db: accept revision rev-app:\n"
	          "shop/db: remove shop-db-1\n");
	nothing_left(h);
	host_free(h);
}

static void in_place_goes_back_to_the_stopped_one(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	set_image(h, s, "app:2");
	h->exits = "rev-app:2";
	run(h);
	CHECK_STR(h->log,
	          "shop/db: stop shop-db-1\n"
	          "shop/db: create shop-db-2 (app:2)\n"
	          "shop/db: start shop-db-2\n"
	          "shop/db: quarantine revision rev-app: (shop-db-2 exited with code 1)\n"
	          "shop/db: update shop-db-1: restart \"no\" -> \"always\"\n"
	          "shop/db: start shop-db-1 (shop-db-1 exited with code 0)\n"
	          "shop/db: remove shop-db-2\n");
	CHECK_INT(phase_of(h, "db"), PHASE_ROLLED_BACK);
	host_free(h);
}

static void in_place_with_a_route_takes_slot_after_slot(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_IN_PLACE, true);
	s->replicas = 2;
	run(h);
	set_image(h, s, "app:2");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(h->world->instances_count, 2);
	CHECK_CONTAINS(h->log, "shift traffic: 50.0%");
	nothing_left(h);
	host_free(h);
}

/* ---- Dependencies, scale, removal ---- */

static void a_service_waits_for_its_dependency(void)
{
	struct host *h = host_new();
	struct service *db = add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	db->has_healthcheck = true;
	struct service *web = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	web->dependencies = arena_alloc(&h->arena, sizeof *web->dependencies);
	web->dependencies[0] = (struct dependency){"db", CONDITION_HEALTHY};
	web->dependencies_count = 1;
	run(h);
	CHECK(strstr(h->log, "start shop-db-1") < strstr(h->log, "create shop-web-1"));
	nothing_left(h);
	host_free(h);
}

/* What ended well without a restart policy is settled: nobody starts it again. */
static void what_has_ended_never_gets_healthy(void)
{
	struct host *h = host_new();
	add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	struct instance *db = &h->world->instances[0];
	service_of(h, "db")->may_end = true;
	db->health = HEALTH_UNHEALTHY;
	db->state = INSTANCE_EXITED;
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	depends_on(h, "web", "db", CONDITION_HEALTHY);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
	CHECK_STR(h->last.services[1].reason, "depends_on.db.condition is service_healthy, and db has ended, and nothing starts it again: "
	                                      "give it a restart policy");
	host_free(h);
}

/* Compose makes this an error, too; an image may have brought one, so it shows when the instance runs. */
static void what_has_no_health_check_never_gets_healthy(void)
{
	struct host *h = host_new();
	add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	depends_on(h, "web", "db", CONDITION_HEALTHY);
	run(h);
	CHECK_INT(phase_of(h, "db"), PHASE_SETTLED);
	CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
	CHECK_STR(h->last.services[1].reason, "depends_on.db.condition is service_healthy, and db has no health check, in the manifest or "
	                                      "in its image: give it one, or wait for service_started");
	struct rehearsal r;
	h->world->instances_count = 0;
	h->world->goods_count = 0;
	rehearse(&h->desired, h->world, NULL, &h->arena, &r);
	CHECK_INT(r.end.services[1].phase, PHASE_SETTLED); /* the image is expected to have one */
	service_of(h, "web")->dependencies[0].is_optional = true;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

static void a_broken_dependency_blocks_only_those_behind_it(void)
{
	struct host *h = host_new();
	add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	struct service *web = add_service(h, "web", "app:2", STRATEGY_BLUE_GREEN, true);
	add_service(h, "other", "app:2", STRATEGY_BLUE_GREEN, true);
	web = &h->desired.projects[0].services[1];
	web->dependencies = arena_alloc(&h->arena, sizeof *web->dependencies);
	web->dependencies[0] = (struct dependency){"db", CONDITION_STARTED};
	web->dependencies_count = 1;
	h->exits = "rev-app:1";
	run(h);
	CHECK_INT(phase_of(h, "db"), PHASE_FAILED);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_INT(phase_of(h, "other"), PHASE_SETTLED);
	host_free(h);
}

static void replicas_go_up_and_down(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	s->replicas = 3;
	run(h);
	CHECK_INT(traffic_of(h, "web")->stable.addresses_count, 3);
	s->replicas = 1;
	run(h);
	CHECK_STR(h->log,
	          "publish routes (instances of shop/web)\n"
	          "shop/web: unalias shop-web-2\n"
	          "shop/web: unalias shop-web-3\n"
	          "shop/web: stop shop-web-2 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: stop shop-web-3 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: remove shop-web-2\n"
	          "shop/web: remove shop-web-3\n");
	nothing_left(h);
	host_free(h);
}

static void a_service_that_left_git_is_drained_and_removed(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "old", "app:2", STRATEGY_BLUE_GREEN, true);
	run(h);
	h->desired.projects[0].services_count = 1;
	h->desired.routes_count = 1;
	run(h);
	CHECK_STR(h->log,
	          "publish routes (shop/old leaves)\n"
	          "shop/old: stop shop-old-1 (drained: old nginx workers, connections)\n"
	          "shop/old: remove shop-old-1\n");
	/* But a project that is gone as a whole, and an empty desired state, remove nothing. */
	h->desired.projects_count = 0;
	h->desired.routes_count = 0;
	nothing_left(h);
	host_free(h);
}

/* A project that is not desired keeps its traffic, but not a host that Git gives to another one. */
static void a_host_belongs_to_whom_git_says(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	struct topology *t = &h->world->nginx.topology;
	struct traffic *gone = ARENA_PUSH(&h->arena, t->services, t->services_count);
	*gone = t->services[0];
	gone->project = "gone";
	static const char *const hosts[] = {"web.example.com", "gone.example.com"};
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		*ARENA_PUSH(&h->arena, t->routes, t->routes_count) =
			(struct route){.host = hosts[i], .path = "/", .project = "gone", .service = "web", .port = 8080, .weight = 100};
	run(h);
	CHECK_STR(h->log, "publish routes (routes changed)\n");
	t = &h->world->nginx.topology;
	CHECK_INT(t->services_count, 2);
	CHECK_INT(t->routes_count, 2);
	for (size_t i = 0; i < t->routes_count; i++)
		CHECK_STR(t->routes[i].project, strcmp(t->routes[i].host, "web.example.com") == 0 ? "shop" : "gone");
	nothing_left(h);
	host_free(h);
}

/* ---- Drift ---- */

static void what_was_stopped_by_hand_is_started(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	struct instance *i = find_instance(h, "shop-web-1");
	i->state = INSTANCE_EXITED;
	i->exit_code = 137;
	i->passing_since_ms = 0;
	h->world->now_ms += 1000;
	run(h);
	CHECK_STR(h->log, "shop/web: start shop-web-1 (shop-web-1 exited with code 137)\n");
	nothing_left(h);
	host_free(h);
}

static void what_was_removed_by_hand_is_made_again(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	h->world->instances_count = 0;
	run(h);
	CHECK_STR(h->log,
	          "shop/web: create shop-web-1 (app:1) at 10.231.0.3 (0 of 1 instances are there)\n"
	          "shop/web: start shop-web-1\n"
	          "publish routes (instances of shop/web)\n");
	nothing_left(h);
	host_free(h);
}

static void a_limit_changed_by_hand_is_set_back_on_the_live_instance(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	struct instance *i = find_instance(h, "shop-web-1");
	struct value *live = arena_alloc(&h->arena, ARRAY_LEN(rows) * sizeof *live);
	memcpy(live, i->live, ARRAY_LEN(rows) * sizeof *live);
	live[2] = value_int(32 << 20);
	i->live = live;
	run(h);
	CHECK_STR(h->log, "shop/web: update shop-web-1: mem_limit 33554432 -> 67108864\n");
	nothing_left(h);
	host_free(h);
}

static void a_lost_configuration_is_published_again(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	h->world->nginx.topology = (struct topology){0};
	h->world->nginx.is_current = false;
	run(h);
	CHECK_STR(h->log, "publish routes (shop/web goes live)\n");
	nothing_left(h);
	host_free(h);
}

/* ---- What stands in the way ---- */

static void without_nginx_nothing_new_is_rolled_out(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "worker", "app:1", STRATEGY_IN_PLACE, false);
	s = &h->desired.projects[0].services[0];
	run(h);
	set_image(h, s, "app:2");
	set_image(h, &h->desired.projects[0].services[1], "app:2");
	h->world->nginx.is_up = h->world->nginx.is_current = false;
	h->world->nginx.problem = "no master runs";
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_INT(phase_of(h, "worker"), PHASE_SETTLED);
	CHECK(!strstr(h->log, "shop/web"));
	host_free(h);
}

static void nginx_that_dies_while_the_old_one_drains_ends_the_run(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, s, "app:2");
	for (int round = 0; round < 100 && !strstr(h->log, "one revision"); round++)
		run_rounds(h, 1);
	h->world->nginx.is_up = h->world->nginx.is_current = false;
	h->world->nginx.problem = "is not running";
	nothing_left(h);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_INT(h->last.services[0].cause, ERR_UNREACHABLE);
	h->world->nginx.is_up = h->world->nginx.is_current = true;
	run(h);
	CHECK_CONTAINS(h->log, "shop/web: remove shop-web-1");
	host_free(h);
}

static void lost_notes_freeze_everything(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, s, "app:2");
	h->world->goods_count = 0;
	h->world->are_notes_lost = true;
	run(h);
	CHECK_STR(h->log, "");
	CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
	host_free(h);
}

static void lost_notes_keep_what_left_git(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "old", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	h->desired.projects[0].services_count--;
	h->desired.routes_count--;
	h->world->are_notes_lost = true;
	nothing_left(h);
	h->world->are_notes_lost = false;
	run(h);
	CHECK_CONTAINS(h->log, "shop/old: remove shop-old-1");
	host_free(h);
}

/* A killed run left it up. Whoever reloads announces anyway; else it goes by itself. */
static void a_stale_announcement_stays_up_until_the_reload(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	h->world->nginx.is_announcing = true;
	h->world->nginx.is_current = false;
	run(h);
	CHECK_STR(h->log, "publish routes (the configuration in force is not ours)\n"
	                  "unannounce (left behind by a run that was killed)\n");
	h->world->nginx.is_announcing = true;
	run(h);
	CHECK_STR(h->log, "unannounce (left behind by a run that was killed)\n");
	host_free(h);
}

/* What could not be proven or noted is not built upon; what goes back goes back all the same. */
static bool fails_shift_up(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_WEIGHT && a->weight > 0 && err_set(e, ERR_INTERNAL, "cannot be proven") < 0;
}

static bool fails_commit(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_COMMIT && err_set(e, ERR_INTERNAL, "no room") < 0;
}

static void a_failed_shift_or_commit_ends_the_run(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, s, "app:2");
	h->fails = fails_shift_up;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
	CHECK_INT(traffic_of(h, "web")->weight, 0);
	h->fails = fails_commit;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
	CHECK_STR(h->last.services[0].reason, "no room");
	CHECK_INT(h->world->instances_count, 2); /* the old one is not let go before the note is written */
	/* The way back is open all the same. */
	set_image(h, s, "app:1");
	run(h);
	CHECK_CONTAINS(h->log, "shift traffic: 0.0%");
	host_free(h);
}

static void transient_failures_are_retried_with_back_off(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:9", STRATEGY_BLUE_GREEN, true);
	struct failure *f = ARENA_PUSH(&h->arena, h->world->failures, h->world->failures_count);
	*f = (struct failure){"shop", "web", s->revision, "", ERR_TRANSIENT, "registry away", 1, h->world->now_ms};
	decide(&h->desired, h->world, &h->arena, &h->last);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_INT(h->last.wait_until_ms, h->world->now_ms + 1000);
	h->world->now_ms += 1000;
	decide(&h->desired, h->world, &h->arena, &h->last);
	CHECK_INT(h->last.actions_count, 1);
	CHECK_INT(h->last.actions[0].kind, ACTION_PULL);
	h->world->failures[0].attempts = 4;
	decide(&h->desired, h->world, &h->arena, &h->last);
	CHECK_INT(h->last.actions_count, 0);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_INT(err_info(h->last.services[0].cause)->exit_code, 75);
	host_free(h);
}

static void the_rehearsal_changes_nothing_and_ends(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, s, "app:2");
	struct rehearsal r;
	rehearse(snapshot(h), h->world, NULL, &h->arena, &r);
	CHECK(!r.is_endless);
	CHECK_INT(r.reloads, 2);
	CHECK_INT(r.instances_peak, 2);
	CHECK_INT(h->world->instances_count, 1);
	/* And the run does what it said, in that order. */
	char said[8192] = "";
	for (size_t i = 0; i < r.events_count; i++) {
		strncat(said, r.events[i].text, sizeof said - strlen(said) - 2);
		strncat(said, "\n", 2);
	}
	run(h);
	CHECK_STR(h->log, said);
	host_free(h);
}

static void the_rehearsal_announces_together_what_gets_ready_together(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "api", "app:1", STRATEGY_BLUE_GREEN, true);
	struct rehearsal r;
	rehearse(snapshot(h), h->world, NULL, &h->arena, &r);
	CHECK(!r.is_endless);
	CHECK_INT(r.reloads, 1);
	host_free(h);
}

static const struct test tests[] = {
	TEST(first_deployment),
	TEST(a_new_version_comes_in),
	TEST(a_bad_version_never_gets_traffic),
	TEST(a_version_that_exits_is_a_verdict_at_once),
	TEST(a_version_that_fails_in_its_hold_goes_back_by_one_shift),
	TEST(the_old_one_is_kept_warm),
	TEST(keeping_ends_by_itself),
	TEST(a_newer_commit_supersedes),
	TEST(in_place_stops_the_old_one_first),
	TEST(in_place_goes_back_to_the_stopped_one),
	TEST(in_place_with_a_route_takes_slot_after_slot),
	TEST(a_service_waits_for_its_dependency),
	TEST(what_has_no_health_check_never_gets_healthy),
	TEST(what_has_ended_never_gets_healthy),
	TEST(a_broken_dependency_blocks_only_those_behind_it),
	TEST(replicas_go_up_and_down),
	TEST(a_service_that_left_git_is_drained_and_removed),
	TEST(a_host_belongs_to_whom_git_says),
	TEST(what_was_stopped_by_hand_is_started),
	TEST(what_was_removed_by_hand_is_made_again),
	TEST(a_limit_changed_by_hand_is_set_back_on_the_live_instance),
	TEST(a_lost_configuration_is_published_again),
	TEST(without_nginx_nothing_new_is_rolled_out),
	TEST(nginx_that_dies_while_the_old_one_drains_ends_the_run),
	TEST(lost_notes_freeze_everything),
	TEST(lost_notes_keep_what_left_git),
	TEST(a_stale_announcement_stays_up_until_the_reload),
	TEST(a_failed_shift_or_commit_ends_the_run),
	TEST(transient_failures_are_retried_with_back_off),
	TEST(the_rehearsal_changes_nothing_and_ends),
	TEST(the_rehearsal_announces_together_what_gets_ready_together),
};
TESTS_MAIN(tests)
