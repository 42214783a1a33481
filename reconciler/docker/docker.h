/*
 * The Docker engine, over its API (1.40 and later, negotiated through /version).
 *
 * Call order: docker_open, then observe, begin and poll as often as wanted, docker_free when nothing is under way. One
 * connection pool, requests in flight in parallel. Only what carries our label `io.reconcile.instance=<instance id>` is observed as an instance or
 * acted on; names of foreign volumes, networks and images are only read.
 *
 * Labels on what we create: com.docker.compose.project/.service/.container-number/.oneoff=False/.config-hash (= our
 * revision), so that `docker compose ps` and `logs` work; io.reconcile.instance and io.reconcile.revision; and
 * io.reconcile.address.NETWORK where it has a fixed address, which only the label keeps while it is off the network. On
 * networks and volumes com.docker.compose.project and .network/.volume, and io.reconcile.instance.
 */
#ifndef DOCKER_DOCKER_H
#define DOCKER_DOCKER_H

#include "base/arena.h"
#include "base/err.h"
#include "model/action.h"
#include "model/world.h"
#include "net/http.h"

struct docker;

/* How an action ended. */
struct outcome {
	int result;      /* 0 or -1 */
	struct err err;
	int64_t retry_after_ms; /* PULL: how long the registry wants to be left alone; 0: it did not say */
	char log[2048];         /* BUILD: the last lines of one that failed; else "" */
	char note[160];         /* CREATE: what the engine cannot do of it; "" */
	char image_id[80];      /* PULL, BUILD: what the image is now; "" when the engine did not say */
};

struct docker_settings {
	const char *host;        /* "unix:///var/run/docker.sock" or "tcp://127.0.0.1:2375" */
	const char *instance_id; /* ours */
	const struct field *const *rows; /* the field table: what to compare and how to write it */
	size_t rows_count;
	const char *nginx_network; /* where all instances have the address at which nginx reaches them; NULL: PROJECT_reconcile */
	const char *config_folder; /* of Docker's config.json, for credentials; NULL: none */
	/* The bytes of one file of a build's context; NULL: nothing is ever built. */
	int (*content)(const struct build *b, const struct build_file *f, struct arena *a, char **bytes, size_t *length,
	               struct err *e);
	/* Told as it happens, from docker_begin() and docker_poll(), which they must not call; NULL: nobody listens. Each
	 * action that is told to begin is told to end, once; those of one service in the order in which they were given. */
	void (*begun)(void *context, const struct action *action);
	void (*ended)(void *context, const struct action *action, const struct outcome *outcome, int64_t took_ms);
	void *context;
	int64_t min_free_bytes;    /* no pull while the engine's disk has less than that; 0: pull anyway */
};

/* Does not connect. Borrows http and the settings' strings for as long as it lives. */
MUST_CHECK int docker_open(struct docker **out, const struct docker_settings *s, struct http *http, struct err *e);
void docker_free(struct docker *d);

/*
 * Fills instances, networks, volumes and images of *world, in the arena. Instances are sorted by project, service,
 * number. `address` of one that is down is the one that it will have when it starts. `connections` is left at -1: see
 * docker_connections(). A container that vanishes while we look is left out; one that the
 * engine cannot inspect (500) is there with what the list says, `live` NULL and the engine's words in `error`.
 * `images` holds every spelling of each image that a manifest may use ("redis" for docker.io/library/redis:latest), but
 * never tag and digest together. Probe results, passing_since and idle_readings are left zero: the
 * cycle fills them. ERR_UNREACHABLE when the engine does not answer.
 */
MUST_CHECK int docker_observe(struct docker *d, struct arena *a, struct world *world, struct err *e);

/*
 * Connections that others hold to a running instance, from /proc/<pid>/net/tcp{,6}: ESTABLISHED or SYN_RECV, at a local
 * port that is in LISTEN state in that network namespace, remote not loopback; -1 when it cannot be read. One on the
 * host's own network shares that with everybody: then `ports` are its own, and nginx is on loopback. Not part of observing, because a busy network namespace makes it dear and only those that drain are asked.
 */
int docker_connections(const struct instance *i, const int *ports, size_t count);

/*
 * Begins what can be begun now of these actions (all of ROOM_DOCKER) and returns at once. An action goes on for as long as
 * it takes, while others look at the engine and begin more: whoever decides anew may ask for it again, and nothing is
 * begun twice. What waits is
 *   - an action on a service of which earlier ones are under way, or one that must follow one that is (model/action.h):
 *     it is forgotten, to be asked for again;
 *   - one that must follow another of the same call, or for which there is no room yet: until that one has ended, or until
 *     the next docker_begin(), which forgets it unless others of its service have begun.
 * What follows a failed action of the same call is not tried and fails with that one's kind ("not tried: ..."). After a
 * stop request nothing new is begun: STOPPED.
 *
 * The actions and all that they point to must stay while docker_needs() says so of their `pass`, any pointer that names
 * the memory they are in.
 *
 * Every act is idempotent: create of a name that exists with our id and revision, start of what runs, stop of what
 * stopped, remove of what is gone are all fine. Kinds: 404 NOT_FOUND, 409 CONFLICT, 400 INVALID, 401/403 DENIED, 5xx
 * TRANSIENT, but a start that fails because of the container itself (port taken, no such file: the engine says 500, 400
 * or 403) is CONFLICT, and so is an address on the traffic network that cannot be had. Pull reports failures inside its
 * 200 stream: they are found there. What the registry said through the engine, which makes a 500 of nearly everything,
 * is told apart by its words: DENIED, NOT_FOUND, else TRANSIENT. A config.json or a credential helper that is broken is
 * SETUP.
 */
void docker_begin(struct docker *d, const void *pass, const struct action *const *actions, size_t count);
/* Lets what was begun go on for at most so long; returns earlier when nothing is under way any more, and when something
 * has ended and what is left may take minutes. */
void docker_poll(struct docker *d, int64_t timeout_ms);
bool docker_needs(const struct docker *d, const void *pass);
/* Those that are under way: begun, and not told to have ended. */
size_t docker_under_way(const struct docker *d, struct arena *a, const struct action ***out);
/* Is there any among them that soon ends? A pull, a build and a stop may take minutes. */
bool docker_has_quick(const struct docker *d);

/* What a tag means now, as its registry says. */
struct resolution {
	const char *image;   /* in */
	bool is_secret;      /* in: its name, and so what a registry says about it, is not for everybody */
	const char *digest;  /* "sha256:...", in the arena; NULL when there is an error */
	struct err err;      /* as with a pull */
};
/* Asks for all of them at once, through the engine, with the same credentials as a pull. */
void docker_resolve(struct docker *d, struct arena *a, struct resolution *items, size_t count);

/* A container of somebody else's. */
struct foreign {
	int pid;         /* of its first process; 0: there is none of that name that runs */
	bool is_on_host; /* it has the host's network */
	bool is_there;   /* it is on `network` */
};
/* `network` may be NULL. */
MUST_CHECK int docker_find(struct docker *d, const char *name, const char *network, struct foreign *out, struct err *e);

/* The last lines of an instance's log, stdout and stderr interleaved, without the stream headers; and, when `state` is not
 * NULL, what the engine knows of how it is: its "State", with what its health check said, as JSON, also when its log cannot
 * be read. */
MUST_CHECK int docker_logs(struct docker *d, const struct instance *i, int lines, struct buf *out, struct buf *state,
                           struct err *e);

#endif
