/*
 * `extends`, on nodes, before anything is read from them: so what comes of it is checked like any other service, and each
 * part keeps its place in the file that it stands in. The one thing to know: nodes are shared by aliases, and so copied
 * before they are changed.
 */
#include "desired/extends.h"

#include <string.h>

#include "base/fs.h"

#define DEPTH_MAX 16

/* A file that services are taken from. */
struct origin {
	const char *file;   /* as the manifest names it; NULL: the manifest itself */
	const char *folder; /* of it, relative to the manifest's; "" for the same */
	struct node *services;
};

struct extends {
	struct parse *p;
	struct origin *origins;
	size_t origins_count;
	struct step {
		const char *file, *service;
	} steps[DEPTH_MAX]; /* on the way */
	int depth;
	struct step *told; /* parts of circles that were told */
	size_t told_count;
};

/* --- merging --- */

enum form {
	FORM_REPLACED, /* the new one, also when it is null */
	FORM_PAIRS,    /* map, or list of name=value */
	FORM_NAMES,    /* map, or list of names */
	FORM_TEXTS,    /* list, or one text */
	FORM_BUILD,    /* map, or the context alone */
	FORM_LOGGING,  /* its options belong to its driver */
};

/* By the specification's rules for merging; "*" stands for any name. Everything else: maps key by key, lists one after the
 * other, else the new one. */
static const struct {
	const char *path;
	enum form form;
} forms[] = {
	{"command", FORM_REPLACED}, {"entrypoint", FORM_REPLACED}, {"healthcheck.test", FORM_REPLACED}, {"ulimits.*", FORM_REPLACED},
	{"environment", FORM_PAIRS}, {"labels", FORM_PAIRS}, {"sysctls", FORM_PAIRS}, {"build.args", FORM_PAIRS}, {"build.labels", FORM_PAIRS},
	{"extra_hosts", FORM_PAIRS}, {"depends_on", FORM_NAMES}, {"networks", FORM_NAMES}, {"dns", FORM_TEXTS}, {"dns_search", FORM_TEXTS},
	{"tmpfs", FORM_TEXTS}, {"env_file", FORM_TEXTS}, {"build", FORM_BUILD}, {"logging", FORM_LOGGING},
};

static int form_of(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t n = strlen(forms[i].path);
		if (strcmp(forms[i].path, path) == 0)
			return (int)forms[i].form;
		if (forms[i].path[n - 1] == '*' && strncmp(forms[i].path, path, n - 1) == 0 && !strchr(path + n - 1, '.'))
			return (int)forms[i].form;
	}
	return -1;
}

static struct node *copy_of(struct parse *p, const struct node *n)
{
	struct node *made = arena_alloc(p->a, sizeof *made);
	*made = *n;
	return made;
}

static struct node *made_like(struct parse *p, const struct node *n, enum node_kind kind)
{
	struct node *made = arena_alloc(p->a, sizeof *made);
	*made = (struct node){.kind = kind, .mark = n->mark, .is_evaluated = true};
	return made;
}

static struct node *text_node(struct parse *p, const struct node *like, const char *text)
{
	struct node *made = made_like(p, like, NODE_SCALAR);
	made->text = made->written = text;
	made->secret = like->secret;
	return made;
}

static void add_pair(struct parse *p, struct node *map, const char *key, struct mark mark, struct node *value)
{
	*ARENA_PUSH(p->a, map->pairs, map->count) = (struct pair){.key = key, .mark = mark, .value = value};
}

/* "A=b" of a list -> A: b; "A" -> A: null, or what stands for a name. */
static void item_to_pair(struct parse *p, struct node *map, const struct node *item, enum form form)
{
	if (item->kind != NODE_SCALAR)
		return; /* it is told where it is read */
	size_t n = form == FORM_PAIRS ? strcspn(item->text, "=") : strlen(item->text);
	struct node *value = made_like(p, item, NODE_SCALAR);
	value->text = value->written = "";
	value->type = SCALAR_NULL;
	if (item->text[n])
		value = text_node(p, item, item->text + n + 1);
	add_pair(p, map, arena_strndup(p->a, item->text, n), item->mark, value);
}

/* The form that both can be brought to, where they differ. */
static struct node *canonical(struct parse *p, struct node *n, enum form form, const char *path)
{
	struct node *made;
	if (form == FORM_TEXTS && n->kind == NODE_SCALAR) {
		made = made_like(p, n, NODE_LIST);
		*ARENA_PUSH(p->a, made->items, made->count) = n;
		return made;
	}
	if (form == FORM_BUILD && n->kind == NODE_SCALAR) {
		made = made_like(p, n, NODE_MAP);
		add_pair(p, made, "context", n->mark, n);
		return made;
	}
	if ((form != FORM_PAIRS && form != FORM_NAMES) || n->kind != NODE_LIST)
		return n;
	made = made_like(p, n, NODE_MAP);
	for (size_t i = 0; i < n->count; i++)
		item_to_pair(p, made, n->items[i], form);
	for (size_t i = 0; i < made->count && strcmp(path, "depends_on") == 0; i++) {
		struct node *how = made_like(p, n, NODE_MAP);
		add_pair(p, how, "condition", made->pairs[i].mark, text_node(p, n, "service_started"));
		made->pairs[i].value = how;
	}
	return made;
}

static bool has_text(const struct node *list, const struct node *item)
{
	for (size_t i = 0; i < list->count && item->kind == NODE_SCALAR; i++)
		if (list->items[i]->kind == NODE_SCALAR && strcmp(list->items[i]->text, item->text) == 0)
			return true;
	return false;
}

static struct node *append(struct parse *p, const struct node *base, const struct node *over)
{
	const struct node *both[] = {base, over};
	struct node *made = made_like(p, over, NODE_LIST);
	for (size_t k = 0; k < ARRAY_LEN(both); k++)
		for (size_t i = 0; i < both[k]->count; i++)
			if (!has_text(made, both[k]->items[i]))
				*ARENA_PUSH(p->a, made->items, made->count) = both[k]->items[i];
	return made;
}

static struct node *merge(struct parse *p, struct node *base, struct node *over, const char *path);

static struct node *merge_maps(struct parse *p, const struct node *base, const struct node *over, const char *path)
{
	struct node *made = made_like(p, over, NODE_MAP);
	for (size_t i = 0; i < base->count; i++) {
		const struct pair *pair = &base->pairs[i];
		struct node *other = node_get(over, pair->key), *value = pair->value;
		if (other)
			value = merge(p, value, other, arena_printf(p->a, "%s%s%s", path, *path ? "." : "", pair->key));
		add_pair(p, made, pair->key, pair->mark, value);
	}
	for (size_t i = 0; i < over->count; i++)
		if (!node_get(base, over->pairs[i].key))
			add_pair(p, made, over->pairs[i].key, over->pairs[i].mark, over->pairs[i].value);
	return made;
}

static struct node *merge(struct parse *p, struct node *base, struct node *over, const char *path)
{
	int form = form_of(path);
	if (form == FORM_REPLACED)
		return over;
	if (over->kind == NODE_SCALAR && over->type == SCALAR_NULL)
		return base;
	if (form == FORM_LOGGING) {
		const struct node *was = node_get(base, "driver"), *is = node_get(over, "driver");
		if (was && is && was->kind == NODE_SCALAR && is->kind == NODE_SCALAR && strcmp(was->text, is->text) != 0)
			return over;
	}
	if (form >= 0 && base->kind != over->kind) {
		base = canonical(p, base, (enum form)form, path);
		over = canonical(p, over, (enum form)form, path);
	}
	if (base->kind != over->kind || over->kind == NODE_SCALAR)
		return over;
	return over->kind == NODE_LIST ? append(p, base, over) : merge_maps(p, base, over, path);
}

/* --- paths of another folder --- */

static struct node *moved(struct parse *p, struct node *n, const char *folder, bool must_begin_with_dot)
{
	const char *text = n->kind == NODE_SCALAR ? n->text : "/";
	if (strchr("/~", *text) || (must_begin_with_dot && *text != '.') || strstr(text, "://"))
		return n;
	struct node *made = copy_of(p, n);
	made->text = arena_printf(p->a, "%s%s/%s", *folder == '.' ? "" : "./", folder, text);
	made->type = SCALAR_STRING;
	return made;
}

/* The paths that a service can have, for one that comes from a file in another folder. */
static const struct {
	const char *key, *inside; /* of a map, or of the maps of a list */
	bool must_begin_with_dot; /* else it is the name of a volume */
} paths[] = {{"volumes", "source", true}, {"env_file", "path", false}, {"build", "context", false}};

static struct node *move_in(struct parse *p, struct node *n, size_t row, const char *folder)
{
	struct node *made = n;
	if (n->kind == NODE_SCALAR)
		return moved(p, n, folder, paths[row].must_begin_with_dot);
	made = copy_of(p, n);
	made->items = NULL;
	made->pairs = NULL;
	made->count = 0;
	for (size_t i = 0; i < n->count; i++) {
		if (n->kind == NODE_LIST) {
			*ARENA_PUSH(p->a, made->items, made->count) = move_in(p, n->items[i], row, folder);
			continue;
		}
		bool is_path = strcmp(n->pairs[i].key, paths[row].inside) == 0;
		add_pair(p, made, n->pairs[i].key, n->pairs[i].mark,
		         is_path ? moved(p, n->pairs[i].value, folder, paths[row].must_begin_with_dot) : n->pairs[i].value);
	}
	return made;
}

static struct node *move_paths(struct parse *p, struct node *service, const char *folder)
{
	struct node *made = copy_of(p, service);
	made->pairs = NULL;
	made->count = 0;
	for (size_t i = 0; i < service->count; i++) {
		struct node *value = service->pairs[i].value;
		for (size_t row = 0; row < ARRAY_LEN(paths); row++)
			if (strcmp(service->pairs[i].key, paths[row].key) == 0)
				value = move_in(p, value, row, folder);
		add_pair(p, made, service->pairs[i].key, service->pairs[i].mark, value);
	}
	return made;
}

/* --- the other service --- */

static void mark_file(struct node *n, const char *file)
{
	if (n->mark.file == file)
		return; /* been here through another alias */
	n->mark.file = file;
	for (size_t i = 0; n->kind != NODE_SCALAR && i < n->count; i++) {
		if (n->kind == NODE_MAP)
			n->pairs[i].mark.file = file;
		mark_file(n->kind == NODE_MAP ? n->pairs[i].value : n->items[i], file);
	}
}

/* NULL, and it is told, when there is no such file or nothing in it. */
static const struct origin *open_file(struct extends *x, const struct origin *from, const struct node *at, const char *path)
{
	struct parse *p = x->p;
	const char *name = arena_printf(p->a, "%s%s%s", from->folder, *from->folder ? "/" : "", at->text);
	const char *slash = strrchr(name, '/');
	struct node *root = NULL;
	struct err e;
	char *text;
	size_t length;
	for (size_t i = 0; i < x->origins_count; i++)
		if (x->origins[i].file && strcmp(x->origins[i].file, name) == 0)
			return &x->origins[i];
	int result = p->files && *name != '/'
		? p->files->read(p->files->context, arena_printf(p->a, "./%s", name), p->a, &text, &length, &e)
		: fs_read(*name == '/' ? name : arena_printf(p->a, "%s/%s", p->directory ? p->directory : ".", name), YAML_MAX_BYTES, p->a,
		          &text, &length, &e);
	if (result < 0 && e.kind == ERR_NOT_FOUND)
		parse_error(p, at->mark, path, "there is no file %s; it is looked for beside the manifest", node_shown(p, at));
	else if (result < 0 || yaml_read(name, text, length, p->a, &root, &e) < 0)
		parse_error(p, at->mark, path, "%s", e.message);
	struct node *services = node_get(root, "services");
	if (!services || services->kind != NODE_MAP) {
		if (root)
			parse_error(p, at->mark, path, "%s has no services", node_shown(p, at));
		return NULL;
	}
	mark_file(root, name);
	struct origin *o = ARENA_PUSH(p->a, x->origins, x->origins_count);
	*o = (struct origin){.file = name, .services = services};
	o->folder = slash ? arena_strndup(p->a, name, (size_t)(slash - name)) : "";
	return o;
}

/* "web -> common.yaml:base -> web" */
static const char *way(struct extends *x, const char *file, const char *service)
{
	const char *out = "";
	for (int i = 0; i < x->depth; i++)
		out = arena_printf(x->p->a, "%s%s%s%s -> ", out, x->steps[i].file ? x->steps[i].file : "", x->steps[i].file ? ":" : "",
		                   x->steps[i].service);
	return arena_printf(x->p->a, "%s%s%s%s", out, file ? file : "", file ? ":" : "", service);
}

static bool is_step(const struct step *s, const struct origin *o, const char *service)
{
	return strcmp(s->service, service) == 0 && (s->file == o->file || (s->file && o->file && strcmp(s->file, o->file) == 0));
}

static bool may_enter(struct extends *x, const struct origin *o, const char *service, const struct node *at, const char *path)
{
	bool is_told = false;
	for (size_t i = 0; i < x->told_count; i++)
		is_told = is_told || is_step(&x->told[i], o, service);
	if (is_told)
		return false;
	for (int i = 0; i < x->depth; i++) {
		if (!is_step(&x->steps[i], o, service))
			continue;
		parse_error(x->p, at->mark, path, "a circle: %s; remove one of these", way(x, o->file, service));
		for (int k = 0; k < x->depth; k++)
			*ARENA_PUSH(x->p->a, x->told, x->told_count) = x->steps[k];
		return false;
	}
	if (x->depth == DEPTH_MAX) {
		parse_error(x->p, at->mark, path, "more than %d services that extend each other: %s", DEPTH_MAX, way(x, o->file, service));
		return false;
	}
	return true;
}

static struct node *without_extends(struct parse *p, const struct node *service)
{
	struct node *made = copy_of(p, service);
	made->pairs = NULL;
	made->count = 0;
	for (size_t i = 0; i < service->count; i++)
		if (strcmp(service->pairs[i].key, "extends") != 0)
			add_pair(p, made, service->pairs[i].key, service->pairs[i].mark, service->pairs[i].value);
	return made;
}

static struct node *extended(struct extends *x, struct origin from, const char *name, struct node *service);

static const struct key_row keys[] = {{"service", "service", parse_string}, {"file", "file", parse_string}};

/* The service that `extends` names, whole; NULL, and it is told, when there is none. */
static struct node *find_other(struct extends *x, const struct origin *from, struct node *at, const char *path)
{
	struct parse *p = x->p;
	struct value said = {0};
	if (parse_evaluate(p, at, path) < 0 ||
	    (at->kind != NODE_SCALAR && parse_keys(p, at, path, "services.*.extends", keys, ARRAY_LEN(keys), &said) < 0))
		return NULL;
	const struct node *wanted = at->kind == NODE_SCALAR ? at : node_get(at, "service"), *file = node_get(at, "file");
	if (!wanted || wanted->type != SCALAR_STRING) {
		parse_error(p, at->mark, path, "has no service; write {service: base}, or {file: common.yaml, service: base}");
		return NULL;
	}
	const struct origin *there = file ? open_file(x, from, file, path) : from;
	if (!there || !may_enter(x, there, wanted->text, wanted, path))
		return NULL;
	struct origin to = *there;
	struct node *other = node_get(to.services, wanted->text);
	if (!other || other->kind != NODE_MAP) {
		parse_error(p, wanted->mark, path, "there is no service %s in %s", node_shown(p, wanted), to.file ? to.file : p->file);
		return NULL;
	}
	x->steps[x->depth++] = (struct step){to.file, wanted->text};
	other = extended(x, to, wanted->text, other);
	x->depth--;
	return other;
}

/* What it and all that it extends come to, with paths relative to the manifest. One that went wrong keeps its `extends`. */
static struct node *extended(struct extends *x, struct origin from, const char *name, struct node *service)
{
	struct parse *p = x->p;
	const char *path = arena_printf(p->a, "services.%.60s.extends", name);
	struct node *at = node_get(service, "extends"), *own = at ? without_extends(p, service) : service;
	if ((at || x->depth > 1) && parse_evaluate(p, own, path) < 0)
		return service;
	if (*from.folder)
		own = move_paths(p, own, from.folder);
	if (!at)
		return own;
	const struct node *other = find_other(x, &from, at, path);
	return !other || node_get(other, "extends") ? service : merge_maps(p, other, own, "");
}

void extends_resolve(struct parse *p, struct node *services)
{
	struct extends x = {.p = p};
	struct origin here = {.folder = "", .services = services};
	for (size_t i = 0; i < services->count; i++) {
		struct pair *pair = &services->pairs[i];
		if (strncmp(pair->key, "x-", 2) == 0 || pair->value->kind != NODE_MAP)
			continue;
		x.steps[0] = (struct step){NULL, pair->key};
		x.depth = 1;
		pair->value = extended(&x, here, pair->key, pair->value);
	}
}
