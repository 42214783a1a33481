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

/* One field that differs between the last good spec and the wanted one. */
struct plan_change {
	const char *path;  /* "environment.MODE" */
	struct value from, to;
	bool forces_replacement;
};

enum plan_sign { SIGN_NONE, SIGN_CREATE, SIGN_DESTROY, SIGN_UPDATE, SIGN_NEW_FIRST, SIGN_OLD_FIRST, SIGN_COUNT };

/* What is done for one service. */
struct plan_row {
	const char *project, *service;  /* both NULL: nginx: drift of its files, or its routes when nothing
	                                 * else changes; or: */
	const char *thing;              /* of the host: "swap file /swapfile" */
	enum plan_sign sign;
	const struct service *want;     /* NULL: it left Git */
	const struct service *was;      /* the last good one, NULL: not known */
	const struct status *status;    /* where it stands in the end; NULL when it left Git */
	const char *reason;             /* of the first action; may be NULL */
	bool is_drift;                  /* Git did not ask for it */
	bool is_barred;                 /* what Git wants is quarantined: the last good one stays */
	bool is_replaced;               /* by another revision */
	bool was_good;                  /* and that one was good before: only its readiness counts */
	bool has_new;                   /* instances are created */
	struct plan_change *changes;
	size_t changes_count;
	const char **differences;       /* of drift: "shop-web-1: mem_limit is 1, wanted is 2" */
	size_t differences_count;
};

/* What a rehearsal amounts to. Lives in the pass's arena. */
struct plan {
	const struct desired *desired;
	const struct rehearsal *rehearsal;
	struct plan_row *rows;          /* each service of Git, in Git's order; then those that left */
	size_t rows_count;
	struct tally tally;
	bool is_partial;                /* of targets only: what is left alone has no row */
	bool has_retirement;            /* a revision that was only kept warm goes: no change */
};

/* The plan of a rehearsal that started from `w`. Borrows all of them. */
void plan_build(struct arena *a, const struct desired *d, const struct world *w, const struct rehearsal *r, struct plan *out);
void plan_print(struct buf *out, const struct plan *p);

/* For a run or a plan without any action: "No changes.", unless something stands in the way of some. */
void status_nothing(struct buf *out, const struct decision *d);
/* One line for each service that is not simply settled: "shop/web: rolled back: revision 1234abcd …". */
void status_notes(struct buf *out, const struct decision *d);
/* Why it is where it is, and until when. */
void status_reason(struct buf *out, const struct status *s);
/* All services, one line each. */
void status_print(struct buf *out, const struct desired *d, const struct decision *decision);
/* What was seen of the requests while next had a share of them, one line for each rollout under way. */
void seen_print(struct buf *out, const struct world *w);
/* The same as sums: begin with *at 0; false after the last. */
bool seen_next(const struct world *w, size_t *at, struct evidence *sum);
struct sight {
	int64_t attempts, errors;
	double p99_ms; /* -1: no answer yet */
};
struct sight sight_of(const struct seen *s);
/* Projects that run here and are not in Git: "one, two"; nothing when there are none. */
void projects_gone(struct buf *out, const struct desired *d, const struct world *w);
/* The exit code that the services' phases amount to. */
int status_exit_code(const struct decision *d);

#endif
