/* Revisions, services as text, and broken bytes: properties rather than examples. */
#include "check.h"

#include <stdint.h>
#include <stdlib.h>

#include "desired_load.h"

#define MAX_TEXT 8192

static const char good[] =
	"name: parking\n"
	"x-env: &env { PROFILE: prod, REDIS_HOST: redis }\n"
	"services:\n"
	"  mysql:\n"
	"    image: parking/db:8.3\n"
	"    volumes: [mysql:/var/lib/mysql, \"/etc/x:/etc/x:ro\"]\n"
	"    healthcheck: { test: [CMD, mysqladmin, ping], interval: 5s, retries: 20 }\n"
	"    deploy: { resources: { limits: { memory: 512M, cpus: \"0.5\", pids: 100 } } }\n"
	"    restart: on-failure\n"
	"  backend:\n"
	"    image: parking/was:1.0.3\n"
	"    command: 'java -jar \"my app.jar\"'\n"
	"    environment: { <<: *env, DB_PASSWORD: \"${SECRET:?set it}\", PASS: , D: \"${U:-x}\" }\n"
	"    depends_on: { mysql: { condition: service_healthy } }\n"
	"    deploy: { replicas: 2 }\n"
	"    expose: [8080, 53/udp]\n"
	"    mem_limit: 1g\n"
	"    stop_grace_period: 1m30s\n"
	"    ports: [\"127.0.0.1:9000-9003:90\", { target: 91, published: \"0\" }]\n"
	"    labels: [a=b, \"c=${SECRET}\"]\n"
	"    ulimits: { nofile: { soft: 10, hard: 20 } }\n"
	"    devices: [/dev/null:/dev/zero:r]\n"
	"    extra_hosts: [host.docker.internal:host-gateway]\n"
	"    tmpfs: /run:size=1m\n"
	"    networks: { front: { aliases: [api] }, default: }\n"
	"    x-reconcile:\n"
	"      ready: { http: { port: 8080, path: /health, status: 200, body: UP }, within: 60s }\n"
	"      smoke: { http: { port: 8080, path: /smoke, status: 200, body: ok }, within: 20s }\n"
	"      hold: 2m\n"
	"      rollback_window: 7\n"
	"volumes: { mysql: { driver_opts: { type: none, o: bind, device: ./data } } }\n"
	"networks: { front: { internal: true, ipam: { config: [{ subnet: 172.28.0.0/24 }] } } }\n"
	"x-reconcile:\n"
	"  routes:\n"
	"    - { host: parking.example.com, to: backend:8080 }\n";

static void revision_of(const char *keys, char out[32])
{
	char text[MAX_TEXT];
	struct loaded l;
	snprintf(text, sizeof text, "services:\n  web:\n    image: a\n%svolumes: {data: {}, more: {}}\n", keys);
	load(&l, text);
	if (l.result < 0)
		fprintf(stderr, "%s%s", text, l.problems.text.text);
	snprintf(out, 32, "%s", l.result == 0 ? l.desired.projects[0].services[0].revision : "refused");
	loaded_done(&l);
}

/* Each row is two ways to say one thing. */
static void equal_spellings_are_one_revision(void)
{
	static const struct {
		const char *one, *other;
	} rows[] = {
		{"    environment: {A: 1, B: x}\n", "    environment: {B: x, A: 1}\n"},
		{"    environment: {A: 1, B: x}\n", "    environment: [B=x, A=1]\n"},
		{"    environment: {A: 1, B: x}\n", "    environment: [A=0, B=x, A=1]\n"},
		{"    environment: {A: 1}\n", "    environment:\n      'A': \"1\"  # a comment\n"},
		{"    environment: {A: hunter2}\n", "    environment: {A: \"${SECRET}\"}\n"},
		{"    command: a b\n", "    command: [a, b]\n"},
		{"    command: []\n", ""},
		{"    expose: [80, 81]\n", "    expose: [\"81/tcp\", 80-81]\n"},
		{"    volumes: [data:/d, more:/m]\n", "    volumes: [more:/m/, \"data:/d:rw\"]\n"},
		{"    volumes: [data:/d:ro]\n", "    volumes: [{type: volume, source: data, target: /d, read_only: true}]\n"},
		{"    healthcheck: {test: x, interval: 1m}\n", "    healthcheck: {interval: 60s, test: [CMD-SHELL, x]}\n"},
		{"    healthcheck: {disable: true}\n", "    healthcheck: {test: [NONE]}\n"},
		{"    mem_limit: 512m\n", "    mem_limit: 512M\n"}, {"    mem_limit: 512m\n", "    mem_limit: 536870912\n"},
		{"    mem_limit: 512m\n", "    deploy: {resources: {limits: {memory: 512MiB}}}\n"},
		{"    mem_limit: 0\n", ""},
		{"    ports: ['8080:80', '81']\n", "    ports: [81/tcp, {target: 80, published: '8080', protocol: tcp}]\n"},
		{"    ports: ['8080:80']\n", "    ports: ['8080:80']\n    expose: [80]\n"}, {"    ports: []\n", ""},
		{"    labels: {a: 1, b: }\n", "    labels: [b, a=1]\n"}, {"    entrypoint: a b\n", "    entrypoint: [a, b]\n"},
		{"    cap_add: [NET_ADMIN, sys_time]\n", "    cap_add: [SYS_TIME, CAP_NET_ADMIN]\n"}, {"    privileged: false\n", ""},
		{"    devices: [/dev/a]\n", "    devices: ['/dev/a:/dev/a:rwm']\n"}, {"    tmpfs: /run\n", "    tmpfs: [/run/]\n"},
		{"    ulimits: {nofile: 5}\n", "    ulimits: {nofile: {hard: 5, soft: 5}}\n"}, {"    dns: 1.1.1.1\n", "    dns: [1.1.1.1]\n"},
		{"    extra_hosts: ['a:1.1.1.1']\n", "    extra_hosts: {a: 1.1.1.1}\n"}, {"    network_mode: default\n", "    network_mode: bridge\n"},
		{"    sysctls: [a=1]\n", "    sysctls: {a: 1}\n"}, {"    networks: {default: }\n", ""}, {"    shm_size: 64m\n", "    shm_size: 65536k\n"},
		{"    volumes: [{type: volume, source: data, target: /d, volume: {nocopy: true}}]\n", "    volumes: [data:/d:nocopy]\n"},
		{"    volumes: [{type: bind, source: /x, target: /d, bind: {create_host_path: true}}]\n", "    volumes: [/x:/d]\n"},
		/* Changed on the running container: only whether there is one counts. */
		{"    mem_reservation: 64m\n", "    deploy: {resources: {reservations: {memory: 128m}}}\n"},
		{"    cpu_shares: 512\n", "    cpu_shares: 100\n"}, {"    cpuset: '0'\n", "    cpuset: 0-1\n"},
		{"    deploy: {restart_policy: {condition: any}}\n", "    restart: always\n"},
		{"    mem_limit: 512m\n", "    mem_limit: 1g\n    memswap_limit: 1g\n"}, {"    cpus: 1\n", "    cpus: 2\n"},
		{"    pids_limit: 10\n", "    deploy: {resources: {limits: {pids: 20}}}\n"},
		{"    restart: always\n", ""}, {"    restart: \"no\"\n", "    restart: on-failure:5\n"},
		/* Never part of it. */
		{"    deploy: {replicas: 5}\n", ""}, {"    stop_grace_period: 1m\n", ""},
		{"    x-reconcile: {hold: 1m, rollback_window: 1, ready: {tcp: {port: 5}}, smoke: {http: {port: 5}}}\n", ""}, {"    networks: [default]\n", ""},
		{"    x-note: {a: b}\n", ""}, {"    scale: 5\n", ""}, {"    pull_policy: always\n", ""}, {"    attach: true\n", ""},
		{"    deploy: {mode: replicated, labels: {a: b}, update_config: {order: stop-first}, rollback_config: {parallelism: 2}}\n", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char one[32], other[32];
		revision_of(rows[i].one, one);
		revision_of(rows[i].other, other);
		CHECK_INT(strlen(one), REVISION_LENGTH);
		if (strcmp(one, other) != 0)
			fprintf(stderr, "%s%s", rows[i].one, rows[i].other);
		CHECK_STR(one, other);
	}
}

/* Every row differs from every other one and from no keys at all. */
static void each_difference_is_a_revision(void)
{
	static const char *const rows[] = {
		"", "    environment: {A: 1}\n", "    environment: {A: 2}\n", "    environment: {A: }\n", "    environment: {B: 1}\n",
		"    environment: {A: \"\"}\n", "    command: a b\n", "    command: [a b]\n", "    volumes: [data:/d]\n",
		"    volumes: [data:/d:ro]\n", "    volumes: [more:/d]\n", "    healthcheck: {test: x}\n",
		"    healthcheck: {disable: true}\n", "    healthcheck: {test: x, interval: 1s}\n", "    healthcheck: {test: x, timeout: 1s}\n",
		"    healthcheck: {test: x, retries: 1}\n", "    healthcheck: {test: x, start_period: 1s}\n", "    expose: [80]\n",
		"    expose: [80/udp]\n", "    mem_limit: 512m\n", "    cpus: 1\n", "    pids_limit: 5\n",
		"    entrypoint: a b\n", "    entrypoint: []\n", "    ports: [80]\n", "    ports: ['80:80']\n", "    ports: ['127.0.0.1:80:80']\n",
		"    ports: ['80:80/udp']\n", "    hostname: a\n", "    domainname: a\n", "    labels: {a: 1}\n", "    labels: {a: 2}\n",
		"    network_mode: bridge\n", "    network_mode: host\n", "    network_mode: none\n", "    networks: {default: {aliases: [x]}}\n",
		"    security_opt: [a]\n", "    user: a\n", "    privileged: true\n", "    cap_add: [A]\n", "    cap_drop: [A]\n",
		"    platform: linux/arm64\n", "    logging: {driver: local}\n", "    logging: {options: {a: b}}\n", "    devices: [/dev/a]\n",
		"    devices: ['/dev/a:r']\n", "    ulimits: {nofile: 5}\n", "    ulimits: {nofile: {soft: 4, hard: 5}}\n",
		"    extra_hosts: ['a:1.1.1.1']\n", "    tty: true\n", "    stdin_open: true\n", "    init: true\n", "    init: false\n",
		"    read_only: true\n", "    tmpfs: /run\n", "    tmpfs: /run:size=1m\n", "    working_dir: /a\n", "    shm_size: 1m\n",
		"    stop_signal: SIGINT\n", "    sysctls: {a: 1}\n", "    dns: 1.1.1.1\n", "    dns_search: a\n", "    dns_opt: [a]\n",
		"    pid: host\n", "    ipc: host\n", "    group_add: [a]\n", "    userns_mode: host\n", "    runtime: a\n",
		"    mem_reservation: 64m\n", "    cpu_shares: 5\n", "    cpuset: '0'\n", "    mem_swappiness: 0\n", "    oom_score_adj: 5\n",
		"    volumes: [{type: tmpfs, target: /d}]\n", "    volumes: [{type: tmpfs, target: /d, tmpfs: {size: 1m}}]\n",
		"    volumes: [{type: bind, source: /x, target: /d, bind: {create_host_path: false}}]\n", "    volumes: [/x:/d]\n",
	};
	static char revisions[ARRAY_LEN(rows)][32];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		revision_of(rows[i], revisions[i]);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(revisions[i], revisions[j]) != 0);
	}
}

/* Known value: a change of the way it is made would restart every service of every user. */
static void a_revision_stays_what_it_was(void)
{
	char got[32];
	revision_of("    environment: {A: 1}\n    mem_limit: 1g\n", got);
	CHECK_STR(got, "a70b84c969fee705");
}

static bool values_are_same(const struct value *a, const struct value *b)
{
	if (a->secret != b->secret || a->kind != b->kind)
		return false;
	for (size_t i = 0; (a->kind == VALUE_LIST || a->kind == VALUE_MAP) && i < a->count && i < b->count; i++)
		if (!values_are_same(&a->items[i], &b->items[i]))
			return false;
	return value_equal(a, b);
}

static void compare(const struct service *a, const struct service *b)
{
	CHECK_STR(b->project, a->project);
	CHECK_STR(b->name, a->name);
	CHECK_STR(b->revision, a->revision);
	CHECK_STR(b->image, a->image);
	CHECK_STR(b->strategy_reason, a->strategy_reason);
	CHECK_STR(b->ready.path, a->ready.path);
	CHECK((a->ready.body == NULL) == (b->ready.body == NULL));
	CHECK(a->replicas == b->replicas && a->has_healthcheck == b->has_healthcheck && a->is_job == b->is_job &&
	      a->may_end == b->may_end);
	CHECK(a->stop_grace_ms == b->stop_grace_ms && a->strategy == b->strategy && a->is_routed == b->is_routed);
	CHECK(a->ready.http_port == b->ready.http_port && a->ready.status == b->ready.status);
	CHECK(a->ready.tcp_port == b->ready.tcp_port && a->ready.within_ms == b->ready.within_ms);
	CHECK(a->smoke.http_port == b->smoke.http_port && a->smoke.status == b->smoke.status && a->smoke.within_ms == b->smoke.within_ms);
	if (a->smoke.path && a->smoke.body) {
		CHECK_STR(b->smoke.path, a->smoke.path);
		CHECK_STR(b->smoke.body, a->smoke.body);
	}
	CHECK(a->ready.for_ms == b->ready.for_ms && a->hold_ms == b->hold_ms && a->keep_old_ms == b->keep_old_ms);
	CHECK_INT(b->rollback_window, a->rollback_window);
	CHECK(a->drain_timeout_ms == b->drain_timeout_ms && a->pull == b->pull);
	CHECK_INT(b->volumes_count, a->volumes_count);
	for (size_t i = 0; i < a->volumes_count && i < b->volumes_count; i++)
		CHECK_STR(b->volumes[i], a->volumes[i]);
	CHECK_INT(b->dependencies_count, a->dependencies_count);
	for (size_t i = 0; i < a->dependencies_count && i < b->dependencies_count; i++) {
		CHECK_STR(b->dependencies[i].service, a->dependencies[i].service);
		CHECK_INT(b->dependencies[i].condition, a->dependencies[i].condition);
	}
	CHECK_INT(b->spec.count, a->spec.count);
	for (size_t i = 0; i < a->spec.count && i < b->spec.count; i++)
		CHECK(values_are_same(&a->spec.values[i], &b->spec.values[i]));
}

static void a_service_survives_text(void)
{
	struct loaded l;
	load(&l, good);
	CHECK_INT(l.result, 0);
	for (size_t i = 0; l.result == 0 && i < l.desired.projects[0].services_count; i++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(65536), again = BUF_INIT(65536);
		struct service *s = &l.desired.projects[0].services[i], back;
		service_print(&text, s);
		CHECK_INT(service_parse(text.text, &l.arena, &back, &l.err), 0);
		compare(s, &back);
		service_print(&again, &back);
		CHECK_STR(again.text, text.text);
	}
	loaded_done(&l);
}

/* What the manifest cannot make but a value can: whole 64-bit numbers, keys that look like our wrappers. */
static void odd_values_survive_text(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
	size_t count;
	const struct field *const *rows = fields_rows(&count);
	struct value *values = arena_alloc(&a, count * sizeof *values);
	static const int64_t numbers[] = {INT64_MAX, INT64_MIN + 1, (INT64_C(1) << 53) + 1, -1, 0};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		value_push(&a, &values[0], value_int(numbers[i]));
	value_set(&a, &values[1], "map", value_string("x"));
	value_set(&a, &values[2], "secret", value_bool(true));
	values[2].secret = true;
	value_set(&a, &values[3], "int", value_string("\x01\xff\"\\\n"));
	values[4].kind = VALUE_MAP;
	values[5].kind = VALUE_LIST;
	struct service s = {.project = "p", .name = "n", .image = "i", .strategy_reason = "r", .ready.path = "/",
	                    .stop_grace_ms = INT64_MAX, .spec = {rows, values, count}}, back;
	struct err e = {0};
	service_print(&text, &s);
	CHECK_INT(service_parse(text.text, &a, &back, &e), 0);
	compare(&s, &back);
}

static void broken_text_is_told(void)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "service: is no JSON object"}, {"[]", "service: is no JSON object"}, {"{}", "service: revision: is missing"},
		{"{\"revision\":\"a\"}", "service: project, name or image: is missing"},
		{"{\"revision\":\"a\",\"what\":1}", "service: unknown member 'what'"},
		{"{\"revision\":\"a\",\"replicas\":\"x\"}", "service: replicas: is no such value"},
		{"{\"revision\":\"a\",\"project\":\"p\",\"name\":\"n\",\"image\":\"i\"}", "service: spec: is missing"},
		{"{\"revision\":\"a\",\"project\":\"p\",\"name\":\"n\",\"image\":\"i\",\"spec\":{\"imgae\":\"x\"}}",
		 "service: spec: unknown field 'imgae'"},
		{"{\"revision\":\"a\",\"project\":\"p\",\"name\":\"n\",\"image\":\"i\",\"spec\":{\"image\":{\"x\":1}}}",
		 "service: spec: image: is no value"},
		{"{\"revision\":\"12345678901234567\"}", "service: revision: is missing"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct service s;
		struct err e = {0};
		CHECK_INT(service_parse(rows[i].text, &a, &s, &e), -1);
		CHECK_STR(e.message, rows[i].error);
	}
}

/* Either it loads, or it says why; the sanitizers watch for the rest. The copy has no NUL behind it. */
static void try_bytes(const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);
	struct loaded l;
	memcpy(copy, text, length);
	load_bytes(&l, copy, length);
	CHECK((l.result == 0) == (l.problems.count == 0));
	CHECK((l.result == 0) == (l.problems.text.length == 0));
	loaded_done(&l);
	free(copy);
}

static void every_prefix_gives_an_answer(void)
{
	for (size_t length = 0; length <= strlen(good); length++)
		try_bytes(good, length);
}

static void broken_bytes_give_an_answer(void)
{
	static const char interesting[] = "{}[]:,&*!|>'\"%@`#-?~$ \t\n\\\0\xff<";
	uint32_t seed = 20240229;
	for (int round = 0; round < 2000; round++) {
		char text[sizeof good];
		memcpy(text, good, sizeof good);
		for (int change = 0; change < 1 + round % 4; change++) {
			seed = seed * 1664525 + 1013904223;
			size_t place = (seed >> 8) % (sizeof good - 1);
			seed = seed * 1664525 + 1013904223;
			text[place] = round % 2 ? interesting[(seed >> 8) % (sizeof interesting - 1)] : (char)(seed >> 16);
		}
		try_bytes(text, sizeof good - 1);
	}
}

static const char with_policies[] =
	"services:\n"
	"  a: {image: \"host:5000/team/app:1\", pull_policy: always}\n"
	"  b: {image: \"host:5000/team/app:1\"}\n"
	"  c: {image: \"app:1@sha256:12\", pull_policy: always}\n"
	"  d: {image: \"host:5000/app@sha256:12\", pull_policy: never}\n"
	"  e: {image: \"${SECRET}\", pull_policy: if_not_present}\n";

/* The policy is no part of the revision; the digest is. */
static void a_digest_is_part_of_the_revision(void)
{
	struct loaded l;
	load(&l, with_policies);
	CHECK_INT(l.result, 0);
	struct service *s = l.result == 0 ? l.desired.projects[0].services : NULL;
	char before[REVISION_LENGTH + 1];
	for (int i = 0; s && i < 1; i++) {
		CHECK_INT(s[0].pull, PULL_ALWAYS);
		CHECK_INT(s[1].pull, PULL_MISSING);
		CHECK_INT(s[3].pull, PULL_NEVER);
		CHECK_INT(s[4].pull, PULL_MISSING);
		CHECK_STR(s[0].revision, s[1].revision);
		memcpy(before, s[1].revision, sizeof before);
		service_pin(&l.arena, &s[0], "sha256:aa");
		service_pin(&l.arena, &s[1], "sha256:bb");
		CHECK_STR(s[0].image, "host:5000/team/app@sha256:aa");
		CHECK_STR(spec_value(&s[0].spec, "image")->string, "host:5000/team/app:1@sha256:aa");
		CHECK(strcmp(s[0].revision, before) != 0 && strcmp(s[0].revision, s[1].revision) != 0);
		service_pin(&l.arena, &s[1], "sha256:aa"); /* pinned once is pinned */
		CHECK_STR(s[1].image, "host:5000/team/app@sha256:bb");
		/* The engine knows a digest without the tag; people get what they wrote. */
		CHECK_STR(s[2].image, "app@sha256:12");
		CHECK_STR(spec_value(&s[2].spec, "image")->string, "app:1@sha256:12");
		CHECK_STR(s[3].image, "host:5000/app@sha256:12");
		service_pin(&l.arena, &s[4], "sha256:cc");
		CHECK(spec_value(&s[4].spec, "image")->secret);
	}
	loaded_done(&l);
}

static const struct test tests[] = {
	TEST(a_digest_is_part_of_the_revision),
	TEST(equal_spellings_are_one_revision), TEST(each_difference_is_a_revision), TEST(a_revision_stays_what_it_was),
	TEST(a_service_survives_text), TEST(odd_values_survive_text), TEST(broken_text_is_told),
	TEST(every_prefix_gives_an_answer), TEST(broken_bytes_give_an_answer),
};
TESTS_MAIN(tests)
