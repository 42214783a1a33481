/*
 * Actions: what decide wants done next. Plain data: the rooms that act read them, the rehearsal applies them to a
 * model, the plan and the log print them with the same words.
 */
#ifndef MODEL_ACTION_H
#define MODEL_ACTION_H

#include "base/buf.h"
#include "model/desired.h"
#include "model/world.h"

enum action_kind {
	ACTION_NETWORK,    /* create the network `network` of the project, with `subnet` if any */
	ACTION_VOLUME,     /* create the named volume `volume` */
	ACTION_PULL,       /* pull `spec->image` */
	ACTION_BUILD,      /* build it from spec->build */
	ACTION_CREATE,     /* create instance `name`/`number` of `spec`, with `address` on the traffic network if any */
	ACTION_START,      /* start `instance` (or unpause it) */
	ACTION_ALIAS,      /* give `instance` the service's name on its networks: its places become `endpoints` */
	ACTION_UNALIAS,    /* take it away again; addresses and open connections stay */
	ACTION_UPDATE,     /* set `changes` on the running `instance`, and read them back */
	ACTION_RENAME,     /* call `instance` `name`, also while it runs */
	ACTION_PARK,       /* restart policy of `instance` -> "no"; it stays up, warm */
	ACTION_STOP,       /* restart policy -> "no", then stop `instance` within spec->stop_grace_ms */
	ACTION_REMOVE,     /* remove the stopped `instance`; never a volume */
	ACTION_DROP,       /* let go of `image`, which we pulled; stays when somebody uses it after all */
	ACTION_UNANNOUNCE, /* take a stale close flag away */
	ACTION_PUBLISH,    /* install `topology`: test, install, announce, reload, confirm */
	ACTION_WEIGHT,     /* give `weight` permille of the requests of the rollout to its next side */
	ACTION_SWAP_MAKE,  /* make the swap file `swap`, in the place of ours that is not in use, and activate it */
	ACTION_SWAP_MEND,  /* set right what is not the file itself: in use, 0600, its line in /etc/fstab */
	ACTION_SWAP_OFF,   /* deactivate and remove it, and its line unless it is made anew */
	ACTION_SWAPPINESS, /* set and keep vm.swappiness, or stop keeping it */
	ACTION_QUARANTINE, /* note: `revision` failed, for `reason` */
	ACTION_COMMIT,     /* note: `spec` is good */
	ACTION_KIND_COUNT
};

/* Who carries an action out. */
enum action_room { ROOM_DOCKER, ROOM_NGINX, ROOM_HOST, ROOM_NOTES };

/* What an action of ROOM_HOST is about. */
struct swap_change {
	const char *file;
	int64_t size_bytes;    /* MAKE */
	int64_t before_bytes;  /* MAKE: the size of the one that it takes the place of; 0: there is none */
	bool is_unused;        /* MEND: it is to be activated, too */
	bool is_bridge;        /* MAKE: swap for a while only, and without a line */
	bool is_step;          /* MAKE, OFF: the file is made anew; OFF leaves its line where it is */
	/* SWAPPINESS: */
	int from, to;          /* of the kernel; the same: only our file differs */
	bool is_kept;          /* in our file below /etc/sysctl.d; else that goes */
	int before;            /* what it was before it was ours, for the file; -1: unknown */
};

struct change {
	const struct field *field;
	struct value from, to;
};

struct action {
	enum action_kind kind;
	const char *project, *service; /* service NULL: the project's or the whole host's */
	const char *revision;
	const char *reason;            /* why, in a few words, for people; may be NULL */
	const struct service *spec;    /* CREATE, PULL, BUILD, START, ALIAS, UNALIAS, UPDATE, STOP (its grace; may be NULL), COMMIT */
	const struct instance *instance; /* START, ALIAS, UNALIAS, UPDATE, RENAME, PARK, STOP, REMOVE */
	const char *name;              /* CREATE, RENAME */
	int number;                    /* CREATE */
	const char *shares;            /* CREATE: id of the instance of which it has the network, NULL: its own */
	const char *address;           /* CREATE: IPv4 on the traffic network, NULL: not routed */
	const struct value *ports;     /* CREATE: list of those that routes lead to; NULL: not routed */
	int port;                      /* CREATE with an address like 127.0.0.1:20000: the port inside that it leads to */
	const char *network, *subnet;  /* NETWORK; CREATE: `network` is the traffic network */
	const char *gateway;           /* NETWORK with subnet: the host's own address in it */
	const char *range;             /* NETWORK with subnet: where the engine gives addresses; NULL: the traffic network */
	const struct endpoint *endpoints; /* CREATE: its places; ALIAS, UNALIAS: those that change, as they shall be */
	size_t endpoints_count;
	const char *volume;            /* VOLUME */
	const struct resource *resource; /* NETWORK, VOLUME: as the manifest declares it; NULL: with nothing special */
	const struct past_image *image; /* DROP */
	const char *image_id;          /* COMMIT: what its image is on this host; "": it is not here */
	const char *rollout;           /* WEIGHT */
	int weight;                    /* WEIGHT */
	bool to_testers;               /* WEIGHT of 0: whoever asks gets it all the same; a larger one has them, too */
	const struct topology *topology; /* PUBLISH */
	const struct swap_change *swap; /* SWAP_*, SWAPPINESS */
	const struct change *changes;  /* UPDATE */
	size_t changes_count;
};

struct action_info {
	const char *verb;       /* "start" */
	enum action_room room;
};
const struct action_info *action_info(enum action_kind kind);

/* Must `later` wait for the end of `earlier`? What is about the same container, network, volume or image waits, and so
 * does what needs the other's result. One action and itself: yes. */
bool action_must_follow(const struct action *later, const struct action *earlier);
/* Are both about one service, or about a project as a whole? */
bool action_is_of_same(const struct action *a, const struct action *b);

/* Of one decision, those of a lower order are begun first: notes before the act that they are about; traffic before
 * instances; then the structure, and last what may take long. */
#define ACTION_ORDERS 5
int action_order(const struct action *a);

/* One line without newline: "shop/web: start shop-web-2". The same in plan, log and tests. */
void action_print(struct buf *out, const struct action *a);

#endif
