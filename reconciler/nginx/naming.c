/*
 * Who names an upstream of ours that Git does not have any more. Without it nginx would refuse the user's configuration,
 * and with that everything of ours. The one thing to know: it is asked only when there is such an upstream, because nginx
 * must print all of its configuration for the answer.
 */
#include <string.h>

#include "nginx/internal.h"

#define FILE_LINE "# configuration file "

/* Is there `word`, and is it not only the beginning of a longer one? */
static bool has_word(const char *line, size_t length, const char *word)
{
	const char *at = memmem(line, length, word, strlen(word));
	return at && strspn(at + strlen(word), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == 0;
}

/* Where a file that is not ours leads to that upstream: "/etc/nginx/conf.d/shop.conf:12"; NULL: nowhere in `whole`, which is
 * what `nginx -T` prints. */
static const char *find_naming(const struct nginx_settings *s, const char *whole, const char *upstream, struct arena *a)
{
	const char *pass = arena_printf(a, "://%s", upstream), *include = arena_printf(a, "/location-%s.conf", upstream);
	const char *file = "", *ours = arena_printf(a, "%s/", s->directory);
	int number = 0;
	for (const char *line = whole; *line; number++) {
		size_t length = strcspn(line, "\n"), code = 0;
		if (strncmp(line, FILE_LINE, strlen(FILE_LINE)) == 0) {
			file = arena_strndup(a, line + strlen(FILE_LINE), strcspn(line + strlen(FILE_LINE), ":\n"));
			number = 0;
		}
		while (code < length && line[code] != '#')
			code++;
		if (strncmp(file, ours, strlen(ours)) != 0 && (has_word(line, code, pass) || has_word(line, code, include)))
			return arena_printf(a, "%s:%d", file, number);
		line += length + (line[length] == '\n');
	}
	return NULL;
}

static bool is_wanted(const struct desired *d, const struct route *r)
{
	for (size_t i = 0; i < d->routes_count; i++)
		if (d->routes[i].is_upstream && strcmp(d->routes[i].host, r->host) == 0)
			return true;
	return false;
}

int nginx_find_namings(const struct nginx_settings *s, const struct desired *d, struct arena *a, struct nginx *out, struct err *e)
{
	CLEANUP(buf_done) struct buf whole = BUF_INIT(8 * NGINX_TEXT_MAX);
	bool is_read = false;
	for (size_t i = 0; i < out->topology.routes_count; i++) {
		const struct route *r = &out->topology.routes[i];
		if (!r->is_upstream || is_wanted(d, r) || !out->is_up)
			continue;
		if (!is_read && config_dump(s, &whole, e) < 0)
			return -1;
		is_read = true;
		const char *where = whole.length ? find_naming(s, whole.text, r->host, a) : NULL;
		if (where)
			*ARENA_PUSH(a, out->namings, out->namings_count) = (struct naming){r->host, where};
	}
	return 0;
}
