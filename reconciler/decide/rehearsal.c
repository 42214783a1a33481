/*
 * A whole run in the model world. The one thing to know: it has the clock of a real one, where what takes long goes on
 * beside the rest (docker_begin() of the real engine), so that a plan's times and the order of its steps are the run's.
 */
#include <math.h>
#include <string.h>

#include "decide/pass.h"
#include "decide/rehearse.h"

/* More decisions than any sane rollout needs; past it the rehearsal says that it did not come to rest. */
#define ROUNDS_MAX 5000
/* When a timer starts the next run. */
#define NEXT_RUN_MS 60000

static int count_running(const struct world *w)
{
	int n = 0;
	for (size_t i = 0; i < w->instances_count; i++)
		n += w->instances[i].state == INSTANCE_RUNNING;
	return n;
}

static void record(struct rehearsal *out, const struct world *w, const struct action *action, int64_t at_ms, struct arena *a)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
	action_print(&text, action);
	struct event *e = ARENA_PUSH(a, out->events, out->events_count);
	*e = (struct event){.at_ms = at_ms, .action = *action, .text = arena_strdup(a, text.text)};
	out->reloads += model_is_reload(w, action);
}

static bool is_awaited(const struct desired *d, const struct instance *i)
{
	for (size_t p = 0; p < d->projects_count; p++)
		for (size_t k = 0; k < d->projects[p].services_count; k++) {
			const struct service *s = &d->projects[p].services[k];
			for (size_t n = 0; strcmp(s->project, i->project) == 0 && n < s->dependencies_count; n++)
				if (s->dependencies[n].condition == CONDITION_HEALTHY && strcmp(s->dependencies[n].service, i->service) == 0)
					return true;
		}
	return false;
}

/* An image may have a health check of its own, which is seen when it runs: where others wait for it, it is expected. */
static void expect_health(const struct desired *d, struct world *w)
{
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		if (in->state == INSTANCE_CREATED && in->health == HEALTH_NONE && is_awaited(d, in))
			in->health = HEALTH_STARTING;
	}
}

/* Probes are asked when all actions of a decision are done: what started in it was first seen to pass at one moment, so
 * what becomes ready together goes live in one reload. And a smoke test that nobody has asked yet passes. */
static void look_again(struct world *w, int64_t before_ms)
{
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		if (in->passing_since_ms > before_ms)
			in->passing_since_ms = w->now_ms;
		in->has_passed_smoke |= !in->smoke_since_ms;
	}
}

/* How many requests there will be no plan can know, nor what they will show: enough, and nothing bad. */
static void see_enough(struct world *w, struct arena *a)
{
	w->evidence = NULL;
	w->measures = NULL;
	w->evidence_count = w->measures_count = 0;
	for (size_t i = 0; i < w->nginx.topology.services_count; i++) {
		const struct traffic *t = &w->nginx.topology.services[i];
		if (t->weight == 0)
			continue;
		struct evidence *e = ARENA_PUSH(a, w->evidence, w->evidence_count);
		*e = (struct evidence){.project = t->project, .service = t->service, .revision = t->next.revision,
		                       .weight = t->weight, .from_ms = w->now_ms, .to_ms = w->now_ms};
		e->next.attempts = INT64_MAX;
		*ARENA_PUSH(a, w->measures, w->measures_count) = (struct measure){
			.project = t->project, .service = t->service, .revision = t->next.revision, .has_value = true,
			.value = -INFINITY, .why = ""};
	}
}

/* Makes the wanted revision fail as it was asked. */
static void misbehave(struct world *w, const struct what_if *what_if, size_t done)
{
	const struct service *s = what_if->fails;
	for (size_t i = 0; s && i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		if (in->state != INSTANCE_RUNNING || strcmp(in->project, s->project) != 0 || strcmp(in->service, s->name) != 0 ||
		    strcmp(in->revision, s->revision) != 0)
			continue;
		if (what_if->fails_after && done >= what_if->fails_after) {
			in->state = INSTANCE_EXITED;
			in->exit_code = 1;
			in->passing_since_ms = 0;
		} else if (!what_if->fails_after) {
			in->passing_since_ms = 0;
			in->is_passing = false;
			in->failing_since_ms = in->failing_since_ms ? in->failing_since_ms : w->now_ms;
			in->probe_said = "what if it did not answer";
		}
	}
}

/* An action that takes its time while others go on. */
struct flight {
	struct action action;
	int64_t ends_ms;
};

struct run {
	const struct desired *desired;
	struct world *world;
	struct arena *arena;
	struct rehearsal *out;
	const struct what_if *what_if;
	int64_t started_ms, memory_bytes; /* at its beginning */
	struct flight *flights;
	size_t flights_count;
};

/* The engine does the others one after the other, more or less: so much was measured. */
static bool is_long(enum action_kind kind)
{
	return kind == ACTION_PULL || kind == ACTION_BUILD || kind == ACTION_STOP;
}

/* As docker_begin() has it: of the first `earlier` that are under way, none of the same service; and what must follow
 * any waits. */
static bool is_held_up(const struct run *r, const struct action *action, size_t earlier)
{
	for (size_t i = 0; i < r->flights_count; i++) {
		const struct action *other = &r->flights[i].action;
		if ((i < earlier && action_is_of_same(action, other)) || action_must_follow(action, other))
			return action_info(action->kind)->room == ROOM_DOCKER;
	}
	return false;
}

static void measure(struct run *r)
{
	int64_t taken_bytes = r->memory_bytes - r->world->host.memory_available_bytes;
	if (count_running(r->world) > r->out->instances_peak)
		r->out->instances_peak = count_running(r->world);
	if (taken_bytes > r->out->memory_peak_bytes)
		r->out->memory_peak_bytes = taken_bytes;
}

/* Those that have ended by then, the first one first. */
static void land(struct run *r, int64_t until_ms)
{
	for (;;) {
		struct flight *first = NULL;
		for (size_t i = 0; i < r->flights_count; i++)
			if (r->flights[i].ends_ms <= until_ms && (!first || r->flights[i].ends_ms < first->ends_ms))
				first = &r->flights[i];
		if (!first)
			return;
		if (r->world->now_ms < first->ends_ms)
			r->world->now_ms = first->ends_ms;
		model_done(r->world, &first->action, r->arena);
		for (r->flights_count--; first < r->flights + r->flights_count; first++)
			*first = first[1];
		measure(r);
	}
}

/* Another run: what the one before had seen is forgotten. What the engine was told it does. */
static void begin_again(struct run *r)
{
	struct world *w = r->world;
	r->out->events[r->out->events_count - 1].is_crash = true;
	land(r, INT64_MAX);
	w->now_ms += NEXT_RUN_MS;
	w->run_started_ms = w->now_ms;
	for (size_t i = 0; i < w->instances_count; i++)
		if (w->instances[i].passing_since_ms)
			w->instances[i].passing_since_ms = w->now_ms;
}

static void begin(struct run *r, const struct action *action)
{
	record(r->out, r->world, action, r->world->now_ms - r->started_ms, r->arena);
	if (is_long(action->kind))
		*ARENA_PUSH(r->arena, r->flights, r->flights_count) =
			(struct flight){*action, r->world->now_ms + model_takes_ms(r->world, action)};
	else
		model_apply(r->world, action, r->arena);
	expect_health(r->desired, r->world);
	measure(r);
}

/* Returns how many were done or begun; the one after which the tool is killed is the last. */
static size_t act(struct run *r, const struct decision *d)
{
	size_t done = 0, earlier = r->flights_count;
	for (int order = 0; order < ACTION_ORDERS; order++)
		for (size_t i = 0; i < d->actions_count; i++) {
			const struct action *action = &d->actions[i];
			if (action_order(action) != order || is_held_up(r, action, earlier))
				continue;
			begin(r, action);
			done++;
			if (r->out->events_count == r->what_if->crash_after)
				return done;
		}
	return done;
}

/* Until the next moment at which anything changes by itself. */
static void wait(struct run *r, int64_t until_ms)
{
	for (size_t i = 0; i < r->flights_count; i++)
		if (!until_ms || r->flights[i].ends_ms < until_ms)
			until_ms = r->flights[i].ends_ms;
	if (until_ms > r->world->now_ms)
		r->world->now_ms = until_ms;
}

/* What decide sees: instances die with their run in the model, and what an action names must outlive their array. */
static struct world *view(const struct run *r)
{
	struct world *seen = world_copy(r->arena, r->world);
	for (size_t i = 0; i < r->flights_count; i++)
		model_under_way(seen, &r->flights[i].action, r->arena);
	return seen;
}

void rehearse(const struct desired *d, const struct world *world, const struct what_if *what_if, struct arena *a,
              struct rehearsal *out)
{
	static const struct what_if nothing;
	*out = (struct rehearsal){.world = world_copy(a, world)};
	struct world *w = out->world;
	if (what_if && what_if->memory_bytes)
		w->host.memory_available_bytes += what_if->memory_bytes - w->host.memory_bytes;
	struct run r = {.desired = d, .world = w, .arena = a, .out = out, .what_if = what_if ? what_if : &nothing, .started_ms = w->now_ms,
	                .memory_bytes = w->host.memory_available_bytes};
	w->run_started_ms = w->now_ms;
	out->instances_peak = count_running(w);
	for (int round = 0; ; round++) {
		decide(d, view(&r), a, &out->end);
		if (out->end.actions_count == 0 && !out->end.wait_until_ms && !r.flights_count)
			break;
		if (round == ROUNDS_MAX) {
			out->is_endless = true;
			break;
		}
		int64_t before_ms = w->now_ms;
		size_t done = act(&r, &out->end);
		bool is_killed = done && out->events_count == r.what_if->crash_after;
		if (is_killed)
			begin_again(&r);
		else if (!done)
			wait(&r, out->end.wait_until_ms);
		land(&r, w->now_ms);
		if (!is_killed)
			look_again(w, before_ms);
		see_enough(w, a);
		misbehave(w, r.what_if, out->events_count);
	}
	int64_t memory = r.memory_bytes;
	out->memory_swap_bytes = memory > 0 && out->memory_peak_bytes > memory ? out->memory_peak_bytes - memory : 0;
	out->lasts_ms = w->now_ms - r.started_ms;
}
