/*
 * Ports: `expose` and `ports`, in all their forms. The one thing to know: a published port is kept as one text,
 * "[[ip]:][host port]:port/protocol", sorted and each once, so that two ways to write it are one value; "80/tcp" alone
 * gets any free port of the host.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "desired/parse.h"
#include "desired/units.h"

#define MAX_PORTS 2000
#define LIKE "write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002"

static void insert_port(struct parse *p, struct value *out, const char *text, bool secret)
{
	struct value v = value_string(text);
	size_t at = 0;
	v.secret = secret;
	while (at < out->count && strcmp(out->items[at].string, text) < 0)
		at++;
	if (at < out->count && strcmp(out->items[at].string, text) == 0)
		return;
	value_push(p->a, out, v);
	memmove(&out->items[at + 1], &out->items[at], (out->count - 1 - at) * sizeof *out->items);
	out->items[at] = v;
}

struct range {
	int64_t first, last;
};

/* "80" or "80-90", within least..65535 and at most 1001 of them. */
static bool read_range(struct parse *p, const char *text, int64_t least, struct range *out)
{
	const char *dash = strchr(text, '-');
	if (!isdigit((unsigned char)*text) ||
	    !units_int(dash ? arena_strndup(p->a, text, (size_t)(dash - text)) : text, &out->first))
		return false;
	out->last = out->first;
	if (dash && (!isdigit((unsigned char)dash[1]) || !units_int(dash + 1, &out->last)))
		return false;
	return out->first >= least && out->last <= 65535 && out->first <= out->last && out->last - out->first <= 1000;
}

/* NULL when it is none. "" is tcp. */
static const char *read_protocol(const char *text)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (strcasecmp(*text ? text : "tcp", protocols[i]) == 0)
			return protocols[i];
	return NULL;
}

/* --- expose --- */

static int expose_item(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	struct range range;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	const char *slash = strchr(text, '/'), *protocol = read_protocol(slash ? slash + 1 : "");
	const char *ports = slash ? arena_strndup(p->a, text, (size_t)(slash - text)) : text;
	if (!protocol || (slash && !slash[1]) || !read_range(p, ports, 1, &range))
		return parse_error(p, n->mark, path, "%s is no port; write one from 1 to 65535, like 8080 or 53/udp", node_shown(p, n));
	if (out->count + (size_t)(range.last - range.first) > MAX_PORTS)
		return parse_error(p, n->mark, path, "more than 2000 ports");
	for (; range.first <= range.last; range.first++)
		insert_port(p, out, arena_printf(p->a, "%" PRId64 "/%s", range.first, protocol), false);
	return 0;
}

int parse_expose(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be a list of ports");
	for (size_t i = 0; i < n->count; i++)
		result |= expose_item(p, n->items[i], path, out);
	return result;
}

void ports_expose(struct parse *p, const struct value *ports, struct value *expose)
{
	for (size_t i = 0; i < ports->count; i++) {
		const char *text = ports->items[i].string, *colon = strrchr(text, ':');
		insert_port(p, expose, colon ? colon + 1 : text, ports->items[i].secret);
	}
}

bool ports_are_fixed(const struct value *ports)
{
	for (size_t i = 0; i < ports->count; i++) {
		const char *text = ports->items[i].string, *colon = strrchr(text, ':');
		bool has_host = colon && colon > text && colon[-1] != ':';
		const char *host = colon;
		while (has_host && host > text && isdigit((unsigned char)host[-1]))
			host--;
		if (has_host && (host == text || host[-1] != '-')) /* of a range there may be one left */
			return true;
	}
	return false;
}

/* --- ports --- */

struct published {
	const char *ip, *host;  /* "" when nothing is said */
	const char *target, *protocol;
};

static bool is_ip(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];
	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static void keep_port(struct parse *p, struct value *out, const struct published *f, const char *host, int64_t target, bool secret)
{
	bool has_colon = strchr(f->ip, ':') != NULL;
	const char *ip = has_colon ? arena_printf(p->a, "[%s]:", f->ip) : *f->ip ? arena_printf(p->a, "%s:", f->ip) : "";
	insert_port(p, out, arena_printf(p->a, "%s%s%s%" PRId64 "/%s", ip, host, *ip || *host ? ":" : "", target, f->protocol), secret);
}

static int keep_ports(struct parse *p, const struct node *n, const char *path, const struct published *f, struct value *out)
{
	struct range target, host = {0, 0};
	if (*f->ip && !is_ip(f->ip))
		return parse_error(p, n->mark, path, "%s: the address before the ports must be an IP address; " LIKE, node_shown(p, n));
	if (!f->protocol || !read_range(p, f->target, 1, &target) || (*f->host && !read_range(p, f->host, 0, &host)))
		return parse_error(p, n->mark, path, "%s is no port; " LIKE, node_shown(p, n));
	int64_t targets = target.last - target.first, hosts = host.last - host.first;
	if (out->count + (size_t)targets > MAX_PORTS)
		return parse_error(p, n->mark, path, "more than 2000 ports");
	if (host.last && targets != hosts && targets != 0)
		return parse_error(p, n->mark, path, "%s: the two ranges differ in length", node_shown(p, n));
	for (int64_t i = 0; i <= targets; i++) {
		const char *published = ""; /* 0 is any free one, too */
		if (host.last && targets == 0 && hosts)
			published = arena_printf(p->a, "%" PRId64 "-%" PRId64, host.first, host.last);
		else if (host.last)
			published = arena_printf(p->a, "%" PRId64, host.first + i);
		keep_port(p, out, f, published, target.first + i, n->secret);
	}
	return 0;
}

static int short_port(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	struct published f = {.ip = "", .host = ""};
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	if (n->type != SCALAR_INT && n->type != SCALAR_STRING)
		return parse_error(p, n->mark, path, "%s is no port; " LIKE, node_shown(p, n));
	const char *slash = strrchr(text, '/');
	f.protocol = slash && !slash[1] ? NULL : read_protocol(slash ? slash + 1 : "");
	char *rest = slash ? arena_strndup(p->a, text, (size_t)(slash - text)) : arena_strdup(p->a, text);
	char *colon = strrchr(rest, ':');
	f.target = colon ? colon + 1 : rest;
	if (colon) {
		*colon = 0;
		f.host = rest;
		colon = strrchr(rest, ':');
		if (colon) {
			size_t length = (size_t)(colon - rest);
			f.host = colon + 1;
			f.ip = rest[0] == '[' && length > 1 && rest[length - 1] == ']' ? arena_strndup(p->a, rest + 1, length - 2)
			       : length && !memchr(rest, ':', length) ? arena_strndup(p->a, rest, length) : "-";
		}
	}
	return keep_ports(p, n, path, &f, out);
}

/* The rest of the long form says nothing to an engine without a swarm. */
static const struct key_row long_keys[] = {
	{"target", "target", parse_port}, {"published", "published", parse_anything}, {"host_ip", "host_ip", parse_string},
	{"protocol", "protocol", parse_string}, {"mode", "mode", parse_anything}, {"name", "name", parse_anything},
	{"app_protocol", "app_protocol", parse_anything},
};

static int long_port(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	struct value v = {0};
	const struct node *host = node_get(n, "published"), *protocol = node_get(n, "protocol");
	struct published f = {.ip = "", .host = ""};
	if (parse_keys(p, n, path, "services.*.ports.*", long_keys, ARRAY_LEN(long_keys), &v) < 0)
		return -1;
	const struct value *target = value_get(&v, "target"), *ip = value_get(&v, "host_ip"), *named = value_get(&v, "protocol");
	if (!target)
		return parse_error(p, n->mark, path, "has no target; write the port inside the container, like target: 80");
	f.target = arena_printf(p->a, "%" PRId64, target->integer);
	f.ip = ip ? ip->string : "";
	f.protocol = read_protocol(named ? named->string : "");
	if (*f.ip && !is_ip(f.ip))
		return parse_error(p, node_get(n, "host_ip")->mark, path, "%s is no IP address", node_shown(p, node_get(n, "host_ip")));
	if (!f.protocol)
		return parse_error(p, protocol->mark, path, "%s is no protocol; write tcp, udp or sctp", node_shown(p, protocol));
	if (host && parse_scalar(p, host, path, &f.host) < 0)
		return -1;
	return keep_ports(p, host ? host : n, path, &f, out);
}

int parse_ports(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be a list of ports");
	for (size_t i = 0; i < n->count; i++)
		result |= n->items[i]->kind == NODE_MAP ? long_port(p, n->items[i], path, out) : short_port(p, n->items[i], path, out);
	return result;
}
