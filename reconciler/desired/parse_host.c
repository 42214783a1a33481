/* Parsers of what a container gets from its host: devices, limits, names of other hosts, memory as a folder. */
#include <arpa/inet.h>
#include <string.h>

#include "desired/parse.h"

static void push_text(struct parse *p, struct value *out, const char *text, const struct node *n)
{
	struct value v = value_string(text);
	v.secret = n->secret;
	value_push(p->a, out, v);
}

/* --- devices --- */

static bool are_permissions(const char *text)
{
	return *text && text[strspn(text, "rwm")] == 0;
}

static int keep_device(struct parse *p, const struct node *n, const char *path, const char *source, const char *target,
                       const char *permissions, struct value *out)
{
	if (*source != '/' && strchr(source, '='))
		return parse_error(p, n->mark, path, "%s: devices of a vendor's own (CDI) are not supported yet", node_shown(p, n));
	if (*source != '/' || *target != '/' || !are_permissions(permissions))
		return parse_error(p, n->mark, path, "%s is no device; write one like /dev/ttyUSB0 or /dev/sda:/dev/xvda:r", node_shown(p, n));
	push_text(p, out, arena_printf(p->a, "%s:%s:%s", source, target, permissions), n);
	return 0;
}

static int short_device(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text, *parts[3] = {"", "", ""};
	size_t count = 0;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	for (;;) {
		size_t length = strcspn(text, ":");
		if (count < 3)
			parts[count] = arena_strndup(p->a, text, length);
		count++;
		if (!text[length])
			break;
		text += length + 1;
	}
	bool has_no_target = count == 1 || (count == 2 && are_permissions(parts[1]));
	const char *permissions = count == 2 && has_no_target ? parts[1] : count == 3 ? parts[2] : "rwm";
	return keep_device(p, n, path, count > 3 ? "" : parts[0], has_no_target ? parts[0] : parts[1], permissions, out);
}

static const struct key_row device_keys[] = {
	{"source", "source", parse_string}, {"target", "target", parse_string}, {"permissions", "permissions", parse_string},
};

int parse_devices(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be a list of devices");
	for (size_t i = 0; i < n->count; i++) {
		const struct node *item = n->items[i];
		struct value v = {0};
		if (item->kind != NODE_MAP) {
			result |= short_device(p, item, path, out);
			continue;
		}
		if (parse_keys(p, item, path, "services.*.devices.*", device_keys, ARRAY_LEN(device_keys), &v) < 0) {
			result = -1;
			continue;
		}
		const struct value *source = value_get(&v, "source"), *target = value_get(&v, "target");
		const struct value *permissions = value_get(&v, "permissions");
		result |= keep_device(p, item, path, source ? source->string : "", target ? target->string : source ? source->string : "",
		                      permissions ? permissions->string : "rwm", out);
	}
	return result;
}

/* --- ulimits --- */

static int limit(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	return parse_integer(p, n, path, -1, INT64_MAX, &number) < 0 ? -1 : give(out, n, value_int(number));
}

static const struct key_row ulimit_keys[] = {{"soft", "soft", limit}, {"hard", "hard", limit}};

static int read_ulimit(struct parse *p, const struct pair *pair, const char *path, struct value *out)
{
	const struct node *n = pair->value;
	const char *own = arena_printf(p->a, "%s.%.60s", path, pair->key);
	struct value v = {0}, both = {0};
	if (!*pair->key || pair->key[strspn(pair->key, "abcdefghijklmnopqrstuvwxyz")])
		return parse_error(p, pair->mark, path, "'%.60s' is no limit; write one like nofile", pair->key);
	if (n->kind == NODE_SCALAR) {
		if (limit(p, n, own, &v) < 0)
			return -1;
		value_set(p->a, &both, "soft", v);
		value_set(p->a, &both, "hard", v);
		value_set(p->a, out, pair->key, both);
		return 0;
	}
	if (parse_keys(p, n, own, "services.*.ulimits.*", ulimit_keys, ARRAY_LEN(ulimit_keys), &both) < 0)
		return -1;
	const struct value *soft = value_get(&both, "soft"), *hard = value_get(&both, "hard");
	if (!soft || !hard)
		return parse_error(p, n->mark, own, "has no %s; write one number, or both soft and hard", soft ? "hard" : "soft");
	/* The engine would only say so when it starts the container. */
	if (hard->integer != -1 && (soft->integer == -1 || soft->integer > hard->integer))
		return parse_error(p, n->mark, own, "soft is more than hard; write at most as much");
	value_set(p->a, out, pair->key, both);
	return 0;
}

int parse_ulimits(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind != NODE_MAP)
		return parse_error(p, n->mark, path, "must be a map, like nofile: 65536");
	for (size_t i = 0; i < n->count; i++)
		result |= read_ulimit(p, &n->pairs[i], path, out);
	return result;
}

/* --- extra_hosts --- */

static int keep_host(struct parse *p, const struct node *n, const char *path, const char *host, const char *ip, struct value *out)
{
	unsigned char address[sizeof(struct in6_addr)];
	size_t length = strlen(ip);
	if (*ip == '[' && ip[length - 1] == ']')
		ip = arena_strndup(p->a, ip + 1, length - 2);
	if (!*host || host[strcspn(host, " \t:=")] || (strcmp(ip, "host-gateway") != 0 &&
	    inet_pton(AF_INET, ip, address) != 1 && inet_pton(AF_INET6, ip, address) != 1))
		return parse_error(p, n->mark, path, "%s: write a name and an IP address, like db=10.0.0.5, or host-gateway for the host",
		                   node_shown(p, n));
	push_text(p, out, arena_printf(p->a, "%s:%s", host, ip), n);
	return 0;
}

static int host_item(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	size_t length = strchr(text, '=') ? strcspn(text, "=") : strcspn(text, ":");
	return keep_host(p, n, path, arena_strndup(p->a, text, length), text[length] ? text + length + 1 : "", out);
}

static int host_pair(struct parse *p, const struct pair *pair, const char *path, struct value *out)
{
	const struct node *n = pair->value;
	const char *text;
	int result = 0;
	if (n->kind != NODE_LIST)
		return parse_text(p, n, path, &text) < 0 ? -1 : keep_host(p, n, path, pair->key, text, out);
	for (size_t i = 0; i < n->count; i++)
		if (parse_text(p, n->items[i], path, &text) < 0 || keep_host(p, n->items[i], path, pair->key, text, out) < 0)
			result = -1;
	return result;
}

int parse_extra_hosts(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind == NODE_SCALAR)
		return parse_error(p, n->mark, path, "must be a list, like - db=10.0.0.5, or a map");
	for (size_t i = 0; i < n->count; i++)
		result |= n->kind == NODE_LIST ? host_item(p, n->items[i], path, out) : host_pair(p, &n->pairs[i], path, out);
	return result;
}

/* --- tmpfs --- */

static int tmpfs_item(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	size_t length = strcspn(text, ":");
	if (*text != '/')
		return parse_error(p, n->mark, path, "%s must be a whole path inside the container, like /run", node_shown(p, n));
	struct value options = value_string(text[length] ? text + length + 1 : "");
	options.secret = n->secret;
	value_set(p->a, out, clean_path(p->a, arena_strndup(p->a, text, length)), options);
	return 0;
}

int parse_tmpfs(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind == NODE_SCALAR)
		return tmpfs_item(p, n, path, out);
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be a path or a list of paths");
	for (size_t i = 0; i < n->count; i++)
		result |= tmpfs_item(p, n->items[i], path, out);
	return result;
}

/* --- gpus --- */

static int count_of_devices(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t count = -1;
	bool is_all = n->kind == NODE_SCALAR && strcmp(n->text, "all") == 0;
	return !is_all && parse_integer(p, n, path, 0, 1000, &count) < 0 ? -1 : give(out, n, value_int(count));
}

static const struct key_row request_keys[] = {
	{"driver", "Driver", parse_string}, {"count", "Count", count_of_devices}, {"device_ids", "DeviceIDs", parse_words},
	{"capabilities", "Capabilities", parse_words}, {"options", "Options", parse_options},
};

static int device_request(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	struct value v = {0}, any = {0}, set = {0};
	if (parse_keys(p, n, path, "services.*.gpus.*", request_keys, ARRAY_LEN(request_keys), &v) < 0)
		return -1;
	if (value_get(&v, "Count") && value_get(&v, "DeviceIDs"))
		return parse_error(p, n->mark, path, "has both count and device_ids; remove one of them");
	if (!value_get(&v, "Count") && !value_get(&v, "DeviceIDs"))
		value_set(p->a, &v, "Count", value_int(-1));
	value_push(p->a, &set, value_string("gpu"));
	if (value_get(&v, "Capabilities"))
		set = *value_get(&v, "Capabilities");
	value_push(p->a, &any, set); /* one of these sets, and all of that one */
	value_set(p->a, &v, "Capabilities", any);
	value_push(p->a, out, v);
	return 0;
}

int parse_gpus(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	struct node every = {.kind = NODE_MAP, .mark = n->mark};
	int result = 0;
	if (n->kind == NODE_SCALAR && strcmp(n->text, "all") == 0)
		return device_request(p, &every, path, out);
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be all, or a list like - count: 1, not %s", node_shown(p, n));
	for (size_t i = 0; i < n->count; i++)
		result |= device_request(p, n->items[i], path, out);
	return result;
}
