/*
 * A Compose file to one project of struct desired: the top level, what services say about each other, and the report.
 * Nothing stops at the first problem; the lines come out in the order of the file.
 */
#include "desired/manifest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desired/build.h"
#include "desired/claims.h"
#include "desired/draft.h"
#include "desired/extends.h"
#include "desired/fields.h"
#include "desired/resources.h"
#include "desired/routes.h"
#include "desired/swap.h"

#define MAX_SERVICES 500
#define MAX_LISTED 100

struct load {
	struct parse parse;
	const char *project;
	struct mark project_mark;
	struct draft *drafts;
	size_t drafts_count;
	struct declared_route *routes;
	size_t routes_count;
	const struct swap_want *swap;
	bool is_atomic;
	const char *profiles;  /* enabled ones */
	const char **left_out; /* services of others */
	size_t left_out_count;
};

void problems_done(struct problems *p)
{
	if (!p)
		return;
	buf_done(&p->text);
	buf_done(&p->warnings);
}

/* --- the project's name --- */

static const char *normal_name(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text);
	size_t length = 0;
	for (; *text; text++) {
		char c = (char)tolower((unsigned char)*text);
		bool is_inside = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (is_inside || (length && (c == '_' || c == '-')))
			out[length++] = c;
	}
	out[length] = 0;
	return out;
}

static const char *folder_name(struct arena *a, const char *directory)
{
	size_t end = strlen(directory), start;
	while (end > 0 && directory[end - 1] == '/')
		end--;
	start = end;
	while (start > 0 && directory[start - 1] != '/')
		start--;
	return arena_strndup(a, directory + start, end - start);
}

static void read_name(struct load *l, const struct node *root, const char *directory)
{
	struct parse *p = &l->parse;
	struct node *n = node_get(root, "name");
	const char *text = NULL;
	l->project = "";
	l->project_mark = n ? n->mark : root->mark;
	if (!n) {
		l->project = normal_name(p->a, folder_name(p->a, directory ? directory : ""));
		if (!*l->project)
			parse_error(p, root->mark, "", "the project has no name; add one at the top, like name: shop");
		return;
	}
	if (parse_evaluate(p, n, "name") < 0 || parse_text(p, n, "name", &text) < 0)
		return;
	l->project = normal_name(p->a, text);
	if (!*l->project)
		parse_error(p, n->mark, "name", "%s has no letter or digit in it; write a name like shop", node_shown(p, n));
	else if (strcmp(l->project, text) != 0 && !n->secret)
		parse_warning(p, n->mark, "name", "%s becomes '%.60s'; use small letters, digits, '-' and '_'", node_shown(p, n),
		              l->project);
}

static bool is_nothing(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->type == SCALAR_NULL;
}

static bool is_foreign(const char *key)
{
	return strncmp(key, "x-", 2) == 0;
}

/* --- services --- */

static struct draft *find_draft(struct load *l, const char *name)
{
	for (size_t i = 0; i < l->drafts_count; i++)
		if (strcmp(l->drafts[i].service.name, name) == 0)
			return &l->drafts[i];
	return NULL;
}

static bool is_in_list(const char *list, const char *name)
{
	for (size_t n; list && *list; list += n + (list[n] == ','))
		if ((n = strcspn(list, ",")) == strlen(name) && strncmp(list, name, n) == 0)
			return true;
	return false;
}

/* One without profiles always is. What they are is checked when the service is read. */
static bool is_enabled(struct load *l, const struct node *service)
{
	struct node *n = node_get(service, "profiles");
	if (!n || n->kind != NODE_LIST || n->count == 0 || parse_evaluate(&l->parse, n, "services") < 0)
		return true;
	bool is_any = is_in_list(l->profiles, "*");
	for (size_t i = 0; i < n->count; i++)
		is_any = is_any || (n->items[i]->kind == NODE_SCALAR && is_in_list(l->profiles, n->items[i]->text));
	return is_any;
}

/* One of a profile that is not enabled must be right, too, but is nobody's business after that. */
static void read_service(struct load *l, const struct pair *pair)
{
	struct parse *p = &l->parse;
	struct draft *d = &l->drafts[l->drafts_count++];
	p->is_left_alone = !is_enabled(l, pair->value);
	draft_read(p, l->project, pair, d);
	if (!p->is_left_alone)
		return;
	l->drafts_count--;
	*ARENA_PUSH(p->a, l->left_out, l->left_out_count) = pair->key;
}

static bool is_left_out(const struct load *l, const char *name)
{
	for (size_t i = 0; i < l->left_out_count; i++)
		if (strcmp(l->left_out[i], name) == 0)
			return true;
	return false;
}

static void read_services(struct load *l, const struct node *root)
{
	struct parse *p = &l->parse;
	struct node *n = node_get(root, "services");
	if (!n && p->errors == 0) /* else it is most likely one of the keys that were just called unknown */
		parse_error(p, root->mark, "", "there are no services; nothing is changed, and nothing that runs is removed");
	if (!n)
		return;
	if (n->kind != NODE_MAP) {
		parse_error(p, n->mark, "services", "must be a map of services");
		return;
	}
	if (n->count > MAX_SERVICES) {
		parse_error(p, n->mark, "services", "%zu services are more than the 500 that one file may have", n->count);
		return;
	}
	extends_resolve(p, n);
	l->drafts = arena_alloc(p->a, (n->count + 1) * sizeof *l->drafts);
	for (size_t i = 0; i < n->count; i++)
		if (!is_foreign(n->pairs[i].key))
			read_service(l, &n->pairs[i]);
}

/* Where a service says that it depends on another, and the name as it stands there: a variable's value is not shown. */
static struct mark dependency_mark(struct load *l, const struct draft *d, const char *name, const char **shown)
{
	const struct node *n = d->nodes[field_index("depends_on")];
	*shown = arena_printf(l->parse.a, "'%.60s'", name);
	for (size_t i = 0; n && i < n->count; i++) {
		if (n->kind == NODE_MAP && strcmp(n->pairs[i].key, name) == 0)
			return n->pairs[i].mark;
		if (n->kind == NODE_LIST && n->items[i]->kind == NODE_SCALAR && strcmp(n->items[i]->text, name) == 0) {
			*shown = node_shown(&l->parse, n->items[i]);
			return n->items[i]->mark;
		}
	}
	return d->mark;
}

/* The other name is for all on the networks of the other service, not for this one alone: a service that is replaced
 * without a gap has no one container to be linked to. */
static void settle_link(struct load *l, struct draft *d, const struct node *at, const struct value *link)
{
	struct parse *p = &l->parse;
	const char *service = value_get(link, "service")->string, *name = value_get(link, "name")->string;
	const char *path = arena_printf(p->a, "%s.links", d->path);
	struct draft *other = find_draft(l, service), *taken = find_draft(l, name);
	if (!other || other == d) {
		parse_error(p, at->mark, path, other ? "%s leads to itself; remove it" : "%s: there is no such service%s",
		            other ? d->service.name : node_shown(p, at), is_left_out(l, service) ? ": none of its profiles is enabled" : "");
		return;
	}
	if (taken && taken != other) {
		parse_error(p, at->mark, path, "%s: there is a service of that name, and both would answer to it; choose another name",
		            node_shown(p, at));
		return;
	}
	if (*name && !taken && draft_value(other, "network_mode")->kind == VALUE_UNSET)
		networks_add_alias(p, draft_value(other, "networks"), name);
	for (size_t i = 0; i < d->service.dependencies_count; i++)
		if (strcmp(d->service.dependencies[i].service, service) == 0)
			return;
	*ARENA_PUSH(p->a, d->service.dependencies, d->service.dependencies_count) = (struct dependency){.service = other->service.name};
}

/* It has the network of the other one, and so must be made anew with it. */
static void settle_shared(struct load *l, struct draft *d)
{
	const char *service = mode_shares(draft_value(d, "network_mode"));
	struct draft *other = service ? find_draft(l, service) : NULL;
	if (!service)
		return;
	if (!other || other == d) {
		parse_error(&l->parse, draft_mark(d, "network_mode"), arena_printf(l->parse.a, "%s.network_mode", d->path),
		            other ? "%s has its own network anyway; remove it" : "there is no service '%.60s'%s", service,
		            is_left_out(l, service) ? ": none of its profiles is enabled" : "");
		return;
	}
	for (size_t i = 0; i < d->service.dependencies_count; i++)
		if (strcmp(d->service.dependencies[i].service, service) == 0) {
			d->service.dependencies[i].restarts = true;
			return;
		}
	*ARENA_PUSH(l->parse.a, d->service.dependencies, d->service.dependencies_count) =
		(struct dependency){.service = other->service.name, .restarts = true};
}

static void settle_links(struct load *l)
{
	for (size_t i = 0; i < l->drafts_count; i++) {
		settle_shared(l, &l->drafts[i]);
		struct value *links = draft_value(&l->drafts[i], "links");
		const struct node *n = l->drafts[i].nodes[field_index("links")];
		for (size_t k = 0; k < links->count; k++)
			settle_link(l, &l->drafts[i], n->items[k], &links->items[k]);
		*links = (struct value){0}; /* they live on in the dependencies and the names */
	}
}

static void check_dependencies(struct load *l)
{
	for (size_t i = 0; i < l->drafts_count; i++) {
		struct draft *d = &l->drafts[i];
		const char *path = arena_printf(l->parse.a, "%s.depends_on", d->path);
		for (size_t j = 0; j < d->service.dependencies_count; j++) {
			const struct dependency *dep = &d->service.dependencies[j];
			struct draft *other = find_draft(l, dep->service);
			const char *shown;
			if (other && other != d) {
				*ARENA_PUSH(l->parse.a, d->needs, d->needs_count) = other;
				other->is_completed_for = other->is_completed_for || dep->condition == CONDITION_COMPLETED;
				continue;
			}
			struct mark at = dependency_mark(l, d, dep->service, &shown);
			if (!other && dep->is_optional)
				continue;
			if (other)
				parse_error(&l->parse, at, path, "%s waits for itself; remove it", d->service.name);
			else
				parse_error(&l->parse, at, path, "there is no service %s%s", shown,
				            is_left_out(l, dep->service) ? ": none of its profiles is enabled" : "");
		}
	}
}

static void check_names(struct load *l)
{
	for (size_t i = 0; i < l->drafts_count; i++)
		for (size_t j = 0; j < i && l->drafts[i].service.container_name; j++)
			if (l->drafts[j].service.container_name &&
			    strcmp(l->drafts[i].service.container_name, l->drafts[j].service.container_name) == 0)
				parse_error(&l->parse, draft_mark(&l->drafts[i], "container_name"),
				            arena_printf(l->parse.a, "%s.container_name", l->drafts[i].path),
				            "%s on line %d has the same name; give each its own", l->drafts[j].service.name,
				            draft_mark(&l->drafts[j], "container_name").line);
}

/* The first dependency that is not placed yet; NULL: it can be placed. */
static struct draft *waits_for(const struct draft *d)
{
	for (size_t j = 0; j < d->needs_count; j++)
		if (!d->needs[j]->is_placed)
			return d->needs[j];
	return NULL;
}

/* Follows unplaced dependencies until one comes back: that is the cycle. */
static void tell_cycle(struct load *l, const struct draft *start)
{
	CLEANUP(buf_done) struct buf names = BUF_INIT(600);
	const struct draft *path[MAX_SERVICES + 1], *d = start;
	size_t length = 0, from = 0;
	for (bool is_closed = false; !is_closed && length <= MAX_SERVICES;) {
		path[length++] = d;
		d = waits_for(d);
		for (size_t j = 0; d && j < length && !is_closed; j++) {
			is_closed = path[j] == d;
			from = j;
		}
		if (!d)
			return;
	}
	for (size_t j = from; j < length; j++)
		buf_printf(&names, "%s -> ", path[j]->service.name);
	const char *next = path[from + 1 < length ? from + 1 : from]->service.name, *shown;
	parse_error(&l->parse, dependency_mark(l, path[from], next, &shown), arena_printf(l->parse.a, "%s.depends_on", path[from]->path),
	            "a circle: %s%s; remove one of these", names.text, path[from]->service.name);
}

/* Dependencies first, otherwise as in the file. */
static struct service *place_services(struct load *l)
{
	struct service *placed = arena_alloc(l->parse.a, (l->drafts_count + 1) * sizeof *placed);
	size_t count = 0;
	while (count < l->drafts_count) {
		size_t before = count;
		for (size_t i = 0; i < l->drafts_count && count == before; i++) {
			struct draft *d = &l->drafts[i];
			if (d->is_placed || waits_for(d))
				continue;
			d->is_placed = true;
			draft_follow(l->parse.a, d);
			placed[count++] = d->service;
		}
		if (count > before)
			continue;
		for (size_t i = 0; i < l->drafts_count; i++) {
			if (l->drafts[i].is_placed)
				continue;
			tell_cycle(l, &l->drafts[i]);
			return NULL;
		}
	}
	return placed;
}

/* --- the top --- */

static void check_top_keys(struct load *l, const struct node *root)
{
	static const char *const names[] = {"name", "services", "volumes", "networks", "secrets", "configs", "version", "x-reconcile"};
	struct parse *p = &l->parse;
	for (size_t i = 0; i < root->count; i++) {
		const struct pair *pair = &root->pairs[i];
		const char *own = "x-reconcile";
		bool is_known = false;
		for (size_t j = 0; j < ARRAY_LEN(names); j++)
			is_known = is_known || strcmp(pair->key, names[j]) == 0;
		if (is_known)
			continue;
		if (!is_foreign(pair->key))
			parse_unknown_key(p, pair->mark, "", "", pair->key, names, ARRAY_LEN(names));
		else if (nearest_name(pair->key, &own, 1))
			parse_warning(p, pair->mark, "", "'%.60s' is ignored, like every x- key that is not ours; did you mean 'x-reconcile'?",
			              pair->key);
	}
}

static void connect_routes(struct load *l)
{
	for (size_t i = 0; i < l->routes_count; i++) {
		const struct declared_route *r = &l->routes[i];
		struct draft *d = find_draft(l, r->route.service);
		if (!d)
			parse_error(&l->parse, r->to->mark, "x-reconcile.routes", "%s leads to no service of this file%s",
			            node_shown(&l->parse, r->to),
			            is_left_out(l, r->route.service) ? ": none of its profiles is enabled" : "");
		if (!d)
			continue;
		if (*r->route.service == '.') /* names a folder of nginx's, and a part of its language */
			parse_error(&l->parse, r->to->mark, "x-reconcile.routes", "%s: a service with a route must have a name that does not begin "
			            "with a dot", node_shown(&l->parse, r->to));
		d->is_routed = true;
		d->has_testers |= r->route.in.testers != NULL;
		draft_route(l->parse.a, d, r->route.transport == TRANSPORT_UDP, r->route.port);
	}
}

/* x-reconcile.atomic */
static bool read_atomic(struct parse *p, const struct node *section)
{
	struct node *n = node_get(section, "atomic");
	struct value v = {0};
	return n && parse_evaluate(p, n, "x-reconcile.atomic") == 0 && parse_bool(p, n, "x-reconcile.atomic", &v) == 0 && v.boolean;
}

/* Two revisions share connections by nobody's choice there: it is either one or the other. */
static void check_streams(struct load *l)
{
	for (size_t i = 0; i < l->routes_count; i++) {
		const struct declared_route *r = &l->routes[i];
		struct draft *d = r->route.transport == TRANSPORT_HTTP ? NULL : find_draft(l, r->route.service);
		if (d && d->service.strategy == STRATEGY_CANARY)
			parse_error(&l->parse, r->way->mark, "x-reconcile.routes", "%s is brought in by canary, and a %s route has no shares of "
			            "requests; write strategy: blue-green, rolling or in-place", d->service.name,
			            transport_names[r->route.transport]);
	}
}

static void load_root(struct load *l, const struct manifest_source *s, const struct node *root, struct desired *out)
{
	struct parse *p = &l->parse;
	if (root->kind != NODE_MAP) {
		parse_error(p, root->mark, "", "a manifest is a map that has services, not %s",
		            root->kind == NODE_LIST ? "a list" : "one value");
		return;
	}
	check_top_keys(l, root);
	read_name(l, root, s->directory);
	if (s->projects)
		p->directory = arena_printf(p->a, "%s/%s", s->projects, l->project);
	for (size_t i = 0; i < out->projects_count; i++)
		if (*l->project && strcmp(out->projects[i].name, l->project) == 0)
			parse_error(p, root->mark, "name", "the project '%s' stands in %s, too; give one of them another name", l->project,
			            out->projects[i].file);
	p->project = l->project;
	volumes_read(p, node_get(root, "volumes"));
	networks_read(p, node_get(root, "networks"));
	l->profiles = s->profiles;
	p->kept_folder = s->kept;
	kept_read(p, node_get(root, "secrets"), "secrets", &p->secrets, &p->secrets_count);
	kept_read(p, node_get(root, "configs"), "configs", &p->configs, &p->configs_count);
	routes_read(p, node_get(root, "x-reconcile"), l->project, &l->routes, &l->routes_count);
	l->swap = swap_read(p, node_get(root, "x-reconcile"));
	l->is_atomic = read_atomic(p, node_get(root, "x-reconcile"));
	read_services(l, root);
	build_share(l->drafts, l->drafts_count);
	settle_links(l);
	check_dependencies(l);
	connect_routes(l);
	for (size_t i = 0; i < l->drafts_count; i++)
		draft_settle(p, &l->drafts[i]);
	check_streams(l);
	check_names(l);
}

/* --- the report --- */

static int by_place(const void *x, const void *y)
{
	const struct report *a = x, *b = y;
	if (a->mark.file != b->mark.file)
		return strcmp(a->mark.file ? a->mark.file : "", b->mark.file ? b->mark.file : "");
	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	if (a->mark.column != b->mark.column)
		return a->mark.column < b->mark.column ? -1 : 1;
	return strcmp(a->text, b->text);
}

static void deliver(struct parse *from, struct problems *to)
{
	size_t listed = 0;
	if (from->reports_count)
		qsort(from->reports, from->reports_count, sizeof *from->reports, by_place);
	for (size_t i = 0; i < from->reports_count; i++) {
		const struct report *r = &from->reports[i];
		/* What an alias brings in twice is one problem of the file. */
		bool is_again = i > 0 && strcmp(r->text, from->reports[i - 1].text) == 0;
		if (is_again && !r->is_warning)
			from->errors--;
		if (is_again)
			continue;
		if (r->is_warning)
			buf_puts(&to->warnings, r->text);
		else if (to->count + listed++ < MAX_LISTED)
			buf_puts(&to->text, r->text);
	}
	to->count += from->errors;
}

static void add_project(struct load *l, const struct manifest_source *s, struct service *services, struct desired *out)
{
	struct arena *a = l->parse.a;
	struct project made = {
		.name = l->project, .directory = l->parse.directory ? arena_strdup(a, l->parse.directory) : "",
		.file = arena_strdup(a, s->file), .has_binds = l->parse.has_binds,
		.where = arena_printf(a, "%s:%d:%d", s->file, l->project_mark.line, l->project_mark.column),
		.left_alone = l->left_out, .left_alone_count = l->left_out_count,
		.kept = l->parse.kept_files, .kept_count = l->parse.kept_files_count,
		.services = services, .services_count = l->drafts_count,
		.networks = l->parse.networks, .networks_count = l->parse.networks_count,
		.volumes = l->parse.volumes, .volumes_count = l->parse.volumes_count,
		.swap = l->swap, .is_atomic = l->is_atomic,
	};
	*ARENA_PUSH(a, out->projects, out->projects_count) = made;
	for (size_t i = 0; i < l->routes_count; i++)
		*ARENA_PUSH(a, out->routes, out->routes_count) = l->routes[i].route;
}

int manifest_load(const struct manifest_source *s, const struct environment *env, struct arena *a, struct desired *out,
                  struct problems *p, struct err *e)
{
	struct load l = {.parse = {.file = s->file, .directory = s->directory, .files = s->files, .env = env, .a = a,
	                          .listen = s->listen, .nginx_network = s->nginx_network, .is_elsewhere = s->is_elsewhere}};
	struct node *root;
	struct service *services = NULL;
	if (yaml_read(s->file, s->text, s->length, a, &root, e) < 0) {
		buf_printf(&p->text, "%s\n", e->message);
		p->count++;
		return err_set(e, e->kind, "%s: cannot be read", s->file);
	}
	if (!root || is_nothing(root)) {
		buf_printf(&p->text, "%s: empty compose file\n", s->file);
		p->count++;
		return err_set(e, ERR_INVALID, "%s: empty compose file", s->file);
	}
	load_root(&l, s, root, out);
	services = place_services(&l);
	deliver(&l.parse, p);
	if (l.parse.errors)
		return err_set(e, ERR_INVALID, "%s: %zu problem%s", s->file, l.parse.errors, l.parse.errors == 1 ? "" : "s");
	add_project(&l, s, services, out);
	return 0;
}

static void mark_bad(const struct desired *d, const char *project, bool *is_bad)
{
	for (size_t i = 0; i < d->projects_count; i++)
		is_bad[i] = is_bad[i] || strcmp(d->projects[i].name, project) == 0;
}

size_t manifest_conflicts(const struct desired *d, struct problems *p, bool *is_bad)
{
	CLEANUP(arena_done) struct arena scratch = {0};
	size_t before = p->count;
	for (size_t i = 0; i < d->routes_count; i++) {
		const struct route *r = &d->routes[i];
		bool is_said = i > 0 && strcmp(r->where, d->routes[i - 1].where) == 0; /* the next target of the same route */
		for (size_t j = 0; j < i && !is_said; j++) {
			const char *said = claims_between(r, &d->routes[j], &scratch);
			if (!said)
				continue;
			mark_bad(d, r->project, is_bad);
			mark_bad(d, d->routes[j].project, is_bad);
			if (p->count++ < MAX_LISTED)
				buf_printf(&p->text, "%s: x-reconcile.routes: %s\n", r->where, said);
			break;
		}
	}
	swap_conflicts(d, p, is_bad);
	return p->count - before;
}
