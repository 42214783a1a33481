/* `extends`: what two services come to, by the specification's rules for merging, and where a mistake is said to be. */
#include "desired_folder.h"


/* The service web extends base; the two halves of each row, and what one field comes to. */
static void two_come_to_one(void)
{
	static const struct { const char *base, *over, *path, *value; } rows[] = {
		{"image: a", "restart: always", "image", "\"a\""}, {"image: a", "image: b", "image", "\"b\""},
		{"image: a, restart: always", "restart: ", "restart", "\"always\""},
		{"image: a, command: [x, y]", "command: z", "command", "[\"z\"]"}, {"image: a, command: [x]", "command: ", "command", "null"},
		{"image: a, healthcheck: {test: [CMD, a], interval: 5s}", "healthcheck: {test: b}", "healthcheck.test", "[\"CMD-SHELL\",\"b\"]"},
		{"image: a, healthcheck: {test: [CMD, a], interval: 5s}", "healthcheck: {test: b}", "healthcheck.interval", "5000000000"},
		{"image: a, environment: {A: 1, B: 1}", "environment: {B: 2}", "environment", "{\"A\":\"1\",\"B\":\"2\"}"},
		{"image: a, environment: [A=1, B=1]", "environment: {B: 2}", "environment", "{\"A\":\"1\",\"B\":\"2\"}"},
		{"image: a, environment: {A: 1, B: 1}", "environment: [B=2=3]", "environment", "{\"A\":\"1\",\"B\":\"2=3\"}"},
		{"image: a, environment: {A: \"${SECRET}\"}", "environment: {B: 1}", "environment", "{\"A\":(secret),\"B\":\"1\"}"},
		{"image: a, environment: [\"A=${SECRET}\"]", "environment: {B: 1}", "environment", "{\"A\":(secret),\"B\":\"1\"}"},
		{"image: a, labels: [a=1]", "labels: {b: 2}", "labels", "{\"a\":\"1\",\"b\":\"2\"}"},
		{"image: a, volumes: [\"/x:/a\", \"/x:/b\"]", "volumes: [\"/y:/a\"]", "volumes", "[\"/y:/a\",\"/x:/b\"]"},
		{"image: a, ports: [\"81:80\"]", "ports: [\"81:80\", \"82:80\"]", "ports", "[\"81:80/tcp\",\"82:80/tcp\"]"},
		{"image: a, dns: 1.1.1.1", "dns: [8.8.8.8, 1.1.1.1]", "dns", "[\"1.1.1.1\",\"8.8.8.8\"]"},
		{"image: a, security_opt: [\"label:disable\"]", "security_opt: [\"label:disable\"]", "security_opt", "[\"label:disable\"]"},
		{"image: a, ulimits: {nofile: 5}", "ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}", "ulimits",
		 "{\"nofile\":{\"hard\":2,\"soft\":1},\"nproc\":{\"hard\":3,\"soft\":3}}"},
		{"image: a, logging: {driver: local, options: {a: b}}", "logging: {options: {c: d}}", "logging.options", "{\"a\":\"b\",\"c\":\"d\"}"},
		{"image: a, logging: {driver: local, options: {a: b}}", "logging: {driver: journald}", "logging.options", "null"},
		{"image: a, networks: [front]", "networks: {back: {aliases: [x]}}", "networks", "{\"shop_back\":{\"aliases\":[\"x\"]},\"shop_front\":{}}"},
		{"image: a, deploy: {resources: {limits: {memory: 64m}}}", "deploy: {replicas: 2}", "mem_limit", "67108864"},
		{"image: a, x-reconcile: {hold: 1s}", "x-reconcile: {keep_old: 2s}", "x-reconcile.hold", "1000"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[2000];
		struct loaded l;
		CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
		snprintf(text, sizeof text, "name: shop\nservices:\n  web: {extends: base, %s}\n  base: {%s}\nnetworks: {front: , back: }\n", rows[i].over, rows[i].base);
		load_here(&l, text, NULL);
		CHECK_STR(l.problems.text.text, "");
		field_of(&l, "web", rows[i].path, &got);
		if (strcmp(got.text, rows[i].value) != 0)
			fprintf(stderr, "%s + %s\n", rows[i].base, rows[i].over);
		CHECK_STR(got.text, rows[i].value);
		loaded_done(&l);
	}
}

static void dependencies_come_along(void)
{
	struct loaded l;
	load_here(&l, "name: shop\nservices:\n  web: {extends: {service: base}, depends_on: {db: {condition: service_healthy}}}\n"
	              "  base: {image: a, depends_on: [cache]}\n  db: {image: a, healthcheck: {test: x}}\n  cache: {image: a}\n", NULL);
	CHECK_STR(l.problems.text.text, "");
	CHECK_INT(desired_service(&l.desired, "shop", "web")->dependencies_count, 2);
	loaded_done(&l);
}

/* Paths are those of the file that they stand in; names, and what is whole, stay. */
static void other_files_bring_their_paths(void)
{
	struct loaded l;
	put("common/base.yaml", "services:\n  base:\n    extends: {file: deep/more.yaml, service: more}\n    image: a\n"
	                        "    volumes: [./conf:/conf, data:/data, /abs:/abs, {type: bind, source: ./b, target: /b}]\n    env_file: base.env\n");
	put("common/deep/more.yaml", "services:\n  more: {restart: always, env_file: [{path: more.env}], volumes: [../up:/up]}\n");
	put("common/base.env", "FROM=base\n");
	put("common/deep/more.env", "FROM=more\nMORE=1\n");
	load_here(&l, "name: shop\nservices:\n  web: {extends: {file: common/base.yaml, service: base}, volumes: [./own:/own]}\nvolumes: {data: }\n", NULL);
	CHECK_STR(l.problems.text.text, "");
	CLEANUP(buf_done) struct buf got = BUF_INIT(4096), wanted = BUF_INIT(4096);
	const struct service *s = desired_service(&l.desired, "shop", "web");
	value_print(&got, spec_value(&s->spec, "volumes"), true);
	buf_printf(&wanted, "[\"/abs:/abs\",\"%s/common/b:/b\",\"%s/common/conf:/conf\",\"shop_data:/data\",\"%s/own:/own\",\"%s/common/up:/up\"]",
	           folder, folder, folder, folder);
	CHECK_STR(got.text, wanted.text);
	buf_clear(&got);
	value_print(&got, spec_value(&s->spec, "environment"), false);
	CHECK_STR(got.text, "{\"FROM\":\"base\",\"MORE\":\"1\"}");
	buf_clear(&got);
	value_print(&got, spec_value(&s->spec, "restart"), false);
	CHECK_STR(got.text, "\"always\"");
	loaded_done(&l);
}

static void mistakes_have_a_place(void)
{
	static const struct { const char *text, *problem; } rows[] = {
		{"  web: {extends: bass}\n  base: {image: a}\n", "compose.yaml:3:18: services.web.extends: there is no service 'bass' in compose.yaml\n"},
		{"  web: {extends: {file: nowhere.yaml, service: a}}\n",
		 "compose.yaml:3:25: services.web.extends: there is no file 'nowhere.yaml'; it is looked for beside the manifest\n"},
		{"  web: {extends: {file: one.yaml, service: none}}\n", "compose.yaml:3:44: services.web.extends: there is no service 'none' in one.yaml\n"},
		{"  web: {extends: {file: none.yaml}}\n", "compose.yaml:3:18: services.web.extends: has no service; write {service: base}, or {file: common.yaml, service: base}\n"},
		{"  web: {extends: {srvice: a}}\n", "compose.yaml:3:19: services.web.extends: unknown key 'srvice'; did you mean 'service'?\n"},
		{"  web: {extends: {file: empty.yaml, service: a}}\n", "compose.yaml:3:25: services.web.extends: 'empty.yaml' has no services\n"},
		{"  web: {extends: {file: broken.yaml, service: a}}\n",
		 "compose.yaml:3:25: services.web.extends: broken.yaml:2:1: not valid YAML: did not find expected node content, while parsing a flow node that began on line 2\n"},
		{"  a: {extends: b}\n  b: {extends: a}\n", "compose.yaml:4:16: services.b.extends: a circle: a -> b -> a; remove one of these\n"},
		{"  web: {extends: {file: loop.yaml, service: a}}\n",
		 "loop.yaml:1:42: services.b.extends: a circle: web -> loop.yaml:a -> loop.yaml:b -> loop.yaml:a; remove one of these\n"},
		{"  web: {extends: {file: one.yaml, service: wrong}}\n", "one.yaml:3:23: services.web.restart: 'nevr' is no restart policy; write \"no\", always, unless-stopped, on-failure or on-failure:5\n"},
	};
	put("one.yaml", "services:\n  a: {image: a}\n  wrong: {restart:    nevr, image: a}\n");
	put("empty.yaml", "x: y\n");
	put("broken.yaml", "a: [\n");
	put("loop.yaml", "services: {a: {extends: b}, b: {extends: a}}\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[1000];
		struct loaded l;
		snprintf(text, sizeof text, "name: shop\nservices:\n%s", rows[i].text);
		load_here(&l, text, NULL);
		CHECK_STR(l.problems.text.text, rows[i].problem);
		loaded_done(&l);
	}
}

static void a_long_chain_is_cut(void)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
	struct loaded l;
	buf_puts(&text, "name: shop\nservices:\n");
	for (int i = 0; i < 20; i++)
		buf_printf(&text, "  s%d: {image: a, extends: s%d}\n", i, i + 1);
	buf_puts(&text, "  s20: {image: a}\n");
	load_here(&l, text.text, NULL);
	CHECK_CONTAINS(l.problems.text.text, "services.s15.extends: more than 16 services that extend each other: s0 -> s1 -> ");
	loaded_done(&l);
}

static const struct test tests[] = {
	TEST(two_come_to_one), TEST(dependencies_come_along), TEST(other_files_bring_their_paths), TEST(mistakes_have_a_place),
	TEST(a_long_chain_is_cut),
};

FOLDER_TESTS_MAIN(tests)
