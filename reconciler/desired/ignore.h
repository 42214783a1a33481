/* .dockerignore: what of a build's context is not sent. */
#ifndef DESIRED_IGNORE_H
#define DESIRED_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct ignore {
	struct ignore_rule *rules;
	size_t count;
};

/* NULL text: nothing is ignored. */
void ignore_read(const char *text, struct arena *a, struct ignore *out);
/* A path below the context, without a slash in front. What is below an ignored folder is ignored, too. */
bool ignore_has(const struct ignore *ignore, const char *path);

#endif
