/* docker/: the wire, observing, logs, names of images, connections; against an engine that plays a script. */
#include "docker_fake.h"

#include <time.h>

#include "docker/connections.h"
#include "docker/image_name.h"

#define LIST_ONE "[" ONE "]"
#define ONE "{\"Id\":\"aaa\",\"Names\":[\"/shop-web-1\"],\"State\":\"running\",\"Created\":5,\"Labels\":{" \
	"\"io.reconcile.instance\":\"me\",\"io.reconcile.revision\":\"r1\",\"com.docker.compose.project\":\"shop\"," \
	"\"com.docker.compose.service\":\"web\",\"com.docker.compose.container-number\":\"1\"},\"NetworkSettings\":{" \
	"\"Networks\":{\"shop_reconcile\":{},\"shop_a\":{},\"shop_b\":{},\"shop_c\":{}}}}"
/* And a foreign one, from an image that we know. */
#define LIST_TWO "[" ONE ",{\"Id\":\"fff\",\"Names\":[\"/f\"],\"State\":\"exited\",\"ImageID\":\"sha256:i2\",\"Labels\":null}]"
#define NO_OTHERS \
	{.match = "GET /v1.41/networks", .body = "[]"}, {.match = "GET /v1.41/volumes", .body = "{\"Volumes\":null}"}, \
	{.match = "GET /v1.41/images/json", .body = "[]"}

static int observe_with(const struct fake_rule *rules, size_t count, struct world *world, struct engine *g, struct err *e)
{
	engine_start(g, rules, count);
	return docker_observe(g->docker, &g->arena, world, e);
}

static void versions_are_negotiated(void)
{
	static const struct { const char *answer, *path, *message; } cases[] = {
		{"{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}", "GET /v1.41/networks", NULL},
		{"{\"ApiVersion\":\"1.40\",\"MinAPIVersion\":\"1.12\"}", "GET /v1.40/networks", NULL},
		{"{\"ApiVersion\":\"1.51\",\"MinAPIVersion\":\"1.24\"}", "GET /v1.41/networks", NULL},
		{"{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}", "GET /v1.44/networks", NULL},
		{"{\"ApiVersion\":\"1.41\"}", "GET /v1.41/networks", NULL},
		{"{\"ApiVersion\":\"1.39\",\"MinAPIVersion\":\"1.12\"}", NULL,
		 "the engine speaks API 1.39 at most, and 1.40 is needed: upgrade Docker to 19.03 or later"},
		{"{\"ApiVersion\":7}", NULL, "GET /version: ApiVersion is missing or no version"},
		{"{\"ApiVersion\":\"1.4", NULL, "GET /version: the engine's answer is no JSON"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake_rule rules[] = {{.match = "GET /version", .body = cases[i].answer}};
		struct world world = {0};
		struct engine g;
		struct err e = {0};
		CHECK_INT(observe_with(rules, 1, &world, &g, &e), -1);
		if (cases[i].path)
			CHECK_INT(fake_count(&g.server, cases[i].path), 1);
		else
			CHECK_STR(e.message, cases[i].message);
		engine_stop(&g);
	}
}

static void an_instance_is_read_whole(void)
{
	static const struct fake_rule rules[] = {
		VERSION_RULE,
		{.match = "GET /v1.41/containers/json?all=1", .body = LIST_TWO},
		{.match = "GET /v1.41/containers/aaa/json", .manner = FAKE_PIECES, .body =
		 "{\"Id\":\"aaa\",\"Name\":\"/shop-web-1\",\"Created\":\"1970-01-01T00:00:07Z\",\"RestartCount\":4,\"State\":{"
		 "\"Status\":\"running\",\"Running\":true,\"ExitCode\":137,\"OOMKilled\":true,\"Error\":\"it said\",\"Pid\":0,"
		 "\"StartedAt\":\"1970-01-01T00:00:09.25Z\",\"Health\":{\"Status\":\"unhealthy\"}},\"HostConfig\":{\"Memory\":64,"
		 "\"MemorySwap\":-1,\"NanoCpus\":0,\"PidsLimit\":null,\"RestartPolicy\":{\"Name\":\"on-failure\","
		 "\"MaximumRetryCount\":3}},\"NetworkSettings\":{\"Networks\":{\"shop_reconcile\":{\"IPAddress\":\"10.0.0.2\","
		 "\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.9\"}},\"shop_a\":{\"EndpointID\":\"e\",\"Aliases\":[\"web\",\"aaa\"]},"
		 "\"shop_b\":{\"EndpointID\":\"\",\"Aliases\":[\"web\"]},\"shop_c\":{\"EndpointID\":\"e\",\"Aliases\":null},"
		 "\"shop_d\":{\"EndpointID\":\"e\",\"Aliases\":[\"web\"]}}},"
		 "\"Config\":{\"Labels\":{\"io.reconcile.address.shop_a\":\"10.1.0.128\",\"io.reconcile.address.gone\":\"10.3.0.9\"}}}"},
		{.match = "GET /v1.41/networks", .body =
		 "[{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.0.0/24\",\"IPRange\":\"10.1.0.0/25\"},{\"Subnet\":\"x\"}]},\"Labels\":{"
		 "\"io.reconcile.instance\":\"me\",\"com.docker.compose.project\":\"shop\"}},"
		 "{\"Name\":\"b\",\"Created\":\"1970-01-01T00:00:05Z\",\"IPAM\":{\"Config\":null},\"Labels\":{\"com.docker.compose.project\":\"shop\"}},"
		 "{\"Name\":\"bridge\",\"Created\":\"1970-01-01T00:00:08Z\"}]"},
		{.match = "GET /v1.41/volumes", .body = "{\"Volumes\":[{\"Name\":\"v\"}]}"},
		{.match = "GET /v1.41/images/json", .body =
		 "[{\"Id\":\"sha256:i1\",\"RepoTags\":[\"redis:latest\"],\"RepoDigests\":[\"redis@sha256:11\"]},"
		 "{\"Id\":\"sha256:i2\",\"RepoTags\":[\"r.example:5000/a:1\"]},"
		 "{\"RepoTags\":[\"<none>:<none>\"],\"RepoDigests\":null}]"},
	};
	struct world w = {0};
	struct engine g;
	struct err e = {0};
	CHECK_INT(observe_with(rules, ARRAY_LEN(rules), &w, &g, &e), 0);
	CHECK_INT(w.instances_count, 1);
	const struct instance *i = w.instances;
	CHECK_STR(i->id, "aaa");
	CHECK_STR(i->name, "shop-web-1");
	CHECK_STR(i->project, "shop");
	CHECK_STR(i->service, "web");
	CHECK_STR(i->revision, "r1");
	CHECK_INT(i->number, 1);
	CHECK_INT(i->state, INSTANCE_RUNNING);
	CHECK_INT(i->exit_code, 137);
	CHECK_STR(i->error, "it said");
	CHECK(i->was_oom_killed);
	CHECK_INT(i->restart_count, 4);
	CHECK_INT(i->created_ms, 7000);
	CHECK_INT(i->started_ms, 9250);
	CHECK_INT(i->health, HEALTH_UNHEALTHY);
	CHECK(!i->is_restart_off);
	CHECK_STR(i->address, "10.0.0.2");
	CHECK_INT(i->connections, -1);
	/* shop_b: the address was taken; shop_d: the list does not have it, whatever the inspect says. */
	CHECK_INT(i->endpoints_count, 5);
	static const struct endpoint places[] = {
		{"shop_a", "10.1.0.128", true, true}, {"shop_b", "", false, false}, {"shop_c", "", true, false},
		{"shop_d", "", false, false}, {"gone", "10.3.0.9", false, false}};
	for (size_t k = 0; k < ARRAY_LEN(places) && i->endpoints_count == ARRAY_LEN(places); k++) {
		CHECK_STR(i->endpoints[k].network, places[k].network);
		CHECK_STR(i->endpoints[k].address, places[k].address);
		CHECK_INT(i->endpoints[k].is_there, places[k].is_there);
		CHECK_INT(i->endpoints[k].has_alias, places[k].has_alias);
	}
	CHECK_INT(i->live[F_MEMORY].integer, 64);
	CHECK_INT(i->live[F_SWAP].integer, -1);
	CHECK_INT(i->live[F_CPUS].kind, VALUE_UNSET);
	CHECK_INT(i->live[F_PIDS].kind, VALUE_UNSET);
	CHECK_STR(i->live[F_RESTART].string, "on-failure:3");
	CHECK_INT(w.engine_started_ms, 8000);
	CHECK_INT(w.networks_count, 3);
	CHECK_STR(w.networks[0].subnet, "10.1.0.0/24");
	CHECK_STR(w.networks[0].project, "shop");
	CHECK_STR(w.networks[0].range, "10.1.0.0/25");
	CHECK_STR(w.networks[1].subnet, "");
	CHECK_STR(w.networks[1].range, "");
	CHECK_STR(w.networks[1].project, "");
	CHECK_INT(w.volumes_count, 1);
	CHECK_INT(w.images_count, 16);
	CHECK_STR(w.images[0].id, "sha256:i1");
	CHECK(!w.images[0].is_used);
	CHECK_STR(w.images[15].name, "r.example:5000/a:1");
	CHECK_STR(w.images[15].id, "sha256:i2");
	CHECK(w.images[15].is_used);
	engine_stop(&g);
}

#define ON_EDGE(label, place) \
	"[{\"Id\":\"aaa\",\"Names\":[\"/shop-web-1\"],\"State\":\"running\",\"Labels\":{" label "\"io.reconcile.instance\":\"me\"," \
	"\"com.docker.compose.project\":\"shop\",\"com.docker.compose.service\":\"web\"},\"HostConfig\":{\"NetworkMode\":\"host\"}," \
	"\"NetworkSettings\":{\"Networks\":{\"shop_reconcile\":{\"IPAddress\":\"10.0.0.2\"}" place "}}}," \
	"{\"Id\":\"f1\",\"Names\":[\"/f1\"],\"State\":\"exited\",\"NetworkSettings\":{\"Networks\":{\"edge\":{\"IPAddress\":\"\"," \
	"\"IPAMConfig\":{\"IPv4Address\":\"10.7.0.8\"}},\"gone\":{\"IPAddress\":\"10.7.0.7\"}}}}," \
	"{\"Id\":\"f2\",\"Names\":[\"/f2\"],\"State\":\"running\",\"NetworkSettings\":{\"Networks\":{\"edge\":{\"IPAddress\":\"10.7.0.9\"}}}}]"
#define PORTS "\"io.reconcile.ports\":\"8080\","
#define LOOPBACK_LABEL "\"io.reconcile.loopback\":\"127.0.0.1:20000\","

/* Where nginx reaches an instance on a network that it shares with it, and who has which address there. */
static void on_the_network_of_nginx(void)
{
	static const struct { const char *list, *address, *taken; } cases[] = {
		{ON_EDGE(PORTS, ",\"edge\":{\"IPAddress\":\"10.7.0.5\",\"IPAMConfig\":{\"IPv4Address\":\"10.7.0.5\"}}"), "10.7.0.5", ""},
		{ON_EDGE(PORTS, ",\"edge\":{\"IPAddress\":\"\",\"IPAMConfig\":{\"IPv4Address\":\"10.7.0.5\"}}"), "10.7.0.5", ""},
		/* An address of the engine's own choice, no route, another way from before the setting. */
		{ON_EDGE(PORTS, ",\"edge\":{\"IPAddress\":\"10.7.0.5\",\"IPAMConfig\":null}"), "", "10.7.0.5 "},
		{ON_EDGE("", ",\"edge\":{\"IPAddress\":\"10.7.0.5\",\"IPAMConfig\":{\"IPv4Address\":\"10.7.0.5\"}}"), "", "10.7.0.5 "},
		{ON_EDGE(PORTS LOOPBACK_LABEL, ""), "", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fake_rule rules[] = {
			VERSION_RULE, {.match = "GET /v1.41/containers/json", .body = cases[i].list},
			{.match = "GET /v1.41/containers/aaa/json", .status = 500, .body = "{\"message\":\"sick\"}"},
			{.match = "GET /v1.41/networks", .body = "[{\"Name\":\"edge\",\"IPAM\":{\"Config\":[{\"Subnet\":\"10.7.0.0/24\",\"Gateway\":"
			 "\"10.7.0.1\",\"AuxiliaryAddresses\":{\"x\":\"10.7.0.2\"}}]}}]"},
			NO_OTHERS,
		};
		CLEANUP(buf_done) struct buf taken = BUF_INIT(1024);
		CLEANUP(arena_done) struct arena a = {0};
		struct world w = {0};
		struct engine g;
		struct err e = {0};
		fake_nginx_network = "edge";
		CHECK_INT(observe_with(rules, ARRAY_LEN(rules), &w, &g, &e), 0);
		fake_nginx_network = NULL;
		CHECK_INT(w.instances_count, 1);
		CHECK_STR(w.instances_count ? w.instances[0].address : NULL, cases[i].address);
		for (size_t k = 0; w.networks_count == 1 && k < w.networks[0].taken_count; k++)
			buf_printf(&taken, "%s ", w.networks[0].taken[k]);
		CHECK_STR(taken.text, arena_printf(&a, "10.7.0.1 10.7.0.2 %s10.7.0.8 10.7.0.9 ", cases[i].taken));
		engine_stop(&g);
	}
}

/* "id project service number" of one container in the list. */
#define LISTED(id, project, service, number, instance) \
	"{\"Id\":\"" id "\",\"Names\":[\"/x/link\",\"/" project "-" service "-" number "\"],\"State\":\"exited\",\"Labels\":{" \
	"\"io.reconcile.instance\":\"" instance "\",\"com.docker.compose.project\":\"" project "\"," \
	"\"com.docker.compose.service\":\"" service "\",\"com.docker.compose.container-number\":\"" number "\"}}"
#define INSPECTED(name) "{\"Name\":\"/" name "\",\"State\":{\"Status\":\"exited\"},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"\"}}}"

static void what_vanishes_or_cannot_be_read_holds_up_nobody(void)
{
	static const struct fake_rule rules[] = {
		VERSION_RULE,
		{.match = "GET /v1.41/containers/json", .body = "[" LISTED("c10", "shop", "web", "10", "me") ","
		 LISTED("c2", "shop", "web", "2", "me") "," LISTED("gone", "shop", "web", "3", "me") ","
		 LISTED("sick", "blog", "web", "1", "me") "," LISTED("foreign", "shop", "web", "4", "other") ","
		 LISTED("nowhere", "", "", "", "me") "]"},
		{.match = "GET /v1.41/containers/c10/json", .body = INSPECTED("shop-web-10")},
		{.match = "GET /v1.41/containers/c2/json", .body = INSPECTED("shop-web-2")},
		{.match = "GET /v1.41/containers/gone/json", .status = 404, .body = "{\"message\":\"No such container: gone\"}"},
		{.match = "GET /v1.41/containers/sick/json", .status = 500, .body = "{\"message\":\"layer does not exist\"}"},
		NO_OTHERS,
	};
	struct world w = {0};
	struct engine g;
	struct err e = {0};
	CHECK_INT(observe_with(rules, ARRAY_LEN(rules), &w, &g, &e), 0);
	CHECK_INT(w.instances_count, 3);
	const char *names[] = {"blog-web-1", "shop-web-2", "shop-web-10"};
	for (size_t i = 0; i < 3 && w.instances_count == 3; i++)
		CHECK_STR(w.instances[i].name, names[i]);
	CHECK_STR(w.instances[0].error, "layer does not exist");
	CHECK(!w.instances[0].live);
	CHECK(w.instances[1].is_restart_off);
	CHECK(w.instances[1].live);
	CHECK_INT(fake_count(&g.server, "GET /v1.41/containers/foreign"), 0);
	engine_stop(&g);
}

static void nonsense_is_an_error_and_never_a_crash(void)
{
	static const struct { struct fake_rule rule; enum err_kind kind; const char *message; } cases[] = {
		{{.match = "GET /v1.41/containers/json", .body = "[{\"Id\":\"a"}, ERR_INTERNAL,
		 "GET /containers/json: the engine's answer is no JSON"},
		{{.match = "GET /v1.41/containers/json", .body = "{}"}, ERR_INTERNAL,
		 "GET /containers/json: the engine's answer is no list"},
		{{.match = "GET /v1.41/containers/json", .body = ""}, ERR_INTERNAL,
		 "GET /containers/json: the engine's answer is no list"},
		{{.match = "GET /v1.41/containers/json", .body = "[7,null,\"x\",{\"Labels\":[]},{\"Labels\":{\"io.reconcile.instance\":1}},"
		  "{\"Id\":3,\"Labels\":{\"io.reconcile.instance\":\"me\",\"com.docker.compose.project\":\"p\",\"com.docker.compose.service\":\"s\"}}]"},
		 ERR_INTERNAL, "GET /containers/json: Id or State is missing or makes no sense"},
		{{.match = "GET /v1.41/containers/aaa/json", .body = "{\"State\":\"running\",\"Name\":1}"}, ERR_INTERNAL,
		 "GET /containers/aaa/json: State.Status, Name or HostConfig is missing or makes no sense"},
		{{.match = "GET /v1.41/containers/aaa/json", .body = "[]"}, ERR_INTERNAL,
		 "GET /containers/aaa/json: State.Status, Name or HostConfig is missing or makes no sense"},
		{{.match = "GET /v1.41/containers/aaa/json", .body = "{\"a\":1}", .manner = FAKE_HALF}, ERR_TRANSIENT,
		 "GET http://docker/v1.41/containers/aaa/json: the connection broke off before the answer was complete"},
		{{.match = "GET /v1.41/networks", .body = "[{\"Name\":null}]"}, ERR_INTERNAL,
		 "GET /networks: Name is missing or no string"},
		{{.match = "GET /v1.41/volumes", .body = "{\"Volumes\":[3]}"}, ERR_INTERNAL,
		 "GET /volumes: Name is missing or no string"},
		{{.match = "GET /v1.41/images", .status = 500, .body = "oops"}, ERR_TRANSIENT,
		 "GET /images/json: the engine answered 500"},
		{{.match = "GET /v1.41/images", .status = 503, .body = "{\"message\":\"two\\nlines\"}"}, ERR_TRANSIENT,
		 "two lines"},
		{{.match = "GET /v1.41/networks", .status = 403, .body = "{\"message\":7}"}, ERR_DENIED,
		 "GET /networks: the engine answered 403"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fake_rule rules[] = {
			cases[i].rule, VERSION_RULE, {.match = "GET /v1.41/containers/json", .body = LIST_ONE},
			{.match = "GET /v1.41/containers/aaa/json", .body = INSPECTED("shop-web-1")}, NO_OTHERS,
		};
		struct world w = {0};
		struct engine g;
		struct err e = {0};
		CHECK_INT(observe_with(rules, ARRAY_LEN(rules), &w, &g, &e), -1);
		CHECK_STR(e.message, cases[i].message);
		CHECK_INT(e.kind, cases[i].kind);
		engine_stop(&g);
	}
}

static void a_read_that_broke_off_is_asked_once_more(void)
{
	static const struct fake_rule rules[] = {
		{.match = "GET /version", .manner = FAKE_DROP, .times = 1},
		VERSION_RULE,
		{.match = "GET /v1.41/containers/json", .body = "[]", .manner = FAKE_CLOSE},
		{.match = "GET /v1.41/networks", .body = "[1234567]", .manner = FAKE_HALF, .times = 1},
		NO_OTHERS,
	};
	struct world w = {0};
	struct engine g;
	struct err e = {0};
	CHECK_INT(observe_with(rules, ARRAY_LEN(rules), &w, &g, &e), 0);
	CHECK_INT(docker_observe(g.docker, &g.arena, &w, &e), 0);
	CHECK_INT(fake_count(&g.server, "GET /version"), 2);
	engine_stop(&g);
}

static void hosts_are_checked(void)
{
	static const char *const bad[] = {"", "/var/run/docker.sock", "unix://", "unix://relative", "tcp://", "ssh://x", "npipe:////x"};
	struct docker *d = NULL;
	struct err e = {0};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char message[200];
		struct docker_settings s = {.host = bad[i], .instance_id = "me"};
		CHECK_INT(docker_open(&d, &s, NULL, &e), -1);
		snprintf(message, sizeof message, "docker host \"%s\": wanted unix:///path or tcp://address:port", bad[i]);
		CHECK_STR(e.message, message);
		CHECK_INT(e.kind, ERR_INVALID);
	}
	struct docker_settings s = {.host = "tcp://127.0.0.1:1", .instance_id = "me"};
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(http_freep) struct http *h = NULL;
	struct world w = {0};
	CHECK_INT(http_open(&h, &e), 0);
	CHECK_INT(docker_open(&d, &s, h, &e), 0);
	CHECK_INT(docker_observe(d, &a, &w, &e), -1);
	CHECK_INT(e.kind, ERR_UNREACHABLE);
	CHECK_STR(e.message, "GET http://127.0.0.1:1/version: cannot connect to 127.0.0.1:1: Connection refused");
	docker_free(d);
}

static void logs_lose_their_headers(void)
{
	static const char frames[] = "\1\0\0\0\0\0\0\4out\n\2\0\0\0\0\0\0\4err\n\1\0\0\0\0\0\0\11cut";
	static const char broken[] = "plain text";
	static const struct fake_rule rules[] = {
		VERSION_RULE,
		{.match = "GET /v1.41/containers/a/json", .body = "{\"Config\":{\"Tty\":false},\"State\":{\"ExitCode\":137}}"},
		{.match = "GET /v1.41/containers/a/logs?stdout=1&stderr=1&tail=5", .body = frames, .body_length = sizeof frames - 1},
		{.match = "GET /v1.41/containers/tty/json", .body = "{\"Config\":{\"Tty\":true}}"},
		{.match = "GET /v1.41/containers/tty/logs", .body = "as it is\n"},
		{.match = "GET /v1.41/containers/bad/json", .body = "{\"State\":{\"ExitCode\":3}}"},
		{.match = "GET /v1.41/containers/bad/logs", .body = broken},
	};
	struct engine g;
	struct err e = {0};
	CLEANUP(buf_done) struct buf text = BUF_INIT(1000), state = BUF_INIT(1000);
	engine_start(&g, rules, ARRAY_LEN(rules));
	CHECK_INT(docker_logs(g.docker, &(struct instance){.id = "a", .name = "n"}, 5, &text, &state, &e), 0);
	CHECK_STR(state.text, "{\n\t\"ExitCode\":\t137\n}");
	CHECK_STR(text.text, "out\nerr\ncut");
	buf_clear(&text);
	CHECK_INT(docker_logs(g.docker, &(struct instance){.id = "tty", .name = "n"}, 5, &text, NULL, &e), 0);
	CHECK_STR(text.text, "as it is\n");
	CHECK_INT(docker_logs(g.docker, &(struct instance){.id = "bad", .name = "n"}, 5, &text, &state, &e), -1);
	CHECK_CONTAINS(state.text, "\"ExitCode\":\t3"); /* how it ended does not hang on its log */
	CHECK_STR(e.message, "the log's stream has a header that makes no sense");
	CHECK_INT(docker_logs(g.docker, &(struct instance){.id = "none", .name = "n"}, 5, &text, NULL, &e), -1);
	CHECK_STR(e.message, "logs of n: the script has no rule for this");
	CHECK_INT(e.kind, ERR_NOT_FOUND);
	engine_stop(&g);
}

static void image_names_are_understood(void)
{
	static const struct { const char *reference, *name, *tag, *digest; } cases[] = {
		{"redis", "redis", "latest", NULL},
		{"redis:7", "redis", "7", NULL},
		{"docker.io/library/redis:7", "redis", "7", NULL},
		{"index.docker.io/team/app", "team/app", "latest", NULL},
		{"library/redis", "redis", "latest", NULL},
		{"host:5000/app", "host:5000/app", "latest", NULL},
		{"host:5000/library/app:1", "host:5000/library/app", "1", NULL},
		{"library/a/b", "library/a/b", "latest", NULL},
		{"redis@sha256:12", "redis", NULL, "sha256:12"},
		{"redis:7@sha256:12", "redis", NULL, "sha256:12"},
		{"host:5000/app@sha256:12", "host:5000/app", NULL, "sha256:12"},
	};
	CLEANUP(arena_done) struct arena a = {0};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct image_name n = image_name_parse(&a, cases[i].reference);
		CHECK_STR(n.name, cases[i].name);
		CHECK(!!n.tag == !!cases[i].tag && (!n.tag || strcmp(n.tag, cases[i].tag) == 0));
		CHECK(!!n.digest == !!cases[i].digest && (!n.digest || strcmp(n.digest, cases[i].digest) == 0));
	}
	static const struct { const char *reference; size_t count; const char *last; } spellings[] = {
		{"redis:7", 5, "index.docker.io/library/redis:7"},
		{"redis:latest", 10, "index.docker.io/library/redis"},
		{"team/app:1", 3, "index.docker.io/team/app:1"},
		{"localhost/app:1", 1, "localhost/app:1"},
		{"host.example/app:latest", 2, "host.example/app"},
		{"redis@sha256:12", 5, "index.docker.io/library/redis@sha256:12"},
	};
	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		const char **names = NULL;
		size_t count = 0;
		image_name_spellings(&a, spellings[i].reference, &names, &count);
		CHECK_INT(count, spellings[i].count);
		CHECK_STR(names[count - 1], spellings[i].last);
		/* All of them mean the same. */
		for (size_t k = 0; k < count; k++)
			CHECK_STR(image_name_parse(&a, names[k]).name, image_name_parse(&a, spellings[i].reference).name);
	}
}

/* The time in ns of this process alone, the least of five, to read so many lines of TIME_WAIT and what stands around them. */
static int64_t read_busy(const char *table, int lines)
{
	CLEANUP(buf_done) struct buf many = BUF_INIT(16 << 20);
	int64_t least_ns = INT64_MAX;
	buf_puts(&many, table);
	for (int i = 0; i < lines; i++)
		buf_puts(&many, "   9: 0207E70A:1F90 0107E70A:D433 06 00000000:00000000 03:00000000 00000000 0 0 0 3\n");
	buf_puts(&many, "  10: 0207E70A:1F90 0107E70A:D438 01 00000000:00000000\n");
	for (int i = 0; i < 5; i++) {
		clock_t begin = clock();
		CHECK_INT(connections_in(many.text, NULL, NULL, 0), 3);
		int64_t ns = (int64_t)(clock() - begin) * (1000000000 / CLOCKS_PER_SEC);
		least_ns = ns < least_ns ? ns : least_ns;
	}
	return least_ns;
}

static void connections_from_outside_are_counted(void)
{
	static const char head[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
	CLEANUP(arena_done) struct arena a = {0};
	const char *tcp = arena_printf(&a, "%s%s", head,
		"   0: 00000000:1F90 00000000:0000 0A 00000000:00000000\n"  /* listens on 8080 */
		"   1: 0207E70A:1F90 0107E70A:D431 01 00000000:00000000\n"  /* a request: counts */
		"   2: 0207E70A:1F90 0107E70A:D432 03 00000000:00000000\n"  /* half-way in: counts */
		"   3: 0207E70A:1F90 0107E70A:D433 06 00000000:00000000\n"  /* TIME_WAIT */
		"   4: 0100007F:1F90 0100007F:D434 01 00000000:00000000\n"  /* its own health check */
		"   5: 0207E70A:9C40 0307E70A:0CEA 01 00000000:00000000\n"  /* its own connection to a database */
		"garbage\n\n");
	const char *tcp6 = arena_printf(&a, "%s%s", head,
		"   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0\n"
		"   1: 0000000000000000FFFF00000207E70A:0050 0000000000000000FFFF00000107E70A:D435 01 0:0\n" /* counts */
		"   2: 0000000000000000FFFF00000100007F:0050 0000000000000000FFFF00000100007F:D436 01 0:0\n"
		"   3: 00000000000000000000000001000000:0050 00000000000000000000000001000000:D437 01 0:0\n");
	CHECK_INT(connections_in(tcp, NULL, NULL, 0), 2);
	CHECK_INT(connections_in(tcp, tcp6, NULL, 0), 3);
	CHECK_INT(connections_in("", "", NULL, 0), 0);
	/* On the host's network: loopback too, and only its own ports. */
	CHECK_INT(connections_in(tcp, tcp6, (const int[]){8080}, 1), 3);
	CHECK_INT(connections_in(tcp, tcp6, (const int[]){8080, 80}, 2), 6);
	CHECK_INT(connections_in(tcp, tcp6, (const int[]){8080}, 0), 0);
	/* A busy one is read in proportion to its length: eight times the lines cost about eight times as much, not 64. */
	CHECK(read_busy(tcp, 16000) < 24 * read_busy(tcp, 2000));
	CHECK_INT(connections_count(0, NULL, 0), -1);
	CHECK_INT(connections_count(999999999, NULL, 0), -1);
	CHECK(connections_count(getpid(), NULL, 0) >= 0);
}

static const struct test tests[] = {
	TEST(versions_are_negotiated),
	TEST(an_instance_is_read_whole), TEST(on_the_network_of_nginx),
	TEST(what_vanishes_or_cannot_be_read_holds_up_nobody),
	TEST(nonsense_is_an_error_and_never_a_crash),
	TEST(a_read_that_broke_off_is_asked_once_more),
	TEST(hosts_are_checked),
	TEST(logs_lose_their_headers),
	TEST(image_names_are_understood),
	TEST(connections_from_outside_are_counted),
};
TESTS_MAIN(tests)
