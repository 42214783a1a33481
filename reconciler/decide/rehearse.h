/*
 * The rehearsal: the same decide against a model of the host with a virtual clock. It drives `--plan` and the
 * simulation: not a guess beside the code but the very run that would be made.
 */
#ifndef DECIDE_REHEARSE_H
#define DECIDE_REHEARSE_H

#include "decide/decide.h"

/* A copy that can be changed without touching the original. */
struct world *world_copy(struct arena *a, const struct world *w);
/* What the host would look like after the action, if all goes well. Moves the clock by what such an action takes. */
void model_apply(struct world *w, const struct action *action, struct arena *a);

/* Runs decide and the model in turn until there is nothing to do and nothing that a run waits for. */
void rehearse(const struct desired *d, const struct world *w, struct arena *a, struct rehearsal *out);

#endif
