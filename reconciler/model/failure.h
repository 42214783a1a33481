/* What failed in this run: the engine's state does not show it, and decide must know it before it tries again. */
#ifndef MODEL_FAILURE_H
#define MODEL_FAILURE_H

#include "model/action.h"
#include "model/world.h"

struct failures {
	struct failure *items;
	size_t count;
};

/* Notes that `action` failed. All that fails of one object between `began_ms` and now is one attempt: ten instances
 * that an engine could not create at once are not ten tries. Copies what it keeps. The row that is returned is good
 * until the next one is added. */
struct failure *failures_add(struct failures *f, struct arena *a, const struct action *action, const struct err *e,
                             int64_t began_ms, int64_t now_ms);
/* It worked after all. */
void failures_forget(struct failures *f, const struct action *action);

#endif
