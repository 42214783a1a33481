/*
 * observe -> decide -> act, until the host matches. The only place where the three worlds' parts meet: desired/ gives
 * what Git says, docker/ nginx/ and host/ what is, decide/ what to do about it.
 */
#ifndef CYCLE_H
#define CYCLE_H

#include <stdbool.h>

#include "base/err.h"
#include "desired/settings.h"
#include "follow.h"
#include "model/world.h"

struct cycle_options {
	bool detailed_exitcode; /* plan: 2 when changes are pending */
	const char *what_if;    /* plan: see whatif.h; NULL: nothing goes wrong */
	bool is_json;           /* machines read stdout: report/json.h */
	bool is_round;          /* run: one of many (watch.h): what did not change since the last is not said again */
};

/* Each returns the exit code; what it has to say is on stdout, the log on stderr. */
int cycle_run(const struct settings *s, const struct cycle_options *o);
int cycle_plan(const struct settings *s, const struct cycle_options *o);
int cycle_status(const struct settings *s, const struct cycle_options *o);
int cycle_validate(const struct settings *s, const struct cycle_options *o);
/* The parts of cycle_run(), for watch.h: once in front of all passes; one pass, where -1 and *e say what ended it; and the
 * last word on that, with its exit code. */
void cycle_begin(const struct cycle_options *o);
MUST_CHECK int cycle_pass(const struct settings *s, const struct cycle_options *o, struct err *e);
int cycle_end(const struct cycle_options *o, const struct err *e);
/* What Git says and the host is, without the lock and without a change: for operate.h. All is in want->arena, which the
 * caller ends, also after a failure. */
MUST_CHECK int cycle_glimpse(const struct settings *s, struct want *want, struct world *w, struct err *e);

#endif
