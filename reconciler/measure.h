/*
 * What a Prometheus says of the revisions that have a share of the traffic (x-reconcile.analysis.query). Asked every
 * MEASURE_EVERY_MS and right after a change of weight, all at once; one that is away holds the others up for no longer
 * than MEASURE_TIMEOUT_MS in that time. One that answers, and has no data yet, is asked again after MEASURE_AGAIN_MS: a rate
 * needs two scrapes under that weight, and the hold waits for it.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "base/arena.h"
#include "model/desired.h"
#include "model/world.h"
#include "net/http.h"

#define MEASURE_EVERY_MS 5000
#define MEASURE_AGAIN_MS 1000
#define MEASURE_TIMEOUT_MS 1000

struct measured;

/* Zero but for the first two at first. */
struct measurer {
	struct http *http;
	struct arena *arena;    /* for what is remembered: as long as the run */
	struct measured *known;
	size_t known_count;
};

/* Fills w->measures, in `a`, from w->nginx and the clock. What was asked under another weight is forgotten. */
void measure(struct measurer *m, const struct desired *d, struct arena *a, struct world *w);

#endif
