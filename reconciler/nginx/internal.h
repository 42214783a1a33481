/* What the files of this room share: names and paths of ours, the weights on disk, and the processes of nginx. */
#ifndef NGINX_INTERNAL_H
#define NGINX_INTERNAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "nginx/nginx.h"

#define NGINX_TEXT_MAX ((size_t)8 << 20) /* of one http.conf */
#define NGINX_ID_LENGTH 16               /* hex digits of a generation id */

#define CONFIG_NO_ID "0000000000000000"  /* stands where the id will */
/* The first line of stream.conf, by which it is known whether nginx reads it. */
#define CONFIG_STREAM_HEAD "# Written by reconcile, for the stream block. Do not edit: it is written again."

/* config.c */
/* What goes into the text or into a path of ours, character by character. A name is one path component. */
bool config_is_name(const char *s);
bool config_is_rollout(const char *s);
bool config_is_address(const char *s);
bool config_is_service(const struct traffic *t);
bool config_is_route(const struct route *r);
/* ERR_INVALID when a setting could not stand in a configuration file as it is. */
MUST_CHECK int config_check_settings(const struct nginx_settings *s, struct err *e);
/* The comment lines at the top, which carry the topology. */
void config_head(struct buf *out, const struct topology *t);
/* Puts the hash of the text into its places. False when one of them is not there. */
bool config_seal(char *text);
/* Reads the topology out of the comment lines whether or not the rest was changed by hand; never fails. */
void config_read(const char *text, struct arena *a, struct topology *t);
/* The id inside a rendered text; NULL when there is none. In the arena. */
const char *config_generation(const char *text, struct arena *a);
/* Does the id fit the text? If not, somebody changed it. */
bool config_is_intact(const char *text);

/* render.c: a topology to the files of a generation. Pure. Of the weights those of services with tcp or udp routes count. */
struct config_file {
	const char *name, *text;
};
struct config {
	struct config_file *files; /* http.conf, location-<name>.conf for each upstream, and for tcp and udp stream.conf */
	size_t count;
	bool has_streams;
	const char *id;            /* covers them all */
};
/* Is a rollout under way: does some service have a second side? */
bool topology_has_next(const struct topology *t);
MUST_CHECK int config_render(const struct nginx_settings *s, const struct topology *t, struct arena *a,
                             struct config *out, struct err *e);

/* traffic.c: the weights on disk */
#define TRAFFIC_TESTERS "testers" /* the bucket of whoever asks for the next side: in with the first, or alone */
int traffic_bucket(int rank); /* the bucket that comes in as number `rank`, both 0..999 */
char *traffic_path(const struct nginx_settings *s, struct arena *a, const struct traffic *t, const char *leaf);
/* Fills weight, to_testers and weight_since_ms. */
void traffic_read(const struct nginx_settings *s, struct arena *a, struct traffic *t);
MUST_CHECK int traffic_write(const struct nginx_settings *s, struct arena *a, const struct traffic *t, int weight,
                             bool to_testers, struct err *e);
/* Takes away all flags of a rollout: from then on everything goes to its stable side. */
MUST_CHECK int traffic_forget(const struct nginx_settings *s, struct arena *a, const struct traffic *t, struct err *e);
/* Removes the flags of all rollouts that neither topology names. */
MUST_CHECK int traffic_sweep(const struct nginx_settings *s, struct arena *a, const struct topology *one,
                             const struct topology *other, struct err *e);
const struct traffic *topology_service(const struct topology *t, const char *project, const char *service);
bool topology_has_rollout(const struct topology *t, const struct traffic *which);

/* master.c: the processes */
struct workers {
	pid_t *pids;  /* every "nginx: worker process…" of one master */
	bool *is_shutting_down;
	size_t count;
};
/* The pid of the living master, or -1 and why not (ERR_UNREACHABLE). */
pid_t master_find(const struct nginx_settings *s, struct err *e);
void master_workers(pid_t master, struct arena *a, struct workers *out);
/* The master's error log: how long it is, and the [emerg] lines that the master wrote after that. */
off_t master_log_size(pid_t master);
char *master_log_emerg(pid_t master, off_t from, struct arena *a);

/* observe.c */
/* The generation that `live` leads to; where that leads nowhere, the one that nginx answers with, if it is still there. */
struct installed {
	const char *id;   /* "": none */
	char *text;       /* of its http.conf; NULL: gone */
	bool is_linked;   /* by `live`, as we do it */
};
MUST_CHECK int installed_read(const struct nginx_settings *s, struct http *http, struct arena *a, struct installed *out,
                              struct err *e);
/* What the private server answers to `path`: the first line, in the arena. */
MUST_CHECK int private_ask(const struct nginx_settings *s, struct http *http, const char *path, struct arena *a,
                           const char **answer, struct err *e);

/* test.c */
/* Tests the user's whole configuration with the folder `candidate`, which holds `config`, standing where `live` leads to.
 * ERR_SETUP when that passes and does not include ours. */
MUST_CHECK int config_test(const struct nginx_settings *s, const char *candidate, const struct config *config, struct err *e);

/* assets.c: files of the user's that nginx reads, as copies of ours */
char *asset_path(const struct nginx_settings *s, struct arena *a, const struct asset *which);
/* Writes those of the topology that are not there yet; one without bytes is there, or is nobody's business. */
MUST_CHECK int assets_write(const struct nginx_settings *s, struct arena *a, const struct topology *t, struct err *e);
/* Which of them is gone or changed, for people; NULL: none. */
const char *assets_problem(const struct nginx_settings *s, struct arena *a, const struct topology *t);
/* Removes those that neither topology names. */
void assets_sweep(const struct nginx_settings *s, struct arena *a, const struct topology *one, const struct topology *other);

/* binary.c */
/* In a child that is about to become nginx: into the container that it lives in, if it does. -1 with errno. */
MUST_CHECK int binary_enter(const struct nginx_settings *s);
/* Does the program itself have the stream module? It may also be one that the configuration loads. */
bool binary_has_stream(const struct nginx_settings *s);

/* All of the user's configuration as it is on disk, in *whole; nothing when nginx refuses it. */
MUST_CHECK int config_dump(const struct nginx_settings *s, struct buf *whole, struct err *e);

/* inherited.c */
/* The access_log lines that our servers inherit from the user's http block, in words that may stand in ours. `dump` is
 * of nginx -T. Without any, none. */
struct inherited {
	const char **logs;
	size_t logs_count;
	bool is_off;      /* there shall be none */
};
void inherited_read(const struct nginx_settings *s, const char *dump, struct arena *a, struct inherited *out);
/* Sets the logs of a topology in which a rollout is under way; with what nginx does without a word on it, when there are
 * none. */
void inherited_logs(const struct nginx_settings *s, struct arena *a, struct topology *t);

/* access_log.c: our own log, in `directory` */
#define ACCESS_LOG_NAME "requests.log"

#endif
