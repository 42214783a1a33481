/*
 * The model world: what each action does to it, and the loop that plays a whole run. The one thing to know: it has no
 * rules of its own about rollouts; it only knows what the host does when it is told something.
 */
#include "decide/rehearse.h"

#include <math.h>
#include <string.h>

#include "decide/pass.h"

/* More decisions than any sane rollout needs; past it the rehearsal says that it did not come to rest. */
#define ROUNDS_MAX 5000
/* When a timer starts the next run. */
#define NEXT_RUN_MS 60000

static void *copy_array(struct arena *a, const void *items, size_t count, size_t size)
{
	/* Room for growth as ARENA_PUSH expects it: the next power of two. */
	size_t capacity = 8;
	while (capacity < count)
		capacity *= 2;
	void *copy = arena_alloc(a, capacity * size);
	if (count)
		memcpy(copy, items, count * size);
	return copy;
}
#define COPY_ARRAY(a, w, field) ((w)->field = copy_array((a), (w)->field, (w)->field##_count, sizeof *(w)->field))

static void copy_topology(struct arena *a, struct topology *t)
{
	COPY_ARRAY(a, t, routes);
	COPY_ARRAY(a, t, services);
}

struct world *world_copy(struct arena *a, const struct world *w)
{
	struct world *copy = arena_alloc(a, sizeof *copy);
	*copy = *w;
	COPY_ARRAY(a, copy, instances);
	COPY_ARRAY(a, copy, networks);
	COPY_ARRAY(a, copy, volumes);
	COPY_ARRAY(a, copy, images);
	COPY_ARRAY(a, copy, quarantines);
	COPY_ARRAY(a, copy, goods);
	COPY_ARRAY(a, copy, past_images);
	COPY_ARRAY(a, copy, failures);
	COPY_ARRAY(a, copy, host.swaps);
	copy_topology(a, &copy->nginx.topology);
	return copy;
}

/* The model's own copy of the instance an action names. */
static struct instance *find(struct world *w, const struct instance *named)
{
	for (size_t i = 0; i < w->instances_count; i++)
		if (strcmp(w->instances[i].id, named->id) == 0)
			return &w->instances[i];
	return NULL;
}

static const struct value *live_of(struct arena *a, const struct spec *spec)
{
	struct value *live = arena_alloc(a, (spec->count + 1) * sizeof *live);
	for (size_t i = 0; i < spec->count; i++)
		if (spec->rows[i]->change == CHANGE_LIVE)
			live[i] = spec->values[i];
	return live;
}

/* The instance's places, those that the action names as it says. */
static void place(const struct world *w, struct instance *i, const struct action *action, struct arena *a)
{
	struct endpoint *places = copy_array(a, i->endpoints, i->endpoints_count, sizeof *places);
	size_t count = i->endpoints_count;
	for (size_t k = 0; k < action->endpoints_count; k++) {
		size_t at = 0;
		while (at < count && strcmp(places[at].network, action->endpoints[k].network) != 0)
			at++;
		if (at == count)
			ARENA_PUSH(a, places, count);
		places[at] = action->endpoints[k];
		places[at].is_there = true;
	}
	i->endpoints = places;
	i->endpoints_count = count;
	i->alone_since_ms = action->kind == ACTION_UNALIAS ? w->now_ms : 0;
}

static void create(struct world *w, const struct action *action, struct arena *a)
{
	struct instance *i = ARENA_PUSH(a, w->instances, w->instances_count);
	*i = (struct instance){
		.id = arena_printf(a, "model-%s-%lld", action->name, (long long)w->now_ms),
		.name = action->name, .project = action->project, .service = action->service,
		.revision = action->spec->revision, .number = action->number, .state = INSTANCE_CREATED, .error = "",
		.created_ms = w->now_ms, .address = action->address ? action->address : "",
		.live = live_of(a, &action->spec->spec), .probe_said = "", .idle_readings = 3, .shares = action->shares,
	};
	i->health = action->spec->has_healthcheck ? HEALTH_STARTING : HEALTH_NONE;
	const struct value *restart = spec_value(&action->spec->spec, "restart");
	i->is_restart_off = restart && restart->kind == VALUE_STRING && strcmp(restart->string, "no") == 0;
	place(w, i, action, a);
}

/* It uses what it is likely to need; where memory ends and swap begins is the kernel's business. */
static void take_memory(struct world *w, struct instance *i, int64_t bytes)
{
	w->host.memory_available_bytes -= bytes - i->memory_bytes;
	i->memory_bytes = bytes;
}

static void start(struct world *w, struct instance *i, bool ends_at_once)
{
	i->state = ends_at_once ? INSTANCE_EXITED : INSTANCE_RUNNING;
	i->exit_code = 0;
	i->started_ms = w->now_ms;
	i->passing_since_ms = ends_at_once ? 0 : w->now_ms;
	i->failing_since_ms = 0;
	i->is_passing = !ends_at_once;
	if (i->health != HEALTH_NONE)
		i->health = HEALTH_HEALTHY;
}

static void set_live(const struct action *action, struct instance *i, struct arena *a)
{
	const struct spec *spec = &action->spec->spec;
	struct value *live = copy_array(a, i->live, spec->count, sizeof *live);
	for (size_t k = 0; k < spec->count; k++)
		for (size_t c = 0; c < action->changes_count; c++)
			if (action->changes[c].field == spec->rows[k])
				live[k] = action->changes[c].to;
	i->live = live;
	const struct value *restart = spec_value(spec, "restart");
	if (restart && restart->kind == VALUE_STRING)
		i->is_restart_off = strcmp(restart->string, "no") == 0;
}

/* The restart policy is off: the field's live value is "no". Rows are shared by all specs. */
static void turn_restart_off(struct instance *i, const struct action *action, struct arena *a)
{
	i->is_restart_off = true;
	const struct service *s = action->spec;
	if (!s || !i->live)
		return;
	struct value *live = copy_array(a, i->live, s->spec.count, sizeof *live);
	for (size_t k = 0; k < s->spec.count; k++)
		if (strcmp(s->spec.rows[k]->path, "restart") == 0)
			live[k] = value_string("no");
	i->live = live;
}

static void stop(struct world *w, struct instance *i, const struct action *action, struct arena *a)
{
	take_memory(w, i, 0);
	turn_restart_off(i, action, a);
	i->state = INSTANCE_EXITED;
	i->exit_code = 0;
	i->passing_since_ms = 0;
	i->is_passing = false;
}

/* What was seen of a rollout ends with it. */
static void forget_evidence(struct world *w, struct arena *a)
{
	struct evidence *kept = NULL;
	size_t count = 0;
	for (size_t i = 0; i < w->evidence_count; i++)
		for (size_t k = 0; k < w->nginx.topology.services_count; k++) {
			const struct evidence *e = &w->evidence[i];
			const struct traffic *t = &w->nginx.topology.services[k];
			if (strcmp(t->project, e->project) == 0 && strcmp(t->service, e->service) == 0 &&
			    strcmp(t->next.revision, e->revision) == 0)
				*ARENA_PUSH(a, kept, count) = *e;
		}
	w->evidence = kept;
	w->evidence_count = count;
}

static void publish(struct world *w, const struct action *action, struct arena *a)
{
	struct topology before = w->nginx.topology;
	w->nginx.topology = *action->topology;
	copy_topology(a, &w->nginx.topology);
	for (size_t i = 0; i < w->nginx.topology.services_count; i++) {
		struct traffic *t = &w->nginx.topology.services[i];
		t->weight = 0;
		t->weight_since_ms = 0;
		t->is_damaged = false;
		for (size_t k = 0; k < before.services_count; k++)
			if (strcmp(before.services[k].project, t->project) == 0 &&
			    strcmp(before.services[k].service, t->service) == 0 &&
			    strcmp(before.services[k].rollout, t->rollout) == 0) {
				t->weight = before.services[k].weight;
				t->weight_since_ms = before.services[k].weight_since_ms;
			}
	}
	forget_evidence(w, a);
	w->nginx.is_current = true;
	w->nginx.drift = NULL;
	w->nginx.installed_ms = w->now_ms;
	/* Old workers end and connections close: when that takes long is up to the clients, and no plan can know it. */
	w->nginx.draining_workers = 0;
	for (size_t i = 0; i < w->instances_count; i++) {
		w->instances[i].connections = 0;
		w->instances[i].idle_readings = 3;
	}
}

static void shift(struct world *w, const struct action *action)
{
	for (size_t i = 0; i < w->nginx.topology.services_count; i++) {
		struct traffic *t = &w->nginx.topology.services[i];
		if (strcmp(t->rollout, action->rollout) == 0 && strcmp(t->project, action->project) == 0 &&
		    strcmp(t->service, action->service) == 0) {
			t->weight = action->weight;
			t->weight_since_ms = w->now_ms;
			t->is_damaged = false;
		}
	}
}

/* The service's own row about its image; a new one when there is none. */
static struct past_image *past_image(struct world *w, const struct service *s, struct arena *a)
{
	for (size_t i = 0; i < w->past_images_count; i++)
		if (strcmp(w->past_images[i].project, s->project) == 0 && strcmp(w->past_images[i].service, s->name) == 0 &&
		    strcmp(w->past_images[i].image, s->image) == 0)
			return &w->past_images[i];
	const struct value *image = spec_value(&s->spec, "image");
	struct past_image *past = ARENA_PUSH(a, w->past_images, w->past_images_count);
	*past = (struct past_image){.project = s->project, .service = s->name, .image = s->image, .id = "",
	                            .is_secret = image && image->secret};
	return past;
}

static void note_good(struct world *w, const struct action *action, struct arena *a)
{
	past_image(w, action->spec, a)->good_ms = w->now_ms;
	struct good good = {action->project, action->service, action->spec->revision, action->spec};
	for (size_t i = 0; i < w->goods_count; i++)
		if (strcmp(w->goods[i].project, good.project) == 0 && strcmp(w->goods[i].service, good.service) == 0) {
			w->goods[i] = good;
			return;
		}
	*ARENA_PUSH(a, w->goods, w->goods_count) = good;
}

static void pull(struct world *w, const struct action *action, struct arena *a)
{
	const char *id = arena_printf(a, "model-%s", action->spec->image);
	*ARENA_PUSH(a, w->images, w->images_count) = (struct image){.name = action->spec->image, .id = id};
	past_image(w, action->spec, a)->id = id;
}

static void drop(struct world *w, const struct action *action)
{
	for (size_t i = 0; i < w->images_count; i++)
		if (strcmp(w->images[i].name, action->image->image) == 0)
			w->images[i] = w->images[--w->images_count];
}

/* The model's own entry for that place. */
static struct swap_file *swap_at(struct world *w, const char *path, struct arena *a)
{
	for (size_t i = 0; i < w->host.swaps_count; i++)
		if (strcmp(w->host.swaps[i].path, path) == 0)
			return &w->host.swaps[i];
	struct swap_file *f = ARENA_PUSH(a, w->host.swaps, w->host.swaps_count);
	*f = (struct swap_file){.path = path};
	return f;
}

static void apply_to_swap(struct world *w, const struct action *action, struct arena *a)
{
	struct swap_file *f = swap_at(w, action->swap->file, a);
	enum swap_line line = action->swap->is_bridge ? SWAP_LINE_NONE : SWAP_LINE_OURS;
	switch (action->kind) {
	case ACTION_SWAP_MAKE:
		w->host.disk_free_bytes += f->size_bytes - action->swap->size_bytes;
		*f = (struct swap_file){.path = f->path, .is_there = true, .is_ours = true, .is_sound = true, .is_active = true,
		                        .line = line, .mode = 0600, .size_bytes = action->swap->size_bytes,
		                        .swap_bytes = action->swap->size_bytes};
		break;
	case ACTION_SWAP_MEND:
		f->is_active = true;
		f->mode = 0600;
		f->line = line;
		break;
	default:
		w->host.disk_free_bytes += f->size_bytes;
		w->host.memory_available_bytes -= f->used_bytes;
		*f = (struct swap_file){.path = f->path, .line = action->swap->is_step ? f->line : SWAP_LINE_NONE};
		break;
	}
}

static void set_swappiness(struct world *w, const struct swap_change *change)
{
	w->host.swappiness = change->to;
	w->host.is_swappiness_kept = change->is_kept;
	w->host.swappiness_kept = change->to;
	w->host.swappiness_before = change->before;
}

/* How long such an action takes, ms: measured on a small host; only the plan's estimate of the time rests on it. */
static int64_t takes_ms(enum action_kind kind)
{
	static const int64_t takes[ACTION_KIND_COUNT] = {
		[ACTION_NETWORK] = 100, [ACTION_VOLUME] = 10,  [ACTION_PULL] = 5000, [ACTION_BUILD] = 20000, [ACTION_CREATE] = 70,
		[ACTION_START] = 280,   [ACTION_UPDATE] = 15,  [ACTION_STOP] = 300,  [ACTION_REMOVE] = 12,
		[ACTION_PUBLISH] = 600, [ACTION_PARK] = 15,    [ACTION_WEIGHT] = 5,
		[ACTION_ALIAS] = 80,    [ACTION_UNALIAS] = 80,
		[ACTION_SWAP_MAKE] = 100, [ACTION_SWAP_OFF] = 200,
	};
	return takes[kind] ? takes[kind] : 2;
}

static void apply_to_instance(struct world *w, const struct action *action, struct arena *a)
{
	struct instance *i = find(w, action->instance);
	if (!i)
		return;
	switch (action->kind) {
	case ACTION_START:
		if (action->spec && !action->spec->is_job)
			take_memory(w, i, capacity_use(w, action->spec));
		start(w, i, action->spec && action->spec->is_job);
		break;
	case ACTION_UPDATE: set_live(action, i, a); break;
	case ACTION_RENAME: i->name = action->name; break;
	case ACTION_ALIAS: case ACTION_UNALIAS: place(w, i, action, a); break;
	case ACTION_PARK: turn_restart_off(i, action, a); break;
	case ACTION_STOP: stop(w, i, action, a); break;
	case ACTION_REMOVE: *i = w->instances[--w->instances_count]; break;
	default: break;
	}
}

void model_apply(struct world *w, const struct action *action, struct arena *a)
{
	w->now_ms += takes_ms(action->kind);
	switch (action->kind) {
	case ACTION_NETWORK:
		*ARENA_PUSH(a, w->networks, w->networks_count) = (struct network){
			.name = action->network, .subnet = action->subnet ? action->subnet : "",
			.range = action->range ? action->range : "", .project = action->project};
		break;
	case ACTION_VOLUME: *ARENA_PUSH(a, w->volumes, w->volumes_count) = action->volume; break;
	case ACTION_PULL: case ACTION_BUILD: pull(w, action, a); break;
	case ACTION_DROP: drop(w, action); break;
	case ACTION_CREATE: create(w, action, a); break;
	case ACTION_UNANNOUNCE: w->nginx.is_announcing = false; break;
	case ACTION_PUBLISH: publish(w, action, a); break;
	case ACTION_WEIGHT: shift(w, action); break;
	case ACTION_QUARANTINE:
		*ARENA_PUSH(a, w->quarantines, w->quarantines_count) = (struct quarantine){
			action->project, action->service, action->revision, action->reason, w->now_ms};
		break;
	case ACTION_COMMIT: note_good(w, action, a); break;
	case ACTION_SWAP_MAKE: case ACTION_SWAP_MEND: case ACTION_SWAP_OFF: apply_to_swap(w, action, a); break;
	case ACTION_SWAPPINESS: set_swappiness(w, action->swap); break;
	default: apply_to_instance(w, action, a); break;
	}
}

static int count_running(const struct world *w)
{
	int n = 0;
	for (size_t i = 0; i < w->instances_count; i++)
		n += w->instances[i].state == INSTANCE_RUNNING;
	return n;
}

static void record(struct rehearsal *out, const struct action *action, int64_t at_ms, struct arena *a)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
	action_print(&text, action);
	struct event *e = ARENA_PUSH(a, out->events, out->events_count);
	*e = (struct event){.at_ms = at_ms, .action = *action, .text = arena_strdup(a, text.text)};
	out->reloads += action->kind == ACTION_PUBLISH;
}

/* Probes are asked when all actions of a decision are done: what started in it was first seen to pass at one moment, so
 * what becomes ready together goes live in one reload. */
static void look_again(struct world *w, int64_t before_ms)
{
	for (size_t i = 0; i < w->instances_count; i++)
		if (w->instances[i].passing_since_ms > before_ms)
			w->instances[i].passing_since_ms = w->now_ms;
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

static const struct traffic *traffic_of(const struct world *w, const struct service *s)
{
	for (size_t i = 0; i < w->nginx.topology.services_count; i++) {
		const struct traffic *t = &w->nginx.topology.services[i];
		if (strcmp(t->project, s->project) == 0 && strcmp(t->service, s->name) == 0)
			return t;
	}
	return NULL;
}

/* Makes the wanted revision fail as it was asked. */
static void misbehave(struct world *w, const struct what_if *what_if)
{
	const struct service *s = what_if->fails;
	const struct traffic *t = s ? traffic_of(w, s) : NULL;
	int weight = t && strcmp(t->next.revision, s->revision) == 0 ? t->weight : 0;
	for (size_t i = 0; s && i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		if (in->state != INSTANCE_RUNNING || strcmp(in->project, s->project) != 0 || strcmp(in->service, s->name) != 0 ||
		    strcmp(in->revision, s->revision) != 0)
			continue;
		if (what_if->fails_at && weight >= what_if->fails_at) {
			in->state = INSTANCE_EXITED;
			in->exit_code = 1;
			in->passing_since_ms = 0;
		} else if (!what_if->fails_at) {
			in->passing_since_ms = 0;
			in->is_passing = false;
			in->failing_since_ms = in->failing_since_ms ? in->failing_since_ms : w->now_ms;
			in->probe_said = "what if it did not answer";
		}
	}
}

/* Another run: what the one before had seen is forgotten. */
static void begin_again(struct world *w)
{
	w->now_ms += NEXT_RUN_MS;
	w->run_started_ms = w->now_ms;
	for (size_t i = 0; i < w->instances_count; i++)
		if (w->instances[i].passing_since_ms)
			w->instances[i].passing_since_ms = w->now_ms;
}

void rehearse(const struct desired *d, const struct world *world, const struct what_if *what_if, struct arena *a,
              struct rehearsal *out)
{
	static const struct what_if nothing;
	what_if = what_if ? what_if : &nothing;
	*out = (struct rehearsal){.world = world_copy(a, world)};
	struct world *w = out->world;
	w->run_started_ms = w->now_ms;
	int64_t started_ms = w->now_ms, memory = w->host.memory_available_bytes;
	out->instances_peak = count_running(w);
	for (int round = 0; ; round++) {
		/* Instances die with their run in the model: what an action names must outlive their array. */
		decide(d, world_copy(a, w), a, &out->end);
		if (out->end.actions_count == 0 && !out->end.wait_until_ms)
			break;
		if (round == ROUNDS_MAX) {
			out->is_endless = true;
			break;
		}
		int64_t before_ms = w->now_ms;
		bool is_killed = false;
		for (size_t i = 0; i < out->end.actions_count && !is_killed; i++) {
			record(out, &out->end.actions[i], w->now_ms - started_ms, a);
			model_apply(w, &out->end.actions[i], a);
			if (count_running(w) > out->instances_peak)
				out->instances_peak = count_running(w);
			if (memory - w->host.memory_available_bytes > out->memory_peak_bytes)
				out->memory_peak_bytes = memory - w->host.memory_available_bytes;
			is_killed = out->events_count == what_if->crash_after;
		}
		look_again(w, before_ms);
		see_enough(w, a);
		misbehave(w, what_if);
		if (is_killed) {
			out->events[out->events_count - 1].is_crash = true;
			begin_again(w);
			continue;
		}
		if (out->end.actions_count == 0 && out->end.wait_until_ms > w->now_ms)
			w->now_ms = out->end.wait_until_ms;
	}
	out->memory_swap_bytes = memory > 0 && out->memory_peak_bytes > memory ? out->memory_peak_bytes - memory : 0;
	out->lasts_ms = w->now_ms - started_ms;
}
