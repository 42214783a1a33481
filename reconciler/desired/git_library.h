/* What the files that use libgit2 share. Not for others. */
#ifndef DESIRED_GIT_LIBRARY_H
#define DESIRED_GIT_LIBRARY_H

#include "base/err.h"
#include "base/macros.h"

struct git_repository;

/* Defines the end of a libgit2 object's life, for CLEANUP. */
#define GIT_DONE(fn, type, free_fn) \
	static void fn(type **p) \
	{ \
		free_fn(*p); \
	}

/* Once for each process, before anything else. */
MUST_CHECK int git_library(struct err *e);
/* What libgit2 said last; it may have said nothing. */
const char *git_said(void);
int git_open_bare(struct git_repository **repo, const char *path);

#endif
