/*
 * The rows of the field table, written to and read from the engine's JSON. Numbers are written as text of our own:
 * cJSON prints large doubles with an exponent, which the engine does not take for a size.
 */
#include "docker/body.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "docker/client.h"

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

static cJSON *(*const writers[])(const struct value *) = {
	[ENGINE_PLAIN] = plain, [ENGINE_SECONDS] = seconds, [ENGINE_ENV] = environment,
	[ENGINE_KEYS] = keys,   [ENGINE_RESTART] = restart,
};

cJSON *body_value(const struct field *row, const struct value *v)
{
	return writers[row->form](v);
}

/* Adds what from holds to `to`, both objects or both lists; from is deleted. */
static void merge(cJSON *to, cJSON *from)
{
	while (from->child) {
		cJSON *item = cJSON_DetachItemViaPointer(from, from->child);
		if (cJSON_IsArray(to)) {
			cJSON_AddItemToArray(to, item);
			continue;
		}
		char *name = strdup(item->string);
		if (!name)
			abort();
		cJSON_DeleteItemFromObjectCaseSensitive(to, name);
		cJSON_AddItemToObject(to, name, item);
		free(name);
	}
	cJSON_Delete(from);
}

void body_put(cJSON *root, const char *path, cJSON *item)
{
	char name[128];
	for (;;) {
		size_t n = strcspn(path, ".");
		snprintf(name, sizeof name, "%.*s", (int)n, path);
		cJSON *there = cJSON_GetObjectItemCaseSensitive(root, name);
		if (path[n]) {
			if (!cJSON_IsObject(there)) {
				cJSON_DeleteItemFromObjectCaseSensitive(root, name);
				there = cJSON_AddObjectToObject(root, name);
			}
			root = there;
			path += n + 1;
		} else if ((cJSON_IsObject(there) && cJSON_IsObject(item)) || (cJSON_IsArray(there) && cJSON_IsArray(item))) {
			merge(there, item);
			return;
		} else {
			cJSON_DeleteItemFromObjectCaseSensitive(root, name);
			cJSON_AddItemToObject(root, name, item);
			return;
		}
	}
}

static cJSON *labels_of(struct arena *a, const struct action *action, const char *instance_id)
{
	const struct { const char *name, *value; } labels[] = {
		{LABEL_PROJECT, action->spec->project},
		{LABEL_SERVICE, action->spec->name},
		{LABEL_NUMBER, arena_printf(a, "%d", action->number)},
		{"com.docker.compose.oneoff", "False"},
		{"com.docker.compose.config-hash", action->spec->revision},
		{LABEL_REVISION, action->spec->revision},
		{LABEL_INSTANCE, instance_id},
	};
	cJSON *out = cJSON_CreateObject();
	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		cJSON_AddStringToObject(out, labels[i].name, labels[i].value);
	return out;
}

/* The project's own network under the service's name, unless the manifest asks for another mode ("host", "none"). */
static void join_network(struct arena *a, cJSON *root, const struct service *s)
{
	const char *network = arena_printf(a, "%s_default", s->project);
	if (json_at(root, "HostConfig.NetworkMode"))
		return;
	body_put(root, "HostConfig.NetworkMode", cJSON_CreateString(network));
	cJSON *endpoints = cJSON_CreateObject(), *endpoint = cJSON_AddObjectToObject(endpoints, network);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(endpoint, "Aliases"), cJSON_CreateString(s->name));
	body_put(root, "NetworkingConfig.EndpointsConfig", endpoints);
}

const char *body_create(struct arena *a, const struct action *action, const char *instance_id)
{
	const struct spec *spec = &action->spec->spec;
	cJSON *root = cJSON_CreateObject();
	for (size_t i = 0; i < spec->count; i++) {
		const struct field *row = spec->rows[i];
		const struct value *v = &spec->values[i];
		if (row->form == ENGINE_NONE || v->kind == VALUE_UNSET || (row->form == ENGINE_ENV && !v->count))
			continue;
		body_put(root, row->engine, body_value(row, v));
	}
	if (!json_at(root, "Image"))
		body_put(root, "Image", cJSON_CreateString(action->spec->image));
	body_put(root, "Labels", labels_of(a, action, instance_id));
	join_network(a, root, action->spec);
	return json_text(a, root);
}

static struct value read_plain(struct arena *a, const cJSON *item)
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
			value_push(a, &out, read_plain(a, child));
	if (cJSON_IsObject(item))
		cJSON_ArrayForEach(child, item)
			value_set(a, &out, arena_strdup(a, child->string), read_plain(a, child));
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

static struct value (*const readers[])(struct arena *, const cJSON *) = {
	[ENGINE_PLAIN] = read_plain, [ENGINE_SECONDS] = read_seconds, [ENGINE_ENV] = read_environment,
	[ENGINE_KEYS] = read_keys,   [ENGINE_RESTART] = read_restart,
};

struct value body_read(struct arena *a, const struct field *row, const cJSON *inspect)
{
	/* What stands at the top of the create body stands under Config in the answer. */
	const cJSON *root = strncmp(row->engine, "HostConfig.", 11) == 0 ? inspect : json_at(inspect, "Config");
	const cJSON *item = json_at(root, row->engine);
	return item ? readers[row->form](a, item) : (struct value){0};
}
