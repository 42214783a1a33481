/* Routes: which ways in (hosts or upstreams, and a path) lead to which ports of which services. */
#include "desired/routes.h"

#include <ctype.h>
#include <string.h>

#include "desired/intake.h"
#include "desired/units.h"

#define MAX_ROUTES 1000
#define PATH "x-reconcile.routes"
#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* One entry of the list on its way to a row for each of its ways in and targets. */
struct entry {
	struct declared_route *ways, *targets;
	size_t ways_count, targets_count;
	const char *path;
	struct intake in;
};

static bool is_made_of(const char *text, size_t longest, const char *allowed)
{
	size_t length = strlen(text);
	return length > 0 && length <= longest && strspn(text, allowed) == length;
}

/* --- ways in: all that is read here goes into nginx's configuration --- */

/* Small letters, digits, '.' and '-'; "*." may lead; "_" is the default server. */
static bool is_host(const char *host)
{
	const char *rest = strncmp(host, "*.", 2) == 0 ? host + 2 : host;
	if (strcmp(host, "_") == 0)
		return true;
	return is_made_of(rest, 253, LETTERS DIGITS ".-") && *rest != '.' && rest[strlen(rest) - 1] != '.' && !strstr(rest, "..");
}

static int read_host(struct parse *p, const struct node *n, struct entry *out)
{
	const char *text;
	if (parse_text(p, n, PATH, &text) < 0)
		return -1;
	char *host = arena_strdup(p->a, text);
	for (char *c = host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!is_host(host))
		return parse_error(p, n->mark, PATH, "%s is no host name; write one like shop.example.com, *.example.com, or _ for any",
		                   node_shown(p, n));
	*ARENA_PUSH(p->a, out->ways, out->ways_count) = (struct declared_route){.route.host = host, .way = n};
	return 0;
}

static int read_hosts(struct parse *p, const struct node *n, struct entry *out)
{
	int result = 0;
	if (n->kind != NODE_LIST)
		return read_host(p, n, out);
	for (size_t i = 0; i < n->count; i++)
		if (read_host(p, n->items[i], out) < 0)
			result = -1;
	if (n->count == 0)
		result = parse_error(p, n->mark, PATH, "no host; write one like shop.example.com");
	return result;
}

/* A name for nginx's `upstream`. Dots have those of our own. */
static int read_upstream(struct parse *p, const struct node *n, struct entry *out)
{
	const char *text;
	if (parse_text(p, n, PATH, &text) < 0)
		return -1;
	if (!is_made_of(text, 63, LETTERS DIGITS "_-") || !strchr(LETTERS, *text) || strcmp(text, "localhost") == 0)
		return parse_error(p, n->mark, PATH, "%s is no name for an upstream; write small letters, digits, '-' and '_', a letter "
		                   "first, like backend", node_shown(p, n));
	*ARENA_PUSH(p->a, out->ways, out->ways_count) = (struct declared_route){
		.route = {.host = arena_strdup(p->a, text), .is_upstream = true}, .way = n};
	return 0;
}

/* A port of the host that connections or packets come in at. */
static int read_stream(struct parse *p, const struct node *n, enum transport transport, struct entry *out)
{
	struct declared_route row = {.route.transport = transport, .way = n};
	if (intake_read_address(p, n, &row.route.host) < 0)
		return -1;
	*ARENA_PUSH(p->a, out->ways, out->ways_count) = row;
	return 0;
}

static int read_tcp(struct parse *p, const struct node *n, struct entry *out)
{
	return read_stream(p, n, TRANSPORT_TCP, out);
}

static int read_udp(struct parse *p, const struct node *n, struct entry *out)
{
	return read_stream(p, n, TRANSPORT_UDP, out);
}

/* Whole segments; nginx compares with the decoded path, so there is no '%'. One '/' at the end makes no difference. */
static int read_path(struct parse *p, const struct node *n, struct entry *out)
{
	const char *text;
	if (parse_text(p, n, PATH, &text) < 0)
		return -1;
	size_t length = strlen(text);
	bool is_good = *text == '/' && is_made_of(text, 200, LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "._~/-") && !strstr(text, "//");
	char *path = arena_strndup(p->a, text, length > 1 && text[length - 1] == '/' ? length - 1 : length);
	const char *whole = arena_printf(p->a, "%s/", path);
	if (!is_good || strstr(whole, "/./") || strstr(whole, "/../"))
		return parse_error(p, n->mark, PATH, "%s is no path; write one like /api: letters, digits, '-', '.', '_' and '~' between "
		                   "slashes", node_shown(p, n));
	out->path = path;
	return 0;
}

/* --- targets --- */

static int add_target(struct parse *p, const struct node *n, int weight, struct entry *out)
{
	const char *text;
	int64_t port;
	if (parse_text(p, n, PATH, &text) < 0)
		return -1;
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || !isdigit((unsigned char)colon[1]) || !units_int(colon + 1, &port) || port < 1 || port > 65535)
		return parse_error(p, n->mark, PATH, "%s is no target; write service:port, like web:8080", node_shown(p, n));
	const char *service = arena_strndup(p->a, text, (size_t)(colon - text));
	for (size_t i = 0; i < out->targets_count; i++)
		if (out->targets[i].route.port == port && strcmp(out->targets[i].route.service, service) == 0)
			return parse_error(p, n->mark, PATH, "%s stands in this list twice; give it one weight", node_shown(p, n));
	*ARENA_PUSH(p->a, out->targets, out->targets_count) = (struct declared_route){
		.to = n, .route = {.service = service, .port = (int)port, .weight = weight}};
	return 0;
}

static int read_weighed(struct parse *p, const struct node *n, int64_t *sum, struct entry *out)
{
	static const char *const names[] = {"service", "weight"};
	const struct node *service = node_get(n, "service"), *weight = node_get(n, "weight");
	int64_t percent = 0;
	int result = 0;
	for (size_t i = 0; n->kind == NODE_MAP && i < n->count; i++)
		if (strcmp(n->pairs[i].key, "service") != 0 && strcmp(n->pairs[i].key, "weight") != 0)
			result = parse_unknown_key(p, n->pairs[i].mark, PATH, "x-reconcile.routes.*.to.*", n->pairs[i].key, names,
			                           ARRAY_LEN(names));
	if (!service || !weight)
		return parse_error(p, n->mark, PATH, "must have a service and a weight, like {service: web:8080, weight: 90}");
	if (parse_integer(p, weight, PATH, 0, 100, &percent) < 0 || add_target(p, service, (int)percent, out) < 0)
		return -1;
	*sum += percent;
	return result;
}

/* Percent, and together 100: what stands there is what each gets, and a slip of the hand does not move the others. */
static int read_targets(struct parse *p, const struct node *n, struct entry *out)
{
	int64_t sum = 0;
	int result = 0;
	if (n->kind != NODE_LIST)
		return add_target(p, n, 100, out);
	for (size_t i = 0; i < n->count; i++)
		if (read_weighed(p, n->items[i], &sum, out) < 0)
			result = -1;
	if (result == 0 && sum != 100)
		return parse_error(p, n->mark, PATH, "the weights make %lld together; they are percent, and must make 100", (long long)sum);
	return result;
}

/* --- entries --- */

static const struct {
	const char *key;
	int (*read)(struct parse *p, const struct node *n, struct entry *out);
	unsigned ways;
} keys[] = {
	{"host", read_hosts, WAY_HOST}, {"upstream", read_upstream, WAY_UPSTREAM}, {"tcp", read_tcp, WAY_STREAM},
	{"udp", read_udp, WAY_STREAM}, {"path", read_path, WAY_HOST | WAY_UPSTREAM},
	{"to", read_targets, WAY_HOST | WAY_UPSTREAM | WAY_STREAM},
};

#define EXAMPLE "{host: shop.example.com, to: web:8080}"
#define KEYS_MAX (ARRAY_LEN(keys) + 16)

/* The first ones are ways in themselves. */
static const struct {
	unsigned way;
	const char *why_not; /* what has no place there */
} kinds[] = {
	{WAY_HOST, "is for tcp and udp"},
	{WAY_UPSTREAM, "has no place with 'upstream': the server is your own, and says it itself"},
	{WAY_STREAM, "has no place with 'tcp' and 'udp': nginx sees no requests there"},
	{WAY_STREAM, "has no place with 'tcp' and 'udp': nginx sees no requests there"},
};

static int read_key(struct parse *p, const struct pair *pair, unsigned way, struct entry *out)
{
	const char *names[KEYS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		names[count++] = keys[i].key;
		if (strcmp(keys[i].key, pair->key) == 0 && keys[i].ways & way)
			return keys[i].read(p, pair->value, out);
	}
	for (size_t i = 0; i < intake_keys_count; i++) {
		names[count++] = intake_keys[i].key;
		if (strcmp(intake_keys[i].key, pair->key) == 0 && intake_keys[i].ways & way)
			return intake_read(p, pair->value, &intake_keys[i], &out->in);
	}
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; strcmp(names[i], pair->key) == 0 && k < ARRAY_LEN(kinds); k++)
			if (kinds[k].way == way)
				return parse_error(p, pair->mark, PATH, "'%s' %s", pair->key, kinds[k].why_not);
	return parse_unknown_key(p, pair->mark, PATH, "x-reconcile.routes.*", pair->key, names, count);
}

/* What it is a way in by; 0: that is not one thing, which is told. */
static unsigned way_of(struct parse *p, const struct node *n)
{
	size_t found = ARRAY_LEN(kinds);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!node_get(n, keys[i].key))
			continue;
		if (found < ARRAY_LEN(kinds)) {
			parse_error(p, n->mark, PATH, "has '%s' and '%s'; write two routes", keys[found].key, keys[i].key);
			return 0;
		}
		found = i;
	}
	if (found < ARRAY_LEN(kinds))
		return kinds[found].way;
	parse_error(p, n->mark, PATH, "has no 'host'; write " EXAMPLE);
	return 0;
}

static int read_entry(struct parse *p, const struct node *n, struct entry *out)
{
	int result = 0;
	if (n->kind != NODE_MAP)
		return parse_error(p, n->mark, PATH, "must be a map, like " EXAMPLE);
	unsigned way = way_of(p, n);
	for (size_t i = 0; i < n->count; i++)
		if (read_key(p, &n->pairs[i], way ? way : WAY_HOST | WAY_UPSTREAM | WAY_STREAM, out) < 0)
			result = -1;
	if (!way || result < 0)
		return -1;
	if (!node_get(n, "to"))
		return parse_error(p, n->mark, PATH, "has no 'to'; write " EXAMPLE);
	if (way == WAY_STREAM && out->targets_count != 1)
		return parse_error(p, node_get(n, "to")->mark, PATH, "a tcp or udp route leads to one service, like db:5432: there are no "
		                   "shares of connections");
	return intake_settle(p, n, &out->in);
}

const char *routes_way(struct arena *a, const struct route *r)
{
	const char *kind = r->is_upstream ? "upstream" : transport_names[r->transport];
	if (r->transport != TRANSPORT_HTTP)
		return arena_printf(a, "the %s port %s", kind, r->host);
	if (strcmp(r->path, "/") == 0)
		return arena_printf(a, "the %s '%s'", kind, r->host);
	return arena_printf(a, "the path %s of the %s '%s'", r->path, kind, r->host);
}

/* One row for each way in and each target. */
static void add_rows(struct parse *p, const struct entry *entry, const char *project, struct declared_route **routes,
                     size_t *count)
{
	for (size_t w = 0; w < entry->ways_count; w++) {
		struct declared_route row = entry->ways[w];
		row.route.path = entry->path;
		row.route.in = entry->in;
		row.route.project = project;
		row.route.where = arena_printf(p->a, "%s:%d:%d", p->file, row.way->mark.line, row.way->mark.column);
		for (size_t i = 0; i < *count; i++)
			if (route_is_same_way(&(*routes)[i].route, &row.route)) {
				parse_error(p, row.way->mark, PATH, "%s has a route already, at %s; remove one of them",
				            routes_way(p->a, &row.route), (*routes)[i].route.where);
				return;
			}
		for (size_t t = 0; t < entry->targets_count; t++) {
			row.to = entry->targets[t].to;
			row.route.service = entry->targets[t].route.service;
			row.route.port = entry->targets[t].route.port;
			row.route.weight = entry->targets[t].route.weight;
			*ARENA_PUSH(p->a, *routes, *count) = row;
		}
	}
}

static bool is_one_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

void routes_read(struct parse *p, const struct node *section, const char *project, struct declared_route **routes,
                 size_t *count)
{
	static const char *const sections[] = {"routes", "host", "atomic"};
	struct node *list = node_get(section, "routes");
	if (section && section->kind != NODE_MAP)
		parse_error(p, section->mark, "x-reconcile", "must be a map that has routes");
	for (size_t i = 0; section && section->kind == NODE_MAP && i < section->count; i++)
		if (!is_one_of(sections, ARRAY_LEN(sections), section->pairs[i].key))
			parse_unknown_key(p, section->pairs[i].mark, "x-reconcile", "x-reconcile", section->pairs[i].key, sections,
			                  ARRAY_LEN(sections));
	if (!list || parse_evaluate(p, list, PATH) < 0)
		return;
	if (list->kind != NODE_LIST || list->count > MAX_ROUTES) {
		parse_error(p, list->mark, PATH, "must be a list of at most 1000 routes, like - " EXAMPLE);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		struct entry entry = {.path = "/"};
		if (read_entry(p, list->items[i], &entry) == 0)
			add_rows(p, &entry, project, routes, count);
	}
	if (*count > MAX_ROUTES)
		parse_error(p, list->mark, PATH, "%zu routes, with one for each host and target; at most 1000", *count);
}
