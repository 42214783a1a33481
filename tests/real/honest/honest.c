/*
 * Is the model honest? Schedules of the simulator, played on a real engine and a real nginx with the tool's own eyes and
 * hands: after each action the host is observed again, and must be what model_apply() makes of the observation before it,
 * less what time changes by itself.
 *
 *   honest CONFIG FOLDER SEED SEEDS STEPS    FOLDER gets the manifest; STEPS of each schedule are played that mean something
 *
 * Each difference is printed with the action; the last line is "honest: actions=N differences=N".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/process.h"
#include "desired/load.h"
#include "docker_act.h"
#include "happen.h"
#include "keep.h"
#include "manifest.h"
#include "observe.h"
#include "picture.h"

#define TURNS_MAX 400 /* what does not come to rest, as a crash loop, is left to the next step */
#define NAP_MS 50

struct bench {
	struct settings settings;
	struct http *http;
	struct docker *docker;
	struct nginx_settings nginx;
	struct host_settings host;
	struct keeper keeper;
	struct observer observer;
	struct failures failures;
	struct arena arena; /* as long as the bench */
	struct arena run;   /* as one run of the tool */
	struct simulation simulation;
	bool ends[SERVICES_MAX]; /* some instance of that service ends by itself, or may still be there from when one did */
	int actions, differences, failed;
};

static void give_up(const struct err *e)
{
	fprintf(stderr, "honest: %s\n", e->message);
	exit(1);
}

static void bench_open(struct bench *b, const char *config, const char *folder)
{
	struct err e;
	size_t rows_count;
	const struct field *const *fields = fields_rows(&rows_count);
	if (settings_load(config, NULL, 0, &b->arena, &b->settings, &e) < 0)
		give_up(&e);
	struct settings *s = &b->settings;
	s->path = arena_printf(&b->arena, "%s/compose.yaml", folder);
	b->nginx = (struct nginx_settings){
		.binary = s->nginx_binary, .config = s->nginx_config, .pid_file = s->nginx_pid, .listen = s->nginx_listen,
		.directory = arena_printf(&b->arena, "%s/nginx", s->state_dir), .status_port = (int)s->nginx_status_port,
		.announce_ms = 20, .confirm_ms = 10000};
	b->host = (struct host_settings){.instance = s->instance, .min_free_bytes = s->min_free};
	struct docker_settings docker = {.host = s->docker_host, .instance_id = s->instance, .rows = fields, .rows_count = rows_count,
		.ended = act_ended, .context = &acting};
	if (http_open(&b->http, &e) < 0 || docker_open(&b->docker, &docker, b->http, &e) < 0 ||
	    fs_mkdir(s->state_dir, 0755, &e) < 0 || nginx_prepare(&b->nginx, &e) < 0 ||
	    keep_open(&b->keeper, s->state_dir, &b->arena, &e) < 0 || keep_begin(&b->keeper, &e) < 0)
		give_up(&e);
}

/* A new run of the tool: nothing is known but what is on the host. */
static void run_begin(struct bench *b)
{
	struct err e;
	arena_clear(&b->run);
	if (keep_read_again(&b->keeper, &e) < 0)
		give_up(&e);
	b->failures = (struct failures){0};
	b->observer = (struct observer){
		.http = b->http, .docker = b->docker, .docker_host = b->settings.docker_host, .nginx = &b->nginx, .host = &b->host,
		.notes = &b->keeper.notes, .arena = &b->run, .orders_folder = arena_printf(&b->run, "%s/operator", b->settings.state_dir),
		.access_log = {.settings = &b->nginx, .arena = &b->run}, .measurer = {.http = b->http, .arena = &b->run},
		.wall_ms = clock_now_ms(), .monotonic_ms = clock_monotonic_ms()};
}

static struct world *look(struct bench *b, const struct desired *d, struct arena *a)
{
	struct err e;
	struct world *w = arena_alloc(a, sizeof *w);
	if (observe(&b->observer, d, a, w, &e) < 0)
		give_up(&e);
	w->failures = b->failures.items;
	w->failures_count = b->failures.count;
	return w;
}

/* ---- One action ---- */

static int carry_out(struct bench *b, const struct action *action, struct err *e)
{
	struct outcome outcome = {0};
	switch (action_info(action->kind)->room) {
	case ROOM_NOTES: return action->kind == ACTION_QUARANTINE ? keep_quarantine(&b->keeper, action, e) : keep_good(&b->keeper, action, e);
	case ROOM_NGINX: return nginx_act(&b->nginx, b->http, action, e);
	case ROOM_HOST: return host_act(&b->host, action, e);
	case ROOM_DOCKER: break;
	}
	act_all(b->docker, &action, &outcome, 1);
	*e = outcome.err;
	keep_images(&b->keeper, action, &outcome);
	return outcome.result;
}

static void tell_difference(struct bench *b, const char *action, const char *said, const char *seen)
{
	b->differences++;
	printf("after \"%s\"\n", action);
	picture_differ(said, "the model says", seen);
	picture_differ(seen, "the host shows", said);
}

/* So that a schedule can go back to it: see happen.c, which calls revisions by their images. */
static void remember_good(struct bench *b, const struct service *s)
{
	struct simulation *of = &b->simulation;
	*ARENA_PUSH(&of->host.arena, of->judged, of->judged_count) = (struct judged){
		arena_strdup(&of->host.arena, s->name), arena_printf(&of->host.arena, "rev-%s", s->image), true};
}

/* Returns what the host looks like afterwards. */
static struct world *act(struct bench *b, const struct desired *d, struct world *before, const struct action *action, struct arena *a)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024), said = BUF_INIT(1 << 20), seen = BUF_INIT(1 << 20);
	struct world *model = world_copy(a, before);
	struct err e;
	int64_t began_ms = clock_now_ms();
	model_apply(model, action, a);
	action_print(&text, action);
	int result = carry_out(b, action, &e);
	struct world *after = look(b, d, a);
	b->actions++;
	if (result < 0) {
		b->failed++;
		printf("failed: %s: %s\n", text.text, e.message);
		failures_add(&b->failures, &b->run, action, &e, began_ms, clock_now_ms());
		return after;
	}
	failures_forget(&b->failures, action);
	if (action->kind == ACTION_COMMIT)
		remember_good(b, action->spec);
	picture_draw(&said, model, b->ends);
	picture_draw(&seen, after, b->ends);
	if (strcmp(said.text, seen.text) != 0)
		tell_difference(b, text.text, said.text, seen.text);
	return after;
}

/* Runs until the host matches. */
static void settle(struct bench *b, const struct loaded *l)
{
	struct err e;
	for (int turn = 0; turn < TURNS_MAX; turn++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct decision decision;
		struct world *w = look(b, &l->desired, &a);
		decide(&l->desired, w, &a, &decision);
		if (decision.actions_count == 0 && !decision.wait_until_ms) {
			if (keep_settled(&b->keeper, l, &decision, &e) < 0)
				give_up(&e);
			return;
		}
		for (int order = 0; order < ACTION_ORDERS; order++)
			for (size_t i = 0; i < decision.actions_count; i++)
				if (action_order(&decision.actions[i]) == order)
					w = act(b, &l->desired, w, &decision.actions[i], &a);
		if (decision.actions_count == 0)
			clock_sleep_ms(NAP_MS);
	}
	printf("not at rest after %d turns\n", TURNS_MAX);
}

/* ---- What happens ---- */

static void order(struct bench *b, const char *const *argv)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(64 * 1024);
	struct err e;
	int status = 0;
	(void)b;
	if (process_run(&(struct process){.argv = argv, .timeout_ms = 30000}, &out, &status, &e) < 0)
		give_up(&e);
	if (status)
		printf("%s %s: %s", argv[0], argv[1], out.text);
}

static const struct instance *chosen(const struct world *w, unsigned who)
{
	return w->instances_count ? &w->instances[who % w->instances_count] : NULL;
}

/* As the simulator's, but for what no hand can do. */
static bool hands_on_instance(struct bench *b, const struct world *w, const struct step *step)
{
	const struct instance *i = chosen(w, step->who);
	if (!i)
		return false;
	const char *const ways[][8] = {
		{"docker", "stop", "-t", "1", i->id}, {"docker", "rm", "-f", i->id}, {"docker", "pause", i->id}, {"docker", "start", i->id},
		{"docker", "network", "disconnect", "-f", "shop_reconcile", i->id}, {"docker", "update", "--memory", "16m", "--memory-swap", "32m", i->id},
		{"docker", "kill", i->id}, {"docker", "update", "--restart", "no", i->id},
	};
	const char *const *way = ways[step->how % ARRAY_LEN(ways)];
	printf("* %s %s %s\n", way[1], way[2], i->name);
	order(b, way);
	return true;
}

static bool hands_on_nginx(struct bench *b, const struct world *w, const struct step *step)
{
	const char *directory = b->nginx.directory;
	const char *const ways[][4] = {
		{"cp", "/dev/null", arena_printf(&b->run, "%s/live/http.conf", directory)}, {"rm", "-f", arena_printf(&b->run, "%s/live", directory)},
		{"rm", "-rf", arena_printf(&b->run, "%s/traffic", directory)}, {"touch", arena_printf(&b->run, "%s/close", directory)},
	};
	const char *const *way = ways[step->how % ARRAY_LEN(ways)];
	if (!w->nginx.topology.services_count)
		return false;
	printf("* %s %s\n", way[0], way[2] ? way[2] : way[1]);
	order(b, way);
	return true;
}

/* Returns whether it means something here. What no step does here: time, operators, replies that get lost. */
static bool happens(struct bench *b, const struct world *w, const struct step *step)
{
	const struct happening *h = &happenings[step->what];
	if (strncmp(h->name, "hands on an instance", 20) == 0 || strcmp(h->name, "instance killed") == 0)
		return hands_on_instance(b, w, step);
	if (strcmp(h->name, "hands on nginx") == 0)
		return hands_on_nginx(b, w, step);
	if (h->kind != KIND_GIT && strcmp(h->name, "a revision's behaviour") != 0)
		return false;
	b->simulation.is_git_newer = h->kind != KIND_GIT;
	h->happen(&b->simulation, step);
	if (b->simulation.is_git_newer)
		printf("* %s\n", h->name);
	return b->simulation.is_git_newer;
}

/* One step: what Git says now, brought to the host. A manifest that is wrong changes nothing. */
static void play(struct bench *b)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(256 * 1024);
	CLEANUP(problems_done) struct problems problems = PROBLEMS_INIT;
	CLEANUP(arena_done) struct arena a = {0};
	struct loaded loaded;
	struct err e;
	manifest_print(&text, &b->simulation);
	for (int i = 0; i < SERVICES_MAX; i++)
		b->ends[i] |= manifest_ends(&b->simulation, i);
	if (fs_write(b->settings.path, text.text, text.length, 0644, &e) < 0)
		give_up(&e);
	run_begin(b);
	if (desired_load(&b->settings, LOAD_SYNC, &a, &loaded, &problems, &e) == 0)
		settle(b, &loaded);
	else if (!b->simulation.is_manifest_broken[0])
		printf("refused: %s%s\n", problems.text.text, e.message);
}

static void play_schedule(struct bench *b, uint64_t seed, int steps)
{
	static struct schedule schedule;
	static struct counters counters;
	const struct desired nothing = {.commit = "", .subject = "", .subnet = ""};
	b->simulation.counters = &counters;
	schedule_draw(&schedule, seed, STEPS_MAX);
	simulation_begin(&b->simulation, &schedule);
	printf("== seed %llu\n", (unsigned long long)seed);
	play(b);
	for (int i = 0; i < STEPS_MAX && steps > 0; i++) {
		CLEANUP(arena_done) struct arena a = {0};
		if (!happens(b, look(b, &nothing, &a), &schedule.steps[i]))
			continue;
		steps--;
		play(b);
	}
}

int main(int argc, char **argv)
{
	static struct bench b;
	if (argc != 6) {
		fprintf(stderr, "usage: honest CONFIG FOLDER SEED SEEDS STEPS\n");
		return 64;
	}
	uint64_t seed = strtoull(argv[3], NULL, 10), seeds = strtoull(argv[4], NULL, 10);
	setvbuf(stdout, NULL, _IOLBF, 0);
	bench_open(&b, argv[1], argv[2]);
	for (uint64_t i = 0; i < seeds; i++)
		play_schedule(&b, seed + i, (int)strtol(argv[5], NULL, 10));
	printf("honest: actions=%d failed=%d differences=%d\n", b.actions, b.failed, b.differences);
	docker_free(b.docker);
	http_free(b.http);
	arena_done(&b.run);
	arena_done(&b.arena);
	arena_done(&b.simulation.host.arena);
	return b.differences || !b.actions ? 1 : 0;
}
