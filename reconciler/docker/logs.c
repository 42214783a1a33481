/*
 * The last lines of a log. Without a terminal the engine sends frames: one byte that names the stream, three zero
 * bytes, the length (big endian), then the bytes (Engine API, "Attach to a container", stream format).
 */
#include <string.h>

#include <cjson/cJSON.h>

#include "docker/client.h"

#define HEADER 8

static int strip_headers(const unsigned char *p, size_t left, struct buf *out, struct err *e)
{
	while (left >= HEADER) {
		size_t n = (size_t)p[4] << 24 | (size_t)p[5] << 16 | (size_t)p[6] << 8 | p[7];
		if (p[0] > 2 || p[1] || p[2] || p[3])
			return err_set(e, ERR_INTERNAL, "the log's stream has a header that makes no sense");
		p += HEADER;
		left -= HEADER;
		n = n < left ? n : left;
		buf_add(out, p, n);
		p += n;
		left -= n;
	}
	return 0;
}

static void print_state(const cJSON *inspected, struct buf *out)
{
	char *text = cJSON_Print(cJSON_GetObjectItemCaseSensitive(inspected, "State"));
	buf_puts(out, text ? text : "");
	cJSON_free(text);
}

int docker_logs(struct docker *d, const struct instance *i, int lines, struct buf *out, struct buf *state, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct call calls[] = {
		{.path = arena_printf(&a, "/containers/%s/json", i->id)},
		{.path = arena_printf(&a, "/containers/%s/logs?stdout=1&stderr=1&tail=%d", i->id, lines), .is_raw = true},
	};
	int result = 0;
	client_perform(d, &a, calls, ARRAY_LEN(calls));
	for (size_t k = 0; k < ARRAY_LEN(calls) && result == 0; k++)
		if (calls[k].result < 0) {
			*e = calls[k].err;
			result = err_wrap(e, "logs of %s", i->name);
		}
	if (result == 0 && json_true(calls[0].json, "Config.Tty"))
		buf_add(out, calls[1].text.text, calls[1].text.length);
	else if (result == 0)
		result = strip_headers((const unsigned char *)calls[1].text.text, calls[1].text.length, out, e);
	if (calls[0].result == 0 && state)
		print_state(calls[0].json, state);
	for (size_t k = 0; k < ARRAY_LEN(calls); k++)
		call_done(&calls[k]);
	return result;
}
