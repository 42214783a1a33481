/* The keys of a route that say how nginx takes its requests in. */
#ifndef DESIRED_INTAKE_H
#define DESIRED_INTAKE_H

#include "desired/parse.h"

/* Kinds of ways in, for who may have a key. */
#define WAY_HOST 1u
#define WAY_UPSTREAM 2u
#define WAY_STREAM 4u

struct intake_key {
	const char *key;
	/* `row`: the one of that word, NULL when there is none. */
	int (*read)(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out);
	unsigned ways;
};
extern const struct intake_key intake_keys[];
extern const size_t intake_keys_count;

MUST_CHECK int intake_read(struct parse *p, const struct node *n, const struct intake_key *key, struct intake *out);
/* A port, or an address and a port; where all servers of ours listen becomes INTAKE_USUAL. */
MUST_CHECK int intake_read_address(struct parse *p, const struct node *n, const char **out);
/* What follows when all keys are read, and what does not go together. `n`: the route. */
MUST_CHECK int intake_settle(struct parse *p, const struct node *n, struct intake *out);

#endif
