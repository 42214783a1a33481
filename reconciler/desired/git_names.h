/* What a URL, a branch and a path are called: in messages, in the mirror, in a tree. Text only, no libgit2. */
#ifndef DESIRED_GIT_NAMES_H
#define DESIRED_GIT_NAMES_H

#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"
#include "desired/git.h"

struct git_names {
	char url[2048];   /* without user and password: for messages and for the key */
	char secret[512]; /* user and password as they stand in the URL, "" when there are none */
	char key[17];     /* a hash of URL and branch: another URL never finds the commits of the one before */
	char ref[1024];   /* "refs/reconcile/KEY/heads/BRANCH", or ".../HEAD"; not yet checked to be valid */
};

MUST_CHECK int git_names_of(const struct git_settings *s, struct git_names *n, struct err *e);

/* A password never gets into a message, whatever a library quotes: stars in its place. */
void git_names_hide(const struct git_names *n, struct err *e);

/* "./deploy//compose.yaml" as a tree has it: "deploy/compose.yaml". ERR_INVALID for "..". */
MUST_CHECK int git_plain_path(const char *path, char *out, size_t size, struct err *e);

#endif
