/*
 * Desired state: what Git says, normalised. Built by desired/, read by everybody, changed by nobody. It lives in the
 * pass's arena.
 */
#ifndef MODEL_DESIRED_H
#define MODEL_DESIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/field.h"
#include "model/intake.h"

#define PERMILLE 1000 /* weights are thousandths of the requests */
#define REVISION_LENGTH 16 /* hex digits of a revision */
#define DRAIN_TIMEOUT_DEFAULT_MS 65000 /* a little more than nginx's client_header_timeout of 60 s */

/* Compose: depends_on.*.condition */
enum condition { CONDITION_STARTED, CONDITION_HEALTHY, CONDITION_COMPLETED };

struct dependency {
	const char *service; /* of the same project */
	enum condition condition;
	bool is_optional; /* when it fails, one goes on without it */
	bool restarts;    /* a new revision of it makes a new one here */
};

enum strategy { STRATEGY_ROLLING, STRATEGY_BLUE_GREEN, STRATEGY_CANARY, STRATEGY_IN_PLACE, STRATEGY_COUNT };
/* As in the manifest: "blue-green". */
extern const char *const strategy_names[STRATEGY_COUNT];

#define HOLD_MANUAL (-1) /* a hold that only an operator's promote ends */

/* x-reconcile.steps: so much of the traffic, for so long. */
struct canary_step {
	int weight;       /* permille; 0, only at the first: it is in the dark, where nginx leads nobody to it but testers */
	int64_t hold_ms;  /* or HOLD_MANUAL */
	int instances;    /* in the dark: so many of the new revision; 0: as many as what comes after it needs */
};

/* A bound of the analysis: absolute, or so many times what the stable side has. */
struct bound {
	bool is_set, is_relative;
	double value;     /* a rate (0.01 is 1 %), milliseconds; or, relative, a factor (1.2) */
};

/* What becomes of a step of which it still cannot be told whether it is good, long after its hold. */
enum inconclusive { INCONCLUSIVE_PAUSE, INCONCLUSIVE_PROMOTE, INCONCLUSIVE_ABORT, INCONCLUSIVE_COUNT };
/* As in the manifest: "pause". */
extern const char *const inconclusive_names[INCONCLUSIVE_COUNT];

/*
 * x-reconcile.analysis: what sends a canary back, and how much must be seen before it goes on. Without a word of it a
 * canary (and only that) is analysed all the same with the defaults of decide/verdict.h, but waits for no traffic.
 */
struct analysis {
	bool is_on;
	int64_t min_requests;         /* attempts of next, under each weight, before it goes on; 0: it does not wait for any */
	struct bound max_error_rate;
	struct bound max_latency_p99; /* milliseconds */
	enum inconclusive on_inconclusive;
	int64_t max_hold_ms;          /* what a step lasts at most while it cannot be told, or its hold if that is more; 0: ten minutes more */
	struct {
		const char *url;      /* http(s)://host[:port] of a Prometheus; NULL: there is none */
		const char *text;     /* PromQL, one number */
		double max;           /* more than that is bad */
	} query;
};

/* Compose: pull_policy. ALWAYS asks the registry what the tag means now; the other two never ask when the image is here. */
enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER };

/* x-reconcile.ready: when an instance may get traffic. Nothing set: it must run for `for_ms` (and be healthy, if it
 * has a health check). And x-reconcile.smoke: HTTP only, counted from when it is ready; without a port there is none. */
struct ready {
	int http_port;       /* 0: no HTTP probe */
	const char *path;    /* "/" by default */
	int status;          /* expected status; 0: any 2xx or 3xx */
	const char *body;    /* must occur in the body; NULL: anything goes */
	int tcp_port;        /* 0: no TCP probe */
	int64_t within_ms;   /* deadline, counted from the start of the instance */
	int64_t for_ms;      /* how long the probes must have passed without a break */
};

/* One file of what an image is built from. */
enum build_kind { BUILD_FILE, BUILD_PROGRAM, BUILD_LINK, BUILD_FOLDER };
struct build_file {
	const char *path; /* in the context */
	enum build_kind kind;
	const char *text; /* the content, or where a link leads; NULL: asked for by `hash` or `from` when it is sent */
	const char *hash; /* of the content */
	const char *from; /* on this host; NULL: in the commit */
};

/* Compose: build. The image's tag is the hash of all this, so equal tags are equal images. */
struct build {
	const char *dockerfile; /* in the context */
	struct value also;      /* list: more names for the image; not part of what it is */
	struct value options;   /* map: parameters of the engine's POST /build, in its own words */
	struct build_file *files;
	size_t files_count;
	void *source;           /* the commit's: for whoever gives the content */
};

struct service {
	const char *project, *name;
	char revision[REVISION_LENGTH + 1];
	struct spec spec;

	/* Read off the spec, for those who decide: */
	const char *container_name; /* NULL: they are called project-name-number */
	const char *image;    /* as the engine calls it: with a digest there is no tag in it */
	const struct build *build; /* NULL: pulled; also for one that was read back from the notes */
	enum pull_policy pull;
	int replicas;
	bool has_healthcheck; /* of the manifest; an image's own is seen on the instance */
	bool is_job;          /* others wait for its end: not ready before it has exited with 0 */
	bool may_end;         /* an exit with 0 is its completion, not drift */
	int64_t stop_grace_ms;
	const char **volumes; /* engine names of the named volumes it mounts */
	size_t volumes_count;
	struct dependency *dependencies;
	size_t dependencies_count;

	/* x-reconcile */
	enum strategy strategy;
	const char *strategy_reason; /* why: "set in the manifest", "a writable volume" */
	int batch;            /* instances that are replaced at a time, at least 1 */
	int back_batch;       /* the same on the way back to this revision; 0: as there */
	struct ready ready;
	struct ready smoke;   /* asked of a new revision's instances before their first request, until each has passed once */
	int64_t hold_ms;      /* how long the new revision is watched after it has the traffic; or HOLD_MANUAL */
	int pause_after;      /* rolling: its hold after so many batches only an operator ends; 0: after none */
	struct canary_step *steps; /* weights rise; canary, and of blue-green one in the dark */
	size_t steps_count;
	struct analysis analysis;
	int64_t keep_old_ms;      /* how long the old one stays warm after that */
	int rollback_window;      /* so many of the revisions that were good before come back by their readiness alone */
	int64_t drain_timeout_ms; /* bound on waiting for requests in flight */
	bool is_routed;           /* some route leads to it, */
	bool has_testers;         /* and one of these says what testers send */
	bool is_left_alone;       /* --target: neither a target nor needed by one. Stays as it is: instances, traffic, images */

	/* With PULL_ALWAYS: why nobody could say what its tag means now. This is then the last good one, when there is one. */
	enum err_kind unresolved; /* ERR_NONE: it is known */
	const char *unresolved_why;
};

/* A network or volume that the manifest declares at its top level. */
struct resource {
	const char *key;       /* in the manifest: "front" */
	const char *name;      /* of the engine: "shop_front" */
	bool is_external;      /* somebody else makes it: used, never made */
	struct value settings; /* a map in the engine's own words, for POST /networks/create or /volumes/create */
};

/* A way in, and a service that it leads to. Routes with the same way in (host and path) share its requests by weight. */
struct route {
	enum transport transport;
	const char *host;             /* server_name; "_" is the default server; of tcp and udp the address, as intake.listen */
	bool is_upstream;             /* the user's own server takes the requests; `host` is what it calls us: proxy_pass http://HOST */
	const char *path;             /* "/", or "/api": that, and all below it; the longest one wins */
	const char *project, *service;
	int port;                     /* inside the container; of a topology, that of the stable side, */
	int next_port;                /* and that of the next side, where it is another one; 0: it is the same */
	int weight;                   /* percent of the requests of its way in; together they are 100 */
	const char *where;            /* "shop/compose.yaml:12:9", for conflicts */
	struct intake in;
};

/* A copy of a secret or config, for a service to mount. Its name is the hash of all the rest. */
struct kept_file {
	const char *path;
	const char *bytes;
	size_t length;
	unsigned mode;
	int uid, gid; /* -1: ours */
};

/* x-reconcile.host.swap: the swap file that the host shall have. */
struct swap_want {
	const char *file;    /* absolute, of plain characters: it goes into /etc/fstab */
	int64_t size_bytes;  /* whole pages */
	int swappiness;      /* of the kernel; -1: not our business */
	const char *where;   /* "shop/compose.yaml:20:11", for conflicts */
};

struct project {
	const char *name;
	bool is_atomic;             /* either all of its services come to what Git says, or none does */
	const char *directory;      /* the path that labels show as working_dir */
	const char *file;           /* the manifest */
	const char *where;          /* "shop/compose.yaml:1:7": of its name, for conflicts */
	const char **left_alone;    /* services of profiles that are not enabled: neither wanted nor gone */
	size_t left_alone_count;
	bool has_binds;             /* something in its directory is mounted */
	struct kept_file *kept;     /* what its services have of secrets and configs */
	size_t kept_count;
	bool keeps_gone;            /* --target: what left it in Git stays, too */
	struct service *services;   /* dependencies come before those that need them */
	size_t services_count;
	struct resource *networks;  /* as declared; `default` need not be */
	size_t networks_count;
	struct resource *volumes;
	size_t volumes_count;
	const struct swap_want *swap; /* NULL: it asks for none */
};

struct desired {
	const char *commit;         /* full id; "" when it did not come from Git */
	const char *subject;        /* first line of the commit message, "" without Git */
	struct project *projects;
	size_t projects_count;
	struct route *routes;       /* of all projects */
	size_t routes_count;
	int loopback_first, loopback_last; /* setting: ports of 127.0.0.1 at which nginx reaches instances; 0: it reaches the bridge */
	const char *nginx_network;  /* setting: where nginx reaches all instances, a network of somebody else's; NULL: on those of the projects */
	const char *subnet;         /* setting: "10.231.0.0/16", one /24 of it for each project's traffic network */
	bool is_partial;            /* something is left out: what nobody here asks for may be asked for there */
};

/*
 * Engine names of the networks that an instance joins, the one of its creation first; each holds what the spec says of
 * it, or NULL. Without a word in the spec it is the project's default network; with a network_mode there are none.
 */
struct attachment {
	const char *network;
	const struct value *how; /* map: aliases, ipv4_address, ipv6_address; may be NULL */
};
/* The ports that routes lead to, sorted. They belong to the revision: its instances are proven and asked at them. */
const struct value *service_ports(const struct service *s);
/* Those of udp: asked, but never proven, because nobody can knock there. */
const struct value *service_udp_ports(const struct service *s);
bool ports_have(const struct value *ports, int port);
/* The service of which it has the network (network_mode: service:NAME); NULL: none. */
const char *service_shares(const struct service *s);
const char *mode_shares(const struct value *network_mode);
size_t service_networks(const struct service *s, struct arena *a, struct attachment **out);

/* By engine name; NULL when the manifest does not declare it. */
const struct resource *desired_network(const struct desired *d, const char *project, const char *name);
const struct resource *desired_volume(const struct desired *d, const char *project, const char *name);

/* Does Git have the service, in a profile that is not enabled? */
bool desired_leaves_alone(const struct desired *d, const char *project, const char *service);

/* What the projects agree on; NULL when none asks for swap. */
const struct swap_want *desired_swap(const struct desired *d);

/* How nginx and our probes reach an instance, by its network_mode (NULL and UNSET: without a word of it). */
enum address_kind {
	ADDRESS_OURS, /* a fixed address on the project's traffic network, or on the one that the setting names */
	ADDRESS_LOOPBACK, /* a port of 127.0.0.1 that the engine publishes: for an nginx that cannot reach the bridge */
	ADDRESS_HOST, /* the host's own loopback, at the routed port: there is one of it, so in-place only */
	ADDRESS_NONE, /* not at all */
};
enum address_kind address_kind(const struct value *network_mode);
/* The same as the setting has it: LOOPBACK in the place of OURS. */
enum address_kind desired_address_kind(const struct desired *d, const struct service *s);
#define ADDRESS_OF_HOST "127.0.0.1"
/* For people: makes the network of the setting nginx.network, by name. Half of it is left to the engine. */
#define NETWORK_MAKE "docker network create --subnet 10.77.0.0/24 --ip-range 10.77.0.0/25 %s"

/* Does one server take what comes in for both? */
bool route_is_same_server(const struct route *a, const struct route *b);
/* Do two routes have the same way in? */
bool route_is_same_way(const struct route *a, const struct route *b);
/* The loopback address at which nginx takes the requests of a user's own server, into out[16]. It depends on the name
 * alone, so that it is the same in every generation: a worker of an old one must not meet another service there. */
void route_hop(const char *upstream, char *out);

/* NULL when there is none. */
const struct service *desired_service(const struct desired *d, const char *project, const char *service);

#endif
