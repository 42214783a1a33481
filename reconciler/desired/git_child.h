/* One errand to a remote, for child_run(): ask, compare with what a repository has, and fetch. Not for others. */
#ifndef DESIRED_GIT_CHILD_H
#define DESIRED_GIT_CHILD_H

#include <stdbool.h>

#include "base/err.h"
#include "desired/git.h"
#include "desired/git_names.h"

enum store_state {
	STORE_UNUSABLE, /* not there, or damaged: make it anew */
	STORE_LACKS,    /* sound as far as one sees, without that commit */
	STORE_WHOLE,
};

struct git_job {
	const struct git_settings *s;
	const struct git_names *names;
	const char *store;     /* the repository to look in, or to fetch into */
	const char *borrow;    /* a mirror whose objects a new store uses without copying; NULL */
	const char *was;       /* where the branch was at the last sync; "" when that is not known */
	bool may_write;        /* asking moves the ref when the commit is already there; fetching always moves it */
	bool is_new;           /* make the store first */
	bool fetch;
};

struct git_answer {
	bool is_good;
	bool is_store_to_blame; /* the fetch failed over what was there already: it may work from nothing */
	bool is_forced;         /* the commit does not contain the one in `was` */
	enum store_state state;
	char id[GIT_ID_SIZE];
	struct err why;
};

/* The work of a struct child: context is a struct git_job, answer a struct git_answer. */
void git_work(void *context, void *answer);

#endif
