/*
 * The host's env file, read by Compose's rules (compose-go's dotenv): KEY=value or KEY: value, quotes that may span
 * lines, comments, ${VAR} from the process and from the lines above.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "desired/interpolate.h"
#include "desired/manifest.h"


struct reader {
	const char *path;
	const char *s;
	int line;
	struct arena *a;
	struct environment *out;
	struct err *e;
};

static int fail(const struct reader *r, int line, const char *message)
{
	return err_set(r->e, ERR_INVALID, "%s:%d: %s", r->path, line, message);
}

static void set(struct reader *r, const char *name, const char *value)
{
	for (size_t i = 0; i < r->out->count; i++) {
		if (strcmp(r->out->names[i], name) == 0) {
			r->out->values[i] = value;
			return;
		}
	}
	size_t names = r->out->count;
	*ARENA_PUSH(r->a, r->out->names, names) = name;
	*ARENA_PUSH(r->a, r->out->values, r->out->count) = value;
}

static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.-[]", c)) || (unsigned char)c >= 0x80;
}

static void skip_blanks(struct reader *r)
{
	r->s += strspn(r->s, " \t\r");
}

static int resolve(struct reader *r, const char *text, int line, const char **out)
{
	struct interpolated result;
	struct err e;
	if (interpolate(text, r->out, r->a, &result, &e) < 0)
		return fail(r, line, e.message);
	*out = result.text;
	return 0;
}

static const struct {
	char letter, meaning;
} escapes[] = {{'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'a', '\a'}, {'b', '\b'}, {'f', '\f'}, {'v', '\v'}, {'"', '"'}};

/* One escape of "...": *s points behind the backslash. */
static void unescape(const char **s, struct buf *to)
{
	char c = **s;
	if (c == '\\') {
		buf_puts(to, "\\");
	} else if (c == '$') {
		buf_puts(to, "$$"); /* survives the interpolation that follows */
	} else if (c == '0' && (*s)[1] >= '0' && (*s)[1] <= '7') {
		int n = 0, digits = 1;
		for (; digits <= 3 && (*s)[digits] >= '0' && (*s)[digits] <= '7'; digits++)
			n = n * 8 + ((*s)[digits] - '0');
		char byte = (char)n;
		if (byte)
			buf_add(to, &byte, 1);
		*s += digits;
		return;
	} else {
		size_t i = 0;
		while (i < ARRAY_LEN(escapes) && escapes[i].letter != c)
			i++;
		if (i < ARRAY_LEN(escapes)) {
			buf_add(to, &escapes[i].meaning, 1);
		} else {
			buf_puts(to, "\\");
			buf_add(to, &c, 1);
		}
	}
	(*s)++;
}

static int read_quoted(struct reader *r, char quote, const char **value)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(ENV_FILE_MAX_BYTES);
	int line = r->line;
	const char *s = r->s + 1;
	while (*s && *s != quote) {
		if (*s == '\\' && quote == '"' && s[1]) {
			s++;
			unescape(&s, &text);
			continue;
		}
		if (*s == '\\' && quote == '\'' && s[1] == '\'')
			s++;
		r->line += *s == '\n';
		if (*s != '\r' || s[1] != '\n')
			buf_add(&text, s, 1);
		s++;
	}
	if (!*s)
		return fail(r, line, quote == '"' ? "the quote \" is never closed" : "the quote ' is never closed");
	r->s = s + 1;
	*value = arena_strdup(r->a, text.text);
	return quote == '"' ? resolve(r, *value, line, value) : 0;
}

static int read_plain(struct reader *r, const char **value)
{
	size_t length = strcspn(r->s, "\n"), end = 0;
	while (end < length && !(r->s[end] == '#' && (end == 0 || r->s[end - 1] == ' ' || r->s[end - 1] == '\t')))
		end++;
	while (end > 0 && isspace((unsigned char)r->s[end - 1]))
		end--;
	const char *text = arena_strndup(r->a, r->s, end);
	r->s += length;
	return resolve(r, text, r->line, value);
}

static int read_statement(struct reader *r)
{
	const char *value;
	if (strncmp(r->s, "export", 6) == 0 && (r->s[6] == ' ' || r->s[6] == '\t')) {
		r->s += 6;
		skip_blanks(r);
	}
	size_t length = 0;
	while (is_key_char(r->s[length]))
		length++;
	const char *name = arena_strndup(r->a, r->s, length);
	if (!length)
		return fail(r, r->line, "no variable's name here; write NAME=value, and '#' in front of a comment");
	r->s += length;
	skip_blanks(r);
	if (*r->s == '\n' || !*r->s) { /* NAME alone: from the process, if it is there */
		value = environment_get(r->out, name);
		if (value)
			set(r, name, value);
		return 0;
	}
	if (*r->s != '=' && *r->s != ':')
		return fail(r, r->line, arena_printf(r->a, "no '=' behind %.60s; write NAME=value", name));
	r->s++;
	skip_blanks(r);
	if ((*r->s == '"' || *r->s == '\'' ? read_quoted(r, *r->s, &value) : read_plain(r, &value)) < 0)
		return -1;
	set(r, name, value);
	return 0;
}

static int read_all(struct reader *r)
{
	if (strncmp(r->s, "\xef\xbb\xbf", 3) == 0)
		r->s += 3;
	for (;;) {
		skip_blanks(r);
		if (!*r->s)
			return 0;
		if (*r->s == '\n') {
			r->line++;
			r->s++;
		} else if (*r->s == '#') {
			r->s += strcspn(r->s, "\n");
		} else if (read_statement(r) < 0) {
			return -1;
		}
	}
}

int environment_parse(const char *path, const char *text, size_t length, const struct environment *outer, struct arena *a,
                      struct environment *out, struct err *e)
{
	struct environment made = {.use_process = !outer, .outer = outer};
	struct reader r = {.path = path, .s = text, .line = 1, .a = a, .out = &made, .e = e};
	if (strlen(text) != length)
		return fail(&r, 1, "holds a NUL character; it must be plain text");
	if (read_all(&r) < 0)
		return -1;
	*out = made;
	return 0;
}

int environment_read(const char *path, struct arena *a, struct environment *out, struct err *e)
{
	char *text;
	size_t length;
	if (fs_read(path, ENV_FILE_MAX_BYTES, a, &text, &length, e) < 0)
		return -1;
	return environment_parse(path, text, length, NULL, a, out, e);
}
