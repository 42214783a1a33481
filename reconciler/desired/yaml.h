/*
 * YAML text to a tree of nodes that remember where they stand. Anchors, aliases and merge keys are resolved here;
 * nobody above knows libyaml.
 *
 * An alias is the same node again, not a copy: what is done to a node (interpolation) is done once, and a file cannot
 * become large in memory. The number of nodes that a walk would visit is limited all the same.
 */
#ifndef DESIRED_YAML_H
#define DESIRED_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

#define YAML_MAX_BYTES (1024 * 1024)
#define YAML_MAX_DEPTH 64      /* through aliases, too */
#define YAML_MAX_NODES 100000  /* as a walk sees them: an alias counts as all that it stands for */

#define YAML_MAX_ENTRIES 2000  /* of one list or map: ten times what real files have; some look-ups walk over all */

/* Line and column, from 1. */
struct mark {
	int line, column;
	const char *file; /* NULL: the manifest itself */
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* What a plain scalar is (YAML 1.2 as Compose reads it); everything quoted is a string. */
enum scalar_type { SCALAR_STRING, SCALAR_NULL, SCALAR_BOOL, SCALAR_INT, SCALAR_FLOAT, SCALAR_DATE };

struct pair {
	const char *key;
	struct mark mark;
	struct node *value;
};

struct node {
	enum node_kind kind;
	struct mark mark;

	enum scalar_type type;
	const char *text;    /* scalar: as Compose would print it ("18" for 022, "1.1" for 1.10), later interpolated */
	const char *written; /* scalar: as in the file */
	bool is_evaluated;   /* interpolate has been here */
	bool secret;         /* a variable's value came in */

	struct node **items; /* list */
	struct pair *pairs;  /* map: own pairs in file order, then merged ones */
	size_t count;        /* of items or pairs */

	size_t weight;       /* nodes in this tree, aliases counted in full */
	int height;          /* levels below and including this one */
};

/*
 * *root is NULL when the text holds no document at all. ERR_INVALID: "file:line:col: what is wrong". Keys must be
 * strings, and unique; several documents, custom tags and what is over a limit are errors.
 */
MUST_CHECK int yaml_read(const char *file, const char *text, size_t length, struct arena *a, struct node **root,
                         struct err *e);

/* NULL when the map has no such key, or the node is no map. */
struct node *node_get(const struct node *map, const char *key);

/* What a plain scalar is; *text gets the form that Compose would print. */
enum scalar_type scalar_resolve(const char *plain, struct arena *a, const char **text);

#endif
