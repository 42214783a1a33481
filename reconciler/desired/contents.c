/* What a service takes from the project's own directory: files by their content, so that a change replaces instances. */
#include "desired/contents.h"

#include <string.h>

#include "base/fs.h"

#define HASH_SHOWN 16

const char *parse_below(const struct parse *p, const char *whole)
{
	size_t length = p->directory ? strlen(p->directory) : 0;
	if (!length || strncmp(whole, p->directory, length) != 0 || (whole[length] && whole[length] != '/'))
		return NULL;
	return whole + length + (whole[length] == '/');
}

int parse_file(struct parse *p, const char *whole, size_t max_bytes, char **text, size_t *length, struct err *e)
{
	const char *below = parse_below(p, whole);
	if (p->files && below && *below) {
		int result = p->files->read(p->files->context, below, p->a, text, length, e);
		if (result == 0 || e->kind != ERR_NOT_FOUND)
			return result;
	}
	return fs_read(whole, max_bytes, p->a, text, length, e);
}

/* The source of one volume: "source:target..." or a map in the engine's words. NULL: no path of the host. */
static const char *source_of(struct parse *p, const struct value *v)
{
	const char *source = NULL;
	if (v->kind == VALUE_STRING)
		source = arena_strndup(p->a, v->string, strcspn(v->string, ":"));
	for (size_t i = 0; v->kind == VALUE_MAP && i < v->count; i++)
		if (strcasecmp(v->keys[i], "source") == 0 && v->items[i].kind == VALUE_STRING)
			source = v->items[i].string;
	return source && *source == '/' ? source : NULL;
}

void contents_settle(struct parse *p, const struct value *volumes, struct value *out)
{
	for (size_t i = 0; i < volumes->count; i++) {
		const char *source = source_of(p, &volumes->items[i]), *below = source ? parse_below(p, source) : NULL;
		p->has_binds = p->has_binds || below;
		if (!source || !p->files)
			continue;
		const char *hash = below && *below ? p->files->hash(p->files->context, below) : "";
		if (!*hash)
			continue;
		struct value v = value_string(arena_strndup(p->a, hash, HASH_SHOWN));
		v.secret = volumes->items[i].secret;
		value_set(p->a, out, v.secret ? arena_printf(p->a, "%zu", i) : below, v);
	}
}
