/* What a URL, a branch and a path are called: in messages, in the mirror, in a tree. Text only, no libgit2. */
#ifndef DESIRED_GIT_NAMES_H
#define DESIRED_GIT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"
#include "desired/git.h"

struct git_names {
	char url[2048];    /* without user and password: for messages and for the key; the user of an ssh URL stays */
	char secret[512];  /* user and password as they stand in the URL, "" when there are none */
	char token[1024];  /* "", or what the token file holds; filled by git_names_token() */
	char host[256];    /* ssh only: of the server */
	int port;
	bool is_ssh;
	char key[17];      /* a hash of URL and branch or rev: another URL never finds the commits of the one before */
	char ref[1024];    /* "refs/reconcile/KEY/heads/BRANCH", ".../HEAD" or ".../rev"; not yet checked to be valid */
};

MUST_CHECK int git_names_of(const struct git_settings *s, struct git_names *n, struct err *e);

/* Reads the token file, if there is one and the URL is of a kind that it is for. */
MUST_CHECK int git_names_token(const struct git_settings *s, struct git_names *n, struct err *e);

/* A password or token never gets into a message, whatever a library quotes: stars in its place. */
void git_names_hide(const struct git_names *n, struct err *e);

/* "./deploy//compose.yaml" as a tree has it: "deploy/compose.yaml". ERR_INVALID for "..". */
MUST_CHECK int git_plain_path(const char *path, char *out, size_t size, struct err *e);

/* 4 to 40 hex digits: it may be a commit. */
bool git_is_hex(const char *text);

#endif
