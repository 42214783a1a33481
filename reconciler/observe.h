/*
 * The observed world, put together: Docker and nginx as they answer, the notes, our own probes, and how long those have
 * said the same. The last is all that is carried over from one observation to the next, and only in this process.
 */
#ifndef OBSERVE_H
#define OBSERVE_H

#include "base/arena.h"
#include "docker/docker.h"
#include "host/host.h"
#include "host/notes.h"
#include "measure.h"
#include "model/desired.h"
#include "model/world.h"
#include "net/http.h"
#include "nginx/access_log.h"
#include "nginx/nginx.h"

struct memory;

struct observer {
	struct http *http;
	struct docker *docker;
	const char *docker_host; /* for messages */
	struct nginx_settings *nginx; /* where it is, and which version, is found out here */
	const struct host_settings *host;
	const struct notes *notes;
	const char *orders_folder;
	struct arena *arena; /* for what is remembered */
	struct access_log access_log;
	struct measurer measurer;
	struct memory *memories;
	size_t memories_count;
	int64_t wall_ms, monotonic_ms; /* when the run began */
	int64_t watched_since_ms;      /* the end of the first look; 0: there was none */
	bool has_looked;
	bool is_glance; /* one look and no other: what passes now is taken to have passed since its start */
};

/*
 * The time of the run, ms since 1970: the wall clock's when the run began, and what has passed since. A clock that is set
 * in the middle, or a host that slept, moves nothing: no hold is over for it and no deadline has passed.
 */
int64_t observer_now_ms(const struct observer *o);

/* Fills *w, in `a`, but for failures, which are the performer's. */
MUST_CHECK int observe(struct observer *o, const struct desired *d, struct arena *a, struct world *w, struct err *e);

#endif
