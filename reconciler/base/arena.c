/* Arena: blocks of memory that are freed together. A large request gets a block of its own. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (32 * 1024)
#define ALIGNMENT 16

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(ALIGNMENT) unsigned char data[];
};

static void *out_of_memory(size_t size)
{
	fprintf(stderr, "reconcile: out of memory (%zu bytes asked for); run again to go on\n", size);
	abort();
}

/* Only the first is looked at: they are nearly all of one size. */
static struct arena_block *take_spare(struct arena *a, size_t size)
{
	struct arena_block *b = a->spare;
	if (!b || b->size < size)
		return NULL;
	a->spare = b->next;
	return b;
}

/* As it is: nothing is zeroed. */
static void *take(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		return out_of_memory(size);
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!a->blocks || a->blocks->size - a->blocks->used < size) {
		struct arena_block *b = take_spare(a, size);
		if (!b) {
			size_t want = size > BLOCK_SIZE ? size : BLOCK_SIZE;
			if (!(b = malloc(sizeof *b + want)))
				return out_of_memory(want);
			b->size = want;
			b->used = 0;
		}
		b->next = a->blocks;
		a->blocks = b;
	}
	void *p = a->blocks->data + a->blocks->used;
	a->blocks->used += size;
	return p;
}

/* Zeroed here and not block by block: it is about to be used, and zeroing has brought it into the processor's cache. */
void *arena_alloc(struct arena *a, size_t size)
{
	return memset(take(a, size), 0, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = take(a, n + 1);
	memcpy(copy, s, n);
	copy[n] = 0;
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_join(struct arena *a, const char *first, const char *second)
{
	size_t n = strlen(first), m = strlen(second);
	char *s = take(a, n + m + 1);
	memcpy(s, first, n);
	memcpy(s + n, second, m + 1);
	return s;
}

/* Formatted where it will stand, when there is room; only a text that does not fit is formatted twice. */
char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *room = a->blocks ? (char *)a->blocks->data + a->blocks->used : NULL;
	size_t left = a->blocks ? a->blocks->size - a->blocks->used : 0;
	va_start(ap, fmt);
	va_copy(again, ap);
	size_t length = (size_t)vsnprintf(room, left, fmt, ap);
	va_end(ap);
	char *s = take(a, length + 1);
	if (s != room)
		vsnprintf(s, length + 1, fmt, again);
	va_end(again);
	return s;
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t size)
{
	/* Full at 0, 8, 16, 32, ...: the capacity is implied by the count, so no third field is needed. */
	if (count != 0 && (count < 8 || (count & (count - 1)) != 0))
		return items;
	size_t capacity = count ? count * 2 : 8;
	void *grown = arena_alloc(a, capacity * size);
	if (count)
		memcpy(grown, items, count * size);
	return grown;
}

static void free_blocks(struct arena_block **blocks)
{
	while (*blocks) {
		struct arena_block *next = (*blocks)->next;
		free(*blocks);
		*blocks = next;
	}
}

void arena_done(struct arena *a)
{
	if (!a)
		return;
	free_blocks(&a->blocks);
	free_blocks(&a->spare);
}

void arena_clear(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;
		a->blocks = b->next;
		b->used = 0;
		b->next = a->spare;
		a->spare = b;
	}
}
