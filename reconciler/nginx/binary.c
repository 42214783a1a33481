/* What the nginx program says of itself. */
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "nginx/internal.h"

#define ASK_TIMEOUT_MS 10000

static bool ask(const struct nginx_settings *s, struct buf *out)
{
	struct process p = {.argv = (const char *const[]){s->binary, "-V", NULL}, .timeout_ms = ASK_TIMEOUT_MS};
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
