/*
 * Carries out what a decision asks for. The one thing to know: notes, traffic and the structure of nginx are done on the
 * spot, what the engine does is begun and goes on by itself; either way an action is logged and remembered when it ends.
 */
#include "performer.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "forensics.h"
#include "model/failure.h"
#include "report/json.h"

#define REPEATS_MAX 20 /* the same action more often than that in one run is a bug, not progress */
#define EVIDENCE_LINES 50
#define PATIENCE_MS 2000 /* so long a reload waits for what the engine soon has done: each costs */

struct repeat {
	const char *text;
	int count;
	const char *failed; /* why it failed last: said in full once */
};

/* A revision that failed. */
struct blamed {
	const char *project, *service, *revision, *why;
};

void performer_answer(const struct buf *out)
{
	fputs(out->text, stdout);
	fflush(stdout);
}

/* --json: where an action stands. */
static void tell(const struct performer *p, const char *type, const struct action *action, const struct err *e)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(128 * 1024);
	if (!p->is_json)
		return;
	json_line_action(&out, type, action, e);
	performer_answer(&out);
}

/* The last few of many lines. */
static const char *last_of(const char *lines, int count)
{
	const char *at = lines + strlen(lines);
	while (at > lines && (at[-1] != '\n' || !at[0] || --count))
		at--;
	return at;
}

static void show_words(struct performer *p, const struct instance *in, const char *why)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(4 * 1024 * 1024), state = BUF_INIT(64 * 1024);
	CLEANUP(arena_done) struct arena a = {0};
	const char *path;
	struct err e;
	if (docker_logs(p->docker, in, FORENSICS_LINES, &lines, &state, &e) < 0)
		log_warning("%s", e.message);
	if (!state.length) /* nothing is left of it */
		return;
	const char *said = lines.length ? lines.text : "", *last = last_of(said, EVIDENCE_LINES);
	if (*last) {
		log_info("the last lines of %s:", in->name);
		fprintf(stderr, "%s%s", last, last[strlen(last) - 1] == '\n' ? "" : "\n");
	}
	if (forensics_keep(p->failed_folder, in, why, state.text, said, &a, &path, &e) < 0)
		log_warning("%s", e.message);
	else
		log_info("the state and the last lines of %s stay for a day in %s", in->name, path);
}

/* Does nothing speak against it, as far as anybody can see from outside? */
static bool looks_well(const struct instance *in)
{
	return in->state == INSTANCE_RUNNING && in->is_passing && in->health != HEALTH_UNHEALTHY;
}

/* The last words of what failed, while they can still be read. `all`: of each instance of the revision. */
static void show_evidence(struct performer *p, const struct world *w, const char *project, const char *service,
                          const char *revision, const char *why, bool all)
{
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		if (strcmp(in->project, project) == 0 && strcmp(in->service, service) == 0 && strcmp(in->revision, revision) == 0 &&
		    (all || !looks_well(in)))
			show_words(p, in, why ? why : "");
	}
}

static void blame(struct performer *p, const struct action *action)
{
	struct arena *a = p->arena;
	*ARENA_PUSH(a, p->blamed, p->blamed_count) = (struct blamed){
		arena_strdup(a, action->project), arena_strdup(a, action->service), arena_strdup(a, action->revision),
		arena_strdup(a, action->reason)};
}

/* The first of those that are to blame. */
static void show_blamed(struct performer *p, const struct world *w, size_t count)
{
	for (size_t i = 0; i < count; i++)
		show_evidence(p, w, p->blamed[i].project, p->blamed[i].service, p->blamed[i].revision, p->blamed[i].why, true);
	p->blamed_count -= count;
	for (size_t i = 0; i < p->blamed_count; i++)
		p->blamed[i] = p->blamed[count + i];
}

void performer_show_failures(struct performer *p, const struct desired *d, const struct world *w, const struct decision *decision)
{
	show_blamed(p, w, p->blamed_count);
	for (size_t i = 0; i < decision->services_count; i++) {
		const struct status *s = &decision->services[i];
		const struct service *want = desired_service(d, s->project, s->service);
		if (s->phase == PHASE_FAILED && want && !tally_is_empty(&p->tally)) /* else an earlier run has shown them */
			show_evidence(p, w, s->project, s->service, want->revision, s->reason, false);
	}
}

/* How often the action was done by now, this time counted. */
static struct repeat *count_repeat(struct performer *p, const char *text)
{
	struct repeat *r = NULL;
	for (size_t i = 0; i < p->repeats_count && !r; i++)
		if (strcmp(p->repeats[i].text, text) == 0)
			r = &p->repeats[i];
	if (!r) {
		r = ARENA_PUSH(p->arena, p->repeats, p->repeats_count);
		*r = (struct repeat){.text = arena_strdup(p->arena, text)};
	}
	p->is_stuck |= ++r->count > REPEATS_MAX;
	return r;
}

static void say_failure(struct performer *p, struct repeat *r, const struct err *e)
{
	if (r->failed && strcmp(r->failed, e->message) == 0) {
		log_error("%s: the same at attempt %d", r->text, r->count);
		return;
	}
	r->failed = arena_strdup(p->arena, e->message);
	log_error("%s: %s", r->text, e->message);
}

/* A network or volume that failed shows again in the instance that needs it. */
static bool is_remembered(const struct action *action)
{
	return action->service || action->kind == ACTION_PUBLISH || action_info(action->kind)->room == ROOM_HOST;
}

/* Logs an action that ended, in the words of the plan, and keeps what the next decision must know of it. */
static void end(struct performer *p, const struct action *action, const struct outcome *outcome, int64_t since_ms)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
	action_print(&text, action);
	struct repeat *repeat = count_repeat(p, text.text);
	if (outcome->result < 0) {
		say_failure(p, repeat, &outcome->err);
		if (*outcome->log)
			log_info("the last lines of it:\n%s", outcome->log);
		tell(p, "apply_errored", action, &outcome->err);
		if (is_remembered(action))
			failures_add(&p->failures, p->arena, action, &outcome->err, since_ms, observer_now_ms(p->observer))
				->retry_after_ms = outcome->retry_after_ms;
		return;
	}
	log_info("%s", text.text);
	if (*outcome->note)
		log_warning("%s: %s", text.text, outcome->note);
	tell(p, "apply_complete", action, NULL);
	if (is_remembered(action))
		failures_forget(&p->failures, action);
	keep_images(p->keeper, action, outcome);
	tally_add(&p->tally, action);
}

void performer_begun(void *performer, const struct action *action)
{
	struct performer *p = performer;
	p->begun++;
	tell(p, "apply_start", action, NULL);
}

void performer_ended(void *performer, const struct action *action, const struct outcome *outcome, int64_t took_ms)
{
	struct performer *p = performer;
	end(p, action, outcome, observer_now_ms(p->observer) - took_ms);
}

/* A note that cannot be written is a failed action like any other: what decide does about it is its business, and one
 * service's disk trouble does not end the run for the others. */
static int do_note(struct performer *p, const struct action *action, struct err *e)
{
	if (action->kind != ACTION_QUARANTINE)
		return keep_good(p->keeper, action, e);
	blame(p, action);
	return keep_quarantine(p->keeper, action, e);
}

/* What is done on the spot. */
static void do_now(struct performer *p, const struct action *action)
{
	struct outcome outcome = {0};
	performer_begun(p, action);
	switch (action_info(action->kind)->room) {
	case ROOM_NOTES: outcome.result = do_note(p, action, &outcome.err); break;
	case ROOM_NGINX: outcome.result = nginx_act(p->nginx, p->http, action, &outcome.err); break;
	case ROOM_HOST: outcome.result = host_act(p->host, action, &outcome.err); break;
	case ROOM_DOCKER: break;
	}
	end(p, action, &outcome, p->acting_since_ms);
}

static void begin(struct performer *p, const struct decision *d, struct arena *a)
{
	const struct action **actions = arena_alloc(a, (d->actions_count + 1) * sizeof *actions);
	size_t count = 0;
	for (size_t i = 0; i < d->actions_count; i++)
		if (action_info(d->actions[i].kind)->room == ROOM_DOCKER)
			actions[count++] = &d->actions[i];
	docker_begin(p->docker, a, actions, count);
}

/* What becomes ready together shall go live in one reload. */
static bool is_put_off(struct performer *p)
{
	int64_t now_ms = clock_monotonic_ms();
	if (!docker_has_quick(p->docker)) {
		p->put_off_since_ms = 0;
		return false;
	}
	if (!p->put_off_since_ms)
		p->put_off_since_ms = now_ms;
	return now_ms - p->put_off_since_ms < PATIENCE_MS;
}

enum act performer_act(struct performer *p, const struct world *w, const struct decision *d, struct arena *a)
{
	size_t before = p->begun, blamed = p->blamed_count; /* of passes before: this one takes their traffic back */
	bool is_done = false;
	p->acting_since_ms = observer_now_ms(p->observer);
	for (int order = 0; order < ACTION_ORDERS; order++) {
		if (order == 2) {
			show_blamed(p, w, blamed);
			begin(p, d, a);
		}
		for (size_t i = 0; i < d->actions_count && order != 2; i++)
			if (action_order(&d->actions[i]) == order && (order < 2 || !is_put_off(p))) {
				do_now(p, &d->actions[i]);
				is_done = true;
			}
	}
	return is_done ? ACT_DONE : p->begun != before ? ACT_BEGUN : ACT_NOTHING;
}
