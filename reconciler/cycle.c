/*
 * observe -> decide -> act, until the host matches. The one thing to know: nothing is carried over from one decision to
 * the next but what cannot be observed twice (how long a probe has passed without a break, what an engine answered to
 * an action), and that only within this process.
 */
#include "cycle.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/notify.h"
#include "decide/rehearse.h"
#include "desired/context.h"
#include "desired/kept.h"
#include "follow.h"
#include "host/host.h"
#include "host/lock.h"
#include "keep.h"
#include "model/failure.h"
#include "observe.h"
#include "report/json.h"
#include "resolve.h"
#include "whatif.h"

#define POLL_MS 200               /* how often a gate or a hold is looked at */
#define RUN_MAX_MS (30 * 60000)   /* then the next run takes it from there */
#define DOCKER_AWAY_MAX_MS 60000  /* how long a run waits for an engine that restarts */
#define REPEATS_MAX 20            /* the same action more often than that in one run is a bug, not progress */
#define EVIDENCE_LINES 20

struct repeat {
	const char *text;
	int count;
	const char *failed; /* why it failed last: said in full once */
};

struct cycle {
	const struct settings *settings;
	const struct cycle_options *options;
	struct http *http;
	struct docker *docker;
	struct nginx_settings nginx;
	struct host_settings host;
	struct arena arena; /* as long as the run */
	struct keeper keeper;
	struct observer observer;
	struct resolver resolver;
	struct follower follower;
	struct failures failures;
	int64_t acting_since_ms;
	struct repeat *repeats;  /* actions done, */
	size_t repeats_count;
	struct repeat *said;     /* and the last reason logged for each service */
	size_t said_count;
	int64_t run_started_ms;
	struct tally tally;
	bool is_stuck;
	bool has_looked;
	int lock;
};

static int cycle_open(struct cycle *c, const struct settings *s, const struct cycle_options *o, struct err *e)
{
	size_t rows_count;
	const struct field *const *rows = fields_rows(&rows_count);
	*c = (struct cycle){.settings = s, .options = o, .run_started_ms = clock_now_ms(), .lock = -1};
	c->nginx = (struct nginx_settings){
		.binary = s->nginx_binary, .config = s->nginx_config, .pid_file = s->nginx_pid, .listen = s->nginx_listen,
		.directory = arena_printf(&c->arena, "%s/nginx", s->state_dir), .status_port = (int)s->nginx_status_port,
		.announce_ms = 400, .confirm_ms = 10000,
	};
	c->host = (struct host_settings){.instance = s->instance, .min_free_bytes = s->min_free};
	if (keep_open(&c->keeper, s->state_dir, &c->arena, e) < 0)
		return -1;
	if (http_open(&c->http, e) < 0)
		return -1;
	struct docker_settings docker = {
		.host = s->docker_host, .instance_id = s->instance, .rows = rows, .rows_count = rows_count,
		.config_folder = s->docker_config, .content = context_content, .min_free_bytes = s->min_free};
	if (docker_open(&c->docker, &docker, c->http, e) < 0)
		return -1;
	c->resolver = (struct resolver){.docker = c->docker, .arena = &c->arena};
	c->follower = (struct follower){.settings = s, .resolver = &c->resolver, .notes = &c->keeper.notes,
	                                .asked_ms = clock_monotonic_ms()};
	c->observer = (struct observer){
		.http = c->http, .docker = c->docker, .docker_host = s->docker_host, .nginx = &c->nginx, .host = &c->host,
		.notes = &c->keeper.notes, .arena = &c->arena,
		.orders_folder = arena_printf(&c->arena, "%s/operator", s->state_dir),
		.access_log = {.settings = &c->nginx, .arena = &c->arena},
		.measurer = {.http = c->http, .arena = &c->arena}};
	return 0;
}

static int look(struct cycle *c, const struct desired *d, struct arena *a, struct world *w, struct err *e)
{
	if (observe(&c->observer, d, a, w, e) < 0)
		return -1;
	w->run_started_ms = c->run_started_ms;
	w->failures = c->failures.items;
	w->failures_count = c->failures.count;
	return 0;
}

static void cycle_done(struct cycle *c)
{
	docker_free(c->docker);
	http_free(c->http);
	fd_close(&c->lock);
	arena_done(&c->arena);
}

/* An answer, or a line of it: on its way before anything else happens. */
static void answer(const struct buf *out)
{
	fputs(out->text, stdout);
	fflush(stdout);
}

/* ---- Act ---- */

/* --json: where an action stands. */
static void tell(const struct cycle *c, const char *type, const struct action *action, const struct err *e)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(128 * 1024);
	if (!c->options->is_json)
		return;
	json_line_action(&out, type, action, e);
	answer(&out);
}

/* The last words of what failed, while they can still be read. */
static void show_evidence(struct cycle *c, const struct world *w, const struct action *action)
{
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		if (strcmp(in->project, action->project) != 0 || strcmp(in->service, action->service) != 0 ||
		    strcmp(in->revision, action->revision) != 0)
			continue;
		CLEANUP(buf_done) struct buf lines = BUF_INIT(64 * 1024);
		struct err e;
		if (docker_logs(c->docker, in, EVIDENCE_LINES, &lines, &e) < 0 || !lines.length)
			continue;
		log_info("the last lines of %s:", in->name);
		fprintf(stderr, "%s%s", lines.text, lines.text[lines.length - 1] == '\n' ? "" : "\n");
	}
}

/* How often the action was done by now, this time counted. */
static struct repeat *count_repeat(struct cycle *c, const char *text)
{
	struct repeat *r = NULL;
	for (size_t i = 0; i < c->repeats_count && !r; i++)
		if (strcmp(c->repeats[i].text, text) == 0)
			r = &c->repeats[i];
	if (!r) {
		r = ARENA_PUSH(&c->arena, c->repeats, c->repeats_count);
		*r = (struct repeat){.text = arena_strdup(&c->arena, text)};
	}
	c->is_stuck |= ++r->count > REPEATS_MAX;
	return r;
}

static void say_failure(struct cycle *c, struct repeat *r, const struct err *e)
{
	if (r->failed && strcmp(r->failed, e->message) == 0) {
		log_error("%s: the same at attempt %d", r->text, r->count);
		return;
	}
	r->failed = arena_strdup(&c->arena, e->message);
	log_error("%s: %s", r->text, e->message);
}

/* A network or volume that failed shows again in the instance that needs it. */
static bool is_remembered(const struct action *action)
{
	return action->service || action->kind == ACTION_PUBLISH || action_info(action->kind)->room == ROOM_HOST;
}

/* Logs an action that ended, in the words of the plan, and keeps what the next decision must know of it. */
static void ended(struct cycle *c, const struct action *action, const struct outcome *outcome)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
	action_print(&text, action);
	struct repeat *repeat = count_repeat(c, text.text);
	if (outcome->result < 0) {
		say_failure(c, repeat, &outcome->err);
		if (*outcome->log)
			log_info("the last lines of it:\n%s", outcome->log);
		tell(c, "apply_errored", action, &outcome->err);
		if (is_remembered(action))
			failures_add(&c->failures, &c->arena, action, &outcome->err, c->acting_since_ms, clock_now_ms())
				->retry_after_ms = outcome->retry_after_ms;
		return;
	}
	log_info("%s", text.text);
	if (*outcome->note)
		log_warning("%s: %s", text.text, outcome->note);
	tell(c, "apply_complete", action, NULL);
	if (is_remembered(action))
		failures_forget(&c->failures, action);
	keep_images(&c->keeper, action, outcome);
	tally_add(&c->tally, action);
}

/* A note that cannot be written is a failed action like any other: what decide does about it is its business, and one
 * service's disk trouble does not end the run for the others. */
static void act_note(struct cycle *c, const struct world *w, const struct action *action)
{
	struct outcome outcome = {0};
	tell(c, "apply_start", action, NULL);
	outcome.result = action->kind == ACTION_QUARANTINE ? keep_quarantine(&c->keeper, action, &outcome.err)
	                                                   : keep_good(&c->keeper, action, &outcome.err);
	if (action->kind == ACTION_QUARANTINE)
		show_evidence(c, w, action);
	ended(c, action, &outcome);
}

static void act_nginx(struct cycle *c, const struct action *action)
{
	struct outcome outcome = {0};
	tell(c, "apply_start", action, NULL);
	outcome.result = nginx_act(&c->nginx, c->http, action, &outcome.err);
	ended(c, action, &outcome);
}

static void act_host(struct cycle *c, const struct action *action)
{
	struct outcome outcome = {0};
	tell(c, "apply_start", action, NULL);
	outcome.result = host_act(&c->host, action, &outcome.err);
	ended(c, action, &outcome);
}

static void act_docker(struct cycle *c, const struct decision *d, struct arena *a)
{
	const struct action **actions = arena_alloc(a, (d->actions_count + 1) * sizeof *actions);
	struct outcome *outcomes = arena_alloc(a, (d->actions_count + 1) * sizeof *outcomes);
	size_t count = 0;
	for (size_t i = 0; i < d->actions_count; i++)
		if (action_info(d->actions[i].kind)->room == ROOM_DOCKER)
			actions[count++] = &d->actions[i];
	for (size_t i = 0; i < count; i++)
		tell(c, "apply_start", actions[i], NULL);
	docker_act(c->docker, actions, outcomes, count);
	for (size_t i = 0; i < count; i++)
		ended(c, actions[i], &outcomes[i]);
}

/* Notes before the act that they are about; traffic before instances; then the structure, and last what may take long. */
static void act(struct cycle *c, const struct world *w, const struct decision *d, struct arena *a)
{
	c->acting_since_ms = clock_now_ms();
	for (size_t i = 0; i < d->actions_count; i++)
		if (action_info(d->actions[i].kind)->room == ROOM_NOTES)
			act_note(c, w, &d->actions[i]);
	for (size_t i = 0; i < d->actions_count; i++)
		if (d->actions[i].kind == ACTION_WEIGHT)
			act_nginx(c, &d->actions[i]);
	act_docker(c, d, a);
	for (size_t i = 0; i < d->actions_count; i++)
		if (action_info(d->actions[i].kind)->room == ROOM_NGINX && d->actions[i].kind != ACTION_WEIGHT)
			act_nginx(c, &d->actions[i]);
	for (size_t i = 0; i < d->actions_count; i++)
		if (action_info(d->actions[i].kind)->room == ROOM_HOST)
			act_host(c, &d->actions[i]);
}

/* ---- The run ---- */

/* What each service waits for, once for each change of it. */
static void say_waits(struct cycle *c, const struct decision *d)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(8192);
	for (size_t i = 0; i < d->services_count; i++) {
		const struct status *s = &d->services[i];
		if (s->phase != PHASE_PROGRESSING || !s->reason)
			continue;
		struct repeat *said = NULL;
		buf_clear(&line);
		buf_printf(&line, "%s/%s: %s", s->project, s->service, s->reason);
		size_t length = strlen(s->project) + 1 + strlen(s->service) + 1;
		for (size_t k = 0; k < c->said_count; k++)
			if (strncmp(c->said[k].text, line.text, length) == 0)
				said = &c->said[k];
		if (said && strcmp(said->text, line.text) == 0)
			continue;
		if (!said)
			said = ARENA_PUSH(&c->arena, c->said, c->said_count);
		said->text = arena_strdup(&c->arena, line.text);
		log_info("%s", line.text);
		notify_status(line.text);
	}
}

/* What ended a command; `form` is the one that --json has for it. */
static int say_error(const struct cycle_options *o, const struct err *e, void (*form)(struct buf *out, const struct err *e))
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(16 * 1024);
	char of_answer[sizeof e->message + 8]; /* the log has a back-off of its own */
	log_error("%s", e->message);
	snprintf(of_answer, sizeof of_answer, "json %s", e->message);
	if (o->is_json && log_is_due(of_answer)) {
		form(&out, e);
		answer(&out);
	}
	return err_info(e->kind)->exit_code;
}

/* What kept a part of Git from being looked at comes after what is wrong with the rest, and before what only waits. */
static int exit_code(int code, const struct loaded *l)
{
	if (l->left_out && (code == 0 || code == 2 || code == 75))
		return err_info(ERR_INVALID)->exit_code;
	if (l->files.kind != ERR_NONE && code == 0)
		return err_info(l->files.kind)->exit_code;
	return code == 0 && l->git.kind != ERR_NONE ? err_info(l->git.kind)->exit_code : code;
}

/* Told once for each commit. */
static void say_gone(const struct cycle *c, const struct desired *d, const struct world *w)
{
	CLEANUP(buf_done) struct buf names = BUF_INIT(64 * 1024);
	if (*d->commit && strcmp(c->keeper.notes.applied ? c->keeper.notes.applied : "", d->commit) != 0)
		projects_gone(&names, d, w);
	if (names.length)
		log_warning("left alone, for commit %.8s has no such project: %s", d->commit, names.text);
}

static int say_end(struct cycle *c, const struct loaded *l, const struct decision *d)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(1024 * 1024);
	int code = status_exit_code(d);
	tally_end(&c->tally);
	if (tally_is_empty(&c->tally))
		status_nothing(&out, d);
	else
		buf_printf(&out, "%s: %d added, %d changed, %d destroyed.\n",
		           code == 0 ? "Apply complete" : code == 3 ? "Rolled back" : "Apply incomplete", c->tally.added,
		           c->tally.changed, c->tally.destroyed);
	const char *message = arena_printf(&c->arena, "%.*s", (int)strcspn(out.text, "\n"), out.text);
	status_notes(&out, d);
	notify_status(out.text);
	/* Of many rounds, those that changed something or went wrong in a new way are told. */
	bool is_news = !tally_is_empty(&c->tally) || (code != 0 && log_is_due(out.text));
	if (c->options->is_json) {
		buf_clear(&out);
		json_line_summary(&out, &c->tally, d, message);
	}
	if (is_news || !c->options->is_round)
		answer(&out);
	return exit_code(code, l);
}

/* One observation and one decision. Returns 1 when the run is over, 0 to go on, -1 on failure. */
static int turn(struct cycle *c, const struct loaded *l, struct decision *decision, struct arena *a, struct err *e)
{
	const struct desired *d = &l->desired;
	struct world world;
	if (look(c, d, a, &world, e) < 0)
		return -1;
	if (!c->has_looked && !l->left_out && !l->is_partial)
		say_gone(c, d, &world);
	c->has_looked = true;
	if (c->keeper.notes.is_missing && !world.are_notes_lost && keep_begin(&c->keeper, e) < 0)
		return -1;
	access_log_keep(&c->observer.access_log, world.now_ms);
	decide(d, &world, a, decision);
	if (decision->actions_count == 0)
		say_waits(c, decision);
	if (decision->actions_count == 0 && !decision->wait_until_ms) {
		kept_sweep(arena_printf(a, "%s/secrets", c->settings->state_dir), d, &world);
		return 1;
	}
	act(c, &world, decision, a);
	if (c->is_stuck)
		return err_set(e, ERR_INTERNAL, "the same action again and again; stopped. Please report it, with this log");
	if (decision->actions_count == 0) {
		int64_t left_ms = decision->wait_until_ms - clock_now_ms();
		clock_sleep_ms(left_ms > POLL_MS ? POLL_MS : left_ms < 10 ? 10 : left_ms);
	}
	return 0;
}

static int run_until_settled(struct cycle *c, struct want *want, struct err *e)
{
	int64_t started_ms = clock_monotonic_ms(), away_since_ms = 0;
	bool has_observed = false;
	for (;;) {
		CLEANUP(arena_done) struct arena a = {0};
		struct decision decision = {0};
		int result = turn(c, &want->loaded, &decision, &a, e);
		int64_t now_ms = clock_monotonic_ms();
		if (result > 0) {
			int code = say_end(c, &want->loaded, &decision);
			return keep_settled(&c->keeper, &want->loaded, &decision, e) < 0 ? -1 : code;
		}
		if (clock_stop_requested()) {
			err_set(e, ERR_STOPPED, "stopped at a safe point; the next run goes on from here");
			return -1;
		}
		if (result == 0) {
			has_observed = true;
			away_since_ms = 0;
			if (decision.actions_count == 0 && follow_newer(&c->follower, want)) {
				c->has_looked = false;
				c->failures = (struct failures){0}; /* what failed for the old commit may be what this one sets right */
			}
		} else if (e->kind != ERR_UNREACHABLE && e->kind != ERR_TRANSIENT) {
			return -1;
		} else {
			away_since_ms = away_since_ms ? away_since_ms : now_ms;
			if (!has_observed || now_ms - away_since_ms > DOCKER_AWAY_MAX_MS)
				return -1;
			clock_sleep_ms(1000);
		}
		if (now_ms - started_ms > RUN_MAX_MS)
			return err_set(e, ERR_TRANSIENT, "this run has lasted for 30 minutes; the next one goes on from here");
	}
}

int cycle_pass(const struct settings *s, const struct cycle_options *o, struct err *e)
{
	struct want want = {0};
	CLEANUP(cycle_done) struct cycle c;
	int code = -1;
	if (cycle_open(&c, s, o, e) == 0 && lock_wait(s->run_dir, s->lock_timeout_ms, &c.lock, e) == 0 &&
	    fs_mkdir(s->state_dir, 0755, e) == 0 && keep_read_again(&c.keeper, e) == 0 &&
	    follow_load(&c.follower, LOAD_SYNC, &want, e) == 0 &&
	    (want.loaded.desired.routes_count == 0 || nginx_prepare(&c.nginx, e) == 0))
		code = run_until_settled(&c, &want, e);
	arena_done(&want.arena);
	return code;
}

int cycle_end(const struct cycle_options *o, const struct err *e)
{
	return say_error(o, e, json_line_diagnostic);
}

void cycle_begin(const struct cycle_options *o)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
	clock_catch_stop();
	if (!o->is_json)
		return;
	json_line_version(&out);
	answer(&out);
}

int cycle_run(const struct settings *s, const struct cycle_options *o)
{
	struct err e;
	cycle_begin(o);
	int code = cycle_pass(s, o, &e);
	return code < 0 ? cycle_end(o, &e) : code;
}

int cycle_plan(const struct settings *s, const struct cycle_options *o)
{
	struct err e;
	struct want want = {0};
	CLEANUP(cycle_done) struct cycle c;
	CLEANUP(buf_done) struct buf out = BUF_INIT(16 * 1024 * 1024);
	struct world world;
	if (cycle_open(&c, s, o, &e) < 0 || follow_load(&c.follower, LOAD_PEEK, &want, &e) < 0 ||
	    look(&c, &want.loaded.desired, &want.arena, &world, &e) < 0) {
		arena_done(&want.arena);
		return say_error(o, &e, json_failure);
	}
	struct rehearsal r;
	struct what_if what_if = {0};
	if (o->what_if && what_if_parse(o->what_if, &want.loaded.desired, &what_if, &e) < 0) {
		arena_done(&want.arena);
		return say_error(o, &e, json_failure);
	}
	rehearse(&want.loaded.desired, &world, &what_if, &want.arena, &r);
	if (what_if.crash_after > r.events_count)
		log_warning("--what-if %s: this plan has %zu steps", o->what_if, r.events_count);
	struct plan plan;
	plan_build(&want.arena, &want.loaded.desired, &world, &r, &plan);
	if (o->is_json)
		json_plan(&out, &plan, want.loaded.left_out == 0);
	else
		plan_print(&out, &plan);
	answer(&out);
	int code = o->detailed_exitcode && !tally_is_empty(&plan.tally) ? 2 : 0;
	if (want.loaded.left_out)
		code = exit_code(code, &want.loaded);
	arena_done(&want.arena);
	return code;
}

int cycle_status(const struct settings *s, const struct cycle_options *o)
{
	struct err e;
	struct want want = {0};
	CLEANUP(cycle_done) struct cycle c;
	CLEANUP(buf_done) struct buf out = BUF_INIT(1024 * 1024);
	struct world world;
	int code = -1;
	if (cycle_open(&c, s, o, &e) == 0 && follow_load(&c.follower, LOAD_PEEK, &want, &e) == 0 &&
	    look(&c, &want.loaded.desired, &want.arena, &world, &e) == 0) {
		struct decision decision;
		decide(&want.loaded.desired, &world, &want.arena, &decision);
		if (o->is_json) {
			json_status(&out, &want.loaded.desired, &decision, &world);
		} else {
			status_print(&out, &want.loaded.desired, &decision);
			seen_print(&out, &world);
		}
		answer(&out);
		code = status_exit_code(&decision);
		if (want.loaded.left_out)
			code = exit_code(code, &want.loaded);
	}
	arena_done(&want.arena);
	return code < 0 ? say_error(o, &e, json_failure) : code;
}

int cycle_glimpse(const struct settings *s, struct want *want, struct world *w, struct err *e)
{
	CLEANUP(cycle_done) struct cycle c;
	const struct cycle_options options = {0};
	if (cycle_open(&c, s, &options, e) < 0 || follow_load(&c.follower, LOAD_PEEK, want, e) < 0)
		return -1;
	return look(&c, &want->loaded.desired, &want->arena, w, e);
}
