/*
 * What can be changed on a running instance. The one thing to know: the engine cannot take every limit away again, so
 * one that Git does not set is either set to what means the same (struct field), or the instance is replaced.
 */
#include <string.h>

#include "base/text.h"
#include "decide/rollout.h"

/* Without a word of it the engine makes the limit of memory and swap together twice the memory; where it cannot limit
 * swap it says -1. */
static bool is_default_swap(const struct spec *spec, const struct value *live, const struct value *found, struct value *wanted)
{
	const struct value *memory = spec_value(spec, "mem_limit");
	if (!memory || memory->kind != VALUE_INT)
		return false;
	*wanted = value_int(2 * memory->integer);
	return found->integer == -1 || found->integer == wanted->integer || found->integer == 2 * live[memory - spec->values].integer;
}

/* What the row is to be on an instance that has `live`. False: it is as it should be. */
static bool differs(const struct spec *spec, const struct value *live, size_t k, struct value *wanted)
{
	const struct field *row = spec->rows[k];
	const struct value *found = &live[k];
	if (row->change != CHANGE_LIVE || value_equal(&spec->values[k], found))
		return false;
	*wanted = spec->values[k];
	if (wanted->kind != VALUE_UNSET)
		return true;
	*wanted = row->none;
	if (strcmp(row->path, "memswap_limit") == 0 && is_default_swap(spec, live, found, wanted))
		return false;
	return !value_equal(wanted, found);
}

static bool is_comparable(const struct service *s, const struct instance *i)
{
	return i->live && text_equal(i->revision, s->revision) && i->state != INSTANCE_DEAD;
}

bool live_update(struct rollout *r, const struct service *s, const struct instance *i, const char **why)
{
	struct pass *p = r->pass;
	struct change *changes = NULL;
	struct value wanted;
	size_t rows = is_comparable(s, i) ? s->spec.count : 0, count = 0;
	for (size_t k = 0; k < rows; k++)
		if (differs(&s->spec, i->live, k, &wanted) && wanted.kind != VALUE_UNSET)
			*ARENA_PUSH(p->arena, changes, count) = (struct change){s->spec.rows[k], i->live[k], wanted};
	if (!count)
		return false;
	const struct failure *earlier = rollout_failure(r, i->revision, i->id);
	if (earlier) {
		*why = earlier->message;
		return false;
	}
	struct action *a = pass_action(p, ACTION_UPDATE, r->project, r->service);
	a->instance = i;
	a->revision = s->revision;
	a->spec = s;
	a->changes = changes;
	a->changes_count = count;
	return true;
}

const char *live_limit(struct rollout *r, const struct service *s, const struct instance *i)
{
	struct value wanted;
	size_t rows = is_comparable(s, i) ? s->spec.count : 0;
	for (size_t k = 0; k < rows; k++)
		if (differs(&s->spec, i->live, k, &wanted) && wanted.kind == VALUE_UNSET) {
			CLEANUP(buf_done) struct buf found = BUF_INIT(1024);
			value_print(&found, &i->live[k], true);
			return arena_printf(r->pass->arena, "%s has %s %s, and Git sets none", i->name, s->spec.rows[k]->path, found.text);
		}
	const char *stuck = alias_stuck(r, i);
	return stuck ? arena_printf(r->pass->arena, "%s %s", i->name, stuck) : NULL;
}

struct set live_unlimited(struct rollout *r, const struct service *s, const struct set *set)
{
	struct set kept = {0};
	bool is_one_leaving = false;
	for (size_t i = 0; i < set->count; i++) {
		bool is_limited = live_limit(r, s, set->items[i]) != NULL;
		if (!is_limited || (is_one_leaving && instance_is_up(set->items[i])))
			*ARENA_PUSH(r->pass->arena, kept.items, kept.count) = set->items[i];
		is_one_leaving |= is_limited;
	}
	return kept;
}
