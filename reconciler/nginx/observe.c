/*
 * What nginx serves: the installed text, the weights on disk, the processes, and what the private server answers.
 * The one thing to know: this never changes anything, and a text that was changed by hand still tells its topology,
 * because what is missing here would look as if nobody served it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "nginx/internal.h"

#define ASK_TIMEOUT_MS 2000

int private_ask(const struct nginx_settings *s, struct http *http, const char *path, struct arena *a,
                const char **answer, struct err *e)
{
	CLEANUP(request_done) struct request r = {
		.url = arena_printf(a, "http://127.0.0.1:%d%s", s->status_port, path),
		.timeout_ms = ASK_TIMEOUT_MS,
		.max_answer = 4096,
		.network_of = s->container ? s->container_pid : 0,
	};
	http_perform(http, &r, 1);
	if (r.result < 0) {
		*e = r.err;
		return -1;
	}
	if (r.status != 200)
		return err_set(e, ERR_CONFLICT, "%s answered %d", r.url, r.status);
	*answer = arena_strndup(a, r.answer.text, strcspn(r.answer.text, "\n"));
	return 0;
}

/* The name of the folder that `live` leads to; NULL when it is no link of ours, or leads nowhere. */
static const char *linked_id(const struct nginx_settings *s, struct arena *a)
{
	char target[4096];
	struct stat st;
	const char *live = arena_printf(a, "%s/live", s->directory);
	ssize_t n = readlink(live, target, sizeof target - 1);
	if (n <= 0 || stat(live, &st) < 0)
		return NULL;
	target[n] = 0;
	const char *slash = strrchr(target, '/');
	return arena_strdup(a, slash ? slash + 1 : target);
}

int installed_read(const struct nginx_settings *s, struct http *http, struct arena *a, struct installed *out,
                   struct err *e)
{
	struct err missing;
	const char *id = linked_id(s, a);
	*out = (struct installed){.id = "", .is_linked = id};
	if (!id && (private_ask(s, http, "/generation", a, &id, &missing) < 0 || !config_is_name(id)))
		return 0;
	int result = fs_read(arena_printf(a, "%s/generations/%s/http.conf", s->directory, id), NGINX_TEXT_MAX, a, &out->text,
	                     NULL, &missing);
	if (result < 0 && missing.kind != ERR_NOT_FOUND) { /* removed by somebody: the same as changed by hand */
		*e = missing;
		return -1;
	}
	if (result < 0)
		out->text = NULL;
	if (out->is_linked || out->text)
		out->id = id;
	return 0;
}

/* Does the folder hold what this version writes for the topology, and nothing else than that? NULL: it does. */
static const char *changed_by_hand(const struct nginx_settings *s, struct arena *a, const struct installed *in,
                                   const struct topology *t, bool *is_as_written)
{
	struct config want;
	struct err e;
	*is_as_written = false;
	if (!in->is_linked) { /* with nothing of ours there at all, nothing was ever installed */
		bool was_there = fs_exists(arena_printf(a, "%s/generations", s->directory)) || fs_exists(arena_printf(a, "%s/live", s->directory));
		return was_there ? "its link 'live' is gone" : NULL;
	}
	if (!in->text)
		return "http.conf is gone";
	if (!config_is_intact(in->text) || strcmp(config_generation(in->text, a), in->id) != 0)
		return "http.conf was changed by hand";
	if (config_render(s, t, a, &want, &e) < 0 || strcmp(want.id, in->id) != 0)
		return NULL; /* of another version, or with other settings */
	for (size_t i = 1; i < want.count; i++) {
		const char *path = arena_printf(a, "%s/generations/%s/%s", s->directory, in->id, want.files[i].name);
		char *text;
		if (!fs_exists(path))
			return arena_printf(a, "%s is gone", want.files[i].name);
		if (fs_read(path, NGINX_TEXT_MAX, a, &text, NULL, &e) < 0 || strcmp(text, want.files[i].text) != 0)
			return arena_printf(a, "%s was changed by hand", want.files[i].name);
	}
	const char *asset = assets_problem(s, a, t);
	*is_as_written = !asset;
	return asset;
}

static int observe_installed(const struct nginx_settings *s, struct http *http, struct arena *a, struct nginx *out,
                             const char **id, struct err *e)
{
	struct installed in;
	struct stat st;
	if (installed_read(s, http, a, &in, e) < 0)
		return -1;
	*id = in.id;
	if (in.text)
		config_read(in.text, a, &out->topology);
	for (size_t i = 0; i < out->topology.services_count; i++)
		traffic_read(s, a, &out->topology.services[i]);
	out->drift = changed_by_hand(s, a, &in, &out->topology, &out->is_current);
	if (stat(arena_printf(a, "%s/live/http.conf", s->directory), &st) == 0)
		out->installed_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	out->is_announcing = fs_exists(arena_printf(a, "%s/close", s->directory));
	return 0;
}

static void observe_running(const struct nginx_settings *s, struct http *http, struct arena *a, const char *id,
                            struct nginx *out)
{
	struct err e;
	struct workers workers;
	pid_t master = master_find(s, &e);
	if (master < 0) {
		out->problem = arena_strdup(a, e.message);
		out->is_current = false;
		return;
	}
	master_workers(master, a, &workers);
	for (size_t i = 0; i < workers.count; i++)
		out->draining_workers += workers.is_shutting_down[i];
	const char *answer = "";
	int asked = private_ask(s, http, "/generation", a, &answer, &e);
	/* Refused while the master lives: it has not read our files yet. The next publish reloads it. */
	out->is_up = asked == 0 || e.kind == ERR_UNREACHABLE || e.kind == ERR_CONFLICT;
	if (!out->is_up)
		out->problem = arena_printf(a, "nginx runs (process %d) but does not answer: %s", (int)master, e.message);
	out->is_current = out->is_current && asked == 0 && strcmp(answer, id) == 0;
}

int nginx_observe(const struct nginx_settings *s, struct http *http, struct arena *a, struct nginx *out, struct err *e)
{
	const char *id;
	*out = (struct nginx){.problem = ""};
	if (observe_installed(s, http, a, out, &id, e) < 0)
		return -1;
	observe_running(s, http, a, id, out);
	return 0;
}
