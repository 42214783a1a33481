/*
 * Volumes and networks at the top level: what is to be made, and what is there already. Settings are kept in the
 * engine's own words, so nobody between here and the engine needs to know them.
 */
#include "desired/resources.h"

#include <ctype.h>
#include <string.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* --- ipam --- */

static const struct key_row subnet_keys[] = {
	{"subnet", "Subnet", parse_string}, {"ip_range", "IPRange", parse_string}, {"gateway", "Gateway", parse_string},
	{"aux_addresses", "AuxiliaryAddresses", parse_options},
};

static int subnets(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be a list, like - subnet: 172.28.0.0/24");
	for (size_t i = 0; i < n->count; i++) {
		struct value v = {0};
		result |= parse_keys(p, n->items[i], path, "networks.*.ipam.config.*", subnet_keys, ARRAY_LEN(subnet_keys), &v);
		value_push(p->a, out, v);
	}
	return result;
}

static const struct key_row ipam_keys[] = {
	{"driver", "Driver", parse_string}, {"config", "Config", subnets}, {"options", "Options", parse_options},
};

static int ipam(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return parse_keys(p, n, path, "networks.*.ipam", ipam_keys, ARRAY_LEN(ipam_keys), out);
}

/* --- both --- */

/* true, or the old form {name: x}. */
static int external(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	static const struct key_row old[] = {{"name", "name", parse_string}};
	if (n->kind == NODE_MAP)
		return parse_keys(p, n, path, "", old, ARRAY_LEN(old), out);
	return parse_flag(p, n, path, out);
}

int parse_engine_name(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	if (!isalnum((unsigned char)*text) || strlen(text) < 2 || text[strspn(text, NAME_CHARS)])
		return parse_error(p, n->mark, path, "%s is no name; use letters, digits, '.', '_' and '-'", node_shown(p, n));
	return give(out, n, value_string(text));
}

static int must_be_true(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	bool b;
	(void)out;
	if (parse_yes_no(p, n, path, &b) < 0)
		return -1;
	return b ? 0 : parse_error(p, n->mark, path, "a network without IPv4 is not supported yet; remove it");
}

/* Rows whose engine word begins with a small letter are not sent. */
static const struct key_row volume_keys[] = {
	{"name", "name", parse_engine_name}, {"external", "external", external}, {"driver", "Driver", parse_string},
	{"driver_opts", "DriverOpts", parse_options}, {"labels", "Labels", parse_labels},
};

static const struct key_row network_keys[] = {
	{"name", "name", parse_engine_name}, {"external", "external", external}, {"driver", "Driver", parse_string},
	{"driver_opts", "Options", parse_options}, {"internal", "Internal", parse_flag}, {"attachable", "Attachable", parse_flag},
	{"enable_ipv6", "EnableIPv6", parse_flag}, {"enable_ipv4", "", must_be_true}, {"ipam", "IPAM", ipam}, {"labels", "Labels", parse_labels},
};

static int check_external(struct parse *p, const struct node *n, const char *path, bool is_old)
{
	for (size_t i = 0; n->kind == NODE_MAP && i < n->count; i++) {
		const char *key = n->pairs[i].key;
		if (strcmp(key, "external") == 0 || strncmp(key, "x-", 2) == 0 || (strcmp(key, "name") == 0 && !is_old))
			continue;
		return parse_error(p, n->pairs[i].mark, path, "'%s' says how to make it, but external says that it is there already; "
		                                              "remove one of them", key);
	}
	return 0;
}

static int read_resource(struct parse *p, const struct pair *pair, const char *what, const struct key_row *rows, size_t count,
                         struct resource *out)
{
	const char *path = arena_printf(p->a, "%s.%.60s", what, pair->key);
	struct node *n = pair->value;
	struct value found = {.kind = VALUE_MAP};
	bool is_nothing = n->kind == NODE_SCALAR && n->type == SCALAR_NULL;
	if (!*pair->key || pair->key[strspn(pair->key, NAME_CHARS)])
		return parse_error(p, pair->mark, what, "'%.60s' is no name; use letters, digits, '.', '_' and '-'", pair->key);
	*out = (struct resource){.key = pair->key, .settings = {.kind = VALUE_MAP}};
	out->name = arena_printf(p->a, "%s_%s", p->project, pair->key);
	if (is_nothing)
		return 0;
	if (parse_evaluate(p, n, path) < 0 ||
	    parse_keys(p, n, path, arena_printf(p->a, "%s.*", what), rows, count, &found) < 0)
		return -1;
	const struct value *is_external = value_get(&found, "external"), *name = value_get(&found, "name");
	bool is_old = is_external && is_external->kind == VALUE_MAP;
	out->is_external = is_external != NULL;
	if (is_old)
		name = value_get(is_external, "name");
	if (name)
		out->name = name->string;
	else if (out->is_external)
		out->name = pair->key;
	for (size_t i = 0; i < found.count; i++)
		if (isupper((unsigned char)*found.keys[i]))
			value_set(p->a, &out->settings, found.keys[i], found.items[i]);
	return out->is_external ? check_external(p, n, path, is_old) : 0;
}

/* Broken ones are kept, too: what uses them is not to be told that they are not declared. */
static void read_all(struct parse *p, const struct node *n, const char *what, const struct key_row *rows, size_t count,
                     struct resource **all, size_t *all_count)
{
	if (!n || (n->kind == NODE_SCALAR && n->type == SCALAR_NULL))
		return;
	if (n->kind != NODE_MAP) {
		parse_error(p, n->mark, what, "must be a map of names, like %s: {}", *what == 'v' ? "data" : "front");
		return;
	}
	for (size_t i = 0; i < n->count; i++) {
		struct resource r = {0};
		if (strncmp(n->pairs[i].key, "x-", 2) == 0)
			continue;
		if (read_resource(p, &n->pairs[i], what, rows, count, &r) < 0 && !r.key)
			continue;
		*ARENA_PUSH(p->a, *all, *all_count) = r;
	}
}

/* driver_opts of a bind: its device is a path on the host, relative to the manifest like any other. */
static void resolve_device(struct parse *p, const struct node *n, struct resource *r)
{
	const struct value *options = value_get(&r->settings, "DriverOpts"), *device = value_get(options, "device");
	const struct value *o = value_get(options, "o");
	const char *path = arena_printf(p->a, "volumes.%.60s.driver_opts.device", r->key), *whole;
	const struct node *at = node_get(node_get(node_get(n, r->key), "driver_opts"), "device");
	if (!device || !o || !strstr(o->string, "bind") || *device->string == '/')
		return;
	if (parse_host_path(p, at, path, device->string, &whole) == 0) {
		struct value v = value_string(whole), made = *options;
		v.secret = device->secret;
		value_set(p->a, &made, "device", v);
		value_set(p->a, &r->settings, "DriverOpts", made);
	}
}

void volumes_read(struct parse *p, const struct node *n)
{
	read_all(p, n, "volumes", volume_keys, ARRAY_LEN(volume_keys), &p->volumes, &p->volumes_count);
	for (size_t i = 0; i < p->volumes_count; i++)
		resolve_device(p, n, &p->volumes[i]);
}

static struct mark mark_of(const struct node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->pairs[i].key, key) == 0)
			return map->pairs[i].mark;
	return map->mark;
}

void networks_read(struct parse *p, const struct node *n)
{
	read_all(p, n, "networks", network_keys, ARRAY_LEN(network_keys), &p->networks, &p->networks_count);
	for (size_t i = 0; i < p->networks_count; i++)
		if (strcmp(p->networks[i].name, arena_printf(p->a, "%s_reconcile", p->project)) == 0)
			parse_error(p, mark_of(n, p->networks[i].key), "networks",
			            "the name %s is that of the network between nginx and the services; choose another", p->networks[i].name);
}
