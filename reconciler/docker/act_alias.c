/*
 * Giving and taking the service's name. The engine cannot edit a place on a network, so the container leaves it and
 * joins it again, at the address that it had: its open connections live on, and their packets are sent again. What a
 * run that was killed in between left without its network is simply connected.
 */
#include <string.h>

#include "docker/body.h"

#include <cjson/cJSON.h>
#include "docker/job.h"

static void ask_next(struct job *j);

static const char *path_of(struct job *j, const char *what)
{
	return arena_printf(j->arena, "/networks/%s/%s", url_escape(j->arena, j->endpoints->network), what);
}

static void connected(struct job *j)
{
	const struct endpoint *place = j->endpoints;
	if (job_answered_well(j)) {
		j->endpoints++;
		j->endpoints_count--;
		ask_next(j);
		return;
	}
	job_fail_as_answered(j);
	/* The address is taken; or an engine that was killed meanwhile still has a place of this container that it finds nowhere. */
	if (j->answer->status == 403)
		j->outcome->err.kind = strstr(j->answer->err.message, "endpoint with name") ? ERR_TRANSIENT : ERR_CONFLICT;
	err_wrap(&j->outcome->err, *place->address ? "connect to %s as %s" : "connect to %s", place->network, place->address);
}

static void ask_connect(struct job *j)
{
	const struct endpoint *place = j->endpoints;
	struct attachment *networks, at = {place->network, NULL};
	size_t count = service_networks(j->action->spec, j->arena, &networks);
	for (size_t i = 0; i < count; i++)
		if (strcmp(networks[i].network, place->network) == 0)
			at = networks[i];
	cJSON *root = cJSON_CreateObject();
	cJSON_AddStringToObject(root, "Container", j->action->instance->id);
	cJSON_AddItemToObject(root, "EndpointConfig", body_endpoint(j->action, &at));
	job_ask(j, &(struct call){.method = "POST", .path = path_of(j, "connect"), .body = json_text(j->arena, root)}, connected);
}

static void disconnected(struct job *j)
{
	if (job_answered_well(j) || strstr(j->answer->err.message, "is not connected to"))
		ask_connect(j);
	else
		job_fail_as_answered(j);
}

/* The next of its places; the end of the job when there is none left. */
static void ask_next(struct job *j)
{
	if (j->endpoints_count == 0) {
		job_end(j);
		return;
	}
	if (!j->endpoints->is_there) {
		ask_connect(j);
		return;
	}
	const char *body = arena_printf(j->arena, "{\"Container\":\"%s\"}", j->action->instance->id);
	job_ask(j, &(struct call){.method = "POST", .path = path_of(j, "disconnect"), .body = body}, disconnected);
}

/* What the action wants and the container does not have yet; `is_there` says whether it is connected now. */
static void inspected(struct job *j)
{
	const struct action *action = j->action;
	const struct endpoint *now;
	if (!job_may_touch(j))
		return;
	size_t count = endpoints_read(j->arena, j->answer->json, action->instance, &now), left = 0;
	struct endpoint *places = arena_alloc(j->arena, (action->endpoints_count + 1) * sizeof *places);
	for (size_t i = 0; i < action->endpoints_count; i++) {
		const struct endpoint *e = &action->endpoints[i], *had = endpoint_find(now, count, e->network);
		bool is_there = had && had->is_there;
		if (is_there && had->has_alias == e->has_alias)
			continue;
		places[left] = *e;
		places[left++].is_there = is_there;
	}
	j->endpoints = places;
	j->endpoints_count = left;
	ask_next(j);
}

void begin_alias(struct job *j)
{
	job_ask(j, &(struct call){.path = arena_printf(j->arena, "/containers/%s/json", j->action->instance->id)}, inspected);
}
