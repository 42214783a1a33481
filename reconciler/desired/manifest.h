/*
 * Manifests: Compose files and their x-reconcile keys into a normalised `struct desired`, driven by the field table.
 * Strict: an unknown key is an error with the nearest known name.
 */
#ifndef DESIRED_MANIFEST_H
#define DESIRED_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/desired.h"

/* Everything that is wrong, one line each:
 * "compose.yaml:12:5: services.web.memswap_limit: '5OO' is no size; write a number with b, k, m or g" */
struct problems {
	struct buf text;    /* lines, each ended by a newline */
	size_t count;       /* errors; more than 100 are counted, not listed */
	struct buf warnings; /* the same form; they do not make a manifest invalid */
};
#define PROBLEMS_INIT {.text = BUF_INIT(256 * 1024), .warnings = BUF_INIT(64 * 1024)}
void problems_done(struct problems *p);

/* Where ${VAR} is looked up. */
struct environment {
	const char **names, **values; /* the host's env file, parsed */
	size_t count;
	bool use_process;             /* the process environment comes first, as in Compose */
	const struct environment *outer; /* asked before anything else; may be NULL */
};
/* Parses an env file (KEY=value, quotes, comments: Compose's rules). Sets use_process. Missing: ERR_NOT_FOUND. */
MUST_CHECK int environment_read(const char *path, struct arena *a, struct environment *out, struct err *e);
/* The same for the text of a service's file: ${VAR} in it is looked up in `outer` first, and the process is not asked. */
#define ENV_FILE_MAX_BYTES (1024 * 1024)
MUST_CHECK int environment_parse(const char *path, const char *text, size_t length, const struct environment *outer,
                                 struct arena *a, struct environment *out, struct err *e);

/*
 * The files beside a manifest, when they are in Git: asked for before they are on disk, so that a plan that writes nothing
 * comes to the same as the run. Paths are those below the project's folder: "conf/nginx.conf".
 */
struct manifest_files {
	void *context;
	/* The hash of a file's content; "" when Git has no such file. */
	const char *(*hash)(void *context, const char *path);
	/* ERR_NOT_FOUND when Git has no such file. */
	int (*read)(void *context, const char *path, struct arena *a, char **text, size_t *length, struct err *e);
	/* All that Git has in a folder, which may be another one of the repository: "../lib". ERR_NOT_FOUND, ERR_INVALID. */
	int (*list)(void *context, const char *folder, struct arena *a, struct build_file **out, size_t *count, struct err *e);
};

struct manifest_source {
	const char *file;      /* name for messages: "deploy/compose.yaml" */
	const char *text;
	size_t length;
	const char *directory; /* project directory: labels, and the project's name when `name:` is missing */
	const char *projects;  /* when set: the project directory is PROJECTS/NAME instead, and `directory` only names it */
	const char *profiles;  /* enabled ones, with commas between; "*": all; NULL: none */
	const char *kept;      /* folder for copies of secrets and configs: in KEPT/NAME */
	const struct manifest_files *files; /* NULL: everything is on disk */
	const char *listen;    /* the setting nginx.listen; may be NULL */
	const char *nginx_network; /* the setting nginx.network; may be NULL */
	bool is_elsewhere;     /* this may not be the host: a certificate that is not here is no error */
};

/*
 * Adds one project to *out. Problems are added to *p; returns -1 with ERR_INVALID when there was any, and *out is then
 * as before.
 */
MUST_CHECK int manifest_load(const struct manifest_source *s, const struct environment *env, struct arena *a,
                             struct desired *out, struct problems *p, struct err *e);
/* What only shows together (two routes for one host), and which projects are in it: is_bad has one for each, and is only
 * ever set. Returns how many problems. */
size_t manifest_conflicts(const struct desired *d, struct problems *p, bool *is_bad);

/* The field table, for those who walk it. */
const struct field *const *fields_rows(size_t *count);

/* A service to text and back: how the last good one is kept in the notes. Nothing is lost but `route`s. */
void service_print(struct buf *out, const struct service *s);
MUST_CHECK int service_parse(const char *text, struct arena *a, struct service *out, struct err *e);

/* The same service with its image pinned: "app:latest" becomes "app:latest@sha256:...", and the revision follows. What
 * has a digest already stays as it is. */
void service_pin(struct arena *a, struct service *s, const char *digest);

/* The JSON Schema (draft 2020-12) of a manifest, written from the table. */
void schema_print(struct buf *out);

#endif
