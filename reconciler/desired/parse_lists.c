/* Parsers of the fields that are lists or maps: command, entrypoint, environment, health test, dependencies. */
#include <ctype.h>
#include <string.h>

#include "desired/interpolate.h"
#include "desired/parse.h"
#include "desired/shellwords.h"

static struct value value_of(const struct node *n)
{
	struct value v = value_string(n->text);
	v.secret = n->secret;
	return v;
}

static int parse_string_list(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	out->kind = VALUE_LIST;
	for (size_t i = 0; i < n->count; i++) {
		const char *text;
		if (parse_text(p, n->items[i], path, &text) < 0)
			result = -1;
		else
			value_push(p->a, out, value_of(n->items[i]));
	}
	return result;
}

/* A text is split into words, a list is taken as it is. null leaves the image's. */
static int parse_program(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text, *dropped;
	struct err e;
	if (n->kind == NODE_SCALAR && n->type == SCALAR_NULL)
		return 0;
	if (n->kind == NODE_LIST) {
		if (parse_string_list(p, n, path, out) < 0)
			return -1;
	} else {
		if (parse_text(p, n, path, &text) < 0)
			return -1;
		if (shellwords(text, p->a, out, &dropped, &e) < 0)
			return parse_error(p, n->mark, path, "%s", e.message);
		if (dropped)
			parse_warning(p, n->mark, path, "no shell runs this: all from '%c' on is dropped; write a list: [sh, -c, \"...\"]",
			              *dropped);
		for (size_t i = 0; n->secret && i < out->count; i++)
			out->items[i].secret = true;
	}
	return 0;
}

/* "" and [] leave the image's command. */
int parse_command(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = parse_program(p, n, path, out);
	if (out->count == 0)
		*out = (struct value){0};
	return result;
}

/* Here they clear it: the command is run as it is. */
int parse_entrypoint(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = parse_program(p, n, path, out);
	if (n->kind != NODE_SCALAR || n->type != SCALAR_NULL)
		out->kind = VALUE_LIST;
	return result;
}

int parse_healthcheck_test(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (n->kind == NODE_SCALAR && n->type == SCALAR_NULL)
		return 0;
	if (n->kind != NODE_LIST) {
		if (parse_text(p, n, path, &text) < 0)
			return -1;
		if (!*text)
			return 0;
		value_push(p->a, out, value_string("CMD-SHELL"));
		value_push(p->a, out, value_of(n));
		return 0;
	}
	if (parse_string_list(p, n, path, out) < 0)
		return -1;
	if (out->count == 0) {
		*out = (struct value){0};
		return 0;
	}
	const char *first = out->items[0].string;
	if (strcmp(first, "CMD") != 0 && strcmp(first, "CMD-SHELL") != 0 && strcmp(first, "NONE") != 0)
		return parse_error(p, n->items[0]->mark, path, "the list must begin with CMD, CMD-SHELL or NONE, not %s",
		                   node_shown(p, n->items[0]));
	if (out->count == 1 && strcmp(first, "NONE") != 0)
		return parse_error(p, n->mark, path, "there is no command behind %s", first);
	return 0;
}

/* --- environment --- */

static int check_variable(struct parse *p, struct mark at, const char *path, const char *name)
{
	if (!*name)
		return parse_error(p, at, path, "a variable without a name");
	for (const char *c = name; *c; c++)
		if (isspace((unsigned char)*c) || *c == '=')
			return parse_error(p, at, path, "the variable's name '%.60s' has a blank or '=' in it", name);
	return 0;
}

/* A name without a value: taken from the host. Not there: unset, which removes it from the image's, too. */
static struct value pass_through(struct parse *p, const char *name)
{
	struct value v = {0};
	const char *found = environment_get(p->env, name);
	if (found)
		v = value_string(arena_strdup(p->a, found));
	v.secret = found != NULL;
	return v;
}

static int environment_item(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	const char *equals = strchr(text, '=');
	const char *name = equals ? arena_strndup(p->a, text, (size_t)(equals - text)) : text;
	/* A name that holds a variable's value is not shown. */
	if (n->secret && (!*name || strpbrk(name, " \t\r\n")))
		return parse_error(p, n->mark, path, "%s gives a variable's name that is empty or has a blank in it", node_shown(p, n));
	if (!n->secret && check_variable(p, n->mark, path, name) < 0)
		return -1;
	struct value v = equals ? value_string(equals + 1) : pass_through(p, name);
	v.secret = v.secret || n->secret;
	value_set(p->a, out, name, v);
	return 0;
}

static int environment_pair(struct parse *p, const struct pair *pair, const char *path, struct value *out)
{
	const struct node *n = pair->value;
	if (check_variable(p, pair->mark, path, pair->key) < 0)
		return -1;
	if (n->kind != NODE_SCALAR)
		return parse_error(p, n->mark, path, "the value of %s must be one text or number, not %s", pair->key, node_shown(p, n));
	if (n->type == SCALAR_DATE)
		return parse_error(p, n->mark, path, "the value of %s, %s, is a date in YAML; put it in quotes", pair->key,
		                   node_shown(p, n));
	if ((n->type == SCALAR_INT || n->type == SCALAR_FLOAT) && strcmp(n->text, n->written) != 0)
		parse_warning(p, n->mark, path, "the number %s becomes '%s'; put it in quotes to keep it as it is", n->written, n->text);
	value_set(p->a, out, pair->key, n->type == SCALAR_NULL ? pass_through(p, pair->key) : value_of(n));
	return 0;
}

int parse_environment(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind == NODE_SCALAR)
		return parse_error(p, n->mark, path, "must be a map (NAME: value) or a list (- NAME=value)");
	for (size_t i = 0; i < n->count; i++) {
		if (n->kind == NODE_LIST)
			result |= environment_item(p, n->items[i], path, out);
		else
			result |= environment_pair(p, &n->pairs[i], path, out);
	}
	return result;
}

/* --- depends_on --- */

static int dependency(struct parse *p, const struct pair *pair, const char *path, struct value *out)
{
	static const char *const conditions[] = {"service_started", "service_healthy", "service_completed_successfully"};
	static const char *const names[] = {"condition", "required", "restart"};
	const struct node *n = pair->value;
	const char *text = NULL, *own = arena_printf(p->a, "%s.%s", path, pair->key);
	struct value how = {.kind = VALUE_MAP};
	if (n->kind != NODE_MAP)
		return parse_error(p, n->mark, own, "must be a map with a condition, like {condition: service_healthy}");
	for (size_t i = 0; i < n->count; i++) {
		const struct pair *key = &n->pairs[i];
		if (strcmp(key->key, "condition") == 0) {
			if (parse_text(p, key->value, own, &text) < 0)
				return -1;
		} else if (strcmp(key->key, "required") == 0 || strcmp(key->key, "restart") == 0) {
			bool is_required = *key->key == 'r' && key->key[2] == 'q', is_set;
			if (parse_yes_no(p, key->value, own, &is_set) < 0)
				return -1;
			if (is_required ? !is_set : is_set)
				value_set(p->a, &how, is_required ? "optional" : "restart", value_bool(true));
		} else {
			return parse_unknown_key(p, key->mark, own, "services.*.depends_on.*", key->key, names, ARRAY_LEN(names));
		}
	}
	if (!text)
		return parse_error(p, n->mark, own, "has no condition; write service_started, service_healthy or "
		                                    "service_completed_successfully");
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		if (strcmp(text, conditions[i]) == 0) {
			value_set(p->a, &how, "condition", value_string(conditions[i]));
			value_set(p->a, out, pair->key, how);
			return 0;
		}
	}
	return parse_error(p, node_get(n, "condition")->mark, own, "%s is no condition; write service_started, service_healthy or "
	                                    "service_completed_successfully", node_shown(p, node_get(n, "condition")));
}

int parse_depends_on(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind == NODE_SCALAR)
		return parse_error(p, n->mark, path, "must be a list of services, or a map");
	out->kind = VALUE_MAP;
	for (size_t i = 0; i < n->count; i++) {
		const char *text;
		if (n->kind == NODE_MAP) {
			result |= dependency(p, &n->pairs[i], path, out);
		} else if (parse_text(p, n->items[i], path, &text) < 0) {
			result = -1;
		} else if (value_get(out, text)) {
			result = parse_error(p, n->items[i]->mark, path, "%s is here a second time", node_shown(p, n->items[i]));
		} else {
			struct value how = {0};
			value_set(p->a, &how, "condition", value_string("service_started"));
			value_set(p->a, out, text, how);
		}
	}
	return result;
}

/* --- links --- */

/* "db" or "db:database" -> a map of the other name ("" for none) by service. */
int parse_links(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be a list of services, not %s", node_shown(p, n));
	for (size_t i = 0; i < n->count; i++) {
		const char *text;
		if (parse_text(p, n->items[i], path, &text) < 0) {
			result = -1;
			continue;
		}
		size_t name = strcspn(text, ":");
		if (!name || (text[name] && (!text[name + 1] || strchr(text + name + 1, ':')))) {
			result = parse_error(p, n->items[i]->mark, path, "%s is no link; write a service, or service:name", node_shown(p, n->items[i]));
			continue;
		}
		struct value link = {0};
		value_set(p->a, &link, "service", value_string(arena_strndup(p->a, text, name)));
		value_set(p->a, &link, "name", value_string(text[name] ? text + name + 1 : ""));
		value_push(p->a, out, link);
	}
	return result;
}
