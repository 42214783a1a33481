/* Talking to a remote: who we are, whom we trust, what it says. In the child only. Not for others. */
#ifndef DESIRED_GIT_REMOTE_H
#define DESIRED_GIT_REMOTE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/macros.h"
#include "desired/git.h"
#include "desired/git_names.h"

struct git_remote;
struct git_repository;

struct git_talk {
	const struct git_settings *s;
	const struct git_names *names;
	struct git_remote *remote;
	struct err refused; /* what one of our callbacks had to say: better than what the library makes of it */
	int offers;         /* how often we gave credentials: the second time they were wrong */
};

struct git_found {
	char id[GIT_ID_SIZE]; /* "" when it is a commit of which the remote cannot say whether it has it */
	char name[1024];      /* what the remote calls it */
};

/* Opens `t->remote`, which git_talk_done() frees: in the repository, or without one when it is NULL. */
MUST_CHECK int git_talk_begin(struct git_talk *t, struct git_repository *repo, struct err *e);
/* Where the branch, tag or commit is now. */
MUST_CHECK int git_talk_find(struct git_talk *t, struct git_found *out, struct err *e);
/* Downloads what `found` needs into the repository of the remote; a commit: all branches and tags. */
MUST_CHECK int git_talk_download(struct git_talk *t, const struct git_found *found, struct err *e);
/* ERR_NOT_FOUND: the remote has no such branch, tag or commit, and what it has. */
int git_talk_not_there(struct git_talk *t, struct err *e);
void git_talk_done(struct git_talk *t);

#endif
