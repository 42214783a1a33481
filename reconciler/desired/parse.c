/* The common part of reading a manifest: problems, interpolation, and the parsers of simple values. */
#include "desired/parse.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "desired/interpolate.h"
#include "desired/units.h"

#define MAX_REPORTS 1000                       /* kept; more are only counted */
#define MAX_EXPANDED_BYTES (16 * 1024 * 1024) /* text of all values, as often as they are used */
#define MEMORY_LEAST (6 * 1024 * 1024)         /* the engine refuses less */

static void report(struct parse *p, struct mark at, const char *path, bool is_warning, const char *message)
{
	if (!is_warning)
		p->errors++;
	if (p->reports_count >= MAX_REPORTS)
		return;
	struct report r = {.mark = at, .is_warning = is_warning};
	r.text = arena_printf(p->a, "%s:%d:%d: %s%s%s\n", at.file ? at.file : p->file, at.line, at.column, path, *path ? ": " : "", message);
	*ARENA_PUSH(p->a, p->reports, p->reports_count) = r;
}

int parse_error(struct parse *p, struct mark at, const char *path, const char *fmt, ...)
{
	char message[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	report(p, at, path, false, message);
	return -1;
}

void parse_warning(struct parse *p, struct mark at, const char *path, const char *fmt, ...)
{
	char message[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	report(p, at, path, true, message);
}

const char *node_shown(struct parse *p, const struct node *n)
{
	if (n->kind != NODE_SCALAR)
		return n->kind == NODE_LIST ? "a list" : "a map";
	if (n->type == SCALAR_NULL)
		return "nothing";
	size_t length = strlen(n->written);
	char *shown = arena_printf(p->a, "'%.60s%s'", n->written, length > 60 ? "..." : "");
	for (char *c = shown; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return shown;
}

static int evaluate_scalar(struct parse *p, struct node *n, const char *path)
{
	struct interpolated result;
	struct err e;
	if (!n->is_evaluated) {
		n->is_evaluated = true;
		if (interpolate(n->text, p->env, p->a, &result, &e) < 0)
			return parse_error(p, n->mark, path, "%s", e.message);
		for (size_t i = 0; i < result.unset_count; i++)
			parse_warning(p, n->mark, path, "the variable %s has no value, so it is empty here; set it in the host's env "
			                                "file, or write ${%s:-default}", result.unset[i], result.unset[i]);
		if (result.is_changed) {
			n->text = result.text;
			n->type = SCALAR_STRING;
			n->secret = result.secret;
		}
	}
	p->expanded_bytes += strlen(n->text);
	return 0;
}

int parse_evaluate(struct parse *p, struct node *n, const char *path)
{
	int result = 0;
	if (n->kind == NODE_SCALAR)
		result = evaluate_scalar(p, n, path);
	for (size_t i = 0; n->kind != NODE_SCALAR && i < n->count; i++) {
		struct node *child = n->kind == NODE_LIST ? n->items[i] : n->pairs[i].value;
		if (n->kind == NODE_MAP)
			p->expanded_bytes += strlen(n->pairs[i].key);
		if (parse_evaluate(p, child, path) < 0)
			result = -1;
		if (p->expanded_bytes > MAX_EXPANDED_BYTES)
			break;
	}
	if (p->expanded_bytes > MAX_EXPANDED_BYTES && result == 0)
		return parse_error(p, n->mark, path, "the values come to more than 16 MiB of text");
	return result;
}

int parse_text(struct parse *p, const struct node *n, const char *path, const char **text)
{
	if (n->kind != NODE_SCALAR)
		return parse_error(p, n->mark, path, "must be text, not %s", node_shown(p, n));
	if (n->type == SCALAR_NULL)
		return parse_error(p, n->mark, path, "has no value; write one, or remove the key");
	if (n->type != SCALAR_STRING)
		return parse_error(p, n->mark, path, "%s is not text; put it in quotes", node_shown(p, n));
	*text = n->text;
	return 0;
}

int parse_scalar(struct parse *p, const struct node *n, const char *path, const char **text)
{
	if (n->kind != NODE_SCALAR)
		return parse_error(p, n->mark, path, "must be one value, not %s", node_shown(p, n));
	if (n->type == SCALAR_NULL)
		return parse_error(p, n->mark, path, "has no value; write one, or remove the key");
	*text = n->text;
	return 0;
}

int parse_yes_no(struct parse *p, const struct node *n, const char *path, bool *out)
{
	static const struct {
		const char *word;
		bool value, is_plain;
	} words[] = {
		{"true", true, true}, {"false", false, true}, {"yes", true, false}, {"no", false, false}, {"on", true, false},
		{"off", false, false}, {"y", true, false}, {"n", false, false},
	};
	const char *text;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i].word) != 0)
			continue;
		if (!words[i].is_plain)
			parse_warning(p, n->mark, path, "%s is text in YAML 1.2; write %s", node_shown(p, n),
			              words[i].value ? "true" : "false");
		*out = words[i].value;
		return 0;
	}
	return parse_error(p, n->mark, path, "%s is neither true nor false", node_shown(p, n));
}

int parse_integer(struct parse *p, const struct node *n, const char *path, int64_t least, int64_t most, int64_t *out)
{
	const char *text;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	if ((n->type != SCALAR_INT && n->type != SCALAR_STRING) || !units_int(text, out) || *out < least || *out > most)
		return parse_error(p, n->mark, path, "%s is no number from %" PRId64 " to %" PRId64, node_shown(p, n), least, most);
	return 0;
}

int parse_count(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	return parse_integer(p, n, path, 0, INT_MAX, &number) < 0 ? -1 : give(out, n, value_int(number));
}

int parse_replicas(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	return parse_integer(p, n, path, 0, 1000, &number) < 0 ? -1 : give(out, n, value_int(number));
}

int parse_port(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	return parse_integer(p, n, path, 1, 65535, &number) < 0 ? -1 : give(out, n, value_int(number));
}

int parse_status(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	return parse_integer(p, n, path, 100, 599, &number) < 0 ? -1 : give(out, n, value_int(number));
}

/* 0 and -1 mean "no limit", which is what no value means, too. */
int parse_pids(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	if (parse_integer(p, n, path, -1, INT_MAX, &number) < 0)
		return -1;
	return number <= 0 ? 0 : give(out, n, value_int(number));
}

int parse_bool(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	bool b;
	return parse_yes_no(p, n, path, &b) < 0 ? -1 : give(out, n, value_bool(b));
}

/* For what is off unless said otherwise: false is what no value means, too. */
int parse_flag(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	bool b;
	if (parse_yes_no(p, n, path, &b) < 0)
		return -1;
	return b ? give(out, n, value_bool(true)) : 0;
}

int parse_swappiness(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	return parse_integer(p, n, path, 0, 100, &number) < 0 ? -1 : give(out, n, value_int(number));
}

/* 0: as the engine has it. */
int parse_oom_score(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	if (parse_integer(p, n, path, -1000, 1000, &number) < 0)
		return -1;
	return number ? give(out, n, value_int(number)) : 0;
}

int parse_cpu_shares(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	if (parse_integer(p, n, path, 0, 262144, &number) < 0)
		return -1;
	return number ? give(out, n, value_int(number)) : 0;
}

/* What Compose takes and an engine without a swarm has no use for. */
int parse_anything(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	(void)p, (void)n, (void)path, (void)out;
	return 0;
}

int parse_string(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	return parse_text(p, n, path, &text) < 0 ? -1 : give(out, n, value_string(text));
}

int parse_path(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	for (const char *c = text; *c; c++)
		if (isspace((unsigned char)*c) || iscntrl((unsigned char)*c))
			return parse_error(p, n->mark, path, "%s has a blank in it; write %%20", node_shown(p, n));
	if (*text != '/')
		return parse_error(p, n->mark, path, "%s does not begin with '/'", node_shown(p, n));
	return give(out, n, value_string(text));
}

int parse_name_of_image(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	if (!*text)
		return parse_error(p, n->mark, path, "is empty; write a name, like nginx:1.27");
	for (const char *c = text; *c; c++)
		if (!isgraph((unsigned char)*c))
			return parse_error(p, n->mark, path, "%s is no image; write a name, like nginx:1.27", node_shown(p, n));
	return give(out, n, value_string(text));
}

int parse_restart(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	static const char *const plain[] = {"no", "always", "unless-stopped", "on-failure"};
	const char *text;
	int64_t retries;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strcmp(text, plain[i]) == 0)
			return give(out, n, value_string(plain[i]));
	if (strncmp(text, "on-failure:", 11) == 0 && units_int(text + 11, &retries) && retries >= 0 && retries <= INT_MAX)
		return give(out, n, value_string(retries ? arena_printf(p->a, "on-failure:%" PRId64, retries) : "on-failure"));
	return parse_error(p, n->mark, path, "%s is no restart policy; write \"no\", always, unless-stopped, on-failure or "
	                                     "on-failure:5", node_shown(p, n));
}

static int parse_bytes(struct parse *p, const struct node *n, const char *path, int64_t *bytes)
{
	const char *text;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	if ((n->type != SCALAR_INT && n->type != SCALAR_STRING) || !units_bytes(text, bytes))
		return parse_error(p, n->mark, path, "%s is no size; write a number with b, k, m or g, like 512m", node_shown(p, n));
	return 0;
}

/* 0: as the engine has it. */
int parse_size(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t bytes;
	if (parse_bytes(p, n, path, &bytes) < 0)
		return -1;
	return bytes ? give(out, n, value_int(bytes)) : 0;
}

/* 0: no limit, as in Compose. */
int parse_memory(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t bytes;
	if (parse_bytes(p, n, path, &bytes) < 0)
		return -1;
	if (bytes && bytes < MEMORY_LEAST)
		return parse_error(p, n->mark, path, "%s is less than 6m, the least that Docker takes", node_shown(p, n));
	return bytes ? give(out, n, value_int(bytes)) : 0;
}

int parse_memory_and_swap(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t bytes;
	if (n->kind == NODE_SCALAR && strcmp(n->text, "-1") == 0)
		return give(out, n, value_int(-1));
	if (parse_bytes(p, n, path, &bytes) < 0)
		return -1;
	return bytes ? give(out, n, value_int(bytes)) : 0;
}

int parse_cpus(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	int64_t nano;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	if (n->type == SCALAR_BOOL || n->type == SCALAR_DATE || !units_nano_cpus(text, &nano))
		return parse_error(p, n->mark, path, "%s is no number of CPUs; write one like 0.5 or 2", node_shown(p, n));
	if (nano && nano < 10000000)
		return parse_error(p, n->mark, path, "%s is less than 0.01, the least that Docker takes", node_shown(p, n));
	return nano ? give(out, n, value_int(nano)) : 0;
}

static int parse_duration(struct parse *p, const struct node *n, const char *path, int64_t *ns)
{
	const char *text;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	if (n->type != SCALAR_STRING || !units_duration_ns(text, ns))
		return parse_error(p, n->mark, path, "%s is no duration; write a number with ms, s, m or h, like 30s or 1m30s",
		                   node_shown(p, n));
	return 0;
}

int parse_milliseconds(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t ns;
	return parse_duration(p, n, path, &ns) < 0 ? -1 : give(out, n, value_int(ns / 1000000 + (ns % 1000000 != 0)));
}

/* For health checks. 0 means "as the image says", which is what no value means, too. */
int parse_nanoseconds(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t ns;
	if (parse_duration(p, n, path, &ns) < 0)
		return -1;
	if (ns && ns < 1000000)
		return parse_error(p, n->mark, path, "%s is shorter than 1ms, the least that Docker takes", node_shown(p, n));
	return ns ? give(out, n, value_int(ns)) : 0;
}

int parse_keys(struct parse *p, const struct node *n, const char *path, const char *section, const struct key_row *rows,
               size_t count, struct value *out)
{
	const char **names = arena_alloc(p->a, count * sizeof *names);
	int result = 0;
	for (size_t i = 0; i < count; i++)
		names[i] = rows[i].key;
	if (n->kind != NODE_MAP)
		return parse_error(p, n->mark, path, "must be a map, not %s", node_shown(p, n));
	out->kind = VALUE_MAP;
	for (size_t i = 0; i < n->count; i++) {
		const struct pair *pair = &n->pairs[i];
		struct value v = {0};
		size_t at = 0;
		while (at < count && strcmp(rows[at].key, pair->key) != 0)
			at++;
		if (at == count) {
			if (strncmp(pair->key, "x-", 2) != 0 || strncmp(section, "x-reconcile", 11) == 0)
				result = parse_unknown_key(p, pair->mark, path, section, pair->key, names, count);
			continue;
		}
		if (rows[at].parse(p, pair->value, arena_printf(p->a, "%s.%s", path, pair->key), &v) < 0)
			result = -1;
		else if (v.kind != VALUE_UNSET)
			value_set(p->a, out, rows[at].engine, v);
	}
	return result;
}

int parse_strategy(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	for (size_t i = 0; i < STRATEGY_COUNT; i++)
		if (strcmp(text, strategy_names[i]) == 0)
			return give(out, n, value_string(strategy_names[i]));
	return parse_error(p, n->mark, path, "%s is no strategy; write rolling, blue-green, canary or in-place", node_shown(p, n));
}
