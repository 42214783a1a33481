/*
 * One schedule played: a model host, the tool that runs on it (observe, decide, act: cycle.c without its I/O), what
 * happens to both, and the first promise that was broken.
 */
#ifndef SIMULATION_H
#define SIMULATION_H

#include "model_host.h"
#include "schedule.h"

#define SWAP_FILE "/swapfile"

/* What a revision's instances do after their start. */
enum behaviour { BEHAVES, NEVER_READY, FLAPS, GETS_SICK, EXITS, OUT_OF_MEMORY, BEHAVIOUR_COUNT };
extern const char *const behaviour_names[BEHAVIOUR_COUNT];

#define SMOKE_FAILS INT64_MAX

/* What becomes of the next actions. */
enum fate {
	FATE_DONE,
	FATE_FAILED,       /* not done, and told so */
	FATE_REPLY_LOST,   /* done, and told that it failed */
	FATE_REPLY_LATE,   /* told that it failed; done a little later */
	FATE_IGNORED,      /* told that it is done, and it is not */
	FATE_HALF,         /* half done, and told that it failed */
	FATE_DIES_BEFORE,  /* the tool is killed: before it, */
	FATE_DIES_AFTER,   /* when it is done and not known, */
	FATE_DIES_HALF,    /* in the middle of it */
	FATE_COUNT
};
extern const char *const fate_names[FATE_COUNT];

struct late {
	struct action action;
	int ticks;
};

/* An action of the engine that has begun. */
struct flight {
	struct action action;
	enum fate fate;
	int ticks;
	int64_t began_ms;
	uint64_t decision;
	bool is_disturbed;        /* something happened since the look that it follows from, or Git was read anew */
};

/* A revision that became good, or failed. */
struct judged {
	const char *service, *revision;
	bool is_good;
};

struct repeat {
	uint64_t key;
	int count;
};

struct counters {
	uint64_t schedules, events, decisions, runs, peak_bytes;
	uint64_t actions[ACTION_KIND_COUNT];
	uint64_t happened[HAPPENINGS_MAX];
	uint64_t fates[FATE_COUNT];
	uint64_t phases[PHASE_COUNT];
	uint64_t returns; /* of what was good before */
};

struct simulation {
	struct host host;         /* host.world: what the tool has seen, and what it was told since */
	struct world *real;       /* the same one, until something happens between the look and the act */
	const struct schedule *schedule;
	int next_step;
	unsigned ticks;           /* until it happens */
	struct counters *counters;
	bool is_traced;

	/* Git */
	const struct desired *desired; /* what this run has read */
	bool is_git_newer;
	bool is_manifest_broken[PROJECTS_MAX], is_manifest_empty[PROJECTS_MAX];
	struct service left[SERVICES_MAX]; /* services that left, to come back */
	bool has_left[SERVICES_MAX];

	/* The tool */
	bool is_dead;             /* this run was killed */
	bool is_over;             /* nothing goes wrong any more */
	int quiet_passes;         /* decisions since anything happened */
	int idle_passes;          /* since anything was done */
	struct repeat repeats[64]; /* actions since anything happened, by what they are about; a full table begins anew */
	int acted;                /* actions of this run */
	int in_vain;              /* of these, what the engine cannot do until the container is another one */
	uint64_t decision;        /* its number */
	struct flight *flights;
	size_t flights_count;
	uint64_t begun;           /* actions of the engine, of all runs */

	/* The host */
	enum behaviour behaviours[SERVICES_MAX][IMAGES_COUNT];
	int64_t smoke_after_ms[SERVICES_MAX][IMAGES_COUNT]; /* so long after a start their smoke tests fail; SMOKE_FAILS: always */
	int64_t sick_after_ms;
	const char *hung_id;      /* one instance that answers nobody until it is started anew; NULL: none */
	int64_t hung_since_ms;    /* its start */
	const char *stuck_id;     /* one that the engine has lost its hold of until it is started anew; NULL: none */
	int64_t stuck_since_ms;   /* its start */
	bool is_failing[SERVICES_MAX][IMAGES_COUNT]; /* half of the requests to that revision */
	bool is_silent[SERVICES_MAX];                /* nobody asks for anything */
	struct evidence evidence[SERVICES_MAX];
	enum fate fate;
	int fated;                /* so many of the next actions */
	enum err_kind fate_kind;
	int pulls_failing, refusals;
	enum err_kind pull_kind;
	int64_t pull_after_ms;    /* so long the registry wants to be left alone */
	int64_t memory_bytes;     /* that the host has; 0: nobody knows */
	bool is_memory_out;       /* in this run somebody was killed for want of it */
	int64_t neighbours_bytes; /* of that, what others take */
	const struct action **failed; /* of this decision, and the last error */
	size_t failed_count;
	struct err failure;
	bool is_disk_full;
	bool is_copy_lost[2];     /* of the notes */
	size_t quarantines_written;
	struct past_goods past_goods_written;
	struct judged *judged;    /* what the tool may know of, in the order in which it came about: nobody else's list */
	size_t judged_count;
	size_t judged_written;    /* so many are on the disk; the others are forgotten with the run */
	size_t judged_lost;       /* so many the notes do not have any more, and nobody knows when it has looked again: */
	size_t judged_first;
	struct late *lates;
	size_t lates_count;
	int64_t linger_ms;        /* how long workers and connections outlive a reload */
	int64_t lingers_until_ms;
	struct topology in_force; /* what nginx really does */

	const char *broken;       /* the promise that was broken */
};

/* The host and Git as the schedule begins with them. Zero before the first time; its arena is used again. */
void simulation_begin(struct simulation *s, const struct schedule *schedule);
/* Plays a schedule to its end, or to the first broken promise. */
void simulation_play(struct simulation *s, const struct schedule *schedule);

/* For those who play: */
void say(struct simulation *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The tool's knowledge stays as it is from here on; s->real may be changed. */
void part(struct simulation *s);
/* Names of services: "api" is 0, by their first letters. */
extern const char *const service_names[SERVICES_MAX];
extern const char *const project_names[PROJECTS_MAX];
int service_index(const char *name);
bool is_ours(const struct instance *i);
bool is_analysed(const struct setup *setup, enum strategy strategy);
/* Its steps as it begins with them, as far as its strategy has such. */
void settle_steps(struct simulation *s, struct service *one);
/* Whether its way in says what testers send. */
void let_testers(struct simulation *s, struct service *one, bool may);
/* Ends by itself, or is killed: the engine starts it again when its policy says so. */
void instance_ends(struct simulation *s, struct instance *i, int exit_code, bool is_oom, bool starts_at_once);
void host_reboots(struct simulation *s, bool is_whole_host);

/* clockwork.c: what goes on by itself. */
void time_passes(struct simulation *s);
int64_t next_change_ms(const struct simulation *s);

/* requests.c: what nginx's log says of those on trial, and when there is more of it to see (0: there is not). */
void see_requests(struct simulation *s);
const struct evidence *seen_of(const struct world *w, const char *service);
int64_t next_requests_ms(const struct traffic *t, int64_t now_ms);

/* act.c: carries out one action, or not, as fate has it. */
void act_on(struct simulation *s, const struct action *a);
void late_replies(struct simulation *s);
/* All that is in them is on the disk; none of it is any more. */
void notes_are_written(struct simulation *s);
void forget_notes(struct simulation *s);
struct past_goods past_goods_copy(struct simulation *s, const struct past_goods *p);
/* Was its revision good, as many good ones ago as its rollback_window has? */
bool was_good(const struct simulation *s, const struct service *one);
/* Is its revision good now, or was it, in that way? */
bool is_good(const struct simulation *s, const struct service *one);
/* What the engine makes of it, and what the tool is told. */
void finish_action(struct simulation *s, const struct action *a, enum fate fate, int64_t began_ms);

/* flight.c: must the action wait for what an earlier decision began? If not: does it take its time? */
bool flight_waits(const struct simulation *s, const struct action *a);
bool flight_begins(struct simulation *s, const struct action *a, enum fate fate);
void flights_go_on(struct simulation *s);     /* one tick */
void flights_land(struct simulation *s);      /* all of them: a run does not end before */
void flights_are_left(struct simulation *s);  /* the tool is gone, and the engine does what it was told */
void flights_are_disturbed(struct simulation *s); /* what they were begun by is not so any more */
void flights_break_off(struct simulation *s); /* the engine is gone */
/* What decide sees. */
struct world *flights_view(struct simulation *s);

/* memory.c: who has how much, and whom the kernel kills when there is none left. */
void share_memory(struct simulation *s);
/* What an instance of that revision takes when it runs. */
int64_t memory_of(const struct simulation *s, const char *service, const char *revision);
int64_t free_swap(const struct world *w);

/* promises.c: NULL, or the one that the action breaks. */
const char *promise_of_action(struct simulation *s, const struct action *a);
/* When it ends and nothing happened since it began. */
const char *promise_of_landing(struct simulation *s, const struct action *a);
const char *promise_of_decision(struct simulation *s);
/* When the trouble is over and the tool at rest; after a retry nothing is quarantined any more. */
const char *promise_of_rest(struct simulation *s, bool is_retried);

#endif
