/*
 * Addresses: one /24 of the configured subnet for each project's traffic network, and a fixed address in it for each
 * instance. The one thing to know: an address is not given again while an instance or the configuration names it, and
 * the next one is taken above the highest in use, so that it comes back as late as possible.
 */
#include <stdlib.h>
#include <string.h>

#include "decide/pass.h"

struct range {
	uint32_t base;
	int bits;
};

static bool parse_ipv4(const char **text, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++) {
		char *end;
		unsigned long part = strtoul(*text, &end, 10);
		if (end == *text || part > 255 || (i < 3 && *end != '.'))
			return false;
		*out = *out << 8 | (uint32_t)part;
		*text = i < 3 ? end + 1 : end;
	}
	return true;
}

static bool parse_range(const char *text, struct range *out)
{
	out->bits = 32;
	if (!text || !parse_ipv4(&text, &out->base))
		return false;
	if (*text == '/')
		out->bits = (int)strtol(text + 1, NULL, 10);
	if (out->bits < 1 || out->bits > 32)
		return false;
	out->base &= ~(uint32_t)0 << (32 - out->bits);
	return true;
}

static bool overlap(const struct range *a, const struct range *b)
{
	int bits = a->bits < b->bits ? a->bits : b->bits;
	uint32_t mask = ~(uint32_t)0 << (32 - bits);
	return (a->base & mask) == (b->base & mask);
}

static const char *print_ipv4(struct arena *a, uint32_t ip)
{
	return arena_printf(a, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

static bool is_free(const struct pass *p, const struct range *candidate)
{
	struct range taken;
	for (size_t i = 0; i < p->world->networks_count; i++)
		if (parse_range(p->world->networks[i].subnet, &taken) && overlap(candidate, &taken))
			return false;
	for (size_t i = 0; i < p->given_count; i++)
		if (parse_range(p->given[i].subnet, &taken) && overlap(candidate, &taken))
			return false;
	return true;
}

static const struct network *new_network(struct pass *p, const char *project, const char *name, const char **why)
{
	struct range whole;
	if (!parse_range(p->desired->subnet, &whole) || whole.bits > 24) {
		*why = arena_printf(p->arena, "setting subnet: '%s' is no network of at least a /24, like 10.231.0.0/16",
		                    p->desired->subnet ? p->desired->subnet : "");
		return NULL;
	}
	uint32_t count = (uint32_t)1 << (24 - whole.bits);
	for (uint32_t i = 0; i < count; i++) {
		struct range candidate = {whole.base + (i << 8), 24};
		if (!is_free(p, &candidate))
			continue;
		struct action *make = pass_action(p, ACTION_NETWORK, project, NULL);
		make->network = name;
		make->subnet = arena_printf(p->arena, "%s/24", print_ipv4(p->arena, candidate.base));
		make->gateway = print_ipv4(p->arena, candidate.base + 1);
		struct network *n = ARENA_PUSH(p->arena, p->given, p->given_count);
		*n = (struct network){.name = name, .subnet = make->subnet, .project = project};
		return n;
	}
	*why = arena_printf(p->arena, "all %u networks of subnet %s are taken; give a larger one in the settings", count,
	                    p->desired->subnet);
	return NULL;
}

const struct network *address_network(struct pass *p, const char *project, const char **why)
{
	const char *name = arena_printf(p->arena, "%s_reconcile", project);
	for (size_t i = 0; i < p->world->networks_count; i++)
		if (strcmp(p->world->networks[i].name, name) == 0)
			return &p->world->networks[i];
	for (size_t i = 0; i < p->given_count; i++)
		if (strcmp(p->given[i].name, name) == 0)
			return &p->given[i];
	return new_network(p, project, name, why);
}

/* Marks an address as taken, and keeps the highest one. */
static void mark(const char *text, const struct range *in, bool taken[256], int *highest)
{
	uint32_t ip;
	if (!text || !parse_ipv4(&text, &ip) || (ip & ~(uint32_t)255) != in->base)
		return;
	int last = (int)(ip & 255);
	taken[last] = true;
	if (last > *highest)
		*highest = last;
}

const char *address_take(struct pass *p, const struct network *n, const char **why)
{
	struct range in;
	bool taken[256] = {[0] = true, [1] = true, [255] = true};
	int highest = 1;
	if (!parse_range(n->subnet, &in) || in.bits != 24) {
		*why = arena_printf(p->arena, "network %s has subnet '%s', wanted a /24; remove the network", n->name, n->subnet);
		return NULL;
	}
	for (size_t i = 0; i < p->world->instances_count; i++)
		mark(p->world->instances[i].address, &in, taken, &highest);
	for (size_t i = 0; i < p->world->nginx.topology.services_count; i++) {
		const struct traffic *t = &p->world->nginx.topology.services[i];
		for (size_t k = 0; k < t->stable.addresses_count; k++)
			mark(t->stable.addresses[k], &in, taken, &highest);
		for (size_t k = 0; k < t->next.addresses_count; k++)
			mark(t->next.addresses[k], &in, taken, &highest);
	}
	for (size_t i = 0; i < p->addresses_count; i++)
		mark(p->addresses[i], &in, taken, &highest);
	for (int i = 1; i < 256; i++) {
		int last = (highest + i) % 256;
		if (taken[last])
			continue;
		const char *address = print_ipv4(p->arena, in.base + (uint32_t)last);
		*ARENA_PUSH(p->arena, p->addresses, p->addresses_count) = address;
		return address;
	}
	*why = arena_printf(p->arena, "all 253 addresses of network %s (%s) are taken", n->name, n->subnet);
	return NULL;
}
