/* decide: ways in and flags. */
#include "model_host.h"

static bool no_shift(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_WEIGHT && err_set(e, ERR_CONFLICT, "not in force") < 0;
}

/* Flags that are not those of their weight are written again, once in a run, and the weight stays. */
static void changed_flags_are_mended(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	struct traffic *t = &h->world->nginx.topology.services[0];
	t->weight = 250;
	t->is_damaged = true;
	h->world->nginx.is_current = false; /* then nobody knows whose flags they are: the configuration comes first */
	run(h);
	CHECK_STR(h->log, "publish routes (the configuration in force is not ours)\n");
	t = &h->world->nginx.topology.services[0];
	t->is_damaged = true;
	run(h);
	CHECK_STR(h->log, "shop/web: shift traffic: 25.0% to the next revision (its flags were changed by hand)\n");
	CHECK(!h->world->nginx.topology.services[0].is_damaged);
	h->world->nginx.topology.services[0].is_damaged = true;
	h->fails = no_shift;
	run(h);
	CHECK_STR(h->log, "");
	CHECK_INT(h->last.services[0].phase, PHASE_FAILED);
	CHECK_STR(h->last.services[0].reason, "not in force");
	host_free(h);
}

/* A path whose service is not there yet is taken by nobody else; a service in a list that is not there leaves its share. */
static void ways_in_come_with_their_host(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "api", "bad:1", STRATEGY_BLUE_GREEN, true);
	h->never_ready = service_of(h, "api")->revision;
	h->desired.routes[1].host = h->desired.routes[0].host;
	h->desired.routes[1].path = "/api";
	run(h);
	CHECK_CONTAINS(h->log, "publish routes (shop/web goes live)\n");
	CHECK_INT(h->world->nginx.topology.services_count, 1);
	CHECK_INT(h->world->nginx.topology.routes_count, 2);
	h->desired.routes[1].host = "api.example.com";
	run(h);
	CHECK_INT(h->world->nginx.topology.routes_count, 1); /* a host that leads nowhere is not there */
	host_free(h);
}

static const struct test tests[] = {TEST(changed_flags_are_mended), TEST(ways_in_come_with_their_host)};
TESTS_MAIN(tests)
