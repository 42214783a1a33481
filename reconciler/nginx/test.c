/*
 * The test before the installation: nginx reads the user's whole configuration as it would be, with the candidate
 * standing where `live` leads to. The one thing to know: the candidate is put there by a bind mount in a mount
 * namespace of the testing child alone, so that neither nginx nor anybody else ever sees it before it has passed.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/process.h"
#include "nginx/internal.h"

#define TEST_TIMEOUT_MS 30000
#define CHILD_FAILED "reconcile: private mount: "

struct bind {
	const struct nginx_settings *settings;
	const char *from, *over; /* NULL: nothing */
};

static int enter_namespace(void *context)
{
	const struct bind *b = context;
	if (binary_enter(b->settings) < 0) {
		dprintf(2, CHILD_FAILED "%d enter the container: %s\n", errno, strerror(errno));
		return -1;
	}
	if (!b->from)
		return 0;
	const char *what = unshare(CLONE_NEWNS) < 0                                    ? "unshare"
	                   : mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0   ? "make private"
	                   : mount(b->from, b->over, NULL, MS_BIND, NULL) < 0          ? "bind"
	                                                                               : NULL;
	if (!what)
		return 0;
	int number = errno;
	dprintf(2, CHILD_FAILED "%d %s: %s\n", number, what, strerror(number));
	return -1;
}

/*
 * What went wrong, in one line: of "nginx: [emerg] a" and of "2026/11/21 10:00:00 [emerg] 12#12: a" (which of the two
 * it prints depends on whether its compiled-in log could be opened) "[emerg] a".
 */
static char *words_of(const char *output, struct arena *a)
{
	static const char *const levels[] = {"[emerg] ", "[alert] ", "[crit] "};
	char *copy = arena_strdup(a, output), *out = arena_strdup(a, "");
	for (char *line; (line = strsep(&copy, "\n"));)
		for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
			char *at = strstr(line, levels[i]);
			if (!at)
				continue;
			at += strlen(levels[i]);
			size_t digits = strspn(at, "0123456789#");
			if (digits && strncmp(at + digits, ": ", 2) == 0)
				at += digits + 2;
			if (!strstr(out, at))
				out = arena_printf(a, "%s%s%s%s", out, *out ? "; " : "", levels[i], at);
			break;
		}
	return *out ? out : arena_strndup(a, output, strcspn(output, "\n"));
}

/* With b NULL the live tree is tested as it is. *words gets what nginx said when it refused, NULL when it passed; *whole,
 * when wanted, all of the configuration that passed. */
static int run_test(const struct nginx_settings *s, const struct bind *b, struct arena *a, char **words, struct buf *whole,
                    struct err *e)
{
	CLEANUP(buf_done) struct buf own = BUF_INIT(1 << 20);
	struct buf *output = whole ? whole : &own;
	struct bind context = b ? *b : (struct bind){.settings = s};
	int status;
	struct process p = {
		.argv = (const char *const[]){s->binary, whole ? "-T" : "-t", "-c", s->config, NULL},
		.timeout_ms = TEST_TIMEOUT_MS,
		.in_child = enter_namespace,
		.context = &context,
	};
	*words = NULL;
	if (process_run(&p, output, &status, e) < 0)
		return err_wrap(e, "testing the nginx configuration");
	if (status == 0)
		return 0;
	const char *failed = strstr(output->text, CHILD_FAILED);
	if (status == 126 && failed) {
		int number = (int)strtol(failed + strlen(CHILD_FAILED), NULL, 10);
		if (number == EPERM)
			return err_set(e, ERR_DENIED, "testing the nginx configuration needs a mount namespace of its own: "
			               "CAP_SYS_ADMIN is missing (run as root)");
		if (s->container)
			return err_set(e, ERR_SETUP, "testing the nginx configuration inside of the container %s: %s; it must have %s at the same "
			               "path, as in volumes: [\"%s:%s\"]", s->container, failed + strlen(CHILD_FAILED), s->directory, s->directory,
			               s->directory);
		return err_errno(e, number, "testing the nginx configuration: mount namespace");
	}
	if (status == 127)
		return err_set(e, ERR_NOT_FOUND, "%s: cannot be run", s->binary);
	*words = words_of(output->text, a);
	return 0;
}

#define NO_STREAM "unknown directive \"stream\""
#define NEEDS_STREAM "nginx has no stream module, and the tcp and udp routes need it: install it (Debian: apt-get install " \
	"libnginx-mod-stream)"

/* Ours passed; is it in there at all? */
static int check_included(const struct nginx_settings *s, const struct config *config, const char *whole, struct arena *a,
                          struct err *e)
{
	if (!strstr(whole, arena_printf(a, "\n# generation %s\n", config->id)))
		return err_set(e, ERR_SETUP, "nginx does not read what is written for it: put this line into the http block of %s, or into "
		               "a file that is included there (Debian: /etc/nginx/conf.d/reconcile.conf): include %s/live/http*.conf;",
		               s->config, s->directory);
	if (!config->has_streams || strstr(whole, CONFIG_STREAM_HEAD))
		return 0;
	bool has_module = strstr(whole, "ngx_stream_module.so") || binary_has_stream(s);
	return err_set(e, ERR_SETUP, "%s put this line at the end of %s, outside of the http block: stream { include %s/live/stream*.conf; }",
	               has_module ? "nginx does not read what is written for its tcp and udp routes:" : NEEDS_STREAM ", and", s->config,
	               s->directory);
}

int config_test(const struct nginx_settings *s, const char *candidate, const struct config *config, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf whole = BUF_INIT(8 * NGINX_TEXT_MAX);
	char *live = realpath(arena_printf(&a, "%s/live", s->directory), NULL), *words, *before;
	if (!live)
		return err_errno(e, errno, "%s/live", s->directory);
	struct bind b = {s, candidate, arena_strdup(&a, live)};
	free(live);
	if (run_test(s, &b, &a, &words, &whole, e) < 0)
		return -1;
	if (!words)
		return whole.overflowed ? 0 : check_included(s, config, whole.text, &a, e);
	if (strstr(words, NO_STREAM))
		return err_set(e, ERR_SETUP, NEEDS_STREAM "; its words: %s", words);
	if (run_test(s, NULL, &a, &before, NULL, e) < 0)
		return -1;
	if (before)
		return err_set(e, ERR_INVALID, "the nginx configuration was broken before this change: %s", before);
	return err_set(e, ERR_INVALID, "nginx refuses the new configuration: %s", words);
}

int config_dump(const struct nginx_settings *s, struct buf *whole, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	char *words;
	if (run_test(s, NULL, &a, &words, whole, e) < 0)
		return -1;
	if (words)
		buf_clear(whole);
	return 0;
}
