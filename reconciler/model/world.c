/* Look-ups in the observed world, and the names that go with a swap file. */
#include "model/world.h"

#include <string.h>

#include "base/text.h"

const struct endpoint *endpoint_find(const struct endpoint *all, size_t count, const char *network)
{
	for (size_t i = 0; i < count; i++)
		if (text_equal(all[i].network, network))
			return &all[i];
	return NULL;
}

const struct good *world_good(const struct world *w, const char *project, const char *service)
{
	for (size_t i = 0; i < w->goods_count; i++)
		if (text_equal(w->goods[i].project, project) && text_equal(w->goods[i].service, service))
			return &w->goods[i];
	return NULL;
}

const struct image *world_image(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->images_count; i++)
		if (text_equal(w->images[i].name, name))
			return &w->images[i];
	return NULL;
}

static bool is_of_same(const struct past_good *a, const struct past_good *b)
{
	return strcmp(a->project, b->project) == 0 && strcmp(a->service, b->service) == 0;
}

void past_goods_forget(struct past_goods *p, const struct past_good *bad)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->count; i++)
		if (!is_of_same(&p->items[i], bad) || strcmp(p->items[i].revision, bad->revision) != 0)
			p->items[kept++] = p->items[i];
	p->count = kept;
}

void past_goods_follow(struct past_goods *p, struct arena *a, const struct past_good *before, const struct past_good *good)
{
	size_t rows = 0, oldest = 0;
	past_goods_forget(p, good);
	if (!before || strcmp(before->revision, good->revision) == 0)
		return;
	past_goods_forget(p, before);
	for (size_t i = p->count; i-- > 0;)
		if (is_of_same(&p->items[i], before)) {
			rows++;
			oldest = i;
		}
	if (rows >= PAST_GOODS_MAX)
		past_goods_forget(p, &(struct past_good){p->items[oldest].project, p->items[oldest].service, p->items[oldest].revision});
	*ARENA_PUSH(a, p->items, p->count) = *before;
}

/* Where the notes do not say what it was, nobody can tell. */
static bool is_image_the_same(const struct past_good *past, const struct service *s, const struct image *now)
{
	if (!past->image_id || !*past->image_id)
		return true;
	return now ? strcmp(past->image_id, now->id) == 0 : !s->build;
}

const struct past_good *world_past_good(const struct world *w, const struct service *s)
{
	int ago = 0;
	for (size_t i = w->past_goods.count; i-- > 0;) {
		const struct past_good *past = &w->past_goods.items[i];
		if (strcmp(past->project, s->project) != 0 || strcmp(past->service, s->name) != 0)
			continue;
		if (++ago <= s->rollback_window && strcmp(past->revision, s->revision) == 0)
			return past;
	}
	return NULL;
}

bool world_was_good(const struct world *w, const struct service *s)
{
	const struct past_good *past = world_past_good(w, s);
	return past && is_image_the_same(past, s, world_image(w, s->image));
}

bool topology_is_streamed(const struct topology *t, const char *project, const char *service)
{
	for (size_t i = 0; i < t->routes_count; i++)
		if (t->routes[i].transport != TRANSPORT_HTTP && text_equal(t->routes[i].project, project) &&
		    text_equal(t->routes[i].service, service))
			return true;
	return false;
}

bool swap_is_helper(const char *path)
{
	static const char *const ends[] = {SWAP_PART, SWAP_BRIDGE};
	size_t length = strlen(path);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);
		if (length > n && strcmp(path + length - n, ends[i]) == 0)
			return true;
	}
	return false;
}

bool instance_has_name(const struct instance *i)
{
	for (size_t k = 0; k < i->endpoints_count; k++)
		if (i->endpoints[k].has_alias)
			return true;
	return false;
}

const struct quarantine *world_quarantine(const struct world *w, const struct service *s)
{
	for (size_t i = 0; i < w->quarantines_count; i++) {
		const struct quarantine *q = &w->quarantines[i];
		if (text_equal(q->project, s->project) && text_equal(q->service, s->name) && text_equal(q->revision, s->revision))
			return q;
	}
	return NULL;
}

bool order_is_about(const struct order *o, const char *project, const char *service)
{
	return !*o->project || (text_equal(o->project, project) && (!*o->service || text_equal(o->service, service)));
}

const struct order *world_order(const struct world *w, enum order_kind kind, const struct service *s)
{
	for (size_t i = 0; i < w->orders_count; i++) {
		const struct order *o = &w->orders[i];
		if (o->kind == kind && order_is_about(o, s->project, s->name) && text_equal(o->revision, s->revision))
			return o;
	}
	return NULL;
}

bool world_is_called_off(const struct world *w, const struct service *s)
{
	return world_quarantine(w, s) || world_order(w, ORDER_ABORT, s);
}
