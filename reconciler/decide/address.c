/*
 * Addresses: one /24 of the configured subnet for each network that we make, and a fixed address in it for each
 * instance that needs one. The one thing to know: an address is not given again while an instance or the configuration
 * names it, and the next one is taken above the highest in use, so that it comes back as late as possible.
 *
 * Traffic networks are taken from the bottom of the subnet, and without one a service cannot be routed. The project's
 * own networks are taken from the top and never from the lower half: they only lose a convenience without one (the
 * engine then chooses, see alias.c), so they must not be what the subnet runs out for.
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
		const char *end = *text;
		uint32_t part = 0;
		while (*end >= '0' && *end <= '9' && part <= 255)
			part = part * 10 + (uint32_t)(*end++ - '0');
		if (end == *text || part > 255 || (i < 3 && *end != '.'))
			return false;
		*out = *out << 8 | part;
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

/* The i-th /24 of the whole, for the network that `make` makes; false when it is taken. */
static bool give_subnet(struct pass *p, const struct range *whole, uint32_t i, struct action *make)
{
	struct range candidate = {whole->base + (i << 8), 24};
	if (!is_free(p, &candidate))
		return false;
	make->subnet = arena_printf(p->arena, "%s/24", print_ipv4(p->arena, candidate.base));
	make->gateway = print_ipv4(p->arena, candidate.base + 1);
	return true;
}

static const struct network *remember_given(struct pass *p, const struct action *make)
{
	struct network *n = ARENA_PUSH(p->arena, p->given, p->given_count);
	*n = (struct network){.name = make->network, .subnet = make->subnet, .range = make->range ? make->range : "",
	                      .project = make->project};
	return n;
}

static const struct network *new_network(struct pass *p, const char *project, const char *name, const char **why)
{
	struct range whole;
	struct action made = {.network = name};
	if (!parse_range(p->desired->subnet, &whole) || whole.bits > 24) {
		*why = arena_printf(p->arena, "setting subnet: '%s' is no network of at least a /24, like 10.231.0.0/16",
		                    p->desired->subnet ? p->desired->subnet : "");
		return NULL;
	}
	uint32_t count = (uint32_t)1 << (24 - whole.bits);
	for (uint32_t i = 0; i < count; i++) {
		if (!give_subnet(p, &whole, i, &made))
			continue;
		struct action *make = pass_action(p, ACTION_NETWORK, project, NULL);
		make->network = name;
		make->subnet = made.subnet;
		make->gateway = made.gateway;
		return remember_given(p, make);
	}
	*why = arena_printf(p->arena, "all %u networks of subnet %s are taken; give a larger one in the settings", count,
	                    p->desired->subnet);
	return NULL;
}

void address_subnet(struct pass *p, struct action *make)
{
	struct range whole;
	if (!parse_range(p->desired->subnet, &whole) || whole.bits > 24)
		return;
	uint32_t count = (uint32_t)1 << (24 - whole.bits);
	for (uint32_t i = count - 1; i >= (count + 1) / 2; i--)
		if (give_subnet(p, &whole, i, make)) {
			/* Half of it is the engine's, for whoever asks it for any address: it never takes one of ours. */
			make->range = arena_printf(p->arena, "%s/25", print_ipv4(p->arena, whole.base + (i << 8)));
			remember_given(p, make);
			return;
		}
}

static const struct network *find_network(const struct pass *p, const char *name)
{
	for (size_t i = 0; i < p->world->networks_count; i++)
		if (strcmp(p->world->networks[i].name, name) == 0)
			return &p->world->networks[i];
	for (size_t i = 0; i < p->given_count; i++)
		if (strcmp(p->given[i].name, name) == 0)
			return &p->given[i];
	return NULL;
}

/* Is it the one that a setting names? */
static bool is_of_nginx(const struct pass *p, const struct network *n)
{
	return p->desired->nginx_network && strcmp(n->name, p->desired->nginx_network) == 0;
}

/* Somebody else's: what it lacks is told, and never made. */
static const struct network *shared_network(struct pass *p, const char *name, const char **why)
{
	struct range subnet;
	const struct network *n = find_network(p, name);
	if (n && parse_range(n->subnet, &subnet))
		return n;
	*why = n ? arena_printf(p->arena, "the network %s (setting nginx.network) has no IPv4 subnet; make it anew with one of your own: "
	                        NETWORK_MAKE, name, name)
	         : arena_printf(p->arena, "the network %s (setting nginx.network) does not exist; make it, and connect the container of nginx: "
	                        NETWORK_MAKE, name, name);
	return NULL;
}

const struct network *address_network(struct pass *p, const char *project, const char **why)
{
	if (p->desired->nginx_network)
		return shared_network(p, p->desired->nginx_network, why);
	const char *name = arena_printf(p->arena, "%s_reconcile", project);
	const struct network *there = find_network(p, name);
	return there ? there : new_network(p, project, name, why);
}

/* The part of a network whose addresses are for us to give, first and last included. */
struct part {
	uint32_t first, last;
};

static uint32_t last_of(const struct range *r)
{
	return r->base | (uint32_t)(((uint64_t)1 << (32 - r->bits)) - 1);
}

/* Neither its own address nor its broadcast, and nothing of its range: what the engine gives by itself must never be the
 * address of an instance that is down just now. Where everybody may come and no range is set aside it gives from the bottom. */
static struct part part_of(const struct pass *p, const struct network *n, const struct range *whole)
{
	struct range engine;
	uint32_t end = last_of(whole), middle = whole->base + (end - whole->base) / 2 + 1;
	if (!parse_range(n->range, &engine) || engine.bits <= whole->bits)
		return (struct part){is_of_nginx(p, n) ? middle : whole->base + 2, end - 1};
	return end - last_of(&engine) >= engine.base - whole->base ? (struct part){last_of(&engine) + 1, end - 1}
	                                                           : (struct part){whole->base + 2, engine.base - 1};
}

struct taken {
	struct arena *arena;
	uint32_t *items;
	size_t count;
};

/* Marks an address as taken, and keeps the highest one. */
static void mark(const char *text, const struct part *in, struct taken *taken, uint32_t *highest)
{
	uint32_t ip;
	if (!text || !parse_ipv4(&text, &ip) || ip < in->first || ip > in->last)
		return;
	*ARENA_PUSH(taken->arena, taken->items, taken->count) = ip;
	if (ip > *highest)
		*highest = ip;
}

static bool is_marked(const struct taken *taken, uint32_t ip)
{
	for (size_t i = 0; i < taken->count; i++)
		if (taken->items[i] == ip)
			return true;
	return false;
}

/* The next one above the highest of ours that is in use, so that one comes back as late as possible; 0: all are taken. */
static uint32_t next_free(struct pass *p, const struct network *n, const struct part in)
{
	struct taken *taken = &(struct taken){.arena = p->arena};
	uint32_t highest = in.first - 1, others = 0;
	for (size_t i = 0; i < p->world->instances_count; i++) {
		const struct instance *instance = &p->world->instances[i];
		mark(instance->address, &in, taken, &highest);
		for (size_t k = 0; k < instance->endpoints_count; k++)
			mark(instance->endpoints[k].address, &in, taken, &highest);
	}
	for (size_t i = 0; i < p->world->nginx.topology.services_count; i++) {
		const struct traffic *t = &p->world->nginx.topology.services[i];
		for (size_t k = 0; k < t->stable.addresses_count; k++)
			mark(t->stable.addresses[k], &in, taken, &highest);
		for (size_t k = 0; k < t->next.addresses_count; k++)
			mark(t->next.addresses[k], &in, taken, &highest);
	}
	for (size_t i = 0; i < p->addresses_count; i++)
		mark(p->addresses[i], &in, taken, &highest);
	for (size_t i = 0; i < n->taken_count; i++)
		mark(n->taken[i], &in, taken, &others);
	for (uint32_t i = 1, count = in.last - in.first + 1; i <= count; i++) {
		uint32_t ip = in.first + (highest - in.first + i) % count;
		if (!is_marked(taken, ip))
			return ip;
	}
	return 0;
}

const char *address_take(struct pass *p, const struct network *n, const char **why)
{
	struct range whole;
	if (!parse_range(n->subnet, &whole) || (whole.bits != 24 && !is_of_nginx(p, n))) {
		*why = arena_printf(p->arena, "network %s has subnet '%s', wanted a /24; remove the network", n->name, n->subnet);
		return NULL;
	}
	struct part part = part_of(p, n, &whole);
	uint32_t ip = part.first <= part.last ? next_free(p, n, part) : 0;
	if (ip) {
		const char *address = print_ipv4(p->arena, ip);
		*ARENA_PUSH(p->arena, p->addresses, p->addresses_count) = address;
		return address;
	}
	uint32_t count = part.first <= part.last ? part.last - part.first + 1 : 0;
	*why = is_of_nginx(p, n) ? arena_printf(p->arena, "all %u addresses of the network %s (%s, setting nginx.network) that are not for Docker to "
	                                        "give are taken; make it anew with a larger --subnet or a smaller --ip-range", count, n->name, n->subnet)
	                         : arena_printf(p->arena, "all %u addresses of network %s (%s) are taken", count, n->name, n->subnet);
	return NULL;
}

bool address_fits(const struct pass *p, const char *network, const char *address)
{
	struct range subnet, one;
	const struct network *n = find_network(p, network);
	return !n || (parse_range(n->subnet, &subnet) && parse_range(address, &one) && overlap(&subnet, &one));
}

const char *address_place(struct pass *p, const char *project, const char *network)
{
	const char *why;
	struct range subnet, range;
	const struct network *n = find_network(p, network);
	/* Only what address_subnet() made is known to have addresses that nobody else gives. */
	bool is_shared = n && strcmp(n->project, project) == 0 && parse_range(n->subnet, &subnet) && subnet.bits == 24 &&
	                 parse_range(n->range, &range) && range.bits == 25 && range.base == subnet.base;
	const char *address = is_shared ? address_take(p, n, &why) : NULL;
	return address ? address : "";
}

#define LOOPBACK "127.0.0.1:"

static int port_of(const char *address)
{
	return address && strncmp(address, LOOPBACK, strlen(LOOPBACK)) == 0 ? (int)strtol(address + strlen(LOOPBACK), NULL, 10) : 0;
}

static bool side_has_port(const struct side *side, int port)
{
	for (size_t i = 0; i < side->addresses_count; i++)
		if (port_of(side->addresses[i]) == port)
			return true;
	return false;
}

static bool is_taken(const struct pass *p, int port)
{
	for (size_t i = 0; i < p->world->instances_count; i++)
		if (port_of(p->world->instances[i].address) == port)
			return true;
	for (size_t i = 0; i < p->world->nginx.topology.services_count; i++)
		if (side_has_port(&p->world->nginx.topology.services[i].stable, port) ||
		    side_has_port(&p->world->nginx.topology.services[i].next, port))
			return true;
	for (size_t i = 0; i < p->addresses_count; i++)
		if (port_of(p->addresses[i]) == port)
			return true;
	return false;
}

const char *address_loopback(struct pass *p, const char **why)
{
	int first = p->desired->loopback_first, count = p->desired->loopback_last - first + 1, highest = -1;
	for (int i = 0; i < count; i++)
		if (is_taken(p, first + i))
			highest = i;
	for (int i = 1; i <= count; i++) { /* above the highest, so that one comes back as late as possible */
		int port = first + (highest + i) % count;
		if (is_taken(p, port))
			continue;
		const char *address = arena_printf(p->arena, LOOPBACK "%d", port);
		*ARENA_PUSH(p->arena, p->addresses, p->addresses_count) = address;
		return address;
	}
	*why = arena_printf(p->arena, "all %d ports of nginx.loopback_ports are taken; give a larger range in the settings", count);
	return NULL;
}
