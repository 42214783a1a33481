/*
 * A service to JSON and back: how the last good one is kept in the notes. Lossless, secrets and their flags included,
 * so the file that holds it must be readable by its owner only.
 *
 * A value is written as plain JSON where JSON can say it. Where it cannot, an object with one key does: {"map": {...}},
 * {"int": "9223372036854775807"} (JSON numbers are doubles), {"secret": value}.
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "desired/fields.h"
#include "desired/manifest.h"
#include "desired/units.h"

#define EXACT (INT64_C(1) << 53)

enum text_type { TEXT_STRING, TEXT_INT, TEXT_INT64, TEXT_BOOL, TEXT_STRATEGY, TEXT_PULL };

/* Everything of struct service but the revision, the spec and the lists. */
static const struct part {
	const char *name;
	enum text_type type;
	size_t offset;
} parts[] = {
#define PART(name, type) {#name, TEXT_##type, offsetof(struct service, name)}
	PART(project, STRING), PART(name, STRING), PART(container_name, STRING), PART(image, STRING), PART(pull, PULL),
	PART(replicas, INT), PART(has_healthcheck, BOOL), PART(is_job, BOOL), PART(may_end, BOOL), PART(stop_grace_ms, INT64),
	PART(strategy, STRATEGY), PART(strategy_reason, STRING), PART(batch, INT), PART(back_batch, INT),
	PART(ready.http_port, INT), PART(ready.path, STRING), PART(ready.status, INT), PART(ready.body, STRING),
	PART(ready.tcp_port, INT), PART(ready.within_ms, INT64), PART(ready.for_ms, INT64), PART(smoke.http_port, INT),
	PART(smoke.path, STRING), PART(smoke.status, INT), PART(smoke.body, STRING), PART(smoke.within_ms, INT64), PART(hold_ms, INT64),
	PART(keep_old_ms, INT64), PART(rollback_window, INT), PART(pause_after, INT), PART(drain_timeout_ms, INT64),
	PART(is_routed, BOOL),
#undef PART
};

static const char *const pulls[] = {[PULL_MISSING] = "missing", [PULL_ALWAYS] = "always", [PULL_NEVER] = "never"};
static const char *const conditions[] = {
	[CONDITION_STARTED] = "started", [CONDITION_HEALTHY] = "healthy", [CONDITION_COMPLETED] = "completed",
};

/* --- to text --- */

static cJSON *wrap(const char *key, cJSON *inside)
{
	cJSON *object = cJSON_CreateObject();
	cJSON_AddItemToObject(object, key, inside);
	return object;
}

static cJSON *int_to_json(int64_t n)
{
	char text[32];
	if (n > -EXACT && n < EXACT)
		return cJSON_CreateNumber((double)n);
	snprintf(text, sizeof text, "%" PRId64, n);
	return wrap("int", cJSON_CreateString(text));
}

static cJSON *value_to_json(const struct value *v)
{
	cJSON *json = NULL;
	switch (v->kind) {
	case VALUE_UNSET: json = cJSON_CreateNull(); break;
	case VALUE_BOOL: json = cJSON_CreateBool(v->boolean); break;
	case VALUE_INT: json = int_to_json(v->integer); break;
	case VALUE_STRING: json = cJSON_CreateString(v->string); break;
	case VALUE_LIST:
		json = cJSON_CreateArray();
		for (size_t i = 0; i < v->count; i++)
			cJSON_AddItemToArray(json, value_to_json(&v->items[i]));
		break;
	case VALUE_MAP:
		json = cJSON_CreateObject();
		for (size_t i = 0; i < v->count; i++)
			cJSON_AddItemToObject(json, v->keys[i], value_to_json(&v->items[i]));
		json = wrap("map", json);
		break;
	}
	return v->secret ? wrap("secret", json) : json;
}

static cJSON *part_to_json(const struct service *s, const struct part *part)
{
	const char *at = (const char *)s + part->offset;
	switch (part->type) {
	case TEXT_STRING: {
		const char *text = *(const char *const *)(const void *)at;
		return text ? cJSON_CreateString(text) : cJSON_CreateNull();
	}
	case TEXT_INT: return cJSON_CreateNumber(*(const int *)(const void *)at);
	case TEXT_INT64: return int_to_json(*(const int64_t *)(const void *)at);
	case TEXT_BOOL: return cJSON_CreateBool(*(const bool *)(const void *)at);
	case TEXT_STRATEGY: return cJSON_CreateString(strategy_names[*(const enum strategy *)(const void *)at]);
	case TEXT_PULL: return cJSON_CreateString(pulls[*(const enum pull_policy *)(const void *)at]);
	}
	return NULL;
}

void service_print(struct buf *out, const struct service *s)
{
	cJSON *root = cJSON_CreateObject();
	cJSON_AddStringToObject(root, "revision", s->revision);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		cJSON_AddItemToObject(root, parts[i].name, part_to_json(s, &parts[i]));
	cJSON *list = cJSON_AddArrayToObject(root, "volumes");
	for (size_t i = 0; i < s->volumes_count; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(s->volumes[i]));
	list = cJSON_AddArrayToObject(root, "dependencies");
	for (size_t i = 0; i < s->dependencies_count; i++) {
		cJSON *item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "service", s->dependencies[i].service);
		cJSON_AddStringToObject(item, "condition", conditions[s->dependencies[i].condition]);
		if (s->dependencies[i].is_optional)
			cJSON_AddTrueToObject(item, "optional");
		cJSON_AddItemToArray(list, item);
	}
	cJSON *spec = cJSON_AddObjectToObject(root, "spec");
	for (size_t i = 0; i < s->spec.count; i++)
		if (s->spec.values[i].kind != VALUE_UNSET)
			cJSON_AddItemToObject(spec, s->spec.rows[i]->path, value_to_json(&s->spec.values[i]));
	char *text = cJSON_PrintUnformatted(root);
	cJSON_Delete(root);
	if (!text)
		abort(); /* out of memory, as in the arena */
	buf_puts(out, text);
	cJSON_free(text);
}

/* --- and back --- */

static bool json_to_int(const cJSON *json, int64_t *out)
{
	const cJSON *wide = cJSON_IsObject(json) ? json->child : NULL;
	if (wide && strcmp(wide->string, "int") == 0 && cJSON_IsString(wide))
		return units_int(wide->valuestring, out);
	if (!cJSON_IsNumber(json) || json->valuedouble <= -(double)EXACT || json->valuedouble >= (double)EXACT)
		return false;
	*out = (int64_t)json->valuedouble;
	return (double)*out == json->valuedouble;
}

static bool json_to_value(const cJSON *json, struct arena *a, struct value *out)
{
	const cJSON *item, *inside = cJSON_IsObject(json) ? json->child : NULL;
	if (inside && inside->next)
		return false;
	if (inside && strcmp(inside->string, "secret") == 0) {
		bool is_good = json_to_value(inside, a, out);
		out->secret = true;
		return is_good;
	}
	if (inside && strcmp(inside->string, "map") == 0 && cJSON_IsObject(inside)) {
		out->kind = VALUE_MAP;
		cJSON_ArrayForEach(item, inside) {
			struct value v = {0};
			if (!json_to_value(item, a, &v))
				return false;
			value_set(a, out, arena_strdup(a, item->string), v);
		}
		return true;
	}
	if (cJSON_IsArray(json)) {
		out->kind = VALUE_LIST;
		cJSON_ArrayForEach(item, json) {
			struct value v = {0};
			if (!json_to_value(item, a, &v))
				return false;
			value_push(a, out, v);
		}
		return true;
	}
	if (cJSON_IsString(json))
		*out = value_string(arena_strdup(a, json->valuestring));
	else if (cJSON_IsBool(json))
		*out = value_bool(cJSON_IsTrue(json));
	else if (!cJSON_IsNull(json)) {
		*out = value_int(0);
		return json_to_int(json, &out->integer);
	}
	return true;
}

static bool word_index(const cJSON *json, const char *const *words, size_t count, int *out)
{
	for (size_t i = 0; cJSON_IsString(json) && i < count; i++) {
		if (strcmp(json->valuestring, words[i]) == 0) {
			*out = (int)i;
			return true;
		}
	}
	return false;
}

static bool json_to_part(const cJSON *json, const struct part *part, struct arena *a, struct service *s)
{
	char *at = (char *)s + part->offset;
	int64_t n;
	int index;
	switch (part->type) {
	case TEXT_STRING:
		*(const char **)(void *)at = cJSON_IsString(json) ? arena_strdup(a, json->valuestring) : NULL;
		return cJSON_IsString(json) || cJSON_IsNull(json);
	case TEXT_INT:
		if (!json_to_int(json, &n) || n < INT32_MIN || n > INT32_MAX)
			return false;
		*(int *)(void *)at = (int)n;
		return true;
	case TEXT_INT64:
		return json_to_int(json, (int64_t *)(void *)at);
	case TEXT_BOOL:
		*(bool *)(void *)at = cJSON_IsTrue(json);
		return cJSON_IsBool(json);
	case TEXT_STRATEGY:
		if (!word_index(json, strategy_names, STRATEGY_COUNT, &index))
			return false;
		*(enum strategy *)(void *)at = (enum strategy)index;
		return true;
	case TEXT_PULL:
		if (!word_index(json, pulls, ARRAY_LEN(pulls), &index))
			return false;
		*(enum pull_policy *)(void *)at = (enum pull_policy)index;
		return true;
	}
	return false;
}

static int read_lists(const cJSON *root, struct arena *a, struct service *s, struct err *e)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "volumes")) {
		if (!cJSON_IsString(item))
			return err_set(e, ERR_INVALID, "volumes: not a list of names");
		*ARENA_PUSH(a, s->volumes, s->volumes_count) = arena_strdup(a, item->valuestring);
	}
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "dependencies")) {
		const cJSON *name = cJSON_GetObjectItemCaseSensitive(item, "service");
		int index;
		if (!cJSON_IsString(name) ||
		    !word_index(cJSON_GetObjectItemCaseSensitive(item, "condition"), conditions, ARRAY_LEN(conditions), &index))
			return err_set(e, ERR_INVALID, "dependencies: not a list of services and conditions");
		struct dependency made = {.service = arena_strdup(a, name->valuestring), .condition = (enum condition)index};
		made.is_optional = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "optional"));
		*ARENA_PUSH(a, s->dependencies, s->dependencies_count) = made;
	}
	return 0;
}

static int read_spec(const cJSON *root, struct arena *a, struct service *s, struct err *e)
{
	size_t count;
	const struct field *const *rows = fields_rows(&count);
	struct value *values = arena_alloc(a, count * sizeof *values);
	const cJSON *item, *spec = cJSON_GetObjectItemCaseSensitive(root, "spec");
	if (!cJSON_IsObject(spec))
		return err_set(e, ERR_INVALID, "spec: is missing");
	cJSON_ArrayForEach(item, spec) {
		size_t i = 0;
		while (i < count && strcmp(rows[i]->path, item->string) != 0)
			i++;
		if (i == count)
			return err_set(e, ERR_INVALID, "spec: unknown field '%.60s'", item->string);
		if (!json_to_value(item, a, &values[i]))
			return err_set(e, ERR_INVALID, "spec: %s: is no value", item->string);
	}
	s->spec = (struct spec){.rows = rows, .values = values, .count = count};
	return 0;
}

static int read_service(const cJSON *root, struct arena *a, struct service *s, struct err *e)
{
	const cJSON *item, *revision = cJSON_GetObjectItemCaseSensitive(root, "revision");
	static const char *const others[] = {"revision", "volumes", "dependencies", "spec"};
	if (!cJSON_IsString(revision) || strlen(revision->valuestring) > REVISION_LENGTH)
		return err_set(e, ERR_INVALID, "revision: is missing");
	memcpy(s->revision, revision->valuestring, strlen(revision->valuestring));
	cJSON_ArrayForEach(item, root) {
		size_t i = 0;
		int index;
		cJSON name = {.type = cJSON_String, .valuestring = item->string};
		if (word_index(&name, others, ARRAY_LEN(others), &index))
			continue;
		while (i < ARRAY_LEN(parts) && strcmp(parts[i].name, item->string) != 0)
			i++;
		if (i == ARRAY_LEN(parts))
			return err_set(e, ERR_INVALID, "unknown member '%.60s'", item->string);
		if (!json_to_part(item, &parts[i], a, s))
			return err_set(e, ERR_INVALID, "%s: is no such value", parts[i].name);
	}
	if (!s->project || !s->name || !s->image)
		return err_set(e, ERR_INVALID, "project, name or image: is missing");
	if (read_lists(root, a, s, e) < 0 || read_spec(root, a, s, e) < 0)
		return -1;
	steps_take(s, a);
	analysis_take(s);
	return 0;
}

int service_parse(const char *text, struct arena *a, struct service *out, struct err *e)
{
	struct service made = {0};
	cJSON *root = cJSON_Parse(text);
	int result = cJSON_IsObject(root) ? read_service(root, a, &made, e) : err_set(e, ERR_INVALID, "is no JSON object");
	cJSON_Delete(root);
	if (result < 0)
		return err_wrap(e, "service");
	*out = made;
	return 0;
}
