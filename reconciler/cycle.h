/*
 * observe -> decide -> act, until the host matches. The only place where the three worlds' parts meet: desired/ gives
 * what Git says, docker/ nginx/ and host/ what is, decide/ what to do about it.
 */
#ifndef CYCLE_H
#define CYCLE_H

#include <stdbool.h>

#include "base/err.h"
#include "desired/settings.h"

struct cycle_options {
	bool detailed_exitcode; /* plan: 2 when changes are pending */
};

/* Each returns the exit code; what it has to say is on stdout, the log on stderr. */
int cycle_run(const struct settings *s, const struct cycle_options *o);
int cycle_plan(const struct settings *s, const struct cycle_options *o);
int cycle_status(const struct settings *s, const struct cycle_options *o);
int cycle_validate(const struct settings *s, const struct cycle_options *o);
/* Forgets quarantines (of `name`, PROJECT or PROJECT/SERVICE, or of all when NULL) and makes lost notes afresh. */
int cycle_retry(const struct settings *s, const char *name);

#endif
