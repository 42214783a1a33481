/*
 * What instances are called. The one thing to know: container_name is one container's, so only a service that never has
 * two at once calls its instance exactly so; the others number theirs, and have it as an alias (desired/draft.c).
 */
#include <string.h>

#include "decide/rollout.h"

static const char *numbered(struct arena *a, const struct service *s, int number)
{
	return s->container_name ? arena_printf(a, "%s-%d", s->container_name, number)
	                         : arena_printf(a, "%s-%s-%d", s->project, s->name, number);
}

static const char *wanted(struct arena *a, const struct service *s, int number)
{
	bool is_exact = s->container_name && strategy_info(s->strategy)->is_exclusive;
	return is_exact ? s->container_name : numbered(a, s, number);
}

static void rename_to(struct rollout *r, const struct instance *i, const char *name, const char *reason)
{
	struct action *a = pass_action(r->pass, ACTION_RENAME, r->project, r->service);
	a->instance = i;
	a->revision = i->revision;
	a->name = name;
	a->reason = reason;
}

/* Another instance of the service that has the name gives it up. */
static void take_name(struct rollout *r, const struct service *s, const char *name, const struct instance *taker)
{
	struct set all = set_of(r->pass, r->project, r->service, NULL);
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i] != taker && strcmp(all.items[i]->name, name) == 0)
			rename_to(r, all.items[i], numbered(r->pass->arena, s, all.items[i]->number), "gives its name to the next one");
}

const char *name_new(struct rollout *r, const struct service *s, int number)
{
	const char *name = wanted(r->pass->arena, s, number);
	take_name(r, s, name, NULL);
	return name;
}

bool name_settle(struct rollout *r, const struct service *s, const struct instance *i, const char **why)
{
	const char *name = wanted(r->pass->arena, s, i->number);
	if (strcmp(i->name, name) == 0 || i->state == INSTANCE_DEAD || strcmp(i->revision, s->revision) != 0)
		return false;
	const struct failure *earlier = rollout_failure(r, i->revision, i->id);
	if (earlier) {
		*why = earlier->message;
		return false;
	}
	take_name(r, s, name, i);
	rename_to(r, i, name, NULL);
	return true;
}
