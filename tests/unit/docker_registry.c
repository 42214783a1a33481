/* docker/: credentials, what a registry's words mean, digests, and letting images go. */
#include "docker_fake.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "docker/credentials.h"

static struct service service = {.project = "shop", .name = "web", .revision = "0123456789abcdef", .image = "r.example:5000/app:1"};
static char folder[64], programs[80];

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[200];
	struct err e;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	CHECK_INT(fs_write(path, text, strlen(text), mode, &e), 0);
}

static void begin(void)
{
	static char path[4096];
	snprintf(folder, sizeof folder, "/tmp/reconcile-login-XXXXXX");
	CHECK(mkdtemp(folder));
	snprintf(programs, sizeof programs, "%s/bin", folder);
	CHECK_INT(mkdir(programs, 0700), 0);
	if (!*path)
		snprintf(path, sizeof path, "%s", getenv("PATH"));
	char with[5000];
	snprintf(with, sizeof with, "%s:%s", programs, path);
	setenv("PATH", with, 1);
}

static void end(void)
{
	struct err e;
	CHECK_INT(fs_remove_tree(folder, &e), 0);
}

/* The header for an image, as JSON again; NULL: none. */
static const char *login_for(struct arena *a, const char *image, struct err *e)
{
	struct credentials c = {.folder = folder, .arena = a};
	const char *header;
	*e = (struct err){0};
	if (credentials_find(&c, image, &header, e) < 0)
		return "failed";
	if (!header)
		return NULL;
	CHECK_INT(strlen(header) % 4, 0);
	CHECK(!strpbrk(header, "+/\r\n"));
	char command[4096];
	static char text[2048];
	snprintf(command, sizeof command, "printf %%s '%s' | tr _- /+ | base64 -d", header);
	FILE *f = popen(command, "r");
	text[f ? fread(text, 1, sizeof text - 1, f) : 0] = 0;
	CHECK(f && pclose(f) == 0);
	return text;
}

static void logins_are_found_by_registry(void)
{
	static const char config[] =
		"{\"auths\":{"
		"\"r.example:5000\":{\"auth\":\"dXNlcjpwYTpzcz8/Pz4+Pg==\"}," /* user:pa:ss, ??? and >>> */
		"\"https://old.example/v1/\":{\"auth\":\"YTpi\"},"
		"\"https://index.docker.io/v1/\":{\"username\":\"hub\",\"password\":\"pw\"},"
		"\"token.example\":{\"auth\":\"\",\"identitytoken\":\"idt\"},"
		"\"registry.example\":{\"registrytoken\":\"rgt\"},"
		"\"empty.example\":{}},\"HttpHeaders\":{\"X\":\"y\"}}";
	static const struct { const char *image, *login; } cases[] = {
		{"r.example:5000/app:1", "{\"username\":\"user\",\"password\":\"pa:ss??\?>>>\",\"serveraddress\":\"r.example:5000\"}"},
		{"r.example:5000/app@sha256:12", "{\"username\":\"user\",\"password\":\"pa:ss??\?>>>\",\"serveraddress\":\"r.example:5000\"}"},
		{"r.example/app:1", NULL},
		{"r.example:5001/app:1", NULL},
		{"old.example/a/b", "{\"username\":\"a\",\"password\":\"b\",\"serveraddress\":\"old.example\"}"},
		{"redis", "{\"username\":\"hub\",\"password\":\"pw\",\"serveraddress\":\"https://index.docker.io/v1/\"}"},
		{"docker.io/team/app:1", "{\"username\":\"hub\",\"password\":\"pw\",\"serveraddress\":\"https://index.docker.io/v1/\"}"},
		{"token.example/app", "{\"identitytoken\":\"idt\",\"serveraddress\":\"token.example\"}"},
		{"registry.example/app", "{\"registrytoken\":\"rgt\",\"serveraddress\":\"registry.example\"}"},
		{"empty.example/app", NULL},
	};
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	begin();
	CHECK(!login_for(&a, "r.example:5000/app:1", &e)); /* no file at all */
	write_file("config.json", config, 0600);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = login_for(&a, cases[i].image, &e);
		if (cases[i].login)
			CHECK_STR(got, cases[i].login);
		else
			CHECK(!got);
	}
	end();
}

static void a_broken_file_is_told_and_never_its_content(void)
{
	static const struct { const char *config, *said; } cases[] = {
		{"{\"auths\":{\"r.example:5000\":{\"auth\":\"hunter2\"", "config.json is no JSON object; mend it, or log in again"},
		{"[\"hunter2\"]", "config.json is no JSON object; mend it, or log in again"},
		{"{\"auths\":{\"r.example:5000\":{\"auth\":\"hunter2!\"}}}",
		 "config.json: auths: the auth of r.example:5000 is no base64 of user:password; log in again"},
		{"{\"auths\":{\"r.example:5000\":{\"auth\":\"aHVudGVyMg==\"}}}",
		 "config.json: auths: the auth of r.example:5000 is no base64 of user:password; log in again"},
		{"{\"credsStore\":\"../hunter2\"}", "config.json: '../hunter2' is no name of a credential helper"},
		{"{\"credsStore\":\"not-there\"}", "config.json: docker-credential-not-there cannot be run; is it installed, and in PATH?"},
	};
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char said[300];
		write_file("config.json", cases[i].config, 0600);
		CHECK_STR(login_for(&a, "r.example:5000/app:1", &e), "failed");
		CHECK_INT(e.kind, ERR_SETUP);
		snprintf(said, sizeof said, "%s/%s", folder, cases[i].said);
		CHECK_STR(e.message, said);
	}
	/* Another registry's broken entry is nobody's trouble. */
	write_file("config.json", cases[2].config, 0600);
	CHECK(!login_for(&a, "other.example/app:1", &e));
	CHECK_INT(e.kind, ERR_NONE);
	end();
}

static void helpers_are_asked(void)
{
	static const char config[] = "{\"auths\":{\"a.example\":{\"auth\":\"YTpi\"}},\"credsStore\":\"all\","
	                             "\"credHelpers\":{\"t.example\":\"token\",\"f.example\":\"fails\",\"n.example\":\"nonsense\"}}";
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	begin();
	write_file("config.json", config, 0600);
	write_file("bin/docker-credential-all", "#!/bin/sh\nread r\necho noise >&2\n[ \"$1 $r\" = \"get a.example\" ] || "
	           "{ echo 'credentials not found in native keychain'; exit 1; }\n"
	           "echo '{\"ServerURL\":\"x\",\"Username\":\"u\",\"Secret\":\"hunter2\"}'\n", 0700);
	write_file("bin/docker-credential-token", "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"idt\"}'\n", 0700);
	write_file("bin/docker-credential-fails", "#!/bin/sh\necho hunter2\nexit 3\n", 0700);
	write_file("bin/docker-credential-nonsense", "#!/bin/sh\necho hunter2\n", 0700);
	CHECK_STR(login_for(&a, "a.example/app", &e), "{\"username\":\"u\",\"password\":\"hunter2\",\"serveraddress\":\"a.example\"}");
	CHECK_STR(login_for(&a, "t.example/app", &e), "{\"identitytoken\":\"idt\",\"serveraddress\":\"t.example\"}");
	CHECK(!login_for(&a, "nobody.example/app", &e));
	CHECK_STR(login_for(&a, "f.example/app", &e), "failed");
	CHECK_INT(e.kind, ERR_TRANSIENT);
	CHECK_CONTAINS(e.message, "docker-credential-fails failed with exit code 3 for f.example");
	CHECK(!strstr(e.message, "hunter2"));
	CHECK_STR(login_for(&a, "n.example/app", &e), "failed");
	CHECK_INT(e.kind, ERR_SETUP);
	CHECK(!strstr(e.message, "hunter2"));
	end();
}

/* One call of a helper for a registry, however many images; one that hangs is ended. */
static void a_helper_is_asked_once_and_not_for_ever(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct credentials c = {.folder = folder, .arena = &a};
	struct err e;
	const char *header;
	begin();
	write_file("config.json", "{\"credsStore\":\"slow\"}", 0600);
	write_file("bin/docker-credential-slow", "#!/bin/sh\necho x >>\"${0%/*}/asked\"\nexec sleep 60\n", 0700);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(credentials_find(&c, i ? "r.example/app:2" : "r.example/app:1", &header, &e), -1);
		CHECK_INT(e.kind, ERR_TRANSIENT);
		CHECK_CONTAINS(e.message, "docker-credential-slow: no end after 5000 ms; killed");
	}
	char path[200], *asked;
	snprintf(path, sizeof path, "%s/asked", programs);
	CHECK_INT(fs_read(path, 100, &a, &asked, NULL, &e), 0);
	CHECK_STR(asked, "x\n");
	end();
}

static void engine_with_login(struct engine *g, const struct fake_rule *rules, size_t count, int64_t min_free_bytes)
{
	struct err e;
	engine_start(g, rules, count);
	docker_free(g->docker);
	struct docker_settings s = {.host = g->host, .instance_id = "me", .rows = g->rows, .rows_count = F_COUNT,
	                            .config_folder = folder, .min_free_bytes = min_free_bytes,
	                            .ended = act_ended, .context = &acting};
	CHECK_INT(docker_open(&g->docker, &s, g->http, &e), 0);
}

static void act(const struct fake_rule *rules, size_t count, struct action action, int64_t min_free, struct outcome *o,
                char *record, size_t size)
{
	const struct action *one = &action;
	struct engine g;
	engine_with_login(&g, rules, count, min_free);
	act_all(g.docker, &one, o, 1);
	fake_recorded(&g.server, record, size);
	engine_stop(&g);
}

#define HEADER "X-Registry-Auth: eyJ1c2VybmFtZSI6ImEiLCJwYXNzd29yZCI6ImIiLCJzZXJ2ZXJhZGRyZXNzIjoici5leGFtcGxlOjUwMDAifQ=="

static void a_pull_carries_the_login_and_brings_the_id(void)
{
	static const struct fake_rule rules[] = {
		VERSION_RULE, {.match = "POST /v1.41/images/create", .body = "{}"},
		{.match = "GET /v1.41/images/r.example%3A5000%2Fapp%3A1/json", .body = "{\"Id\":\"sha256:77\"}"},
	};
	static char record[1 << 16];
	struct outcome o;
	begin();
	write_file("config.json", "{\"auths\":{\"r.example:5000\":{\"auth\":\"YTpi\"}}}", 0600);
	act(rules, ARRAY_LEN(rules), (struct action){.kind = ACTION_PULL, .spec = &service}, 0, &o, record, sizeof record);
	CHECK_INT(o.result, 0);
	CHECK_STR(o.image_id, "sha256:77");
	CHECK_CONTAINS(record, "POST /v1.41/images/create?fromImage=r.example%3A5000%2Fapp&tag=1 " HEADER "\n");
	CHECK_CONTAINS(record, "GET /v1.41/images/r.example%3A5000%2Fapp%3A1/json\n");
	write_file("config.json", "{", 0600);
	act(rules, ARRAY_LEN(rules), (struct action){.kind = ACTION_PULL, .spec = &service}, 0, &o, record, sizeof record);
	CHECK_INT(o.result, -1);
	CHECK_INT(o.err.kind, ERR_SETUP);
	CHECK(!strstr(record, "/images/create"));
	end();
}

/* As Docker 20.10 passes it on from registries: a 500 for nearly everything. */
static void words_of_registries(void)
{
	static const struct { int status; const char *said; enum err_kind kind; int64_t retry_after_ms; } cases[] = {
		{404, "manifest for r/app:nope not found: manifest unknown: manifest unknown", ERR_NOT_FOUND, 0},
		{404, "pull access denied for app, repository does not exist or may require 'docker login': denied: requested access to the "
		      "resource is denied", ERR_DENIED, 0},
		{500, "Head \\\"http://127.0.0.1:5001/v2/app/manifests/1\\\": no basic auth credentials", ERR_DENIED, 0},
		{500, "unauthorized: authentication required", ERR_DENIED, 0},
		{500, "unauthorized", ERR_DENIED, 0},
		{500, "denied", ERR_DENIED, 0},
		{500, "error parsing HTTP 403 response body: invalid character '<' looking for beginning of value", ERR_DENIED, 0},
		{500, "error parsing HTTP 404 response body: invalid character '<' looking for beginning of value", ERR_NOT_FOUND, 0},
		{500, "error parsing HTTP 429 response body: invalid character '<' looking for beginning of value", ERR_TRANSIENT, 0},
		{500, "received unexpected HTTP status: 503 Service Temporarily Unavailable", ERR_TRANSIENT, 0},
		{500, "received unexpected HTTP status: 502 not found and denied", ERR_TRANSIENT, 0},
		{500, "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating", ERR_TRANSIENT, 0},
		{500, "toomanyrequests: retry-after: 1.5s, allowed: 44000/minute", ERR_TRANSIENT, 1501},
		{429, "toomanyrequests: retry-after: 864.6\\u00b5s, allowed: 44000/minute", ERR_TRANSIENT, 1},
		{500, "toomanyrequests: Retry-After: 120", ERR_TRANSIENT, 120001},
		{500, "toomanyrequests: retry-after: 2m", ERR_TRANSIENT, 120001},
		{500, "toomanyrequests: retry-after: -1e300", ERR_TRANSIENT, 0},
		{500, "Get \\\"http://127.0.0.1:5009/v2/\\\": dial tcp 127.0.0.1:5009: connect: connection refused", ERR_TRANSIENT, 0},
		{500, "Get \\\"https://r/v2/\\\": dial tcp: lookup r on 10.0.0.1:53: no such host", ERR_TRANSIENT, 0},
		{500, "Get \\\"https://r/v2/\\\": net/http: request canceled while waiting for connection", ERR_TRANSIENT, 0},
		{500, "write /var/lib/docker/tmp/x: no space left on device", ERR_TRANSIENT, 0},
		{500, "open /var/lib/docker/tmp/x: permission denied", ERR_TRANSIENT, 0},
		{400, "invalid reference format", ERR_INVALID, 0},
		{200, "image config verification failed for digest sha256:24", ERR_TRANSIENT, 0},
		{200, "unknown blob", ERR_TRANSIENT, 0},
		{200, "no matching manifest for linux/amd64 in the manifest list entries", ERR_NOT_FOUND, 0},
	};
	static char record[1 << 16];
	begin();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char body[600];
		snprintf(body, sizeof body, cases[i].status == 200 ? "{\"status\":\"x\"}\n{\"errorDetail\":{\"message\":\"%s\"}}"
		                                                   : "{\"message\":\"%s\"}", cases[i].said);
		const struct fake_rule rules[] = {
			VERSION_RULE, {.match = "POST /v1.41/images/create", .status = cases[i].status, .body = body}};
		struct outcome o;
		act(rules, 2, (struct action){.kind = ACTION_PULL, .spec = &service}, 0, &o, record, sizeof record);
		if (o.result != -1 || o.err.kind != cases[i].kind || o.retry_after_ms != cases[i].retry_after_ms)
			fprintf(stderr, "  of: %s\n", cases[i].said);
		CHECK_INT(o.result, -1);
		CHECK_INT(o.err.kind, cases[i].kind);
		CHECK_INT(o.retry_after_ms, cases[i].retry_after_ms);
		CHECK_STR(o.image_id, "");
	}
	end();
}

static void a_full_disk_is_told_before_the_pull(void)
{
	static char record[1 << 16];
	char info[200];
	struct outcome o;
	begin();
	snprintf(info, sizeof info, "{\"DockerRootDir\":\"%s\"}", folder);
	const struct fake_rule rules[] = {
		VERSION_RULE, {.match = "GET /v1.41/info", .body = info}, {.match = "POST /v1.41/images/create", .body = "{}"}};
	struct action pull = {.kind = ACTION_PULL, .spec = &service};
	act(rules, 3, pull, INT64_C(1) << 60, &o, record, sizeof record);
	CHECK_INT(o.err.kind, ERR_TRANSIENT);
	CHECK_CONTAINS(o.err.message, "not pulled: ");
	CHECK_CONTAINS(o.err.message, "M free, and min_free wants 1099511627776M");
	CHECK(!strstr(record, "/images/create"));
	act(rules, 3, pull, 1, &o, record, sizeof record);
	CHECK_INT(o.result, 0);
	/* An engine that keeps them elsewhere, where we cannot look. */
	snprintf(info, sizeof info, "{\"DockerRootDir\":\"/not/on/this/host\"}");
	act(rules, 3, pull, INT64_C(1) << 60, &o, record, sizeof record);
	CHECK_INT(o.result, 0);
	end();
}

static void digests_are_asked_all_at_once(void)
{
	static const struct fake_rule rules[] = {
		VERSION_RULE,
		{.match = "GET /v1.41/distribution/r.example%3A5000%2Fapp%3A1/json", .body = "{\"Descriptor\":{\"digest\":\"sha256:aa\"}}"},
		{.match = "GET /v1.41/distribution/redis%3Alatest/json", .body = "{\"Descriptor\":{\"digest\":7}}"},
		{.match = "GET /v1.41/distribution/gone%3A1/json", .status = 404, .body = "{\"message\":\"manifest unknown\"}"},
		{.match = "GET /v1.41/distribution/shut%3A1/json", .status = 401, .body = "{\"message\":\"hm\"}"},
		{.match = "GET /v1.41/distribution/away%3A1/json", .status = 500, .body = "{\"message\":\"connection refused\"}"},
		{.match = "GET /v1.41/distribution/quiet%3As3cret/json", .status = 500, .body = "{\"message\":\"Head quiet/s3cret: EOF\"}"},
	};
	struct resolution items[] = {
		{.image = "r.example:5000/app:1"}, {.image = "redis"}, {.image = "gone:1"}, {.image = "shut:1"}, {.image = "away:1"},
		{.image = "quiet:s3cret", .is_secret = true},
	};
	static const enum err_kind kinds[] = {ERR_NONE, ERR_INTERNAL, ERR_NOT_FOUND, ERR_DENIED, ERR_TRANSIENT, ERR_TRANSIENT};
	struct engine g;
	begin();
	write_file("config.json", "{\"auths\":{\"r.example:5000\":{\"auth\":\"YTpi\"}}}", 0600);
	engine_with_login(&g, rules, ARRAY_LEN(rules), 0);
	docker_resolve(g.docker, &g.arena, items, ARRAY_LEN(items));
	CHECK_STR(items[0].digest, "sha256:aa");
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		CHECK_INT(items[i].err.kind, kinds[i]);
		CHECK((items[i].digest != NULL) == (i == 0));
	}
	CHECK_STR(items[4].err.message, "connection refused");
	CHECK(!strstr(items[5].err.message, "s3cret"));
	CHECK_INT(fake_count(&g.server, "GET /v1.41/distribution/r.example%3A5000%2Fapp%3A1/json " HEADER), 1);
	engine_stop(&g);
	end();
}

/* DROP of an image that we pulled as sha256:1, and what is asked after /version. */
static void check_drop(const char *image, const struct fake_rule *rules, size_t count, int result, const char *asked)
{
	static char record[1 << 16];
	struct past_image past = {.project = "shop", .service = "web", .image = image, .id = "sha256:1"};
	struct outcome o;
	act(rules, count, (struct action){.kind = ACTION_DROP, .image = &past}, 0, &o, record, sizeof record);
	CHECK_INT(o.result, result);
	CHECK_STR(strchr(record, '\n') + 1, asked);
}

static void only_what_is_still_ours_is_dropped(void)
{
#define TAG "r.example%3A5000%2Fapp%3A1"
#define DIGEST "r.example%3A5000%2Fapp%40sha256%3Aaa"
#define LOOK(name, inspect) {.match = "GET /v1.41/images/" name "/json", .body = inspect}
#define DELETE(name, said) {.match = "DELETE /v1.41/images/" name, .status = said, .body = "{\"message\":\"m\"}"}
#define DROP(image, result, asked, ...) \
	do { \
		static const struct fake_rule rules_[] = {VERSION_RULE, __VA_ARGS__}; \
		check_drop(image, rules_, ARRAY_LEN(rules_), result, asked); \
	} while (0)
	begin();
	DROP("r.example:5000/app:1", 0, "GET /v1.41/images/" TAG "/json\nDELETE /v1.41/images/" TAG "\n",
	     LOOK(TAG, "{\"Id\":\"sha256:1\"}"), DELETE(TAG, 200));
	DROP("r.example:5000/app:1", 0, "GET /v1.41/images/" TAG "/json\nDELETE /v1.41/images/" TAG "\n",
	     LOOK(TAG, "{\"Id\":\"sha256:1\"}"), DELETE(TAG, 409)); /* used by now */
	DROP("r.example:5000/app:1", -1, "GET /v1.41/images/" TAG "/json\nDELETE /v1.41/images/" TAG "\n",
	     LOOK(TAG, "{\"Id\":\"sha256:1\"}"), DELETE(TAG, 500));
	DROP("r.example:5000/app:1", 0, "GET /v1.41/images/" TAG "/json\n", LOOK(TAG, "{\"Id\":\"sha256:2\"}"));
	DROP("r.example:5000/app:1", 0, "GET /v1.41/images/" TAG "/json\n", LOOK("other", "{}")); /* 404 */
	DROP("r.example:5000/app@sha256:aa", 0, "GET /v1.41/images/" DIGEST "/json\nDELETE /v1.41/images/" DIGEST "\n",
	     LOOK(DIGEST, "{\"Id\":\"sha256:1\",\"RepoTags\":[\"mine:1\"]}"), DELETE(DIGEST, 200));
	DROP("r.example:5000/app@sha256:aa", 0, "GET /v1.41/images/" DIGEST "/json\n",
	     LOOK(DIGEST, "{\"Id\":\"sha256:1\",\"RepoTags\":[\"r.example:5000/app:mine\"]}"), DELETE(DIGEST, 200));
	end();
}

static const struct test tests[] = {
	TEST(logins_are_found_by_registry), TEST(a_broken_file_is_told_and_never_its_content), TEST(helpers_are_asked),
	TEST(a_helper_is_asked_once_and_not_for_ever), TEST(a_pull_carries_the_login_and_brings_the_id),
	TEST(words_of_registries), TEST(a_full_disk_is_told_before_the_pull), TEST(digests_are_asked_all_at_once),
	TEST(only_what_is_still_ours_is_dropped),
};
TESTS_MAIN(tests)
