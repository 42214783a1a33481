/* ${VAR}: see the header. The one thing to know: a value that came in is never read again, so a $ in it stays. */
#include "desired/interpolate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NESTING 32

const char *environment_get(const struct environment *env, const char *name)
{
	const char *value = env->outer ? environment_get(env->outer, name) : NULL;
	if (!value && env->use_process)
		value = getenv(name);
	for (size_t i = env->count; !value && i-- > 0;)
		if (strcmp(env->names[i], name) == 0)
			value = env->values[i];
	return value;
}

struct run {
	const struct environment *env;
	struct arena *a;
	struct interpolated *out;
	struct err *e;
	int nesting;
};

static int bad_format(struct run *r, const char *at)
{
	int length = (int)strcspn(at, "\n");
	if (length > 60)
		length = 60;
	return err_set(r->e, ERR_INVALID,
	               "invalid interpolation format '%.*s'; write ${NAME}, ${NAME:-default} or ${NAME:?message}, and $$ for a $",
	               length, at);
}

static size_t name_length(const char *s)
{
	size_t n = 0;
	if (!isalpha((unsigned char)*s) && *s != '_')
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* From behind "${" to the '}' that closes it; braces inside are counted. NULL: none, or a line ends before it. */
static const char *closing_brace(const char *s)
{
	for (int depth = 0; *s && *s != '\n'; s++) {
		if (*s == '{')
			depth++;
		else if (*s == '}' && depth-- == 0)
			return s;
	}
	return NULL;
}

static int expand(struct run *r, const char *text, size_t length, struct buf *to);

static void add_value(struct run *r, const char *value, struct buf *to)
{
	buf_puts(to, value);
	r->out->secret = true;
}

static int no_value(struct run *r, const char *name, const char *text, size_t length)
{
	CLEANUP(buf_done) struct buf message = BUF_INIT(512);
	bool secret = r->out->secret;
	r->out->secret = false;
	if (expand(r, text, length, &message) < 0)
		return -1;
	bool is_shown = message.length > 0 && !r->out->secret;
	r->out->secret = secret;
	return err_set(r->e, ERR_INVALID, "the variable %s has no value: %s", name,
	               is_shown ? message.text : "set it in the host's env file");
}

/* ${NAME op text}: `op` points behind the name, `end` at the closing brace. */
static int expand_braced(struct run *r, const char *name, const char *op, const char *end, struct buf *to)
{
	const char *value = environment_get(r->env, name);
	bool is_set = value != NULL;
	if (op == end) {
		if (is_set)
			add_value(r, value, to);
		else
			*ARENA_PUSH(r->a, r->out->unset, r->out->unset_count) = name;
		return 0;
	}
	if (*op == ':') {
		is_set = is_set && *value;
		op++;
	}
	size_t length = (size_t)(end - op) - 1;
	switch (*op) {
	case '-':
		if (!is_set)
			return expand(r, op + 1, length, to);
		add_value(r, value, to);
		return 0;
	case '+':
		return is_set ? expand(r, op + 1, length, to) : 0;
	default:
		if (!is_set)
			return no_value(r, name, op + 1, length);
		add_value(r, value, to);
		return 0;
	}
}

/* *s points at a '$'; moves it behind what was read. */
static int expand_one(struct run *r, const char **s, struct buf *to)
{
	const char *at = *s, *end = NULL;
	size_t n;
	if (at[1] == '$') {
		buf_puts(to, "$");
		*s = at + 2;
		return 0;
	}
	if (at[1] != '{') {
		n = name_length(at + 1);
		*s = at + 1 + n;
		if (n)
			return expand_braced(r, arena_strndup(r->a, at + 1, n), *s, *s, to);
		buf_puts(to, "$");
		return 0;
	}
	n = name_length(at + 2);
	const char *op = at + 2 + n;
	if (n)
		end = closing_brace(op);
	bool is_good = end && (op == end || (*op && strchr("-?+", *op)) || (*op == ':' && op[1] && strchr("-?+", op[1])));
	if (!is_good)
		return bad_format(r, at);
	*s = end + 1;
	return expand_braced(r, arena_strndup(r->a, at + 2, n), op, end, to);
}

static int expand(struct run *r, const char *text, size_t length, struct buf *to)
{
	if (r->nesting >= MAX_NESTING)
		return err_set(r->e, ERR_INVALID, "${...} nested deeper than %d levels", MAX_NESTING);
	const char *s = arena_strndup(r->a, text, length);
	int result = 0;
	r->nesting++;
	while (result == 0 && *s) {
		size_t plain = strcspn(s, "$");
		buf_add(to, s, plain);
		s += plain;
		if (*s == '$')
			result = expand_one(r, &s, to);
	}
	r->nesting--;
	return result;
}

static bool has_meaning(const char *text)
{
	for (const char *s = strchr(text, '$'); s; s = strchr(s + 1, '$'))
		if (s[1] == '$' || s[1] == '{' || name_length(s + 1))
			return true;
	return false;
}

int interpolate(const char *text, const struct environment *env, struct arena *a, struct interpolated *out, struct err *e)
{
	*out = (struct interpolated){.text = text};
	if (!has_meaning(text))
		return 0;
	CLEANUP(buf_done) struct buf to = BUF_INIT(INTERPOLATE_MAX_BYTES);
	struct run r = {.env = env, .a = a, .out = out, .e = e};
	if (expand(&r, text, strlen(text), &to) < 0)
		return -1;
	if (to.overflowed)
		return err_set(e, ERR_INVALID, "becomes longer than 128 KiB with the variables' values in it");
	out->text = arena_strdup(a, to.text);
	out->is_changed = true;
	return 0;
}
