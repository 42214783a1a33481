/*
 * What the engine has: one list call for each kind of thing, all at once, then an inspect of each container of ours,
 * all at once. The list names the container, the inspect fills it in. One that vanishes in between is left out; one
 * that the engine cannot inspect (a half-removed one gives 500) is reported as the list shows it, with the reason, so
 * that it does not hold up the others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include <cjson/cJSON.h>
#include "docker/body.h"
#include "docker/client.h"
#include "docker/connections.h"
#include "docker/image_name.h"

/* Containers say which of the images and addresses before them are used. */
enum list { LIST_IMAGES, LIST_NETWORKS, LIST_CONTAINERS, LIST_VOLUMES, LIST_COUNT };

static const struct { const char *word; int state; } states[] = {
	{"created", INSTANCE_CREATED}, {"running", INSTANCE_RUNNING},   {"restarting", INSTANCE_RESTARTING},
	{"paused", INSTANCE_PAUSED},   {"exited", INSTANCE_EXITED},     {"dead", INSTANCE_DEAD},
	{"removing", INSTANCE_DEAD},
};

static const struct { const char *word; int health; } healths[] = {
	{"starting", HEALTH_STARTING}, {"healthy", HEALTH_HEALTHY}, {"unhealthy", HEALTH_UNHEALTHY},
};

/* -1 for a word that is none of ours. */
static int state_of(const char *word)
{
	for (size_t i = 0; word && i < ARRAY_LEN(states); i++)
		if (strcmp(states[i].word, word) == 0)
			return states[i].state;
	return -1;
}

static enum health health_of(const char *word)
{
	for (size_t i = 0; word && i < ARRAY_LEN(healths); i++)
		if (strcmp(healths[i].word, word) == 0)
			return healths[i].health;
	return HEALTH_NONE;
}

static const char *kept(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : "";
}

/* Its address there. A container that is down keeps the one that was asked for. */
static const char *address_at(const cJSON *endpoint)
{
	const char *address = json_string(endpoint, "IPAddress");
	if (!address || !*address)
		address = json_string(endpoint, "IPAMConfig.IPv4Address");
	return address;
}

/* Where nginx reaches it. On a network that the setting names there may also be what has no route, or was made before that
 * setting: with an address of the engine's, which is another one tomorrow, or with none. */
static const char *address_in(const struct docker *d, struct arena *a, const cJSON *holder, const cJSON *labels, const char *project)
{
	const char *shared = d->settings.nginx_network, *loopback = json_label(labels, LABEL_LOOPBACK);
	const cJSON *networks = json_at(holder, "NetworkSettings.Networks");
	if (shared)
		return *json_label(labels, LABEL_PORTS) ? kept(a, json_string(json_member(networks, shared), "IPAMConfig.IPv4Address")) : "";
	if (*loopback)
		return arena_strdup(a, loopback);
	const char *mode = json_string(holder, "HostConfig.NetworkMode");
	if (mode && address_kind(&(struct value){.kind = VALUE_STRING, .string = mode}) == ADDRESS_HOST)
		return ADDRESS_OF_HOST;
	return kept(a, address_at(json_member(networks, arena_printf(a, "%s_reconcile", project))));
}

static struct value ports_in(struct arena *a, const char *label)
{
	struct value ports = {0};
	for (char *end; *label; label = *end == ',' ? end + 1 : "") {
		long port = strtol(label, &end, 10);
		if (end != label && port > 0 && port < 65536)
			value_push(a, &ports, value_int(port));
	}
	return ports;
}

/* Where our probes reach it: on the traffic network, else on whichever network gives it an address. */
static const char *reachable_ip(struct arena *a, const cJSON *json, const char *on_traffic)
{
	const cJSON *endpoint;
	cJSON_ArrayForEach(endpoint, json_at(json, "NetworkSettings.Networks")) {
		const char *ip = json_string(endpoint, "IPAddress");
		if ((!*on_traffic || strchr(on_traffic, ':')) && ip && *ip)
			return kept(a, ip);
	}
	return strchr(on_traffic, ':') ? "" : on_traffic;
}

/* Names in the list begin with a slash; those with a second one are links from other containers. */
static const char *name_of(const cJSON *item)
{
	const cJSON *name;
	cJSON_ArrayForEach(name, json_at(item, "Names")) {
		const char *text = cJSON_GetStringValue(name);
		if (text && text[0] == '/' && !strchr(text + 1, '/'))
			return text + 1;
	}
	return "";
}

static int from_list(const struct docker *d, struct arena *a, const cJSON *item, struct instance *out, bool *is_ours,
                     struct err *e)
{
	const cJSON *labels = json_at(item, "Labels");
	const char *id = json_string(item, "Id");
	int state = state_of(json_string(item, "State"));
	/* Without a place it is none that we made, whatever else it says. */
	*is_ours = strcmp(json_label(labels, LABEL_INSTANCE), d->settings.instance_id) == 0 &&
	           json_label(labels, LABEL_PROJECT)[0] && json_label(labels, LABEL_SERVICE)[0];
	if (!*is_ours)
		return 0;
	if (!id || !*id || state < 0)
		return err_set(e, ERR_INTERNAL, "GET /containers/json: Id or State is missing or makes no sense");
	*out = (struct instance){
		.id = arena_strdup(a, id),
		.name = arena_strdup(a, name_of(item)),
		.project = arena_strdup(a, json_label(labels, LABEL_PROJECT)),
		.service = arena_strdup(a, json_label(labels, LABEL_SERVICE)),
		.revision = arena_strdup(a, json_label(labels, LABEL_REVISION)),
		.number = (int)strtol(json_label(labels, LABEL_NUMBER), NULL, 10),
		.state = (enum instance_state)state,
		.error = "",
		.created_ms = json_int(item, "Created", 0) * 1000,
		.connections = -1,
		.probe_said = "",
		.ip = "",
	};
	out->address = address_in(d, a, item, labels, out->project);
	out->ports = ports_in(a, json_label(labels, LABEL_PORTS));
	out->endpoints_count = endpoints_listed(a, item, &out->endpoints);
	return 0;
}

static const struct value *live_values(const struct docker *d, struct arena *a, const cJSON *inspect)
{
	struct value *live = arena_alloc(a, d->settings.rows_count * sizeof *live);
	for (size_t i = 0; i < d->settings.rows_count; i++)
		if (d->settings.rows[i]->change == CHANGE_LIVE && d->settings.rows[i]->form != ENGINE_NONE)
			live[i] = body_read(a, d->settings.rows[i], inspect);
	return live;
}

static int from_inspect(const struct docker *d, struct arena *a, const cJSON *json, struct instance *i, struct err *e)
{
	const char *name = json_string(json, "Name"), *policy = json_string(json, "HostConfig.RestartPolicy.Name");
	int state = state_of(json_string(json, "State.Status"));
	if (state < 0 || !name || !json_at(json, "HostConfig"))
		return err_set(e, ERR_INTERNAL, "GET /containers/%.12s/json: State.Status, Name or HostConfig is missing or makes no sense",
		               i->id);
	i->name = arena_strdup(a, name + (name[0] == '/'));
	i->state = (enum instance_state)state;
	i->exit_code = (int)json_int(json, "State.ExitCode", 0);
	i->error = kept(a, json_string(json, "State.Error"));
	i->was_oom_killed = json_true(json, "State.OOMKilled");
	i->restart_count = (int)json_int(json, "RestartCount", 0);
	i->created_ms = clock_parse_rfc3339_ms(json_string(json, "Created"));
	i->started_ms = clock_parse_rfc3339_ms(json_string(json, "State.StartedAt"));
	i->health = health_of(json_string(json, "State.Health.Status"));
	i->is_restart_off = !policy || !*policy || strcmp(policy, "no") == 0;
	const char *mode = json_string(json, "HostConfig.NetworkMode");
	i->shares = mode && strncmp(mode, "container:", 10) == 0 ? arena_strdup(a, mode + 10) : NULL;
	i->pid = (int)json_int(json, "State.Pid", 0);
	i->address = address_in(d, a, json, json_at(json, "Config.Labels"), i->project);
	i->endpoints_count = endpoints_read(a, json, i, &i->endpoints);
	i->ip = reachable_ip(a, json, i->address);
	i->live = live_values(d, a, json);
	return 0;
}

/* Takes in the inspect of *i. *gone: there is no such container any more. */
static int take_inspect(const struct docker *d, struct arena *a, struct call *c, struct instance *i, bool *gone, struct err *e)
{
	*gone = c->result < 0 && c->status == 404;
	if (*gone)
		return 0;
	if (c->result < 0 && c->status >= 500) {
		i->error = arena_strdup(a, c->err.message);
		return 0;
	}
	if (c->result < 0) {
		*e = c->err;
		return -1;
	}
	return from_inspect(d, a, c->json, i, e);
}

static int inspect_all(struct docker *d, struct arena *a, struct world *world, struct err *e)
{
	size_t count = world->instances_count, left = 0;
	struct call *calls = arena_alloc(a, count * sizeof *calls);
	int result = 0;
	for (size_t i = 0; i < count; i++)
		calls[i].path = arena_printf(a, "/containers/%s/json", world->instances[i].id);
	client_perform(d, a, calls, count);
	for (size_t i = 0; i < count; i++) {
		struct instance *in = &world->instances[i];
		bool gone = false;
		if (result == 0)
			result = take_inspect(d, a, &calls[i], in, &gone, e);
		if (!gone)
			world->instances[left++] = *in;
		call_done(&calls[i]);
	}
	world->instances_count = left;
	return result;
}

static int by_place(const void *x, const void *y)
{
	const struct instance *a = x, *b = y;
	int order = strcmp(a->project, b->project);
	if (order == 0)
		order = strcmp(a->service, b->service);
	if (order == 0)
		order = (a->number > b->number) - (a->number < b->number);
	return order ? order : strcmp(a->id, b->id);
}

static void mark_used(struct world *world, const char *image_id)
{
	for (size_t i = 0; image_id && i < world->images_count; i++)
		if (strcmp(world->images[i].id, image_id) == 0)
			world->images[i].is_used = true;
}

static void take_address(struct arena *a, struct network *n, const char *address)
{
	if (address && *address)
		*ARENA_PUSH(a, n->taken, n->taken_count) = arena_strdup(a, address);
}

/* `network` NULL: on all of them. */
static void take_addresses(struct arena *a, const cJSON *container, const char *network, struct world *world)
{
	const cJSON *endpoint;
	cJSON_ArrayForEach(endpoint, json_at(container, "NetworkSettings.Networks"))
		for (size_t i = 0; endpoint->string && i < world->networks_count; i++)
			if (strcmp(world->networks[i].name, endpoint->string) == 0 && (!network || strcmp(network, endpoint->string) == 0))
				take_address(a, &world->networks[i], address_at(endpoint));
}

static int take_containers(struct docker *d, struct arena *a, const cJSON *json, struct world *world, struct err *e)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, json) {
		struct instance in;
		bool is_ours;
		if (from_list(d, a, item, &in, &is_ours, e) < 0)
			return -1;
		if (is_ours)
			*ARENA_PUSH(a, world->instances, world->instances_count) = in;
		/* An instance is known by its own addresses, but for one of the engine's choice on the network of nginx. */
		if (!is_ours || (d->settings.nginx_network && !*in.address))
			take_addresses(a, item, is_ours ? d->settings.nginx_network : NULL, world);
		mark_used(world, json_string(item, "ImageID"));
	}
	return 0;
}

static void take_made(const struct docker *d, struct arena *a, const cJSON *item, bool is_volume, struct world *world)
{
	if (strcmp(json_label(json_at(item, "Labels"), LABEL_INSTANCE), d->settings.instance_id) == 0)
		*ARENA_PUSH(a, world->made, world->made_count) = (struct made){
			.name = arena_strdup(a, json_string(item, "Name")), .is_volume = is_volume, .settings = body_plain(a, item)};
}

/* The engine makes its own bridge anew whenever it comes up with nothing running, and only then: what ran before that
 * ended with the engine before it. With live-restore what runs keeps the bridge. */
static void take_engine_start(const cJSON *network, struct world *world)
{
	const char *name = json_string(network, "Name");
	if (name && strcmp(name, "bridge") == 0)
		world->engine_started_ms = clock_parse_rfc3339_ms(json_string(network, "Created"));
}

static int take_networks(struct docker *d, struct arena *a, const cJSON *json, struct world *world, struct err *e)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, json) {
		const char *name = json_string(item, "Name");
		const cJSON *labels = json_at(item, "Labels"), *config = json_at(item, "IPAM.Config");
		if (!name)
			return err_set(e, ERR_INTERNAL, "GET /networks: Name is missing or no string");
		bool is_ours = strcmp(json_label(labels, LABEL_INSTANCE), d->settings.instance_id) == 0;
		take_made(d, a, item, false, world);
		take_engine_start(item, world);
		const cJSON *first = cJSON_IsArray(config) ? config->child : NULL, *kept_back;
		struct network *n = ARENA_PUSH(a, world->networks, world->networks_count);
		*n = (struct network){
			.name = arena_strdup(a, name),
			.subnet = kept(a, json_string(first, "Subnet")),
			.range = kept(a, json_string(first, "IPRange")),
			.project = is_ours ? arena_strdup(a, json_label(labels, LABEL_PROJECT)) : "",
		};
		take_address(a, n, json_string(first, "Gateway"));
		cJSON_ArrayForEach(kept_back, json_at(first, "AuxiliaryAddresses"))
			take_address(a, n, cJSON_GetStringValue(kept_back));
	}
	return 0;
}

static int take_volumes(struct docker *d, struct arena *a, const cJSON *json, struct world *world, struct err *e)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, json_at(json, "Volumes")) {
		const char *name = json_string(item, "Name");
		if (!name)
			return err_set(e, ERR_INTERNAL, "GET /volumes: Name is missing or no string");
		take_made(d, a, item, true, world);
		*ARENA_PUSH(a, world->volumes, world->volumes_count) = arena_strdup(a, name);
	}
	return 0;
}

static int take_images(struct docker *d, struct arena *a, const cJSON *json, struct world *world, struct err *e)
{
	static const char *const lists[] = {"RepoTags", "RepoDigests"};
	(void)d;
	(void)e;
	const cJSON *item, *name;
	cJSON_ArrayForEach(item, json) {
		const char *id = kept(a, json_string(item, "Id")), **names = NULL;
		size_t count = 0;
		for (size_t i = 0; i < ARRAY_LEN(lists); i++)
			cJSON_ArrayForEach(name, json_at(item, lists[i])) {
				const char *text = cJSON_GetStringValue(name);
				/* "<none>:<none>" is an image without a name. */
				if (text && *text && text[0] != '<')
					image_name_spellings(a, arena_strdup(a, text), &names, &count);
			}
		for (size_t i = 0; i < count; i++)
			*ARENA_PUSH(a, world->images, world->images_count) = (struct image){.name = names[i], .id = id};
	}
	return 0;
}

static const struct list_row {
	const char *path;
	bool is_array;
	int (*take)(struct docker *d, struct arena *a, const cJSON *json, struct world *world, struct err *e);
} lists[LIST_COUNT] = {
	/* Foreign ones too: they tell which images are used. */
	[LIST_CONTAINERS] = {"/containers/json?all=1", true, take_containers},
	[LIST_NETWORKS] = {"/networks", true, take_networks},
	[LIST_VOLUMES] = {"/volumes", false, take_volumes},
	[LIST_IMAGES] = {"/images/json", true, take_images},
};

static int take_list(struct docker *d, struct arena *a, enum list l, const struct call *c, struct world *world, struct err *e)
{
	if (c->result < 0) {
		*e = c->err;
		return -1;
	}
	if (lists[l].is_array ? !cJSON_IsArray(c->json) : !cJSON_IsObject(c->json))
		return err_set(e, ERR_INTERNAL, "GET %.*s: the engine's answer is no %s", (int)strcspn(lists[l].path, "?"),
		               lists[l].path, lists[l].is_array ? "list" : "object");
	return lists[l].take(d, a, c->json, world, e);
}

int docker_observe(struct docker *d, struct arena *a, struct world *world, struct err *e)
{
	struct call calls[LIST_COUNT] = {0};
	int result = 0;
	world->instances = NULL;
	world->networks = NULL;
	world->volumes = NULL;
	world->images = NULL;
	world->made = NULL;
	world->made_count = 0;
	world->engine_started_ms = 0;
	world->instances_count = world->networks_count = world->volumes_count = world->images_count = 0;
	for (int i = 0; i < LIST_COUNT; i++)
		calls[i].path = lists[i].path;
	client_perform(d, a, calls, LIST_COUNT);
	for (int i = 0; i < LIST_COUNT; i++) {
		if (result == 0)
			result = take_list(d, a, (enum list)i, &calls[i], world, e);
		call_done(&calls[i]);
	}
	if (result == 0)
		result = inspect_all(d, a, world, e);
	if (result < 0) {
		d->api_minor = 0; /* another engine may stand there next time */
		return -1;
	}
	if (world->instances_count)
		qsort(world->instances, world->instances_count, sizeof *world->instances, by_place);
	return 0;
}

int docker_connections(const struct instance *i, const int *ports, size_t count)
{
	return connections_count(i->pid, ports, count);
}
