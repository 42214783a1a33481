/* A host for whole runs: a folder with settings, a manifest and notes, and a scripted engine. */
#ifndef TESTS_SITE_H
#define TESTS_SITE_H

#include "check.h"
#include "fake_server.h"

#include "base/fs.h"
#include "cycle.h"
#include "desired/load.h"
#include "host/notes.h"

#define MANIFEST(image) "name: shop\nservices:\n  db:\n    image: " image "\n    restart: always\n    x-reconcile: { strategy: in-place }\n"
#define VERSION_RULE {.match = "GET /version", .body = "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}"}

struct site {
	struct arena arena;
	char folder[64];
	struct settings settings;
	struct fake_server engine;
	const char *old_revision, *new_revision;
};

static inline void site_write(struct site *t, const char *manifest)
{
	struct err e;
	CHECK_INT(fs_write(t->settings.path, manifest, strlen(manifest), 0644, &e), 0);
}

static inline const struct service *site_load(struct site *t, const char *manifest)
{
	struct loaded *l = arena_alloc(&t->arena, sizeof *l);
	struct problems problems = PROBLEMS_INIT;
	struct err e = {0};
	site_write(t, manifest);
	if (desired_load(&t->settings, LOAD_PEEK, &t->arena, l, &problems, &e) < 0)
		fprintf(stderr, "%s%s\n", problems.text.text, e.message), exit(1);
	problems_done(&problems);
	return &l->desired.projects[0].services[0];
}

/* The old revision is noted as good; Git wants the new one. */
static inline void site_new(struct site *t)
{
	struct err e;
	memset(t, 0, sizeof *t);
	snprintf(t->folder, sizeof t->folder, "/tmp/reconcile-cycle-XXXXXX");
	CHECK(mkdtemp(t->folder) != NULL);
	t->settings = (struct settings){
		.path = arena_printf(&t->arena, "%s/compose.yaml", t->folder),
		.state_dir = arena_printf(&t->arena, "%s/state", t->folder),
		.run_dir = arena_printf(&t->arena, "%s/run", t->folder),
		.instance = "me", .subnet = "10.231.0.0/16", .nginx_binary = "nginx",
		.nginx_config = "/nonexistent", .nginx_pid = "/nonexistent", .nginx_listen = "80", .nginx_status_port = 9180};
	const struct service *old = site_load(t, MANIFEST("app:1"));
	CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
	service_print(&text, old);
	struct note_good good = {"shop", "db", old->revision, text.text};
	struct notes notes = {.goods = &good, .goods_count = 1, .applied = ""};
	CHECK_INT(fs_mkdir(t->settings.state_dir, 0755, &e), 0);
	CHECK_INT(notes_write(arena_printf(&t->arena, "%s/notes", t->settings.state_dir), &notes, &e), 0);
	t->old_revision = old->revision;
	t->new_revision = site_load(t, MANIFEST("app:2"))->revision;
}

static inline void site_start(struct site *t, const struct fake_rule *rules, size_t count)
{
	fake_start(&t->engine, rules, count, true);
	t->settings.docker_host = arena_printf(&t->arena, "unix://%s", t->engine.path);
}

static inline void site_free(struct site *t)
{
	fake_stop(&t->engine);
	CHECK(strncmp(t->folder, "/tmp/reconcile-cycle-", 21) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", t->folder, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	arena_done(&t->arena);
}

static inline const char *listed(struct site *t, const char *id, const char *revision)
{
	return arena_printf(&t->arena, "{\"Id\":\"%s\",\"Names\":[\"/shop-db-%s\"],\"State\":\"exited\",\"Created\":1,\"Labels\":{"
	                    "\"io.reconcile.instance\":\"me\",\"com.docker.compose.project\":\"shop\",\"com.docker.compose.service\":\"db\","
	                    "\"com.docker.compose.container-number\":\"%s\",\"io.reconcile.revision\":\"%s\"},"
	                    "\"NetworkSettings\":{\"Networks\":{\"shop_default\":{}}}}", id, id, id, revision);
}

static inline const char *inspected(struct site *t, const char *id, const char *revision, const char *state)
{
	return arena_printf(&t->arena, "{\"Id\":\"%s\",\"Name\":\"/shop-db-%s\",\"Created\":\"2026-01-01T00:00:00Z\","
	                    "\"State\":{%s},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"always\"}},"
	                    "\"Config\":{\"Labels\":{\"io.reconcile.instance\":\"me\",\"io.reconcile.revision\":\"%s\"}},"
	                    "\"NetworkSettings\":{\"Networks\":{\"shop_default\":{\"EndpointID\":\"e\",\"Aliases\":[\"db\"]}}}}", id, id, state, revision);
}

#define EXITED "\"Status\":\"exited\",\"ExitCode\":1,\"StartedAt\":\"2026-01-01T00:00:00Z\""

#define ENGINE_RULES(t, new_state) { \
	VERSION_RULE, \
	{.match = "GET /v1.41/containers/json", .body = arena_printf(&(t)->arena, "[%s,%s]", \
	                                                           listed(t, "1", (t)->old_revision), listed(t, "2", (t)->new_revision))}, \
	{.match = "GET /v1.41/containers/1/json", .body = inspected(t, "1", (t)->old_revision, EXITED)}, \
	{.match = "GET /v1.41/containers/2/json", .body = inspected(t, "2", (t)->new_revision, new_state)}, \
	{.match = "GET /v1.41/networks", .body = "[{\"Name\":\"shop_default\"}]"}, \
	{.match = "GET /v1.41/volumes", .body = "{\"Volumes\":[]}"}, \
	{.match = "GET /v1.41/images/json", .body = "[{\"RepoTags\":[\"app:1\",\"app:2\"]}]"}, \
	{.match = "GET /v1.41/containers/2/logs", .body = ""}, \
	{.match = "POST", .status = 204}, \
	{.match = "DELETE", .status = 204}, \
}

#endif
