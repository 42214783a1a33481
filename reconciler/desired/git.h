/*
 * Git: a bare mirror of one remote branch, and the files of one commit in it. Only git*.c know libgit2.
 */
#ifndef DESIRED_GIT_H
#define DESIRED_GIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define GIT_ID_SIZE 41 /* 40 hex digits and the NUL */

struct git_settings {
	const char *url;         /* file://, http://, https://, ssh://, or user@host:path */
	const char *branch;      /* a branch, or else a tag; NULL: the remote's HEAD */
	const char *rev;         /* instead of it: a branch, a tag, or a commit, also its first digits; NULL: none */
	const char *mirror;      /* folder of the bare mirror, ours */
	const char *user;        /* with a token, or for an ssh URL without a user; NULL: "git" */
	const char *token_file;  /* http(s): holds the token; NULL: none */
	const char *ca_file;     /* https: certificates to trust in place of the system's; NULL: the system's */
	const char *key_file;    /* ssh: a private key without a passphrase */
	const char *known_hosts; /* ssh: keys of servers to trust */
	bool refuses_force_push; /* the branch may only move on to what contains the commit where it was */
	int64_t ask_ms;          /* how long the remote may take to say where the branch is; 0: 60 s */
	int64_t fetch_ms;        /* how long a fetch may take; 0: 300 s */
};

struct git_commit {
	char id[GIT_ID_SIZE];
	const char *subject;   /* first line of the message, in the arena */
	int64_t time_ms;       /* committer time, ms since 1970 */
	int64_t fetched_ms;    /* when the mirror last heard from the remote, ms since 1970 */
	const char *mirror;    /* the repository to read it from: the mirror, or git_peek()'s temporary one */
	char forced[GIT_ID_SIZE]; /* where the branch was, when this commit does not contain that; else "" */
};

/*
 * Asks the remote where the branch is; fetches only when the mirror does not have that commit; then moves the mirror's
 * ref. A broken mirror is made anew. git_last() still answers when this fails. ERR_TRANSIENT: the remote is away.
 * ERR_NOT_FOUND: no such branch, and which there are. ERR_DENIED: it does not let us in, or is not whom we trust.
 * ERR_CONFLICT: force-pushed, and that is refused.
 */
MUST_CHECK int git_sync(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e);
/* What the mirror had at the last sync, without any network. ERR_NOT_FOUND when there was none. */
MUST_CHECK int git_last(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e);
/* The same answer as git_sync without touching the mirror: what must be fetched goes into a private temporary folder
 * (below $TMPDIR or /tmp), which git_peek_done() removes. */
MUST_CHECK int git_peek(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e);
void git_peek_done(const struct git_settings *s, struct git_commit *c);
/* Only where it is now: nothing is fetched, nothing is moved. */
MUST_CHECK int git_ask(const struct git_settings *s, char id[GIT_ID_SIZE], struct err *e);

/* The bytes of a regular file of the commit, in the arena, NUL-terminated. ERR_NOT_FOUND when it is not there,
 * ERR_INVALID when it is a link. */
MUST_CHECK int git_read(const struct git_commit *c, const char *path, struct arena *a, char **text, size_t *length,
                        struct err *e);

enum git_kind { GIT_KIND_FILE, GIT_KIND_PROGRAM, GIT_KIND_LINK, GIT_KIND_FOLDER, GIT_KIND_MODULE };

struct git_entry {
	const char *path; /* below the folder that was asked for: "conf/nginx.conf" */
	enum git_kind kind;
	char id[GIT_ID_SIZE]; /* of the content: equal bytes have equal ids */
};

/*
 * What is in a folder of the commit, in the arena: folders before what is in them; one level, or all of them. Names that
 * no file may have ("..", a slash) are ERR_INVALID, and so are more than 20000. ERR_NOT_FOUND: there is no such folder.
 */
MUST_CHECK int git_list(const struct git_commit *c, const char *folder, bool is_deep, struct arena *a,
                        struct git_entry **out, size_t *count, struct err *e);
/* The id that a file with these bytes would have. */
MUST_CHECK int git_id_of(const void *bytes, size_t length, char id[GIT_ID_SIZE], struct err *e);
/* The bytes of an entry, of any size. */
MUST_CHECK int git_content(const struct git_commit *c, const struct git_entry *entry, struct arena *a, char **bytes,
                           size_t *length, struct err *e);

#endif
