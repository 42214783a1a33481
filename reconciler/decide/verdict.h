/*
 * Is the next revision worse than the stable one? Pure statistics over what was seen of both in the same minutes: never
 * against last week, so what strikes both is held against neither.
 *
 * A false way back is cheap, but whoever sees two of them turns the analysis off. So a whole rollout has one budget of
 * 1 % for it, and the tests share that; each is a bet (decide/odds.h) that runs through all weights and may be looked at
 * every second. It holds for requests that are drawn each for itself; where a cohort is (by address or cookie), and one
 * client makes most of the errors, the counts cannot tell.
 *
 *   test       what it asks                                          BAD when                           budget
 *   relative   more of the errors than its part of the attempts?     yes, and its rate is beyond the    0.5 %
 *                                                                    bound (19 to 1), and 3 errors
 *   latency    more of the slow answers than its part? slow: each    yes; stable's answers count as     0.3 %
 *              of 58 limits; for a bound in ms that one, of which    slower by the bound, and 5 ms
 *              1 % may be beyond
 *   absolute   with more than half of the requests, where stable     yes, and stable does not fail      2 * 0.1 %
 *              has too few to compare: more than the bound, or than  alike at the same time
 *              what stable did under the weights so far?
 *   query      more than `max`?                                      yes; it has no part of the budget
 *
 * Figures of `verdicts` (tests/simulation) stand in README.
 */
#ifndef DECIDE_VERDICT_H
#define DECIDE_VERDICT_H

#include "base/arena.h"
#include "model/desired.h"
#include "model/evidence.h"
#include "model/world.h"

/* Where the manifest has no bound: 1 % is what an evidently broken page comes to, and few services always fail more;
 * those that do are compared with themselves. Half as slow again is beyond what fewer requests and a younger cache do. */
#define VERDICT_ERROR_RATE 0.01
#define VERDICT_SLOWER 1.5
/* Without a bound in the manifest, and without a side to compare with, now or before: fewer is nobody's baseline. */
#define VERDICT_ERROR_RATE_ALONE 0.05

struct verdict {
	enum { VERDICT_GOOD, VERDICT_OPEN, VERDICT_BAD } kind;
	const char *why; /* for people: the figures of both sides, and the rule; NULL when good */
};

/*
 * `rows` are those of one rollout, oldest first; `weight` is what next has now; `measure` may be NULL.
 *
 * BAD: it goes back. GOOD: nothing against it, and as much was seen as the analysis asks for. OPEN: it cannot be told,
 * so it neither goes on nor back: too few attempts, no answer to the query, or both sides fail, which is the outage of
 * something that they share.
 */
struct verdict verdict_judge(const struct analysis *analysis, const struct evidence *const *rows, size_t count, int weight,
                             const struct measure *measure, struct arena *a);

#endif
