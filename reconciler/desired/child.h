/*
 * Work in a short-lived child: for a library that may crash, or hang for ever on a silent server. Nothing of ours but
 * the pipe and stdin, stdout, stderr is open in the child, so it holds no lock, and it dies with its parent.
 */
#ifndef DESIRED_CHILD_H
#define DESIRED_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"

struct child {
	const char *name;                            /* for messages: "git" */
	void (*work)(void *context, void *answer);   /* runs in the child and fills the answer, which is zeroed before */
	void *context;
	size_t answer_size;                          /* the answer is plain bytes: no pointer survives the way back */
	int64_t timeout_ms;
};

/*
 * Runs it and copies the answer. ERR_TRANSIENT when the child died ("git: the child died of signal 11"), gave no whole
 * answer, or ran into its deadline (it is killed); ERR_STOPPED when a stop was asked for meanwhile.
 */
MUST_CHECK int child_run(const struct child *c, void *answer, struct err *e);

#endif
