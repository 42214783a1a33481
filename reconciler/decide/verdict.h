/*
 * Is the next revision worse than the stable one? Pure statistics over what was seen of both in the same minutes: never
 * against last week, so what strikes both is held against neither.
 *
 * A false way back is cheap, but whoever sees two of them turns the analysis off. So a whole rollout has one budget of
 * 1 % for it, and the tests share that; each is a bet (decide/odds.h) that runs through all weights and may be looked at
 * every second. It holds for requests that are drawn each for itself; where a cohort is (by address or cookie), and one
 * client makes most of the errors, the counts cannot tell.
 *
 *   test      asks                                                     BAD when
 *   relative  Has next more of the errors than its part of the           yes, its rate is beyond the bound (9 to 1), and
 *             attempts?                                         0.7 %    there are 3 errors
 *   latency   Has it more of the slow answers than its part? Slow        yes, though stable's answers count as so many
 *             is what is beyond any of 116 limits; with a bound          times as slow as the bound allows, and as 5 ms
 *             in ms beyond that one, where 1 % may be.          0.2 %    slower at least
 *   absolute  With more than half of the requests, where stable has      yes, and stable does not fail alike at that time
 *             too few to compare with: has it more errors than the
 *             bound, and than stable under the weights so far?
 *             More slow answers than a bound in ms allows?      0.1 %
 *   query     Is its answer more than `max`?                             yes; it has no part of the budget
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
