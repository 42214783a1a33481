/* Texts compared. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

/* strcmp() == 0, for look-ups in lists: of two texts most are one and the same, or differ in the first byte already. */
static inline bool text_equal(const char *a, const char *b)
{
	return a == b || (*a == *b && strcmp(a, b) == 0);
}

#endif
