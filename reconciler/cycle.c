/*
 * observe -> decide -> act, until the host matches. The one thing to know: nothing is carried over from one decision to
 * the next but what cannot be observed twice (how long a probe has passed without a break, what an engine answered to
 * an action), and that only within this process.
 */
#include "cycle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/notify.h"
#include "decide/rehearse.h"
#include "desired/context.h"
#include "desired/kept.h"
#include "follow.h"
#include "forensics.h"
#include "host/host.h"
#include "host/lock.h"
#include "keep.h"
#include "model/failure.h"
#include "observe.h"
#include "performer.h"
#include "report/json.h"
#include "resolve.h"
#include "whatif.h"

#define POLL_MS 200               /* how often a gate or a hold is looked at, */
#define LOOK_SHARE 4              /* and no more than one part in so many of a processor's time */
#define RUN_MAX_MS (30 * 60000)   /* then the next run takes it from there */
#define DOCKER_AWAY_MAX_MS 60000  /* how long a run waits for an engine that restarts */

/* What one pass derived; it outlives the pass while an action that it began is under way. */
struct pass {
	struct pass *next;
	struct arena arena;
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
	struct performer performer;
	struct pass *passes;     /* newest first */
	struct arena *left;      /* of commits that were taken over: as long as anything is under way */
	size_t left_count;
	const char **said;       /* the last reason logged for each service */
	size_t said_count;
	bool has_looked;
	int64_t look_ms;         /* what the last look took of the processor: with many instances each of their tables is read */
	int lock;
};

static int cycle_open(struct cycle *c, const struct settings *s, const struct cycle_options *o, struct err *e)
{
	size_t rows_count;
	const struct field *const *rows = fields_rows(&rows_count);
	*c = (struct cycle){.settings = s, .options = o, .lock = -1, .follower.errors = ""};
	c->nginx = (struct nginx_settings){
		.binary = s->nginx_binary, .config = s->nginx_config, .pid_file = s->nginx_pid, .listen = s->nginx_listen,
		.directory = arena_printf(&c->arena, "%s/nginx", s->state_dir), .status_port = (int)s->nginx_status_port,
		.container = s->nginx_container, .network = s->nginx_network,
		.announce_ms = 400, .confirm_ms = 10000,
	};
	c->host = (struct host_settings){.instance = s->instance, .min_free_bytes = s->min_free};
	if (keep_open(&c->keeper, s->state_dir, &c->arena, e) < 0)
		return -1;
	if (http_open(&c->http, e) < 0)
		return -1;
	struct docker_settings docker = {
		.host = s->docker_host, .instance_id = s->instance, .rows = rows, .rows_count = rows_count,
		.nginx_network = s->nginx_network,
		.config_folder = s->docker_config, .content = context_content, .min_free_bytes = s->min_free,
		.begun = performer_begun, .ended = performer_ended, .context = &c->performer};
	if (docker_open(&c->docker, &docker, c->http, e) < 0)
		return -1;
	c->performer = (struct performer){
		.docker = c->docker, .http = c->http, .nginx = &c->nginx, .host = &c->host, .keeper = &c->keeper,
		.observer = &c->observer, .arena = &c->arena, .is_json = o->is_json,
		.failed_folder = arena_printf(&c->arena, "%s/failed", s->state_dir)};
	c->resolver = (struct resolver){.docker = c->docker, .arena = &c->arena};
	c->follower = (struct follower){.settings = s, .resolver = &c->resolver, .notes = &c->keeper.notes,
	                                .asked_ms = clock_monotonic_ms(), .errors = ""};
	c->observer = (struct observer){
		.http = c->http, .docker = c->docker, .docker_host = s->docker_host, .nginx = &c->nginx, .host = &c->host,
		.notes = &c->keeper.notes, .arena = &c->arena,
		.orders_folder = arena_printf(&c->arena, "%s/operator", s->state_dir),
		.access_log = {.settings = &c->nginx, .arena = &c->arena},
		.measurer = {.http = c->http, .arena = &c->arena},
		.wall_ms = clock_now_ms(), .monotonic_ms = clock_monotonic_ms()};
	return 0;
}

static int look(struct cycle *c, const struct desired *d, struct arena *a, struct world *w, struct err *e)
{
	int64_t before_ms = clock_cpu_ms();
	if (observe(&c->observer, d, a, w, e) < 0)
		return -1;
	c->look_ms = clock_cpu_ms() - before_ms;
	w->failures = c->performer.failures.items;
	w->failures_count = c->performer.failures.count;
	return 0;
}

static void cycle_done(struct cycle *c)
{
	docker_free(c->docker);
	http_free(c->http);
	fd_close(&c->lock);
	arena_done(&c->arena);
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
		const char **said = NULL;
		buf_clear(&line);
		buf_printf(&line, "%s/%s: ", s->project, s->service);
		status_reason(&line, s);
		size_t length = strlen(s->project) + 1 + strlen(s->service) + 1;
		for (size_t k = 0; k < c->said_count; k++)
			if (strncmp(c->said[k], line.text, length) == 0)
				said = &c->said[k];
		if (said && strcmp(*said, line.text) == 0)
			continue;
		if (!said)
			said = ARENA_PUSH(&c->arena, c->said, c->said_count);
		*said = arena_strdup(&c->arena, line.text);
		log_info("%s", line.text);
		notify_status(line.text);
	}
}

/* What ended a command. */
static int say_error(const struct cycle_options *o, const char *errors, const struct err *e)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(256 * 1024);
	log_error("%s", e->message);
	if (o->is_json) {
		json_failure(&out, errors, e);
		performer_answer(&out);
	}
	return err_info(e->kind)->exit_code;
}

/* The same of a run, which says so in a line; what is wrong with manifests has lines of its own. */
static void say_errors(const struct cycle *c)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(256 * 1024);
	char of_answer[256]; /* the log has a back-off of its own */
	snprintf(of_answer, sizeof of_answer, "json %s", c->follower.errors);
	if (!c->options->is_json || !*c->follower.errors || !log_is_due(of_answer))
		return;
	json_lines_of_errors(&out, c->follower.errors);
	performer_answer(&out);
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
	struct tally *tally = &c->performer.tally;
	tally_end(tally);
	if (tally_is_empty(tally))
		status_nothing(&out, d);
	else
		buf_printf(&out, "%s: %d added, %d changed, %d destroyed.\n",
		           code == 0 ? "Apply complete" : code == 3 ? "Rolled back" : "Apply incomplete", tally->added,
		           tally->changed, tally->destroyed);
	const char *message = arena_printf(&c->arena, "%.*s", (int)strcspn(out.text, "\n"), out.text);
	status_notes(&out, d);
	notify_status(out.text);
	/* Of many rounds, those that changed something or went wrong in a new way are told. */
	bool is_news = !tally_is_empty(tally) || (code != 0 && log_is_due(out.text));
	if (c->options->is_json) {
		buf_clear(&out);
		json_line_summary(&out, tally, d, message);
	}
	if (is_news || !c->options->is_round)
		performer_answer(&out);
	return exit_code(code, l);
}

/* Is nothing under way? */
static bool is_at_rest(struct cycle *c, struct arena *a)
{
	const struct action **under_way;
	return docker_under_way(c->docker, a, &under_way) == 0;
}

/* Until something has ended, or until it is time to look again: at once when something was done. */
static void wait_a_little(struct cycle *c, const struct decision *d, enum act act, struct arena *a)
{
	int64_t left_ms = d->wait_until_ms ? d->wait_until_ms - observer_now_ms(&c->observer) : POLL_MS;
	int64_t rest_ms = (LOOK_SHARE - 1) * c->look_ms;
	left_ms = left_ms > POLL_MS ? POLL_MS : left_ms < 10 ? 10 : left_ms;
	left_ms = act == ACT_DONE ? 0 : left_ms < rest_ms ? rest_ms : left_ms;
	if (!is_at_rest(c, a))
		docker_poll(c->docker, left_ms);
	else if (act == ACT_NOTHING)
		clock_sleep_ms(left_ms);
}

/* One observation and one decision, and the beginning of what it asks for. Returns 1 when the run is over, 0 to go on, -1
 * on failure. *is_idle: there was nothing to do but to wait. */
static int turn(struct cycle *c, const struct loaded *l, struct decision *decision, struct arena *a, bool *is_idle, struct err *e)
{
	const struct desired *d = &l->desired;
	struct world *world = arena_alloc(a, sizeof *world);
	if (look(c, d, a, world, e) < 0)
		return -1;
	if (!c->has_looked && !l->left_out && !l->is_partial)
		say_gone(c, d, world);
	c->has_looked = true;
	if (c->keeper.notes.is_missing && !world->are_notes_lost && keep_begin(&c->keeper, e) < 0)
		return -1;
	access_log_keep(&c->observer.access_log, world->now_ms);
	decide(d, world, a, decision);
	if (decision->actions_count == 0 && !decision->wait_until_ms && is_at_rest(c, a)) {
		say_waits(c, decision);
		performer_show_failures(&c->performer, d, world, decision);
		kept_sweep(arena_printf(a, "%s/secrets", c->settings->state_dir), d, world);
		return 1;
	}
	enum act act = performer_act(&c->performer, world, decision, a);
	*is_idle = act == ACT_NOTHING;
	if (*is_idle && !docker_has_quick(c->docker))
		say_waits(c, decision);
	wait_a_little(c, decision, act, a);
	if (c->performer.is_stuck)
		return err_set(e, ERR_INTERNAL, "the same action again and again; stopped. Please report it, with this log");
	return 0;
}

/* Forgets the passes of which nothing is under way any more. */
static void sweep(struct cycle *c)
{
	for (struct pass **at = &c->passes; *at; ) {
		struct pass *one = *at;
		if (docker_needs(c->docker, &one->arena)) {
			at = &one->next;
			continue;
		}
		*at = one->next;
		arena_done(&one->arena);
		free(one);
	}
	for (size_t i = 0; !c->passes && i < c->left_count; i++)
		arena_done(&c->left[i]);
	c->left_count = c->passes ? c->left_count : 0;
}

static struct arena *pass_new(struct cycle *c)
{
	struct pass *one = calloc(1, sizeof *one);
	if (!one)
		abort();
	sweep(c);
	one->next = c->passes;
	c->passes = one;
	return &one->arena;
}

/* What was begun ends before the run does. */
static void land(struct cycle *c)
{
	docker_begin(c->docker, NULL, NULL, 0);
	for (CLEANUP(arena_done) struct arena a = {0}; !is_at_rest(c, &a); arena_clear(&a))
		docker_poll(c->docker, 1000);
	sweep(c);
}

/* While nothing else is to be done: has Git something newer? */
static void follow(struct cycle *c, struct want *want)
{
	struct want old;
	if (!follow_newer(&c->follower, want, &old))
		return;
	say_errors(c);
	*ARENA_PUSH(&c->arena, c->left, c->left_count) = old.arena;
	c->has_looked = false;
	c->performer.failures = (struct failures){0}; /* what failed for the old commit may be what this one sets right */
}

static int run_until_settled(struct cycle *c, struct want *want, struct err *e)
{
	int64_t started_ms = clock_monotonic_ms(), away_since_ms = 0;
	bool has_observed = false;
	for (;;) {
		struct arena *a = pass_new(c);
		struct decision decision = {0};
		bool is_idle = false;
		int result = turn(c, &want->loaded, &decision, a, &is_idle, e);
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
			if (is_idle)
				follow(c, want);
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

static int load(struct cycle *c, struct want *want, struct err *e)
{
	int result = follow_load(&c->follower, LOAD_SYNC, want, e);
	say_errors(c);
	return result;
}

/* The engine is given up only when all that was begun has ended, whatever the run came to. */
static int run_and_land(struct cycle *c, struct want *want, struct err *e)
{
	int code = run_until_settled(c, want, e);
	land(c);
	return code;
}

int cycle_pass(const struct settings *s, const struct cycle_options *o, struct err *e)
{
	struct want want = {0};
	CLEANUP(cycle_done) struct cycle c;
	int code = -1;
	if (cycle_open(&c, s, o, e) == 0 && lock_wait(s->run_dir, s->lock_timeout_ms, &c.lock, e) == 0 &&
	    fs_mkdir(s->state_dir, 0755, e) == 0 && keep_read_again(&c.keeper, e) == 0 &&
	    load(&c, &want, e) == 0 &&
	    (want.loaded.desired.routes_count == 0 || nginx_prepare(&c.nginx, e) == 0))
		code = run_and_land(&c, &want, e);
	if (c.lock >= 0)
		forensics_sweep(c.performer.failed_folder, clock_now_ms());
	arena_done(&want.arena);
	return code;
}

int cycle_end(const struct cycle_options *o, const struct err *e)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(16 * 1024);
	char of_answer[sizeof e->message + 8]; /* the log has a back-off of its own */
	log_error("%s", e->message);
	snprintf(of_answer, sizeof of_answer, "json %s", e->message);
	if (o->is_json && log_is_due(of_answer)) {
		json_line_diagnostic(&out, e);
		performer_answer(&out);
	}
	return err_info(e->kind)->exit_code;
}

void cycle_begin(const struct cycle_options *o)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
	clock_catch_stop();
	if (!o->is_json)
		return;
	json_line_version(&out);
	performer_answer(&out);
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
		return say_error(o, c.follower.errors, &e);
	}
	struct rehearsal r;
	struct what_if what_if = {0};
	if (o->what_if && what_if_parse(o->what_if, &want.loaded.desired, &world.host, &what_if, &e) < 0) {
		arena_done(&want.arena);
		return say_error(o, c.follower.errors, &e);
	}
	rehearse(&want.loaded.desired, &world, &what_if, &want.arena, &r);
	if (what_if.crash_after > r.events_count || what_if.fails_after > r.events_count)
		log_warning("--what-if %s: this plan has %zu steps", o->what_if, r.events_count);
	struct plan plan;
	plan_build(&want.arena, &want.loaded.desired, &world, &r, &plan);
	if (o->is_json)
		json_plan(&out, &plan, want.loaded.left_out == 0);
	else
		plan_print(&out, &plan);
	performer_answer(&out);
	int code = o->detailed_exitcode && !tally_is_empty(&plan.tally) ? 2 : 0;
	if (want.loaded.left_out)
		code = exit_code(code, &want.loaded);
	arena_done(&want.arena);
	return code;
}

/* One look and no other. */
static int glance(struct cycle *c, const struct settings *s, const struct cycle_options *o, struct want *want, struct world *w,
                  struct err *e)
{
	if (cycle_open(c, s, o, e) < 0 || follow_load(&c->follower, LOAD_PEEK, want, e) < 0)
		return -1;
	c->observer.is_glance = true;
	return look(c, &want->loaded.desired, &want->arena, w, e);
}

int cycle_status(const struct settings *s, const struct cycle_options *o)
{
	struct err e;
	struct want want = {0};
	CLEANUP(cycle_done) struct cycle c;
	CLEANUP(buf_done) struct buf out = BUF_INIT(1024 * 1024);
	struct world world;
	int code = -1;
	if (glance(&c, s, o, &want, &world, &e) == 0) {
		struct decision decision;
		decide(&want.loaded.desired, &world, &want.arena, &decision);
		if (o->is_json) {
			json_status(&out, &want.loaded.desired, &decision, &world);
		} else {
			status_print(&out, &want.loaded.desired, &decision);
			seen_print(&out, &world);
		}
		performer_answer(&out);
		code = status_exit_code(&decision);
		if (want.loaded.left_out)
			code = exit_code(code, &want.loaded);
	}
	arena_done(&want.arena);
	return code < 0 ? say_error(o, c.follower.errors, &e) : code;
}

int cycle_glimpse(const struct settings *s, struct want *want, struct world *w, struct err *e)
{
	CLEANUP(cycle_done) struct cycle c;
	const struct cycle_options options = {0};
	return glance(&c, s, &options, want, w, e);
}
