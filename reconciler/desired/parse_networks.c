/*
 * `networks` of a service: which of the project's networks it joins, under which other names and addresses. Kept as a
 * map of the engine's names; unset when it is the default network and nothing else, as before there was a choice.
 */
#include <arpa/inet.h>
#include <string.h>

#include "desired/parse.h"

static int address(struct parse *p, const struct node *n, const char *path, int family, struct value *out)
{
	const char *text;
	unsigned char bytes[sizeof(struct in6_addr)];
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	if (inet_pton(family, text, bytes) != 1)
		return parse_error(p, n->mark, path, "%s is no IPv%d address", node_shown(p, n), family == AF_INET ? 4 : 6);
	return give(out, n, value_string(text));
}

static int ipv4_address(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return address(p, n, path, AF_INET, out);
}

static int ipv6_address(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return address(p, n, path, AF_INET6, out);
}

static const struct key_row attachment_keys[] = {
	{"aliases", "aliases", parse_words}, {"ipv4_address", "ipv4_address", ipv4_address},
	{"ipv6_address", "ipv6_address", ipv6_address},
};

static const struct resource *find_network(struct parse *p, const char *key)
{
	for (size_t i = 0; i < p->networks_count; i++)
		if (strcmp(p->networks[i].key, key) == 0)
			return &p->networks[i];
	return NULL;
}

static const char *default_name(struct parse *p)
{
	const struct resource *declared = find_network(p, "default");
	return declared ? declared->name : arena_printf(p->a, "%s_default", p->project);
}

static bool has_subnet(const struct resource *r)
{
	const struct value *config = r ? value_get(value_get(&r->settings, "IPAM"), "Config") : NULL;
	for (size_t i = 0; config && i < config->count; i++)
		if (value_get(&config->items[i], "Subnet"))
			return true;
	return r && r->is_external;
}

/* `how`: what stands behind the name; NULL in a list. */
static int join(struct parse *p, const struct node *at, struct mark mark, const char *path, const char *key,
                const struct node *how, struct value *out)
{
	const struct resource *declared = find_network(p, key);
	struct value v = {.kind = VALUE_MAP};
	const char *own = arena_printf(p->a, "%s.%.60s", path, key);
	bool is_nothing = !how || (how->kind == NODE_SCALAR && how->type == SCALAR_NULL);
	if (!declared && strcmp(key, "default") != 0) {
		if (at->secret)
			return parse_error(p, mark, path, "the network in %s is not declared; add it to networks at the top level",
			                   node_shown(p, at));
		const char *near = nearest_resource(p, key, p->networks, p->networks_count);
		if (near)
			return parse_error(p, mark, path, "the network '%.60s' is not declared; did you mean '%s'?", key, near);
		return parse_error(p, mark, path, "the network '%.60s' is not declared; add it to networks at the top level, as '%.60s: {}'",
		                   key, key);
	}
	if (!is_nothing && parse_keys(p, how, own, "services.*.networks.*", attachment_keys, ARRAY_LEN(attachment_keys), &v) < 0)
		return -1;
	if ((value_get(&v, "ipv4_address") || value_get(&v, "ipv6_address")) && !has_subnet(declared))
		return parse_error(p, mark, own, "a fixed address needs a subnet: write ipam: {config: [{subnet: 172.28.0.0/24}]} in "
		                                 "networks at the top level");
	value_set(p->a, out, declared ? declared->name : default_name(p), v);
	return 0;
}

struct value networks_default(struct parse *p)
{
	struct value out = {0}, nothing = {.kind = VALUE_MAP};
	const char *name = default_name(p);
	if (strcmp(name, arena_printf(p->a, "%s_default", p->project)) != 0)
		value_set(p->a, &out, name, nothing);
	return out;
}

/* The network of a service that says nothing of any is written out for it. */
void networks_add_alias(struct parse *p, struct value *networks, const char *alias)
{
	struct value made = {.kind = VALUE_MAP}, nothing = {.kind = VALUE_MAP};
	if (networks->kind == VALUE_UNSET)
		value_set(p->a, networks, default_name(p), nothing);
	for (size_t i = 0; i < networks->count; i++) {
		const struct value *how = &networks->items[i], *was = value_get(how, "aliases");
		struct value changed = {.kind = VALUE_MAP}, aliases = {0};
		for (size_t k = 0; was && k < was->count; k++)
			value_push(p->a, &aliases, was->items[k]);
		bool is_there = false;
		for (size_t k = 0; k < aliases.count; k++)
			is_there = is_there || strcmp(aliases.items[k].string, alias) == 0;
		if (!is_there)
			value_push(p->a, &aliases, value_string(alias));
		for (size_t k = 0; k < how->count; k++)
			value_set(p->a, &changed, how->keys[k], how->items[k]);
		value_set(p->a, &changed, "aliases", aliases);
		value_set(p->a, &made, networks->keys[i], changed);
	}
	*networks = made;
}

bool networks_are_fixed(const struct value *networks)
{
	for (size_t i = 0; i < networks->count; i++)
		if (value_get(&networks->items[i], "ipv4_address") || value_get(&networks->items[i], "ipv6_address"))
			return true;
	return false;
}

int parse_networks(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind == NODE_SCALAR)
		return parse_error(p, n->mark, path, "must be a list or a map of networks");
	for (size_t i = 0; i < n->count; i++) {
		const char *text;
		if (n->kind == NODE_MAP)
			result |= join(p, n, n->pairs[i].mark, path, n->pairs[i].key, n->pairs[i].value, out);
		else if (parse_text(p, n->items[i], path, &text) < 0)
			result = -1;
		else
			result |= join(p, n->items[i], n->items[i]->mark, path, text, NULL, out);
	}
	const char *plain = arena_printf(p->a, "%s_default", p->project);
	const struct value *only = out->count == 1 ? value_get(out, plain) : NULL;
	if (only && only->count == 0)
		*out = (struct value){0};
	return result;
}
