/* From settings to desired state: which commit, which file, which variables. */
#ifndef DESIRED_LOAD_H
#define DESIRED_LOAD_H

#include <stdbool.h>

#include "desired/git.h"
#include "desired/manifest.h"
#include "desired/settings.h"

enum load_mode {
	LOAD_SYNC, /* bring the mirror up to date first */
	LOAD_PEEK, /* the same answer, but nothing on disk changes */
};

struct loaded {
	struct desired desired;
	struct git_commit commit; /* id "" without Git */
	struct err git;           /* kind ERR_NONE, or why the remote could not be asked: desired is then the last fetched */
};

/*
 * Reads the desired state into *out. The manifest is settings->path: a file, or a folder with compose.yaml,
 * compose.yml, docker-compose.yaml or docker-compose.yml. ERR_INVALID with *problems filled when a manifest is wrong, or
 * with a message of its own when there is none: an empty or missing desired state is never taken for "remove all".
 */
MUST_CHECK int desired_load(const struct settings *s, enum load_mode mode, struct arena *a, struct loaded *out,
                            struct problems *problems, struct err *e);

/* Has the remote branch moved past `commit`? Asks the remote; false when it cannot be asked or there is no Git. */
bool desired_moved(const struct settings *s, const char *commit);

#endif
