/* Errors as values. The one thing to know: a message is cut, never overrun, and a wrap keeps the kind. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct err_info infos[ERR_KIND_COUNT] = {
	[ERR_NONE]        = {"none", 0, false},
	[ERR_INVALID]     = {"invalid", 65, false},
	[ERR_USAGE]       = {"usage", 64, false},
	[ERR_NOT_FOUND]   = {"not found", 1, false},
	[ERR_CONFLICT]    = {"conflict", 1, true},
	[ERR_DENIED]      = {"denied", 1, false},
	[ERR_TRANSIENT]   = {"transient", 75, true},
	[ERR_UNREACHABLE] = {"unreachable", 69, true},
	[ERR_BUSY]        = {"busy", 75, true},
	[ERR_SETUP]       = {"setup", 1, false},
	[ERR_STOPPED]     = {"stopped", 75, true},
	[ERR_INTERNAL]    = {"internal", 1, false},
};

const struct err_info *err_info(enum err_kind kind)
{
	if (kind < 0 || kind >= ERR_KIND_COUNT)
		kind = ERR_INTERNAL;
	return &infos[kind];
}

PRINTF_LIKE(2, 0) static void fill(struct err *e, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->message, sizeof e->message, fmt, ap);
	if (n >= (int)sizeof e->message)
		memcpy(e->message + sizeof e->message - 4, "...", 4);
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	e->kind = kind;
	e->number = 0;
	fill(e, fmt, ap);
	va_end(ap);
	return -1;
}

static enum err_kind kind_of_errno(int number)
{
	switch (number) {
	case ENOENT: case ENOTDIR: return ERR_NOT_FOUND;
	case EACCES: case EPERM: case EROFS: return ERR_DENIED;
	case EEXIST: case EBUSY: case ENOTEMPTY: return ERR_CONFLICT;
	case ENOSPC: case EDQUOT: case EAGAIN: case EINTR: case ETIMEDOUT: case EMFILE: case ENFILE: return ERR_TRANSIENT;
	case ECONNREFUSED: case ECONNRESET: case EPIPE: return ERR_UNREACHABLE;
	default: return ERR_INTERNAL;
	}
}

int err_errno(struct err *e, int number, const char *fmt, ...)
{
	char said[900];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(said, sizeof said, fmt, ap);
	va_end(ap);
	err_set(e, kind_of_errno(number), "%s: %s", said, strerror(number));
	e->number = number;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char context[sizeof e->message], inner[sizeof e->message];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(context, sizeof context, fmt, ap);
	va_end(ap);
	snprintf(inner, sizeof inner, "%s", e->message);
	int number = e->number;
	err_set(e, e->kind, "%s: %s", context, inner);
	e->number = number;
	return -1;
}
