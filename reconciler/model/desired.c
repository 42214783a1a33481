/* Look-ups in what everybody reads. */
#include "model/desired.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"

const char *const strategy_names[STRATEGY_COUNT] = {
	[STRATEGY_ROLLING] = "rolling", [STRATEGY_BLUE_GREEN] = "blue-green",
	[STRATEGY_CANARY] = "canary", [STRATEGY_IN_PLACE] = "in-place",
};

const char *const inconclusive_names[INCONCLUSIVE_COUNT] = {
	[INCONCLUSIVE_PAUSE] = "pause", [INCONCLUSIVE_PROMOTE] = "promote", [INCONCLUSIVE_ABORT] = "abort",
};

const struct value *spec_value(const struct spec *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++)
		if (text_equal(s->rows[i]->path, path))
			return &s->values[i];
	return NULL;
}

static const struct value *ports_at(const struct service *s, const char *path)
{
	static const struct value none;
	const struct value *ports = spec_value(&s->spec, path);
	return ports ? ports : &none;
}

const struct value *service_ports(const struct service *s)
{
	return ports_at(s, "routed_ports");
}

const struct value *service_udp_ports(const struct service *s)
{
	return ports_at(s, "routed_udp_ports");
}

bool ports_have(const struct value *ports, int port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->items[i].integer == port)
			return true;
	return false;
}

const char *mode_shares(const struct value *network_mode)
{
	bool is_text = network_mode && network_mode->kind == VALUE_STRING;
	return is_text && strncmp(network_mode->string, "service:", 8) == 0 ? network_mode->string + 8 : NULL;
}

const char *service_shares(const struct service *s)
{
	return mode_shares(spec_value(&s->spec, "network_mode"));
}

size_t service_networks(const struct service *s, struct arena *a, struct attachment **out)
{
	const struct value *mode = spec_value(&s->spec, "network_mode"), *named = spec_value(&s->spec, "networks");
	size_t count = named && named->kind == VALUE_MAP ? named->count : 1;
	*out = arena_alloc(a, count * sizeof **out);
	if (mode && mode->kind != VALUE_UNSET)
		return 0;
	if (!named || named->kind != VALUE_MAP) {
		(*out)[0].network = arena_join(a, s->project, "_default");
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		(*out)[i] = (struct attachment){named->keys[i], &named->items[i]};
	return count;
}

static const struct project *find_project(const struct desired *d, const char *name)
{
	for (size_t i = 0; i < d->projects_count; i++)
		if (text_equal(d->projects[i].name, name))
			return &d->projects[i];
	return NULL;
}

static const struct resource *find_resource(const struct resource *all, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (text_equal(all[i].name, name))
			return &all[i];
	return NULL;
}

const struct resource *desired_network(const struct desired *d, const char *project, const char *name)
{
	const struct project *p = find_project(d, project);
	return p ? find_resource(p->networks, p->networks_count, name) : NULL;
}

const struct resource *desired_volume(const struct desired *d, const char *project, const char *name)
{
	const struct project *p = find_project(d, project);
	return p ? find_resource(p->volumes, p->volumes_count, name) : NULL;
}

bool desired_leaves_alone(const struct desired *d, const char *project, const char *service)
{
	const struct project *p = find_project(d, project);
	for (size_t i = 0; p && i < p->left_alone_count; i++)
		if (text_equal(p->left_alone[i], service))
			return true;
	return false;
}

const struct swap_want *desired_swap(const struct desired *d)
{
	for (size_t i = 0; i < d->projects_count; i++)
		if (d->projects[i].swap)
			return d->projects[i].swap;
	return NULL;
}

const struct service *desired_service(const struct desired *d, const char *project, const char *service)
{
	for (size_t i = 0; i < d->projects_count; i++) {
		const struct project *p = &d->projects[i];
		for (size_t j = 0; text_equal(p->name, project) && j < p->services_count; j++)
			if (text_equal(p->services[j].name, service))
				return &p->services[j];
	}
	return NULL;
}

enum address_kind address_kind(const struct value *network_mode)
{
	static const struct {
		const char *mode;
		enum address_kind kind;
	} kinds[] = {{"host", ADDRESS_HOST}, {"none", ADDRESS_NONE}};

	/* service:NAME and container:NAME: what it has is the other one's. */
	if (network_mode && network_mode->kind == VALUE_STRING && strchr(network_mode->string, ':'))
		return ADDRESS_NONE;
	for (size_t i = 0; network_mode && network_mode->kind == VALUE_STRING && i < ARRAY_LEN(kinds); i++)
		if (text_equal(network_mode->string, kinds[i].mode))
			return kinds[i].kind;
	return ADDRESS_OURS;
}

bool route_is_same_server(const struct route *a, const struct route *b)
{
	return a->transport == b->transport && a->is_upstream == b->is_upstream && text_equal(a->host, b->host) &&
	       text_equal(intake_listen(&a->in), intake_listen(&b->in));
}

bool route_is_same_way(const struct route *a, const struct route *b)
{
	return route_is_same_server(a, b) && text_equal(a->path, b->path);
}

void route_hop(const char *upstream, char *out)
{
	char hex[SHA256_HEX_SIZE];
	sha256_hex(upstream, strlen(upstream), hex);
	hex[8] = 0;
	/* 127.128.0.0/9 without its first and last address: the last one is the loopback's broadcast. */
	unsigned long n = strtoul(hex, NULL, 16) % ((1UL << 23) - 2) + 1;
	snprintf(out, 16, "127.%lu.%lu.%lu", 128 + (n >> 16), n >> 8 & 255, n & 255);
}

enum address_kind desired_address_kind(const struct desired *d, const struct service *s)
{
	enum address_kind kind = address_kind(spec_value(&s->spec, "network_mode"));
	return kind == ADDRESS_OURS && d->loopback_first ? ADDRESS_LOOPBACK : kind;
}
