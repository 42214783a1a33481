/* Services of profiles that are not enabled: neither brought up nor taken down, and their requests go on. */
#include "model_host.h"

static void leave_alone(struct host *h, const char *name)
{
	struct project *p = &h->desired.projects[0];
	size_t kept = 0;
	for (size_t i = 0; i < p->services_count; i++)
		if (strcmp(p->services[i].name, name) != 0)
			p->services[kept++] = p->services[i];
	p->services_count = kept;
	*ARENA_PUSH(&h->arena, p->left_alone, p->left_alone_count) = name;
	size_t routes = 0;
	for (size_t i = 0; i < h->desired.routes_count; i++)
		if (strcmp(h->desired.routes[i].service, name) != 0)
			h->desired.routes[routes++] = h->desired.routes[i];
	h->desired.routes_count = routes;
}

static void what_runs_goes_on(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "debug", "app:2", STRATEGY_BLUE_GREEN, true);
	run(h);
	leave_alone(h, "debug");
	run(h);
	CHECK_STR(h->log, "");
	CHECK(find_instance(h, "shop-debug-1")->state == INSTANCE_RUNNING && traffic_of(h, "debug") != NULL);
	/* And when Git has it no more at all, it goes. */
	h->desired.projects[0].left_alone_count = 0;
	run(h);
	CHECK(!find_instance(h, "shop-debug-1") && !traffic_of(h, "debug"));
	host_free(h);
}

static bool db_fails(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_START && strcmp(a->service, "db") == 0 && err_set(e, ERR_NOT_FOUND, "no db") < 0;
}

static void what_is_not_required_holds_nothing_up(void)
{
	struct host *h = host_new();
	add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	add_service(h, "web", "app:2", STRATEGY_IN_PLACE, false);
	depends_on(h, "web", "db", CONDITION_STARTED);
	h->fails = db_fails;
	run(h);
	CHECK(!find_instance(h, "shop-web-1"));
	service_of(h, "web")->dependencies[0].is_optional = true;
	run(h);
	CHECK(find_instance(h, "shop-web-1") && find_instance(h, "shop-web-1")->state == INSTANCE_RUNNING);
	CHECK_INT(phase_of(h, "db"), PHASE_FAILED);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

static const struct test tests[] = {TEST(what_runs_goes_on), TEST(what_is_not_required_holds_nothing_up)};
TESTS_MAIN(tests)
