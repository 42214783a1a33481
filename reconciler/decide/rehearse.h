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
/* The same for one that ends now, and how long it took. */
void model_done(struct world *w, const struct action *action, struct arena *a);
int64_t model_takes_ms(const struct world *w, const struct action *action);
/* Does nginx read its configuration anew? */
bool model_is_reload(const struct world *w, const struct action *action);

/* What is to be taken for granted of an action that was begun and has not ended: the worse of before and after. What it
 * makes is there and does not serve, what it takes away is there and is not to be counted on. Until it has ended decide may
 * ask for it again. */
void model_under_way(struct world *w, const struct action *action, struct arena *a);

/* What is otherwise in a rehearsal. All zero: nothing. */
struct what_if {
	const struct service *fails; /* its new revision; NULL: none does */
	size_t fails_after;          /* it ends by itself after that many actions; 0: it never gets ready */
	size_t crash_after;          /* the tool is killed after that many actions, and another run comes a minute later; 0: never */
	int64_t memory_bytes;        /* all that the host has, of which what runs takes as much as here; 0: as it is */
};

/* Runs decide and the model in turn until there is nothing to do and nothing that a run waits for. `what_if` may be NULL. */
void rehearse(const struct desired *d, const struct world *w, const struct what_if *what_if, struct arena *a,
              struct rehearsal *out);

#endif
