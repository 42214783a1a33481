/*
 * A growing string with a maximum from birth. Always NUL-terminated: `text` may be used as a C string at any time
 * (it is "" before the first byte). Past `max` bytes nothing more is added and `overflowed` is set: check it once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct buf {
	char *text;
	size_t length;
	size_t size; /* bytes allocated, 0: text is a constant "" */
	size_t max;
	bool overflowed;
};

extern char buf_empty[1]; /* what text points to before the first byte; never written */
#define BUF_INIT(max_bytes) ((struct buf){.text = buf_empty, .max = (max_bytes)})

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_clear(struct buf *b); /* empty again, memory kept */
void buf_done(struct buf *b);

/* "512M", "1.5G", "1100M", in the units of a manifest; what is no round number is cut to a tenth. Returns out. */
#define SIZE_TEXT 32
const char *size_text(int64_t bytes, char out[SIZE_TEXT]);

#endif
