/* A command in one string to its words, as Compose splits it: blanks, quotes, backslashes. No shell runs it. */
#ifndef DESIRED_SHELLWORDS_H
#define DESIRED_SHELLWORDS_H

#include "base/arena.h"
#include "base/err.h"
#include "model/value.h"

/*
 * Appends the words to *list. *dropped is set to the first unquoted ; & | < or > (NULL: none): Compose silently drops
 * everything from there on, and so do we; the caller warns. ERR_INVALID, without a place: an open quote, a '('.
 */
MUST_CHECK int shellwords(const char *text, struct arena *a, struct value *list, const char **dropped, struct err *e);

#endif
