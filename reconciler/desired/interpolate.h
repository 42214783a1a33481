/*
 * ${VAR} in one scalar: Compose's grammar. $NAME, ${NAME}, ${NAME:-text}, ${NAME-text}, ${NAME:?text}, ${NAME?text},
 * ${NAME:+text}, ${NAME+text}; the text may hold more of the same; $$ is a literal $; anything else after a $ is left
 * as it is.
 */
#ifndef DESIRED_INTERPOLATE_H
#define DESIRED_INTERPOLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "desired/manifest.h"

#define INTERPOLATE_MAX_BYTES (128 * 1024) /* of one result: the kernel takes no longer argument or variable */

struct interpolated {
	const char *text;
	bool is_changed;     /* there was a $ that meant something: the result is text, whatever it looks like */
	bool secret;         /* a variable's value is in it; a default that stands in the file is none */
	const char **unset;  /* variables that had no value and no default */
	size_t unset_count;
};

/* ERR_INVALID, without a place, when the grammar is broken or a required variable has no value. */
MUST_CHECK int interpolate(const char *text, const struct environment *env, struct arena *a, struct interpolated *out,
                           struct err *e);

/* NULL when there is none. The process comes first if it may be used at all. */
const char *environment_get(const struct environment *env, const char *name);

#endif
