/*
 * Schedules: what a seed draws. The services that Git begins with, and then a list of steps, each with its own numbers:
 * a step means the same when others are taken away, so a schedule that fails can be cut down to what makes it fail.
 */
#ifndef SIMULATION_SCHEDULE_H
#define SIMULATION_SCHEDULE_H

#include <stdint.h>

#include "model/desired.h"

#define PROJECTS_MAX 2
#define SERVICES_MAX 4
#define STEPS_MAX 1000
#define IMAGES_COUNT 3 /* "app:1" ... */
#define HAPPENINGS_MAX 64 /* rows of happenings[] */

/* One service as Git begins with it. */
struct setup {
	enum strategy strategy;
	bool is_routed, has_healthcheck, is_job;
	int replicas, batch;
	int64_t hold_ms, keep_old_ms;
	int64_t canary_hold_ms; /* of each of its steps; or HOLD_MANUAL */
	bool is_dark;        /* the first of these has no share */
	int dark_instances;  /* 0: as many as what comes after it needs */
	bool has_testers;    /* whoever asks is led to what has no share */
	int pause_after;
	int rollback_window;
	bool is_analysed;    /* by the manifest */
	bool has_smoke;      /* a smoke test */
	int64_t min_requests;
	enum inconclusive on_inconclusive;
	int64_t slow_ms;     /* how long an instance takes to get ready */
	int depends_on;      /* an earlier one of its project; -1: on none */
	enum condition condition;
	int project;
	int use_mib;         /* what an instance takes of the memory; new revisions up to a fifth more, and none as much as its limit */
};

struct step {
	unsigned what;       /* index of happenings[] */
	unsigned after;      /* so many actions, or waits, of the tool */
	unsigned who, how, size; /* numbers for whatever it needs */
};

struct schedule {
	uint64_t seed;
	int services;
	bool has_options;        /* services with a step in the dark, a pause after a batch, a word for what cannot be told */
	bool is_atomic[PROJECTS_MAX];
	int memory_mib;          /* of the host, beside what these services take as they begin; 0: nobody knows what it has */
	struct setup setups[SERVICES_MAX];
	int steps_count;
	struct step steps[STEPS_MAX];
};

void schedule_draw(struct schedule *s, uint64_t seed, int steps);
void schedule_print(const struct schedule *s);

#endif
