/*
 * decide against the model world: what happens, action by action, and what must never happen. The host below is the
 * model with a few switches: revisions that never get ready, that exit after they started, and an nginx that is down.
 */
#include "check.h"

#include <stdlib.h>

#include "decide/rehearse.h"

/* ---- A host to decide about ---- */

static const struct field row_image = {"image", "Image", ENGINE_PLAIN, CHANGE_REPLACE};
static const struct field row_restart = {"restart", "HostConfig.RestartPolicy", ENGINE_RESTART, CHANGE_LIVE};
static const struct field row_memory = {"mem_limit", "HostConfig.Memory", ENGINE_PLAIN, CHANGE_LIVE};
static const struct field *const rows[] = {&row_image, &row_restart, &row_memory};

struct host {
	struct arena arena;
	struct world *world;
	struct desired desired;
	const char *never_ready;   /* revision */
	const char *exits;         /* revision: ends right after its start */
	char log[16384];           /* one line for each action of the last run */
	struct decision last;
	bool did_not_rest;
};

static struct host *host_new(void)
{
	struct host *h = calloc(1, sizeof *h);
	h->world = arena_alloc(&h->arena, sizeof *h->world);
	h->world->now_ms = 1700000000000;
	h->world->nginx = (struct nginx){.is_up = true, .problem = "", .is_current = true};
	*ARENA_PUSH(&h->arena, h->world->images, h->world->images_count) = (struct image){"app:1", "id-app:1", false};
	*ARENA_PUSH(&h->arena, h->world->images, h->world->images_count) = (struct image){"app:2", "id-app:2", false};
	*ARENA_PUSH(&h->arena, h->world->images, h->world->images_count) = (struct image){"app:3", "id-app:3", false};
	h->desired.commit = h->desired.subject = "";
	h->desired.subnet = "10.231.0.0/16";
	struct project *p = ARENA_PUSH(&h->arena, h->desired.projects, h->desired.projects_count);
	*p = (struct project){.name = "shop", .directory = "/srv/shop", .file = "compose.yaml"};
	return h;
}

static void host_free(struct host *h)
{
	arena_done(&h->arena);
	free(h);
}

static void set_image(struct host *h, struct service *s, const char *image)
{
	struct value *values = arena_alloc(&h->arena, 3 * sizeof *values);
	values[0] = value_string(image);
	values[1] = value_string("always");
	values[2] = s->spec.values ? s->spec.values[2] : value_int(64 << 20);
	s->image = image;
	s->spec = (struct spec){rows, values, 3};
	snprintf(s->revision, sizeof s->revision, "rev-%s", image);
}

static struct service *add_service(struct host *h, const char *name, const char *image, enum strategy strategy, bool routed)
{
	struct project *p = &h->desired.projects[0];
	struct service *s = ARENA_PUSH(&h->arena, p->services, p->services_count);
	*s = (struct service){.project = "shop", .name = name, .replicas = 1, .stop_grace_ms = 10000, .strategy = strategy,
	                      .strategy_reason = "test", .hold_ms = 5000, .keep_old_ms = 0, .drain_timeout_ms = 65000,
	                      .is_routed = routed, .ready = {.within_ms = 60000, .for_ms = 1000}};
	set_image(h, s, image);
	if (routed)
		*ARENA_PUSH(&h->arena, h->desired.routes, h->desired.routes_count) =
			(struct route){.host = arena_printf(&h->arena, "%s.example.com", name), .project = "shop", .service = name, .port = 8080};
	return s;
}

static struct instance *find_instance(struct host *h, const char *name)
{
	for (size_t i = 0; i < h->world->instances_count; i++)
		if (strcmp(h->world->instances[i].name, name) == 0)
			return &h->world->instances[i];
	return NULL;
}

static const struct traffic *traffic_of(struct host *h, const char *service)
{
	for (size_t i = 0; i < h->world->nginx.topology.services_count; i++)
		if (strcmp(h->world->nginx.topology.services[i].service, service) == 0)
			return &h->world->nginx.topology.services[i];
	return NULL;
}

static bool is_listed(struct host *h, const char *address)
{
	for (size_t i = 0; *address && i < h->world->nginx.topology.services_count; i++) {
		const struct traffic *t = &h->world->nginx.topology.services[i];
		for (size_t k = 0; k < t->stable.addresses_count; k++)
			if (strcmp(t->stable.addresses[k], address) == 0)
				return true;
		for (size_t k = 0; k < t->next.addresses_count; k++)
			if (strcmp(t->next.addresses[k], address) == 0)
				return true;
	}
	return false;
}

/* What a revision does after its start. */
static void behave(struct host *h)
{
	for (size_t i = 0; i < h->world->instances_count; i++) {
		struct instance *in = &h->world->instances[i];
		if (in->state != INSTANCE_RUNNING)
			continue;
		if (h->exits && strcmp(in->revision, h->exits) == 0) {
			in->state = INSTANCE_EXITED;
			in->exit_code = 1;
			in->passing_since_ms = 0;
		}
		if (h->never_ready && strcmp(in->revision, h->never_ready) == 0) {
			in->passing_since_ms = 0;
			in->is_passing = false;
			if (!in->failing_since_ms)
				in->failing_since_ms = h->world->now_ms;
			in->probe_said = "GET http://10.231.0.3:8080/health answered 503, wanted 200";
		}
	}
}

/* The promises that hold at every action, whatever goes on. */
static void check_action(struct host *h, const struct action *a)
{
	if (a->kind == ACTION_STOP || a->kind == ACTION_REMOVE)
		CHECK(!is_listed(h, a->instance->address));
	if (a->kind == ACTION_REMOVE)
		CHECK(a->instance->state != INSTANCE_RUNNING);
	if (a->kind == ACTION_WEIGHT && a->weight > 0) {
		const struct traffic *t = traffic_of(h, a->service);
		CHECK(t && t->next.addresses_count > 0);
		for (size_t k = 0; t && k < t->next.addresses_count; k++)
			for (size_t i = 0; i < h->world->instances_count; i++)
				if (strcmp(h->world->instances[i].address, t->next.addresses[k]) == 0)
					CHECK(h->world->instances[i].passing_since_ms != 0);
	}
	if (a->kind == ACTION_CREATE && a->address)
		for (size_t i = 0; i < h->world->instances_count; i++)
			CHECK(strcmp(h->world->instances[i].address, a->address) != 0);
}

static void log_action(struct host *h, const struct action *a)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
	action_print(&text, a);
	size_t used = strlen(h->log);
	snprintf(h->log + used, sizeof h->log - used, "%s\n", text.text);
}

/* What one run read from Git: a tree of its own, as the real one has. */
static const struct desired *snapshot(struct host *h)
{
	struct desired *d = arena_alloc(&h->arena, sizeof *d);
	*d = h->desired;
	d->projects = arena_alloc(&h->arena, sizeof *d->projects);
	*d->projects = h->desired.projects[0];
	size_t size = d->projects->services_count * sizeof *d->projects->services;
	d->projects->services = arena_alloc(&h->arena, size);
	memcpy(d->projects->services, h->desired.projects[0].services, size);
	return d;
}

/* One run of the tool: until there is nothing to do and nothing that it waits for; at most `rounds` decisions. */
static void run_rounds(struct host *h, int rounds)
{
	h->log[0] = 0;
	h->did_not_rest = false;
	h->world->run_started_ms = h->world->now_ms;
	const struct desired *desired = snapshot(h);
	for (int round = 0; round < rounds; round++) {
		decide(desired, world_copy(&h->arena, h->world), &h->arena, &h->last);
		if (h->last.actions_count == 0 && !h->last.wait_until_ms)
			return;
		for (size_t i = 0; i < h->last.actions_count; i++) {
			check_action(h, &h->last.actions[i]);
			log_action(h, &h->last.actions[i]);
			model_apply(h->world, &h->last.actions[i], &h->arena);
			behave(h);
		}
		if (h->last.actions_count == 0 && h->last.wait_until_ms > h->world->now_ms)
			h->world->now_ms = h->last.wait_until_ms;
	}
	h->did_not_rest = true;
}

static void run(struct host *h)
{
	run_rounds(h, 500);
	CHECK(!h->did_not_rest);
}

static enum phase phase_of(struct host *h, const char *service)
{
	for (size_t i = 0; i < h->last.services_count; i++)
		if (strcmp(h->last.services[i].service, service) == 0)
			return h->last.services[i].phase;
	return PHASE_COUNT;
}

static void nothing_left(struct host *h)
{
	run(h);
	CHECK_STR(h->log, "");
}

/* ---- Blue-green ---- */

static void first_deployment(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	CHECK_STR(h->log,
	          "shop: create network shop_default\n"
	          "shop: create network shop_reconcile (10.231.0.0/24)\n"
	          "shop/web: create shop-web-1 (app:1) at 10.231.0.2\n"
	          "shop/web: start shop-web-1\n"
	          "publish routes (shop/web goes live)\n"
	          "shop/web: commit revision rev-app:\n");
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
	          "publish routes (announce the next revision of shop/web)\n"
	          "shop/web: shift traffic: 100.0% to the next revision\n"
	          "shop/web: commit revision rev-app:\n"
	          "publish routes (one revision of shop/web)\n"
	          "shop/web: stop shop-web-1\n"
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
	/* A revert goes straight back: one shift, no new instance, no reload before it. */
	set_image(h, s, "app:1");
	run(h);
	CHECK_CONTAINS(h->log, "shop/web: shift traffic: 0.0% to the next revision (back to the old revision)\n");
	CHECK(strncmp(h->log, "shop/web: shift", 15) == 0);
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
	          "shop/web: stop shop-web-1\n"
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
	          "shop/db: commit revision rev-app:\n"
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
	          "shop/web: stop shop-web-2\n"
	          "shop/web: stop shop-web-3\n"
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
	          "shop/old: stop shop-old-1\n"
	          "shop/old: remove shop-old-1\n");
	/* But a project that is gone as a whole, and an empty desired state, remove nothing. */
	h->desired.projects_count = 0;
	h->desired.routes_count = 0;
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
	          "shop/web: create shop-web-1 (app:1) at 10.231.0.3\n"
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
	struct value *live = arena_alloc(&h->arena, 3 * sizeof *live);
	memcpy(live, i->live, 3 * sizeof *live);
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

static void transient_failures_are_retried_with_back_off(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:9", STRATEGY_BLUE_GREEN, true);
	struct failure *f = ARENA_PUSH(&h->arena, h->world->failures, h->world->failures_count);
	*f = (struct failure){"shop", "web", s->revision, ERR_TRANSIENT, "registry away", 1, h->world->now_ms};
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
	rehearse(snapshot(h), h->world, &h->arena, &r);
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

/* ---- Chance ---- */

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* One thing that nobody asked for. */
static void misfortune(struct host *h, unsigned *seed)
{
	struct world *w = h->world;
	struct service *s = &h->desired.projects[0].services[next_random(seed) % h->desired.projects[0].services_count];
	struct instance *i = w->instances_count ? &w->instances[next_random(seed) % w->instances_count] : NULL;
	static const char *const images[] = {"app:1", "app:2", "app:3"};
	static const char *const revisions[] = {NULL, NULL, "rev-app:1", "rev-app:2", "rev-app:3"};
	switch (next_random(seed) % 9) {
	case 0: case 1: set_image(h, s, images[next_random(seed) % 3]); break;
	case 2: s->replicas = 1 + (int)(next_random(seed) % 3); break;
	case 3: h->never_ready = revisions[next_random(seed) % 5]; break;
	case 4: h->exits = revisions[next_random(seed) % 5]; break;
	case 5:
		if (i && i->state == INSTANCE_RUNNING) {
			i->state = INSTANCE_EXITED;
			i->exit_code = 137;
			i->passing_since_ms = 0;
		}
		break;
	case 6:
		if (i)
			*i = w->instances[--w->instances_count];
		break;
	case 7: w->nginx.is_current = w->nginx.is_up = next_random(seed) % 3 != 0; break;
	case 8: w->nginx.draining_workers = (int)(next_random(seed) % 2); break;
	}
	behave(h);
}

/* Random commits and misfortunes; then they stop, and the host must come to what Git says, and stay there. */
static void whatever_happens_it_converges(void)
{
	for (unsigned start = 1; start <= 3000 && !check_failures; start++) {
		unsigned seed = start;
		struct host *h = host_new();
		add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
		add_service(h, "api", "app:1", STRATEGY_IN_PLACE, true);
		add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
		if (next_random(&seed) % 2)
			h->desired.projects[0].services[0].keep_old_ms = 30000;
		for (int i = 0; i < 12; i++) {
			misfortune(h, &seed);
			run_rounds(h, 1 + (int)(next_random(&seed) % 12));
		}
		h->never_ready = h->exits = NULL;
		h->world->nginx.is_up = h->world->nginx.is_current = true;
		h->world->nginx.draining_workers = 0;
		/* What hung has been restarted by somebody, and somebody said retry. */
		for (size_t i = 0; i < h->world->instances_count; i++)
			if (h->world->instances[i].state == INSTANCE_RUNNING) {
				h->world->instances[i].passing_since_ms = h->world->now_ms;
				h->world->instances[i].failing_since_ms = 0;
			}
		for (int i = 0; i < 5; i++) {
			run(h);
			h->world->now_ms += 100000;
			if (i < 3)
				h->world->quarantines_count = 0;
		}
		nothing_left(h);
		for (size_t i = 0; i < h->last.services_count; i++)
			if (h->last.services[i].phase != PHASE_SETTLED) {
				fprintf(stderr, "seed %u: %s is %s: %s\n", start, h->last.services[i].service,
				        phase_name(h->last.services[i].phase), h->last.services[i].reason);
				CHECK(false);
			}
		if (check_failures)
			fprintf(stderr, "seed %u\n", start);
		host_free(h);
	}
}

/* ---- Images ---- */

static void pull_gave(struct host *h, const char *service, const char *image)
{
	*ARENA_PUSH(&h->arena, h->world->past_images, h->world->past_images_count) =
		(struct past_image){"shop", service, image, false, arena_printf(&h->arena, "id-%s", image), 0};
}

static bool has_image(struct host *h, const char *name)
{
	for (size_t i = 0; i < h->world->images_count; i++)
		if (strcmp(h->world->images[i].name, name) == 0)
			return true;
	return false;
}

static void only_old_images_that_we_pulled_go(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "pulled:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	CHECK_CONTAINS(h->log, "shop/web: pull pulled:1\n");
	set_image(h, s, "app:1");
	run(h);
	CHECK(!strstr(h->log, "drop"));
	set_image(h, s, "pulled:2");
	run(h);
	/* The third good one: the first is one too many. It goes when all else is done. */
	CHECK_CONTAINS(h->log, "remove shop-web-2\nshop/web: drop image pulled:1 (older than the last two good ones)\n");
	CHECK(!has_image(h, "pulled:1"));
	nothing_left(h);
	set_image(h, s, "pulled:3");
	run(h);
	CHECK(!strstr(h->log, "drop")); /* app:1 was here without us */
	CHECK(has_image(h, "app:1") && has_image(h, "pulled:2"));
	nothing_left(h);
	host_free(h);
}

static void an_image_that_anybody_needs_stays(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:3", STRATEGY_BLUE_GREEN, true);
	pull_gave(h, "web", "app:1");
	pull_gave(h, "web", "app:2");
	h->world->images[0].is_used = true; /* by a container of somebody else */
	*ARENA_PUSH(&h->arena, h->world->images, h->world->images_count) = (struct image){"pulled:9", "id-other", false};
	pull_gave(h, "web", "pulled:9"); /* tagged anew by somebody else */
	run(h);
	CHECK_CONTAINS(h->log, "drop image app:2 (never good, and not wanted any more)");
	CHECK(!strstr(h->log, "drop image app:1") && !strstr(h->log, "drop image pulled:9"));
	h->world->images[0].is_used = false;
	add_service(h, "job", "app:1", STRATEGY_IN_PLACE, false); /* another service wants it */
	run(h);
	CHECK(!strstr(h->log, "drop"));
	h->desired.projects[0].services_count--; /* and leaves */
	run(h);
	CHECK_CONTAINS(h->log, "shop/web: drop image app:1");
	(void)s;
	host_free(h);
}

static void a_bad_image_stays_while_git_wants_it(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, s, "pulled:bad");
	h->never_ready = "rev-pulled:bad";
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK(!strstr(h->log, "drop"));
	set_image(h, s, "app:1");
	run(h);
	CHECK_STR(h->log, "shop/web: drop image pulled:bad (never good, and not wanted any more)\n");
	host_free(h);
}

static void pulling_comes_before_anything_is_stopped(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	set_image(h, s, "pulled:2");
	run_rounds(h, 1);
	CHECK_STR(h->log, "shop/db: pull pulled:2\n");
	/* And a pull that fails for good leaves the old one alone. */
	h->world->images_count--;
	*ARENA_PUSH(&h->arena, h->world->failures, h->world->failures_count) = (struct failure){
		"shop", "db", "rev-pulled:2", ERR_NOT_FOUND, "manifest unknown", 1, h->world->now_ms, 0};
	const char *one = find_instance(h, "shop-db-1")->id;
	run(h);
	CHECK_STR(h->log, "shop/db: quarantine revision rev-pull (manifest unknown)\n");
	CHECK_INT(phase_of(h, "db"), PHASE_ROLLED_BACK);
	CHECK_STR(find_instance(h, "shop-db-1")->id, one);
	CHECK_INT(find_instance(h, "shop-db-1")->state, INSTANCE_RUNNING);
	host_free(h);
}

static struct decision decide_once(struct host *h)
{
	struct decision d;
	decide(snapshot(h), world_copy(&h->arena, h->world), &h->arena, &d);
	return d;
}

static void a_registry_is_left_alone_for_as_long_as_it_says(void)
{
	static const struct { enum err_kind kind; int attempts; int64_t retry_after_ms, waits_ms; enum phase phase; } cases[] = {
		{ERR_TRANSIENT, 1, 0, 1000, PHASE_PROGRESSING},
		{ERR_TRANSIENT, 3, 0, 4000, PHASE_PROGRESSING},
		{ERR_TRANSIENT, 1, 30000, 30000, PHASE_PROGRESSING},
		{ERR_TRANSIENT, 3, 2000, 4000, PHASE_PROGRESSING},
		{ERR_TRANSIENT, 4, 0, 0, PHASE_BLOCKED},
		{ERR_TRANSIENT, 1, 61000, 0, PHASE_BLOCKED},
		{ERR_SETUP, 1, 0, 0, PHASE_BLOCKED},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
		run(h);
		set_image(h, s, "pulled:2");
		*ARENA_PUSH(&h->arena, h->world->failures, h->world->failures_count) = (struct failure){
			"shop", "web", "rev-pulled:2", cases[i].kind, "said", cases[i].attempts, h->world->now_ms, cases[i].retry_after_ms};
		struct decision d = decide_once(h);
		CHECK_INT(d.actions_count, 0);
		CHECK_INT(d.services[0].phase, cases[i].phase);
		CHECK_INT(d.wait_until_ms ? d.wait_until_ms - h->world->now_ms : 0, cases[i].waits_ms);
		CHECK_STR(d.services[0].reason, "said");
		host_free(h);
	}
}

static void an_image_that_is_never_pulled_must_be_here(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	s->pull = PULL_NEVER;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	set_image(h, s, "pulled:2");
	run(h);
	CHECK_STR(h->log, "shop/web: quarantine revision rev-pull (its image is not on this host, and pull_policy is never)\n");
	host_free(h);
}

/* Nobody can say what the tag means: it stays what it is, and drift of it is still mended. */
static void an_unknown_digest_changes_nothing(void)
{
	static const struct { enum err_kind kind; enum phase with_good, without; } cases[] = {
		{ERR_TRANSIENT, PHASE_BLOCKED, PHASE_BLOCKED}, {ERR_SETUP, PHASE_BLOCKED, PHASE_BLOCKED},
		{ERR_NOT_FOUND, PHASE_ROLLED_BACK, PHASE_FAILED}, {ERR_DENIED, PHASE_ROLLED_BACK, PHASE_FAILED},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
		s->unresolved = cases[i].kind;
		s->unresolved_why = "no answer";
		nothing_left(h);
		CHECK_INT(phase_of(h, "web"), cases[i].without);
		CHECK_INT(h->last.services[0].cause, cases[i].kind);
		s->unresolved = ERR_NONE;
		run(h);
		s->unresolved = cases[i].kind;
		nothing_left(h);
		CHECK_INT(phase_of(h, "web"), cases[i].with_good);
		CHECK_STR(h->last.services[0].reason, "no answer");
		h->world->instances[0].state = INSTANCE_EXITED;
		run(h);
		CHECK_CONTAINS(h->log, "shop/web: start shop-web-1");
		CHECK_INT(phase_of(h, "web"), cases[i].with_good);
		host_free(h);
	}
}

static const struct test tests[] = {
	TEST(only_old_images_that_we_pulled_go),
	TEST(an_image_that_anybody_needs_stays),
	TEST(a_bad_image_stays_while_git_wants_it),
	TEST(pulling_comes_before_anything_is_stopped),
	TEST(a_registry_is_left_alone_for_as_long_as_it_says),
	TEST(an_image_that_is_never_pulled_must_be_here),
	TEST(an_unknown_digest_changes_nothing),
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
	TEST(a_broken_dependency_blocks_only_those_behind_it),
	TEST(replicas_go_up_and_down),
	TEST(a_service_that_left_git_is_drained_and_removed),
	TEST(what_was_stopped_by_hand_is_started),
	TEST(what_was_removed_by_hand_is_made_again),
	TEST(a_limit_changed_by_hand_is_set_back_on_the_live_instance),
	TEST(a_lost_configuration_is_published_again),
	TEST(without_nginx_nothing_new_is_rolled_out),
	TEST(lost_notes_freeze_everything),
	TEST(transient_failures_are_retried_with_back_off),
	TEST(the_rehearsal_changes_nothing_and_ends),
	TEST(whatever_happens_it_converges),
};
TESTS_MAIN(tests)
