/*
 * env_file: files of variables on the host, below `environment`. Their content is part of the environment, and so of the
 * revision; like all that comes from the host it is never shown.
 */
#include <string.h>

#include "desired/interpolate.h"
#include "desired/parse.h"

static int format(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	(void)out;
	return parse_error(p, n->mark, path, "%s is not supported yet; remove it", node_shown(p, n));
}

static const struct key_row file_keys[] = {
	{"path", "path", parse_string}, {"required", "required", parse_bool}, {"format", "format", format},
};

static int add_file(struct parse *p, const struct node *n, const char *path, const char *text, bool is_required, struct value *out)
{
	const char *whole;
	struct value file = {0};
	if (!*text)
		return parse_error(p, n->mark, path, "the name of the file is empty");
	if (parse_host_path(p, n, path, text, &whole) < 0)
		return -1;
	value_set(p->a, &file, "path", value_string(whole));
	value_set(p->a, &file, "required", value_bool(is_required));
	value_push(p->a, out, file);
	return 0;
}

static int read_file(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	struct value v = {0};
	const char *text;
	if (n->kind != NODE_MAP)
		return parse_text(p, n, path, &text) < 0 ? -1 : add_file(p, n, path, text, true, out);
	if (parse_keys(p, n, path, "services.*.env_file.*", file_keys, ARRAY_LEN(file_keys), &v) < 0)
		return -1;
	const struct value *name = value_get(&v, "path"), *required = value_get(&v, "required");
	if (!name)
		return parse_error(p, n->mark, path, "has no path; write the file's name, like path: ./web.env");
	return add_file(p, node_get(n, "path"), path, name->string, !required || required->boolean, out);
}

int parse_env_files(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind != NODE_LIST)
		return read_file(p, n, path, out);
	for (size_t i = 0; i < n->count; i++)
		result |= read_file(p, n->items[i], path, out);
	return result;
}

/* One file; false when it is missing but may be. */
static bool read_variables(struct parse *p, const struct node *n, const char *path, const struct value *file,
                           const struct environment *scope, struct environment *out)
{
	struct err e;
	const char *name = value_get(file, "path")->string;
	n = n->kind == NODE_MAP ? node_get(n, "path") : n;
	char *text;
	size_t length;
	if (parse_file(p, name, ENV_FILE_MAX_BYTES, &text, &length, &e) == 0 &&
	    environment_parse(name, text, length, scope, p->a, out, &e) == 0)
		return true;
	if (e.kind != ERR_NOT_FOUND)
		parse_error(p, n->mark, path, "%s", e.message);
	else if (value_get(file, "required")->boolean)
		parse_error(p, n->mark, path, "%s: there is no such file %s; make it, or write {path: ..., required: false}",
		            node_shown(p, n), n->secret ? "on the host" : name);
	return false;
}

void env_files_read(struct parse *p, const struct node *n, const char *path, const struct value *files,
                    struct value *environment)
{
	struct environment scope = {.outer = p->env}, found;
	struct value all = {0};
	for (size_t i = 0; i < environment->count; i++) {
		size_t names = scope.count;
		if (environment->items[i].kind != VALUE_STRING)
			continue;
		*ARENA_PUSH(p->a, scope.names, names) = environment->keys[i];
		*ARENA_PUSH(p->a, scope.values, scope.count) = environment->items[i].string;
	}
	for (size_t i = 0; i < files->count; i++) {
		const struct node *item = n->kind == NODE_LIST ? n->items[i] : n;
		if (!read_variables(p, item, path, &files->items[i], &scope, &found))
			continue;
		for (size_t k = 0; k < found.count; k++) {
			struct value v = value_string(found.values[k]);
			v.secret = true;
			value_set(p->a, &all, found.names[k], v);
		}
	}
	for (size_t i = 0; i < environment->count; i++)
		value_set(p->a, &all, environment->keys[i], environment->items[i]);
	if (all.count)
		*environment = all;
}
