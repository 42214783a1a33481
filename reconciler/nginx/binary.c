/* What the nginx program says of itself. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "nginx/internal.h"

#define ASK_TIMEOUT_MS 10000

/* The files first: /proc of the host is out of sight after that. */
int binary_enter(const struct nginx_settings *s)
{
	static const struct {
		const char *name;
		int kind;
	} spaces[] = {{"mnt", CLONE_NEWNS}, {"net", CLONE_NEWNET}};
	int fds[ARRAY_LEN(spaces)], result = 0;
	if (!s->container)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/ns/%s", s->container_pid, spaces[i].name);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		result = fds[i] < 0 ? -1 : result;
	}
	for (size_t i = 0; i < ARRAY_LEN(spaces) && result == 0; i++)
		result = setns(fds[i], spaces[i].kind);
	return result;
}

static int enter(void *context)
{
	return binary_enter(context);
}

static bool ask(const struct nginx_settings *s, struct buf *out)
{
	struct process p = {.argv = (const char *const[]){s->binary, "-V", NULL}, .timeout_ms = ASK_TIMEOUT_MS,
	                    .in_child = enter, .context = (void *)s};
	struct err e;
	int status;
	return process_run(&p, out, &status, &e) == 0 && status == 0;
}

int nginx_version(const struct nginx_settings *s)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	const char *at = ask(s, &out) ? strstr(out.text, "nginx/") : NULL;
	int version = 0;
	if (!at)
		return 0;
	char *end = (char *)at + strlen("nginx/");
	for (int i = 0; i < 3; i++, end += *end == '.')
		version = version * 1000 + (int)strtol(end, &end, 10);
	return version;
}

bool binary_has_stream(const struct nginx_settings *s)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	if (!ask(s, &out))
		return false;
	for (const char *at = out.text; (at = strstr(at, "--with-stream")); at++)
		if (strchr(" \n", at[strlen("--with-stream")]))
			return true;
	return false;
}
