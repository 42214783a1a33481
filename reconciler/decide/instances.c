/* Sets of instances, and the sides of nginx that they make. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decide/pass.h"

bool instance_is_up(const struct instance *i)
{
	return i->state == INSTANCE_RUNNING || i->state == INSTANCE_RESTARTING || i->state == INSTANCE_PAUSED;
}

/* What runs, what is up and takes room, the rest. */
static int use_of(const struct instance *i)
{
	return i->state == INSTANCE_RUNNING ? 0 : instance_is_up(i) ? 1 : 2;
}

static bool comes_before(const struct instance *x, const struct instance *y)
{
	if (use_of(x) != use_of(y))
		return use_of(x) < use_of(y);
	return x->number != y->number ? x->number < y->number : strcmp(x->id, y->id) < 0;
}

static void insert(struct arena *a, struct set *s, const struct instance *in)
{
	ARENA_PUSH(a, s->items, s->count);
	size_t k = s->count - 1;
	for (; k > 0 && comes_before(in, s->items[k - 1]); k--)
		s->items[k] = s->items[k - 1];
	s->items[k] = in;
}

struct set set_of(struct pass *p, const char *project, const char *service, const char *revision)
{
	struct set s = {0};
	for (size_t i = 0; i < p->world->instances_count; i++) {
		const struct instance *in = &p->world->instances[i];
		if (text_equal(in->project, project) && text_equal(in->service, service) &&
		    (!revision || text_equal(in->revision, revision)))
			insert(p->arena, &s, in);
	}
	return s;
}

bool set_has(const struct set *s, const struct instance *i)
{
	for (size_t k = 0; k < s->count; k++)
		if (s->items[k] == i)
			return true;
	return false;
}

struct set set_rest(struct pass *p, const struct set *all, const struct set *one, const struct set *other)
{
	struct set rest = {0};
	for (size_t i = 0; i < all->count; i++)
		if (!set_has(one, all->items[i]) && !(other && set_has(other, all->items[i])))
			*ARENA_PUSH(p->arena, rest.items, rest.count) = all->items[i];
	return rest;
}

bool side_lists(const struct side *side, const char *address)
{
	for (size_t i = 0; i < side->addresses_count; i++)
		if (text_equal(side->addresses[i], address))
			return true;
	return false;
}

static int by_address(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	/* Shorter first makes 10.0.0.9 come before 10.0.0.10 inside one network, which is all that a side spans. */
	size_t m = strlen(x), n = strlen(y);
	return m != n ? (m < n ? -1 : 1) : strcmp(x, y);
}

struct side side_of(struct pass *p, const char *revision, const struct set *s, size_t n)
{
	struct side side = {.revision = revision};
	for (size_t i = 0; i < n && i < s->count; i++)
		if (s->items[i]->address && *s->items[i]->address)
			*ARENA_PUSH(p->arena, side.addresses, side.addresses_count) = s->items[i]->address;
	if (side.addresses_count)
		qsort(side.addresses, side.addresses_count, sizeof *side.addresses, by_address);
	return side;
}

struct side side_less(struct pass *p, const struct side *side, const struct set *s)
{
	struct side less = {.revision = side->revision};
	for (size_t i = 0; i < side->addresses_count; i++) {
		bool is_out = false;
		for (size_t k = 0; k < s->count; k++)
			is_out |= text_equal(s->items[k]->address, side->addresses[i]);
		if (!is_out)
			*ARENA_PUSH(p->arena, less.addresses, less.addresses_count) = side->addresses[i];
	}
	return less;
}

bool side_equal(const struct side *a, const struct side *b)
{
	if (!text_equal(a->revision, b->revision) || a->addresses_count != b->addresses_count)
		return false;
	for (size_t i = 0; i < a->addresses_count; i++)
		if (!side_lists(b, a->addresses[i]))
			return false;
	return true;
}
