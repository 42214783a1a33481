/* Good manifests: what they come to. */
#include "check.h"

#include "desired_load.h"

#define WEB "services:\n  web:\n    image: a\n"
#define ROUTED "x-reconcile: {routes: [{host: h, to: web:8080}]}\n"

static const struct service *service(const struct loaded *l, const char *name)
{
	static const struct service none = {.name = "(none)", .strategy_reason = "", .revision = ""};
	const struct service *s = l->desired.projects_count ? desired_service(&l->desired, l->desired.projects[0].name, name) : NULL;
	CHECK(s != NULL);
	return s ? s : &none;
}

static const struct value *value_of(const struct service *s, const char *path)
{
	static const struct value unset;
	for (size_t i = 0; i < s->spec.count; i++)
		if (strcmp(s->spec.rows[i]->path, path) == 0)
			return &s->spec.values[i];
	fprintf(stderr, "no field %s\n", path);
	CHECK(false);
	return &unset;
}

/* One key of a service, and the value that it comes to. */
static void values_are_normalised(void)
{
	static const struct {
		const char *yaml, *path, *value;
	} rows[] = {
		{"command: a 'b c'", "command", "[\"a\",\"b c\"]"}, {"command: [a, b c]", "command", "[\"a\",\"b c\"]"},
		{"command: ", "command", "null"}, {"command: ''", "command", "null"},
		{"environment: {B: 022, A: true, C: 1.10, D: \"022\", E: , F: yes}", "environment",
		 "{\"A\":\"true\",\"B\":\"18\",\"C\":\"1.1\",\"D\":\"022\",\"E\":null,\"F\":\"yes\"}"},
		{"environment: ['A=\"q\"', B=, C, SECRET]", "environment", "{\"A\":\"\\\"q\\\"\",\"B\":\"\",\"C\":null,\"SECRET\":(secret)}"},
		{"environment: {A: \"x${SECRET}\", B: \"${U:-d}\", C: $$x, D: $DOLLAR, SECRET: }", "environment",
		 "{\"A\":(secret),\"B\":\"d\",\"C\":\"$x\",\"D\":(secret),\"SECRET\":(secret)}"},
		{"environment: [\"${U:-A}=1\"]", "environment", "{\"A\":\"1\"}"},
		{"environment: {\"${SECRET}\": x}", "environment", "{\"${SECRET}\":\"x\"}"}, /* never in keys */
		{"image: \"${U:-b}\"", "image", "\"b\""},
		{"volumes: [data:/d, named:/n/, /abs/../x:/m:rw, ./rel:/r:ro, '../up:/u:ro,z']", "volumes",
		 "[\"shop_data:/d\",\"/x:/m\",\"engine-name:/n\",\"/srv/shop/rel:/r:ro\",\"/srv/up:/u:ro,z\"]"},
		{"volumes: [data:/d, named:/d]", "volumes", "[\"engine-name:/d\"]"},
		{"volumes: [{type: bind, source: conf, target: /c, read_only: true, x-a: b}]", "volumes", "[\"/srv/shop/conf:/c:ro\"]"},
		{"restart: no", "restart", "\"no\""}, {"restart: on-failure:05", "restart", "\"on-failure:5\""},
		{"init: ", "restart", NULL}, {"x-y: 1", "restart", "\"no\""},
		{"healthcheck: {test: curl x}", "healthcheck.test", "[\"CMD-SHELL\",\"curl x\"]"},
		{"healthcheck: {test: NONE}", "healthcheck.test", "[\"CMD-SHELL\",\"NONE\"]"},
		{"healthcheck: {test: [CMD, a]}", "healthcheck.test", "[\"CMD\",\"a\"]"}, {"healthcheck: {test: []}", "healthcheck.test", "null"},
		{"healthcheck: {disable: yes}", "healthcheck.test", "[\"NONE\"]"},
		{"healthcheck: {interval: 1m30s}", "healthcheck.interval", "90000000000"},
		{"healthcheck: {timeout: 1ms}", "healthcheck.timeout", "1000000"}, {"healthcheck: {retries: \"3\"}", "healthcheck.retries", "3"},
		{"healthcheck: {start_period: 0s}", "healthcheck.start_period", "null"},
		{"expose: [8080, 53/UDP, 90-91]", "expose", "[\"53/udp\",\"8080/tcp\",\"90/tcp\",\"91/tcp\"]"},
		{"mem_limit: 512m", "mem_limit", "536870912"}, {"mem_limit: 512m", "memswap_limit", "1073741824"},
		{"mem_limit: 0", "mem_limit", "null"}, {"mem_limit: 1_000_000_000", "mem_limit", "1000000000"},
		{"deploy: {resources: {limits: {memory: 512M, cpus: '0.5', pids: 7}}}", "mem_limit", "536870912"},
		{"deploy: {resources: {limits: {memory: 512M, cpus: '0.5', pids: 7}}}", "cpus", "500000000"},
		{"deploy: {resources: {limits: {memory: 512M, cpus: '0.5', pids: 7}}}", "pids_limit", "7"},
		{"cpus: 1.5", "cpus", "1500000000"}, {"cpus: 0", "cpus", "null"}, {"pids_limit: -1", "pids_limit", "null"},
		{"stop_grace_period: 1m30s", "stop_grace_period", "90000"}, {"deploy: {replicas: 0}", "deploy.replicas", "0"},
		{"depends_on: {}", "depends_on", "{}"}, {"networks: {default: {}}", "networks", "null"},
		{"networks: [default]", "networks", "null"}, {"x-reconcile: {drain_timeout: 1.5s}", "x-reconcile.drain_timeout", "1500"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[2000];
		bool has_image = strncmp(rows[i].yaml, "image", 5) == 0;
		CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
		struct loaded l;
		snprintf(text, sizeof text, "services:\n  web:\n    %s\n    %s\nvolumes: {data: , named: {name: engine-name}}\n",
		         has_image ? "x-none: 1" : "image: a", rows[i].yaml);
		load(&l, text);
		CHECK_INT(l.result, rows[i].value ? 0 : -1);
		if (rows[i].value && l.result < 0)
			fprintf(stderr, "%s", l.problems.text.text);
		if (l.result == 0) {
			value_print(&got, value_of(service(&l, "web"), rows[i].path), true);
			CHECK_STR(got.text, rows[i].value);
		}
		loaded_done(&l);
	}
}

static void secrets_are_never_shown(void)
{
	struct loaded l;
	load(&l, WEB "    mem_limit: \"${SECRET}\"\n    environment: [\"${SECRET} =x\"]\n    volumes: [\"${SECRET}:/d\"]\n"
	             "    restart: $SECRET\n    depends_on: [\"${SECRET}\"]\n" "x-reconcile: {routes: [{host: $SECRET!, to: $SECRET}]}\n");
	CHECK_INT(l.problems.count, 7);
	CHECK(!strstr(l.problems.text.text, "hunter2"));
	CHECK_CONTAINS(l.problems.text.text, "services.web.mem_limit: '${SECRET}' is no size");
	loaded_done(&l);
}

/* Strategy, probes and defaults. */
static void what_follows_from_the_file(void)
{
	static const struct {
		const char *text;
		enum strategy strategy;
		const char *reason;
		int tcp_port;
		long long for_ms, keep_old_ms;
		int may_end;
		const char *warning; /* a part of it; "": none */
	} rows[] = {
		{WEB, STRATEGY_IN_PLACE, "no route leads to it", 0, 10000, 0, 1, ""},
		{WEB "    restart: always\n", STRATEGY_IN_PLACE, "no route leads to it", 0, 10000, 0, 0, ""},
		{WEB "    healthcheck: {test: x}\n", STRATEGY_IN_PLACE, "no route leads to it", 0, 1000, 0, 0, ""},
		{WEB "    healthcheck: {disable: true}\n", STRATEGY_IN_PLACE, "no route leads to it", 0, 10000, 0, 1, ""},
		{WEB "    x-reconcile: {ready: {within: 70s}}\n", STRATEGY_IN_PLACE, "no route leads to it", 0, 10000, 0, 0, ""},
		{WEB "    x-reconcile: {ready: {tcp: {port: 5}, for: 3s}}\n", STRATEGY_IN_PLACE, "no route leads to it", 5, 3000, 0, 0, ""},
		{WEB ROUTED, STRATEGY_ROLLING, "routed", 0, 1000, 0, 0,
		 "compose.yaml:2:3: services.web: only a TCP connect to port 8080 tells whether it is ready"},
		{WEB "    healthcheck: {test: x}\n" ROUTED, STRATEGY_ROLLING, "routed", 0, 1000, 0, 0, ""},
		{WEB "    x-reconcile: {ready: {http: {port: 80}}}\n" ROUTED, STRATEGY_ROLLING, "routed", 0, 1000, 0, 0, ""},
		{WEB "    x-reconcile: {ready: {http: {port: 80}}, keep_old: 0s, strategy: in-place}\n" ROUTED, STRATEGY_IN_PLACE,
		 "set in the manifest", 0, 1000, 0, 0, ""},
		{WEB "    x-reconcile: {ready: {http: {port: 80}}}\n    volumes: [d1:/d]\nvolumes: {d1: }\n" ROUTED, STRATEGY_IN_PLACE,
		 "a writable volume", 0, 1000, 0, 0, ""},
		{WEB "    x-reconcile: {ready: {http: {port: 80}}}\n    volumes: [/d1:/d]\n" ROUTED, STRATEGY_IN_PLACE,
		 "a writable volume", 0, 1000, 0, 0, ""},
		{WEB "    x-reconcile: {ready: {http: {port: 80}}}\n    volumes: [d1:/d:ro]\nvolumes: {d1: }\n" ROUTED,
		 STRATEGY_ROLLING, "routed", 0, 1000, 0, 0, ""},
		{WEB "    x-reconcile: {ready: {http: {port: 80}}, strategy: blue-green}\n    volumes: [d1:/d]\nvolumes: {d1: }\n" ROUTED,
		 STRATEGY_BLUE_GREEN, "set in the manifest", 0, 1000, 600000, 0,
		 "compose.yaml:5:15: services.web.x-reconcile.strategy: blue-green runs the old and the new web at once on a volume"},
		{WEB "    restart: always\n  x: {image: a, depends_on: {web: {condition: service_completed_successfully}}}\n",
		 STRATEGY_IN_PLACE, "no route leads to it", 0, 10000, 0, 1, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loaded l;
		load(&l, rows[i].text);
		if (l.result < 0)
			fprintf(stderr, "%s%s", rows[i].text, l.problems.text.text);
		const struct service *s = service(&l, "web");
		CHECK_INT(s->strategy, rows[i].strategy);
		CHECK_STR(s->strategy_reason, rows[i].reason);
		CHECK_INT(s->ready.tcp_port, rows[i].tcp_port);
		CHECK_INT(s->ready.for_ms, rows[i].for_ms);
		CHECK_INT(s->keep_old_ms, rows[i].keep_old_ms);
		CHECK_INT(s->may_end, rows[i].may_end);
		CHECK_INT(s->is_job, strstr(rows[i].text, "service_completed_successfully") != NULL);
		CHECK_INT(s->hold_ms, 5000);
		CHECK_INT(s->drain_timeout_ms, 65000);
		CHECK_INT(s->stop_grace_ms, 10000);
		CHECK_INT(s->replicas, 1);
		CHECK_INT(s->rollback_window, 3);
		CHECK_STR(s->ready.path, "/");
		if (*rows[i].warning)
			CHECK_CONTAINS(l.problems.warnings.text, rows[i].warning);
		else
			CHECK_STR(l.problems.warnings.text, "");
		loaded_done(&l);
	}
}

static void members_are_filled_from_the_rows(void)
{
	struct loaded l;
	load(&l, "services:\n  web:\n    image: a/b:1\n    deploy: {replicas: 3}\n    stop_grace_period: 1s\n"
	         "    healthcheck: {test: x}\n    volumes: [d1:/d, d2:/e, d1:/f]\n    depends_on: [db]\n"
	         "    x-reconcile:\n      ready: {http: {port: 1, path: /p, status: 204, body: B}, tcp: {port: 2}, within: 9s, for: 8s}\n"
	         "      smoke: {http: {port: 3, path: /s, status: 201, body: C}, within: 7s}\n      hold: 3s\n      keep_old: 4s\n      rollback_window: 0\n      drain_timeout: 5s\n  db: {image: d}\nvolumes: {d1: , d2: {name: two}}\n" ROUTED);
	const struct service *s = service(&l, "web");
	CHECK_STR(s->project, "shop");
	CHECK_STR(s->image, "a/b:1");
	CHECK_INT(s->replicas, 3);
	CHECK_INT(s->stop_grace_ms, 1000);
	CHECK(s->has_healthcheck && s->is_routed);
	CHECK_INT(s->volumes_count, 2);
	CHECK_STR(s->volumes[0], "shop_d1");
	CHECK_STR(s->volumes[1], "two");
	CHECK_INT(s->dependencies_count, 1);
	CHECK_INT(s->ready.http_port, 1);
	CHECK_STR(s->ready.path, "/p");
	CHECK_INT(s->ready.status, 204);
	CHECK_STR(s->ready.body, "B");
	CHECK_INT(s->ready.tcp_port, 2);
	CHECK_INT(s->ready.within_ms, 9000);
	CHECK_INT(s->ready.for_ms, 8000);
	CHECK_INT(s->smoke.http_port, 3);
	CHECK_STR(s->smoke.path, "/s");
	CHECK_INT(s->smoke.status, 201);
	CHECK_STR(s->smoke.body, "C");
	CHECK_INT(s->smoke.within_ms, 7000);
	CHECK_INT(service(&l, "db")->smoke.http_port, 0);
	CHECK_INT(service(&l, "db")->smoke.within_ms, 30000);
	CHECK_INT(s->hold_ms, 3000);
	CHECK_INT(s->keep_old_ms, 4000);
	CHECK_INT(s->rollback_window, 0);
	CHECK_INT(s->drain_timeout_ms, 5000);
	CHECK_STR(l.desired.projects[0].directory, "/srv/shop");
	CHECK_STR(l.desired.projects[0].file, "compose.yaml");
	loaded_done(&l);
}

static void dependencies_come_first(void)
{
	CLEANUP(buf_done) struct buf order = BUF_INIT(100);
	struct loaded l;
	load(&l, "services:\n  a: {image: i, depends_on: [c]}\n  b: {image: i}\n  c: {image: i, depends_on: [d, b]}\n  d: {image: i}\n");
	for (size_t i = 0; l.result == 0 && i < l.desired.projects[0].services_count; i++)
		buf_puts(&order, l.desired.projects[0].services[i].name);
	CHECK_STR(order.text, "bdca");
	loaded_done(&l);
}

static void project_names(void)
{
	static const struct {
		const char *text, *directory, *name;
	} rows[] = {
		{"services: {}", "/srv/shop", "shop"}, {"services: {}", "/srv/My Shop.v2/", "myshopv2"}, {"services: {}", "_-x_y", "x_y"},
		{"name: my proj\nservices: {}", "/a", "myproj"}, {"name: \"${U:-x}\"\nservices: {}", "/a", "x"},
		{"services: {}", "/", NULL}, {"services: {}", NULL, NULL}, {"services: {}", ".", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct problems p = PROBLEMS_INIT;
		struct desired d = {0};
		struct environment env = {0};
		struct err e = {0};
		struct manifest_source s = {.file = "f", .text = rows[i].text, .length = strlen(rows[i].text), .directory = rows[i].directory};
		CHECK_INT(manifest_load(&s, &env, &a, &d, &p, &e), rows[i].name ? 0 : -1);
		if (rows[i].name && d.projects_count)
			CHECK_STR(d.projects[0].name, rows[i].name);
		else
			CHECK_STR(p.text.text, "f:1:1: the project has no name; add one at the top, like name: shop\n");
		problems_done(&p);
	}
}

static void warnings_are_told(void)
{
	static const struct {
		const char *text, *warning;
	} rows[] = {
		{WEB "    environment: {UMASK: 022}\n",
		 "compose.yaml:4:26: services.web.environment: the number 022 becomes '18'; put it in quotes to keep it as it is\n"},
		{WEB "    environment: {A: \"${NOPE}\"}\n",
		 "compose.yaml:4:22: services.web.environment: the variable NOPE has no value, so it is empty here; set it in the host's "
		 "env file, or write ${NOPE:-default}\n"},
		{WEB "    command: a && b\n",
		 "compose.yaml:4:14: services.web.command: no shell runs this: all from '&' on is dropped; write a list: [sh, -c, \"...\"]\n"},
		{WEB "    x-reconcil: {hold: 1s}\n",
		 "compose.yaml:4:5: services.web: 'x-reconcil' is ignored, like every x- key that is not ours; did you mean 'x-reconcile'?\n"},
		{WEB "    healthcheck: {disable: no}\n",
		 "compose.yaml:4:28: services.web.healthcheck.disable: 'no' is text in YAML 1.2; write false\n"},
		{"name: Shop\n" WEB, "compose.yaml:1:7: name: 'Shop' becomes 'shop'; use small letters, digits, '-' and '_'\n"},
		/* Other people's x- keys are not even looked into. */
		{"x-nginx: \"$host ${broken\"\n" WEB "    x-casaos: \"${broken\"\nversion: \"3\"\nnetworks: {default: }\n", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loaded l;
		load(&l, rows[i].text);
		CHECK_INT(l.result, 0);
		CHECK_STR(l.problems.warnings.text, rows[i].warning);
		CHECK_STR(l.problems.text.text, "");
		loaded_done(&l);
	}
}

static void atomic_is_read(void)
{
	static const char *const words[] = {"x-reconcile: {atomic: true}", "x-reconcile: {atomic: \"${NONE:-true}\"}", "x-reconcile: {atomic: false}", ""};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
		struct loaded l;
		buf_printf(&text, "%s%s\n", WEB, words[i]);
		load(&l, text.text);
		CHECK_STR(l.problems.text.text, "");
		CHECK_INT(l.desired.projects[0].is_atomic, i < 2);
		loaded_done(&l);
	}
}

static void swap_is_read(void)
{
	static const struct { const char *swap, *file; int64_t size_bytes; int swappiness; } rows[] = {
		{"{size: 2G}", "/swapfile", 2LL << 30, -1},
		{"{size: 1048577, file: /mnt/a.b/swap-1_0, swappiness: 0}", "/mnt/a.b/swap-1_0", (1 << 20) + 4096, 0},
		{"{size: \"${NONE:-64m}\", swappiness: \"200\"}", "/swapfile", 64 << 20, 200},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loaded l;
		char text[256];
		snprintf(text, sizeof text, WEB "x-reconcile:\n  host:\n    swap: %s\n", rows[i].swap);
		load(&l, text);
		CHECK_STR(l.problems.text.text, "");
		const struct swap_want *want = desired_swap(&l.desired);
		CHECK(want != NULL);
		if (want) {
			CHECK_STR(want->file, rows[i].file);
			CHECK_INT(want->size_bytes, rows[i].size_bytes);
			CHECK_INT(want->swappiness, rows[i].swappiness);
			CHECK_STR(want->where, "compose.yaml:6:11");
		}
		loaded_done(&l);
	}
	struct loaded l;
	load(&l, WEB ROUTED);
	CHECK(desired_swap(&l.desired) == NULL);
	loaded_done(&l);
}

static const struct test tests[] = {
	TEST(values_are_normalised), TEST(secrets_are_never_shown), TEST(what_follows_from_the_file),
	TEST(members_are_filled_from_the_rows), TEST(dependencies_come_first), TEST(project_names),
	TEST(warnings_are_told), TEST(swap_is_read), TEST(atomic_is_read),
};
TESTS_MAIN(tests)
