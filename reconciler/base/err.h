/*
 * Errors: a value on the caller's stack that owns nothing.
 *
 * A function that can fail returns 0 or -1 and takes a `struct err *` last. It fills it when it returns -1, and leaves
 * it alone when it returns 0. On the way up err_wrap() puts context in front. What a foreign library says (errno, an
 * HTTP status, a git2 class, a YAML mark) is translated where it comes in, so that nobody above knows the library.
 *
 * The kind says what a caller may do about it: see err_info().
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/macros.h"

enum err_kind {
	ERR_NONE,
	ERR_INVALID,     /* what the user wrote is wrong: a manifest, a setting */
	ERR_USAGE,       /* the command line is wrong */
	ERR_NOT_FOUND,   /* what was asked for is not there: 404, ENOENT */
	ERR_CONFLICT,    /* it is there, in another state than thought: 409; observe again */
	ERR_DENIED,      /* 401, 403, EACCES, EPERM */
	ERR_TRANSIENT,   /* may go away by itself: 5xx, 429, time-outs, Git or a registry away */
	ERR_UNREACHABLE, /* Docker or nginx does not answer at all */
	ERR_BUSY,        /* somebody else holds the lock */
	ERR_SETUP,       /* something on this host must be mended by a person: tried again by the next run, not by this one */
	ERR_STOPPED,     /* we were asked to stop (SIGTERM, SIGINT) */
	ERR_INTERNAL,    /* a bug, or an answer that makes no sense */
	ERR_KIND_COUNT
};

struct err {
	enum err_kind kind;
	int number;         /* errno or HTTP status it came from, 0 when there is none */
	char message[1024]; /* one line, no trailing newline; cut with "..." when longer */
};

/* One row for each kind. */
struct err_info {
	const char *name; /* "not found" */
	int exit_code;    /* of the whole run when this is what ended it */
	bool may_retry;   /* the same call may succeed later without anybody changing anything */
};
const struct err_info *err_info(enum err_kind kind);

/* Fills *e; returns -1, so that `return err_set(e, ...)` reads well. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same from an errno value: picks the kind by it and appends ": strerror". */
int err_errno(struct err *e, int number, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Puts "context: " in front of what *e says; keeps kind and number. Returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
