/*
 * Carrying actions out: which may run side by side, and who hears of it when. The one thing to know: an action outlives
 * the decision that asked for it, so a registry that does not answer or a stop that takes its time holds up nobody else.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include <cjson/cJSON.h>
#include "docker/credentials.h"
#include "docker/job.h"

/* How many quick ones are under way at once: the engine does most of them one after the other, and what others ask in the
 * meantime waits behind them. */
#define QUICK_MAX 8

/* An action that was asked for and has not been told to have ended. */
struct flight {
	struct flight *next;
	struct job job;
	struct outcome outcome;
	struct exchange exchange;
	struct arena arena;
	struct credentials credentials;
	const void *pass;
	int64_t since_ms;
};

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

/* Its inspect does not show who chose a subnet: the engine says so when it is too late for a plan. */
void job_lacks_subnet(struct job *j)
{
	const char *network = j->docker->settings.nginx_network;
	if (j->outcome->result < 0 && network && strstr(j->outcome->err.message, "user configured subnets"))
		job_fail(j, ERR_SETUP, "the network %s (setting nginx.network): Docker gives fixed addresses only where it did not choose the subnet "
		         "itself; make the network anew with a subnet of your own: " NETWORK_MAKE, network, network);
}

bool job_is_ours(const struct job *j, const cJSON *labels)
{
	return strcmp(json_label(labels, LABEL_INSTANCE), j->docker->settings.instance_id) == 0;
}

static bool is_under_way(const struct flight *f)
{
	return f->job.state != JOB_WAITING;
}

static bool is_quick(const struct flight *f)
{
	return f->job.state == JOB_ASKING && !f->job.is_slow;
}

static size_t count_quick(const struct docker *d)
{
	size_t n = 0;
	for (const struct flight *f = d->flights; f; f = f->next)
		n += is_quick(f);
	return n;
}

bool docker_has_quick(const struct docker *d)
{
	return count_quick(d) > 0;
}

bool docker_needs(const struct docker *d, const void *pass)
{
	for (const struct flight *f = d->flights; f; f = f->next)
		if (f->pass == pass)
			return true;
	return false;
}

size_t docker_under_way(const struct docker *d, struct arena *a, const struct action ***out)
{
	size_t count = 0;
	*out = NULL;
	for (const struct flight *f = d->flights; f; f = f->next)
		if (is_under_way(f))
			*ARENA_PUSH(a, *out, count) = f->job.action;
	return count;
}

static void tell_begun(struct flight *f)
{
	const struct docker_settings *s = &f->job.docker->settings;
	f->since_ms = clock_monotonic_ms();
	if (s->begun)
		s->begun(s->context, f->job.action);
}

static void begin_job(struct flight *f)
{
	struct job *j = &f->job;
	tell_begun(f);
	if (clock_stop_requested())
		job_fail(j, ERR_STOPPED, "not tried: asked to stop");
	else if (j->action->kind < ACTION_KIND_COUNT && beginnings[j->action->kind])
		beginnings[j->action->kind](j);
	else
		job_fail(j, ERR_INTERNAL, "no action of the engine");
	if (j->state == JOB_ASKING)
		client_begin(j->docker, j->arena, &f->exchange, &j->call);
}

/* Begins what need not wait any more. What follows a failure is not tried: its own message would mislead. */
static void release(struct docker *d, struct flight *f)
{
	for (struct flight *earlier = d->flights; earlier != f; earlier = earlier->next) {
		if (!action_must_follow(f->job.action, earlier->job.action))
			continue;
		if (earlier->job.state != JOB_ENDED)
			return;
		if (earlier->outcome.result < 0) {
			tell_begun(f);
			f->outcome = earlier->outcome;
			err_wrap(&f->outcome.err, "not tried");
			f->job.state = JOB_ENDED;
			return;
		}
	}
	if (count_quick(d) < QUICK_MAX)
		begin_job(f);
}

static void release_all(struct docker *d)
{
	for (struct flight *f = d->flights; f; f = f->next)
		if (f->job.state == JOB_WAITING)
			release(d, f);
}

static void take_answer(struct flight *f)
{
	struct job *j = &f->job;
	if (j->state != JOB_ASKING || !client_has_ended(j->docker, &f->exchange))
		return;
	struct call answered = j->call; /* the next link asks with the same one */
	j->answer = &answered;
	j->then(j);
	call_done(&answered);
	j->answer = NULL;
	if (j->state == JOB_ASKING)
		client_begin(j->docker, j->arena, &f->exchange, &j->call);
}

static void flight_free(struct flight *f)
{
	arena_done(&f->arena);
	free(f);
}

/* Ended, and so has all of its service that was begun before it. */
static bool can_be_told(const struct docker *d, const struct flight *f)
{
	if (f->job.state != JOB_ENDED)
		return false;
	for (const struct flight *earlier = d->flights; earlier != f; earlier = earlier->next)
		if (action_is_of_same(earlier->job.action, f->job.action))
			return false;
	return true;
}

static size_t tell_ended(struct docker *d)
{
	size_t told = 0;
	for (struct flight **at = &d->flights; *at; ) {
		struct flight *f = *at;
		if (!can_be_told(d, f)) {
			at = &f->next;
			continue;
		}
		if (d->settings.ended)
			d->settings.ended(d->settings.context, f->job.action, &f->outcome, clock_monotonic_ms() - f->since_ms);
		*at = f->next;
		flight_free(f);
		told++;
	}
	return told;
}

/* Of a service either all goes on or nothing has begun: so its steps are those of the plan, whatever there is room for. */
static bool has_begun(const struct docker *d, const struct flight *f)
{
	for (const struct flight *other = d->flights; other; other = other->next)
		if (is_under_way(other) && (other == f || action_is_of_same(other->job.action, f->job.action)))
			return true;
	return false;
}

static void forget_waiting(struct docker *d)
{
	for (struct flight **at = &d->flights; *at; ) {
		struct flight *f = *at;
		if (has_begun(d, f)) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		flight_free(f);
	}
}

/* Must it wait for what an earlier call began? */
static bool is_held_up(const struct docker *d, const struct action *action)
{
	for (const struct flight *f = d->flights; f; f = f->next)
		if (action_is_of_same(action, f->job.action) || action_must_follow(action, f->job.action))
			return true;
	return false;
}

static struct flight *flight_new(struct docker *d, const void *pass, const struct action *action)
{
	struct flight *f = calloc(1, sizeof *f);
	if (!f)
		abort();
	f->pass = pass;
	f->outcome.result = -1;
	f->credentials = (struct credentials){.folder = d->settings.config_folder, .arena = &f->arena};
	f->job = (struct job){.docker = d, .arena = &f->arena, .action = action, .outcome = &f->outcome,
	                      .credentials = &f->credentials};
	return f;
}

void docker_begin(struct docker *d, const void *pass, const struct action *const *actions, size_t count)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct flight *first = NULL, **end = &first;
	const struct action **held = NULL;
	size_t held_count = 0;
	forget_waiting(d);
	for (size_t i = 0; i < count; i++) {
		bool waits = is_held_up(d, actions[i]);
		for (size_t k = 0; k < held_count && !waits; k++)
			waits = action_must_follow(actions[i], held[k]);
		if (waits) {
			*ARENA_PUSH(&a, held, held_count) = actions[i];
			continue;
		}
		*end = flight_new(d, pass, actions[i]);
		end = &(*end)->next;
	}
	struct flight **last = &d->flights;
	while (*last)
		last = &(*last)->next;
	*last = first;
	release_all(d);
}

/* Is there an answer to wait for? */
static bool is_anything_asked(const struct docker *d)
{
	for (const struct flight *f = d->flights; f; f = f->next)
		if (f->job.state == JOB_ASKING && !f->exchange.is_answered)
			return true;
	return false;
}

void docker_poll(struct docker *d, int64_t timeout_ms)
{
	int64_t until_ms = clock_monotonic_ms() + timeout_ms, left_ms = timeout_ms;
	size_t told = 0;
	do {
		if (is_anything_asked(d))
			http_wait(d->http, left_ms > 0 ? left_ms : 0);
		for (struct flight *f = d->flights; f; f = f->next)
			take_answer(f);
		release_all(d);
		told += tell_ended(d);
		left_ms = until_ms - clock_monotonic_ms();
	} while (d->flights && left_ms > 0 && (!told || docker_has_quick(d)));
}
