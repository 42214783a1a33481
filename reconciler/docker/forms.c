/*
 * How values are written in the engine's JSON, and read back: one row for each engine form. Numbers are written as text
 * of our own: cJSON prints large doubles with an exponent, which the engine does not take for a size.
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "docker/body.h"
#include "docker/client.h"

/* --- to the engine --- */

static cJSON *number(int64_t n)
{
	char text[32];
	snprintf(text, sizeof text, "%" PRId64, n);
	return cJSON_CreateRaw(text);
}

static cJSON *plain(const struct value *v)
{
	cJSON *out;
	switch (v->kind) {
	case VALUE_BOOL: return cJSON_CreateBool(v->boolean);
	case VALUE_INT: return number(v->integer);
	case VALUE_STRING: return cJSON_CreateString(v->string);
	case VALUE_LIST:
		out = cJSON_CreateArray();
		for (size_t i = 0; i < v->count; i++)
			cJSON_AddItemToArray(out, plain(&v->items[i]));
		return out;
	case VALUE_MAP:
		out = cJSON_CreateObject();
		for (size_t i = 0; i < v->count; i++)
			cJSON_AddItemToObject(out, v->keys[i], plain(&v->items[i]));
		return out;
	case VALUE_UNSET: break;
	}
	return cJSON_CreateNull();
}

static cJSON *seconds(const struct value *v)
{
	return number((v->integer + 999) / 1000);
}

static cJSON *environment(const struct value *v)
{
	cJSON *out = cJSON_CreateArray();
	for (size_t i = 0; i < v->count; i++) {
		struct buf line = BUF_INIT(1 << 20);
		const struct value *item = &v->items[i];
		buf_puts(&line, v->keys[i]);
		if (item->kind == VALUE_STRING)
			buf_printf(&line, "=%s", item->string);
		else if (item->kind != VALUE_UNSET) {
			buf_puts(&line, "=");
			value_print(&line, item, false);
		}
		cJSON_AddItemToArray(out, cJSON_CreateString(line.text));
		buf_done(&line);
	}
	return out;
}

static cJSON *keys(const struct value *v)
{
	cJSON *out = cJSON_CreateObject();
	for (size_t i = 0; i < v->count; i++)
		if (v->items[i].kind == VALUE_STRING && !cJSON_HasObjectItem(out, v->items[i].string))
			cJSON_AddItemToObject(out, v->items[i].string, cJSON_CreateObject());
	return out;
}

static cJSON *restart(const struct value *v)
{
	cJSON *out = cJSON_CreateObject();
	const char *text = v->kind == VALUE_STRING ? v->string : "no";
	size_t name = strcspn(text, ":");
	char word[32];
	snprintf(word, sizeof word, "%.*s", (int)name, text);
	cJSON_AddStringToObject(out, "Name", word);
	cJSON_AddItemToObject(out, "MaximumRetryCount", number(text[name] ? strtoll(text + name + 1, NULL, 10) : 0));
	return out;
}

/* The first n bytes of text. */
static void add_part(cJSON *to, const char *name, const char *text, size_t n)
{
	char *part = strndup(text, n);
	if (!part)
		abort();
	cJSON_AddStringToObject(to, name, part);
	free(part);
}

/* "[ip:][host]:80/tcp", and "80/tcp" alone for any free port. An IPv6 address stands in brackets. */
static void add_port(cJSON *to, const char *text)
{
	const char *target = strrchr(text, ':'), *host = text;
	target = target ? target + 1 : text;
	const char *host_end = target > text ? target - 1 : text;
	for (const char *c = text; c < host_end; c++)
		if (*c == ':' && (text[0] != '[' || c > strchr(text, ']')))
			host = c + 1;
	size_t ip = host > text ? (size_t)(host - text - 1) : 0, brackets = ip && text[0] == '[';
	cJSON *bindings = cJSON_GetObjectItemCaseSensitive(to, target), *binding = cJSON_CreateObject();
	if (!bindings)
		bindings = cJSON_AddArrayToObject(to, target);
	add_part(binding, "HostIp", text + brackets, ip - 2 * brackets);
	add_part(binding, "HostPort", host, (size_t)(host_end - host));
	cJSON_AddItemToArray(bindings, binding);
}

static cJSON *ports(const struct value *v)
{
	cJSON *out = cJSON_CreateObject();
	for (size_t i = 0; i < v->count; i++)
		add_port(out, v->items[i].string);
	return out;
}

static cJSON *mounts(const struct value *v)
{
	cJSON *out = cJSON_CreateObject(), *lists[] = {NULL, NULL};
	static const char *const names[] = {"Binds", "Mounts"};
	for (size_t i = 0; i < v->count; i++) {
		int which = v->items[i].kind == VALUE_MAP;
		if (!lists[which])
			lists[which] = cJSON_AddArrayToObject(out, names[which]);
		cJSON_AddItemToArray(lists[which], plain(&v->items[i]));
	}
	return out;
}

static cJSON *devices(const struct value *v)
{
	static const char *const names[] = {"PathOnHost", "PathInContainer", "CgroupPermissions"};
	cJSON *out = cJSON_CreateArray();
	for (size_t i = 0; i < v->count; i++) {
		cJSON *device = cJSON_CreateObject();
		const char *text = v->items[i].string;
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			size_t n = strcspn(text, ":");
			add_part(device, names[k], text, n);
			text += n + (text[n] == ':');
		}
		cJSON_AddItemToArray(out, device);
	}
	return out;
}

static cJSON *ulimits(const struct value *v)
{
	static const char *const names[] = {"Soft", "Hard"}, *const keys_of[] = {"soft", "hard"};
	cJSON *out = cJSON_CreateArray();
	for (size_t i = 0; i < v->count; i++) {
		cJSON *limit = cJSON_CreateObject();
		cJSON_AddStringToObject(limit, "Name", v->keys[i]);
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			const struct value *n = value_get(&v->items[i], keys_of[k]);
			cJSON_AddItemToObject(limit, names[k], number(n ? n->integer : 0));
		}
		cJSON_AddItemToArray(out, limit);
	}
	return out;
}

/* --- and back --- */

struct value body_plain(struct arena *a, const cJSON *item)
{
	struct value out = {0};
	const cJSON *child;
	if (cJSON_IsBool(item))
		return value_bool(cJSON_IsTrue(item));
	if (cJSON_IsString(item))
		return item->valuestring[0] ? value_string(arena_strdup(a, item->valuestring)) : out;
	if (cJSON_IsNumber(item)) {
		int64_t n = json_int(item, "", 0);
		return n ? value_int(n) : out;
	}
	if (cJSON_IsArray(item))
		cJSON_ArrayForEach(child, item)
			value_push(a, &out, body_plain(a, child));
	if (cJSON_IsObject(item))
		cJSON_ArrayForEach(child, item)
			value_set(a, &out, arena_strdup(a, child->string), body_plain(a, child));
	return out;
}

static struct value read_seconds(struct arena *a, const cJSON *item)
{
	(void)a;
	int64_t n = json_int(item, "", 0);
	return n > 0 && n < INT64_MAX / 1000 ? value_int(n * 1000) : (struct value){0};
}

static struct value read_environment(struct arena *a, const cJSON *item)
{
	struct value out = {0};
	const cJSON *child;
	if (cJSON_IsArray(item))
		cJSON_ArrayForEach(child, item) {
			const char *line = cJSON_GetStringValue(child);
			size_t n = line ? strcspn(line, "=") : 0;
			if (line)
				value_set(a, &out, arena_strndup(a, line, n),
				          line[n] ? value_string(arena_strdup(a, line + n + 1)) : (struct value){0});
		}
	return out;
}

static struct value read_keys(struct arena *a, const cJSON *item)
{
	struct value out = {0};
	const cJSON *child;
	if (cJSON_IsObject(item))
		cJSON_ArrayForEach(child, item)
			value_push(a, &out, value_string(arena_strdup(a, child->string)));
	return out;
}

static struct value read_restart(struct arena *a, const cJSON *item)
{
	const char *name = json_string(item, "Name");
	int64_t retries = json_int(item, "MaximumRetryCount", 0);
	if (!name)
		return (struct value){0};
	if (strcmp(name, "on-failure") == 0 && retries > 0)
		return value_string(arena_printf(a, "on-failure:%" PRId64, retries));
	return value_string(name[0] ? arena_strdup(a, name) : "no");
}

/* Only what is changed on a running container is ever read back. */
static const struct form {
	cJSON *(*write)(const struct value *v);
	struct value (*read)(struct arena *a, const cJSON *item);
} forms[ENGINE_FORM_COUNT] = {
	[ENGINE_PLAIN] = {plain, body_plain},
	[ENGINE_SECONDS] = {seconds, read_seconds},
	[ENGINE_ENV] = {environment, read_environment},
	[ENGINE_KEYS] = {keys, read_keys},
	[ENGINE_RESTART] = {restart, read_restart},
	[ENGINE_PORTS] = {ports, NULL},
	[ENGINE_MOUNTS] = {mounts, NULL},
	[ENGINE_DEVICES] = {devices, NULL},
	[ENGINE_ULIMITS] = {ulimits, NULL},
};

bool body_has(enum engine_form form)
{
	return forms[form].write != NULL;
}

cJSON *body_value(const struct field *row, const struct value *v)
{
	return forms[row->form].write(v);
}

struct value body_read(struct arena *a, const struct field *row, const cJSON *inspect)
{
	/* What stands at the top of the create body stands under Config in the answer. */
	const cJSON *root = strncmp(row->engine, "HostConfig.", 11) == 0 ? inspect : json_at(inspect, "Config");
	const cJSON *item = forms[row->form].read ? json_at(root, row->engine) : NULL;
	return item ? forms[row->form].read(a, item) : (struct value){0};
}
