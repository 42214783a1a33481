/*
 * Networks and volumes that are there, against what the manifest says of them now. The one thing to know: neither is ever
 * changed or removed for that; it is told until somebody has seen to it.
 */
#include <string.h>

#include "decide/rollout.h"

/* What a manifest can say, where the engine has it, and how it compares: all of a map or list that is wanted must be there;
 * more may be, because engines have defaults of their own. */
static const struct {
	const char *name, *wanted, *found;
	bool is_exact; /* also what is not wanted must not be there */
} rows[] = {
	{"driver", "Driver", "Driver", true}, {"driver_opts", "Options", "Options", false},
	{"driver_opts", "DriverOpts", "Options", false}, {"internal", "Internal", "Internal", true},
	{"attachable", "Attachable", "Attachable", true}, {"enable_ipv6", "EnableIPv6", "EnableIPv6", false},
	{"ipam", "IPAM", "IPAM", false}, {"labels", "Labels", "Labels", false},
};

static bool is_nothing(const struct value *v)
{
	return !v || v->kind == VALUE_UNSET || (v->kind == VALUE_BOOL && !v->boolean) ||
	       ((v->kind == VALUE_MAP || v->kind == VALUE_LIST) && v->count == 0);
}

static bool is_within(const struct value *wanted, const struct value *found)
{
	if (is_nothing(wanted))
		return true;
	if (is_nothing(found) || wanted->kind != found->kind)
		return false;
	if (wanted->kind != VALUE_MAP && wanted->kind != VALUE_LIST)
		return value_equal(wanted, found);
	for (size_t i = 0; i < wanted->count; i++) {
		bool is_there = wanted->kind == VALUE_MAP && is_within(&wanted->items[i], value_get(found, wanted->keys[i]));
		for (size_t k = 0; wanted->kind == VALUE_LIST && k < found->count; k++)
			is_there = is_there || is_within(&wanted->items[i], &found->items[k]);
		if (!is_there)
			return false;
	}
	return true;
}

/* The first field that differs; NULL: none does. */
static const char *difference(const struct resource *r, const struct made *m)
{
	struct value usual = value_string(m->is_volume ? "local" : "bridge");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct value *wanted = value_get(&r->settings, rows[i].wanted), *found = value_get(&m->settings, rows[i].found);
		if (strcmp(rows[i].wanted, "Driver") == 0 && !wanted)
			wanted = &usual;
		if (!is_within(wanted, found) || (rows[i].is_exact && is_nothing(wanted) && !is_nothing(found)))
			return rows[i].name;
	}
	return NULL;
}

static const char *tell(struct rollout *r, const struct resource *declared, const char *name, bool is_volume)
{
	const struct world *w = r->pass->world;
	for (size_t i = 0; i < w->made_count; i++) {
		const struct made *m = &w->made[i];
		const char *field = m->is_volume == is_volume && strcmp(m->name, name) == 0 ? difference(declared, m) : NULL;
		if (field && is_volume)
			return arena_printf(r->pass->arena, "the volume %s was made with another %s than the manifest says now, and volumes are never "
			                    "changed: give the new one another name and move what is in it, or set the manifest back", name, field);
		if (field)
			return arena_printf(r->pass->arena, "the network %s was made with another %s than the manifest says now: stop what uses it and "
			                    "remove it (docker network rm %s), and the next run makes it anew; or set the manifest back", name,
			                    field, name);
	}
	return NULL;
}

const char *resource_difference(struct rollout *r, const struct service *s)
{
	const struct desired *d = r->pass->desired;
	const char *why = NULL;
	struct attachment *networks;
	size_t count = service_networks(s, r->pass->arena, &networks);
	for (size_t i = 0; i < count && !why; i++) {
		const struct resource *declared = desired_network(d, r->project, networks[i].network);
		if (declared && !declared->is_external)
			why = tell(r, declared, networks[i].network, false);
	}
	for (size_t i = 0; i < s->volumes_count && !why; i++) {
		const struct resource *declared = desired_volume(d, r->project, s->volumes[i]);
		if (declared && !declared->is_external)
			why = tell(r, declared, s->volumes[i], true);
	}
	return why;
}
