/* The body of a new container: the rows of the field table, each in its form, and what is ours. */
#include "docker/body.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "docker/client.h"

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

static void label_addresses(struct arena *a, const struct action *action, cJSON *labels)
{
	for (size_t i = 0; i < action->endpoints_count; i++)
		if (*action->endpoints[i].address)
			cJSON_AddStringToObject(labels, arena_printf(a, "%s%s", LABEL_ADDRESS, action->endpoints[i].network),
			                        action->endpoints[i].address);
}

static void label_ports(struct arena *a, const struct value *ports, cJSON *labels)
{
	const char *text = "";
	for (size_t i = 0; ports && i < ports->count; i++)
		text = arena_printf(a, "%s%s%d", text, i ? "," : "", (int)ports->items[i].integer);
	if (*text)
		cJSON_AddStringToObject(labels, LABEL_PORTS, text);
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
	label_addresses(a, action, out);
	label_ports(a, action->ports, out);
	if (action->port)
		cJSON_AddStringToObject(out, LABEL_LOOPBACK, action->address);
	return out;
}

/* On 127.0.0.1, beside what the manifest publishes. */
static void publish_on_loopback(struct arena *a, cJSON *root, const struct action *action)
{
	const char *port = arena_printf(a, "%d/tcp", action->port);
	cJSON *bindings = cJSON_CreateObject(), *exposed = cJSON_CreateObject(), *one = cJSON_CreateObject();
	cJSON *published = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, "HostConfig"), "PortBindings");
	cJSON *same = cJSON_DetachItemFromObjectCaseSensitive(published, port);
	cJSON_AddStringToObject(one, "HostIp", "127.0.0.1");
	cJSON_AddStringToObject(one, "HostPort", strchr(action->address, ':') + 1);
	cJSON_AddItemToObject(bindings, port, same ? same : cJSON_CreateArray());
	cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(bindings, port), one);
	cJSON_AddItemToObject(exposed, port, cJSON_CreateObject());
	body_put(root, "HostConfig.PortBindings", bindings);
	body_put(root, "ExposedPorts", exposed);
}

cJSON *body_endpoint(const struct action *action, const struct attachment *at)
{
	const struct endpoint *place = endpoint_find(action->endpoints, action->endpoints_count, at->network);
	cJSON *endpoint = cJSON_CreateObject(), *aliases = cJSON_AddArrayToObject(endpoint, "Aliases");
	bool is_named = !place || place->has_alias;
	const struct value *more = is_named ? value_get(at->how, "aliases") : NULL;
	static const struct { const char *key, *path; } addresses[] = {
		{"ipv4_address", "IPAMConfig.IPv4Address"}, {"ipv6_address", "IPAMConfig.IPv6Address"},
	};
	if (is_named)
		cJSON_AddItemToArray(aliases, cJSON_CreateString(action->spec->name));
	for (size_t i = 0; more && i < more->count; i++)
		cJSON_AddItemToArray(aliases, cJSON_CreateString(more->items[i].string));
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		const struct value *address = value_get(at->how, addresses[i].key);
		if (address)
			body_put(endpoint, addresses[i].path, cJSON_CreateString(address->string));
	}
	bool is_traffic = action->network && strcmp(action->network, at->network) == 0;
	const char *fixed = is_traffic ? action->address : place ? place->address : NULL;
	if (fixed && *fixed)
		body_put(endpoint, "IPAMConfig.IPv4Address", cJSON_CreateString(fixed));
	return endpoint;
}

/* Before API 1.44 a container is made on one network; act_create connects it to the others. */
static void join_network(struct arena *a, cJSON *root, const struct action *action)
{
	struct attachment *networks;
	if (service_networks(action->spec, a, &networks) == 0)
		return;
	body_put(root, "HostConfig.NetworkMode", cJSON_CreateString(networks[0].network));
	cJSON *endpoints = cJSON_CreateObject();
	cJSON_AddItemToObject(endpoints, networks[0].network, body_endpoint(action, &networks[0]));
	body_put(root, "NetworkingConfig.EndpointsConfig", endpoints);
}

const char *body_query(struct arena *a, const struct spec *spec)
{
	const char *out = "";
	for (size_t i = 0; i < spec->count; i++)
		if (spec->rows[i]->form == ENGINE_QUERY && spec->values[i].kind == VALUE_STRING)
			out = arena_printf(a, "%s&%s=%s", out, spec->rows[i]->engine, url_escape(a, spec->values[i].string));
	return out;
}

const char *body_create(struct arena *a, const struct action *action, const char *instance_id)
{
	const struct spec *spec = &action->spec->spec;
	cJSON *root = cJSON_CreateObject();
	for (size_t i = 0; i < spec->count; i++) {
		const struct field *row = spec->rows[i];
		const struct value *v = &spec->values[i];
		if (!body_has(row->form) || v->kind == VALUE_UNSET || (row->form == ENGINE_ENV && !v->count))
			continue;
		body_put(root, row->engine, body_value(row, v));
	}
	if (!json_at(root, "Image"))
		body_put(root, "Image", cJSON_CreateString(action->spec->image));
	body_put(root, "Labels", labels_of(a, action, instance_id));
	join_network(a, root, action);
	if (action->port)
		publish_on_loopback(a, root, action);
	if (action->shares)
		body_put(root, "HostConfig.NetworkMode", cJSON_CreateString(arena_printf(a, "container:%s", action->shares)));
	return json_text(a, root);
}
