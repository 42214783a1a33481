/* Routes: what the list says, as rows of a way in and a target, and every way to say it wrong. */
#include "check.h"

#include <string.h>

#include "desired_load.h"

#define TOP "services: {web: {image: a}, api: {image: a}}\nx-reconcile:\n  routes:\n    - "

static const struct {
	const char *entries;
	const char *rows; /* host or upstream, path, target, weight, place */
} good[] = {
	{"{host: Shop.Example.com, to: web:8080}", "shop.example.com / web:8080 100 compose.yaml:4:14\n"},
	{"{host: ['*.example.com', _], path: /api/, to: web:8080}",
	 "*.example.com /api web:8080 100 compose.yaml:4:15\n_ /api web:8080 100 compose.yaml:4:32\n"},
	{"{host: h, to: [{service: web:80, weight: 90}, {service: api:81, weight: 10}]}",
	 "h / web:80 90 compose.yaml:4:14\nh / api:81 10 compose.yaml:4:14\n"},
	{"{host: h, to: [{service: web:80, weight: 100}, {service: api:81, weight: 0}]}",
	 "h / web:80 100 compose.yaml:4:14\nh / api:81 0 compose.yaml:4:14\n"},
	{"{host: h, to: web:80}\n    - {host: h, path: /a, to: api:81}\n    - {host: h, path: /a/b.c~d_e-F, to: web:80}",
	 "h / web:80 100 compose.yaml:4:14\nh /a api:81 100 compose.yaml:5:14\nh /a/b.c~d_e-F web:80 100 compose.yaml:6:14\n"},
	{"{upstream: backend, to: web:80}\n    - {upstream: backend, path: /api, to: api:81}\n    - {host: backend, to: web:80}",
	 "upstream backend / web:80 100 compose.yaml:4:18\nupstream backend /api api:81 100 compose.yaml:5:18\n"
	 "backend / web:80 100 compose.yaml:6:14\n"},
};

static void routes_are_read(void)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		CLEANUP(buf_done) struct buf rows = BUF_INIT(65536);
		struct loaded l;
		load(&l, arena_printf(&a, TOP "%s\n", good[i].entries));
		CHECK_STR(l.problems.text.text, "");
		for (size_t k = 0; k < l.desired.routes_count; k++) {
			const struct route *r = &l.desired.routes[k];
			CHECK_STR(r->project, "shop");
			buf_printf(&rows, "%s%s %s %s:%d %d %s\n", r->is_upstream ? "upstream " : "", r->host, r->path, r->service, r->port,
			           r->weight, r->where);
		}
		CHECK_STR(rows.text, good[i].rows);
		loaded_done(&l);
	}
}

static void all_of_a_list_are_routed(void)
{
	struct loaded l;
	load(&l, TOP "{host: h, to: [{service: web:80, weight: 100}, {service: api:81, weight: 0}]}\n");
	const struct service *api = desired_service(&l.desired, "shop", "api");
	CHECK(api && api->is_routed);
	CHECK(api && ports_have(service_ports(api), 81));
	loaded_done(&l);
}

static const char *revision_of(const char *routes, struct loaded *l)
{
	load(l, routes);
	CHECK_INT(l->result, 0);
	return desired_service(&l->desired, "shop", "web")->revision;
}

/* The ports that routes lead to belong to the revision, as a set: hosts, paths and how often a port is named do not. */
static void ports_belong_to_the_revision(void)
{
	static const struct { const char *routes, *ports; } rows[] = {
		{"{host: h, to: \"web:80\"}", "[80]"},
		{"{host: h, to: \"web:9090\"}", "[9090]"},
		{"{host: h, to: \"web:9090\"}\n    - {host: i, to: \"web:80\"}\n    - {host: j, to: \"web:8080\"}", "[80,8080,9090]"},
		{"{host: h, to: \"api:80\"}", ""},
	};
	static const char *const same[] = {"{host: other, path: /p, to: \"web:80\"}", "{host: h, to: \"web:80\"}\n    - {host: i, to: \"web:80\"}",
		"{host: h, to: \"web:80\"}\n    - {host: i, to: \"api:81\"}"};
	struct loaded l[ARRAY_LEN(rows)], other;
	char text[512];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf ports = BUF_INIT(256);
		snprintf(text, sizeof text, TOP "%s\n", rows[i].routes);
		(void)revision_of(text, &l[i]);
		const struct value *v = service_ports(desired_service(&l[i].desired, "shop", "web"));
		if (v->count)
			value_print(&ports, v, false);
		CHECK_STR(v->count ? ports.text : "", rows[i].ports);
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(desired_service(&l[i].desired, "shop", "web")->revision, desired_service(&l[k].desired, "shop", "web")->revision));
	}
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		snprintf(text, sizeof text, TOP "%s\n", same[i]);
		CHECK_STR(revision_of(text, &other), desired_service(&l[0].desired, "shop", "web")->revision);
		loaded_done(&other);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		loaded_done(&l[i]);
}

#define NO_PATH "is no path; write one like /api: letters, digits, '-', '.', '_' and '~' between slashes\n"
#define NO_UPSTREAM "is no name for an upstream; write small letters, digits, '-' and '_', a letter first, like backend\n"

static const struct {
	const char *entries, *problems; /* each line after "compose.yaml:" */
} bad[] = {
	{"web", "4:7: x-reconcile.routes: must be a map, like {host: shop.example.com, to: web:8080}\n"},
	{"{host: a.example, to: db:80}", "4:29: x-reconcile.routes: 'db:80' leads to no service of this file\n"},
	{"{host: a b, to: web:80}",
	 "4:14: x-reconcile.routes: 'a b' is no host name; write one like shop.example.com, *.example.com, or _ for any\n"},
	{"{host: 'a;', to: web:80}",
	 "4:14: x-reconcile.routes: 'a;' is no host name; write one like shop.example.com, *.example.com, or _ for any\n"},
	{"{host: [], to: web:80}", "4:14: x-reconcile.routes: no host; write one like shop.example.com\n"},
	{"{host: a.example, to: web}", "4:29: x-reconcile.routes: 'web' is no target; write service:port, like web:8080\n"},
	{"{host: a.example, to: web:99999}",
	 "4:29: x-reconcile.routes: 'web:99999' is no target; write service:port, like web:8080\n"},
	{"{host: a.example}", "4:7: x-reconcile.routes: has no 'to'; write {host: shop.example.com, to: web:8080}\n"},
	{"{to: web:80}", "4:7: x-reconcile.routes: has no 'host'; write {host: shop.example.com, to: web:8080}\n"},
	{"{host: a, upstream: a, to: web:80}", "4:7: x-reconcile.routes: has 'host' and 'upstream'; write two routes\n"},
	{"{host: a, pth: /, to: web:80}", "4:17: x-reconcile.routes: unknown key 'pth'; did you mean 'path'?\n"},
	{"{host: a, tls: {}, to: web:80}", "4:22: x-reconcile.routes: tls must have a certificate and a key, like {certificate: /etc/ssl/shop.pem, key: /etc/ssl/shop.key}\n"},

	{"{host: a, path: api, to: web:80}", "4:23: x-reconcile.routes: 'api' " NO_PATH},
	{"{host: a, path: //api, to: web:80}", "4:23: x-reconcile.routes: '//api' " NO_PATH},
	{"{host: a, path: /a/../b, to: web:80}", "4:23: x-reconcile.routes: '/a/../b' " NO_PATH},
	{"{host: a, path: /.., to: web:80}", "4:23: x-reconcile.routes: '/..' " NO_PATH},
	{"{host: a, path: /a%20b, to: web:80}", "4:23: x-reconcile.routes: '/a%20b' " NO_PATH},
	{"{host: a, path: '/a {', to: web:80}", "4:23: x-reconcile.routes: '/a {' " NO_PATH},
	{"{host: a, path: /a;b, to: web:80}", "4:23: x-reconcile.routes: '/a;b' " NO_PATH},
	{"{host: a, path: \"/a\\nb\", to: web:80}", "4:23: x-reconcile.routes: '/a b' " NO_PATH},

	{"{upstream: a.b, to: web:80}", "4:18: x-reconcile.routes: 'a.b' " NO_UPSTREAM},
	{"{upstream: 1a, to: web:80}", "4:18: x-reconcile.routes: '1a' " NO_UPSTREAM},
	{"{upstream: 'a;', to: web:80}", "4:18: x-reconcile.routes: 'a;' " NO_UPSTREAM},
	{"{upstream: localhost, to: web:80}", "4:18: x-reconcile.routes: 'localhost' " NO_UPSTREAM},

	{"{host: a, to: [{service: web:80, weight: 90}, {service: api:80, weight: 11}]}",
	 "4:21: x-reconcile.routes: the weights make 101 together; they are percent, and must make 100\n"},
	{"{host: a, to: []}", "4:21: x-reconcile.routes: the weights make 0 together; they are percent, and must make 100\n"},
	{"{host: a, to: [web:80]}", "4:22: x-reconcile.routes: must have a service and a weight, like {service: web:8080, weight: 90}\n"},
	{"{host: a, to: [{service: web:80}]}",
	 "4:22: x-reconcile.routes: must have a service and a weight, like {service: web:8080, weight: 90}\n"},
	{"{host: a, to: [{service: web:80, weight: -1}, {service: api:80, weight: 101}]}",
	 "4:48: x-reconcile.routes: '-1' is no number from 0 to 100\n4:79: x-reconcile.routes: '101' is no number from 0 to 100\n"},
	{"{host: a, to: [{service: web:80, weight: 50}, {service: web:80, weight: 50}]}",
	 "4:63: x-reconcile.routes: 'web:80' stands in this list twice; give it one weight\n"},
	{"{host: a, to: [{service: web:80, weihgt: 50}]}",
	 "4:22: x-reconcile.routes: must have a service and a weight, like {service: web:8080, weight: 90}\n"
	 "4:40: x-reconcile.routes: unknown key 'weihgt'; did you mean 'weight'?\n"},

	{"{host: A.example, to: web:80}\n    - {host: a.example, to: web:81}",
	 "5:14: x-reconcile.routes: the host 'a.example' has a route already, at compose.yaml:4:14; remove one of them\n"},
	{"{host: [a, b, a], to: web:80}",
	 "4:21: x-reconcile.routes: the host 'a' has a route already, at compose.yaml:4:15; remove one of them\n"},
	{"&r {host: a, to: web:80}\n    - *r",
	 "4:17: x-reconcile.routes: the host 'a' has a route already, at compose.yaml:4:17; remove one of them\n"},
	{"{host: a, path: /api, to: web:80}\n    - {host: a, path: /api/, to: api:80}",
	 "5:14: x-reconcile.routes: the path /api of the host 'a' has a route already, at compose.yaml:4:14; remove one of them\n"},
	{"{upstream: a, to: web:80}\n    - {upstream: a, to: api:80}",
	 "5:18: x-reconcile.routes: the upstream 'a' has a route already, at compose.yaml:4:18; remove one of them\n"},
	/* Two names with one hash. */
	{"{upstream: u2144, to: web:80}\n    - {upstream: u5589, to: api:80}",
	 "5:18: x-reconcile.routes: the address 127.220.5.90 of the upstream 'u5589' has a route already, at compose.yaml:4:18; remove "
	 "one of them\n"},
};

static void every_message_is_literal(void)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		CLEANUP(buf_done) struct buf want = BUF_INIT(65536);
		struct loaded l;
		load(&l, arena_printf(&a, TOP "%s\n", bad[i].entries));
		char *lines = arena_strdup(&a, bad[i].problems);
		for (char *line; (line = strsep(&lines, "\n")) && *line;)
			buf_printf(&want, "compose.yaml:%s\n", line);
		CHECK_STR(l.problems.text.text, want.text);
		CHECK_INT(l.result, -1);
		CHECK_INT(l.err.kind, ERR_INVALID);
		loaded_done(&l);
	}
}

/* What a service must not say when nginx is in a container of its own. */
static void the_network_of_nginx(void)
{
	static const struct { const char *entry, *problem; } rows[] = {
		{"network_mode: host", "compose.yaml:4:19: services.web.network_mode: a route leads to web, and nginx is on the network edge (setting "
		 "nginx.network), from which it cannot reach the host's own; remove network_mode\n"},
		{"networks: {edge: {ipv4_address: 10.0.0.9}}", "compose.yaml:4:15: services.web.networks: a route leads to web, and on edge, the network of "
		 "nginx (setting nginx.network), its instances have addresses of their own; remove ipv4_address\n"},
		{"networks: {edge: {aliases: [a]}}", ""},
		{"networks: {other: {ipv4_address: 10.0.0.9}}", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct environment env = {0};
		struct problems problems = PROBLEMS_INIT;
		struct desired d = {0};
		struct err e;
		const char *text = arena_printf(&a, "services:\n  web:\n    image: a\n    %s\nnetworks: {edge: {external: true}, other: {external: true}}\n%s",
		                                rows[i / 2].entry, i % 2 ? "" : "x-reconcile: {routes: [{host: h, to: web:80}]}\n");
		struct manifest_source s = {.file = "compose.yaml", .text = text, .length = strlen(text), .directory = "/x", .nginx_network = "edge"};
		const char *wanted = i % 2 ? "" : rows[i / 2].problem;
		CHECK_INT(manifest_load(&s, &env, &a, &d, &problems, &e), *wanted ? -1 : 0);
		CHECK_STR(problems.text.text, wanted);
		problems_done(&problems);
	}
}

static void two_projects_share_a_host_by_paths(void)
{
	static const char other[] = "name: blog\nservices: {web: {image: a}}\n"
	                            "x-reconcile: {routes: [{host: h, path: /blog, to: web:80}, {host: h, path: /api, to: web:80}]}\n";
	struct manifest_source s = {.file = "b.yaml", .text = other, .length = strlen(other), .directory = "/x"};
	struct environment env = {0};
	struct loaded l;
	load(&l, TOP "{host: h, to: web:80}\n    - {host: h, path: /api, to: [{service: web:80, weight: 50}, {service: api:80, weight: 50}]}\n");
	struct desired parts[2] = {l.desired, {0}}, all = {0};
	bool is_out[2];
	CHECK_INT(manifest_load(&s, &env, &l.arena, &parts[1], &l.problems, &l.err), 0);
	CHECK_INT(projects_join(parts, 2, is_out, &l.arena, &all, &l.problems), 2);
	CHECK_STR(l.problems.text.text, "b.yaml:3:67: x-reconcile.routes: the path /api of the host 'h' has a route already, at "
	                                "compose.yaml:5:14; remove one of them\n");
	loaded_done(&l);
}

static void hops_are_loopback_addresses_of_their_own(void)
{
	char hop[16], again[16];
	route_hop("backend", hop);
	CHECK_STR(hop, "127.224.138.132");
	route_hop("backend", again);
	CHECK_STR(again, hop);
	for (int i = 0; i < 20000; i++) {
		CLEANUP(arena_done) struct arena a = {0};
		unsigned p[4];
		route_hop(arena_printf(&a, "u%d", i), hop);
		CHECK_INT(sscanf(hop, "%u.%u.%u.%u", &p[0], &p[1], &p[2], &p[3]), 4);
		CHECK(p[0] == 127 && p[1] >= 128 && p[1] < 256 && p[2] < 256 && p[3] < 256);
		CHECK(strcmp(hop, "127.128.0.0") != 0 && strcmp(hop, "127.255.255.255") != 0);
	}
}

static const struct test tests[] = {
	TEST(routes_are_read), TEST(all_of_a_list_are_routed), TEST(ports_belong_to_the_revision), TEST(every_message_is_literal),
	TEST(the_network_of_nginx), TEST(two_projects_share_a_host_by_paths), TEST(hops_are_loopback_addresses_of_their_own),
};
TESTS_MAIN(tests)
