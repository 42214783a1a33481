/*
 * What our servers would inherit from the user's own http block and must say again: its access_log lines, for a location
 * with a log of ours inherits none. The one thing to know: read from what `nginx -T` prints, with its includes followed,
 * only when a generation is made; the generation's own head keeps the lines from then on.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/process.h"
#include "nginx/internal.h"

#define MARK "# configuration file "
#define DEEPEST 16 /* includes within includes */

struct scan {
	const struct nginx_settings *s;
	const char *dump;
	struct arena *a;
	struct inherited *out;
	bool is_past_ours; /* what comes later is not known yet where ours is included */
};

/* One directive: its words up to ';', '{' or '}'. */
struct directive {
	const char *start, *end; /* of the text, without what ends it */
	const char *words[4];    /* the first ones, without quotes */
	size_t count;            /* of all */
	char last;               /* 0: the text is over */
};

static const char *skip_blank(const char *at, const char *end)
{
	while (at < end && strchr(" \t\r\n#", *at))
		at += *at == '#' ? strcspn(at, "\n") : 1;
	return at;
}

/* The end of the word at `at`. A quote holds blanks and braces together, and so does ${name}. */
static const char *word_end(const char *at, const char *end)
{
	char quote = *at == '"' || *at == '\'' ? *at : 0;
	for (const char *c = at + (quote != 0); c < end; c++) {
		if (*c == '\\')
			c++;
		else if (quote ? *c == quote : strchr(" \t\r\n;", *c) || (strchr("{}", *c) && c > at && c[-1] != '$' && !memchr(at, '$', (size_t)(c - at))))
			return quote ? c + 1 : c;
	}
	return end;
}

static const char *read_directive(struct scan *s, const char *at, const char *end, struct directive *d)
{
	*d = (struct directive){0};
	for (at = d->start = skip_blank(at, end); at < end; at = skip_blank(at, end)) {
		if (strchr(";{}", *at)) {
			d->end = at;
			d->last = *at;
			return at + 1;
		}
		const char *stop = word_end(at, end);
		int is_quoted = (*at == '"' || *at == '\'') && stop - at >= 2;
		if (d->count < ARRAY_LEN(d->words))
			d->words[d->count] = arena_strndup(s->a, at + is_quoted, (size_t)(stop - at) - 2 * (size_t)is_quoted);
		d->count++;
		at = stop > at ? stop : at + 1;
	}
	return end;
}

static bool is_called(const struct directive *d, const char *name)
{
	return d->count > 0 && strcmp(d->words[0], name) == 0;
}

/* As it stands there, on one line. */
static void add_log(struct scan *s, const struct directive *d)
{
	char *line = arena_strndup(s->a, d->start, (size_t)(d->end - d->start));
	bool has_own_format = d->count > 2 && strcmp(d->words[2], "combined") != 0;
	for (char *c = line; *c; c++)
		*c = strchr("\t\r\n", *c) ? ' ' : *c;
	if (d->count > 1 && strcmp(d->words[1], "off") == 0)
		s->out->is_off = true;
	else if (strchr(line, '#') || (s->is_past_ours && has_own_format))
		log_warning("nginx: '%s' stands below the include of %s/live: while a rollout is under way, requests of our "
		            "routes are missing in that log; put it above the include", line, s->s->directory);
	else
		*ARENA_PUSH(s->a, s->out->logs, s->out->logs_count) = line;
}

static void scan_file(struct scan *s, const char *from, const char *end, bool is_http, int depth);

/* All files that an include names, in the order in which nginx read them. */
static void scan_include(struct scan *s, const char *pattern, bool is_http, int depth)
{
	int folder = (int)(strrchr(s->s->config, '/') - s->s->config);
	const char *whole = *pattern == '/' ? pattern : arena_printf(s->a, "%.*s/%s", folder, s->s->config, pattern);
	const char *ours = arena_printf(s->a, "%s/live/", s->s->directory);
	for (const char *at = strstr(s->dump, MARK); at && depth < DEEPEST;) {
		const char *name = at + strlen(MARK), *text = name + strcspn(name, "\n"), *next = strstr(text, "\n" MARK);
		const char *file = arena_strndup(s->a, name, (size_t)(text - name) - (text > name));
		if (fnmatch(whole, file, FNM_PATHNAME) == 0 && strncmp(file, ours, strlen(ours)) == 0)
			s->is_past_ours = true;
		else if (fnmatch(whole, file, FNM_PATHNAME) == 0)
			scan_file(s, text, next ? next : text + strlen(text), is_http, depth + 1);
		at = next ? next + 1 : NULL;
	}
}

/* `is_http`: the text stands in the http block. */
static void scan_file(struct scan *s, const char *from, const char *end, bool is_http, int depth)
{
	struct directive d;
	int level = 0, http = is_http ? 0 : -1; /* the level of the http block's own lines */
	do {
		from = read_directive(s, from, end, &d);
		if (d.last == '{') {
			if (http < 0 && level == 0 && is_called(&d, "http"))
				http = 1;
			level++;
		} else if (d.last == '}') {
			level--;
			if (level < http)
				http = -1;
		} else if (is_called(&d, "include") && d.count > 1 && (level == http || (http < 0 && level == 0))) {
			scan_include(s, d.words[1], level == http, depth);
		} else if (level == http && is_called(&d, "access_log") && d.last) {
			add_log(s, &d);
		}
	} while (d.last);
}

void inherited_read(const struct nginx_settings *s, const char *dump, struct arena *a, struct inherited *out)
{
	struct scan scan = {.s = s, .dump = dump, .a = a, .out = out};
	*out = (struct inherited){0};
	if (strchr(s->config, '/'))
		scan_include(&scan, s->config, false, 0);
}

/* The log that nginx writes when nobody says anything of one. */
static const char *built_in_log(const struct nginx_settings *s, struct arena *a)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(64 * 1024);
	static const char option[] = "--http-log-path=";
	int status;
	struct err e;
	const struct process p = {.argv = (const char *const[]){s->binary, "-V", NULL}, .timeout_ms = 5000};
	const char *at = process_run(&p, &out, &status, &e) == 0 ? strstr(out.text, option) : NULL;
	at = at ? at + strlen(option) : "logs/access.log";
	return arena_printf(a, "access_log %.*s", (int)strcspn(at, " '\n"), at);
}

void inherited_logs(const struct nginx_settings *s, struct arena *a, struct topology *t)
{
	CLEANUP(buf_done) struct buf dump = BUF_INIT(8 * NGINX_TEXT_MAX);
	struct inherited own;
	struct err e;
	t->logs = NULL;
	t->logs_count = 0;
	/* One that is broken is refused by the test that follows, in nginx's own words. */
	if (config_dump(s, &dump, &e) < 0 || dump.overflowed)
		return;
	inherited_read(s, dump.text, a, &own);
	if (own.is_off)
		return;
	t->logs = own.logs;
	t->logs_count = own.logs_count;
	if (t->logs_count == 0)
		*ARENA_PUSH(a, t->logs, t->logs_count) = built_in_log(s, a);
}
