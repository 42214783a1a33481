/*
 * The service's name: which instances other containers reach by it. Docker's DNS cannot weigh, it names every instance
 * that has the alias; so one that comes in beside another revision has only its own name until it has passed its gate,
 * and one that goes loses the service's before it drains.
 *
 * The one thing to know: the engine cannot edit a place on a network. The instance leaves it and joins it again, and is
 * away for some 60 ms. With the same address open connections survive that; so only where the address is fixed does the
 * alias move at all (struct endpoint). Everywhere else an instance has it from its creation to its end.
 */
#include <string.h>

#include "decide/rollout.h"

/* Does this decision do that to it? */
static bool is_moving(const struct pass *p, enum action_kind kind, const struct instance *i)
{
	for (size_t k = 0; k < p->out->actions_count; k++)
		if (p->out->actions[k].kind == kind && p->out->actions[k].instance == i)
			return true;
	return false;
}

/* Does an instance of another revision run beside it, with the name? */
static bool is_named_beside(struct rollout *r, const char *revision)
{
	struct set all = set_of(r->pass, r->project, r->service, NULL);
	for (size_t i = 0; i < all.count; i++) {
		const struct instance *other = all.items[i];
		bool is_up = instance_is_up(other) || is_moving(r->pass, ACTION_START, other);
		bool is_named = instance_has_name(other) || is_moving(r->pass, ACTION_ALIAS, other);
		if (strcmp(other->revision, revision) != 0 && is_up && is_named)
			return true;
	}
	return false;
}

/* A published port moves with the place that is the way out: the engine gives another port, and cuts who uses the old
 * one. */
static bool publishes(const struct service *s, const struct action *create)
{
	const struct value *ports = spec_value(&s->spec, "ports");
	return (ports && ports->count > 0) || create->port;
}

void alias_places(struct rollout *r, const struct service *s, struct action *create)
{
	struct pass *p = r->pass;
	struct attachment *networks;
	struct endpoint *places = NULL;
	size_t count = service_networks(s, p->arena, &networks), placed = 0;
	bool is_movable = !strategy_info(s->strategy)->is_exclusive && !publishes(s, create);
	bool is_beside = !strategy_info(s->strategy)->is_exclusive && is_named_beside(r, s->revision);
	for (size_t i = 0; i < count; i++) {
		/* Nor may it leave the network of nginx, if that is one of its own, too. */
		bool is_traffic = create->network && strcmp(networks[i].network, create->network) == 0;
		bool is_fixed = is_traffic || value_get(networks[i].how, "ipv4_address");
		const char *address = is_movable && !is_fixed ? address_place(p, r->project, networks[i].network) : "";
		bool has_alias = !is_beside || !*address;
		*ARENA_PUSH(p->arena, places, placed) = (struct endpoint){networks[i].network, address, true, has_alias};
		if (is_beside && has_alias)
			create->reason = arena_printf(p->arena, "others reach it as %s at once: %s", s->name,
			                              publishes(s, create) ? "it publishes ports"
			                              : is_traffic ? "it is on the network of nginx"
			                              : arena_printf(p->arena, "no fixed address on %s", networks[i].network));
	}
	create->endpoints = places;
	create->endpoints_count = placed;
}

/* What must be done to its places so that it is on all of them, with the name or without. `s` NULL: nobody knows any
 * more what it was made from. */
static size_t differences(struct rollout *r, const struct service *s, const struct instance *i, bool named,
                          const struct endpoint **out)
{
	struct pass *p = r->pass;
	struct attachment *networks = NULL;
	struct endpoint *wrong = NULL;
	size_t count = s ? service_networks(s, p->arena, &networks) : 0, n = 0;
	if (!i->live)
		return 0;
	for (size_t k = 0; k < i->endpoints_count; k++) {
		const struct endpoint *e = &i->endpoints[k];
		if (!*e->address || (e->is_there && e->has_alias == named))
			continue;
		const char *address = address_fits(p, e->network, e->address) ? e->address : "";
		if (*address || !e->is_there)
			*ARENA_PUSH(p->arena, wrong, n) = (struct endpoint){e->network, address, true, named || !*address};
	}
	for (size_t k = 0; k < count; k++) {
		const struct endpoint *e = endpoint_find(i->endpoints, i->endpoints_count, networks[k].network);
		if (!e || (!e->is_there && !*e->address))
			*ARENA_PUSH(p->arena, wrong, n) = (struct endpoint){networks[k].network, "", true, true};
	}
	*out = wrong;
	return n;
}

static void emit(struct rollout *r, enum action_kind kind, const struct service *s, const struct instance *i,
                 const struct endpoint *places, size_t count)
{
	struct action *a = pass_action(r->pass, kind, r->project, r->service);
	a->instance = i;
	a->revision = i->revision;
	a->spec = s ? s : r->target;
	a->endpoints = places;
	a->endpoints_count = count;
	for (size_t k = 0; k < count; k++) {
		const struct endpoint *now = endpoint_find(i->endpoints, i->endpoints_count, places[k].network);
		if (!now || !now->is_there)
			a->reason = arena_printf(r->pass->arena, "it is not on %s", places[k].network);
	}
}

void alias_dim(struct rollout *r, const struct service *s, const struct instance *i)
{
	const struct endpoint *places;
	size_t count = instance_has_name(i) && is_named_beside(r, i->revision) ? differences(r, s, i, false, &places) : 0;
	if (count)
		emit(r, ACTION_UNALIAS, s, i, places, count);
}

enum ups alias_give(struct rollout *r, const struct service *s, const struct set *set, int n, enum trust trust)
{
	enum ups all = UPS_READY;
	/* Of the same first n that are brought up: another one in place of one that is ill would lose it again at once. */
	struct set first = set_usable(r, s, set);
	first.count = first.count < (size_t)n ? first.count : (size_t)n;
	struct set ready = set_ready(r, s, &first, n, trust);
	for (size_t k = 0; k < ready.count; k++) {
		const struct instance *i = ready.items[k];
		const struct endpoint *places;
		size_t count = i->state == INSTANCE_RUNNING ? differences(r, s, i, true, &places) : 0;
		if (!count || alias_stuck(r, i)) /* it serves without, until its turn to be replaced comes */
			continue;
		if (rollout_may_place(r, i)) {
			need_networks(r, s);
			count = differences(r, s, i, true, &places); /* a new network has new addresses */
			emit(r, ACTION_ALIAS, s, i, places, count);
			rollout_wait(r, arena_printf(r->pass->arena, "gives %s the name %s", i->name, r->service), 0);
			all = UPS_BUSY;
		} else if (all == UPS_READY) {
			all = r->status->phase == PHASE_PROGRESSING ? UPS_BUSY : UPS_STUCK;
		}
	}
	return all;
}

bool alias_is_given(struct rollout *r, const struct service *s, const struct set *set, int n)
{
	const struct endpoint *places;
	for (size_t i = 0; i < set->count && (int)i < n; i++)
		if (set->items[i]->state == INSTANCE_RUNNING && differences(r, s, set->items[i], true, &places) &&
		    !alias_stuck(r, set->items[i]))
			return false;
	return true;
}

/* Is there another one that has the name, and keeps it? */
static bool is_named_elsewhere(struct rollout *r, const struct instance *i)
{
	struct set all = set_of(r->pass, r->project, r->service, NULL);
	for (size_t k = 0; k < all.count; k++)
		if (all.items[k] != i && all.items[k]->state == INSTANCE_RUNNING && instance_has_name(all.items[k]) &&
		    !is_moving(r->pass, ACTION_UNALIAS, all.items[k]))
			return true;
	return false;
}

/* Has the name after this decision, and not yet: then the next look sees what is to be taken from whom. */
static bool is_one_coming(struct rollout *r)
{
	struct set all = set_of(r->pass, r->project, r->service, NULL);
	for (size_t k = 0; k < all.count; k++) {
		const struct instance *other = all.items[k];
		bool is_woken = other->state == INSTANCE_PAUSED && instance_has_name(other) && is_moving(r->pass, ACTION_START, other);
		if (is_woken || (is_moving(r->pass, ACTION_ALIAS, other) && !instance_has_name(other)))
			return true;
	}
	return false;
}

/* An engine that was killed while a container changed its place may have lost its hold of it: it finds an interface in
 * there that it knows nothing of, and only a new container is rid of that. When in one run another one of the service has it,
 * too, the fault is elsewhere, and more containers would not help. */
const char *alias_stuck(const struct rollout *r, const struct instance *i)
{
	const struct failure *own = rollout_place_failure(r, i);
	if (!own || own->kind != ERR_TRANSIENT || !rollout_has_given_up(own))
		return NULL;
	for (size_t k = 0; k < r->pass->world->failures_count; k++) {
		const struct failure *f = &r->pass->world->failures[k];
		if (f != own && f->is_of_place && strcmp(f->project, r->project) == 0 && strcmp(f->service, r->service) == 0)
			return NULL;
	}
	return arena_printf(r->pass->arena, "cannot be given its place on a network: %s", own->message);
}

bool alias_take(struct rollout *r, const struct instance *i)
{
	const struct service *s = rollout_spec(r, i->revision);
	const struct endpoint *places;
	if (r->target && i->state == INSTANCE_RUNNING && is_one_coming(r)) {
		rollout_wait(r, arena_printf(r->pass->arena, "waits for another one that has the name %s", r->service), 0);
		return false;
	}
	/* A service that leaves as a whole leaves with its name. */
	if (!r->target || i->state != INSTANCE_RUNNING || is_moving(r->pass, ACTION_UNALIAS, i) || !is_named_elsewhere(r, i) ||
	    (!instance_has_name(i) && alias_stuck(r, i)))
		return true;
	size_t count = differences(r, s, i, false, &places);
	if (!count)
		return true;
	if (rollout_may_place(r, i)) {
		emit(r, ACTION_UNALIAS, s, i, places, count);
		rollout_wait(r, arena_printf(r->pass->arena, "takes the name %s from %s", r->service, i->name), 0);
	}
	return false;
}
