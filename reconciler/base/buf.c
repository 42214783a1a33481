/* A growing string that has a maximum. Running out of memory ends the process, as in arena.c. */
#include "base/buf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char buf_empty[1];

static bool reserve(struct buf *b, size_t more)
{
	if (b->overflowed || more > b->max || b->length > b->max - more) {
		b->overflowed = true;
		return false;
	}
	size_t need = b->length + more + 1;
	if (need <= b->size)
		return true;
	size_t size = b->size ? b->size : 256;
	while (size < need)
		size *= 2;
	char *grown = realloc(b->size ? b->text : NULL, size);
	if (!grown)
		abort();
	if (!b->size)
		grown[0] = 0;
	b->text = grown;
	b->size = size;
	return true;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0 || !reserve(b, n))
		return;
	memcpy(b->text + b->length, bytes, n);
	b->length += n;
	b->text[b->length] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0 && reserve(b, (size_t)n)) {
		vsnprintf(b->text + b->length, (size_t)n + 1, fmt, again);
		b->length += (size_t)n;
	}
	va_end(again);
}

void buf_clear(struct buf *b)
{
	b->length = 0;
	b->overflowed = false;
	if (b->size)
		b->text[0] = 0;
}

void buf_done(struct buf *b)
{
	if (!b)
		return;
	if (b->size)
		free(b->text);
	b->text = buf_empty;
	b->size = b->length = 0;
}

const char *size_text(int64_t bytes, char out[SIZE_TEXT])
{
	static const char units[] = "BKMGTP";
	int64_t unit = 1;
	int at = 0;
	for (; at < 5 && bytes / unit >= 1024; at++)
		unit *= 1024;
	/* 1100M is not 1.0G: whoever wrote it wants to see it again. Four digits are enough for that. */
	if (at > 0 && bytes % unit * 10 % unit && bytes % (unit / 1024) == 0 && bytes / (unit / 1024) < 10000) {
		unit /= 1024;
		at--;
	}
	int tenths = (int)((bytes % unit) * 10 / unit);
	int length = snprintf(out, SIZE_TEXT, "%" PRId64, bytes / unit);
	if (tenths)
		length += snprintf(out + length, 3, ".%d", tenths % 10);
	out[length] = units[at];
	out[length + 1] = 0;
	return out;
}
