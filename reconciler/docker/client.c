/*
 * The wire to the engine: where it listens, which version both speak, what its errors mean. The version is asked once
 * for each process from /version, the one place that also names the oldest that the engine still accepts; when
 * observing fails it is asked again, because the engine may have been replaced by another one.
 */
#include "docker/client.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define API_OLDEST 40
#define API_WANTED 41
#define CALL_TIMEOUT_MS 60000

int docker_open(struct docker **out, const struct docker_settings *s, struct http *http, struct err *e)
{
	struct docker d = {.settings = *s, .http = http};
	const char *host = s->host;
	int fits = 0;
	if (strncmp(host, "unix://", 7) == 0 && host[7] == '/') {
		fits = snprintf(d.unix_socket, sizeof d.unix_socket, "%s", host + 7) < 108;
		snprintf(d.base, sizeof d.base, "http://docker");
	} else if (strncmp(host, "tcp://", 6) == 0 && host[6]) {
		fits = snprintf(d.base, sizeof d.base, "http://%s", host + 6) < (int)sizeof d.base;
	}
	if (!fits)
		return err_set(e, ERR_INVALID, "docker host \"%s\": wanted unix:///path or tcp://address:port", host);
	struct docker *kept = malloc(sizeof *kept);
	if (!kept)
		abort();
	*kept = d;
	*out = kept;
	return 0;
}

void docker_free(struct docker *d)
{
	free(d);
}

const char *url_escape(struct arena *a, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, 3 * strlen(text) + 1), *p = out;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (strchr(plain, c)) {
			*p++ = (char)c;
		} else {
			*p++ = '%';
			*p++ = hex[c >> 4];
			*p++ = hex[c & 15];
		}
	}
	return out;
}

const cJSON *json_member(const cJSON *object, const char *name)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const cJSON *json_at(const cJSON *root, const char *path)
{
	char name[128];
	for (const char *p = path; root && *p; ) {
		size_t n = strcspn(p, ".");
		if (n >= sizeof name)
			return NULL;
		memcpy(name, p, n);
		name[n] = 0;
		root = json_member(root, name);
		p += n + (p[n] == '.');
	}
	return root;
}

const char *json_string(const cJSON *root, const char *path)
{
	return cJSON_GetStringValue(json_at(root, path));
}

int64_t json_int(const cJSON *root, const char *path, int64_t fallback)
{
	const cJSON *item = json_at(root, path);
	/* Beyond 2^53 a double is no whole number that anybody meant. */
	if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= 9007199254740992.0) ||
	    item->valuedouble != floor(item->valuedouble))
		return fallback;
	return (int64_t)item->valuedouble;
}

bool json_true(const cJSON *root, const char *path)
{
	return cJSON_IsTrue(json_at(root, path));
}

const char *json_label(const cJSON *labels, const char *name)
{
	const char *value = cJSON_GetStringValue(json_member(labels, name));
	return value ? value : "";
}

const char *json_text(struct arena *a, cJSON *root)
{
	char *text = cJSON_PrintUnformatted(root);
	if (!text)
		abort();
	const char *kept = arena_strdup(a, text);
	cJSON_free(text);
	cJSON_Delete(root);
	return kept;
}

static enum err_kind kind_of_status(int status)
{
	static const struct { int status; enum err_kind kind; } kinds[] = {
		{400, ERR_INVALID}, {401, ERR_DENIED},   {403, ERR_DENIED},
		{404, ERR_NOT_FOUND}, {409, ERR_CONFLICT}, {429, ERR_TRANSIENT},
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].status == status)
			return kinds[i].kind;
	return status >= 500 ? ERR_TRANSIENT : ERR_INTERNAL;
}

/* "GET /containers/json", for messages. */
static const char *called(const struct call *c, char out[160])
{
	snprintf(out, 160, "%s %.*s", c->method ? c->method : "GET", (int)strcspn(c->path, "?"), c->path);
	return out;
}

/* The engine's own words, on one line. */
static void set_refusal(struct call *c, const struct buf *answer)
{
	char name[160];
	cJSON *json = cJSON_ParseWithLength(answer->text, answer->length);
	const char *message = json_string(json, "message");
	if (message && *message)
		err_set(&c->err, kind_of_status(c->status), "%s", message);
	else
		err_set(&c->err, kind_of_status(c->status), "%s: the engine answered %d", called(c, name), c->status);
	cJSON_Delete(json);
	for (char *p = c->err.message; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	c->err.number = c->status;
	c->result = -1;
}

static void take_answer(struct call *c, struct request *r)
{
	char name[160];
	c->status = r->status;
	c->result = r->result;
	if (r->result < 0) {
		c->err = r->err;
	} else if ((r->status < 200 || r->status > 299) && r->status != 304) {
		set_refusal(c, &r->answer);
	} else if (c->is_raw) {
		c->text = r->answer;
		r->answer = BUF_INIT(0);
	} else if (r->answer.length && r->status != 304) {
		c->json = cJSON_ParseWithLength(r->answer.text, r->answer.length);
		/* "OK" is what some calls say in plain text; nobody asks for its content. */
		if (!c->json && (r->answer.text[0] == '{' || r->answer.text[0] == '[' || !c->method))
			c->result = err_set(&c->err, ERR_INTERNAL, "%s: the engine's answer is no JSON", called(c, name));
	}
	request_done(r);
}

void call_done(struct call *c)
{
	if (!c)
		return;
	cJSON_Delete(c->json);
	c->json = NULL;
	if (c->is_raw && c->text.text)
		buf_done(&c->text);
}

static void fill(const struct docker *d, struct arena *a, const char *url, const struct call *c, struct request *r)
{
	const char **headers = arena_alloc(a, 4 * sizeof *headers);
	size_t n = 0;
	if (c->body)
		headers[n++] = "Content-Type: application/json";
	if (c->read_body)
		headers[n++] = "Content-Type: application/x-tar";
	if (c->registry_config)
		headers[n++] = arena_printf(a, "X-Registry-Config: %s", c->registry_config);
	if (c->registry_auth)
		headers[n++] = arena_printf(a, "X-Registry-Auth: %s", c->registry_auth);
	*r = (struct request){
		.method = c->method,
		.url = url,
		.unix_socket = d->unix_socket[0] ? d->unix_socket : NULL,
		.headers = headers,
		.body = c->body,
		.body_length = c->body ? strlen(c->body) : 0,
		.read_body = c->read_body,
		.body_context = c->body_context,
		.timeout_ms = c->timeout_ms ? c->timeout_ms : CALL_TIMEOUT_MS,
		.stall_timeout_ms = c->stall_timeout_ms,
		.max_answer = c->max_answer,
	};
}

/* A read that broke off (the engine closes idle connections, and restarts) is asked once more; a time-out is not. */
static bool is_worth_again(const struct call *c, const struct request *r)
{
	return !c->method && r->result < 0 && r->err.kind == ERR_TRANSIENT && r->err.number == ECONNRESET;
}

/* "/v1.41"; nothing before it is negotiated. */
static const char *version_of(const struct docker *d, struct arena *a, const struct call *c)
{
	int minor = c->api_wanted > d->api_minor && c->api_wanted <= d->api_newest ? c->api_wanted : d->api_minor;
	return d->api_minor ? arena_printf(a, "/v1.%d", minor) : "";
}

static void prepare(const struct docker *d, struct arena *a, struct call *c, struct request *r)
{
	c->json = NULL;
	c->text = BUF_INIT(0);
	fill(d, a, arena_printf(a, "%s%s%s", d->base, version_of(d, a, c), c->path), c, r);
}

static void perform(struct docker *d, struct arena *a, struct call *calls, size_t count)
{
	struct request *requests = arena_alloc(a, count * sizeof *requests);
	for (size_t i = 0; i < count; i++)
		prepare(d, a, &calls[i], &requests[i]);
	http_perform(d->http, requests, count);
	for (size_t i = 0; i < count; i++) {
		if (is_worth_again(&calls[i], &requests[i])) {
			request_done(&requests[i]);
			http_perform(d->http, &requests[i], 1);
		}
		take_answer(&calls[i], &requests[i]);
	}
}

/* "1.41" -> 41; 0 for what is no version of ours. */
static int minor_of(const char *version)
{
	int major = 0, minor = 0;
	return version && sscanf(version, "%d.%d", &major, &minor) == 2 && major == 1 ? minor : 0;
}

/* Asks /version. ERR_UNREACHABLE, or ERR_CONFLICT when there is no version that both speak. */
static int negotiate(struct docker *d, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(call_done) struct call c = {.path = "/version"};
	d->api_minor = 0;
	perform(d, &a, &c, 1);
	if (c.result < 0) {
		*e = c.err;
		return -1;
	}
	const char *newest = json_string(c.json, "ApiVersion"), *oldest = json_string(c.json, "MinAPIVersion");
	int most = minor_of(newest), least = minor_of(oldest);
	if (!most)
		return err_set(e, ERR_INTERNAL, "GET /version: ApiVersion is missing or no version");
	if (most < API_OLDEST)
		return err_set(e, ERR_CONFLICT, "the engine speaks API %s at most, and 1.%d is needed: upgrade Docker to 19.03 or later",
		               newest, API_OLDEST);
	d->api_newest = most;
	d->api_minor = most < API_WANTED ? most : API_WANTED;
	if (d->api_minor < least)
		d->api_minor = least;
	return 0;
}

/* Not even the version could be asked. */
static void fail_unasked(struct call *c, const struct err *e)
{
	c->result = -1;
	c->err = *e;
	c->status = 0;
	c->json = NULL;
	c->text = BUF_INIT(0);
}

void client_perform(struct docker *d, struct arena *a, struct call *calls, size_t count)
{
	struct err e;
	if (d->api_minor || negotiate(d, &e) == 0) {
		perform(d, a, calls, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		fail_unasked(&calls[i], &e);
}

void client_begin(struct docker *d, struct arena *a, struct exchange *x, struct call *c)
{
	struct err e;
	*x = (struct exchange){.call = c};
	if (!d->api_minor && negotiate(d, &e) < 0) {
		fail_unasked(c, &e);
		x->is_answered = true;
		return;
	}
	prepare(d, a, c, &x->request);
	http_begin(d->http, &x->request);
}

bool client_has_ended(struct docker *d, struct exchange *x)
{
	if (x->is_answered || x->request.is_in_flight)
		return x->is_answered;
	if (!x->is_second && is_worth_again(x->call, &x->request)) {
		x->is_second = true;
		request_done(&x->request);
		http_begin(d->http, &x->request);
		return false;
	}
	take_answer(x->call, &x->request);
	x->is_answered = true;
	return true;
}
