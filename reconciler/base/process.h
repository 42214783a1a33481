/* Running another program: no shell, a deadline, its output in a buffer. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct process {
	const char *const *argv;            /* NULL-terminated; argv[0] is looked up in PATH */
	const char *input;                  /* for its stdin, at most 4096 bytes; NULL: /dev/null */
	int64_t timeout_ms;                 /* killed with SIGKILL after that */
	int (*in_child)(void *context);     /* runs in the child before exec; non-zero: exits 126. May be NULL */
	void *context;
};

/*
 * Runs it to its end. stdout and stderr both go into *output (borrowed, has its own maximum). *status gets the exit
 * code, or 128 + signal. Returns -1 when it could not be started, or ran into its deadline (ERR_TRANSIENT).
 */
MUST_CHECK int process_run(const struct process *p, struct buf *output, int *status, struct err *e);

#endif
