/* docker/: what acting asks of the engine, word by word, and what it makes of bad answers. */
#include "docker_fake.h"

#define HAS(state, host_config) "{\"Id\":\"aaa\"," OURS ",\"State\":{" state "},\"HostConfig\":{" host_config "}}"
#define RUNNING "\"Status\":\"running\",\"Running\":true"
#define EXITED "\"Status\":\"exited\",\"Running\":false"
#define ALWAYS "\"RestartPolicy\":{\"Name\":\"always\"}"
#define NEVER "\"RestartPolicy\":{\"Name\":\"no\"}"
#define AAA "GET /v1.41/containers/aaa/json"

static struct instance instance = {.id = "aaa", .name = "shop-web-1", .project = "shop", .service = "web"};
static struct service service = {.project = "shop", .name = "web", .revision = "0123456789abcdef", .image = "app:1",
                                 .stop_grace_ms = 1500};

/* One action against a script; returns what was asked after /version. */
static const char *act_one(const struct fake_rule *rules, size_t count, struct action *action, struct outcome *outcome)
{
	static char record[1 << 18];
	struct engine g;
	const struct action *one = action;
	engine_start(&g, rules, count);
	action->project = "shop";
	act_all(g.docker, &one, outcome, 1);
	fake_recorded(&g.server, record, sizeof record);
	engine_stop(&g);
	const char *first = strchr(record, '\n');
	return first ? first + 1 : record;
}

static void create_writes_every_row(void)
{
	static const struct fake_rule rules[] = {
		VERSION_RULE,
		{.match = "POST /v1.41/containers/create?name=shop-web-1", .status = 201, .body = "{\"Id\":\"new\",\"Warnings\":[]}"},
		{.match = "POST /v1.41/networks/shop_reconcile/connect", .body = ""},
	};
	CLEANUP(arena_done) struct arena a = {0};
	const struct field *rows[F_COUNT];
	struct value values[F_COUNT] = {0};
	for (size_t i = 0; i < F_COUNT; i++)
		rows[i] = &fake_table[i];
	value_push(&a, &values[F_COMMAND], value_string("/app \"x\""));
	value_set(&a, &values[F_ENVIRONMENT], "A", value_string("1=2"));
	value_set(&a, &values[F_ENVIRONMENT], "GONE", (struct value){0});
	value_set(&a, &values[F_ENVIRONMENT], "N", value_int(5));
	value_push(&a, &values[F_EXPOSE], value_string("80/tcp"));
	value_push(&a, &values[F_EXPOSE], value_string("80/tcp"));
	value_set(&a, &values[F_LABELS], "io.reconcile.instance", value_string("forged"));
	value_set(&a, &values[F_LABELS], "user", value_string("kept"));
	values[F_GRACE] = value_int(1001);
	values[F_MEMORY] = value_int(9007199254740991);
	values[F_RESTART] = value_string("on-failure:3");
	values[F_REPLICAS] = value_int(4);
	struct service s = service;
	s.spec = (struct spec){rows, values, F_COUNT};
	struct outcome o;
	const char *asked = act_one(rules, ARRAY_LEN(rules), &(struct action){.kind = ACTION_CREATE, .spec = &s, .number = 1,
	                            .name = "shop-web-1", .network = "shop_reconcile", .address = "10.0.0.2"}, &o);
	CHECK_INT(o.result, 0);
	CHECK_STR(asked,
		"POST /v1.41/containers/create?name=shop-web-1 {\"Cmd\":[\"/app \\\"x\\\"\"],\"Env\":[\"A=1=2\",\"GONE\",\"N=5\"],"
		"\"ExposedPorts\":{\"80/tcp\":{}},\"Labels\":{\"user\":\"kept\",\"com.docker.compose.project\":\"shop\","
		"\"com.docker.compose.service\":\"web\",\"com.docker.compose.container-number\":\"1\","
		"\"com.docker.compose.oneoff\":\"False\",\"com.docker.compose.config-hash\":\"0123456789abcdef\","
		"\"io.reconcile.revision\":\"0123456789abcdef\",\"io.reconcile.instance\":\"me\"},\"StopTimeout\":2,"
		"\"HostConfig\":{\"Memory\":9007199254740991,\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":3},"
		"\"NetworkMode\":\"shop_default\"},\"Image\":\"app:1\","
		"\"NetworkingConfig\":{\"EndpointsConfig\":{\"shop_default\":{\"Aliases\":[\"web\"]}}}}\n"
		"POST /v1.41/networks/shop_reconcile/connect {\"Container\":\"new\",\"EndpointConfig\":{\"IPAMConfig\":"
		"{\"IPv4Address\":\"10.0.0.2\"}}}\n");
}

/* Each form of the table, and the networks after the first one. */
static void create_writes_every_form(void)
{
	static const struct field table[] = {
		{"ports", "HostConfig.PortBindings", ENGINE_PORTS, CHANGE_REPLACE}, {"volumes", "HostConfig", ENGINE_MOUNTS, CHANGE_REPLACE},
		{"devices", "HostConfig.Devices", ENGINE_DEVICES, CHANGE_REPLACE}, {"ulimits", "HostConfig.Ulimits", ENGINE_ULIMITS, CHANGE_REPLACE},
		{"platform", "platform", ENGINE_QUERY, CHANGE_REPLACE}, {"entrypoint", "Entrypoint", ENGINE_PLAIN, CHANGE_REPLACE},
		{"networks", "NetworkingConfig.EndpointsConfig", ENGINE_NETWORKS, CHANGE_REPLACE},
		{"logging.driver", "HostConfig.LogConfig.Type", ENGINE_PLAIN, CHANGE_REPLACE},
		{"logging.options", "HostConfig.LogConfig.Config", ENGINE_PLAIN, CHANGE_REPLACE},
	};
	enum { PORTS, VOLUMES, DEVICES, ULIMITS, PLATFORM, ENTRYPOINT, NETWORKS, LOG_DRIVER, LOG_OPTIONS, COUNT };
	static const struct fake_rule rules[] = {
		VERSION_RULE, {.match = "POST /v1.41/containers/create", .status = 201, .body = "{\"Id\":\"new\"}"},
		{.match = "POST /v1.41/networks", .body = ""}, {.match = "POST /v1.41/images/create", .body = "{}"},
	};
	static const char *const ports[] = {"80/tcp", "8080:80/tcp", "127.0.0.1:81:81/udp", "127.0.0.1::82/tcp", "[::1]:83:83/tcp", "[::1]::84/tcp",
	                                    "9000-9003:85/tcp"};
	CLEANUP(arena_done) struct arena a = {0};
	const struct field *rows[COUNT];
	struct value values[COUNT] = {0}, mount = {0}, limit = {0}, nothing = {.kind = VALUE_MAP}, back = {0}, aliases = {0};
	for (size_t i = 0; i < COUNT; i++)
		rows[i] = &table[i];
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		value_push(&a, &values[PORTS], value_string(ports[i]));
	value_set(&a, &mount, "Type", value_string("tmpfs"));
	value_push(&a, &values[VOLUMES], value_string("v:/d:ro"));
	value_push(&a, &values[VOLUMES], mount);
	value_push(&a, &values[DEVICES], value_string("/dev/a:/dev/b:r"));
	value_set(&a, &limit, "soft", value_int(1));
	value_set(&a, &limit, "hard", value_int(9007199254740993));
	value_set(&a, &values[ULIMITS], "nofile", limit);
	values[PLATFORM] = value_string("linux/arm64");
	values[ENTRYPOINT].kind = VALUE_LIST;
	value_push(&a, &aliases, value_string("db"));
	value_set(&a, &back, "aliases", aliases);
	value_set(&a, &back, "ipv4_address", value_string("10.1.2.3"));
	value_set(&a, &values[NETWORKS], "shop_back", back);
	value_set(&a, &values[NETWORKS], "shop_front", nothing);
	value_set(&a, &values[NETWORKS], "shop_more", back);
	values[LOG_DRIVER] = value_string("local");
	value_set(&a, &values[LOG_OPTIONS], "max-size", value_string("1m"));
	struct service s = service;
	s.spec = (struct spec){rows, values, COUNT};
	struct outcome o;
	const char *asked = act_one(rules, ARRAY_LEN(rules), &(struct action){.kind = ACTION_CREATE, .spec = &s, .number = 1,
	                            .name = "shop-web-1", .network = "shop_reconcile", .address = "10.0.0.2"}, &o);
	CHECK_INT(o.result, 0);
	CHECK_CONTAINS(asked, "POST /v1.41/containers/create?name=shop-web-1&platform=linux%2Farm64 {\"HostConfig\":{\"PortBindings\":{"
		"\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"},{\"HostIp\":\"\",\"HostPort\":\"8080\"}],"
		"\"81/udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"81\"}],\"82/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}],"
		"\"83/tcp\":[{\"HostIp\":\"::1\",\"HostPort\":\"83\"}],\"84/tcp\":[{\"HostIp\":\"::1\",\"HostPort\":\"\"}],"
		"\"85/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"9000-9003\"}]},\"Binds\":[\"v:/d:ro\"],\"Mounts\":[{\"Type\":\"tmpfs\"}],"
		"\"Devices\":[{\"PathOnHost\":\"/dev/a\",\"PathInContainer\":\"/dev/b\",\"CgroupPermissions\":\"r\"}],"
		"\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1,\"Hard\":9007199254740993}],"
		"\"LogConfig\":{\"Type\":\"local\",\"Config\":{\"max-size\":\"1m\"}},\"NetworkMode\":\"shop_back\"},\"Entrypoint\":[],");
	CHECK_CONTAINS(asked, "\"NetworkingConfig\":{\"EndpointsConfig\":{\"shop_back\":{\"Aliases\":[\"web\",\"db\"],"
		"\"IPAMConfig\":{\"IPv4Address\":\"10.1.2.3\"}}}}}\n"
		"POST /v1.41/networks/shop_front/connect {\"Container\":\"new\",\"EndpointConfig\":{\"Aliases\":[\"web\"]}}\n"
		"POST /v1.41/networks/shop_more/connect {\"Container\":\"new\",\"EndpointConfig\":{\"Aliases\":[\"web\",\"db\"],"
		"\"IPAMConfig\":{\"IPv4Address\":\"10.1.2.3\"}}}\n"
		"POST /v1.41/networks/shop_reconcile/connect {\"Container\":\"new\",\"EndpointConfig\":{\"IPAMConfig\":"
		"{\"IPv4Address\":\"10.0.0.2\"}}}\n");
	asked = act_one(rules, ARRAY_LEN(rules), &(struct action){.kind = ACTION_PULL, .spec = &s}, &o);
	CHECK_STR(asked, "POST /v1.41/images/create?fromImage=app&tag=1&platform=linux%2Farm64\n"
	                 "GET /v1.41/images/app%3A1/json\n");
}

/* With a network_mode there is no network of the project; the traffic network is joined all the same. */
static void create_keeps_the_network_mode(void)
{
	static const struct field mode = {"network_mode", "HostConfig.NetworkMode", ENGINE_PLAIN, CHANGE_REPLACE}, *rows[] = {&mode};
	static const struct fake_rule rules[] = {
		VERSION_RULE, {.match = "POST /v1.41/containers/create", .status = 201, .body = "{\"Id\":\"new\"}"},
		{.match = "POST /v1.41/networks", .body = ""},
	};
	struct value values[] = {value_string("bridge")};
	struct service s = service;
	struct outcome o;
	s.spec = (struct spec){rows, values, 1};
	const char *asked = act_one(rules, ARRAY_LEN(rules), &(struct action){.kind = ACTION_CREATE, .spec = &s, .number = 1,
	                            .name = "shop-web-1", .network = "shop_reconcile", .address = "10.0.0.2"}, &o);
	CHECK_INT(o.result, 0);
	CHECK_CONTAINS(asked, "{\"HostConfig\":{\"NetworkMode\":\"bridge\"},\"Image\":\"app:1\"");
	CHECK_CONTAINS(asked, "\"io.reconcile.instance\":\"me\"}}\nPOST /v1.41/networks/shop_reconcile/connect");
}

/* Beside an old revision: its own name only, at addresses that the label keeps. */
static void create_keeps_the_name_back(void)
{
	static const struct field networks = {"networks", "NetworkingConfig.EndpointsConfig", ENGINE_NETWORKS, CHANGE_REPLACE}, *rows[] = {&networks};
	static const struct fake_rule rules[] = {
		VERSION_RULE, {.match = "POST /v1.41/containers/create", .status = 201, .body = "{\"Id\":\"new\"}"},
		{.match = "POST /v1.41/networks", .body = ""},
	};
	static const struct endpoint places[] = {{"shop_a", "10.1.0.128", true, false}, {"shop_b", "10.2.0.129", true, false},
	                                         {"shop_c", "", true, true}};
	CLEANUP(arena_done) struct arena a = {0};
	struct value names = {0}, how = {.kind = VALUE_MAP}, aliases = {0};
	value_push(&a, &aliases, value_string("db"));
	value_set(&a, &how, "aliases", aliases);
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		value_set(&a, &names, places[i].network, how);
	struct service s = service;
	s.spec = (struct spec){rows, &names, 1};
	struct outcome o;
	const char *asked = act_one(rules, ARRAY_LEN(rules), &(struct action){.kind = ACTION_CREATE, .spec = &s, .number = 1,
	                            .name = "shop-web-1", .endpoints = places, .endpoints_count = 3}, &o);
	CHECK_INT(o.result, 0);
	CHECK_CONTAINS(asked, "\"io.reconcile.instance\":\"me\",\"io.reconcile.address.shop_a\":\"10.1.0.128\","
		"\"io.reconcile.address.shop_b\":\"10.2.0.129\"}");
	CHECK_CONTAINS(asked, "\"NetworkingConfig\":{\"EndpointsConfig\":{\"shop_a\":{\"Aliases\":[],"
		"\"IPAMConfig\":{\"IPv4Address\":\"10.1.0.128\"}}}}}\n"
		"POST /v1.41/networks/shop_b/connect {\"Container\":\"new\",\"EndpointConfig\":{\"Aliases\":[],"
		"\"IPAMConfig\":{\"IPv4Address\":\"10.2.0.129\"}}}\n"
		"POST /v1.41/networks/shop_c/connect {\"Container\":\"new\",\"EndpointConfig\":{\"Aliases\":[\"web\",\"db\"]}}\n");
}

/* Where the spec names the network of nginx itself, its place there has the address, and is asked for once. */
static void create_on_the_network_of_nginx(void)
{
	static const struct field networks = {"networks", "NetworkingConfig.EndpointsConfig", ENGINE_NETWORKS, CHANGE_REPLACE}, *rows[] = {&networks};
	static const struct fake_rule rules[] = {
		VERSION_RULE, {.match = "POST /v1.41/containers/create", .status = 201, .body = "{\"Id\":\"new\"}"},
		{.match = "POST /v1.41/networks", .body = ""},
	}, no_subnet[] = {
		VERSION_RULE, {.match = "POST /v1.41/containers/create", .status = 201, .body = "{\"Id\":\"new\"}"},
		{.match = "POST /v1.41/networks/b", .status = 400, .body = "{\"message\":\"user specified IP address is supported only when "
		 "connecting to networks with user configured subnets\"}"},
		{.match = "DELETE", .status = 204},
	};
	static const struct endpoint places[] = {{"a", "", true, true}, {"b", "", true, true}};
	static const char *const wanted[][2] = {
		{"a", "\"NetworkingConfig\":{\"EndpointsConfig\":{\"a\":{\"Aliases\":[\"web\"],\"IPAMConfig\":{\"IPv4Address\":\"10.7.0.5\"}}}}}\n"
		 "POST /v1.41/networks/b/connect {\"Container\":\"new\",\"EndpointConfig\":{\"Aliases\":[\"web\"]}}\n"},
		{"b", "\"NetworkingConfig\":{\"EndpointsConfig\":{\"a\":{\"Aliases\":[\"web\"]}}}}\n"
		 "POST /v1.41/networks/b/connect {\"Container\":\"new\",\"EndpointConfig\":{\"Aliases\":[\"web\"],\"IPAMConfig\":{\"IPv4Address\":"
		 "\"10.7.0.5\"}}}\n"},
	};
	CLEANUP(arena_done) struct arena a = {0};
	struct value names = {0};
	struct service s = service;
	struct outcome o;
	value_set(&a, &names, "a", (struct value){.kind = VALUE_MAP});
	value_set(&a, &names, "b", (struct value){.kind = VALUE_MAP});
	s.spec = (struct spec){rows, &names, 1};
	struct action create = {.kind = ACTION_CREATE, .spec = &s, .number = 1, .name = "shop-web-1", .address = "10.7.0.5",
	                        .endpoints = places, .endpoints_count = 2};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		create.network = wanted[i][0];
		const char *asked = act_one(rules, ARRAY_LEN(rules), &create, &o);
		CHECK_INT(o.result, 0);
		CHECK_CONTAINS(asked, wanted[i][1]);
		CHECK(!strstr(strstr(asked, "/connect") + 1, "/connect"));
	}
	/* Who chose the subnet, only the engine knows; it is nobody's fault here. */
	fake_nginx_network = "b";
	(void)act_one(no_subnet, ARRAY_LEN(no_subnet), &create, &o);
	fake_nginx_network = NULL;
	CHECK_INT(o.err.kind, ERR_SETUP);
	CHECK_CONTAINS(o.err.message, "the network b (setting nginx.network): Docker gives fixed addresses only where it did not choose the subnet itself");
}

/* CREATE of shop-web-1 at 10.0.0.2, and how it ends. */
static void check_create(const struct fake_rule *rules, size_t count, enum err_kind kind, const char *message, const char *asked)
{
	struct outcome o = {0};
	const char *got = act_one(rules, count, &(struct action){.kind = ACTION_CREATE, .spec = &service, .number = 1,
	                          .name = "shop-web-1", .network = "shop_reconcile", .address = "10.0.0.2"}, &o);
	CHECK_INT(o.result, kind ? -1 : 0);
	CHECK_INT(o.err.kind, kind);
	CHECK_STR(o.err.message, message);
	CHECK_CONTAINS(got, asked);
}

#define MADE {.match = "POST /v1.41/containers/create", .status = 201, .body = "{\"Id\":\"new\"}"}
#define TAKEN {.match = "POST /v1.41/containers/create", .status = 409, .body = "{\"message\":\"name in use\"}"}
#define THERE(labels, networks) {.match = "GET /v1.41/containers/shop-web-1/json", .body = \
	"{\"Id\":\"old\",\"Config\":{\"Labels\":{" labels "}},\"NetworkSettings\":{\"Networks\":{" networks "}}}"}
#define SAME "\"io.reconcile.instance\":\"me\",\"io.reconcile.revision\":\"0123456789abcdef\""

static void create_leaves_nothing_half_made(void)
{
	static const struct fake_rule refused[] = {
		VERSION_RULE, MADE,
		{.match = "POST /v1.41/networks", .status = 404, .body = "{\"message\":\"network shop_reconcile not found\"}"},
		{.match = "DELETE /v1.41/containers/new?v=0", .status = 204},
	};
	check_create(refused, ARRAY_LEN(refused), ERR_NOT_FOUND,
	             "connect to shop_reconcile as 10.0.0.2: network shop_reconcile not found", "\nDELETE /v1.41/containers/new?v=0\n");
	static const struct fake_rule stuck[] = {
		VERSION_RULE, MADE,
		{.match = "POST /v1.41/networks", .status = 403, .body = "{\"message\":\"Address already in use\"}"},
		{.match = "DELETE /v1.41/containers/new", .status = 500, .body = "{\"message\":\"disk on fire\"}"},
	};
	check_create(stuck, ARRAY_LEN(stuck), ERR_CONFLICT,
	             "could not be removed again (disk on fire): connect to shop_reconcile as 10.0.0.2: Address already in use", "DELETE");
	static const struct fake_rule no_id[] = {VERSION_RULE, {.match = "POST", .status = 201, .body = "{\"Id\":7}"}};
	check_create(no_id, ARRAY_LEN(no_id), ERR_INTERNAL, "POST /containers/create: Id is missing or no string", "POST");
	static const struct fake_rule half[] = {VERSION_RULE, {.match = "POST", .status = 201, .body = "{\"Id\":\"x"}};
	check_create(half, ARRAY_LEN(half), ERR_INTERNAL, "POST /containers/create: the engine's answer is no JSON", "POST");
}

static void create_takes_over_what_an_earlier_one_made(void)
{
	static const struct fake_rule unconnected[] = {
		VERSION_RULE, TAKEN, THERE(SAME, ""), {.match = "POST /v1.41/networks/shop_reconcile/connect", .body = ""},
	};
	check_create(unconnected, ARRAY_LEN(unconnected), ERR_NONE, "", "connect {\"Container\":\"old\"");
	static const struct fake_rule connected[] = {
		VERSION_RULE, TAKEN, THERE(SAME, "\"shop_reconcile\":{\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.2\"}}"),
	};
	check_create(connected, ARRAY_LEN(connected), ERR_NONE, "", "GET /v1.41/containers/shop-web-1/json\n");
	/* It was there before: it stays when it cannot be connected. */
	static const struct fake_rule refused[] = {
		VERSION_RULE, TAKEN, THERE(SAME, ""), {.match = "POST /v1.41/networks", .status = 500, .body = "{\"message\":\"no\"}"},
	};
	check_create(refused, ARRAY_LEN(refused), ERR_TRANSIENT, "connect to shop_reconcile as 10.0.0.2: no", "connect");
	/* One of several networks is there already, another is not. */
	static const struct fake_rule partly[] = {
		VERSION_RULE, TAKEN, THERE(SAME, "\"b\":{},\"shop_reconcile\":{\"IPAddress\":\"10.0.0.2\"}"),
		{.match = "POST /v1.41/networks/c/connect", .status = 500, .body = "{\"message\":\"no\"}"},
	};
	CLEANUP(arena_done) struct arena a = {0};
	static const struct field networks = {"networks", "NetworkingConfig.EndpointsConfig", ENGINE_NETWORKS, CHANGE_REPLACE}, *rows[] = {&networks};
	struct value names = {0}, nothing = {.kind = VALUE_MAP};
	struct service before = service;
	value_set(&a, &names, "a", nothing);
	value_set(&a, &names, "b", nothing);
	value_set(&a, &names, "c", nothing);
	service.spec = (struct spec){rows, &names, 1};
	check_create(partly, ARRAY_LEN(partly), ERR_TRANSIENT, "connect to c: no", "/shop-web-1/json\nPOST /v1.41/networks/c/connect");
	service = before;
	static const struct fake_rule elsewhere[] = {
		VERSION_RULE, TAKEN, THERE(SAME, "\"shop_reconcile\":{\"IPAddress\":\"10.0.0.3\"}"),
	};
	check_create(elsewhere, ARRAY_LEN(elsewhere), ERR_CONFLICT, "shop-web-1 exists with the address 10.0.0.3, wanted 10.0.0.2", "");
	static const struct fake_rule foreign[] = {VERSION_RULE, TAKEN, THERE("\"io.reconcile.instance\":\"you\"", "")};
	check_create(foreign, ARRAY_LEN(foreign), ERR_CONFLICT, "the name shop-web-1 is taken by container old, which is not ours "
	             "(no label io.reconcile.instance=me): rename or remove it", "");
}

/* One action on the instance; `asked` are the lines after the first inspect. */
static void check_on_instance(const struct fake_rule *rules, size_t count, struct action action, enum err_kind kind,
                              const char *message, const char *asked)
{
	struct outcome o = {0};
	action.instance = &instance;
	action.spec = &service;
	const char *got = act_one(rules, count, &action, &o);
	CHECK_INT(o.result, kind ? -1 : 0);
	CHECK_INT(o.err.kind, kind);
	CHECK_STR(o.err.message, message);
	if (strncmp(got, AAA "\n", strlen(AAA) + 1) == 0)
		got += strlen(AAA) + 1;
	CHECK_STR(got, asked);
}
#define ON_INSTANCE(kind_, inspect, err_kind_, message, asked, ...) \
	do { \
		static const struct fake_rule rules_[] = {VERSION_RULE, {.match = AAA, .body = inspect}, __VA_ARGS__}; \
		check_on_instance(rules_, ARRAY_LEN(rules_), (struct action){.kind = kind_}, err_kind_, message, asked); \
	} while (0)
#define POLICY_NO "POST /v1.41/containers/aaa/update {\"RestartPolicy\":{\"Name\":\"no\",\"MaximumRetryCount\":0}}\n"
#define UPDATED {.match = "POST /v1.41/containers/aaa/update", .body = "{\"Warnings\":null}"}

static void acts_say_what_they_mean(void)
{
	ON_INSTANCE(ACTION_START, HAS(EXITED, NEVER), ERR_NONE, "", "POST /v1.41/containers/aaa/start\n",
	            {.match = "POST /v1.41/containers/aaa/start", .status = 204});
	ON_INSTANCE(ACTION_START, HAS(RUNNING, NEVER), ERR_NONE, "", "", UPDATED);
	ON_INSTANCE(ACTION_START, HAS(RUNNING ",\"Paused\":true", NEVER), ERR_NONE, "", "POST /v1.41/containers/aaa/unpause\n",
	            {.match = "POST /v1.41/containers/aaa/unpause", .status = 204});
	ON_INSTANCE(ACTION_PARK, HAS(RUNNING, ALWAYS), ERR_NONE, "", POLICY_NO, UPDATED);
	ON_INSTANCE(ACTION_PARK, HAS(RUNNING, NEVER), ERR_NONE, "", "", UPDATED);
	ON_INSTANCE(ACTION_STOP, HAS(RUNNING, ALWAYS), ERR_NONE, "", POLICY_NO "POST /v1.41/containers/aaa/stop?t=2\n", UPDATED,
	            {.match = "POST /v1.41/containers/aaa/stop", .status = 304});
	ON_INSTANCE(ACTION_STOP, HAS(RUNNING, ALWAYS), ERR_TRANSIENT, "no", POLICY_NO,
	            {.match = "POST /v1.41/containers/aaa/update", .status = 500, .body = "{\"message\":\"no\"}"});
	ON_INSTANCE(ACTION_STOP, HAS("\"Status\":\"dead\"", ALWAYS), ERR_NONE, "", "", UPDATED);
	ON_INSTANCE(ACTION_REMOVE, HAS(EXITED, NEVER), ERR_NONE, "", "DELETE /v1.41/containers/aaa?v=0\n",
	            {.match = "DELETE /v1.41/containers/aaa", .status = 204});
	ON_INSTANCE(ACTION_REMOVE, HAS(EXITED, NEVER), ERR_NONE, "", "DELETE /v1.41/containers/aaa?v=0\n",
	            {.match = "DELETE /v1.41/containers/aaa", .status = 404, .body = "{\"message\":\"No such container: aaa\"}"});
	ON_INSTANCE(ACTION_REMOVE, HAS(RUNNING, NEVER), ERR_CONFLICT, "shop-web-1 still runs: not removed", "", UPDATED);
}

static void names_change_on_what_runs(void)
{
#define RENAME "/v1.41/containers/aaa/rename?name=db"
	static const struct fake_rule free_name[] = {
		VERSION_RULE, {.match = AAA, .body = HAS(RUNNING, NEVER)}, {.match = "POST " RENAME, .status = 204},
	};
	static const struct fake_rule taken[] = {
		VERSION_RULE, {.match = AAA, .body = HAS(RUNNING, NEVER)},
		{.match = "POST " RENAME, .status = 409, .body = "{\"message\":\"Conflict.\"}"},
	};
	static const struct fake_rule done[] = {
		VERSION_RULE, {.match = AAA, .body = "{\"Id\":\"aaa\",\"Name\":\"/db\"," OURS "}"},
	};
	struct action action = {.kind = ACTION_RENAME, .name = "db"};
	check_on_instance(free_name, ARRAY_LEN(free_name), action, ERR_NONE, "", "POST " RENAME "\n");
	check_on_instance(taken, ARRAY_LEN(taken), action, ERR_CONFLICT, "the name db is taken by a container that is not of this "
	                  "service: rename or remove that one, or change container_name", "POST " RENAME "\n");
	check_on_instance(done, ARRAY_LEN(done), action, ERR_NONE, "", "");
#undef RENAME
}

#define ON(network, id, alias) "\"" network "\":{\"EndpointID\":\"" id "\",\"Aliases\":[" alias "\"aaa\"]}"
#define PLACED(state, networks) "{\"Id\":\"aaa\",\"Config\":{\"Labels\":{\"io.reconcile.instance\":\"me\"," \
	"\"io.reconcile.address.shop_a\":\"10.1.0.128\",\"io.reconcile.address.shop_b\":\"10.2.0.129\"}}," \
	"\"State\":{" state "},\"NetworkSettings\":{\"Networks\":{" networks "}}}"
#define LEAVE(network) "POST /v1.41/networks/" network "/disconnect {\"Container\":\"aaa\"}\n"
#define JOIN(network, aliases, address) "POST /v1.41/networks/" network "/connect {\"Container\":\"aaa\",\"EndpointConfig\":" \
	"{\"Aliases\":[" aliases "],\"IPAMConfig\":{\"IPv4Address\":\"" address "\"}}}\n"

/* ALIAS or UNALIAS on two networks, of a container that an inspect shows like that. */
static void check_alias(const char *inspect, bool named, struct fake_rule left, struct fake_rule joined, enum err_kind kind,
                        const char *message, const char *asked)
{
	const struct endpoint places[] = {{"shop_a", "10.1.0.128", true, named}, {"shop_b", "10.2.0.129", true, named}};
	const struct fake_rule rules[] = {VERSION_RULE, {.match = AAA, .body = inspect}, left, joined,
	                                  {.match = "POST /v1.41/networks", .body = ""}};
	check_on_instance(rules, ARRAY_LEN(rules), (struct action){.kind = named ? ACTION_ALIAS : ACTION_UNALIAS, .service = "web",
	                  .endpoints = places, .endpoints_count = 2}, kind, message, asked);
}

/* What was seen of it before that. */
static const struct endpoint seen[] = {{"shop_a", "10.1.0.128", true, false}, {"shop_b", "10.2.0.129", true, false}},
	seen_off[] = {{"shop_a", "10.1.0.128", false, false}, {"shop_b", "10.2.0.129", true, true}};

static void a_name_moves_by_leaving_and_joining_again(void)
{
	static const struct fake_rule fine = {.match = "POST /v1.41/networks", .body = ""};
	instance.endpoints = seen;
	instance.endpoints_count = 2;
	check_alias(PLACED(RUNNING, ON("shop_a", "e1", "") "," ON("shop_b", "e2", "")), true, fine, fine, ERR_NONE, "",
	            LEAVE("shop_a") JOIN("shop_a", "\"web\"", "10.1.0.128") LEAVE("shop_b") JOIN("shop_b", "\"web\"", "10.2.0.129"));
	check_alias(PLACED(RUNNING, ON("shop_a", "e1", "\"web\",") "," ON("shop_b", "e2", "\"web\",")), false, fine, fine, ERR_NONE,
	            "", LEAVE("shop_a") JOIN("shop_a", "", "10.1.0.128") LEAVE("shop_b") JOIN("shop_b", "", "10.2.0.129"));
	/* What is as it shall be is not touched; what was left without its network, or was never quite connected, joins it. */
	check_alias(PLACED(RUNNING, ON("shop_a", "e1", "\"web\",") "," ON("shop_b", "", "\"web\",")), true, fine, fine, ERR_NONE, "",
	            JOIN("shop_b", "\"web\"", "10.2.0.129"));
	check_alias(PLACED(RUNNING, ON("shop_b", "e2", "")), false, fine, fine, ERR_NONE, "", JOIN("shop_a", "", "10.1.0.128"));
	check_alias(PLACED(EXITED, ON("shop_a", "", "\"web\",") "," ON("shop_b", "", "")), false, fine, fine, ERR_NONE, "",
	            LEAVE("shop_a") JOIN("shop_a", "", "10.1.0.128"));
	/* The list did not have it there: what an inspect says after a connect that failed is not believed. */
	instance.endpoints = seen_off;
	check_alias(PLACED(RUNNING, ON("shop_a", "e1", "\"web\",") "," ON("shop_b", "e2", "\"web\",")), true, fine, fine, ERR_NONE, "",
	            JOIN("shop_a", "\"web\"", "10.1.0.128"));
	instance.endpoints = seen;
	/* Somebody was quicker. */
	check_alias(PLACED(RUNNING, ON("shop_a", "e1", "") "," ON("shop_b", "e2", "\"web\",")), true,
	            (struct fake_rule){.match = "POST /v1.41/networks/shop_a/disconnect", .status = 500,
	                               .body = "{\"message\":\"container aaa is not connected to network shop_a\"}"}, fine, ERR_NONE, "",
	            LEAVE("shop_a") JOIN("shop_a", "\"web\"", "10.1.0.128"));
	check_alias(PLACED(RUNNING, ON("shop_a", "e1", "") "," ON("shop_b", "e2", "")), true,
	            (struct fake_rule){.match = "POST /v1.41/networks/shop_a/disconnect", .status = 500, .body = "{\"message\":\"no\"}"},
	            fine, ERR_TRANSIENT, "no", LEAVE("shop_a"));
	check_alias(PLACED(RUNNING, ON("shop_a", "e1", "") "," ON("shop_b", "e2", "")), true, (struct fake_rule){.match = "nothing"},
	            (struct fake_rule){.match = "POST /v1.41/networks/shop_a/connect", .status = 403,
	                               .body = "{\"message\":\"Address already in use\"}"},
	            ERR_CONFLICT, "connect to shop_a as 10.1.0.128: Address already in use",
	            LEAVE("shop_a") JOIN("shop_a", "\"web\"", "10.1.0.128"));
	/* An engine that was killed in between says so for ever: no verdict on the address, and in the end another container. */
	check_alias(PLACED(RUNNING, ON("shop_b", "e2", "\"web\",")), true,
	            (struct fake_rule){.match = "POST /v1.41/networks/shop_a/connect", .status = 403,
	                               .body = "{\"message\":\"endpoint with name shop-web-1 already exists in network shop_a\"}"}, fine,
	            ERR_TRANSIENT, "connect to shop_a as 10.1.0.128: endpoint with name shop-web-1 already exists in network shop_a",
	            JOIN("shop_a", "\"web\"", "10.1.0.128"));
	instance.endpoints = NULL;
	instance.endpoints_count = 0;
}

static void a_failed_start_says_whose_fault_it_is(void)
{
#define START(status_, said, kind_) \
	ON_INSTANCE(ACTION_START, HAS(EXITED, NEVER), kind_, said, "POST /v1.41/containers/aaa/start\n", \
	            {.match = "POST /v1.41/containers/aaa/start", .status = status_, .body = "{\"message\":\"" said "\"}"})
	START(500, "driver failed: Bind for 0.0.0.0:80 failed: port is already allocated", ERR_CONFLICT);
	START(400, "OCI runtime create failed: exec: no such file or directory: unknown", ERR_CONFLICT);
	START(403, "Address already in use", ERR_CONFLICT);
	START(500, "Invalid address 10.231.9.9: It does not belong to any of this network's subnets", ERR_CONFLICT);
	START(500, "containerd is away", ERR_TRANSIENT);
	START(404, "network x not found", ERR_NOT_FOUND);
#undef START
}

static void nothing_foreign_is_touched(void)
{
	static const enum action_kind kinds[] = {
		ACTION_START, ACTION_ALIAS, ACTION_UNALIAS, ACTION_UPDATE, ACTION_RENAME, ACTION_PARK, ACTION_STOP, ACTION_REMOVE,
	};
	static const char *const inspects[] = {
		"{\"Config\":{\"Labels\":{}},\"State\":{" EXITED "}}", "{\"Config\":{\"Labels\":{\"io.reconcile.instance\":\"you\"}}}",
		"{\"Config\":{\"Labels\":null}}", "{\"Config\":7}", "[]", "{\"Config\":{\"Labels\":{\"io.reconcile.instance\":[\"me\"]}}}",
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (size_t k = 0; k < ARRAY_LEN(inspects); k++) {
			const struct fake_rule rules[] = {VERSION_RULE, {.match = AAA, .body = inspects[k]}};
			check_on_instance(rules, 2, (struct action){.kind = kinds[i]}, ERR_DENIED,
			                  "shop-web-1 is not ours (no label io.reconcile.instance=me): not touched", "");
		}
	/* What is gone need not be stopped or removed, but cannot be started. */
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		static const struct fake_rule rules[] = {VERSION_RULE, {.match = AAA, .status = 404, .body = "{\"message\":\"gone\"}"}};
		bool fine = kinds[i] == ACTION_STOP || kinds[i] == ACTION_REMOVE;
		check_on_instance(rules, 2, (struct action){.kind = kinds[i]}, fine ? ERR_NONE : ERR_NOT_FOUND, fine ? "" : "gone", "");
	}
}

/* An UPDATE with one or two changes; the engine's limits are `before` at first and `after` later. */
static void check_update(const char *before, const char *after, const struct change *changes, size_t count, enum err_kind kind,
                         const char *message, const char *asked)
{
	const struct fake_rule rules[] = {
		VERSION_RULE, {.match = AAA, .body = before, .times = 1}, {.match = AAA, .body = after}, UPDATED,
	};
	struct action action = {.kind = ACTION_UPDATE, .changes = changes, .changes_count = count};
	check_on_instance(rules, ARRAY_LEN(rules), action, kind, message, asked);
}
#define LIMITS(memory, swap) HAS(RUNNING, "\"Memory\":" #memory ",\"MemorySwap\":" #swap "," ALWAYS)
#define ASKED(body) "POST /v1.41/containers/aaa/update " body "\n" AAA "\n"

static void updates_send_memory_with_swap_and_are_read_back(void)
{
	struct change memory = {.field = &fake_table[F_MEMORY], .to = value_int(100)};
	struct change swap = {.field = &fake_table[F_SWAP], .to = value_int(300)};
	struct change both[] = {memory, swap};
	check_update(LIMITS(64, 128), LIMITS(100, 200), &memory, 1, ERR_NONE, "", ASKED("{\"Memory\":100,\"MemorySwap\":200}"));
	check_update(LIMITS(64, 150), LIMITS(100, 150), &memory, 1, ERR_NONE, "", ASKED("{\"Memory\":100,\"MemorySwap\":150}"));
	check_update(LIMITS(64, -1), LIMITS(100, -1), &memory, 1, ERR_NONE, "", ASKED("{\"Memory\":100,\"MemorySwap\":-1}"));
	check_update(LIMITS(64, 128), LIMITS(64, 300), &swap, 1, ERR_NONE, "", ASKED("{\"Memory\":64,\"MemorySwap\":300}"));
	check_update(LIMITS(64, 128), LIMITS(100, 300), both, 2, ERR_NONE, "", ASKED("{\"Memory\":100,\"MemorySwap\":300}"));
	check_update(LIMITS(64, 128), LIMITS(64, 128), &memory, 1, ERR_CONFLICT,
	             "memory: asked for 100, but the engine still has 64: it ignores this change on a running container",
	             ASKED("{\"Memory\":100,\"MemorySwap\":200}"));
	check_update(LIMITS(64, 128), LIMITS(100, 128), &memory, 1, ERR_CONFLICT,
	             "memory and swap together: asked for 200, but the engine still has 128: it ignores this change on a running container",
	             ASKED("{\"Memory\":100,\"MemorySwap\":200}"));
	struct change restart = {.field = &fake_table[F_RESTART], .to = value_string("on-failure:2")};
	check_update(LIMITS(64, 128), LIMITS(64, 128), &restart, 1, ERR_CONFLICT,
	             "restart: asked for \"on-failure:2\", but the engine still has \"always\": it ignores this change on a running container",
	             ASKED("{\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":2}}"));
	struct change away = {.field = &fake_table[F_CPUS]};
	check_update(LIMITS(64, 128), LIMITS(64, 128), &away, 1, ERR_CONFLICT,
	             "cpus: the engine cannot take a limit away from a running container", "");
	struct change cpus = {.field = &fake_table[F_CPUS], .to = {.kind = VALUE_INT, .integer = 5, .secret = true}};
	check_update(LIMITS(64, 128), LIMITS(64, 128), &cpus, 1, ERR_CONFLICT,
	             "cpus: asked for (secret), but the engine still has null: it ignores this change on a running container",
	             ASKED("{\"NanoCpus\":5}"));
}

static void check_simple(const struct fake_rule *rules, size_t count, struct action action, enum err_kind kind,
                         const char *message, const char *asked)
{
	struct outcome o = {0};
	const char *got = act_one(rules, count, &action, &o);
	CHECK_INT(o.result, kind ? -1 : 0);
	CHECK_INT(o.err.kind, kind);
	CHECK_STR(o.err.message, message);
	CHECK_STR(got, asked);
}

static void pulls_find_the_error_in_the_stream(void)
{
	static const struct {
		const char *image, *asked; int status; const char *stream; enum err_kind kind; const char *message, *then;
	} cases[] = {
		{"redis", "fromImage=redis&tag=latest", 200, "{\"status\":\"Pulling\"}\r\n{\"status\":\"Done\"}\r\n", ERR_NONE, "",
		 "GET /v1.41/images/redis%3Alatest/json"},
		{"docker.io/library/redis:7", "fromImage=redis&tag=7", 200, "", ERR_NONE, "", "GET /v1.41/images/redis%3A7/json"},
		{"host:5000/team/app:1", "fromImage=host%3A5000%2Fteam%2Fapp&tag=1", 200, "{}", ERR_NONE, "",
		 "GET /v1.41/images/host%3A5000%2Fteam%2Fapp%3A1/json"},
		{"redis:7@sha256:12", "fromImage=redis%40sha256%3A12", 200, "{}", ERR_NONE, "", "GET /v1.41/images/redis%40sha256%3A12/json"},
		{"a", "fromImage=a&tag=latest", 200, "{\"status\":\"x\"}\n{\"errorDetail\":{\"message\":\"toomanyrequests: slow down\"},\"error\":\"y\"}\n",
		 ERR_TRANSIENT, "toomanyrequests: slow down"},
		{"a", "fromImage=a&tag=latest", 200, "{\"error\":\"manifest unknown\"}", ERR_NOT_FOUND, "manifest unknown"},
		{"a", "fromImage=a&tag=latest", 200, "{\"errorDetail\":{\"message\":\"unauthorized: no\"}}", ERR_DENIED, "unauthorized: no"},
		{"a", "fromImage=a&tag=latest", 200, "{\"status\":\"x\"}\n{\"status\":", ERR_TRANSIENT, "the engine's report of the pull broke off"},
		{"a", "fromImage=a&tag=latest", 404, "{\"message\":\"manifest for a:latest not found\"}", ERR_NOT_FOUND, "manifest for a:latest not found"},
		{"a", "fromImage=a&tag=latest", 404, "{\"message\":\"pull access denied for a\"}", ERR_DENIED, "pull access denied for a"},
		{"a", "fromImage=a&tag=latest", 500, "{\"message\":\"no route to registry\"}", ERR_TRANSIENT, "no route to registry"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fake_rule rules[] = {VERSION_RULE, {.match = "POST /v1.41/images/create", .status = cases[i].status,
		                                                 .body = cases[i].stream, .manner = FAKE_PIECES}};
		struct service s = service;
		char asked[300];
		s.image = cases[i].image;
		snprintf(asked, sizeof asked, "POST /v1.41/images/create?%s\n%s%s", cases[i].asked, cases[i].then ? cases[i].then : "",
		         cases[i].then ? "\n" : "");
		check_simple(rules, 2, (struct action){.kind = ACTION_PULL, .spec = &s}, cases[i].kind, cases[i].message, asked);
	}
}

static void networks_and_volumes_may_be_there_already(void)
{
#define TRAFFIC_BODY "POST /v1.41/networks/create {\"Name\":\"shop_reconcile\",\"CheckDuplicate\":true,\"Driver\":\"bridge\"," \
	"\"Labels\":{\"com.docker.compose.project\":\"shop\",\"com.docker.compose.network\":\"reconcile\"," \
	"\"io.reconcile.instance\":\"me\"},\"Internal\":true,\"IPAM\":{\"Config\":[{\"Subnet\":\"10.0.0.0/24\",\"Gateway\":\"10.0.0.1\"}]}}\n"
#define GET_IT "GET /v1.41/networks/shop_reconcile\n"
	static const struct { int status; const char *said, *there; enum err_kind kind; const char *message, *asked; } cases[] = {
		{201, "{\"Id\":\"n\"}", "", ERR_NONE, "", TRAFFIC_BODY},
		{409, "{\"message\":\"exists\"}", "{\"Labels\":{\"io.reconcile.instance\":\"me\"},\"IPAM\":{\"Config\":[{\"Subnet\":\"10.0.0.0/24\"}]}}",
		 ERR_NONE, "", TRAFFIC_BODY GET_IT},
		{409, "{\"message\":\"exists\"}", "{\"Labels\":{\"io.reconcile.instance\":\"me\"},\"IPAM\":{\"Config\":[]}}", ERR_CONFLICT,
		 "network shop_reconcile exists with the subnet (none), wanted 10.0.0.0/24", TRAFFIC_BODY GET_IT},
		{409, "{\"message\":\"exists\"}", "{\"Labels\":null}", ERR_CONFLICT, "network shop_reconcile exists and is not ours (no label "
		 "io.reconcile.instance=me): remove it with `docker network rm shop_reconcile`, or give the project another name", TRAFFIC_BODY GET_IT},
		{403, "{\"message\":\"Pool overlaps with other one on this address space\"}", "", ERR_CONFLICT,
		 "network shop_reconcile: the subnet 10.0.0.0/24 overlaps one that the host already has: set another range", TRAFFIC_BODY},
		{500, "{\"message\":\"no\"}", "", ERR_TRANSIENT, "no", TRAFFIC_BODY},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fake_rule rules[] = {
			VERSION_RULE, {.match = "POST /v1.41/networks/create", .status = cases[i].status, .body = cases[i].said},
			{.match = "GET /v1.41/networks/shop_reconcile", .body = cases[i].there},
		};
		check_simple(rules, ARRAY_LEN(rules), (struct action){.kind = ACTION_NETWORK, .network = "shop_reconcile",
		             .subnet = "10.0.0.0/24", .gateway = "10.0.0.1"}, cases[i].kind, cases[i].message, cases[i].asked);
	}
	/* A network of the project itself: the way out stays open, and half of it is the engine's. */
	static const struct fake_rule made[] = {VERSION_RULE, {.match = "POST /v1.41/networks/create", .status = 201, .body = "{}"}};
	check_simple(made, 2, (struct action){.kind = ACTION_NETWORK, .network = "shop_default", .subnet = "10.0.1.0/24",
	             .gateway = "10.0.1.1", .range = "10.0.1.0/25"}, ERR_NONE, "",
	             "POST /v1.41/networks/create {\"Name\":\"shop_default\",\"CheckDuplicate\":true,\"Driver\":\"bridge\","
	             "\"Labels\":{\"com.docker.compose.project\":\"shop\",\"com.docker.compose.network\":\"default\","
	             "\"io.reconcile.instance\":\"me\"},\"IPAM\":{\"Config\":[{\"Subnet\":\"10.0.1.0/24\",\"Gateway\":\"10.0.1.1\","
	             "\"IPRange\":\"10.0.1.0/25\"}]}}\n");
	static const struct fake_rule volume[] = {VERSION_RULE, {.match = "POST /v1.41/volumes/create", .status = 201, .body = "{}"}};
	check_simple(volume, 2, (struct action){.kind = ACTION_VOLUME, .volume = "shop_data"}, ERR_NONE, "",
	             "POST /v1.41/volumes/create {\"Name\":\"shop_data\",\"Labels\":{\"com.docker.compose.project\":\"shop\","
	             "\"com.docker.compose.volume\":\"data\",\"io.reconcile.instance\":\"me\"}}\n");
	/* As the manifest declares them: its settings, its key as the short name, our labels last. */
	CLEANUP(arena_done) struct arena a = {0};
	struct value settings = {0}, labels = {0};
	value_set(&a, &labels, "io.reconcile.instance", value_string("forged"));
	value_set(&a, &labels, "a.b", value_string("c"));
	value_set(&a, &settings, "Driver", value_string("macvlan"));
	value_set(&a, &settings, "Labels", labels);
	value_set(&a, &settings, "Internal", value_bool(true));
	struct resource declared = {.key = "front", .name = "other", .settings = settings};
	static const struct fake_rule network[] = {VERSION_RULE, {.match = "POST /v1.41/networks/create", .status = 201, .body = "{}"}};
	check_simple(network, 2, (struct action){.kind = ACTION_NETWORK, .network = "other", .resource = &declared}, ERR_NONE, "",
	             "POST /v1.41/networks/create {\"Name\":\"other\",\"CheckDuplicate\":true,\"Driver\":\"macvlan\",\"Internal\":true,"
	             "\"Labels\":{\"a.b\":\"c\",\"com.docker.compose.project\":\"shop\",\"com.docker.compose.network\":\"front\","
	             "\"io.reconcile.instance\":\"me\"}}\n");
	check_simple(volume, 2, (struct action){.kind = ACTION_VOLUME, .volume = "other", .resource = &declared}, ERR_NONE, "",
	             "POST /v1.41/volumes/create {\"Name\":\"other\",\"Driver\":\"macvlan\",\"Internal\":true,\"Labels\":{\"a.b\":\"c\","
	             "\"com.docker.compose.project\":\"shop\",\"com.docker.compose.volume\":\"front\",\"io.reconcile.instance\":\"me\"}}\n");
	check_simple(volume, 2, (struct action){.kind = ACTION_PUBLISH}, ERR_INTERNAL, "no action of the engine", "");
}

/* The place of a line in the record, -1: not there. */
static long place(const char *record, const char *line)
{
	const char *p = strstr(record, line);
	return p ? p - record : -1;
}

static void order_is_kept_and_failures_stay_where_they_are(void)
{
	static const struct fake_rule rules[] = {
		VERSION_RULE, MADE, UPDATED,
		{.match = "POST /v1.41/networks/create", .status = 500, .body = "{\"message\":\"no bridge\"}", .times = 1},
		{.match = "POST /v1.41/images/create", .body = "{\"error\":\"manifest unknown\"}", .times = 1},
		{.match = AAA, .body = HAS(RUNNING, ALWAYS), .times = 1},
		{.match = AAA, .body = HAS(EXITED, NEVER)},
		{.match = "POST /v1.41/containers/aaa/stop", .status = 204},
		{.match = "DELETE /v1.41/containers/aaa", .status = 204},
	};
	struct service missing = service, blog = service;
	missing.image = "gone:1";
	blog.project = "blog";
	blog.image = "blog:1";
	struct action actions[] = {
		{.kind = ACTION_NETWORK, .project = "blog", .network = "blog_default"},
		{.kind = ACTION_PULL, .project = "shop", .spec = &missing},
		{.kind = ACTION_CREATE, .project = "blog", .spec = &blog, .name = "blog-web-1", .number = 1},
		{.kind = ACTION_CREATE, .project = "shop", .spec = &missing, .name = "shop-job-1", .number = 1},
		{.kind = ACTION_STOP, .project = "shop", .spec = &service, .instance = &instance},
		{.kind = ACTION_REMOVE, .project = "shop", .instance = &instance},
		{.kind = ACTION_CREATE, .project = "shop", .spec = &service, .name = "shop-web-1", .number = 1},
		{.kind = ACTION_CREATE, .project = "shop", .spec = &service, .name = "shop-web-2", .number = 2},
	};
	enum { COUNT = ARRAY_LEN(actions) };
	const struct action *all[COUNT];
	struct outcome o[COUNT];
	static char record[1 << 16];
	struct engine g;
	for (size_t i = 0; i < COUNT; i++)
		all[i] = &actions[i];
	engine_start(&g, rules, ARRAY_LEN(rules));
	act_all(g.docker, all, o, COUNT);
	fake_recorded(&g.server, record, sizeof record);
	engine_stop(&g);

	const char *messages[COUNT] = {"no bridge", "manifest unknown", "not tried: no bridge", "not tried: manifest unknown"};
	enum err_kind kinds[COUNT] = {ERR_TRANSIENT, ERR_NOT_FOUND, ERR_TRANSIENT, ERR_NOT_FOUND};
	for (size_t i = 0; i < COUNT; i++) {
		CHECK_INT(o[i].result, messages[i] ? -1 : 0);
		CHECK_INT(o[i].err.kind, kinds[i]);
		CHECK_STR(o[i].err.message, messages[i] ? messages[i] : "");
	}
	long stop = place(record, "/aaa/stop"), gone = place(record, "DELETE"), again = place(record, "create?name=shop-web-1");
	long other = place(record, "create?name=shop-web-2");
	CHECK(stop > 0 && stop < gone && gone < again);
	CHECK(other > 0 && other < stop);
	CHECK_INT(place(record, "name=blog-web-1"), -1);
	CHECK_INT(place(record, "name=shop-job-1"), -1);
}

static void nobody_there_fails_every_action(void)
{
	static const struct fake_rule rules[] = {{.match = "GET /version", .status = 503, .body = "{\"message\":\"starting\"}"}};
	struct action actions[] = {{.kind = ACTION_START, .instance = &instance}, {.kind = ACTION_VOLUME, .project = "shop", .volume = "v"}};
	const struct action *all[] = {&actions[0], &actions[1]};
	struct outcome o[2];
	struct engine g;
	engine_start(&g, rules, 1);
	act_all(g.docker, all, o, 2);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(o[i].result, -1);
		CHECK_INT(o[i].err.kind, ERR_TRANSIENT);
		CHECK_STR(o[i].err.message, "starting");
	}
	act_all(g.docker, NULL, NULL, 0);
	engine_stop(&g);
}

static const struct test tests[] = {
	TEST(create_writes_every_row),
	TEST(create_writes_every_form), TEST(create_on_the_network_of_nginx),
	TEST(create_keeps_the_network_mode),
	TEST(create_keeps_the_name_back),
	TEST(create_leaves_nothing_half_made),
	TEST(create_takes_over_what_an_earlier_one_made),
	TEST(acts_say_what_they_mean),
	TEST(names_change_on_what_runs),
	TEST(a_name_moves_by_leaving_and_joining_again),
	TEST(a_failed_start_says_whose_fault_it_is),
	TEST(nothing_foreign_is_touched),
	TEST(updates_send_memory_with_swap_and_are_read_back),
	TEST(pulls_find_the_error_in_the_stream),
	TEST(networks_and_volumes_may_be_there_already),
	TEST(order_is_kept_and_failures_stay_where_they_are),
	TEST(nobody_there_fails_every_action),
};
TESTS_MAIN(tests)
