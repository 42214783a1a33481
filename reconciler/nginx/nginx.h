/*
 * nginx: which structure it serves, which weights are in force, and how both are changed.
 *
 * Files, all ours, below `directory` (0755, and every parent passable for the workers):
 *   generations/<id>/http.conf   one folder for each generation; the id is the hash of its text
 *   generations/<id>/location-<name>.conf   the locations of the upstream <name>, for a server of the user's own
 *   generations/<id>/stream.conf tcp and udp, for the stream {} of the user's nginx.conf: <directory>/live/stream*.conf
 *   assets/<hash>                certificates, keys and pages, by the hash of their content
 *   live -> generations/<id>     what the http {} of the user's nginx.conf includes: <directory>/live/http*.conf
 *   sets/<permille>/<bucket>                            one empty file for each bucket below that weight
 *   sets/testers/testers                                nobody but those that ask; a set with buckets has that file, too
 *   traffic/<project>/<service>/<rollout>/now -> set    the weight in force: one rename changes it
 *   traffic/<project>/<service>/<rollout>/both          the sides may stand in for each other
 *   close                                               up while a reload is announced
 * (sets and close stand beside traffic/, where a project of that name cannot meet them)
 * Buckets are 0..999 in the order of a fixed permutation that grows: who is in at 5 % is in at 25 %.
 *
 * The private server on 127.0.0.1:<status_port>, as nginx has it, answers /generation with the id, and /side/<project>/<service>?bucket=N
 * (or =testers) with "stable" or "next", by the same flag test as the routes use.
 */
#ifndef NGINX_NGINX_H
#define NGINX_NGINX_H

#include "base/arena.h"
#include "base/err.h"
#include "model/action.h"
#include "model/world.h"
#include "net/http.h"

struct nginx_settings {
	const char *binary;      /* "nginx" */
	const char *config;      /* the user's main file: /etc/nginx/nginx.conf */
	const char *pid_file;    /* /run/nginx.pid */
	const char *container;   /* that it is in; NULL: on the host. It has `directory` at the same path, */
	const char *network;     /* and is on this one of the engine's with the instances; NULL: it has the host's network */
	int container_pid;       /* of its first process, as last seen; 0: it does not run */
	const char *directory;   /* /var/lib/reconcile/nginx, ours */
	const char *listen;      /* what our servers listen on: "80" or "127.0.0.1:8080" */
	int status_port;         /* of the private server on 127.0.0.1 */
	int version;             /* of the program, 1022001 for 1.22.1; what it does not have is not written */
	int64_t announce_ms;     /* how long answers say `Connection: close` before a reload: 400 */
	int64_t confirm_ms;      /* how long a reload may take to be confirmed: 10000 (nginx itself waits 2.5 s for a port) */
};

/* What the program says; 0: it cannot be run. */
int nginx_version(const struct nginx_settings *s);

/* Makes the folders and, when there is no `live` yet, an empty generation for it, so that the user's include works. */
MUST_CHECK int nginx_prepare(const struct nginx_settings *s, struct err *e);

/*
 * Fills *out. Never changes anything. Fails only when our own files cannot be read; an nginx that is down is told by
 * is_up and `problem`, and the topology is then the installed one. A master that lives but refuses connections on
 * status_port, or has another server there, is up and not current: it has not read our files yet, and the next PUBLISH
 * reloads it. Not current is also a text that this version with these settings would write differently.
 */
MUST_CHECK int nginx_observe(const struct nginx_settings *s, struct http *http, struct arena *a, struct nginx *out,
                             struct err *e);

/* Fills out->namings, for the installed upstreams that Git does not have. After nginx_observe(). */
MUST_CHECK int nginx_find_namings(const struct nginx_settings *s, const struct desired *d, struct arena *a, struct nginx *out,
                                  struct err *e);

/*
 * Carries out one action of ROOM_NGINX. PUBLISH: render, test (the user's whole configuration with the candidate in
 * the place of `live`, in a mount namespace of its own), install by one rename, announce, SIGHUP, confirm (every worker
 * from before is gone or says "shutting down", a new one is there, the generation answers), take the announcement
 * back; on failure the link goes back to what it was. Refused by the test: ERR_INVALID with nginx's own words; passed,
 * but our files are not included: ERR_SETUP with the line to add. Not confirmed: ERR_CONFLICT with the [emerg] lines. A topology that is live already is confirmed without a reload.
 * Without a running nginx: ERR_UNREACHABLE, and nothing was changed. A rollout that the installed topology does not
 * name starts without flags, also when its name was used before.
 * WEIGHT: builds the set if need be, `both` first when the weight grows from 0 and last when it falls to 0, one
 * rename, then asks the private server for buckets 0 and 999 and for testers; a larger share that cannot be proven is taken
 * back. Of a service with a tcp or udp route it ends with a PUBLISH, because stream has no flags.
 */
MUST_CHECK int nginx_act(const struct nginx_settings *s, struct http *http, const struct action *action, struct err *e);

#endif
