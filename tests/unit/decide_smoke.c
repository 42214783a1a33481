/*
 * x-reconcile.smoke: what a new instance must answer once, after it is ready and before its first request. Each service here
 * has one; what is not new is never asked.
 */
#include "rows.h"

#define WITHIN_MS 30000

static void has_smoke(struct host *h)
{
	service_of(h, "web")->smoke = (struct ready){.http_port = 8080, .path = "/smoke", .status = 200, .within_ms = WITHIN_MS};
}

/* app:1 serves, and is good. */
static struct host *asked_for_tested(const struct way *way)
{
	struct host *h = asked_for_new(way);
	has_smoke(h);
	h->smoke_asked = 0;
	return h;
}

static const struct way *way_of(enum strategy strategy)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (ways[i].strategy == strategy)
			return &ways[i];
	return NULL;
}

/* Nothing leads to what has not passed. */
static bool leads_to_untested(struct host *h, const struct action *a, struct err *e)
{
	(void)e;
	for (size_t i = 0; a->kind == ACTION_PUBLISH && i < h->world->instances_count; i++) {
		const struct instance *in = &h->world->instances[i];
		const struct traffic *t = traffic_in(a->topology, "web");
		bool is_new = strcmp(in->revision, "rev-app:2") == 0 && !is_listed(h, in->address);
		CHECK(!is_new || in->has_passed_smoke || !(side_has(&t->next, in->address) || side_has(&t->stable, in->address)));
	}
	if (a->kind == ACTION_ALIAS && strcmp(a->revision, "rev-app:2") == 0)
		CHECK(find_instance(h, a->instance->name)->has_passed_smoke);
	return false;
}

/* Each is asked once, and comes in as it would without. */
static void passes(enum strategy strategy)
{
	const struct way *way = way_of(strategy);
	struct host *h = asked_for_tested(way);
	struct point p = {.way = way};
	int before = check_failures;
	also_fails = leads_to_untested;
	comes_in(h, "rev-app:2", way->replicas);
	CHECK_INT(h->smoke_asked, way->replicas);
	was_served(&p, way->replicas);
	/* It serves now: what is healed, scaled or started again is not asked, though it would fail. */
	also_fails = NULL;
	h->smoke_fails = "rev-app:2";
	service_of(h, "web")->replicas++;
	comes_in(h, "rev-app:2", way->replicas + 1);
	h->world->instances_count--;
	comes_in(h, "rev-app:2", way->replicas + 1);
	h->world->instances[0].started_ms = h->world->now_ms;
	h->world->instances[0].passing_since_ms = h->world->now_ms;
	comes_in(h, "rev-app:2", way->replicas + 1);
	CHECK_INT(h->smoke_asked, way->replicas);
	told(h, &p, before);
}

/* It goes back without a request, when its time is over and not before; and what it goes back to is not asked. */
static void fails(enum strategy strategy)
{
	const struct way *way = way_of(strategy);
	struct host *h = asked_for_tested(way);
	struct point p = {.way = way};
	int before = check_failures;
	int64_t began_ms = h->world->now_ms;
	also_fails = leads_to_untested;
	h->smoke_fails = "rev-app:2";
	went_back(h, &p);
	CHECK_CONTAINS(reason_of(h, "web"), " has not passed within 30s: smoke: GET http://10.231.0.3:8080/smoke answered 500, wanted 200");
	CHECK(h->world->now_ms >= began_ms + WITHIN_MS && h->world->now_ms < began_ms + WITHIN_MS + 10000);
	CHECK(h->smoke_asked > 0);
	CHECK(!strstr(h->trace.text, "shift traffic"));
	CHECK(!strstr(h->trace.text, "accept revision"));
	if (strategy != STRATEGY_IN_PLACE)
		CHECK(!strstr(h->trace.text, "publish"));
	was_served(&p, way->replicas);
	CHECK_INT(h->world->quarantines_count, 1);
	/* Corrected, it is tried again only when somebody says so. */
	h->smoke_fails = NULL;
	nothing_left(h);
	h->world->quarantines_count = 0;
	comes_in(h, "rev-app:2", way->replicas);
	told(h, &p, before);
}

#define BOTH(name, strategy) \
	static void name##_passes(void) { passes(strategy); } \
	static void name##_fails(void) { fails(strategy); }
BOTH(rolling, STRATEGY_ROLLING)
BOTH(blue_green, STRATEGY_BLUE_GREEN)
BOTH(canary, STRATEGY_CANARY)
BOTH(in_place, STRATEGY_IN_PLACE)

/* The run before was killed there: what it knew is forgotten, and who has no requests yet is asked again. */
static void killed_at(struct host *h, const struct point *p)
{
	int unlisted = 0;
	has_smoke(h);
	also_fails = leads_to_untested;
	for (size_t i = 0; i < h->world->instances_count && !p->is_accepted; i++)
		unlisted += strcmp(h->world->instances[i].revision, "rev-app:2") == 0 && !is_listed(h, h->world->instances[i].address);
	h->smoke_asked = 0;
	int listed = count_of(h, "rev-app:2") - unlisted;
	comes_in(h, "rev-app:2", p->way->replicas);
	CHECK_INT(h->smoke_asked, p->is_accepted ? 0 : p->way->replicas - listed);
	was_served(p, p->way->replicas);
}

/* And whoever fails then takes all of it back, with one shift. */
static void fails_at(struct host *h, const struct point *p)
{
	has_smoke(h);
	h->smoke_fails = "rev-app:2";
	int listed = 0;
	for (size_t i = 0; i < h->world->instances_count; i++)
		listed += strcmp(h->world->instances[i].revision, "rev-app:2") == 0 && is_listed(h, h->world->instances[i].address);
	if (p->is_accepted || listed == p->way->replicas) {
		comes_in(h, "rev-app:2", p->way->replicas);
		CHECK_INT(h->smoke_asked, 0);
		return;
	}
	went_back(h, p);
	was_served(p, p->way->replicas);
}

static void killed(void)
{
	at_each_point(killed_at);
	at_each_point(fails_at);
}

/* What is asked for again, in the middle or a little later, was good: only its readiness counts. */
static void goes_back_at(struct host *h, const struct point *p)
{
	has_smoke(h);
	h->smoke_fails = "rev-app:1";
	h->smoke_asked = 0;
	set_image(h, service_of(h, "web"), "app:1");
	comes_in(h, "rev-app:1", p->way->replicas);
	CHECK_INT(h->smoke_asked, 0);
	was_served(p, p->way->replicas);
}

/* But not where the window is closed. */
static void comes_back_late(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_for_tested(&ways[i]);
		int before = check_failures;
		comes_in(h, "rev-app:2", ways[i].replicas);
		service_of(h, "web")->rollback_window = 0;
		set_image(h, service_of(h, "web"), "app:1");
		h->smoke_fails = "rev-app:1";
		ends_as(h, PHASE_ROLLED_BACK, "rev-app:2", ways[i].replicas);
		told(h, &(struct point){.way = &ways[i]}, before);
	}
}

static void goes_back(void)
{
	at_each_point(goes_back_at);
	comes_back_late();
}

/* Nobody serves, and nobody comes to serve: it is tried again, and whatever takes its place is, too. */
static void first_of_all(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", ways[i].strategy, true);
		int before = check_failures;
		s->replicas = ways[i].replicas;
		s->keep_old_ms = 600000;
		has_smoke(h);
		also_fails = NULL;
		h->smoke_fails = "rev-app:1";
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
		CHECK_CONTAINS(reason_of(h, "web"), "smoke: GET ");
		CHECK(!traffic_of(h, "web"));
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
		CHECK(!traffic_of(h, "web"));
		/* Those that have failed are never led to while the next one comes. */
		set_image(h, s, "app:2");
		h->fails = leads_to_untested;
		comes_in(h, "rev-app:2", ways[i].replicas);
		CHECK(!strstr(h->trace.text, "shift traffic"));
		CHECK_INT(count_lines(h->trace.text, "publish"), 1);
		told(h, &(struct point){.way = &ways[i]}, before);
	}
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_ROLLING, true);
	has_smoke(h);
	h->smoke_fails = "rev-app:1";
	run(h);
	h->smoke_fails = NULL;
	comes_in(h, "rev-app:1", 1);
	host_free(h);
}

/* No route leads to it: it is good when it has passed. */
static void without_a_route(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	has_smoke(h);
	set_image(h, s, "app:2");
	h->smoke_fails = "rev-app:2";
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK_STR(good_of(h, "web")->revision, "rev-app:1");
	CHECK_INT(count_of(h, "rev-app:1"), 1);
	set_image(h, s, "app:3");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_STR(good_of(h, "web")->revision, "rev-app:3");
	host_free(h);
}

/* The plan waits for nobody who was not asked yet; who has failed until now goes on failing. */
static void rehearsed(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_for_tested(&ways[i]);
		struct rehearsal r;
		int before = check_failures;
		rehearse(snapshot(h), h->world, NULL, &h->arena, &r);
		CHECK(!r.is_endless);
		CHECK_INT(r.end.services[0].phase, PHASE_SETTLED);
		CHECK_STR(world_good(r.world, "shop", "web")->revision, "rev-app:2");
		/* In the middle, before it was asked. */
		until(h, "start ");
		forget_smoke(h->world);
		rehearse(snapshot(h), h->world, NULL, &h->arena, &r);
		CHECK(!r.is_endless);
		CHECK_STR(world_good(r.world, "shop", "web")->revision, "rev-app:2");
		h->smoke_fails = "rev-app:2";
		for (int n = 0; n < 50 && !h->smoke_asked; n++)
			run_rounds(h, 1);
		CHECK(h->smoke_asked > 0);
		rehearse(snapshot(h), h->world, NULL, &h->arena, &r);
		CHECK(!r.is_endless);
		CHECK_INT(r.end.services[0].phase, PHASE_ROLLED_BACK);
		told(h, &(struct point){.way = &ways[i]}, before);
	}
}

/* Ready comes first, and goes on being asked for. */
static void what_is_not_ready_is_not_asked(void)
{
	struct host *h = asked_for_tested(&ways[0]);
	h->never_ready = "rev-app:2";
	went_back(h, &(struct point){.way = &ways[0]});
	CHECK_INT(h->smoke_asked, 0);
	CHECK_CONTAINS(reason_of(h, "web"), " is not ready within 1m: GET http://10.231.0.3:8080/health answered 503, wanted 200");
	host_free(h);
}

/* Nor what is called off: it only waits to be stopped. */
static void what_is_called_off_is_not_asked(void)
{
	for (int is_aborted = 0; is_aborted < 2; is_aborted++) {
		struct host *h = asked_for_tested(&ways[0]);
		struct service *s = service_of(h, "web");
		until(h, "start");
		run_rounds(h, 1);
		struct instance *in = find_instance(h, "shop-web-4");
		in->passing_since_ms = h->world->now_ms;
		h->world->now_ms += 60000;
		in->has_passed_smoke = false;
		CHECK(gate_asks_smoke(in, s, h->world, &h->arena));
		if (is_aborted)
			order(h, ORDER_ABORT, "web", s->revision, 0);
		else
			*ARENA_PUSH(&h->arena, h->world->quarantines, h->world->quarantines_count) = (struct quarantine){"shop", "web", s->revision, "bad", 1};
		CHECK(!gate_asks_smoke(in, s, h->world, &h->arena));
		host_free(h);
	}
}

static const struct test tests[] = {
	{"B4 smoke passes", rolling_passes},
	{"B4 smoke fails", rolling_fails},
	{"B5 smoke passes", blue_green_passes},
	{"B5 smoke fails", blue_green_fails},
	{"B6 smoke passes", canary_passes},
	{"B6 smoke fails", canary_fails},
	{"B7 smoke passes", in_place_passes},
	{"B7 smoke fails", in_place_fails},
	{"B8 killed while smoke is asked", killed},
	{"B8 way back without smoke", goes_back},
	TEST(first_of_all),
	TEST(without_a_route),
	TEST(rehearsed),
	TEST(what_is_not_ready_is_not_asked),
	TEST(what_is_called_off_is_not_asked),
};
TESTS_MAIN(tests)
