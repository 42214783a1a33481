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

/* "host 8080" or "host 8080/9090" of each row, as installed. */
static const char *ports_of(struct host *h)
{
	const char *text = "";
	for (size_t i = 0; i < h->world->nginx.topology.routes_count; i++) {
		const struct route *r = &h->world->nginx.topology.routes[i];
		const char *next = r->next_port ? arena_printf(&h->arena, "/%d", r->next_port) : "";
		text = arena_printf(&h->arena, "%s%s%.*s %d%s", text, *text ? ", " : "", (int)strcspn(r->host, "."), r->host, r->port, next);
	}
	return text;
}

static void set_port(struct host *h, size_t route, int port, const char *image)
{
	struct route *r = &h->desired.routes[route];
	r->port = port;
	if (image)
		set_image(h, service_of(h, r->service), image);
	settle_ports(h, service_of(h, r->service));
}

static bool kills_shift(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_WEIGHT && err_set(e, ERR_CONFLICT, "held here") < 0;
}

/* What is installed while both sides are there, for each strategy that has two; after it the new port alone. That no
 * side is asked at a port that its revision does not have is checked at every publish. */
static void each_side_is_asked_at_its_own_port(void)
{
	static const enum strategy strategies[] = {STRATEGY_ROLLING, STRATEGY_BLUE_GREEN, STRATEGY_CANARY};
	static const struct canary_step steps[] = {{500, 1000}};
	for (size_t i = 0; i < ARRAY_LEN(strategies); i++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", strategies[i], true);
		s->batch = 1;
		s->steps = (struct canary_step *)steps;
		s->steps_count = 1;
		run(h);
		set_port(h, 0, 9090, i == 1 ? NULL : "app:2"); /* also alone it is a rollout */
		h->fails = kills_shift;
		run(h);
		CHECK_STR(ports_of(h), "web 8080/9090");
		h->fails = NULL;
		run(h);
		CHECK_STR(ports_of(h), "web 9090");
		nothing_left(h);
		host_free(h);
	}
}

/* The way back is asked where it was; a newer commit in the middle, too. */
static void the_way_back_uses_the_old_port(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_port(h, 0, 9090, "app:2");
	h->fails = kills_shift;
	run(h);
	set_port(h, 0, 7070, "app:3");
	run(h);
	CHECK_STR(ports_of(h), "web 8080/7070"); /* by the old one alone in between */
	h->fails = NULL;
	h->never_ready = service_of(h, "web")->revision;
	for (size_t i = 0; i < h->world->instances_count; i++)
		if (strcmp(h->world->instances[i].revision, h->never_ready) == 0)
			h->world->instances[i].health = HEALTH_UNHEALTHY;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK_STR(ports_of(h), "web 8080");
	nothing_left(h);
	host_free(h);
}

/* Several ways in: those that are new ask the old side at what it has, a swap of two ports waits for its revision. */
static void each_way_in_has_its_ports(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_route_at(h, "web", 8081);
	h->desired.routes[1].host = "admin.example.com";
	run(h);
	CHECK_STR(ports_of(h), "web 8080, admin 8081");
	h->fails = kills_shift;
	h->desired.routes[0].port = 8081;
	h->desired.routes[1].port = 8080;
	add_route_at(h, "web", 8081);
	h->desired.routes[2].host = "more.example.com";
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	CHECK_STR(ports_of(h), "web 8080/8081, admin 8081/8080, more 8081");
	h->world->nginx.topology = (struct topology){0}; /* lost: then by what the instances say */
	h->world->nginx.is_current = false;
	run(h);
	h->fails = NULL;
	run(h);
	CHECK_STR(ports_of(h), "web 8081, admin 8080, more 8081");
	host_free(h);
}

/* Nobody can knock there, but it is a port of the revision all the same: also alone, also when nginx's files are lost. */
static void a_port_of_udp_belongs_to_the_revision(void)
{
	struct host *h = host_new();
	add_service(h, "names", "app:1", STRATEGY_BLUE_GREEN, false);
	add_route_at(h, "names", 53);
	add_route_at(h, "names", 53);
	h->desired.routes[0].transport = TRANSPORT_TCP;
	h->desired.routes[1].transport = TRANSPORT_UDP;
	service_of(h, "names")->is_routed = true;
	set_port(h, 1, 53, NULL);
	run(h);
	CHECK_STR(ports_of(h), "names 53, names 53");
	CHECK_INT(find_instance(h, "shop-names-1")->ports.count, 1); /* which it is asked at */
	set_port(h, 1, 5353, NULL);
	h->fails = kills_shift;
	run(h);
	CHECK_STR(ports_of(h), "names 53, names 53/5353"); /* the old one not where nothing may listen */
	h->fails = NULL;
	run(h);
	CHECK_STR(ports_of(h), "names 53, names 5353");
	/* A bad one goes back, and is not followed there. */
	set_port(h, 1, 5454, "app:2");
	h->never_ready = service_of(h, "names")->revision;
	run(h);
	CHECK_INT(phase_of(h, "names"), PHASE_ROLLED_BACK);
	CHECK_STR(ports_of(h), "names 53, names 5353");
	h->world->nginx.topology = (struct topology){0};
	h->world->nginx.is_current = false;
	run(h);
	CHECK_STR(ports_of(h), "names 53, names 5353");
	nothing_left(h);
	host_free(h);
}

/* In place there is one side at a time. */
static void in_place_takes_the_port_along(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_IN_PLACE, true);
	run(h);
	set_port(h, 0, 9090, "app:2");
	h->exits = service_of(h, "web")->revision;
	run(h);
	CHECK_STR(ports_of(h), "web 8080");
	h->exits = NULL;
	set_port(h, 0, 9090, "app:3");
	run(h);
	CHECK_STR(ports_of(h), "web 9090");
	host_free(h);
}

/* The services that the installed ways in lead to: "web.example.com>api". */
static const char *targets_of(struct host *h)
{
	const char *text = "";
	for (size_t i = 0; i < h->world->nginx.topology.routes_count; i++) {
		const struct route *r = &h->world->nginx.topology.routes[i];
		text = arena_printf(&h->arena, "%s%s%.*s>%s", text, *text ? ", " : "", (int)strcspn(r->host, "."), r->host, r->service);
	}
	return text;
}

/* What never got ready does after all. */
static void gets_ready(struct host *h)
{
	for (size_t i = 0; i < h->world->instances_count; i++) {
		h->world->instances[i].failing_since_ms = 0;
		h->world->instances[i].passing_since_ms = h->world->now_ms;
	}
	h->never_ready = NULL;
}

/* A way in that moves stays with what serves until its new target has something proven; a service that left Git, too. */
static void a_way_in_moves_when_its_target_is_there(void)
{
	for (int leaves = 0; leaves < 2; leaves++) {
		struct host *h = host_new();
		add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
		run(h);
		add_service(h, "api", "app:2", STRATEGY_BLUE_GREEN, true);
		h->desired.routes[0] = h->desired.routes[1];
		h->desired.routes[0].host = "web.example.com";
		h->desired.routes_count = 1;
		if (leaves)
			h->desired.projects[0].services[0] = h->desired.projects[0].services[--h->desired.projects[0].services_count];
		else
			service_of(h, "web")->is_routed = false;
		h->never_ready = "rev-app:2";
		run(h);
		CHECK_STR(targets_of(h), "web>web");
		CHECK_INT(traffic_of(h, "web")->stable.addresses_count, 1);
		CHECK_INT(find_instance(h, "shop-web-1")->state, INSTANCE_RUNNING);
		CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
		CHECK_STR(h->last.services[leaves ? 1 : 0].reason, "keeps the host web.example.com until shop/api is ready");
		gets_ready(h);
		run(h);
		CHECK_STR(targets_of(h), "web>api");
		CHECK(!traffic_of(h, "web"));
		CHECK(leaves ? !find_instance(h, "shop-web-1") : find_instance(h, "shop-web-1") != NULL);
		nothing_left(h);
		host_free(h);
	}
}

/* Shares: who is new gets none before it is proven, and who goes keeps its own until then. */
static void shares_move_when_all_are_there(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	add_service(h, "api", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "beta", "app:2", STRATEGY_BLUE_GREEN, true);
	h->desired.routes[1].host = h->desired.routes[2].host = "web.example.com";
	h->desired.routes[1].weight = h->desired.routes[2].weight = 50;
	h->desired.routes[0] = h->desired.routes[2];
	h->desired.routes_count = 2;
	service_of(h, "web")->is_routed = false;
	h->never_ready = "rev-app:2";
	run(h);
	CHECK_STR(targets_of(h), "web>web");
	gets_ready(h);
	run(h);
	CHECK_STR(targets_of(h), "web>beta, web>api");
	host_free(h);
}

/* An upstream that left Git and that a file of the user's own still names goes on; everything else is published. */
static void an_upstream_that_is_named_stays(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "api", "app:1", STRATEGY_BLUE_GREEN, true);
	h->desired.routes[0].is_upstream = true;
	h->desired.routes[0].host = "backend";
	run(h);
	struct naming naming = {"backend", "/etc/nginx/conf.d/shop.conf:12"};
	h->world->nginx.namings = &naming;
	h->world->nginx.namings_count = 1;
	nothing_left(h); /* Git has it */
	h->desired.routes[0] = h->desired.routes[--h->desired.routes_count];
	service_of(h, "web")->is_routed = false;
	set_image(h, service_of(h, "api"), "app:2");
	run(h);
	CHECK_STR(targets_of(h), "backend>web, api>api");
	CHECK_STR(traffic_of(h, "api")->stable.revision, "rev-app:2");
	CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
	CHECK_STR(h->last.services[0].reason, "the upstream 'backend' left Git and goes on, because /etc/nginx/conf.d/shop.conf:12 still names "
	                                      "it; remove that, or put the route back");
	h->world->nginx.namings_count = 0;
	run(h);
	CHECK_STR(targets_of(h), "api>api");
	host_free(h);
}

static const struct test tests[] = {
	TEST(changed_flags_are_mended), TEST(ways_in_come_with_their_host), TEST(each_side_is_asked_at_its_own_port),
	TEST(the_way_back_uses_the_old_port), TEST(each_way_in_has_its_ports), TEST(a_port_of_udp_belongs_to_the_revision), TEST(in_place_takes_the_port_along),
	TEST(a_way_in_moves_when_its_target_is_there), TEST(shares_move_when_all_are_there), TEST(an_upstream_that_is_named_stays),
};
TESTS_MAIN(tests)
