/* Networks and volumes: made when they are missing, never changed when they are there. */
#include <string.h>

#include "docker/body.h"
#include <cjson/cJSON.h>
#include "docker/job.h"

/* "shop_default" of the project shop -> "default", as Compose labels it. */
static const char *short_name(const struct action *action, const char *name)
{
	if (action->resource)
		return action->resource->key;
	size_t n = strlen(action->project);
	return strncmp(name, action->project, n) == 0 && name[n] == '_' ? name + n + 1 : name;
}

static cJSON *labels_of(const struct job *j, const char *short_label, const char *name)
{
	cJSON *labels = cJSON_CreateObject();
	cJSON_AddStringToObject(labels, LABEL_PROJECT, j->action->project);
	cJSON_AddStringToObject(labels, short_label, short_name(j->action, name));
	cJSON_AddStringToObject(labels, LABEL_INSTANCE, j->docker->settings.instance_id);
	return labels;
}

/* What the manifest says of it; labels of ours are set last: a manifest cannot pretend. */
static void put_settings(cJSON *root, const struct resource *r, cJSON *labels)
{
	static const struct field plain = {.form = ENGINE_PLAIN};
	for (size_t i = 0; r && i < r->settings.count; i++)
		body_put(root, r->settings.keys[i], body_value(&plain, &r->settings.items[i]));
	body_put(root, "Labels", labels);
}

static void network_found(struct job *j)
{
	const struct action *action = j->action;
	if (!job_answered_well(j)) {
		job_fail_as_answered(j);
		return;
	}
	const cJSON *config = json_at(j->answer->json, "IPAM.Config");
	const char *subnet = cJSON_IsArray(config) ? json_string(config->child, "Subnet") : NULL;
	if (!job_is_ours(j, json_at(j->answer->json, "Labels")))
		job_fail(j, ERR_CONFLICT, "network %s exists and is not ours (no label %s=%s): remove it with `docker network rm %s`, "
		         "or give the project another name", action->network, LABEL_INSTANCE, j->docker->settings.instance_id,
		         action->network);
	else if (action->subnet && (!subnet || strcmp(subnet, action->subnet) != 0))
		job_fail(j, ERR_CONFLICT, "network %s exists with the subnet %s, wanted %s", action->network,
		         subnet ? subnet : "(none)", action->subnet);
	else
		job_end(j);
}

static void network_created(struct job *j)
{
	const struct call *c = j->answer;
	if (c->status == 409)
		job_ask(j, &(struct call){.path = arena_printf(j->arena, "/networks/%s", url_escape(j->arena, j->action->network))},
		        network_found);
	else if (c->status == 403 && strstr(c->err.message, "overlaps"))
		job_fail(j, ERR_CONFLICT, "network %s: the subnet %s overlaps one that the host already has: set another range",
		         j->action->network, j->action->subnet ? j->action->subnet : j->action->resource ? "in ipam" : "(chosen by the engine)");
	else
		job_end_as_answered(j);
}

void begin_network(struct job *j)
{
	const struct action *action = j->action;
	cJSON *root = cJSON_CreateObject();
	cJSON_AddStringToObject(root, "Name", action->network);
	cJSON_AddTrueToObject(root, "CheckDuplicate"); /* before 1.44 the engine takes two of one name without it */
	cJSON_AddStringToObject(root, "Driver", "bridge");
	put_settings(root, action->resource, labels_of(j, "com.docker.compose.network", action->network));
	if (action->subnet) {
		if (!action->range)
			body_put(root, "Internal", cJSON_CreateTrue());
		cJSON *config = cJSON_CreateObject();
		cJSON_AddStringToObject(config, "Subnet", action->subnet);
		if (action->gateway)
			cJSON_AddStringToObject(config, "Gateway", action->gateway);
		if (action->range)
			cJSON_AddStringToObject(config, "IPRange", action->range);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(cJSON_AddObjectToObject(root, "IPAM"), "Config"), config);
	}
	job_ask(j, &(struct call){.method = "POST", .path = "/networks/create", .body = json_text(j->arena, root)},
	        network_created);
}

void begin_volume(struct job *j)
{
	/* The engine answers 201 with the volume that is there already, and leaves it as it is. */
	cJSON *root = cJSON_CreateObject();
	cJSON_AddStringToObject(root, "Name", j->action->volume);
	put_settings(root, j->action->resource, labels_of(j, "com.docker.compose.volume", j->action->volume));
	job_ask(j, &(struct call){.method = "POST", .path = "/volumes/create", .body = json_text(j->arena, root)},
	        job_end_as_answered);
}
