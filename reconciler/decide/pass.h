/* What one decision works on: its input, its output, and what it has given away so far. Internal to decide/. */
#ifndef DECIDE_PASS_H
#define DECIDE_PASS_H

#include "decide/decide.h"

struct pass {
	const struct desired *desired;
	const struct world *world;
	struct arena *arena;
	struct decision *out;
	struct topology wanted;     /* what nginx shall serve after this decision */
	struct network *given;      /* subnets given to new networks in this decision */
	size_t given_count;
	const struct service **acceptable; /* of atomic projects: each could be noted as good, when all of the project can */
	size_t acceptable_count;
	int64_t memory_given;       /* to new instances in this decision */
	const char **addresses;     /* given to new instances in this decision */
	size_t addresses_count;
};

/* Appends an action and returns it for the caller to fill. */
struct action *pass_action(struct pass *p, enum action_kind kind, const char *project, const char *service);
/* Something may change by itself at that time. */
void pass_wait(struct pass *p, int64_t until_ms);

/* NULL when nginx has nothing of it. */
const struct traffic *pass_traffic(const struct topology *t, const char *project, const char *service);
/* NULL when nothing was decided about it. */
struct status *pass_status(struct pass *p, const char *project, const char *service);

/* Notes that the revision is good; `why` may be NULL. */
void pass_commit(struct pass *p, const struct service *s, const char *why);
bool pass_is_atomic(const struct pass *p, const char *project);
/* Is the service as Git says, but for the note? */
bool pass_is_acceptable(const struct pass *p, const struct status *s);
/* orders.c: the pause that is in force for it; NULL: none. */
const struct order *pass_pause(const struct pass *p, const char *project, const char *service);
/* For people. */
const char *pass_paused_text(struct pass *p, const struct order *pause);

/* Stays as it is: a service that is no target, one that left a project of which not all is one, one of a project that is
 * not in Git, one of a profile that is not enabled. */
bool pass_leaves_alone(const struct pass *p, const char *project, const char *service);

/* address.c: the traffic network of a project: "<project>_reconcile", for which it emits ACTION_NETWORK when it is not there
 * yet, or the one of somebody else's that a setting names for all. NULL with *why when there is none to be had. */
const struct network *address_network(struct pass *p, const char *project, const char **why);
/* A subnet for a network of the project itself, so that what is on it can have fixed addresses; nothing when there is
 * none to spare. */
void address_subnet(struct pass *p, struct action *make);
/* A fixed address for a new instance on a network of the project itself; "": the engine gives one. */
const char *address_place(struct pass *p, const char *project, const char *network);
/* Is it one of that network? Of one that is not there, every address is. */
bool address_fits(const struct pass *p, const char *network, const char *address);
/* A free address in it; NULL with *why when all are taken. Never one that an instance or the configuration names. */
const char *address_take(struct pass *p, const struct network *n, const char **why);

/* "127.0.0.1:PORT", with a port of the setting's range that no instance and no configuration names; NULL with *why when
 * all are taken. */
const char *address_loopback(struct pass *p, const char **why);

/* instances.c: instances of a service, running ones first, then by number. */
struct set {
	const struct instance **items;
	size_t count;
};
/* `revision` NULL: of any. */
struct set set_of(struct pass *p, const char *project, const char *service, const char *revision);
/* Those of `all` that are in neither. */
struct set set_rest(struct pass *p, const struct set *all, const struct set *one, const struct set *other);
bool set_has(const struct set *s, const struct instance *i);
bool instance_is_up(const struct instance *i);
bool side_lists(const struct side *side, const char *address);
/* The addresses of the first n. */
struct side side_of(struct pass *p, const char *revision, const struct set *s, size_t n);
/* What is left of the side without those. */
struct side side_less(struct pass *p, const struct side *side, const struct set *s);
bool side_equal(const struct side *a, const struct side *b);

/* capacity.c: what one more instance is likely to use; 0: nobody knows. */
int64_t capacity_use(const struct world *w, const struct service *s);
/* What was started, or will be, and has not grown to what it needs. */
int64_t capacity_promised(const struct pass *p);

/* images.c: lets go of images that we pulled and that nobody needs any more: last, when all statuses stand. */
void images_drop(struct pass *p);

/* ways.c: the routes of p->wanted, when its services stand; one that must go on serving for them is added. */
void ways_decide(struct pass *p);

/* swap.c: one step towards the swap that the host shall have, and p->out->host. After all others: some steps wait for
 * them. */
void swap_decide(struct pass *p);

/* rollout.c: decides one service of desired: actions, status, and its part of p->wanted. */
void rollout_decide(struct pass *p, const struct service *s, struct status *status);
/* The same for a service that left Git: drained, stopped, removed. */
void rollout_retire(struct pass *p, const char *project, const char *service, struct status *status);

#endif
