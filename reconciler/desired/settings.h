/*
 * The host's settings: one table of rows, each with its flag, environment variable, file key, default and one line of
 * documentation. Flag > environment > file > default.
 */
#ifndef DESIRED_SETTINGS_H
#define DESIRED_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define DEFAULT_ENV_FILE "/etc/reconcile/env"

struct settings {
	const char *repo;         /* URL of the Git repository; NULL: none */
	const char *branch;       /* or a tag */
	const char *rev;          /* instead of the branch: a branch, a tag, a commit or its first digits; NULL: none */
	const char *path;         /* a Compose file, the folder that holds it, or one whose folders hold one each: in the
	                             repository, or on disk without one */
	const char *git_user, *git_token_file, *git_ca_file, *git_key_file, *git_known_hosts, *git_force_push;
	const char *profiles;     /* of Compose, with commas between; "*": all; NULL: none */
	const char *env_file;     /* what ${VAR} may refer to; NULL: DEFAULT_ENV_FILE, if it is there */
	const char *state_dir;    /* /var/lib/reconcile */
	const char *run_dir;      /* /run/reconcile */
	/* --target: PROJECT or PROJECT/SERVICE; of this call alone, so no row of the table. None: all. */
	const char *const *targets;
	size_t targets_count;
	int64_t interval_ms;      /* between two passes of --watch, from the end of one to the start of the next */
	int64_t lock_timeout_ms;  /* how long to wait for a run that holds the lock */
	const char *docker_host;  /* DOCKER_HOST, or unix:///var/run/docker.sock */
	const char *docker_config; /* DOCKER_CONFIG, or /root/.docker: the folder of config.json */
	int64_t min_free;         /* bytes that a disk must have free: Docker's before a pull, that of a swap file after it */
	const char *nginx_binary, *nginx_config, *nginx_pid, *nginx_listen;
	const char *nginx_container; /* NULL: nginx is on the host */
	const char *nginx_network;   /* of the container and of the instances; NULL: it has the host's network */
	int64_t nginx_status_port;
	const char *nginx_loopback_ports; /* "20000-20999"; NULL: nginx reaches Docker's bridge */
	const char *subnet;       /* 10.231.0.0/16: one /24 of it for each project's traffic network */
	const char *instance;     /* whose containers are ours; default: derived from the state folder's path */
};

enum setting_type { SETTING_STRING, SETTING_PATH, SETTING_INT, SETTING_SIZE, SETTING_DURATION };

struct setting {
	const char *key;          /* in the file, dotted: "nginx.status_port" */
	const char *flag;         /* "--repo"; NULL: file and environment only */
	const char *variable;     /* "RECONCILE_REPO" */
	enum setting_type type;
	size_t offset;            /* in struct settings */
	const char *fallback;
	const char *doc;
};
const struct setting *settings_rows(size_t *count);

/* All rows as a settings file in which each is commented out, with its documentation and default. */
void settings_print(struct buf *out);

/* A flag that was given on the command line. */
struct setting_flag {
	const struct setting *row;
	const char *value;
};

/*
 * file: NULL means /etc/reconcile/reconcile.yaml if it is there. Everything in *out lives in the arena. ERR_INVALID
 * with "file:line:col: key: what is wrong" for the file, or the variable's or flag's name.
 */
MUST_CHECK int settings_load(const char *file, const struct setting_flag *flags, size_t flags_count, struct arena *a,
                             struct settings *out, struct err *e);

/* "20000-20999" -> 20000, 20999. False: no such range. */
bool settings_ports(const char *text, int *first, int *last);

#endif
