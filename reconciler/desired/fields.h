/*
 * The field table with the columns that only desired/ needs. One row for each manifest field of a service: the row
 * parses, normalises, takes part in the revision, fills the typed member of struct service, and writes the JSON Schema.
 */
#ifndef DESIRED_FIELDS_H
#define DESIRED_FIELDS_H

#include "desired/parse.h"
#include "model/desired.h"

/* What a field looks like, for the schema. */
enum shape {
	SHAPE_STRING, SHAPE_NUMBER, SHAPE_BOOL, SHAPE_SIZE, SHAPE_DURATION, SHAPE_PORT, SHAPE_COMMAND, SHAPE_ENVIRONMENT,
	SHAPE_VOLUMES, SHAPE_DEPENDS_ON, SHAPE_RESTART, SHAPE_TEST, SHAPE_PORTS, SHAPE_NETWORKS, SHAPE_STRATEGY,
	SHAPE_CPUS, SHAPE_ANY, SHAPE_STRINGS, SHAPE_STRINGS_OR_ONE, SHAPE_PAIRS, SHAPE_MAP, SHAPE_GROUPS, SHAPE_PORT_BINDINGS,
	SHAPE_NETWORK_MODE, SHAPE_ENV_FILE, SHAPE_DEVICES, SHAPE_ULIMITS, SHAPE_EXTRA_HOSTS, SHAPE_PULL_POLICY,
	SHAPE_HOLD, SHAPE_STEPS, SHAPE_ANALYSIS, SHAPE_BUILD, SHAPE_EXTENDS, SHAPE_FILES, SHAPE_GPUS, SHAPE_COUNT
};

/* Where the value goes in struct service, besides the spec. */
enum member { MEMBER_NONE, MEMBER_STRING, MEMBER_INT, MEMBER_INT64 };

struct field_row {
	struct field field;    /* what everybody sees */
	parse_field *parse;    /* NULL: no manifest says it, it follows from others (draft.c) */
	enum shape shape;
	const char *fallback;  /* default, for people; NULL: none */
	const char *doc;
	enum member member;
	size_t offset;         /* of the member */
	const char *same_as;   /* another spelling of that row: not in the spec */
};

/* All rows; the first `public_count` are those of fields_rows(), in the same order. */
const struct field_row *fields_table(size_t *count, size_t *public_count);
/* The index of a path that is in the table; aborts when it is not, for that would be a typing error in our code. */
size_t field_index(const char *path);

#endif
