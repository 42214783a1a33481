/* Networks, volumes, images: made when they are missing, never changed when they are there. */
#include <string.h>

#include "docker/body.h"
#include "docker/image_name.h"

#include <cjson/cJSON.h>
#include "docker/job.h"

#define PULL_TIMEOUT_MS (30 * 60 * 1000)
#define PULL_MAX_STREAM (64u << 20) /* a line for each tick of each layer's progress */

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
		cJSON_AddTrueToObject(root, "Internal");
		cJSON *config = cJSON_CreateObject();
		cJSON_AddStringToObject(config, "Subnet", action->subnet);
		if (action->gateway)
			cJSON_AddStringToObject(config, "Gateway", action->gateway);
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

/* What a registry's words mean for whoever thinks of trying again. */
static enum err_kind kind_of_pull(const char *said)
{
	static const struct { const char *words; enum err_kind kind; } meanings[] = {
		{"denied", ERR_DENIED},         {"unauthorized", ERR_DENIED},     {"authentication required", ERR_DENIED},
		{"not found", ERR_NOT_FOUND},   {"manifest unknown", ERR_NOT_FOUND}, {"does not exist", ERR_NOT_FOUND},
		{"no matching manifest", ERR_NOT_FOUND},
	};
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (strcasestr(said, meanings[i].words))
			return meanings[i].kind;
	return ERR_TRANSIENT;
}

/* The stream is one JSON object after another; the status was 200 before the first of them. */
static void pulled(struct job *j)
{
	const struct call *c = j->answer;
	if (!job_answered_well(j)) {
		job_fail_as_answered(j);
		if (c->status == 404)
			j->outcome->err.kind = kind_of_pull(c->err.message) == ERR_DENIED ? ERR_DENIED : ERR_NOT_FOUND;
		return;
	}
	const char *p = c->text.text, *end = p + c->text.length;
	while (p < end) {
		const char *next = p;
		cJSON *line = cJSON_ParseWithLengthOpts(p, (size_t)(end - p), &next, false);
		const char *said = json_string(line, "errorDetail.message");
		said = said ? said : json_string(line, "error");
		if (said)
			job_fail(j, kind_of_pull(said), "%s", said);
		else if (!line)
			job_fail(j, ERR_TRANSIENT, "the engine's report of the pull broke off");
		cJSON_Delete(line);
		if (j->state == JOB_ENDED)
			return;
		for (p = next; p < end && strchr(" \t\r\n", *p); p++)
			;
	}
	job_end(j);
}

void begin_pull(struct job *j)
{
	/* Always a tag or a digest: without one the engine pulls every tag there is. */
	struct image_name n = image_name_parse(j->arena, j->action->spec->image);
	const char *path = n.digest
		? arena_printf(j->arena, "/images/create?fromImage=%s",
		               url_escape(j->arena, arena_printf(j->arena, "%s@%s", n.name, n.digest)))
		: arena_printf(j->arena, "/images/create?fromImage=%s&tag=%s", url_escape(j->arena, n.name),
		               url_escape(j->arena, n.tag));
	path = arena_printf(j->arena, "%s%s", path, body_query(j->arena, &j->action->spec->spec));
	job_ask_slowly(j, &(struct call){.method = "POST", .path = path, .is_raw = true, .timeout_ms = PULL_TIMEOUT_MS,
	                                 .max_answer = PULL_MAX_STREAM}, pulled);
}
