/* Values: build, compare, print. */
#include "model/value.h"

#include <inttypes.h>
#include <string.h>

struct value value_string(const char *s)
{
	return (struct value){.kind = VALUE_STRING, .string = s};
}

struct value value_int(int64_t n)
{
	return (struct value){.kind = VALUE_INT, .integer = n};
}

struct value value_bool(bool b)
{
	return (struct value){.kind = VALUE_BOOL, .boolean = b};
}

void value_push(struct arena *a, struct value *list, struct value item)
{
	list->kind = VALUE_LIST;
	*ARENA_PUSH(a, list->items, list->count) = item;
}

void value_set(struct arena *a, struct value *map, const char *key, struct value item)
{
	size_t at = 0, keys_count = map->count;
	map->kind = VALUE_MAP;
	while (at < map->count && strcmp(map->keys[at], key) < 0)
		at++;
	if (at < map->count && strcmp(map->keys[at], key) == 0) {
		map->items[at] = item;
		return;
	}
	*ARENA_PUSH(a, map->keys, keys_count) = key;
	*ARENA_PUSH(a, map->items, map->count) = item;
	for (size_t i = map->count - 1; i > at; i--) {
		map->keys[i] = map->keys[i - 1];
		map->items[i] = map->items[i - 1];
	}
	map->keys[at] = key;
	map->items[at] = item;
}

const struct value *value_get(const struct value *map, const char *key)
{
	for (size_t i = 0; map && map->kind == VALUE_MAP && i < map->count; i++)
		if (strcmp(map->keys[i], key) == 0)
			return &map->items[i];
	return NULL;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_UNSET: return true;
	case VALUE_BOOL: return a->boolean == b->boolean;
	case VALUE_INT: return a->integer == b->integer;
	case VALUE_STRING: return strcmp(a->string, b->string) == 0;
	case VALUE_LIST: case VALUE_MAP: break;
	}
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if ((a->kind == VALUE_MAP && strcmp(a->keys[i], b->keys[i]) != 0) || !value_equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

static void print_string(struct buf *out, const char *s)
{
	buf_puts(out, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\u%04x", c);
		else
			buf_add(out, s, 1);
	}
	buf_puts(out, "\"");
}

void value_print(struct buf *out, const struct value *v, bool mask)
{
	if (mask && v->secret) {
		buf_puts(out, "(secret)");
		return;
	}
	switch (v->kind) {
	case VALUE_UNSET: buf_puts(out, "null"); return;
	case VALUE_BOOL: buf_puts(out, v->boolean ? "true" : "false"); return;
	case VALUE_INT: buf_printf(out, "%" PRId64, v->integer); return;
	case VALUE_STRING: print_string(out, v->string); return;
	case VALUE_LIST: case VALUE_MAP: break;
	}
	bool map = v->kind == VALUE_MAP;
	buf_puts(out, map ? "{" : "[");
	for (size_t i = 0; i < v->count; i++) {
		if (i)
			buf_puts(out, ",");
		if (map) {
			print_string(out, v->keys[i]);
			buf_puts(out, ":");
		}
		value_print(out, &v->items[i], mask);
	}
	buf_puts(out, map ? "}" : "]");
}
