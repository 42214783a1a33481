/* Parsers of the fields that are lists or maps: command, environment, health test, dependencies, ports, networks. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "desired/interpolate.h"
#include "desired/parse.h"
#include "desired/shellwords.h"
#include "desired/units.h"

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

/* null, "" and [] leave the image's command. */
int parse_command(struct parse *p, const struct node *n, const char *path, struct value *out)
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
	if (out->count == 0)
		*out = (struct value){0};
	return 0;
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
	static const char *const names[] = {"condition"};
	const struct node *n = pair->value;
	const char *text = NULL, *own = arena_printf(p->a, "%s.%s", path, pair->key);
	if (n->kind != NODE_MAP)
		return parse_error(p, n->mark, own, "must be a map with a condition, like {condition: service_healthy}");
	for (size_t i = 0; i < n->count; i++) {
		const struct pair *key = &n->pairs[i];
		bool required;
		if (strcmp(key->key, "condition") == 0) {
			if (parse_text(p, key->value, own, &text) < 0)
				return -1;
		} else if (strcmp(key->key, "required") == 0) {
			if (parse_yes_no(p, key->value, own, &required) < 0)
				return -1;
			if (!required)
				return parse_error(p, key->mark, own, "'required: false' is not supported yet; remove it");
		} else {
			return parse_unknown_key(p, key->mark, own, "services.*.depends_on.*", key->key, names, 1);
		}
	}
	if (!text)
		return parse_error(p, n->mark, own, "has no condition; write service_started, service_healthy or "
		                                    "service_completed_successfully");
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		if (strcmp(text, conditions[i]) == 0) {
			value_set(p->a, out, pair->key, value_string(conditions[i]));
			return 0;
		}
	}
	return parse_error(p, n->mark, own, "%s is no condition; write service_started, service_healthy or "
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
			value_set(p->a, out, text, value_string("service_started"));
		}
	}
	return result;
}

/* --- expose --- */

#define MAX_PORTS 2000

static void insert_port(struct parse *p, struct value *out, const char *text)
{
	size_t at = 0;
	while (at < out->count && strcmp(out->items[at].string, text) < 0)
		at++;
	if (at < out->count && strcmp(out->items[at].string, text) == 0)
		return;
	value_push(p->a, out, value_string(text));
	memmove(&out->items[at + 1], &out->items[at], (out->count - 1 - at) * sizeof *out->items);
	out->items[at] = value_string(text);
}

static int expose_item(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};
	const char *text, *protocol = NULL;
	int64_t first = 0, last;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	size_t length = strcspn(text, "/");
	const char *ports = arena_strndup(p->a, text, length), *dash = strchr(ports, '-');
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (strcasecmp(text[length] ? text + length + 1 : "tcp", protocols[i]) == 0)
			protocol = protocols[i];
	bool is_good = protocol && units_int(dash ? arena_strndup(p->a, ports, (size_t)(dash - ports)) : ports, &first);
	last = first;
	if (is_good && dash)
		is_good = units_int(dash + 1, &last);
	if (!is_good || first < 1 || last > 65535 || first > last || last - first > 1000)
		return parse_error(p, n->mark, path, "%s is no port; write one from 1 to 65535, like 8080 or 53/udp", node_shown(p, n));
	if (out->count + (size_t)(last - first) > MAX_PORTS)
		return parse_error(p, n->mark, path, "more than 2000 ports");
	for (; first <= last; first++)
		insert_port(p, out, arena_printf(p->a, "%" PRId64 "/%s", first, protocol));
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

/* --- networks: only `default`, which every service joins anyway; nothing to keep --- */

static int check_network(struct parse *p, struct mark at, const char *path, const char *name)
{
	if (strcmp(name, "default") == 0)
		return 0;
	return parse_error(p, at, path, "networks other than 'default' are not supported yet; all services of a project "
	                                "reach each other on 'default'");
}

int parse_networks(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = 0;
	(void)out;
	if (n->kind == NODE_SCALAR)
		return parse_error(p, n->mark, path, "must be a list or a map of networks");
	for (size_t i = 0; i < n->count; i++) {
		const char *text;
		if (n->kind == NODE_LIST) {
			if (parse_text(p, n->items[i], path, &text) < 0 || check_network(p, n->items[i]->mark, path, text) < 0)
				result = -1;
			continue;
		}
		const struct pair *pair = &n->pairs[i];
		if (check_network(p, pair->mark, path, pair->key) < 0) {
			result = -1;
		} else if (pair->value->kind == NODE_MAP) {
			for (size_t j = 0; j < pair->value->count; j++)
				result = parse_unknown_key(p, pair->value->pairs[j].mark, arena_printf(p->a, "%s.default", path),
				                           "services.*.networks.*", pair->value->pairs[j].key, NULL, 0);
		} else if (pair->value->kind != NODE_SCALAR || pair->value->type != SCALAR_NULL) {
			result = parse_error(p, pair->value->mark, path, "must be empty: default: {}");
		}
	}
	return result;
}
