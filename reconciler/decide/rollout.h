/* One service in one decision. Internal to decide/. */
#ifndef DECIDE_ROLLOUT_H
#define DECIDE_ROLLOUT_H

#include "decide/gate.h"
#include "decide/pass.h"
#include "decide/strategy.h"
#include "decide/verdict.h"

struct rollout {
	struct pass *pass;
	const struct service *want;    /* what Git says; NULL for a service that left */
	const struct service *target;  /* what shall serve: `want`, or the last good one when that is quarantined */
	const struct good *good;       /* NULL: nothing was ever good */
	const char *project, *service;
	bool is_routed;                /* nginx leads to it, or shall */
	const struct traffic *now;     /* what nginx lists; NULL: nothing */
	struct traffic wanted;         /* what it shall list */
	bool wants_traffic;
	const struct order *pause;     /* nothing new begins or goes on; NULL: not paused */
	struct status *status;
};

/* Why the revision that Git asks for is not brought in now. */
struct refusal {
	const char *why;       /* NULL: Git asks for nothing that is not there */
	bool stays;            /* there is nothing good to serve in its place: all stays as it is */
	enum phase phase;      /* once what serves in its place is at rest */
	enum err_kind cause;
};

/* How bringing instances up went. */
enum ups { UPS_READY, UPS_BUSY, UPS_FAILED, UPS_STUCK };

/* The spec that an instance of `revision` was made from; NULL when nobody knows it any more. */
const struct service *rollout_spec(const struct rollout *r, const char *revision);
void rollout_status(struct rollout *r, enum phase phase, enum err_kind cause, const char *reason);
/* PROGRESSING because of `reason`; looks again at `until_ms` (0: only actions can change anything). */
void rollout_wait(struct rollout *r, const char *reason, int64_t until_ms);
/* The same, and people are told until when. */
void rollout_wait_for(struct rollout *r, const char *reason, int64_t until_ms);
/* For the status: there are two revisions. */
void rollout_is_under_way(struct rollout *r, const char *from, const char *to);
bool rollout_is_good(const struct rollout *r, const char *revision);
/* Was r->target good not long ago? Then only its readiness counts: no hold, no share, no analysis, nobody's word. */
bool rollout_was_good(const struct rollout *r);

/* All instances of that revision; NULL: of any. */
struct set set_of_revision(struct rollout *r, const char *revision);
int set_count_up(const struct set *s);

/* What nginx shall list. */
void rollout_sides(struct rollout *r, const char *rollout, struct side stable, struct side next);
/* A name that no rollout had before: the flags of an older one must not count. */
const char *rollout_new_name(struct rollout *r);
/* One revision, no flags. */
void rollout_fold(struct rollout *r, struct side stable, const char *reason);
/* Gives the next side that share of the requests. */
void rollout_shift(struct rollout *r, int weight, const char *reason);
/* Gives it those that ask for it, and no share. */
void rollout_show(struct rollout *r);
/* Notes that the revision is good; `why` may be NULL. */
void rollout_commit(struct rollout *r, const struct service *s, const char *why);
/* The revision on trial failed. With a good one to go back to it is never tried again by itself. */
void rollout_fail(struct rollout *r, const char *why);

/* orders.c: sets r->target to what serves instead, and r->pause. False: nothing stands against it. */
bool rollout_refuses(struct rollout *r, struct refusal *out);
/* Has an operator said that the holds up to that weight are over? */
bool rollout_is_promoted(const struct rollout *r, int weight);
/* What is to be said of r->target by what was seen of its requests; GOOD where nothing is analysed, and of what was good
 * before. */
struct verdict rollout_verdict(const struct rollout *r);
/* WAITING, because of r->pause. */
void rollout_say_paused(struct rollout *r);
/* What an operator's pause says of it, whatever it waits for else; NULL: none is in force. */
const char *rollout_paused(const struct rollout *r);

/* forward.c: from that revision to r->target, step by step. */
void rollout_forward(struct rollout *r, const char *from);
/* backward.c: everything to that revision, the one that nginx calls stable. */
void rollout_backward(struct rollout *r, const char *from);

/* drain.c */

/* Who looked the service's name up just before the instance lost it may have met it off its network, and knocks again
 * after a second. */
#define KNOCKS_AGAIN_MS 1500

/* Of an instance that goes: who may still send it something, and since when nobody is sent there any more. */
struct drain {
	bool has_workers;         /* a worker that still lives may have it */
	int workers, connections; /* that are left */
	int64_t since_ms;         /* 0: there is nobody to wait for */
	int64_t timeout_ms;
};

/* What was waited for before it is stopped, each with its length: for people. NULL: there was nobody to wait for. */
const char *drain_how(struct rollout *r, const struct instance *i, const struct drain *d);
/* PROGRESSING: what is waited for, since when, and until when at the latest. Who looks for the first time cannot know when
 * it lost the name: then all that is told is when nginx let go of it, and the bound. */
void drain_say(struct rollout *r, const struct instance *i, const struct drain *d);

/* bring.c */

/*
 * Sees to it that the first n of `set` are up and ready: starts, creates what is missing, sets live fields right.
 * READY: all n are. BUSY: actions were emitted or there is something to wait for; the status says so. FAILED: a
 * verdict, in *why. STUCK: cannot go on in this run; the status says so.
 */
enum ups bring_up(struct rollout *r, const struct service *s, const struct set *set, int n, enum trust trust,
                  const char **why);
/* capacity.c: why so many more instances do not fit into the host's memory and swap; NULL: they do, or nobody knows. */
const char *capacity_lacks(struct rollout *r, const struct service *s, int count);
/* What its networks and volumes lack that we must not make: for people; NULL when all is there. */
const char *missing_external(struct rollout *r, const struct service *s);
/* Makes the networks of `s` that are missing. */
void need_networks(struct rollout *r, const struct service *s);
/* Sees to it that the image is on the host; the answers are those of bring_up(). */
enum ups bring_image(struct rollout *r, const struct service *s, const char **why);
/* Stops one instance when it is drained. Returns false while it still has to wait. */
bool bring_down(struct rollout *r, const struct instance *i);
/* Drains, stops and removes all of them. Returns true when none is left. */
bool discard(struct rollout *r, const struct set *s);
/* Those that can serve at all, as instances of s: not half removed, and with an address when s has a route. */
struct set set_usable(struct rollout *r, const struct service *s, const struct set *set);
/* Those that are up and cannot serve, and so take room; but not what was taken off nginx's network: that one may have who
 * knows it, until another one serves. */
struct set set_in_the_way(struct rollout *r, const struct service *s, const struct set *set);
/* All of them in the order in which they are worth keeping: what serves, what is listed, what could, what cannot. */
struct set set_by_worth(struct rollout *r, const struct service *spec, const struct set *s);
/* The first n of those that are ready. */
struct set set_ready(struct rollout *r, const struct service *s, const struct set *set, int n, enum trust trust);
/* attempts.c */

/* What failed in this run about `object` (struct failure), and about the instance's places on networks; NULL: nothing. */
const struct failure *rollout_failure(const struct rollout *r, const char *revision, const char *object);
const struct failure *rollout_place_failure(const struct rollout *r, const struct instance *i);
/* Is it not tried any more in this run, after so many times? */
bool rollout_has_given_up(const struct failure *f);
/* What that one says about the next attempt; the answers are those of bring_up(). READY: go on; `f` NULL is that, too. */
enum ups rollout_after(struct rollout *r, const struct failure *f, const char **why);
/* May what an action does to `object` (struct failure), or to the instance's places, be tried? If not, the status says
 * why. */
bool rollout_may_try(struct rollout *r, const char *revision, const char *object);
bool rollout_may_place(struct rollout *r, const struct instance *i);

/* resources.c: which of its networks and volumes is another one than the manifest says, for people; NULL: none. */
const char *resource_difference(struct rollout *r, const struct service *s);

/* live.c */

/* Sets right what can be changed on the running instance and differs from the spec. Returns true when there is something
 * to do about it; when an earlier attempt of this run failed, *why says how and nothing is done. */
bool live_update(struct rollout *r, const struct service *s, const struct instance *i, const char **why);
/* Why it serves and must be replaced all the same: a limit that Git does not set and the engine cannot take away from it, or a
 * place on a network that the engine cannot give it. For people; NULL: it need not. */
const char *live_limit(struct rollout *r, const struct service *s, const struct instance *i);
/* Those of `set` without such a reason, and those with one whose turn to be replaced has not come: they go one by one. */
struct set live_unlimited(struct rollout *r, const struct service *s, const struct set *set);

/* names.c */

/* The name of a new instance; whoever of the service has it gives it up first. */
const char *name_new(struct rollout *r, const struct service *s, int number);
/* Calls the instance what the spec says. Returns true when there is something to do about it; when an earlier attempt of
 * this run failed, *why says how and nothing is done. */
bool name_settle(struct rollout *r, const struct service *s, const struct instance *i, const char **why);

/* alias.c: which instances other containers reach by the service's name */

/* The places of the new instance that `create` makes: by its own name only while another revision runs beside it. */
void alias_places(struct rollout *r, const struct service *s, struct action *create);
/* The same for one that is about to start. */
void alias_dim(struct rollout *r, const struct service *s, const struct instance *i);
/* Sees to it that those of the first n of `set` that are ready are on all their networks, by the service's name. READY:
 * they are. BUSY: something is done about it. STUCK: cannot be done in this run. The status says so. */
enum ups alias_give(struct rollout *r, const struct service *s, const struct set *set, int n, enum trust trust);
/* Are all of the first n? */
bool alias_is_given(struct rollout *r, const struct service *s, const struct set *set, int n);
/* Sees to it that an instance that is about to go is reached by its own name only, as soon as another one has the
 * service's. True when that is so; the status says what is done about it otherwise. */
bool alias_take(struct rollout *r, const struct instance *i);
/* Why it cannot be given its place on a network any more, for people; NULL: it can, or the fault is not its own. */
const char *alias_stuck(const struct rollout *r, const struct instance *i);

#endif
