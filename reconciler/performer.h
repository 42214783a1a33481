/*
 * What a decision asks for, carried out, and what a run makes of it: the log, the events of --json, the tally, and what
 * failed. Made by hand: all above "what came of it" is borrowed; docker_settings must name its two listeners.
 */
#ifndef PERFORMER_H
#define PERFORMER_H

#include "docker/docker.h"
#include "host/host.h"
#include "keep.h"
#include "model/decision.h"
#include "model/failure.h"
#include "nginx/nginx.h"
#include "observe.h"
#include "report/report.h"

struct repeat;
struct blamed;

struct performer {
	struct docker *docker;
	struct http *http;
	struct nginx_settings *nginx;
	struct host_settings *host;
	struct keeper *keeper;
	const struct observer *observer; /* has the time of the run */
	struct arena *arena;       /* as long as the run */
	const char *failed_folder; /* where the last words of what failed are kept */
	bool is_json;
	/* what came of it: */
	struct failures failures;
	struct tally tally;
	bool is_stuck;             /* the same action again and again */
	size_t begun;              /* actions, so far */
	/* its own: */
	struct repeat *repeats;
	size_t repeats_count;
	struct blamed *blamed;     /* whose last words are still to be shown: after the traffic has gone back */
	size_t blamed_count;
	int64_t acting_since_ms;
	int64_t put_off_since_ms;  /* since when reloads wait; 0: they do not */
};

/*
 * Does on the spot what notes, nginx and the host are asked for, and begins what the engine is; the decision and all that
 * it points to are in `a`, which must stay while docker_needs(a). What is under way already is not begun again.
 */
enum act { ACT_NOTHING, ACT_BEGUN, ACT_DONE };
enum act performer_act(struct performer *p, const struct world *w, const struct decision *d, struct arena *a);

/* What failed with nothing to go back to is in no quarantine; its last words are as good. */
void performer_show_failures(struct performer *p, const struct desired *d, const struct world *w, const struct decision *decision);

/* For docker_settings, with the performer as their context. */
void performer_begun(void *performer, const struct action *action);
void performer_ended(void *performer, const struct action *action, const struct outcome *outcome, int64_t took_ms);

/* An answer, or a line of it: on its way before anything else happens. */
void performer_answer(const struct buf *out);

#endif
