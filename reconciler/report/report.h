/* What people read: the plan, and how a run ended. Text into a buffer; who prints it is not known here. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/decision.h"

/* What actions amount to, in terraform's words. */
struct tally {
	int added, changed, destroyed;
	int moved; /* publications and shifts of traffic */
	int mended; /* steps that set the host's swap right */
};
/* Counts one action. */
void tally_add(struct tally *t, const struct action *a);
/* After the last action: traffic that moved and nothing else is one change, and so is all that was done to swap that was
 * there. */
void tally_end(struct tally *t);
bool tally_is_empty(const struct tally *t);

/* The plan of a rehearsal that started from `w`. Returns what it amounts to. */
struct tally plan_print(struct buf *out, const struct desired *d, const struct world *w, const struct rehearsal *r);

/* For a run or a plan without any action: "No changes.", unless something stands in the way of some. */
void status_nothing(struct buf *out, const struct decision *d);
/* One line for each service that is not simply settled: "shop/web: rolled back: revision 1234abcd …". */
void status_notes(struct buf *out, const struct decision *d);
/* All services, one line each. */
void status_print(struct buf *out, const struct desired *d, const struct decision *decision);
/* Projects that run here and are not in Git: "one, two"; nothing when there are none. */
void projects_gone(struct buf *out, const struct desired *d, const struct world *w);
/* The exit code that the services' phases amount to. */
int status_exit_code(const struct decision *d);

#endif
