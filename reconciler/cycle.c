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
#include "decide/rehearse.h"
#include "desired/context.h"
#include "desired/kept.h"
#include "desired/load.h"
#include "host/lock.h"
#include "model/failure.h"
#include "observe.h"
#include "report/report.h"
#include "resolve.h"

#define POLL_MS 200               /* how often a gate or a hold is looked at */
#define GIT_POLL_MS 5000          /* how often a run that waits asks Git for something newer */
#define RUN_MAX_MS (30 * 60000)   /* then the next run takes it from there */
#define DOCKER_AWAY_MAX_MS 60000  /* how long a run waits for an engine that restarts */
#define REPEATS_MAX 20            /* the same action more often than that in one run is a bug, not progress */
#define EVIDENCE_LINES 20

struct repeat {
	const char *text;
	int count;
};

struct cycle {
	const struct settings *settings;
	struct http *http;
	struct docker *docker;
	struct nginx_settings nginx;
	const char *notes_folder;
	struct arena arena; /* as long as the run */
	struct notes notes;
	struct observer observer;
	struct resolver resolver;
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
	char rejected[GIT_ID_SIZE]; /* a newer commit that cannot be used: said once */
	bool are_notes_unwritten; /* something is in memory that must be on disk before the run may end well */
	int lock;
};

static int cycle_open(struct cycle *c, const struct settings *s, struct err *e)
{
	size_t rows_count;
	const struct field *const *rows = fields_rows(&rows_count);
	*c = (struct cycle){.settings = s, .run_started_ms = clock_now_ms(), .lock = -1};
	c->nginx = (struct nginx_settings){
		.binary = s->nginx_binary, .config = s->nginx_config, .pid_file = s->nginx_pid, .listen = s->nginx_listen,
		.directory = arena_printf(&c->arena, "%s/nginx", s->state_dir), .status_port = (int)s->nginx_status_port,
		.announce_ms = 400, .confirm_ms = 10000,
	};
	c->notes_folder = arena_printf(&c->arena, "%s/notes", s->state_dir);
	if (notes_read(c->notes_folder, &c->arena, &c->notes, e) < 0)
		return err_wrap(e, "notes");
	if (http_open(&c->http, e) < 0)
		return -1;
	struct docker_settings docker = {
		.host = s->docker_host, .instance_id = s->instance, .rows = rows, .rows_count = rows_count,
		.config_folder = s->docker_config, .content = context_content, .min_free_bytes = s->min_free};
	if (docker_open(&c->docker, &docker, c->http, e) < 0)
		return -1;
	c->resolver = (struct resolver){.docker = c->docker, .arena = &c->arena};
	c->observer = (struct observer){
		.http = c->http, .docker = c->docker, .docker_host = s->docker_host, .nginx = &c->nginx,
		.notes = &c->notes, .arena = &c->arena};
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

/* ---- Act ---- */

/* Kept in memory even when it cannot be written: going back must not wait for room on the disk. The run then ends
 * with the error, see refresh_notes(). */
static int note_quarantine(struct cycle *c, const struct action *action, struct err *e)
{
	struct arena *a = &c->arena;
	*ARENA_PUSH(a, c->notes.quarantines, c->notes.quarantines_count) = (struct note_quarantine){
		arena_strdup(a, action->project), arena_strdup(a, action->service), arena_strdup(a, action->revision),
		arena_strdup(a, action->reason), clock_now_ms()};
	c->are_notes_unwritten = notes_write(c->notes_folder, &c->notes, e) < 0;
	return c->are_notes_unwritten ? -1 : 0;
}

/* Replaces the good revision of a service in memory; the caller writes. */
static void set_good(struct notes *n, struct arena *a, const struct service *s, const char *text)
{
	struct note_good good = {arena_strdup(a, s->project), arena_strdup(a, s->name), arena_strdup(a, s->revision),
	                         arena_strdup(a, text)};
	for (size_t i = 0; i < n->goods_count; i++)
		if (strcmp(n->goods[i].project, s->project) == 0 && strcmp(n->goods[i].service, s->name) == 0) {
			n->goods[i] = good;
			return;
		}
	*ARENA_PUSH(a, n->goods, n->goods_count) = good;
}

static void note_image(struct notes *n, struct arena *a, const struct service *s, const char *id, int64_t good_ms)
{
	const struct value *image = spec_value(&s->spec, "image");
	notes_put_image(n, &(struct note_image){s->project, s->name, s->image, id, good_ms, image && image->secret}, a);
}

/* What is on the host now through us, or no more. A note that is lost here only leaves an image behind. */
static void note_images(struct cycle *c, const struct action *action, const struct outcome *outcome)
{
	struct err e;
	if ((action->kind == ACTION_PULL || action->kind == ACTION_BUILD) && *outcome->image_id)
		note_image(&c->notes, &c->arena, action->spec, outcome->image_id, 0);
	else if (action->kind == ACTION_DROP)
		notes_forget_image(&c->notes, action->image->image);
	else
		return;
	if (notes_write(c->notes_folder, &c->notes, &e) < 0)
		log_warning("notes: %s", e.message);
}

static int note_good(struct cycle *c, const struct action *action, struct err *e)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(1024 * 1024);
	service_print(&text, action->spec);
	if (text.overflowed)
		return err_set(e, ERR_INVALID, "notes: %s/%s is larger than %zu bytes", action->project, action->service, text.max);
	/* Good is what the notes on disk say: until they do, the old revision is not let go. */
	struct notes with = c->notes;
	with.goods = NULL;
	with.goods_count = 0;
	for (size_t i = 0; i < c->notes.goods_count; i++)
		*ARENA_PUSH(&c->arena, with.goods, with.goods_count) = c->notes.goods[i];
	set_good(&with, &c->arena, action->spec, text.text);
	with.images = NULL;
	with.images_count = 0;
	for (size_t i = 0; i < c->notes.images_count; i++)
		*ARENA_PUSH(&c->arena, with.images, with.images_count) = c->notes.images[i];
	note_image(&with, &c->arena, action->spec, "", clock_now_ms());
	if (notes_write(c->notes_folder, &with, e) < 0)
		return -1;
	c->notes = with;
	c->are_notes_unwritten = false;
	return 0;
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

/* Logs an action that ended, in the words of the plan, and keeps what the next decision must know of it. */
static void ended(struct cycle *c, const struct action *action, const struct outcome *outcome)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
	action_print(&text, action);
	bool is_known = false;
	for (size_t i = 0; i < c->repeats_count; i++)
		if (strcmp(c->repeats[i].text, text.text) == 0) {
			is_known = true;
			c->is_stuck |= ++c->repeats[i].count > REPEATS_MAX;
		}
	if (!is_known)
		*ARENA_PUSH(&c->arena, c->repeats, c->repeats_count) = (struct repeat){arena_strdup(&c->arena, text.text), 1};
	if (outcome->result < 0) {
		log_error("%s: %s%s%s", text.text, outcome->err.message, *outcome->log ? "\n" : "", outcome->log);
		/* A network or volume that failed shows again in the instance that needs it. */
		if (action->service || action->kind == ACTION_PUBLISH)
			failures_add(&c->failures, &c->arena, action, &outcome->err, c->acting_since_ms, clock_now_ms())
				->retry_after_ms = outcome->retry_after_ms;
		return;
	}
	log_info("%s", text.text);
	if (action->service)
		failures_forget(&c->failures, action);
	note_images(c, action, outcome);
	tally_add(&c->tally, action);
}

/* A note that cannot be written is a failed action like any other: what decide does about it is its business, and one
 * service's disk trouble does not end the run for the others. */
static void act_note(struct cycle *c, const struct world *w, const struct action *action)
{
	struct outcome outcome = {0};
	outcome.result = action->kind == ACTION_QUARANTINE ? note_quarantine(c, action, &outcome.err)
	                                                   : note_good(c, action, &outcome.err);
	if (action->kind == ACTION_QUARANTINE)
		show_evidence(c, w, action);
	ended(c, action, &outcome);
}

static void act_nginx(struct cycle *c, const struct action *action)
{
	struct outcome outcome = {0};
	outcome.result = nginx_act(&c->nginx, c->http, action, &outcome.err);
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
	docker_act(c->docker, actions, outcomes, count);
	for (size_t i = 0; i < count; i++)
		ended(c, actions[i], &outcomes[i]);
}

/* Notes before the act that they are about; traffic before instances; the structure last. */
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
	}
}

/* Settled services: what the notes keep of them follows changes that needed no new instance. Fails only when something
 * is not written that the next run must know. */
static int refresh_notes(struct cycle *c, const struct loaded *l, const struct decision *decision, struct err *e)
{
	const struct desired *d = &l->desired;
	bool is_applied = l->left_out == 0 && l->files.kind == ERR_NONE;
	bool is_changed = c->are_notes_unwritten ||
	                  (is_applied && strcmp(c->notes.applied ? c->notes.applied : "", d->commit) != 0);
	CLEANUP(buf_done) struct buf text = BUF_INIT(1024 * 1024);
	for (size_t i = 0; i < decision->services_count; i++) {
		const struct status *st = &decision->services[i];
		const struct service *s = desired_service(d, st->project, st->service);
		if (!s || (st->phase != PHASE_SETTLED && st->phase != PHASE_KEEPING))
			continue;
		buf_clear(&text);
		service_print(&text, s);
		for (size_t k = 0; k < c->notes.goods_count; k++) {
			const struct note_good *g = &c->notes.goods[k];
			if (strcmp(g->project, s->project) == 0 && strcmp(g->service, s->name) == 0 &&
			    strcmp(g->revision, s->revision) == 0 && strcmp(g->spec, text.text) != 0) {
				set_good(&c->notes, &c->arena, s, text.text);
				is_changed = true;
			}
		}
	}
	if (is_applied)
		c->notes.applied = d->commit;
	if (!is_changed || c->notes.is_missing || notes_write(c->notes_folder, &c->notes, e) == 0)
		return 0;
	if (c->are_notes_unwritten)
		return -1;
	log_warning("%s", e->message);
	return 0;
}

static int say_error(const struct err *e)
{
	log_error("%s", e->message);
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
	if (*d->commit && strcmp(c->notes.applied ? c->notes.applied : "", d->commit) != 0)
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
	status_notes(&out, d);
	fputs(out.text, stdout);
	return exit_code(code, l);
}

/* One observation and one decision. Returns 1 when the run is over, 0 to go on, -1 on failure. */
static int turn(struct cycle *c, const struct loaded *l, struct decision *decision, struct arena *a, struct err *e)
{
	const struct desired *d = &l->desired;
	struct world world;
	if (look(c, d, a, &world, e) < 0)
		return -1;
	if (!c->has_looked && !l->left_out)
		say_gone(c, d, &world);
	c->has_looked = true;
	if (c->notes.is_missing && !world.are_notes_lost) {
		/* Before the first instance: from now on, no notes means lost notes. */
		if (notes_write(c->notes_folder, &c->notes, e) < 0)
			return err_wrap(e, "notes");
		c->notes.is_missing = false;
	}
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

/* What one stay in the loop works on; replaced as a whole when Git moves on. */
struct want {
	struct arena arena;
	struct loaded loaded;
};

static int load(struct cycle *c, enum load_mode mode, struct want *want, struct err *e)
{
	CLEANUP(problems_done) struct problems problems = PROBLEMS_INIT;
	int result = desired_load(c->settings, mode, &want->arena, &want->loaded, &problems, e);
	const struct loaded *l = &want->loaded;
	fputs(problems.warnings.text, stderr);
	fputs(problems.text.text, stderr);
	if (result < 0)
		return -1;
	resolve_images(&c->resolver, &c->notes, &want->loaded.desired, &want->arena);
	if (l->left_out)
		log_error("%zu of %zu manifests %s left out: what runs of %s project%s stays as it is", l->left_out, l->manifests,
		          l->left_out == 1 ? "is" : "are", l->left_out == 1 ? "its" : "their", l->left_out == 1 ? "" : "s");
	if (l->files.kind != ERR_NONE)
		log_error("%s; what runs of it stays as it is", l->files.message);
	if (*l->commit.forced)
		log_warning("force-pushed: commit %.8s, which is followed from here on, does not contain %.8s, where the branch was; "
		            "git.force_push: refuse would stay there", l->commit.id, l->commit.forced);
	if (l->git.kind != ERR_NONE) {
		char when[32];
		clock_format(l->commit.fetched_ms, when, sizeof when);
		log_warning("%s; commit %.8s, fetched %s, stays in force", l->git.message, l->commit.id, when);
	}
	return 0;
}

/* A newer commit while a run waits: from here on it is what decide is asked about. */
static void follow_git(struct cycle *c, struct want *want, int64_t *asked_ms)
{
	struct want newer = {0};
	struct err e;
	char id[GIT_ID_SIZE] = "";
	if (clock_monotonic_ms() - *asked_ms < GIT_POLL_MS)
		return;
	bool is_newer = desired_moved(c->settings, want->loaded.commit.id, id) && strcmp(id, c->rejected) != 0;
	*asked_ms = clock_monotonic_ms();
	if (!is_newer)
		return;
	int result = load(c, LOAD_SYNC, &newer, &e);
	/* Refused after all: it is the old commit again. */
	if (result < 0 || strcmp(newer.loaded.commit.id, want->loaded.commit.id) == 0) {
		if (result < 0)
			log_error("the newer commit is not used: %s", e.message);
		snprintf(c->rejected, sizeof c->rejected, "%s", id);
		arena_done(&newer.arena);
		return;
	}
	log_info("commit %.8s \"%s\" takes over", newer.loaded.commit.id, newer.loaded.commit.subject);
	arena_done(&want->arena);
	*want = newer;
	c->has_looked = false;
	c->failures = (struct failures){0}; /* what failed for the old commit may be what this one sets right */
}

static int run_until_settled(struct cycle *c, struct want *want, struct err *e)
{
	int64_t started_ms = clock_monotonic_ms(), asked_ms = started_ms, away_since_ms = 0;
	bool has_observed = false;
	for (;;) {
		CLEANUP(arena_done) struct arena a = {0};
		struct decision decision = {0};
		int result = turn(c, &want->loaded, &decision, &a, e);
		int64_t now_ms = clock_monotonic_ms();
		if (result > 0) {
			int code = say_end(c, &want->loaded, &decision);
			return refresh_notes(c, &want->loaded, &decision, e) < 0 ? -1 : code;
		}
		if (clock_stop_requested()) {
			err_set(e, ERR_STOPPED, "stopped at a safe point; the next run goes on from here");
			return -1;
		}
		if (result == 0) {
			has_observed = true;
			away_since_ms = 0;
			if (decision.actions_count == 0)
				follow_git(c, want, &asked_ms);
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

int cycle_run(const struct settings *s, const struct cycle_options *o)
{
	(void)o;
	struct err e;
	struct want want = {0};
	CLEANUP(cycle_done) struct cycle c;
	clock_catch_stop();
	int code = -1;
	if (cycle_open(&c, s, &e) == 0 && lock_take(s->run_dir, &c.lock, &e) == 0) {
		/* The notes again, now that nobody else writes them. */
		fs_sweep(c.notes_folder);
		if (fs_mkdir(s->state_dir, 0755, &e) == 0 && notes_read(c.notes_folder, &c.arena, &c.notes, &e) == 0 &&
		    load(&c, LOAD_SYNC, &want, &e) == 0 &&
		    (want.loaded.desired.routes_count == 0 || nginx_prepare(&c.nginx, &e) == 0))
			code = run_until_settled(&c, &want, &e);
	}
	arena_done(&want.arena);
	return code < 0 ? say_error(&e) : code;
}

int cycle_plan(const struct settings *s, const struct cycle_options *o)
{
	struct err e;
	struct want want = {0};
	CLEANUP(cycle_done) struct cycle c;
	CLEANUP(buf_done) struct buf out = BUF_INIT(16 * 1024 * 1024);
	struct world world;
	if (cycle_open(&c, s, &e) < 0 || load(&c, LOAD_PEEK, &want, &e) < 0 ||
	    look(&c, &want.loaded.desired, &want.arena, &world, &e) < 0) {
		arena_done(&want.arena);
		return say_error(&e);
	}
	struct rehearsal r;
	rehearse(&want.loaded.desired, &world, &want.arena, &r);
	struct tally t = plan_print(&out, &want.loaded.desired, &world, &r);
	fputs(out.text, stdout);
	int code = o->detailed_exitcode && !tally_is_empty(&t) ? 2 : 0;
	if (want.loaded.left_out)
		code = exit_code(code, &want.loaded);
	arena_done(&want.arena);
	return code;
}

int cycle_status(const struct settings *s, const struct cycle_options *o)
{
	(void)o;
	struct err e;
	struct want want = {0};
	CLEANUP(cycle_done) struct cycle c;
	CLEANUP(buf_done) struct buf out = BUF_INIT(1024 * 1024);
	struct world world;
	int code = -1;
	if (cycle_open(&c, s, &e) == 0 && load(&c, LOAD_PEEK, &want, &e) == 0 &&
	    look(&c, &want.loaded.desired, &want.arena, &world, &e) == 0) {
		struct decision decision;
		decide(&want.loaded.desired, &world, &want.arena, &decision);
		status_print(&out, &want.loaded.desired, &decision);
		fputs(out.text, stdout);
		code = status_exit_code(&decision);
		if (want.loaded.left_out)
			code = exit_code(code, &want.loaded);
	}
	arena_done(&want.arena);
	return code < 0 ? say_error(&e) : code;
}

static bool is_named(const struct note_quarantine *q, const char *name)
{
	size_t n = strlen(q->project);
	return !name || (strncmp(name, q->project, n) == 0 &&
	                 (name[n] == 0 || (name[n] == '/' && strcmp(name + n + 1, q->service) == 0)));
}

int cycle_retry(const struct settings *s, const char *name)
{
	struct err e;
	CLEANUP(cycle_done) struct cycle c;
	if (cycle_open(&c, s, &e) < 0 || lock_take(s->run_dir, &c.lock, &e) < 0 ||
	    notes_read(c.notes_folder, &c.arena, &c.notes, &e) < 0)
		return say_error(&e);
	size_t kept = 0, forgotten = 0;
	CLEANUP(buf_done) struct buf out = BUF_INIT(1024 * 1024);
	for (size_t i = 0; i < c.notes.quarantines_count; i++) {
		if (is_named(&c.notes.quarantines[i], name)) {
			buf_printf(&out, "%s/%s: revision %.8s may be tried again\n", c.notes.quarantines[i].project,
			       c.notes.quarantines[i].service, c.notes.quarantines[i].revision);
			forgotten++;
		} else {
			c.notes.quarantines[kept++] = c.notes.quarantines[i];
		}
	}
	c.notes.quarantines_count = kept;
	if (c.notes.is_missing)
		buf_puts(&out, "new notes were begun; the next run takes what serves now as the old revision\n");
	else if (!forgotten)
		buf_printf(&out, "nothing is quarantined%s%s\n", name ? " in " : "", name ? name : "");
	if ((forgotten || c.notes.is_missing) && notes_write(c.notes_folder, &c.notes, &e) < 0)
		return say_error(&e);
	fputs(out.text, stdout);
	return 0;
}
