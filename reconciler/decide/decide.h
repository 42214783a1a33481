/*
 * decide(desired, world) -> actions: the one idea. Pure: no I/O, no clock, no globals; the same input gives the same
 * answer. Level-triggered: it looks at what is, never at what it said before, so a crash, a reboot or a newer commit
 * needs no code of its own.
 *
 * The caller carries the actions out (they are independent of each other unless model/action.h says otherwise),
 * observes again and asks again, until there are no actions and nothing to wait for.
 */
#ifndef DECIDE_DECIDE_H
#define DECIDE_DECIDE_H

#include "base/arena.h"
#include "model/action.h"
#include "model/desired.h"
#include "model/world.h"

/* Where one service stands. */
enum phase {
	PHASE_SETTLED,     /* right spec, stable, probed, routed, drained */
	PHASE_KEEPING,     /* the same, and the old revision is kept warm for a while */
	PHASE_PROGRESSING, /* something is being done or waited for */
	PHASE_ROLLED_BACK, /* the revision Git asks for is quarantined; the last good one serves */
	PHASE_BLOCKED,     /* waits for something that this run cannot bring about: a dependency, nginx */
	PHASE_FAILED,      /* cannot be brought to what Git says, and there is nothing to go back to */
	PHASE_COUNT
};

struct status {
	const char *project, *service;
	enum phase phase;
	enum err_kind cause;      /* why it is blocked or failed; decides the exit code */
	const char *reason;       /* for people, NULL when settled */
	const char *revision;     /* that serves now, "" when none does */
};

struct decision {
	struct action *actions;
	size_t actions_count;
	struct status *services;  /* one for each service of desired, then those that are being removed */
	size_t services_count;
	/* The earliest moment, in world time, at which something may change by itself; 0: never. Only what a run waits for
	 * counts: the end of keep_old does not, it is in `keeping_until_ms`. */
	int64_t wait_until_ms;
	int64_t keeping_until_ms;
};

void decide(const struct desired *d, const struct world *w, struct arena *a, struct decision *out);

/* "settled", "rolled back": one word or two for each phase. */
const char *phase_name(enum phase phase);

#endif
