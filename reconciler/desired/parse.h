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

struct declared_volume {
	const char *key;
	const char *engine_name;
};

/* What the volumes of the service being read come to. */
struct mounts {
	const char **volumes; /* engine names of named volumes */
	size_t volumes_count;
	bool are_writable;    /* some volume or bind can be written to */
	struct mark writable_mark;
};

struct parse {
	const char *file;
	const char *directory;
	const struct environment *env;
	struct arena *a;
	struct report *reports;
	size_t reports_count;
	size_t errors;
	size_t expanded_bytes; /* of all scalars as they were visited */
	struct declared_volume *volumes;
	size_t volumes_count;
	struct mounts mounts;
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

/* The parser of a row. UNSET in *out: as if the key were not there. */
typedef int parse_field(struct parse *p, const struct node *n, const char *path, struct value *out);

parse_field parse_name_of_image, parse_pull_policy, parse_command, parse_environment, parse_volumes, parse_depends_on, parse_restart,
	parse_healthcheck_test, parse_nanoseconds, parse_milliseconds, parse_bool, parse_count, parse_replicas, parse_expose,
	parse_memory, parse_memory_and_swap, parse_cpus, parse_pids, parse_networks, parse_strategy, parse_port, parse_path,
	parse_status, parse_string;

/* "is unknown; did you mean 'x'?" over `names`; also the complaint that a known Compose key is not supported yet.
 * `section` is the path without indexes: "", "deploy", "x-reconcile.ready". */
int parse_unknown_key(struct parse *p, struct mark at, const char *path, const char *section, const char *key,
                      const char *const *names, size_t count);

/* The nearest of the names, when it is near enough for a slip of the hand; else NULL. */
const char *nearest_name(const char *wrong, const char *const *names, size_t count);

#endif
