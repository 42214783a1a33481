/*
 * Decisions: what decide answers, and what a whole rehearsed run amounts to. Written by decide/, read by the cycle and
 * the reports. Lives in the pass's arena.
 */
#ifndef MODEL_DECISION_H
#define MODEL_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/action.h"
#include "model/world.h"

/* Where one service stands. */
enum phase {
	PHASE_SETTLED,     /* right spec, stable, probed, routed, drained */
	PHASE_KEEPING,     /* the same, and the old revision is kept warm for a while */
	PHASE_PROGRESSING, /* something is being done or waited for */
	PHASE_WAITING,     /* for an operator: a hold that only promote ends, or a pause */
	PHASE_ROLLED_BACK, /* the revision Git asks for is quarantined; the last good one serves */
	PHASE_BLOCKED,     /* waits for something that this run cannot bring about: a dependency, nginx */
	PHASE_FAILED,      /* cannot be brought to what Git says, and there is nothing to go back to */
	PHASE_LEFT_ALONE,  /* not a target: whatever it is, it stays so */
	PHASE_COUNT
};

struct status {
	const char *project, *service;
	enum phase phase;
	enum err_kind cause;      /* why it is blocked or failed; decides the exit code */
	const char *reason;       /* for people, NULL when settled */
	const char *revision;     /* that serves now, "" when none does */
	const char *from, *to;    /* the revisions of the rollout under way, also of one that goes back; NULL: there is none */
	bool was_good;            /* `to` comes back after others: only its readiness counts */
	int weight;               /* permille of the requests that `to` has; -1: no route leads to them */
	int step, steps;          /* the rollout is at the first, second, ... of so many; 0: it goes back */
	int64_t until_ms;         /* when what is waited for is over, or has failed; 0: nobody knows */
	const char *paused;       /* by an operator: until when, and why; NULL: not */
	const char *strategy;     /* its name, as in the manifest; "" for a service that left Git */
	bool stops_old_first;     /* an old instance stops before its replacement starts: downtime */
};

struct decision {
	struct action *actions;
	size_t actions_count;
	struct status *services;  /* one for each service of desired, then those that are being removed */
	size_t services_count;
	struct status host;       /* of the host's own swap: project NULL; service NULL: there is nothing to say */
	/* The earliest moment, in world time, at which something may change by itself; 0: never. Only what a run waits for
	 * counts: the end of keep_old does not, it is in `keeping_until_ms`. */
	int64_t wait_until_ms;
	int64_t keeping_until_ms;
};

/* One action of a rehearsal. */
struct event {
	int64_t at_ms;          /* since the start of the rehearsal */
	struct action action;
	const char *text;       /* action_print() */
	bool is_crash;          /* after it the tool is killed, and another run goes on: what if */
};

/* A run that did not happen. */
struct rehearsal {
	struct event *events;
	size_t events_count;
	int64_t lasts_ms;
	int reloads;            /* of nginx */
	int instances_peak;     /* that run at the same time, at most */
	int64_t memory_peak_bytes; /* that it takes beside what is in use, at most, as far as anybody knows */
	int64_t memory_swap_bytes; /* of that, what memory has no room for now */
	bool is_endless;        /* did not come to rest: a bug */
	struct decision end;    /* the last decision: where everything stands */
	struct world *world;    /* as it would be then */
};

/* "settled", "rolled back": one word or two for each phase. */
const char *phase_name(enum phase phase);

#endif
