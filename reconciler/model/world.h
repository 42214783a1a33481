/*
 * The observed world: what is, what cannot be observed (notes), and now. Built afresh before every decision by
 * docker/observe, nginx/observe and host/, or by the model of decide/rehearse. Lives in the pass's arena.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/desired.h"
#include "model/evidence.h"

enum instance_state {
	INSTANCE_CREATED,    /* never started, or its start failed: see `error` */
	INSTANCE_RUNNING,
	INSTANCE_RESTARTING, /* the engine is waiting to start it again */
	INSTANCE_PAUSED,
	INSTANCE_EXITED,
	INSTANCE_DEAD,       /* half removed */
};

enum health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

/* An instance's place on one of the project's networks. The traffic network is none of them. */
struct endpoint {
	const char *network;  /* the engine's name of it */
	const char *address;  /* fixed for as long as the instance lives, from its label; "": the engine gives some, and
	                         perhaps another one at the next connect, so the place is left as it is */
	bool is_there;        /* connected now */
	bool has_alias;       /* others reach it by the service's name and its aliases, not only by its own name */
};

/* NULL when there is none on that network. */
const struct endpoint *endpoint_find(const struct endpoint *all, size_t count, const char *network);

/* One instance (a container) that carries our label and instance id. */
struct instance {
	const char *id;
	const char *name;     /* project-service-number */
	const char *project, *service;
	const char *revision; /* from its label */
	int number;
	enum instance_state state;
	int exit_code;        /* of the last end */
	const char *error;    /* what the engine said when it could not start; "" otherwise */
	bool was_oom_killed;
	int restart_count;
	int64_t created_ms, started_ms; /* ms since 1970; started 0: never */
	enum health health;
	bool is_restart_off;  /* its restart policy is "no" */
	const char *address;  /* on the traffic network, also while it does not run; "" when not attached */
	struct value ports;   /* list: those that routes led to when it was made, from its label; it is asked at no others */
	const struct endpoint *endpoints; /* unknown while `live` is */
	size_t endpoints_count;
	const char *ip;       /* where our probes reach it: that address, else one on another network; "" when it has none */
	const char *shares;   /* id of the container of which it has the network; NULL: its own */
	int64_t memory_bytes; /* that it holds, swapped out or not, but for caches; 0: unknown, or not running */
	int pid;              /* of its first process, 0 when not running */
	const struct value *live; /* one for each row of the field table, set for CHANGE_LIVE rows only; NULL: unknown */

	/* What our own probes say. `since` is how long it has been so without a break, as far as this process saw. */
	bool is_passing;
	int64_t passing_since_ms; /* 0: not passing */
	int64_t failing_since_ms; /* 0: not failing */
	const char *probe_said;   /* "GET http://10.0.0.2:8080/health answered 503, wanted 200" */

	/* Its smoke test, as far as this process saw. */
	bool has_passed_smoke;
	int64_t smoke_since_ms;   /* when it was first asked; 0: it was not */
	const char *smoke_said;   /* what it answered now; "": it was not asked */

	/* Connections that others hold to it, counted in its network namespace; only when nginx does not list it. */
	int connections;          /* -1: unknown */
	int idle_readings;        /* readings of zero in a row, as far as this process saw, */
	int64_t idle_since_ms;    /* and when it saw the first of them; 0: unknown */
	bool is_starting;         /* an action of ours that starts it is under way: it takes room, and may yet fail */
	bool is_stopping;         /* one that stops it is: it runs, and is not to be counted on */
	bool is_away;             /* one that changes its places on networks is: what is seen of them says nothing */
	int64_t alone_since_ms;   /* since when it has its own name only, as far as this process saw; 0: it has the service's,
	                             or it never changes (struct endpoint) */
};

/* A network of the engine, ours or not: its subnet is taken either way. */
struct network {
	const char *name;
	const char *subnet;   /* "10.231.1.0/24", "" without IPAM */
	const char *range;    /* the part of it that the engine gives addresses from; "": all of it */
	const char *project;  /* "" unless it carries our label */
	const char **taken;   /* addresses that somebody else has in it: its gateway, what is none of our instances */
	size_t taken_count;
};

/* A network or volume of ours, as the engine has it, in its own words. */
struct made {
	const char *name;
	bool is_volume;
	struct value settings;
};

/* An image of the engine, under one of the names that a manifest may call it by. */
struct image {
	const char *name;
	const char *id;
	bool is_used;         /* some container, ours or not, was made from it */
};

/* What nginx serves for one service. */
struct side {
	const char *revision;     /* "" when there is no such side */
	const char **addresses;   /* IPv4, without port */
	size_t addresses_count;
};

struct traffic {
	const char *project, *service;
	const char *rollout;      /* names the flags: [0-9a-z]+ */
	struct side stable, next;
	/* Observed beside the configuration; ignored when a topology is published: */
	int weight;               /* of next, 0..PERMILLE */
	bool to_testers;          /* at weight 0: next is there for those that ask for it by a route's `testers` */
	int64_t weight_since_ms;  /* when it was last changed, ms since 1970; 0: never */
	bool is_damaged;          /* the flags on disk are not those of that weight: somebody changed them */
};

/* The structure of the nginx configuration: what a reload changes. */
struct topology {
	struct route *routes; /* `where` is not kept */
	size_t routes_count;
	struct traffic *services;
	size_t services_count;
	const char **logs; /* the access_log lines of the user's own http block; nginx's room alone reads and fills them */
	size_t logs_count;
};

/* A file of the user's own that leads to an upstream of ours which Git does not have any more. */
struct naming {
	const char *upstream;
	const char *where;        /* "/etc/nginx/conf.d/shop.conf:12" */
};

/* Does a tcp or udp route lead to it? Its traffic then moves by a reload, where that of others moves by flags. */
bool topology_is_streamed(const struct topology *t, const char *project, const char *service);

struct nginx {
	bool is_up;               /* the master runs and answers on our loopback port */
	const char *problem;      /* why it is not, for people; "" when up */
	bool is_current;          /* the generation that answers is the installed one, and its files are as we wrote them */
	const char *drift;        /* what somebody changed in those files, for people; NULL: nothing */
	struct topology topology; /* of the installed generation */
	int64_t installed_ms;     /* when it was installed, ms since 1970 */
	int draining_workers;     /* workers of earlier generations that still live */
	int64_t workers_gone_ms;  /* since when there are none, as far as this process saw; 0: there are some, or unknown */
	struct naming *namings;   /* of the installed upstreams */
	size_t namings_count;
	bool is_announcing;       /* the close flag is up: every answer says `Connection: close` */
};

/*
 * While a swap file is made anew, the kernel lets neither it nor another that is in use be moved or removed. So two more
 * names belong to it: one under which it is written, and one for a bridge, which is swap in the meantime.
 */
#define SWAP_PART ".reconcile-part"
#define SWAP_BRIDGE ".reconcile-bridge"
bool swap_is_helper(const char *path); /* one of these two */

/* Whose line in /etc/fstab names it. */
enum swap_line {
	SWAP_LINE_NONE,
	SWAP_LINE_OURS,    /* as we write it, once */
	SWAP_LINE_CHANGED, /* ours, but not as we write it */
	SWAP_LINE_FOREIGN,
};

/* One swap file or device, or the place where one shall be. */
struct swap_file {
	const char *path;
	bool is_there;      /* something has that name */
	bool is_ours;       /* made by us: its header says so; for an unfinished one, its name */
	bool is_sound;      /* a file without holes, with a header that fits its size */
	bool is_active;
	enum swap_line line;
	int mode;           /* permissions */
	int64_t size_bytes; /* of the file */
	int64_t swap_bytes; /* of it, what the kernel can use: a page or some less */
	int64_t used_bytes; /* of that, what is swapped out to it */
};

/* What is the host's own, and not the engine's or nginx's. */
struct host_state {
	const char *problem;         /* why it cannot be looked at; NULL: it can */
	struct swap_file *swaps;     /* all that are active, all of ours, and the place of the one that is wanted */
	size_t swaps_count;
	int64_t memory_bytes;        /* all that it has; 0: nobody knows */
	int64_t memory_available_bytes;
	int64_t bound_bytes;         /* swapped out, and more than the memory limits of their owners have room for */
	const char *bound_most;      /* the control group that has the most of that; NULL: there is none */
	const char *disk_problem;    /* why the wanted file cannot be made where it shall be; NULL: it can */
	int64_t disk_free_bytes;     /* where it shall be */
	int64_t disk_kept_bytes;     /* of that, what must stay free: a setting */
	int swappiness;              /* of the kernel */
	bool is_swappiness_kept;     /* in a file of ours below /etc/sysctl.d, */
	int swappiness_kept;         /* which says this, */
	int swappiness_before;       /* and what it was before; -1: it does not say */
};

/* Notes: what cannot be observed. */
struct quarantine {
	const char *project, *service, *revision;
	const char *reason;
	int64_t since_ms;
};

struct good {
	const char *project, *service, *revision; /* the last revision that passed its gates */
	const struct service *spec;               /* NULL when it cannot be read back */
	const char *image_id;                     /* what its image was then; "": not known */
};

/* Those that were good before it, of each service the latest last. A revision is there once, and none that is good. */
#define PAST_GOODS_MAX 10 /* of one service */
struct past_goods {
	struct past_good {
		const char *project, *service, *revision, *image_id;
	} *items;
	size_t count;
};
/* From now on `good` is the good one, and `before` was (NULL: nothing was). Borrows the texts. */
void past_goods_follow(struct past_goods *p, struct arena *a, const struct past_good *before, const struct past_good *good);
/* It proved bad after all. */
void past_goods_forget(struct past_goods *p, const struct past_good *bad);

/* What an operator said. */
enum order_kind {
	ORDER_PROMOTE, /* the holds of `revision` up to `weight` are over */
	ORDER_ABORT,   /* `revision` goes back, as if it had failed */
	ORDER_PAUSE,   /* nothing new begins or goes on; what serves is kept up, what fails goes back */
	ORDER_KIND_COUNT
};

struct order {
	enum order_kind kind;
	const char *project, *service; /* service "": all of the project; project "" too: everything */
	const char *revision;          /* PROMOTE, ABORT */
	int weight;                    /* PROMOTE: permille */
	int64_t until_ms;              /* PAUSE: ms since 1970; 0: until somebody says resume */
	const char *reason;            /* "" when none was given */
};

/* What a Prometheus answered for a revision of a rollout, since its weight was last changed. */
struct measure {
	const char *project, *service, *revision;
	bool has_value;    /* false: no data (yet), or the source is away: neither good nor bad */
	double value;
	const char *why;   /* what it said, for people; "" */
};

/* An image that a service was given: pulled for it, or found good with it. */
struct past_image {
	const char *project, *service;
	const char *image;    /* as in struct service */
	bool is_secret;       /* its name came from the host's environment */
	const char *id;       /* what we pulled under that name; "": it was here without us, and is not ours to drop */
	int64_t good_ms;      /* when a revision with it was last found good; 0: never */
};

/* An action that failed in this run; what the engine's state does not show. */
struct failure {
	const char *project, *service, *revision; /* service NULL: the structure of nginx, or
	                                            the host's own `object` */
	const char *object;      /* the instance (its id), the rollout, the image or the swap that it is about; "": the
	                            revision itself */
	enum err_kind kind;
	const char *message;
	int attempts;
	int64_t at_ms;
	int64_t retry_after_ms; /* how long the other side wants to be left alone; 0: it did not say */
	bool is_of_place;       /* about the places of that instance on networks, and nothing else of it */
};

struct world {
	int64_t now_ms;         /* ms since 1970 */
	int64_t watched_since_ms; /* when this process had looked for the first time: what was so then may have been for long */
	int64_t run_started_ms; /* when this run began: what ended after that had its chance in this run */
	int64_t engine_started_ms; /* what was started before that and does not run any more ended with the engine, or may
	                           have; 0: unknown */
	struct instance *instances;
	size_t instances_count;
	struct network *networks;
	size_t networks_count;
	const char **volumes; /* names */
	size_t volumes_count;
	struct made *made;
	size_t made_count;
	struct image *images; /* what can be started without a pull, by each of its names */
	size_t images_count;
	struct nginx nginx;
	struct host_state host;

	bool are_notes_lost; /* both copies gone while instances of ours exist: nothing new until `retry` */
	struct quarantine *quarantines;
	size_t quarantines_count;
	struct good *goods;
	size_t goods_count;
	struct past_goods past_goods;
	struct order *orders;
	size_t orders_count;
	struct evidence *evidence; /* of each rollout under way, for each weight so far, in the order in which they were seen */
	size_t evidence_count;
	struct measure *measures;
	size_t measures_count;
	struct past_image *past_images;
	size_t past_images_count;
	struct failure *failures;
	size_t failures_count;
};

/* Has it the name of its service, on any network? */
bool instance_has_name(const struct instance *i);

/* NULL: it is not here. */
const struct image *world_image(const struct world *w, const char *name);
/* What that revision failed by; NULL: it did not. */
const struct quarantine *world_quarantine(const struct world *w, const struct service *s);
/* Is it about that service: about it alone, its project, or all there is? */
bool order_is_about(const struct order *o, const char *project, const char *service);
/* The operator's word about that revision; NULL: there is none. */
const struct order *world_order(const struct world *w, enum order_kind kind, const struct service *s);
/* Did it fail, or did an operator call it off? */
bool world_is_called_off(const struct world *w, const struct service *s);
/* The last good revision of a service; NULL: none ever was. */
const struct good *world_good(const struct world *w, const char *project, const char *service);
/* Its revision among the last s->rollback_window that were good before that one; NULL: it is not. */
const struct past_good *world_past_good(const struct world *w, const struct service *s);
/* Is there one? Then it only has to get ready. But nobody has tried it when its image is another one now, or is to be built
 * anew. */
bool world_was_good(const struct world *w, const struct service *s);

#endif
