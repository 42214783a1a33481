/*
 * Git: a bare mirror of one remote branch, and the files of one commit in it. Nobody else knows libgit2.
 */
#ifndef DESIRED_GIT_H
#define DESIRED_GIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct git_settings {
	const char *url;     /* file://, http://, https:// */
	const char *branch;  /* NULL: the remote's HEAD */
	const char *mirror;  /* folder of the bare mirror, ours */
	int64_t ask_ms;      /* how long the remote may take to say where the branch is; 0: 60 s */
	int64_t fetch_ms;    /* how long a fetch may take; 0: 300 s */
};

struct git_commit {
	char id[41];
	const char *subject;   /* first line of the message, in the arena */
	int64_t time_ms;       /* committer time, ms since 1970 */
	int64_t fetched_ms;    /* when the mirror last heard from the remote, ms since 1970 */
	const char *mirror;    /* the repository to read it from: the mirror, or git_peek()'s temporary one */
};

/*
 * Asks the remote where the branch is; fetches only when the mirror does not have that commit; then moves the mirror's
 * ref. A broken mirror is made anew. When the remote is away: ERR_TRANSIENT, and git_last() still answers. A branch
 * that does not exist: ERR_NOT_FOUND, naming those that do.
 */
MUST_CHECK int git_sync(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e);
/* What the mirror had at the last sync, without any network. ERR_NOT_FOUND when there was none. */
MUST_CHECK int git_last(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e);
/* The same answer as git_sync without touching the mirror: what must be fetched goes into a private temporary folder
 * (below $TMPDIR or /tmp), which git_peek_done() removes. */
MUST_CHECK int git_peek(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e);
void git_peek_done(const struct git_settings *s, struct git_commit *c);

/* The bytes of a regular file of the commit, in the arena, NUL-terminated. ERR_NOT_FOUND when it is not there. */
MUST_CHECK int git_read(const struct git_commit *c, const char *path, struct arena *a, char **text, size_t *length,
                        struct err *e);

#endif
