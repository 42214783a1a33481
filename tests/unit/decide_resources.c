/* decide: the networks and volumes that a manifest declares; what is made, and what is waited for. */
#include "model_host.h"

static const struct field row_networks = {"networks", "NetworkingConfig.EndpointsConfig", ENGINE_NETWORKS, CHANGE_REPLACE};
static const struct field row_mode = {"network_mode", "HostConfig.NetworkMode", ENGINE_PLAIN, CHANGE_REPLACE};

/* One more row in the spec of a service. */
static void set_row(struct host *h, struct service *s, const struct field *row, struct value v)
{
	size_t count = s->spec.count;
	const struct field **all = arena_alloc(&h->arena, (count + 1) * sizeof *all);
	struct value *values = arena_alloc(&h->arena, (count + 1) * sizeof *values);
	memcpy(all, s->spec.rows, count * sizeof *all);
	memcpy(values, s->spec.values, count * sizeof *values);
	all[count] = row;
	values[count] = v;
	s->spec = (struct spec){all, values, count + 1};
}

static struct value joined(struct host *h, const char *one, const char *other)
{
	struct value out = {0}, nothing = {.kind = VALUE_MAP};
	value_set(&h->arena, &out, one, nothing);
	value_set(&h->arena, &out, other, nothing);
	return out;
}

static void declare(struct host *h, const char *network, const char *volume, bool is_external)
{
	struct project *p = &h->desired.projects[0];
	if (network)
		*ARENA_PUSH(&h->arena, p->networks, p->networks_count) =
			(struct resource){.key = network, .name = network, .is_external = is_external, .settings = {.kind = VALUE_MAP}};
	if (volume)
		*ARENA_PUSH(&h->arena, p->volumes, p->volumes_count) =
			(struct resource){.key = volume, .name = volume, .is_external = is_external, .settings = {.kind = VALUE_MAP}};
}

static void each_missing_network_is_made_once(void)
{
	struct host *h = host_new();
	declare(h, "shop_back", NULL, false);
	declare(h, "shop_unused", NULL, false);
	declare(h, "shared", "data", true);
	set_row(h, add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false), &row_networks, joined(h, "shop_back", "shared"));
	set_row(h, add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true), &row_networks, joined(h, "shop_back", "shop_front"));
	set_row(h, add_service(h, "agent", "app:1", STRATEGY_IN_PLACE, false), &row_mode, value_string("host"));
	*ARENA_PUSH(&h->arena, h->world->networks, h->world->networks_count) = (struct network){"shared", "172.17.0.0/16", "", ""};
	run_rounds(h, 1);
	CHECK_STR(h->log,
	          "shop: create network shop_back (10.231.255.0/24)\n"
	          "shop/db: create shop-db-1 (app:1)\n"
	          "shop: create network shop_front (10.231.254.0/24)\n"
	          "shop: create network shop_reconcile (10.231.0.0/24)\n"
	          "shop/web: create shop-web-1 (app:1) at 10.231.0.2\n"
	          "shop/agent: create shop-agent-1 (app:1)\n");
	CHECK(h->last.actions[0].resource == &h->desired.projects[0].networks[0]);
	CHECK(h->last.actions[2].resource == NULL);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	nothing_left(h);
	host_free(h);
}

/* What is external is never made: the service fails and says what is missing; the others go on. */
static void a_missing_external_fails_its_service_only(void)
{
	struct host *h = host_new();
	static const char *volumes[] = {"data"};
	declare(h, "shared", "data", true);
	set_row(h, add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false), &row_networks, joined(h, "shared", "shop_front"));
	struct service *other = add_service(h, "files", "app:1", STRATEGY_IN_PLACE, false);
	other->volumes = volumes;
	other->volumes_count = 1;
	add_service(h, "web", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	CHECK_INT(phase_of(h, "db"), PHASE_FAILED);
	CHECK_INT(phase_of(h, "files"), PHASE_FAILED);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_STR(h->last.services[0].reason, "the external network shared does not exist; make it: docker network create shared");
	CHECK_STR(h->last.services[1].reason, "the external volume data does not exist; make it: docker volume create data");
	CHECK(!strstr(h->log, "shared") && !strstr(h->log, "volume") && !strstr(h->log, "quarantine"));
	*ARENA_PUSH(&h->arena, h->world->networks, h->world->networks_count) = (struct network){"shared", "", "", ""};
	*ARENA_PUSH(&h->arena, h->world->volumes, h->world->volumes_count) = "data";
	run(h);
	CHECK_INT(phase_of(h, "db"), PHASE_SETTLED);
	CHECK_INT(phase_of(h, "files"), PHASE_SETTLED);
	nothing_left(h);
	host_free(h);
}

/* A new revision that needs what is not there stops nothing, is no verdict, and comes in when it is there. */
static void the_last_good_one_stays_while_an_external_is_missing(void)
{
	for (int routed = 0; routed < 2; routed++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", routed ? STRATEGY_BLUE_GREEN : STRATEGY_IN_PLACE, routed);
		run(h);
		declare(h, "shared", NULL, true);
		set_image(h, s, "app:2");
		set_row(h, s, &row_networks, joined(h, "shared", "shop_default"));
		run(h);
		CHECK_STR(h->log, "");
		CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
		/* What still serves is mended. */
		find_instance(h, "shop-web-1")->state = INSTANCE_EXITED;
		find_instance(h, "shop-web-1")->started_ms -= 1000;
		run(h);
		CHECK_CONTAINS(h->log, "shop/web: start shop-web-1");
		CHECK_INT(phase_of(h, "web"), PHASE_FAILED);
		*ARENA_PUSH(&h->arena, h->world->networks, h->world->networks_count) = (struct network){"shared", "", "", ""};
		run(h);
		CHECK_CONTAINS(h->log, "(app:2)");
		CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
		nothing_left(h);
		host_free(h);
	}
}

/* What differs is told, and nothing is done about it. */
static void another_definition_is_told_and_not_applied(void)
{
	static const struct { bool is_volume; const char *key, *wanted, *found; const char *said; } cases[] = {
		{true, "Driver", "local", "local", NULL}, {true, "Driver", NULL, "nfs", "the volume data was made with another driver than"},
		{true, "Driver", "nfs", "local", "the volume data was made with another driver than"}, {false, "Driver", NULL, "bridge", NULL},
		{false, "Driver", "ipvlan", "bridge", "the network shop_default was made with another driver than"},
		{false, "Internal", NULL, "yes", "the network shop_default was made with another internal than"},
		{false, "Labels", NULL, "yes", NULL}, {false, "Labels", "yes", NULL, "the network shop_default was made with another labels than"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = host_new();
		declare(h, "shop_default", "data", false);
		struct service *s = add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
		*ARENA_PUSH(&h->arena, s->volumes, s->volumes_count) = "data";
		run(h);
		CHECK_INT(phase_of(h, "db"), PHASE_SETTLED);
		struct resource *r = cases[i].is_volume ? h->desired.projects[0].volumes : h->desired.projects[0].networks;
		struct made made = {.name = cases[i].is_volume ? "data" : "shop_default", .is_volume = cases[i].is_volume, .settings = {.kind = VALUE_MAP}};
		value_set(&h->arena, &made.settings, "Driver", value_string(cases[i].is_volume ? "local" : "bridge"));
		if (cases[i].wanted)
			value_set(&h->arena, &r->settings, cases[i].key, value_string(cases[i].wanted));
		if (cases[i].found)
			value_set(&h->arena, &made.settings, cases[i].key, value_string(cases[i].found));
		*ARENA_PUSH(&h->arena, h->world->made, h->world->made_count) = made;
		run(h);
		CHECK_STR(h->log, "");
		CHECK_INT(phase_of(h, "db"), cases[i].said ? PHASE_FAILED : PHASE_SETTLED);
		if (cases[i].said)
			CHECK_CONTAINS(h->last.services[0].reason, cases[i].said);
		host_free(h);
	}
}

/* On the host's network there is one address for all of its instances: the old one stops first, and both go by it. */
static void one_address_of_the_host_serves_old_and_new(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_IN_PLACE, true);
	set_row(h, s, &row_mode, value_string("host"));
	run(h);
	CHECK_CONTAINS(h->log, "shop/web: create shop-web-1 (app:1) at 127.0.0.1\n");
	CHECK(!strstr(h->log, "create network"));
	CHECK_STR(traffic_of(h, "web")->stable.addresses[0], "127.0.0.1");
	nothing_left(h);
	set_image(h, s, "app:2");
	set_row(h, s, &row_mode, value_string("host"));
	run(h);
	CHECK(strstr(h->log, "stop shop-web-1") < strstr(h->log, "create shop-web-2"));
	CHECK_CONTAINS(h->log, "remove shop-web-1");
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(h->world->instances_count, 1);
	nothing_left(h);
	/* One that does not get ready goes back to the old one. */
	set_image(h, s, "app:3");
	set_row(h, s, &row_mode, value_string("host"));
	h->never_ready = s->revision;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK_STR(traffic_of(h, "web")->stable.addresses[0], "127.0.0.1");
	host_free(h);
}

/* nginx cannot reach the bridge: a port of 127.0.0.1 for each instance, and none again while anything names it. */
static void loopback_ports(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_ROLLING, true);
	h->desired.loopback_first = 20000;
	h->desired.loopback_last = 20002;
	s->replicas = 2;
	s->batch = 1;
	run(h);
	CHECK_CONTAINS(h->log, "create shop-web-1 (app:1) at 127.0.0.1:20000\n");
	CHECK_CONTAINS(h->log, "create shop-web-2 (app:1) at 127.0.0.1:20001\n");
	CHECK(!strstr(h->log, "shop_reconcile"));
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	/* The second of the new ones finds none: those of the old revision are kept until it is good. */
	CHECK_CONTAINS(h->log, "(app:2) at 127.0.0.1:20002 (others reach it as web at once: it publishes ports)\n");
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_INT(h->world->quarantines_count, 0);
	CHECK_CONTAINS(h->last.services[0].reason, "all 3 ports of nginx.loopback_ports are taken; give a larger range in the settings");
	host_free(h);
}

static void loopback_leads_to_one_port(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_ROLLING, true);
	h->desired.loopback_first = 20000;
	h->desired.loopback_last = 20999;
	*ARENA_PUSH(&h->arena, h->desired.routes, h->desired.routes_count) =
		(struct route){.host = "admin.example.com", .path = "/", .project = "shop", .service = "web", .port = 9000, .weight = 100};
	settle_ports(h, service_of(h, "web"));
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_STR(h->last.services[0].reason, "routes lead to the ports [8080,9000] of web, and with nginx.loopback_ports an instance is "
	                                      "reached at one; lead them to one port");
	host_free(h);
}

/* One network for all, of somebody else's: which addresses of it are given, and what keeps any from being given. */
static void the_network_of_nginx(void)
{
	static const struct {
		const char *subnet, *range, *gateway, *foreign;
		const char *first, *second; /* of a service with two instances; NULL: blocked, and second is why */
	} cases[] = {
		{"10.77.0.0/24", "", "", "", "10.77.0.128", "10.77.0.129"},
		{"10.77.0.0/24", "10.77.0.0/25", "10.77.0.1", "", "10.77.0.128", "10.77.0.129"},
		{"10.77.0.0/24", "10.77.0.128/25", "10.77.0.2", "", "10.77.0.3", "10.77.0.4"},
		{"10.77.0.0/24", "10.77.0.0/24", "", "", "10.77.0.128", "10.77.0.129"},
		{"172.20.0.0/16", "", "172.20.0.1", "172.20.128.1", "172.20.128.0", "172.20.128.2"},
		{"172.20.0.0/16", "172.20.0.0/20", "172.20.16.0", "172.20.16.1", "172.20.16.2", "172.20.16.3"},
		{"10.77.0.16/29", "", "10.77.0.22", "", "10.77.0.20", "10.77.0.21"},
		{"10.77.0.16/29", "", "10.77.0.22", "10.77.0.20", NULL,
		 "all 3 addresses of the network edge (10.77.0.16/29, setting nginx.network) that are not for Docker to give are taken; make it anew "
		 "with a larger --subnet or a smaller --ip-range"},
		{"10.77.0.1/32", "", "", "", NULL,
		 "all 0 addresses of the network edge (10.77.0.1/32, setting nginx.network) that are not for Docker to give are taken; make it anew "
		 "with a larger --subnet or a smaller --ip-range"},
		{"", "", "", "", NULL, "the network edge (setting nginx.network) has no IPv4 subnet; make it anew with one of your own: docker network "
		 "create --subnet 10.77.0.0/24 --ip-range 10.77.0.0/25 edge"},
		{NULL, "", "", "", NULL, "the network edge (setting nginx.network) does not exist; make it, and connect the container of nginx: docker "
		 "network create --subnet 10.77.0.0/24 --ip-range 10.77.0.0/25 edge"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = host_new();
		const char *taken[] = {cases[i].gateway, cases[i].foreign};
		struct service *s = add_service(h, "web", "app:1", STRATEGY_ROLLING, true);
		h->desired.nginx_network = "edge";
		s->replicas = 2;
		if (cases[i].subnet)
			*ARENA_PUSH(&h->arena, h->world->networks, h->world->networks_count) =
				(struct network){"edge", cases[i].subnet, cases[i].range, "", taken, ARRAY_LEN(taken)};
		run(h);
		CHECK(!strstr(h->log, "shop_reconcile") && !strstr(h->log, "network edge"));
		CHECK_INT(h->world->quarantines_count, 0);
		CHECK_INT(phase_of(h, "web"), cases[i].first ? PHASE_SETTLED : PHASE_BLOCKED);
		if (cases[i].first) {
			CHECK_CONTAINS(h->log, arena_printf(&h->arena, "create shop-web-1 (app:1) at %s\n", cases[i].first));
			CHECK_CONTAINS(h->log, arena_printf(&h->arena, "create shop-web-2 (app:1) at %s\n", cases[i].second));
			nothing_left(h);
		} else {
			CHECK_STR(h->last.services[0].reason, cases[i].second);
		}
		host_free(h);
	}
}

/* Of several projects: no address twice, also none that nginx still leads to; and the next one above those in use. */
static void the_network_of_nginx_is_shared(void)
{
	struct host *h = host_new();
	h->desired.nginx_network = "edge";
	*ARENA_PUSH(&h->arena, h->world->networks, h->world->networks_count) = (struct network){.name = "edge", .subnet = "10.77.0.0/24", .range = "", .project = ""};
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "api", "app:1", STRATEGY_ROLLING, true);
	run(h);
	CHECK_CONTAINS(h->log, "create shop-web-1 (app:1) at 10.77.0.128\n");
	CHECK_CONTAINS(h->log, "create shop-api-1 (app:1) at 10.77.0.129\n");
	nothing_left(h);
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	CHECK_CONTAINS(h->log, "create shop-web-2 (app:2) at 10.77.0.130\n");
	nothing_left(h);
	/* One that lost its place there serves nobody any more. */
	find_instance(h, "shop-web-2")->address = "";
	run(h);
	CHECK_CONTAINS(h->log, "create shop-web-1 (app:2) at 10.77.0.131 (shop-web-2 is not on the network of nginx's traffic)\n");
	CHECK_CONTAINS(h->log, "remove shop-web-2");
	nothing_left(h);
	host_free(h);
}

static const struct test tests[] = {
	TEST(the_network_of_nginx), TEST(the_network_of_nginx_is_shared), TEST(loopback_ports), TEST(loopback_leads_to_one_port),
	TEST(another_definition_is_told_and_not_applied),
	TEST(each_missing_network_is_made_once), TEST(a_missing_external_fails_its_service_only),
	TEST(the_last_good_one_stays_while_an_external_is_missing), TEST(one_address_of_the_host_serves_old_and_new),
};
TESTS_MAIN(tests)
