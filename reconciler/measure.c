/* Queries to a Prometheus: GET /api/v1/query (HTTP API v1), of which one number is wanted. */
#include "measure.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#define ANSWER_MAX ((size_t)1 << 20)
#define SAID_MAX 200 /* of its own words */

/* The last answer for a revision under a weight. */
struct measured {
	struct measure last;
	int64_t weight_since_ms, asked_ms;
	int64_t pause_ms; /* until it is asked again */
};

static bool is_same(const struct measure *m, const struct service *s)
{
	return strcmp(m->project, s->project) == 0 && strcmp(m->service, s->name) == 0 && strcmp(m->revision, s->revision) == 0;
}

static struct measured *remember(struct measurer *m, const struct service *s)
{
	for (size_t i = 0; i < m->known_count; i++)
		if (is_same(&m->known[i].last, s))
			return &m->known[i];
	struct measured *k = ARENA_PUSH(m->arena, m->known, m->known_count);
	*k = (struct measured){.last = {arena_strdup(m->arena, s->project), arena_strdup(m->arena, s->name),
	                                arena_strdup(m->arena, s->revision), .why = ""}};
	return k;
}

/* --- the question --- */

/* Everything but what RFC 3986 leaves as it is. */
static void add_encoded(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			buf_add(out, text, 1);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
	}
}

/* The query with the names in "{{ }}" filled in. */
static const char *fill_in(struct arena *a, const struct service *s, int64_t window_ms)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(ANSWER_MAX);
	const char *window = arena_printf(a, "%llds", (long long)(window_ms < 1000 ? 1 : window_ms / 1000));
	const struct {
		const char *name, *value;
	} names[] = {{"{{revision}}", s->revision}, {"{{service}}", s->name}, {"{{project}}", s->project}, {"{{window}}", window}};
	for (const char *at = s->analysis.query.text; *at;) {
		size_t i = 0;
		while (i < ARRAY_LEN(names) && strncmp(at, names[i].name, strlen(names[i].name)) != 0)
			i++;
		if (i < ARRAY_LEN(names)) {
			buf_puts(&out, names[i].value);
			at += strlen(names[i].name);
		} else {
			buf_add(&out, at++, 1);
		}
	}
	return arena_strdup(a, out.text);
}

static struct request question(struct arena *a, const struct service *s, int64_t window_ms)
{
	CLEANUP(buf_done) struct buf url = BUF_INIT(ANSWER_MAX);
	buf_printf(&url, "%s/api/v1/query?query=", s->analysis.query.url);
	add_encoded(&url, fill_in(a, s, window_ms));
	return (struct request){.url = arena_strdup(a, url.text), .timeout_ms = MEASURE_TIMEOUT_MS,
	                        .connect_timeout_ms = MEASURE_TIMEOUT_MS, .max_answer = ANSWER_MAX};
}

/* --- the answer --- */

static const char *text_in(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	return cJSON_IsString(item) ? item->valuestring : "";
}

/* [time, "number"] */
static void take_sample(struct arena *a, const cJSON *sample, struct measure *out)
{
	const cJSON *number = cJSON_IsArray(sample) && cJSON_GetArraySize(sample) == 2 ? cJSON_GetArrayItem(sample, 1) : NULL;
	char *end;
	out->why = "the answer of Prometheus has no number";
	if (!cJSON_IsString(number))
		return;
	out->value = strtod(number->valuestring, &end);
	if (end == number->valuestring || *end)
		return;
	out->has_value = isfinite(out->value);
	out->why = out->has_value ? "" : arena_printf(a, "Prometheus has no data: it answers %.20s", number->valuestring);
}

/* The words of the query and of its address may be from the host's environment, so only what follows is told of it. */
static void take_answer(struct arena *a, const cJSON *root, struct measure *out)
{
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(root, "data"), *result = cJSON_GetObjectItemCaseSensitive(data, "result");
	const char *type = text_in(data, "resultType");
	int count = cJSON_IsArray(result) ? cJSON_GetArraySize(result) : -1;
	if (strcmp(text_in(root, "status"), "success") != 0 || count < 0)
		out->why = "the answer is none of a Prometheus";
	else if (strcmp(type, "scalar") == 0)
		take_sample(a, result, out);
	else if (strcmp(type, "vector") != 0)
		out->why = arena_printf(a, "the query gives a %.20s, and one number is wanted", type);
	else if (count == 0)
		out->why = "Prometheus has no data";
	else if (count > 1)
		out->why = arena_printf(a, "the query gives %d series, and one number is wanted", count);
	else
		take_sample(a, cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(result, 0), "value"), out);
}

static bool is_secret(const struct service *s)
{
	const struct value *analysis = spec_value(&s->spec, "x-reconcile.analysis"), *query = analysis ? value_get(analysis, "query") : NULL;
	const struct value *text = query ? value_get(query, "promql") : NULL;
	return !text || text->secret;
}

static void judge(struct arena *a, const struct service *s, const struct request *r, struct measure *out)
{
	out->has_value = false;
	cJSON *root = r->result == 0 ? cJSON_ParseWithLength(r->answer.text, r->answer.length) : NULL;
	if (r->result < 0)
		out->why = r->err.kind == ERR_TRANSIENT ? "Prometheus does not answer in time" : "Prometheus cannot be reached";
	else if (r->status == 200)
		take_answer(a, root, out);
	else if (*text_in(root, "error") && !is_secret(s))
		out->why = arena_printf(a, "Prometheus answers %d: %.*s", r->status, (int)strcspn(text_in(root, "error"), "\r\n") < SAID_MAX
		                        ? (int)strcspn(text_in(root, "error"), "\r\n") : SAID_MAX, text_in(root, "error"));
	else
		out->why = arena_printf(a, "Prometheus answers %d", r->status);
	cJSON_Delete(root);
}

/* --- all of them --- */

/* The service of Git of which a revision has a share of the traffic, and asks for it. */
static const struct service *asks(const struct desired *d, const struct world *w, const struct traffic *t)
{
	const struct service *s = desired_service(d, t->project, t->service);
	bool is_asking = s && s->analysis.is_on && s->analysis.query.text && t->weight > 0;
	return is_asking && strcmp(s->revision, t->next.revision) == 0 && !world_was_good(w, s) ? s : NULL;
}

void measure(struct measurer *m, const struct desired *d, struct arena *a, struct world *w)
{
	const struct topology *t = &w->nginx.topology;
	struct request *requests = arena_alloc(a, (t->services_count + 1) * sizeof *requests);
	const struct service **services = arena_alloc(a, (t->services_count + 1) * sizeof *services);
	size_t count = 0;
	for (size_t i = 0; i < t->services_count; i++) {
		const struct service *s = asks(d, w, &t->services[i]);
		struct measured *k = s ? remember(m, s) : NULL;
		int64_t since_ms = t->services[i].weight_since_ms;
		if (!k || (k->asked_ms && k->weight_since_ms == since_ms && w->now_ms >= k->asked_ms && w->now_ms - k->asked_ms < k->pause_ms))
			continue;
		k->weight_since_ms = since_ms;
		k->asked_ms = w->now_ms;
		requests[count] = question(a, s, w->now_ms - since_ms);
		services[count++] = s;
	}
	http_perform(m->http, requests, count);
	for (size_t i = 0; i < count; i++) {
		struct measured *k = remember(m, services[i]);
		judge(m->arena, services[i], &requests[i], &k->last);
		k->pause_ms = k->last.has_value || requests[i].result < 0 ? MEASURE_EVERY_MS : MEASURE_AGAIN_MS;
		request_done(&requests[i]);
	}
	for (size_t i = 0; i < t->services_count; i++) {
		const struct service *s = asks(d, w, &t->services[i]);
		if (s)
			*ARENA_PUSH(a, w->measures, w->measures_count) = remember(m, s)->last;
	}
}
