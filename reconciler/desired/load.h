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
	LOAD_CHECK, /* as PEEK, and this may not be the host: what only that has is not asked for */
};

struct loaded {
	struct desired desired;
	struct git_commit commit; /* id "" without Git */
	struct err git;           /* kind ERR_NONE, or why the remote could not be asked: desired is then the last fetched */
	struct err files;         /* kind ERR_NONE, or why a project's files could not be written: it is left out */
	size_t manifests;         /* how many there are */
	size_t left_out;          /* and how many of them are wrong: their projects are not in desired */
	bool is_partial;          /* there are targets, and something is left alone */
};

/*
 * Reads the desired state into *out. settings->path is a manifest; or a folder with compose.yaml, compose.yml,
 * docker-compose.yml or docker-compose.yaml; or a folder whose folders have one each, and every one is a project.
 *
 * What is wrong with any of them is added to *problems. A project whose manifest is wrong, or contradicts another one, is
 * left out and by that left alone: what runs of it stays. ERR_INVALID when that leaves none, or when there is no manifest:
 * an empty or missing desired state is never taken for "remove all". ERR_USAGE for a target that there is not.
 *
 * LOAD_SYNC also writes the files that projects mount from Git to STATE_DIR/projects/NAME.
 */
MUST_CHECK int desired_load(const struct settings *s, enum load_mode mode, struct arena *a, struct loaded *out,
                            struct problems *problems, struct err *e);

/* What desired_load() begins with: do the settings say where to look at all? ERR_USAGE. */
MUST_CHECK int desired_check(const struct settings *s, struct err *e);

/* Has the remote branch moved past `commit`, and where to? Asks the remote; false when it cannot be asked, when there is no
 * Git, or when a revision is pinned. */
bool desired_moved(const struct settings *s, const char *commit, char newer[GIT_ID_SIZE]);

#endif
