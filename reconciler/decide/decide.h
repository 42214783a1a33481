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
#include "model/decision.h"

void decide(const struct desired *d, const struct world *w, struct arena *a, struct decision *out);

#endif
