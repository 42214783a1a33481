/*
 * The places of a container on the project's networks, as an inspect shows them. The one thing to know: a place that it
 * shall have and has not is there too, because the label with its address outlives it.
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "docker/body.h"
#include "docker/client.h"

static bool has_alias(const cJSON *endpoint, const char *alias)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, json_at(endpoint, "Aliases")) {
		const char *text = cJSON_GetStringValue(item);
		if (text && strcmp(text, alias) == 0)
			return true;
	}
	return false;
}

size_t endpoints_listed(struct arena *a, const cJSON *item, const struct endpoint **out)
{
	struct endpoint *all = NULL;
	size_t count = 0;
	const cJSON *endpoint;
	cJSON_ArrayForEach(endpoint, json_at(item, "NetworkSettings.Networks"))
		if (endpoint->string)
			*ARENA_PUSH(a, all, count) = (struct endpoint){.network = arena_strdup(a, endpoint->string), .address = "",
			                                               .is_there = true};
	*out = all;
	return count;
}

/* After a connect that failed an inspect shows the network all the same: without the id of an endpoint when the address
 * was taken; as if all were well when it could not be brought into the container. The list of containers has only what
 * went well. Of what does not run no id is ever shown. */
static bool is_connected(const cJSON *endpoint, const char *state, const struct endpoint *listed)
{
	const char *id = json_string(endpoint, "EndpointID");
	bool has_network = state && (strcmp(state, "running") == 0 || strcmp(state, "paused") == 0);
	return !has_network || (id && *id && listed && listed->is_there);
}

size_t endpoints_read(struct arena *a, const cJSON *inspect, const struct instance *i, const struct endpoint **out)
{
	const char *project = i->project, *service = i->service;
	const cJSON *labels = json_at(inspect, "Config.Labels"), *item;
	const char *traffic = arena_printf(a, "%s_reconcile", project), *state = json_string(inspect, "State.Status");
	struct endpoint *all = NULL;
	size_t count = 0, prefix = strlen(LABEL_ADDRESS);
	cJSON_ArrayForEach(item, json_at(inspect, "NetworkSettings.Networks")) {
		if (!item->string || strcmp(item->string, traffic) == 0)
			continue;
		struct endpoint *e = ARENA_PUSH(a, all, count);
		*e = (struct endpoint){.network = arena_strdup(a, item->string), .is_there = is_connected(item, state,
		                                         endpoint_find(i->endpoints, i->endpoints_count, item->string))};
		e->has_alias = e->is_there && has_alias(item, service);
		e->address = arena_strdup(a, json_label(labels, arena_printf(a, "%s%s", LABEL_ADDRESS, item->string)));
	}
	cJSON_ArrayForEach(item, labels) {
		const char *address = cJSON_GetStringValue(item);
		if (!address || strncmp(item->string, LABEL_ADDRESS, prefix) != 0 ||
		    endpoint_find(all, count, item->string + prefix))
			continue;
		*ARENA_PUSH(a, all, count) = (struct endpoint){.network = arena_strdup(a, item->string + prefix),
		                                               .address = arena_strdup(a, address)};
	}
	*out = all;
	return count;
}
