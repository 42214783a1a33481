/*
 * Compose's vocabulary: every key that real files use often enough (the first two tiers of a survey of 2,213 of them, which
 * cover 97 % of those files) is taken, in its short and its long forms; and what the newer ones come to.
 */
#include "desired_folder.h"


/* One row for each key of the tiers 80 and 95, nested ones by their path, and its forms below service `web`. */
static const struct { const char *key, *yaml; } service_keys[] = {
	{"image", "image: a"}, {"volumes", "volumes: [data:/d, ./x:/x:ro, /anonymous, \"~/y:/y\"]"}, {"environment", "environment: [A=b]"},
	{"environment", "environment: {A: b, C: }"}, {"ports", "ports: [80, \"81:80\", \"127.0.0.1:82:80/udp\"]"}, {"restart", "restart: always"},
	{"depends_on", "depends_on: [db]"}, {"container_name", "container_name: box"}, {"healthcheck", "healthcheck: {test: a}"},
	{"command", "command: a b"}, {"command", "command: [a, b]"}, {"networks", "networks: [front]"}, {"expose", "expose: [80, \"81\"]"},
	{"build", "build: ."}, {"build", "build: {context: .}"}, {"deploy", "deploy: {replicas: 1}"}, {"hostname", "hostname: box"},
	{"labels", "labels: [a=b]"}, {"labels", "labels: {a: b}"}, {"network_mode", "network_mode: host"}, {"network_mode", "network_mode: \"service:db\""},
	{"network_mode", "network_mode: \"container:other\""}, {"x-*", "x-mine: {a: b}"}, {"entrypoint", "entrypoint: a"}, {"entrypoint", "entrypoint: [a]"},
	{"security_opt", "security_opt: [no-new-privileges:true, \"seccomp:./seccomp.json\"]"}, {"profiles", "profiles: [on]"}, {"env_file", "env_file: web.env"},
	{"env_file", "env_file: [web.env]"}, {"user", "user: \"1\""}, {"privileged", "privileged: true"}, {"cap_add", "cap_add: [NET_ADMIN]"},
	{"platform", "platform: linux/amd64"}, {"links", "links: [db]"}, {"links", "links: [\"db:database\"]"}, {"logging", "logging: {driver: local}"},
	{"devices", "devices: [/dev/null]"}, {"secrets", "secrets: [token]"}, {"ulimits", "ulimits: {nofile: 5}"}, {"extra_hosts", "extra_hosts: [\"a:1.2.3.4\"]"},
	{"tty", "tty: true"}, {"init", "init: true"}, {"read_only", "read_only: true"}, {"tmpfs", "tmpfs: /run"}, {"tmpfs", "tmpfs: [/run]"},
	{"working_dir", "working_dir: /app"}, {"pull_policy", "pull_policy: build"}, {"pull_policy", "pull_policy: always"}, {"extends", "extends: db"},
	{"extends", "extends: {service: db}"}, {"stdin_open", "stdin_open: true"}, {"shm_size", "shm_size: 1g"}, {"stop_grace_period", "stop_grace_period: 5s"},
	{"sysctls", "sysctls: [a=1]"}, {"attach", "attach: false"}, {"configs", "configs: [site]"}, {"dns", "dns: 1.1.1.1"}, {"dns", "dns: [1.1.1.1]"},
	{"stop_signal", "stop_signal: SIGINT"}, {"mem_limit", "mem_limit: 64m"}, {"scale", "scale: 2"}, {"mem_reservation", "mem_reservation: 64m"},
	{"cpus", "cpus: 0.5"}, {"healthcheck.test", "healthcheck: {test: [CMD, a]}"},
	{"healthcheck.*", "healthcheck: {test: [CMD-SHELL, a], interval: 1s, timeout: 1s, retries: 3, start_period: 5s, start_interval: 1s}"},
	{"healthcheck.disable", "healthcheck: {disable: true}"},
	{"depends_on.*", "depends_on: {db: {condition: service_healthy, required: true, restart: true}, off: {condition: service_started, required: false}}"},
	{"build.*", "build: {context: ., dockerfile: Dockerfile, args: {A: 1}, target: x, cache_from: [a]}"},
	{"deploy.resources", "deploy: {resources: {limits: {memory: 64m, cpus: \"0.5\"}, reservations: {memory: 32m, cpus: \"0.1\"}}}"},
	{"deploy.resources.reservations.devices", "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}"},
	{"ports[].*", "ports: [{target: 80, published: \"81\", protocol: tcp, mode: host, name: web, app_protocol: http}]"},
	{"volumes[].*", "volumes: [{type: bind, source: ./x, target: /x, read_only: true, bind: {create_host_path: true}}, {type: tmpfs, target: /t, tmpfs: {size: 1m}}]"},
	{"logging.*", "logging: {driver: json-file, options: {max-size: 1m}}"}, {"ulimits.*", "ulimits: {nofile: {soft: 1, hard: 2}, memlock: -1, nproc: 5, core: 0}"},
	{"networks.*", "networks: {front: {aliases: [x], ipv4_address: 10.9.0.5, ipv6_address: \"fd00::5\"}}"}, {"extends.file", "extends: {file: base.yaml, service: base}"},
	{"configs[].*", "configs: [{source: site, target: /etc/site, mode: 0440}]"}, {"secrets[].*", "secrets: [{source: token, target: other, uid: \"5\", gid: \"5\"}]"},
	{"deploy.restart_policy.*", "deploy: {restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 10s}}"},
	{"deploy.mode", "deploy: {mode: global}"}, {"deploy.placement", "deploy: {placement: {constraints: [a == b]}}"}, {"deploy.labels", "deploy: {labels: {a: b}}"},
	{"env_file.*", "env_file: [{path: web.env, required: true}, {path: none.env, required: false}]"},
	{"deploy.update_config", "deploy: {update_config: {order: stop-first, delay: 5s}}"}, {"gpus", "gpus: all"},
};

static const struct { const char *key, *yaml; } top_keys[] = {
	{"version", "version: \"3.8\""}, {"volumes", "volumes: {a: , b: {}, c: {driver: local, driver_opts: {o: bind}, name: nn, labels: [x=y]}, d: {external: true}}"},
	{"networks", "networks: {a: {driver: bridge, name: nn, internal: true, attachable: true, enable_ipv4: true, enable_ipv6: true, driver_opts: {a: b}, labels: {a: b}, "
	             "ipam: {config: [{subnet: 10.8.0.0/24}]}}, b: {external: true}}"},
	{"x-*", "x-mine: [1]"}, {"secrets", "secrets: {a: {file: ./token}, b: {environment: SECRET}}"},
	{"configs", "configs: {a: {file: ./token}, b: {environment: SECRET}, c: {content: \"x${SECRET}\"}}"},
};

static void begin(void)
{
	put("Dockerfile", "FROM scratch\n");
	put("web.env", "A=1\n");
	put("token", "abc");
	put("seccomp.json", "{}");
	put("base.yaml", "services: {base: {image: b}}\n");
}

#define TOP "networks: {front: {ipam: {config: [{subnet: 10.9.0.0/24}, {subnet: \"fd00::/64\"}]}}}\nvolumes: {data: }\n" \
	"secrets: {token: {file: ./token}}\nconfigs: {site: {content: hello}}\n"
#define DB "  db: {image: b, healthcheck: {test: x}}\n  off: {image: c, profiles: [off]}\n"

static void every_common_key_is_taken(void)
{
	begin();
	for (size_t i = 0; i < ARRAY_LEN(service_keys) + ARRAY_LEN(top_keys); i++) {
		bool is_top = i >= ARRAY_LEN(service_keys);
		const char *yaml = is_top ? top_keys[i - ARRAY_LEN(service_keys)].yaml : service_keys[i].yaml;
		bool has_image = strncmp(yaml, "image", 5) == 0 || strncmp(yaml, "build", 5) == 0 || strncmp(yaml, "extends", 7) == 0;
		struct loaded l;
		char text[4000];
		snprintf(text, sizeof text, "name: shop\nservices:\n  web:\n%s    %s\n" DB "%s\n", is_top || !has_image ? "    image: a\n" : "",
		         is_top ? "tty: true" : yaml, is_top ? yaml : TOP);
		load_here(&l, text, "on");
		CHECK_STR(l.problems.text.text, "");
		if (l.result < 0)
			fprintf(stderr, "%s\n", yaml);
		CHECK(l.result == 0 && desired_service(&l.desired, "shop", "web"));
		loaded_done(&l);
	}
}

/* One field of web. */
static void comes_to(const char *yaml, const char *path, const char *wanted)
{
	struct loaded l;
	char text[4000];
	CLEANUP(buf_done) struct buf got = BUF_INIT(8192);
	snprintf(text, sizeof text, "name: shop\nservices:\n  web:\n    image: a\n    %s\n" DB TOP, yaml);
	load_here(&l, text, NULL);
	CHECK_STR(l.problems.text.text, "");
	const struct service *s = l.result == 0 ? desired_service(&l.desired, "shop", "web") : NULL;
	if (s && spec_value(&s->spec, path))
		value_print(&got, spec_value(&s->spec, path), false);
	CHECK_STR(got.text, wanted);
	loaded_done(&l);
}

static void values_are_the_engines(void)
{
	comes_to("gpus: all", "gpus", "[{\"Capabilities\":[[\"gpu\"]],\"Count\":-1}]");
	comes_to("gpus: [{device_ids: [\"0\"], driver: nvidia, options: {a: b}}]", "gpus",
	         "[{\"Capabilities\":[[\"gpu\"]],\"DeviceIDs\":[\"0\"],\"Driver\":\"nvidia\",\"Options\":{\"a\":\"b\"}}]");
	comes_to("deploy: {resources: {reservations: {devices: [{count: all, capabilities: [gpu, utility]}]}}}", "gpus",
	         "[{\"Capabilities\":[[\"gpu\",\"utility\"]],\"Count\":-1}]");
	comes_to("healthcheck: {test: a, start_interval: 2s}", "healthcheck.start_interval", "2000000000");
	comes_to("volumes: [\"~/y:/y\", \"~:/z\"]", "volumes", "[\"/root/y:/y\",\"/root:/z\"]");
	comes_to("volumes: [/d/]", "volumes", "[{\"Target\":\"/d\",\"Type\":\"volume\"}]");
	comes_to("volumes: [{type: volume, target: /d}]", "volumes", "[{\"Target\":\"/d\",\"Type\":\"volume\"}]");
	comes_to("security_opt: [\"seccomp=./seccomp.json\", \"label:disable\"]", "security_opt", "[\"seccomp={}\",\"label:disable\"]");
	comes_to("network_mode: \"container:other\"", "network_mode", "\"container:other\"");
	comes_to("deploy: {mode: global}", "deploy.mode", "null");
}

static void an_anonymous_volume_is_nobody_elses(void)
{
	struct loaded l;
	load_here(&l, "name: shop\nservices: {web: {image: a, volumes: [/d]}}\nx-reconcile: {routes: [{host: h, to: web:80}]}\n", NULL);
	CHECK_INT(l.result, 0);
	CHECK(l.desired.projects[0].services[0].strategy != STRATEGY_IN_PLACE);
	CHECK_CONTAINS(l.problems.warnings.text, "'/d' is empty in each new instance, and is left behind by each old one; give it a name");
	loaded_done(&l);
}

/* What a service has of them is a copy whose name says its content; what it is stands nowhere else. */
static void secrets_are_copies(void)
{
	static const char keys[] = "secrets: [token, {source: env, target: /etc/key, mode: 0400, uid: \"1000\"}]\n    configs: [site]\n";
	struct loaded l;
	CLEANUP(buf_done) struct buf got = BUF_INIT(8192), text = BUF_INIT(8192), note = BUF_INIT(65536);
	put("token", "abc");
	buf_printf(&text, "name: shop\nservices:\n  web:\n    image: a\n    %s"
	                  "secrets: {token: {file: ./token}, env: {environment: SECRET}, unused: {environment: HOME}}\nconfigs: {site: {content: \"for ${SECRET}\"}}\n", keys);
	load_here(&l, text.text, NULL);
	CHECK_STR(l.problems.text.text, "");
	const struct project *p = &l.desired.projects[0];
	CHECK_INT(p->kept_count, 3);
	static const struct { const char *bytes; unsigned mode; int uid; } wanted[] = {{"abc", 0444, -1}, {"hunter2", 0400, 1000}, {"for hunter2", 0444, -1}};
	for (size_t i = 0; i < ARRAY_LEN(wanted) && i < p->kept_count; i++) {
		CHECK_STR(p->kept[i].bytes, wanted[i].bytes);
		CHECK_INT(p->kept[i].mode, wanted[i].mode);
		CHECK_INT(p->kept[i].uid, wanted[i].uid);
		CHECK(strncmp(p->kept[i].path, "/var/lib/x/secrets/shop/", 24) == 0 && strlen(p->kept[i].path) == 24 + 32);
	}
	const struct value *mounts = spec_value(&p->services[0].spec, "secrets_and_configs");
	value_print(&got, mounts, false);
	CHECK_CONTAINS(got.text, "\"Target\":\"/etc/key\"");
	CHECK_CONTAINS(got.text, "\"Target\":\"/run/secrets/token\"");
	CHECK_CONTAINS(got.text, "\"Target\":\"/site\"");
	buf_clear(&got);
	value_print(&got, mounts, true);
	CHECK_STR(got.text, "[(secret),(secret),(secret)]");
	service_print(&note, &p->services[0]);
	CHECK(!strstr(note.text, "hunter2") && !strstr(note.text, "abc\""));
	char before[REVISION_LENGTH + 1];
	memcpy(before, p->services[0].revision, sizeof before);
	loaded_done(&l);
	put("token", "abd");
	load_here(&l, text.text, NULL);
	CHECK(l.result == 0 && strcmp(l.desired.projects[0].services[0].revision, before) != 0);
	loaded_done(&l);
	put("token", "abc");
}

static void profiles_are_enabled_by_a_setting(void)
{
	static const char text[] = "name: shop\nservices:\n  web: {image: a}\n  debug: {image: b, profiles: [debug, all], env_file: missing.env}\n"
	                           "  tool: {image: c, profiles: [tools], depends_on: {web: {condition: service_started}}}\n";
	struct loaded l;
	load_here(&l, text, NULL);
	CHECK_STR(l.problems.text.text, "");
	CHECK_INT(l.desired.projects[0].services_count, 1);
	CHECK(desired_leaves_alone(&l.desired, "shop", "debug") && !desired_leaves_alone(&l.desired, "shop", "web"));
	loaded_done(&l);
	load_here(&l, text, "x,tools");
	CHECK_INT(l.desired.projects[0].services_count, 2);
	CHECK(service_in(&l, "tool") && !desired_leaves_alone(&l.desired, "shop", "tool"));
	loaded_done(&l);
	load_here(&l, text, "*");
	CHECK_CONTAINS(l.problems.text.text, "services.debug.env_file: 'missing.env': there is no such file");
	loaded_done(&l);
	/* Wrong is wrong, on whichever host. */
	load_here(&l, "name: shop\nservices: {web: {image: a}, debug: {imagge: b, profiles: [debug]}}\n", NULL);
	CHECK_STR(l.problems.text.text, "compose.yaml:2:37: services.debug: unknown key 'imagge'; did you mean 'image'?\n");
	loaded_done(&l);
}

static void dependencies_in_all_their_forms(void)
{
	struct loaded l;
	load_here(&l, "name: shop\nservices:\n  web: {image: a, depends_on: {db: {condition: service_healthy, required: false, restart: true}, "
	              "gone: {condition: service_started, required: false}}}\n  db: {image: b}\n  side: {image: c, network_mode: \"service:db\", links: [\"web:front\"]}\n", NULL);
	CHECK_STR(l.problems.text.text, "");
	const struct service *web = service_in(&l, "web"), *side = service_in(&l, "side");
	CHECK_INT(web->dependencies_count, 2);
	CHECK(web->dependencies[0].is_optional && web->dependencies[0].restarts);
	CHECK(!side->dependencies[0].is_optional && side->dependencies[0].restarts && side->dependencies_count == 2);
	CHECK_STR(service_shares(side), "db");
	CHECK(service_shares(web) == NULL);
	CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
	value_print(&got, spec_value(&web->spec, "networks"), false);
	CHECK_STR(got.text, "{\"shop_default\":{\"aliases\":[\"front\"]}}");
	/* The last good one knows it, too. */
	CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
	struct service back;
	service_print(&text, web);
	CHECK_INT(service_parse(text.text, &l.arena, &back, &l.err), 0);
	CHECK(back.dependencies[0].is_optional);
	loaded_done(&l);
}

static void what_restarts_with_another_follows_its_revision(void)
{
	static const char *const images[] = {"b", "c"};
	char seen[2][REVISION_LENGTH + 1], plain[2][REVISION_LENGTH + 1];
	for (size_t i = 0; i < 2; i++) {
		struct loaded l;
		char text[1000];
		snprintf(text, sizeof text, "name: shop\nservices:\n  web: {image: a, depends_on: {db: {condition: service_started, restart: true}}}\n"
		         "  other: {image: a, depends_on: [db]}\n  db: {image: %s}\n", images[i]);
		load_here(&l, text, NULL);
		memcpy(seen[i], service_in(&l, "web")->revision, sizeof seen[i]);
		memcpy(plain[i], service_in(&l, "other")->revision, sizeof plain[i]);
		loaded_done(&l);
	}
	CHECK(strcmp(seen[0], seen[1]) != 0);
	CHECK_STR(plain[0], plain[1]);
}

static const struct test tests[] = {
	TEST(every_common_key_is_taken), TEST(values_are_the_engines), TEST(an_anonymous_volume_is_nobody_elses), TEST(secrets_are_copies),
	TEST(profiles_are_enabled_by_a_setting), TEST(dependencies_in_all_their_forms), TEST(what_restarts_with_another_follows_its_revision),
};

FOLDER_TESTS_MAIN(tests)
