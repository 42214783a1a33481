/*
 * What is done to an instance that is there. Each chain begins with an inspect, in the same breath: only what carries
 * our label with our instance id is touched, whatever the world looked like when the decision was made.
 */
#include <inttypes.h>
#include <string.h>

#include "docker/body.h"

#include <cjson/cJSON.h>
#include "docker/job.h"

#define START_TIMEOUT_MS 120000
#define STOP_EXTRA_MS 30000
#define DEFAULT_GRACE_MS 10000

static const char *path_of(struct job *j, const char *what)
{
	return arena_printf(j->arena, "/containers/%s%s", j->action->instance->id, what);
}

static void ask_inspect(struct job *j, void (*then)(struct job *))
{
	job_ask(j, &(struct call){.path = path_of(j, "/json")}, then);
}

bool job_may_touch(struct job *j)
{
	if (!job_answered_well(j)) {
		job_fail_as_answered(j);
		return false;
	}
	if (!job_is_ours(j, json_at(j->answer->json, "Config.Labels"))) {
		job_fail(j, ERR_DENIED, "%s is not ours (no label %s=%s): not touched", j->action->instance->name, LABEL_INSTANCE,
		         j->docker->settings.instance_id);
		return false;
	}
	return true;
}

/* The same for what is fine when there is nothing left to do it to. */
static bool may_touch_if_there(struct job *j)
{
	if (!job_answered_well(j) && j->answer->status == 404) {
		job_end(j);
		return false;
	}
	return job_may_touch(j);
}

static void ask_restart_off(struct job *j, void (*then)(struct job *))
{
	job_ask(j, &(struct call){.method = "POST", .path = path_of(j, "/update"),
	                          .body = "{\"RestartPolicy\":{\"Name\":\"no\",\"MaximumRetryCount\":0}}"}, then);
}

static bool is_restart_off(const cJSON *inspect)
{
	const char *policy = json_string(inspect, "HostConfig.RestartPolicy.Name");
	return policy && (!*policy || strcmp(policy, "no") == 0);
}

/* START */

/* The engine says 500, 400 or 403 when the container itself is at fault; trying again would not help. */
static bool is_containers_fault(const char *said)
{
	static const char *const faults[] = {
		"OCI runtime", "port is already allocated", "address already in use", "invalid address", "no such file or directory",
		"executable file not found", "permission denied", "exec format error", "failed programming external connectivity",
	};
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (strcasestr(said, faults[i]))
			return true;
	return false;
}

static void started(struct job *j)
{
	job_end_as_answered(j);
	if (!job_answered_well(j) && j->answer->status >= 400 && is_containers_fault(j->answer->err.message))
		j->outcome->err.kind = ERR_CONFLICT;
	job_lacks_subnet(j);
}

static void start_inspected(struct job *j)
{
	if (!job_may_touch(j))
		return;
	bool is_paused = json_true(j->answer->json, "State.Paused");
	if (json_true(j->answer->json, "State.Running") && !is_paused)
		job_end(j);
	else
		job_ask(j, &(struct call){.method = "POST", .path = path_of(j, is_paused ? "/unpause" : "/start"),
		                          .timeout_ms = START_TIMEOUT_MS}, started);
}

void begin_start(struct job *j)
{
	ask_inspect(j, start_inspected);
}

/* UPDATE */

static void fail_ignored(struct job *j, const char *path, const struct value *wanted, const struct value *got)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(800);
	buf_printf(&text, "%s: asked for ", path);
	value_print(&text, wanted, true);
	buf_puts(&text, ", but the engine still has ");
	value_print(&text, got, true);
	buf_puts(&text, ": it ignores this change on a running container");
	job_fail(j, ERR_CONFLICT, "%s", text.text);
}

static void update_read_back(struct job *j)
{
	const struct action *action = j->action;
	if (!job_may_touch(j))
		return;
	for (size_t i = 0; i < action->changes_count; i++) {
		const struct change *c = &action->changes[i];
		struct value got = body_read(j->arena, c->field, j->answer->json);
		bool is_none = got.kind == VALUE_UNSET && value_equal(&c->to, &c->field->none);
		if (!is_none && !value_equal(&got, &c->to)) {
			fail_ignored(j, c->field->path, &c->to, &got);
			return;
		}
	}
	struct value asked = value_int(j->memory_swap);
	struct value got = value_int(json_int(j->answer->json, "HostConfig.MemorySwap", 0));
	if (j->memory && !value_equal(&got, &asked))
		fail_ignored(j, "memory and swap together", &asked, &got);
	else
		job_end(j);
}

static void updated(struct job *j)
{
	if (job_answered_well(j))
		ask_inspect(j, update_read_back);
	else
		job_fail_as_answered(j);
}

/*
 * Memory and swap always go in one call: the engine refuses a memory limit above the swap limit that it still has. A
 * swap limit that nobody set is twice the memory, as the engine itself makes it at create.
 */
static void add_memory(struct job *j, const cJSON *inspect, cJSON *body)
{
	int64_t memory = json_int(inspect, "HostConfig.Memory", 0), swap = json_int(inspect, "HostConfig.MemorySwap", 0);
	int64_t new_memory = memory, new_swap = 0;
	bool is_asked = false;
	for (size_t i = 0; i < j->action->changes_count; i++) {
		const struct change *c = &j->action->changes[i];
		bool is_memory = strcmp(c->field->engine, "HostConfig.Memory") == 0;
		bool is_swap = strcmp(c->field->engine, "HostConfig.MemorySwap") == 0;
		if (is_memory)
			new_memory = c->to.integer;
		else if (is_swap)
			new_swap = c->to.integer;
		is_asked = is_asked || is_memory || is_swap;
	}
	if (!is_asked)
		return;
	if (!new_swap)
		new_swap = swap == 0 || swap == 2 * memory ? 2 * new_memory : swap;
	struct value values[] = {value_int(new_memory), value_int(new_swap)};
	static const struct field rows[] = {{.engine = "Memory", .form = ENGINE_PLAIN}, {.engine = "MemorySwap", .form = ENGINE_PLAIN}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		body_put(body, rows[i].engine, body_value(&rows[i], &values[i]));
	j->memory = new_memory;
	j->memory_swap = new_swap;
}

/* What the engine would answer 200 to without doing it. NULL: fine. */
static const char *impossible(const struct change *c)
{
	if (c->to.kind == VALUE_UNSET || (c->to.kind == VALUE_INT && c->to.integer == 0))
		return "the engine cannot take a limit away from a running container";
	if (strcmp(c->field->engine, "HostConfig.MemorySwap") == 0 && c->to.integer == -1)
		return "the engine cannot lift the swap limit of a running container (it says so, and keeps the old one)";
	return NULL;
}

static void update_inspected(struct job *j)
{
	if (!job_may_touch(j))
		return;
	cJSON *body = cJSON_CreateObject();
	add_memory(j, j->answer->json, body);
	for (size_t i = 0; i < j->action->changes_count; i++) {
		const struct change *c = &j->action->changes[i];
		const char *why = impossible(c);
		if (why) {
			cJSON_Delete(body);
			job_fail(j, ERR_CONFLICT, "%s: %s", c->field->path, why);
			return;
		}
		/* What stands under HostConfig at create stands at the top here. */
		const char *name = c->field->engine;
		name += strncmp(name, "HostConfig.", 11) == 0 ? 11 : 0;
		if (strcmp(name, "Memory") != 0 && strcmp(name, "MemorySwap") != 0)
			body_put(body, name, body_value(c->field, &c->to));
	}
	job_ask(j, &(struct call){.method = "POST", .path = path_of(j, "/update"), .body = json_text(j->arena, body)}, updated);
}

void begin_update(struct job *j)
{
	ask_inspect(j, update_inspected);
}

/* RENAME */

static void renamed(struct job *j)
{
	if (j->answer->status == 409)
		job_fail(j, ERR_CONFLICT, "the name %s is taken by a container that is not of this service: rename or remove that one, "
		         "or change container_name", j->action->name);
	else
		job_end_as_answered(j);
}

static void rename_inspected(struct job *j)
{
	if (!job_may_touch(j))
		return;
	const char *name = json_string(j->answer->json, "Name");
	if (name && strcmp(name + (name[0] == '/'), j->action->name) == 0)
		job_end(j);
	else
		job_ask(j, &(struct call){.method = "POST", .path = path_of(j, arena_printf(j->arena, "/rename?name=%s",
		                                                            url_escape(j->arena, j->action->name)))}, renamed);
}

void begin_rename(struct job *j)
{
	ask_inspect(j, rename_inspected);
}

/* PARK */

static void park_inspected(struct job *j)
{
	if (!job_may_touch(j))
		return;
	if (is_restart_off(j->answer->json))
		job_end(j);
	else
		ask_restart_off(j, job_end_as_answered);
}

void begin_park(struct job *j)
{
	ask_inspect(j, park_inspected);
}

/* STOP */

static void stopped(struct job *j)
{
	if (j->answer->status == 404)
		job_end(j);
	else
		job_end_as_answered(j);
}

static void ask_stop(struct job *j)
{
	int64_t grace_ms = j->action->spec ? j->action->spec->stop_grace_ms : DEFAULT_GRACE_MS;
	const char *path = path_of(j, arena_printf(j->arena, "/stop?t=%" PRId64, (grace_ms + 999) / 1000));
	job_ask_slowly(j, &(struct call){.method = "POST", .path = path, .timeout_ms = grace_ms + STOP_EXTRA_MS}, stopped);
}

static void stop_parked(struct job *j)
{
	if (job_answered_well(j))
		ask_stop(j);
	else
		job_end_as_answered(j);
}

static void stop_inspected(struct job *j)
{
	if (!may_touch_if_there(j))
		return;
	const char *status = json_string(j->answer->json, "State.Status");
	if (status && (strcmp(status, "dead") == 0 || strcmp(status, "removing") == 0))
		job_end(j); /* cannot be changed any more, and does not run */
	else if (is_restart_off(j->answer->json))
		ask_stop(j);
	else
		ask_restart_off(j, stop_parked); /* else dockerd would start it again */
}

void begin_stop(struct job *j)
{
	ask_inspect(j, stop_inspected);
}

/* REMOVE */

static void remove_inspected(struct job *j)
{
	if (!may_touch_if_there(j))
		return;
	if (json_true(j->answer->json, "State.Running") || json_true(j->answer->json, "State.Restarting"))
		job_fail(j, ERR_CONFLICT, "%s still runs: not removed", j->action->instance->name);
	else
		job_ask(j, &(struct call){.method = "DELETE", .path = path_of(j, "?v=0")}, stopped);
}

void begin_remove(struct job *j)
{
	ask_inspect(j, remove_inspected);
}
