/*
 * The model world: what each action does to it. The one thing to know: it has no rules of its own about rollouts; it only
 * knows what the host does when it is told something.
 */
#include "decide/rehearse.h"

#include <string.h>

#include "decide/pass.h"

static void *copy_array(struct arena *a, const void *items, size_t count, size_t size)
{
	if (!count)
		return (void *)items;
	/* Room for growth as ARENA_PUSH expects it: the next power of two. */
	size_t capacity = 8;
	while (capacity < count)
		capacity *= 2;
	return memcpy(arena_alloc(a, capacity * size), items, count * size);
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
	copy->past_goods.items = copy_array(a, w->past_goods.items, w->past_goods.count, sizeof *w->past_goods.items);
	COPY_ARRAY(a, copy, orders);
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
	i->alone_since_ms = action->kind == ACTION_UNALIAS && !instance_has_name(i) ? w->now_ms : 0;
}

static void create(struct world *w, const struct action *action, struct arena *a)
{
	struct instance *i = ARENA_PUSH(a, w->instances, w->instances_count);
	*i = (struct instance){
		.id = arena_printf(a, "model-%s-%lld", action->name, (long long)w->now_ms),
		.name = action->name, .project = action->project, .service = action->service,
		.revision = action->spec->revision, .number = action->number, .state = INSTANCE_CREATED, .error = "",
		.created_ms = w->now_ms, .address = action->address ? action->address : "",
		.ports = action->ports ? *action->ports : (struct value){0},
		.live = live_of(a, &action->spec->spec), .probe_said = "", .idle_readings = 3, .shares = action->shares,
	};
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

/* The engine tells of a health check from the first start on. */
static void start(struct world *w, struct instance *i, const struct service *s)
{
	bool ends_at_once = s && s->is_job;
	i->state = ends_at_once ? INSTANCE_EXITED : INSTANCE_RUNNING;
	i->exit_code = 0;
	i->started_ms = w->now_ms;
	i->passing_since_ms = ends_at_once ? 0 : w->now_ms;
	i->failing_since_ms = 0;
	i->restart_count = 0; /* the engine counts from its last start that somebody asked for */
	i->was_oom_killed = false;
	i->is_passing = !ends_at_once;
	if (i->health != HEALTH_NONE || (s && s->has_healthcheck))
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

/* The rows of the field table, which all specs share; NULL: no spec is known. */
static const struct spec *any_spec(const struct world *w, const struct service *s)
{
	for (size_t i = 0; !s && i < w->goods_count; i++)
		s = w->goods[i].spec;
	return s ? &s->spec : NULL;
}

/* The restart policy is off: the field's live value is "no". */
static void turn_restart_off(const struct world *w, struct instance *i, const struct action *action, struct arena *a)
{
	i->is_restart_off = true;
	const struct spec *spec = any_spec(w, action->spec); /* what left Git has none */
	if (!spec || !i->live)
		return;
	struct value *live = copy_array(a, i->live, spec->count, sizeof *live);
	for (size_t k = 0; k < spec->count; k++)
		if (strcmp(spec->rows[k]->path, "restart") == 0)
			live[k] = value_string("no");
	i->live = live;
}

static void stop(struct world *w, struct instance *i, const struct action *action, struct arena *a)
{
	take_memory(w, i, 0);
	turn_restart_off(w, i, action, a);
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
		t->to_testers = false;
		t->weight_since_ms = 0;
		t->is_damaged = false;
		for (size_t k = 0; k < before.services_count; k++)
			if (strcmp(before.services[k].project, t->project) == 0 &&
			    strcmp(before.services[k].service, t->service) == 0 &&
			    strcmp(before.services[k].rollout, t->rollout) == 0) {
				t->weight = before.services[k].weight;
				t->to_testers = before.services[k].to_testers;
				t->weight_since_ms = before.services[k].weight_since_ms;
			}
	}
	forget_evidence(w, a);
	w->nginx.is_current = true;
	w->nginx.drift = NULL;
	w->nginx.installed_ms = w->now_ms;
	/* Old workers end and connections close: when that takes long is up to the clients, and no plan can know it. */
	w->nginx.draining_workers = 0;
	w->nginx.workers_gone_ms = 0;
	for (size_t i = 0; i < w->instances_count; i++) {
		w->instances[i].connections = 0;
		w->instances[i].idle_readings = 3;
		w->instances[i].idle_since_ms = 0;
	}
}

static void shift(struct world *w, const struct action *action)
{
	for (size_t i = 0; i < w->nginx.topology.services_count; i++) {
		struct traffic *t = &w->nginx.topology.services[i];
		if (strcmp(t->rollout, action->rollout) == 0 && strcmp(t->project, action->project) == 0 &&
		    strcmp(t->service, action->service) == 0) {
			t->weight = action->weight;
			t->to_testers = action->to_testers;
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
	struct good good = {action->project, action->service, action->spec->revision, action->spec, action->image_id};
	struct past_good now = {good.project, good.service, good.revision};
	for (size_t i = 0; i < w->goods_count; i++)
		if (strcmp(w->goods[i].project, good.project) == 0 && strcmp(w->goods[i].service, good.service) == 0) {
			struct past_good before = {good.project, good.service, w->goods[i].revision, w->goods[i].image_id};
			past_goods_follow(&w->past_goods, a, &before, &now);
			w->goods[i] = good;
			return;
		}
	past_goods_follow(&w->past_goods, a, NULL, &now);
	*ARENA_PUSH(a, w->goods, w->goods_count) = good;
}

/* What a registry will give nobody knows: the same as when it was good, most likely. What is built anew is something new. */
static const char *pulled(const struct world *w, const struct action *action, struct arena *a)
{
	const struct service *s = action->spec;
	const struct past_good *past = world_past_good(w, s);
	if (action->kind == ACTION_BUILD)
		return arena_printf(a, "built-%s", s->image);
	return past && past->image_id && *past->image_id ? past->image_id : arena_printf(a, "model-%s", s->image);
}

static void pull(struct world *w, const struct action *action, struct arena *a)
{
	const char *id = pulled(w, action, a);
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

bool model_is_reload(const struct world *w, const struct action *action)
{
	return action->kind == ACTION_PUBLISH || (action->kind == ACTION_WEIGHT &&
	                                          topology_is_streamed(&w->nginx.topology, action->project, action->service));
}

/* How long such an action takes, ms: measured on a small host; only the plan's estimate of the time rests on it. */
int64_t model_takes_ms(const struct world *w, const struct action *action)
{
	static const int64_t takes[ACTION_KIND_COUNT] = {
		[ACTION_NETWORK] = 100, [ACTION_VOLUME] = 10,  [ACTION_PULL] = 5000, [ACTION_BUILD] = 20000, [ACTION_CREATE] = 70,
		[ACTION_START] = 280,   [ACTION_UPDATE] = 15,  [ACTION_STOP] = 300,  [ACTION_REMOVE] = 12,
		[ACTION_PUBLISH] = 600, [ACTION_PARK] = 15,    [ACTION_WEIGHT] = 5,
		[ACTION_ALIAS] = 80,    [ACTION_UNALIAS] = 80,
		[ACTION_SWAP_MAKE] = 100, [ACTION_SWAP_OFF] = 200,
	};
	enum action_kind kind = model_is_reload(w, action) ? ACTION_PUBLISH : action->kind;
	return takes[kind] ? takes[kind] : 2;
}

/* The image that it was made from, as far as the notes tell; NULL: they do not. */
static const char *image_of(const struct world *w, const struct instance *i)
{
	const struct good *good = world_good(w, i->project, i->service);
	return good && good->spec && strcmp(good->revision, i->revision) == 0 ? good->spec->image : NULL;
}

/* With the last of its instances an image is used no more; what others made from it is not known here. */
static void remove_instance(struct world *w, struct instance *i)
{
	const char *image = image_of(w, i);
	*i = w->instances[--w->instances_count];
	for (size_t k = 0; image && k < w->instances_count; k++) {
		const char *other = image_of(w, &w->instances[k]);
		if (other && strcmp(other, image) == 0)
			return;
	}
	for (size_t k = 0; image && k < w->images_count; k++)
		if (strcmp(w->images[k].name, image) == 0)
			w->images[k].is_used = false;
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
		start(w, i, action->spec);
		break;
	case ACTION_UPDATE: set_live(action, i, a); break;
	case ACTION_RENAME: i->name = action->name; break;
	case ACTION_ALIAS: case ACTION_UNALIAS: place(w, i, action, a); break;
	case ACTION_PARK: turn_restart_off(w, i, action, a); break;
	case ACTION_STOP: stop(w, i, action, a); break;
	case ACTION_REMOVE: remove_instance(w, i); break;
	default: break;
	}
}

void model_done(struct world *w, const struct action *action, struct arena *a)
{
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
		past_goods_forget(&w->past_goods, &(struct past_good){action->project, action->service, action->revision});
		break;
	case ACTION_COMMIT: note_good(w, action, a); break;
	case ACTION_SWAP_MAKE: case ACTION_SWAP_MEND: case ACTION_SWAP_OFF: apply_to_swap(w, action, a); break;
	case ACTION_SWAPPINESS: set_swappiness(w, action->swap); break;
	default: apply_to_instance(w, action, a); break;
	}
}

void model_apply(struct world *w, const struct action *action, struct arena *a)
{
	w->now_ms += model_takes_ms(w, action);
	model_done(w, action, a);
}

/* What the engine shows of it so far is half of it; one with another address is none of it, and has the name. */
static void make_way(struct world *w, const struct action *action, struct arena *a)
{
	for (size_t i = 0; i < w->instances_count; i++)
		if (strcmp(w->instances[i].name, action->name) == 0) {
			if (*w->instances[i].address && strcmp(w->instances[i].address, action->address ? action->address : "") != 0)
				return;
			w->instances[i] = w->instances[--w->instances_count];
			break;
		}
	create(w, action, a);
}

static void look_away(struct instance *i, const struct action *action, struct arena *a)
{
	const struct instance *before = action->instance;
	struct endpoint *places = copy_array(a, before->endpoints, before->endpoints_count, sizeof *places);
	for (size_t k = 0; k < before->endpoints_count; k++)
		places[k].has_alias &= !endpoint_find(action->endpoints, action->endpoints_count, places[k].network);
	i->endpoints = places;
	i->endpoints_count = before->endpoints_count;
	i->ip = before->ip;
	i->is_away = true;
}

static bool has_network(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->networks_count; i++)
		if (strcmp(w->networks[i].name, name) == 0)
			return true;
	return false;
}

void model_under_way(struct world *w, const struct action *action, struct arena *a)
{
	struct instance *i = action->instance ? find(w, action->instance) : NULL;
	switch (action->kind) {
	case ACTION_NETWORK:
		if (!has_network(w, action->network))
			model_done(w, action, a);
		break;
	case ACTION_CREATE:
		make_way(w, action, a);
		break;
	case ACTION_START:
		if (i && (i->state == INSTANCE_CREATED || i->state == INSTANCE_EXITED)) {
			start(w, i, NULL);
			i->is_starting = true;
			i->passing_since_ms = 0;
			i->is_passing = false;
			i->health = i->health == HEALTH_NONE ? HEALTH_NONE : HEALTH_STARTING;
		}
		break;
	case ACTION_ALIAS: case ACTION_UNALIAS:
		if (i)
			look_away(i, action, a);
		break;
	case ACTION_STOP:
		if (i && i->state == INSTANCE_RUNNING)
			i->is_stopping = true;
		break;
	case ACTION_REMOVE:
		if (i && !instance_is_up(i))
			i->state = INSTANCE_DEAD;
		break;
	default:
		break;
	}
}
