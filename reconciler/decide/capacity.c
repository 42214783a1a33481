/*
 * Does what is to be created fit into memory and swap? The one thing to know: only what is measured counts. An instance
 * needs what the ones of its service use at most, and a fifth more, but never more than its limit; of a service that
 * never ran nobody knows, but for what it reserves.
 */
#include <string.h>

#include "decide/rollout.h"

#define MARGIN 20 /* a twentieth of the room stays free */

static int64_t bytes_of(const struct service *s, const char *path)
{
	const struct value *v = spec_value(&s->spec, path);
	return v && v->kind == VALUE_INT ? v->integer : 0;
}

/* Of the revisions before it; of its own when nothing else runs. */
static int64_t most_used(const struct world *w, const struct service *s)
{
	int64_t own = 0, others = 0;
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		int64_t *most = strcmp(in->revision, s->revision) == 0 ? &own : &others;
		if (in->state == INSTANCE_RUNNING && in->memory_bytes > *most && strcmp(in->project, s->project) == 0 &&
		    strcmp(in->service, s->name) == 0)
			*most = in->memory_bytes;
	}
	return others ? others : own;
}

int64_t capacity_use(const struct world *w, const struct service *s)
{
	int64_t most = most_used(w, s), limit = bytes_of(s, "mem_limit");
	if (!most)
		return bytes_of(s, "mem_reservation");
	return limit && limit < most ? limit : most;
}

static int64_t need_of(const struct world *w, const struct service *s)
{
	int64_t use = capacity_use(w, s), limit = bytes_of(s, "mem_limit"), need = use + use / 5;
	return limit && limit < need ? limit : need;
}

/* Does this decision start it again? */
static bool is_revived(const struct pass *p, const struct instance *i)
{
	for (size_t k = 0; k < p->out->actions_count; k++)
		if (p->out->actions[k].kind == ACTION_START && p->out->actions[k].instance == i)
			return true;
	return false;
}

/* What an instance was made from: of Git, or, when its manifest is broken or it has left, as it was noted. */
static const struct service *service_of(const struct pass *p, const struct instance *in)
{
	const struct service *s = desired_service(p->desired, in->project, in->service);
	const struct good *good = s ? NULL : world_good(p->world, in->project, in->service);
	return good ? good->spec : s;
}

int64_t capacity_promised(const struct pass *p)
{
	int64_t bytes = p->memory_given;
	for (size_t i = 0; i < p->world->instances_count; i++) {
		const struct instance *in = &p->world->instances[i];
		const struct service *s = service_of(p, in);
		bool is_young = in->state == INSTANCE_CREATED || (in->state == INSTANCE_RUNNING && !in->passing_since_ms) ||
		                is_revived(p, in);
		int64_t need = s && is_young ? need_of(p->world, s) : 0;
		bytes += need > in->memory_bytes ? need - in->memory_bytes : 0;
	}
	return bytes;
}

static int64_t free_swap(const struct world *w)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < w->host.swaps_count; i++)
		if (w->host.swaps[i].is_active)
			bytes += w->host.swaps[i].swap_bytes - w->host.swaps[i].used_bytes;
	return bytes;
}

static const char *size(struct pass *p, int64_t bytes)
{
	return size_text(bytes > 0 ? bytes : 0, arena_alloc(p->arena, SIZE_TEXT));
}

/* A strategy that runs fewer at once and fits. */
static const char *advice(struct rollout *r, const struct service *s, int64_t need, int64_t room)
{
	static const enum strategy sparing[] = {STRATEGY_ROLLING, STRATEGY_IN_PLACE};
	struct set all = set_of_revision(r, NULL);
	int running = set_count_up(&all);
	for (size_t i = 0; r->good && i < ARRAY_LEN(sparing); i++) {
		struct service other = *s;
		other.strategy = sparing[i];
		other.batch = 1;
		if (s->strategy != sparing[i] && (strategy_peak(r->pass->arena, &other, s->replicas) - running) * need <= room)
			return arena_printf(r->pass->arena, "strategy: %s would fit", strategy_names[sparing[i]]);
	}
	return "stop something, lower the limits, or ask for swap (x-reconcile.host.swap)";
}

const char *capacity_lacks(struct rollout *r, const struct service *s, int count)
{
	struct pass *p = r->pass;
	const struct host_state *h = &p->world->host;
	int64_t need = need_of(p->world, s), swap = free_swap(p->world), room = h->memory_available_bytes + swap;
	if (need == 0 || h->memory_bytes == 0) /* nobody knows */
		return NULL;
	room -= room / MARGIN + capacity_promised(p);
	if (need * count <= room) {
		p->memory_given += need * count;
		return NULL;
	}
	return arena_printf(p->arena, "%d more of %s/%s would need %s (each the %s that one uses at most, and a fifth more, within its "
	                              "limit), and the host has %s left of %s free memory and %s free swap; %s",
	                    count, r->project, r->service, size(p, need * count), size(p, most_used(p->world, s)), size(p, room),
	                    size(p, h->memory_available_bytes), size(p, swap), advice(r, s, need, room));
}
