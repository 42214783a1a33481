/*
 * Strategies are data: a function from options to a list of steps. One executor walks the list (rollout.c); nothing
 * else knows which strategy it is.
 *
 * In every list `next` and `weight` never fall, `stable` and `listed` never rise, so where a rollout stands can be read off the
 * world: it is at the first step that the observed instances and weights do not satisfy yet.
 */
#ifndef DECIDE_STRATEGY_H
#define DECIDE_STRATEGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/desired.h"

struct step {
	int next;          /* instances of the new revision that must be ready */
	int stable;        /* instances of the old revision that may still run */
	int listed;        /* of these, how many nginx may still lead to; the others are parked */
	int weight;        /* permille of the requests for the new revision, */
	bool to_testers;   /* or none but of those that ask for it */
	int64_t hold_ms;   /* how long it must stay so before the next step; or HOLD_MANUAL */
	bool commits;      /* when the hold is over the new revision is the good one; until then a failure goes back */
	bool is_kept;      /* the hold only keeps the old revision warm: no run waits for it */
};

struct steps {
	struct step *items;
	size_t count;
};

struct strategy_info {
	bool is_exclusive;       /* an old instance stops before its replacement starts: downtime, but never two at once */
	void (*steps)(struct arena *a, const struct service *s, int stable, struct steps *out);
};

const struct strategy_info *strategy_info(enum strategy strategy);

/* The share of the requests that `next` instances get beside `listed` old ones: permille. */
int strategy_share(int next, int listed);
/* How many instances are replaced at a time, at least 1. */
int strategy_batch(const struct service *s);

/* The same on the way back to it. */
int strategy_back(const struct service *s);

/* The steps from `stable` instances of the old revision to s->replicas of the new one. */
void strategy_steps(struct arena *a, const struct service *s, int stable, struct steps *out);

/* How many instances run at once on the way, at most. */
int strategy_peak(struct arena *a, const struct service *s, int stable);

#endif
