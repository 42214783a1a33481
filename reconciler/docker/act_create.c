/*
 * Creating an instance: the container on the first of its networks, then its place on each other one and on the traffic
 * network, because API 1.41 takes one network at create. A container that could not get a place is removed again; one
 * that is there already, because an earlier answer got lost, is taken over when it is what was to be made.
 */
#include <string.h>

#include "docker/body.h"

#include <cjson/cJSON.h>
#include "docker/job.h"

static void discarded(struct job *j)
{
	/* The reason stands in the outcome since the connect failed. */
	if (!job_answered_well(j) && j->answer->status != 404)
		err_wrap(&j->outcome->err, "could not be removed again (%s)", j->answer->err.message);
	j->outcome->result = -1;
	j->state = JOB_ENDED;
}

/* A network to connect to. */
struct place {
	const char *network;
	const struct attachment *how; /* one that the spec names; NULL: only nginx needs it there, at the action's address */
};

static void ask_connect(struct job *j);

static void connected(struct job *j)
{
	const struct place *place = j->places;
	if (job_answered_well(j)) {
		j->places++;
		j->places_count--;
		ask_connect(j);
		return;
	}
	job_fail_as_answered(j);
	/* The engine says 403 to an address that is taken or not in the subnet: another pass chooses another one. */
	if (j->answer->status == 403)
		j->outcome->err.kind = ERR_CONFLICT;
	job_lacks_subnet(j);
	if (place->how)
		err_wrap(&j->outcome->err, "connect to %s", place->network);
	else
		err_wrap(&j->outcome->err, "connect to %s as %s", place->network, j->action->address);
	if (j->is_new)
		job_ask(j, &(struct call){.method = "DELETE", .path = arena_printf(j->arena, "/containers/%s?v=0", j->id)},
		        discarded);
}

/* The next of its places; the end of the job when there is none left. */
static void ask_connect(struct job *j)
{
	if (j->places_count == 0) {
		job_end(j);
		return;
	}
	const struct place *place = j->places;
	cJSON *root = cJSON_CreateObject();
	cJSON_AddStringToObject(root, "Container", j->id);
	if (place->how)
		body_put(root, "EndpointConfig", body_endpoint(j->action, place->how));
	else
		body_put(root, "EndpointConfig.IPAMConfig.IPv4Address", cJSON_CreateString(j->action->address));
	job_ask(j, &(struct call){.method = "POST", .body = json_text(j->arena, root),
	                          .path = arena_printf(j->arena, "/networks/%s/connect", url_escape(j->arena, place->network))},
	        connected);
}

/* Everything but what create itself gives, less the networks that `inspect` (NULL: a new one) shows already. */
static void collect_places(struct job *j, const cJSON *inspect)
{
	const struct action *action = j->action;
	const cJSON *there = json_at(inspect, "NetworkSettings.Networks");
	struct attachment *networks;
	size_t count = service_networks(action->spec, j->arena, &networks), n = 0;
	struct place *places = arena_alloc(j->arena, (count + 1) * sizeof *places);
	bool is_named = false; /* the spec may name the network of nginx, too */
	for (size_t i = 0; i < count; i++) {
		is_named |= action->network && strcmp(networks[i].network, action->network) == 0;
		if (i > 0 && !json_member(there, networks[i].network))
			places[n++] = (struct place){networks[i].network, &networks[i]};
	}
	if (action->address && action->network && !is_named && !json_member(there, action->network))
		places[n++] = (struct place){action->network, NULL};
	j->places = places;
	j->places_count = n;
}

/* The address that the container has or is to have on the traffic network; NULL when it is not attached. */
static const char *address_on(const cJSON *inspect, const char *network)
{
	const cJSON *endpoint = json_member(json_at(inspect, "NetworkSettings.Networks"), network);
	const char *address = json_string(endpoint, "IPAMConfig.IPv4Address");
	if (!address || !*address)
		address = json_string(endpoint, "IPAddress");
	return endpoint ? (address ? address : "") : NULL;
}

static void found(struct job *j)
{
	const struct action *action = j->action;
	const cJSON *json = j->answer->json, *labels = json_at(json, "Config.Labels");
	const char *id = json_string(json, "Id");
	if (!job_answered_well(j)) {
		job_fail_as_answered(j);
		return;
	}
	if (!id) {
		job_fail(j, ERR_INTERNAL, "GET /containers/%s/json: Id is missing or no string", action->name);
		return;
	}
	if (!job_is_ours(j, labels)) {
		job_fail(j, ERR_CONFLICT, "the name %s is taken by container %.12s, which is not ours (no label %s=%s): rename or remove it",
		         action->name, id, LABEL_INSTANCE, j->docker->settings.instance_id);
		return;
	}
	if (strcmp(json_label(labels, LABEL_REVISION), action->spec->revision) != 0) {
		job_fail(j, ERR_CONFLICT, "%s exists with revision %.8s, wanted %.8s", action->name,
		         json_label(labels, LABEL_REVISION), action->spec->revision);
		return;
	}
	j->id = arena_strdup(j->arena, id);
	const char *address = action->network ? address_on(json, action->network) : NULL;
	if (action->address && address && strcmp(address, action->address) != 0) {
		job_fail(j, ERR_CONFLICT, "%s exists with the address %s, wanted %s", action->name, address, action->address);
		return;
	}
	collect_places(j, json);
	ask_connect(j);
}

static void created(struct job *j)
{
	const struct call *c = j->answer;
	if (c->status == 409) {
		job_ask(j, &(struct call){.path = arena_printf(j->arena, "/containers/%s/json",
		                                               url_escape(j->arena, j->action->name))}, found);
		return;
	}
	if (!job_answered_well(j)) {
		job_fail_as_answered(j);
		return;
	}
	const char *id = json_string(c->json, "Id");
	if (!id || !*id) {
		job_fail(j, ERR_INTERNAL, "POST /containers/create: Id is missing or no string");
		return;
	}
	j->id = arena_strdup(j->arena, id);
	j->is_new = true;
	collect_places(j, NULL);
	ask_connect(j);
}

/* The one field of the table that an API newer than ours has. */
#define API_START_INTERVAL 44

void begin_create(struct job *j)
{
	const struct value *interval = spec_value(&j->action->spec->spec, "healthcheck.start_interval");
	bool is_newer = interval && interval->kind != VALUE_UNSET;
	if (is_newer && j->docker->api_newest && j->docker->api_newest < API_START_INTERVAL)
		snprintf(j->outcome->note, sizeof j->outcome->note, "healthcheck.start_interval is ignored: it needs Docker 25 (API 1.%d)",
		         API_START_INTERVAL);
	job_ask(j, &(struct call){.method = "POST", .api_wanted = is_newer ? API_START_INTERVAL : 0,
	                          .path = arena_printf(j->arena, "/containers/create?name=%s%s",
	                                               url_escape(j->arena, j->action->name),
	                                               body_query(j->arena, &j->action->spec->spec)),
	                          .body = body_create(j->arena, j->action, j->docker->settings.instance_id)}, created);
}
