/* The gate: may this instance have traffic? */
#ifndef DECIDE_GATE_H
#define DECIDE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/desired.h"
#include "model/world.h"

enum readiness {
	READY,
	COMING, /* not yet; may become so by itself, or when it is started */
	FAILED, /* a verdict: it had its chance */
};

struct judgement {
	enum readiness readiness;
	const char *why;   /* for people; NULL when ready */
	int64_t until_ms;  /* COMING: when to look again at the latest; 0: it does not move by itself */
};

/* How far a revision is trusted. */
enum trust {
	TRUST_TRIAL,  /* being brought in beside one that works: any exit or restart is a verdict */
	TRUST_FIRST,  /* the first there is: nothing to go back to, so an exit is a reason to start it again */
	TRUST_PROVEN, /* passed its gates before: it only has to pass now, not for ready.for */
};

struct judgement gate_judge(const struct instance *i, const struct service *s, enum trust trust,
                            const struct world *world, struct arena *a);

/*
 * Is its smoke test to be asked now? It is ready but for that, and of a revision that is not good and was not a little while
 * ago. Whether nginx leads to it is for the caller to see: what has requests is not asked.
 */
bool gate_asks_smoke(const struct instance *i, const struct service *s, const struct world *world, struct arena *a);

/*
 * An instance that is not running: did it end by itself in this run, or was it we (or an earlier run) that left it so?
 * We turn the restart policy off before we stop something; when the spec has none to turn off only the time can tell.
 * What ended together with the engine did not end by itself.
 */
bool gate_had_its_chance(const struct instance *i, const struct service *s, const struct world *world);

#endif
