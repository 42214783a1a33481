/*
 * One service on its way from nodes to struct service. Calling order: draft_read() for every service, then the routes
 * are known, then draft_settle() for every service: strategy, probes and defaults depend on both.
 */
#ifndef DESIRED_DRAFT_H
#define DESIRED_DRAFT_H

#include "desired/parse.h"

struct draft {
	struct service service;
	const char *path;          /* "services.web" */
	struct mark mark;          /* of its name */
	struct value *values;      /* one for each row of the table */
	const struct node **nodes; /* where each came from; NULL: not in the file */
	bool is_writing;           /* has a volume or bind that it can write to */
	struct mark writing_mark;
	const char *fixed;         /* what a second instance cannot have beside the first: "a fixed host port"; NULL: nothing */
	const char *fixed_path;    /* the row that says so */
	bool is_routed, has_testers;
	bool is_completed_for;     /* some service waits for its completion */
	struct draft **needs;      /* the services that it depends on, without itself and those that do not exist */
	size_t needs_count;
	bool is_placed;            /* in the dependency order */
};

/* The value of a row, and where it stands in the file. */
struct value *draft_value(struct draft *d, const char *path);
struct mark draft_mark(const struct draft *d, const char *path);

/* Everything that the file says. Problems go to p; false: there were some. */
bool draft_read(struct parse *p, const char *project, const struct pair *pair, struct draft *out);
/* A route leads to that port of it. */
void draft_route(struct arena *a, struct draft *d, bool is_udp, int port);
/* Everything that follows from it, and the revision. */
void draft_settle(struct parse *p, struct draft *d);
/* reach.c, for draft_settle(): not every network mode leaves nginx a way to it; with some of them it has no room for a second
 * instance beside the first. */
void draft_reach(struct parse *p, struct draft *d);
/* steps.c, for draft_settle(): s->steps, and whether the strategy has such. */
void steps_settle(struct parse *p, struct draft *d);
/* When all that it depends on is settled: what a new revision of those makes new here, too. */
void draft_follow(struct arena *a, struct draft *d);
/* "app:1@sha256:..." -> "app@sha256:...": the engine does not know tag and digest together. Others stay. */
const char *image_in_engine(struct arena *a, const char *image);
/* The revision of a spec, into out[REVISION_LENGTH + 1]. */
void spec_revision(const struct spec *spec, char *out);

#endif
