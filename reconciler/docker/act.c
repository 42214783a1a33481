/*
 * Carrying actions out: which may run side by side, and the rounds. In each round the open calls of all jobs go out
 * together; calls that may take minutes (a pull, a stop) wait until nothing quick is left, so that a registry that
 * does not answer holds up nobody else's start.
 */
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"

#include <cjson/cJSON.h>
#include "docker/credentials.h"
#include "docker/job.h"

static void (*const beginnings[ACTION_KIND_COUNT])(struct job *) = {
	[ACTION_NETWORK] = begin_network, [ACTION_VOLUME] = begin_volume, [ACTION_PULL] = begin_pull,
	[ACTION_BUILD] = begin_build, [ACTION_DROP] = begin_drop,
	[ACTION_CREATE] = begin_create,   [ACTION_START] = begin_start,   [ACTION_UPDATE] = begin_update,
	[ACTION_RENAME] = begin_rename,
	[ACTION_ALIAS] = begin_alias,     [ACTION_UNALIAS] = begin_alias,
	[ACTION_PARK] = begin_park,       [ACTION_STOP] = begin_stop,     [ACTION_REMOVE] = begin_remove,
};

void job_ask(struct job *j, const struct call *call, void (*then)(struct job *))
{
	j->call = *call;
	j->then = then;
	j->is_slow = false;
	j->state = JOB_ASKING;
}

void job_ask_slowly(struct job *j, const struct call *call, void (*then)(struct job *))
{
	job_ask(j, call, then);
	j->is_slow = true;
}

void job_end(struct job *j)
{
	j->outcome->result = 0;
	j->state = JOB_ENDED;
}

void job_fail(struct job *j, enum err_kind kind, const char *fmt, ...)
{
	char message[sizeof j->outcome->err.message];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	j->outcome->result = err_set(&j->outcome->err, kind, "%s", message);
	j->state = JOB_ENDED;
}

void job_fail_as_answered(struct job *j)
{
	j->outcome->err = j->answer->err;
	j->outcome->result = -1;
	j->state = JOB_ENDED;
}

void job_end_as_answered(struct job *j)
{
	if (job_answered_well(j))
		job_end(j);
	else
		job_fail_as_answered(j);
}

bool job_is_ours(const struct job *j, const cJSON *labels)
{
	return strcmp(json_label(labels, LABEL_INSTANCE), j->docker->settings.instance_id) == 0;
}

/* The container an action is about, NULL when it is about none. */
static const char *container_of(const struct action *a)
{
	return a->kind == ACTION_CREATE ? a->name : a->instance ? a->instance->name : NULL;
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool must_follow(const struct action *later, const struct action *earlier)
{
	if (same(container_of(later), container_of(earlier)))
		return true;
	/* The name must be free first. */
	if (later->kind == ACTION_RENAME && same(later->name, container_of(earlier)))
		return true;
	if (later->kind == ACTION_ALIAS)
		return earlier->kind == ACTION_NETWORK && same(later->project, earlier->project);
	if (later->kind != ACTION_CREATE)
		return false;
	if (earlier->kind == ACTION_PULL || earlier->kind == ACTION_BUILD)
		return same(later->spec->image, earlier->spec->image);
	return (earlier->kind == ACTION_NETWORK || earlier->kind == ACTION_VOLUME) && same(later->project, earlier->project);
}

/* Begins what need not wait any more. What follows a failure is not tried: its own message would mislead. */
static void release(struct job *jobs, size_t at)
{
	struct job *j = &jobs[at];
	for (size_t i = 0; i < at; i++) {
		if (!must_follow(j->action, jobs[i].action))
			continue;
		if (jobs[i].state != JOB_ENDED)
			return;
		if (jobs[i].outcome->result < 0) {
			*j->outcome = *jobs[i].outcome;
			err_wrap(&j->outcome->err, "not tried");
			j->state = JOB_ENDED;
			return;
		}
	}
	if (clock_stop_requested())
		job_fail(j, ERR_STOPPED, "not tried: asked to stop");
	else if (j->action->kind < ACTION_KIND_COUNT && beginnings[j->action->kind])
		beginnings[j->action->kind](j);
	else
		job_fail(j, ERR_INTERNAL, "no action of the engine");
}

/* One round. Returns false when no job has anything open. */
static bool perform_round(struct docker *d, struct arena *a, struct job *jobs, size_t count)
{
	struct call *calls = arena_alloc(a, count * sizeof *calls);
	size_t *whose = arena_alloc(a, count * sizeof *whose);
	size_t n = 0;
	for (int slow = 0; slow < 2 && n == 0; slow++)
		for (size_t i = 0; i < count; i++)
			if (jobs[i].state == JOB_ASKING && jobs[i].is_slow == slow) {
				whose[n] = i;
				calls[n++] = jobs[i].call;
			}
	client_perform(d, a, calls, n);
	for (size_t i = 0; i < n; i++) {
		struct job *j = &jobs[whose[i]];
		j->answer = &calls[i];
		j->then(j);
		call_done(&calls[i]);
		j->answer = NULL;
	}
	return n > 0;
}

void docker_act(struct docker *d, const struct action *const *actions, struct outcome *outcomes, size_t count)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct credentials credentials = {.folder = d->settings.config_folder, .arena = &a};
	struct job *jobs = arena_alloc(&a, count * sizeof *jobs);
	for (size_t i = 0; i < count; i++) {
		outcomes[i] = (struct outcome){.result = -1};
		jobs[i] = (struct job){.docker = d, .arena = &a, .action = actions[i], .outcome = &outcomes[i],
		                        .credentials = &credentials};
	}
	do {
		for (size_t i = 0; i < count; i++)
			if (jobs[i].state == JOB_WAITING)
				release(jobs, i);
	} while (perform_round(d, &a, jobs, count));
}
