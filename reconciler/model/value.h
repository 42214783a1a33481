/*
 * Values: what a manifest field holds once it is normalised, and what a live container is compared with. A small tree
 * without positions. Trees live in an arena and are never changed once they are built.
 */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum value_kind {
	VALUE_UNSET, /* the manifest says nothing: the zero value */
	VALUE_BOOL,
	VALUE_INT,
	VALUE_STRING,
	VALUE_LIST,
	VALUE_MAP, /* keys in byte order, so that two equal maps print alike */
};

struct value {
	enum value_kind kind;
	bool secret;          /* came from the host's environment: printed as "(secret)" */
	bool boolean;
	int64_t integer;      /* bytes, nanoseconds or a plain number: the field's row says which */
	const char *string;
	struct value *items;  /* list: items; map: values */
	const char **keys;    /* map only */
	size_t count;
};

bool value_equal(const struct value *a, const struct value *b);
/* Canonical JSON: no blanks. With `mask`, what is secret prints as "(secret)". */
void value_print(struct buf *out, const struct value *v, bool mask);

struct value value_string(const char *s); /* borrows s */
struct value value_int(int64_t n);
struct value value_bool(bool b);
void value_push(struct arena *a, struct value *list, struct value item);
/* Sets key in a map, keeping key order; replaces what was there. Borrows key. */
void value_set(struct arena *a, struct value *map, const char *key, struct value item);
/* NULL when the map has no such key. */
const struct value *value_get(const struct value *map, const char *key);

#endif
