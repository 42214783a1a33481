/*
 * x-reconcile.analysis: the bounds of what a new revision may do to its requests. The one thing to know: a bound is
 * absolute, or so many times what the stable side does ("1.5x").
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "desired/parse.h"
#include "desired/units.h"

#define FACTOR_MAX 1000
#define TEXT_MAX 8192 /* of a query */

/* A number before `unit`, so many billionths of which make one. */
static bool read_scaled(const char *text, char unit, double scale, double *out)
{
	int64_t nano;
	char number[32];
	size_t n = strlen(text);
	if (n < 2 || n >= sizeof number || text[n - 1] != unit)
		return false;
	snprintf(number, sizeof number, "%.*s", (int)n - 1, text);
	if (!units_nano_cpus(number, &nano))
		return false;
	*out = (double)nano / scale;
	return true;
}

/* "1.5x" */
static bool read_factor(const char *text, double *out)
{
	return read_scaled(text, 'x', 1e9, out) && *out >= 1 && *out <= FACTOR_MAX;
}

/* "1%", to the part of all */
static bool read_rate(const char *text, double *out)
{
	return read_scaled(text, '%', 1e11, out) && *out > 0 && *out < 1;
}

static bool read_latency(const char *text, double *out)
{
	int64_t ns;
	if (!units_duration_ns(text, &ns))
		return false;
	*out = (double)ns / 1e6;
	return *out >= 1;
}

static bool read_max(const char *text, double *out)
{
	char *end;
	errno = 0;
	*out = strtod(text, &end);
	return *text && strchr("+-.0123456789", *text) && *end == 0 && !errno && isfinite(*out);
}

static int parse_bound(struct parse *p, const struct node *n, const char *path, bool (*absolute)(const char *, double *),
                       const char *wanted, struct value *out)
{
	const char *text;
	double number;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	if (!absolute(text, &number) && !read_factor(text, &number))
		return parse_error(p, n->mark, path, "%s is no bound; write %s, or a multiple of what the old revision has, like 1.5x",
		                   node_shown(p, n), wanted);
	return give(out, n, value_string(text));
}

static int parse_error_rate(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return parse_bound(p, n, path, read_rate, "percent of the requests, like 1%", out);
}

static int parse_latency(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return parse_bound(p, n, path, read_latency, "a time of at least 1ms, like 500ms", out);
}

static int parse_url(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text, *host;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	host = strstr(text, "://");
	bool is_http = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
	if (!is_http || !host[3] || strchr("/:", host[3]) || text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/[]%@+,=")])
		return parse_error(p, n->mark, path, "%s is no address of a Prometheus; write one like http://127.0.0.1:9090", node_shown(p, n));
	size_t length = strlen(text);
	while (text[length - 1] == '/')
		length--;
	return give(out, n, value_string(arena_strndup(p->a, text, length)));
}

/* The name in "{{name}}" must be one that will be there. */
static int parse_promql(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	static const char *const names[] = {"revision", "service", "project", "window"};
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	if (!*text || strlen(text) > TEXT_MAX)
		return parse_error(p, n->mark, path, "must be a query of 1 to %d characters", TEXT_MAX);
	for (const char *at = strstr(text, "{{"); at; at = strstr(at + 2, "{{")) {
		const char *end = strstr(at, "}}"), *near;
		const char *name = arena_strndup(p->a, at + 2, end && end - at < 62 ? (size_t)(end - at) - 2 : 0);
		size_t i = 0;
		while (i < ARRAY_LEN(names) && strcmp(names[i], name) != 0)
			i++;
		if (i < ARRAY_LEN(names))
			continue;
		near = nearest_name(name, names, ARRAY_LEN(names));
		if (near && !n->secret)
			return parse_error(p, n->mark, path, "unknown name '{{%s}}'; did you mean '{{%s}}'?", name, near);
		return parse_error(p, n->mark, path, "unknown name in {{ }}; there are {{revision}}, {{service}}, {{project}} and {{window}}");
	}
	return give(out, n, value_string(text));
}

static int parse_max(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	double number;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	if (!read_max(text, &number))
		return parse_error(p, n->mark, path, "%s is no number; write the most that the query may answer, like 0.05", node_shown(p, n));
	return give(out, n, value_string(text));
}

static int parse_inconclusive(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	for (size_t i = 0; i < INCONCLUSIVE_COUNT; i++)
		if (strcmp(text, inconclusive_names[i]) == 0)
			return give(out, n, value_string(inconclusive_names[i]));
	return parse_error(p, n->mark, path, "must be pause, promote or abort, not %s", node_shown(p, n));
}

/* As a person would write it: the plan shows it. */
static int parse_longest(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	struct value longest = {0};
	char text[32];
	if (parse_milliseconds(p, n, path, &longest) < 0)
		return -1;
	if (longest.integer == 0)
		return parse_error(p, n->mark, path, "%s is no time to wait for requests in; write how long a step lasts at most, like 10m",
		                   node_shown(p, n));
	return give(out, n, value_string(arena_strdup(p->a, clock_duration(longest.integer, text))));
}

static const struct key_row query_keys[] = {
	{"url", "url", parse_url}, {"promql", "promql", parse_promql}, {"max", "max", parse_max},
};

static int parse_query(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	if (parse_keys(p, n, path, "x-reconcile.analysis.query", query_keys, ARRAY_LEN(query_keys), out) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(query_keys); i++)
		if (!value_get(out, query_keys[i].engine))
			return parse_error(p, n->mark, path, "has no %s; it needs url, promql and max", query_keys[i].key);
	return 0;
}

static const struct key_row analysis_keys[] = {
	{"max_error_rate", "max_error_rate", parse_error_rate}, {"max_latency_p99", "max_latency_p99", parse_latency},
	{"min_requests", "min_requests", parse_count}, {"max_hold", "max_hold", parse_longest},
	{"on_inconclusive", "on_inconclusive", parse_inconclusive}, {"query", "query", parse_query},
};

int parse_analysis(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	bool is_on;
	if (n->kind == NODE_MAP) {
		out->kind = VALUE_MAP;
		if (parse_keys(p, n, path, "x-reconcile.analysis", analysis_keys, ARRAY_LEN(analysis_keys), out) < 0)
			return -1;
		return out->count ? 0 : give(out, n, value_bool(true));
	}
	if (n->kind == NODE_SCALAR && n->type == SCALAR_STRING && (strcmp(n->text, "on") == 0 || strcmp(n->text, "off") == 0))
		return give(out, n, value_bool(strcmp(n->text, "on") == 0));
	if (n->kind != NODE_SCALAR || n->type != SCALAR_BOOL)
		return parse_error(p, n->mark, path, "must be a map, like {max_error_rate: 1%%, min_requests: 100}, or on or off, not %s",
		                   node_shown(p, n));
	return parse_yes_no(p, n, path, &is_on) < 0 ? -1 : give(out, n, value_bool(is_on));
}

/* --- into the service --- */

/* Notes may say anything: what is no text is not there. */
static const char *text_of(const struct value *map, const char *key)
{
	const struct value *v = map ? value_get(map, key) : NULL;
	return v && v->kind == VALUE_STRING ? v->string : NULL;
}

static struct bound bound_of(const struct value *map, const char *key, bool (*absolute)(const char *, double *))
{
	const char *text = text_of(map, key);
	struct bound b = {0};
	b.is_set = text && absolute(text, &b.value);
	if (text && !b.is_set)
		b.is_set = b.is_relative = read_factor(text, &b.value);
	return b;
}

void analysis_take(struct service *s)
{
	const struct value *v = spec_value(&s->spec, "x-reconcile.analysis");
	bool is_said = v && v->kind != VALUE_UNSET;
	const struct value *map = is_said && v->kind == VALUE_MAP ? v : NULL, *count = map ? value_get(map, "min_requests") : NULL;
	const struct value *query = map ? value_get(map, "query") : NULL;
	struct analysis *a = &s->analysis;
	*a = (struct analysis){
		.is_on = is_said ? map || v->boolean : s->strategy == STRATEGY_CANARY,
		.min_requests = count && count->kind == VALUE_INT ? count->integer : 0,
		.max_error_rate = bound_of(map, "max_error_rate", read_rate),
		.max_latency_p99 = bound_of(map, "max_latency_p99", read_latency),
	};
	for (size_t i = 0; i < INCONCLUSIVE_COUNT; i++)
		if (strcmp(text_of(map, "on_inconclusive") ? text_of(map, "on_inconclusive") : "", inconclusive_names[i]) == 0)
			a->on_inconclusive = (enum inconclusive)i;
	const char *longest = text_of(map, "max_hold");
	int64_t ns;
	if (longest && units_duration_ns(longest, &ns))
		a->max_hold_ms = ns / 1000000;
	query = query && query->kind == VALUE_MAP ? query : NULL;
	const char *max = text_of(query, "max");
	if (text_of(query, "url") && text_of(query, "promql") && max && read_max(max, &a->query.max)) {
		a->query.url = text_of(query, "url");
		a->query.text = text_of(query, "promql");
	}
}
