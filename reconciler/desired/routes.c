/* Routes: which host name leads to which port of which service. */
#include "desired/routes.h"

#include <ctype.h>
#include <string.h>

#include "desired/units.h"

#define MAX_ROUTES 1000
#define PATH "x-reconcile.routes"

static const char *const names[] = {"host", "to"};

/* Small letters, digits, '.' and '-'; "*." may lead; "_" is the default server. It goes into nginx's configuration. */
static const char *read_host(struct parse *p, const struct node *n)
{
	const char *text;
	if (parse_text(p, n, PATH, &text) < 0)
		return NULL;
	char *host = arena_strdup(p->a, text);
	for (char *c = host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (strcmp(host, "_") == 0)
		return host;
	const char *rest = strncmp(host, "*.", 2) == 0 ? host + 2 : host;
	size_t length = strlen(rest);
	if (!length || length > 253 || rest[strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789.-")] || *rest == '.' ||
	    rest[length - 1] == '.' || strstr(rest, "..")) {
		parse_error(p, n->mark, PATH, "%s is no host name; write one like shop.example.com, *.example.com, or _ for any",
		            node_shown(p, n));
		return NULL;
	}
	return host;
}

static int read_target(struct parse *p, const struct node *n, struct route *out)
{
	const char *text;
	int64_t port;
	if (n->kind == NODE_LIST)
		return parse_error(p, n->mark, PATH, "more than one target is not supported yet; write one, like to: web:8080");
	if (parse_text(p, n, PATH, &text) < 0)
		return -1;
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || !isdigit((unsigned char)colon[1]) || !units_int(colon + 1, &port) || port < 1 || port > 65535)
		return parse_error(p, n->mark, PATH, "%s is no target; write service:port, like web:8080", node_shown(p, n));
	out->service = arena_strndup(p->a, text, (size_t)(colon - text));
	out->port = (int)port;
	return 0;
}

static int read_route(struct parse *p, const struct node *n, struct declared_route *out)
{
	const struct node *host = node_get(n, "host"), *to = node_get(n, "to");
	int result = 0;
	if (n->kind != NODE_MAP)
		return parse_error(p, n->mark, PATH, "must be a map, like {host: shop.example.com, to: web:8080}");
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->pairs[i].key, "host") != 0 && strcmp(n->pairs[i].key, "to") != 0)
			result = parse_unknown_key(p, n->pairs[i].mark, PATH, "x-reconcile.routes.*", n->pairs[i].key, names,
			                           ARRAY_LEN(names));
	if (!host || !to)
		return parse_error(p, n->mark, PATH, "has no '%s'; write {host: shop.example.com, to: web:8080}", host ? "to" : "host");
	out->to = to;
	out->route.host = read_host(p, host);
	out->route.where = arena_printf(p->a, "%s:%d:%d", p->file, host->mark.line, host->mark.column);
	if (read_target(p, to, &out->route) < 0 || !out->route.host)
		return -1;
	return result;
}

void routes_read(struct parse *p, const struct node *section, const char *project, struct declared_route **routes,
                 size_t *count)
{
	static const char *const keys[] = {"routes", "host"};
	struct node *list = node_get(section, "routes");
	if (section && section->kind != NODE_MAP)
		parse_error(p, section->mark, "x-reconcile", "must be a map that has routes");
	for (size_t i = 0; section && section->kind == NODE_MAP && i < section->count; i++)
		if (strcmp(section->pairs[i].key, "routes") != 0 && strcmp(section->pairs[i].key, "host") != 0)
			parse_unknown_key(p, section->pairs[i].mark, "x-reconcile", "x-reconcile", section->pairs[i].key, keys,
			                  ARRAY_LEN(keys));
	if (!list || parse_evaluate(p, list, PATH) < 0)
		return;
	if (list->kind != NODE_LIST || list->count > MAX_ROUTES) {
		parse_error(p, list->mark, PATH, "must be a list of at most 1000 routes, like - {host: shop.example.com, to: web:8080}");
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		struct declared_route r = {.route = {.project = project}};
		if (read_route(p, list->items[i], &r) == 0)
			*ARENA_PUSH(p->a, *routes, *count) = r;
	}
}
