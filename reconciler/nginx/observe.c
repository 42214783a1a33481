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

int installed_read(const struct nginx_settings *s, struct arena *a, char **text, const char **id, struct err *e)
{
	char target[4096];
	const char *live = arena_printf(a, "%s/live", s->directory);
	*text = NULL;
	*id = "";
	ssize_t n = readlink(live, target, sizeof target - 1);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0)
		return err_errno(e, errno, "%s", live);
	target[n] = 0;
	const char *slash = strrchr(target, '/');
	*id = arena_strdup(a, slash ? slash + 1 : target);
	struct err missing;
	if (fs_read(arena_printf(a, "%s/http.conf", live), NGINX_TEXT_MAX, a, text, NULL, &missing) == 0)
		return 0;
	*text = NULL;
	if (missing.kind == ERR_NOT_FOUND) /* somebody removed it: the same as changed by hand */
		return 0;
	*e = missing;
	return -1;
}

int private_ask(const struct nginx_settings *s, struct http *http, const char *path, struct arena *a,
                const char **answer, struct err *e)
{
	CLEANUP(request_done) struct request r = {
		.url = arena_printf(a, "http://127.0.0.1:%d%s", s->status_port, path),
		.timeout_ms = ASK_TIMEOUT_MS,
		.max_answer = 4096,
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

/* The text is what this version would write with these settings for the topology it carries. */
static bool is_as_written(const struct nginx_settings *s, const char *text, const struct topology *t)
{
	CLEANUP(buf_done) struct buf again = BUF_INIT(NGINX_TEXT_MAX);
	config_render(&again, s, t);
	return !again.overflowed && strcmp(again.text, text) == 0;
}

static int observe_installed(const struct nginx_settings *s, struct arena *a, struct nginx *out, const char **id,
                             struct err *e)
{
	char *text;
	struct stat st;
	if (installed_read(s, a, &text, id, e) < 0)
		return -1;
	if (text) {
		config_read(text, a, &out->topology);
		const char *own = config_generation(text, a);
		out->is_current = own && strcmp(own, *id) == 0 && is_as_written(s, text, &out->topology);
		if (stat(arena_printf(a, "%s/live/http.conf", s->directory), &st) == 0)
			out->installed_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	}
	for (size_t i = 0; i < out->topology.services_count; i++)
		traffic_read(s, a, &out->topology.services[i]);
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
	if (observe_installed(s, a, out, &id, e) < 0)
		return -1;
	observe_running(s, http, a, id, out);
	return 0;
}
