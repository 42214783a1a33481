/*
 * Arena: everything that one pass derives (desired, world, actions, strings) lives in the pass's arena and dies with
 * it, so a pass cannot leak.
 *
 * No allocation of ours returns NULL. When memory is out the process says so and aborts: it is built to be killed at
 * any instant and to go on at the next run, and a half-answered "no memory" path would be the one that nobody ran.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/macros.h"

struct arena_block;
struct arena {
	struct arena_block *blocks; /* newest first */
	struct arena_block *spare;  /* what arena_clear() kept */
};

/* Zero-initialise (`struct arena a = {0}`), allocate, arena_done(). Memory is zeroed and aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_join(struct arena *a, const char *first, const char *second); /* "%s%s", for what is wanted often */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
void arena_done(struct arena *a);
/* Empty again, with its memory kept: for those who fill one again and again. */
void arena_clear(struct arena *a);

/*
 * Growable arrays inside an arena: `T *items; size_t count;` side by side in a struct, both zero at first.
 *   *ARENA_PUSH(a, list->items, list->count) = item;
 * The array moves when it grows: keep indexes, not pointers, while pushing. Push only onto arrays made by pushing.
 */
void *arena_grow(struct arena *a, void *items, size_t count, size_t size);
#define ARENA_PUSH(a, items, count) \
	(__extension__({ (items) = arena_grow((a), (items), (count), sizeof *(items)); (count)++; &(items)[(count) - 1]; }))

#endif
