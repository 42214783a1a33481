/*
 * Reading one manifest: where problems go, and the parsers that the field table names. A parser takes a node and gives
 * a normalised value, or says what is wrong and where.
 */
#ifndef DESIRED_PARSE_H
#define DESIRED_PARSE_H

#include "base/arena.h"
#include "desired/manifest.h"
#include "desired/yaml.h"
#include "model/desired.h"

struct report {
	struct mark mark;
	bool is_warning;
	const char *text; /* the whole line */
};

/* What the volumes of the service being read come to. */
struct mounts {
	const char **volumes; /* engine names of named volumes */
	size_t volumes_count;
	bool are_writable;    /* some volume or bind can be written to */
	struct mark writable_mark;
};

/* A secret or config that is declared at the top level. */
struct kept {
	const char *key;
	const char *bytes;
	size_t length;
	bool is_broken; /* which was told */
};

struct parse {
	const char *file;
	const char *directory;
	const char *project;
	const char *listen; /* the setting nginx.listen; may be NULL */
	const char *nginx_network; /* the setting nginx.network; may be NULL */
	bool is_elsewhere;  /* this may not be the host */
	const struct manifest_files *files; /* NULL: on disk */
	const struct environment *env;
	struct arena *a;
	struct report *reports;
	size_t reports_count;
	size_t errors;
	size_t expanded_bytes; /* of all scalars as they were visited */
	struct resource *volumes, *networks; /* declared at the top level */
	size_t volumes_count, networks_count;
	struct kept *secrets, *configs;
	size_t secrets_count, configs_count;
	const char *kept_folder;      /* for the copies of what services have of them */
	struct kept_file *kept_files; /* those */
	size_t kept_files_count;
	struct mounts mounts;
	const char **pairs;           /* of certificate and key, by their hashes, that go together */
	size_t pairs_count;
	bool is_left_alone; /* the service being read: files that only it needs are not asked for */
	bool has_binds; /* something in the project's directory is mounted */
};

/* `path` may be "" at the top. parse_error returns -1. */
int parse_error(struct parse *p, struct mark at, const char *path, const char *fmt, ...) PRINTF_LIKE(4, 5);
void parse_warning(struct parse *p, struct mark at, const char *path, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* "'what is written'", short and on one line, safe to show: never the value of a variable. */
const char *node_shown(struct parse *p, const struct node *n);

/* Interpolates every scalar of the tree, once. */
MUST_CHECK int parse_evaluate(struct parse *p, struct node *n, const char *path);

/* Text in a scalar, or a complaint: "must be text". */
MUST_CHECK int parse_text(struct parse *p, const struct node *n, const char *path, const char **text);
/* Any scalar but null as text. */
MUST_CHECK int parse_scalar(struct parse *p, const struct node *n, const char *path, const char **text);
MUST_CHECK int parse_yes_no(struct parse *p, const struct node *n, const char *path, bool *out);
MUST_CHECK int parse_integer(struct parse *p, const struct node *n, const char *path, int64_t least, int64_t most,
                             int64_t *out);
/* A path on the host: whole, or relative to the manifest's folder; without "." and "..". */
MUST_CHECK int parse_host_path(struct parse *p, const struct node *n, const char *path, const char *text, const char **out);
const char *clean_path(struct arena *a, const char *path); /* "/d/../e/" -> "/e" */

/* A value made of one scalar keeps its secrecy. Returns 0. */
static inline int give(struct value *out, const struct node *n, struct value v)
{
	*out = v;
	out->secret = n->secret;
	return 0;
}

/* The keys of a map, as a table: one row for each. Unknown keys are told; foreign x- keys are left alone. */
struct key_row;
MUST_CHECK int parse_keys(struct parse *p, const struct node *n, const char *path, const char *section,
                          const struct key_row *rows, size_t count, struct value *out);

/* The bytes of a file of the host; one in the project's directory comes from Git, where Git has it. */
MUST_CHECK int parse_file(struct parse *p, const char *whole, size_t max_bytes, char **text, size_t *length, struct err *e);
/* "/srv/shop/a/b" -> "a/b" when the project's directory is /srv/shop, "" for that itself; NULL: somewhere else. */
const char *parse_below(const struct parse *p, const char *whole);

/* The parser of a row. UNSET in *out: as if the key were not there. */
typedef int parse_field(struct parse *p, const struct node *n, const char *path, struct value *out);

parse_field parse_name_of_image, parse_pull_policy, parse_command, parse_environment, parse_volumes, parse_depends_on, parse_restart,
	parse_healthcheck_test, parse_nanoseconds, parse_milliseconds, parse_bool, parse_count, parse_replicas, parse_expose,
	parse_memory, parse_memory_and_swap, parse_cpus, parse_pids, parse_networks, parse_strategy, parse_port, parse_path,
	parse_status, parse_string, parse_flag, parse_size, parse_cpu_shares, parse_swappiness, parse_oom_score, parse_anything;
/* parse_words.c */
parse_field parse_entrypoint, parse_words, parse_words_or_one, parse_groups, parse_capabilities, parse_labels,
	parse_pairs, parse_options, parse_pid, parse_ipc, parse_userns, parse_pull_policy, parse_network_mode,
	parse_deploy_mode, parse_update_order, parse_failure_action, parse_restart_condition, parse_directory, parse_host_name, parse_platform, parse_security,
	parse_profiles, parse_cpuset;
/* parse_host.c */
parse_field parse_ports, parse_devices, parse_ulimits, parse_extra_hosts, parse_tmpfs;
parse_field parse_env_files, parse_build, parse_gpus, parse_links;
/* parse_kept.c; and `secrets` or `configs` at the top level, which may be NULL. */
parse_field parse_secrets, parse_configs;
void kept_read(struct parse *p, const struct node *n, const char *what, struct kept **all, size_t *count);
/* The values of both in a service to the mounts that they come to. */
void kept_settle(struct parse *p, struct value *const sources[2], struct value *mounts);
/* parse_volumes.c: 0755, or "0755" */
parse_field parse_file_mode;
/* resources.c */
parse_field parse_engine_name;
/* analysis.c; and s->analysis from the spec and the strategy. */
parse_field parse_analysis;
void analysis_take(struct service *s);
/* steps.c: a duration or `manual`; the shares of a canary; how many good revisions ago, how many batches. */
parse_field parse_hold, parse_steps, parse_rollback_window, parse_positive;
/* s->steps from the spec and s->hold_ms. */
void steps_take(struct service *s, struct arena *a);

/* parse_ports.c: what is published is exposed, too; and whether some published port is one certain port of the host, so
 * that there can be no second copy. */
void ports_expose(struct parse *p, const struct value *ports, struct value *expose);
bool ports_are_fixed(const struct value *ports);

/* parse_env_file.c: reads the files that `files` names (the value of env_file, from node n) in order; what they say is
 * added to `environment`, which comes first. */
void env_files_read(struct parse *p, const struct node *n, const char *path, const struct value *files,
                    struct value *environment);

/* parse_networks.c: the value of `networks` when the manifest says nothing of it: unset, unless `default` is not what it
 * is in every project. */
struct value networks_default(struct parse *p);
/* One more name for the service on each of its networks. */
void networks_add_alias(struct parse *p, struct value *networks, const char *alias);
bool networks_are_fixed(const struct value *networks); /* an address that a second copy cannot have */

struct key_row {
	const char *key, *engine; /* `engine`: the key in the value that is made */
	parse_field *parse;
};

/* "is unknown; did you mean 'x'?" over `names`; also the complaint that a known Compose key is not supported yet.
 * `section` is the path without indexes: "", "deploy", "x-reconcile.ready". */
int parse_unknown_key(struct parse *p, struct mark at, const char *path, const char *section, const char *key,
                      const char *const *names, size_t count);

/* The nearest of the names, when it is near enough for a slip of the hand; else NULL. */
const char *nearest_name(const char *wrong, const char *const *names, size_t count);
/* The same over the keys of declared networks or volumes. */
const char *nearest_resource(struct parse *p, const char *wrong, const struct resource *all, size_t count);

#endif
