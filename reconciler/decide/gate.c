/* The gate: what is seen on an instance, turned into ready, coming or failed. Every "why" ends up in front of a person. */
#include "decide/gate.h"

#include <string.h>

#include "base/clock.h"

/* A probe may fail this long in a row before an instance that was ready counts as failed. */
#define FAILING_TOLERATED_MS 3000

static struct judgement failed(const char *why)
{
	return (struct judgement){FAILED, why, 0};
}

static struct judgement coming(const char *why, int64_t until_ms)
{
	return (struct judgement){COMING, why, until_ms};
}

/* Was it started by an engine that is not there any more? Then its end may be that engine's, and says nothing about it. */
static bool is_of_former_engine(const struct instance *i, const struct world *world)
{
	return i->started_ms < world->engine_started_ms;
}

bool gate_had_its_chance(const struct instance *i, const struct service *s, const struct world *world)
{
	if (is_of_former_engine(i, world))
		return false;
	const struct value *restart = spec_value(&s->spec, "restart");
	bool has_policy = restart && restart->kind == VALUE_STRING && strcmp(restart->string, "no") != 0;
	if (has_policy && i->is_restart_off)
		return false;
	return i->started_ms >= world->run_started_ms;
}

static struct judgement judge_ended(const struct instance *i, const struct service *s, enum trust trust,
                                    const struct world *world, struct arena *a)
{
	if (s->may_end && i->exit_code == 0 && i->started_ms)
		return (struct judgement){READY, NULL, 0};
	const char *why = arena_printf(a, "%s exited with code %d%s", i->name, i->exit_code,
	                               i->was_oom_killed ? " (killed: out of memory)" : "");
	bool is_verdict = trust == TRUST_TRIAL && (gate_had_its_chance(i, s, world) || !i->is_restart_off) &&
	                  !is_of_former_engine(i, world);
	return is_verdict ? failed(why) : coming(why, 0);
}

/* Until when it may become ready. What restarts again and again gets no new time with each start; an engine that came back
 * while it ran on has forgotten what its health check had said. */
static int64_t deadline_of(const struct instance *i, const struct service *s, const struct world *world)
{
	bool is_forgotten = i->health == HEALTH_STARTING && is_of_former_engine(i, world);
	int64_t from_ms = is_forgotten ? world->engine_started_ms : i->started_ms;
	if (i->restart_count > 0)
		from_ms = i->created_ms > world->run_started_ms ? i->created_ms : world->run_started_ms;
	return from_ms + s->ready.within_ms;
}

static struct judgement judge_restarting(const struct instance *i, const struct service *s, enum trust trust,
                                         const struct world *world, struct arena *a)
{
	const char *why = arena_printf(a, "%s restarts again and again, exit code %d%s", i->name, i->exit_code,
	                               i->was_oom_killed ? " (killed: out of memory)" : "");
	if (trust == TRUST_TRIAL || world->now_ms >= deadline_of(i, s, world))
		return failed(why);
	return coming(why, world->now_ms + 1000);
}

/* What was good a little while ago comes back by its readiness alone. */
static bool lacks_smoke(const struct instance *i, const struct service *s, const struct world *world)
{
	return s->smoke.http_port && !i->has_passed_smoke && !world_was_good(world, s);
}

static struct judgement judge_smoke(const struct instance *i, const struct service *s, const struct world *world,
                                    struct arena *a)
{
	char within[32];
	int64_t deadline = i->smoke_since_ms + s->smoke.within_ms;
	if (!i->smoke_said || !*i->smoke_said)
		return coming(arena_printf(a, "%s is to be asked its smoke test", i->name), world->now_ms);
	if (world->now_ms < deadline)
		return coming(arena_printf(a, "%s is not ready: smoke: %s", i->name, i->smoke_said), deadline);
	return failed(arena_printf(a, "%s has not passed within %s: smoke: %s", i->name,
	                           clock_duration(s->smoke.within_ms, within), i->smoke_said));
}

static struct judgement judge_running(const struct instance *i, const struct service *s, enum trust trust,
                                      const struct world *world, struct arena *a)
{
	char within[32];
	int64_t now_ms = world->now_ms;
	if (s->is_job)
		return coming(arena_printf(a, "%s has not ended yet", i->name), 0);
	if (trust == TRUST_TRIAL && i->restart_count > 0)
		return failed(arena_printf(a, "%s restarted %d times, last exit code %d%s", i->name, i->restart_count,
		                           i->exit_code, i->was_oom_killed ? " (killed: out of memory)" : ""));
	if (i->health == HEALTH_UNHEALTHY)
		return failed(arena_printf(a, "the health check of %s says unhealthy", i->name));

	bool is_passing = i->passing_since_ms != 0 && i->health != HEALTH_STARTING;
	if (is_passing && (trust == TRUST_PROVEN || now_ms >= i->passing_since_ms + s->ready.for_ms)) {
		if (trust != TRUST_PROVEN && lacks_smoke(i, s, world))
			return judge_smoke(i, s, world, a);
		return (struct judgement){READY, NULL, 0};
	}
	if (is_passing)
		return coming(arena_printf(a, "%s must pass a little longer", i->name), i->passing_since_ms + s->ready.for_ms);

	const char *said = i->health == HEALTH_STARTING ? "its health check has not passed yet"
	                   : i->probe_said && *i->probe_said ? i->probe_said : "not probed yet";
	int64_t deadline = deadline_of(i, s, world);
	/* Something that was ready gets a moment; something that never was has until its deadline. */
	if (i->failing_since_ms && i->failing_since_ms + FAILING_TOLERATED_MS > deadline)
		deadline = i->failing_since_ms + FAILING_TOLERATED_MS;
	if (now_ms < deadline)
		return coming(arena_printf(a, "%s is not ready: %s", i->name, said), deadline);
	return failed(arena_printf(a, "%s is not ready within %s: %s", i->name, clock_duration(s->ready.within_ms, within),
	                           said));
}

struct judgement gate_judge(const struct instance *i, const struct service *s, enum trust trust,
                            const struct world *world, struct arena *a)
{
	if (i->is_stopping)
		return coming(arena_printf(a, "%s is being stopped", i->name), 0);
	switch (i->state) {
	case INSTANCE_CREATED:
		if (i->error && *i->error) {
			const char *why = arena_printf(a, "%s could not start: %s", i->name, i->error);
			return trust == TRUST_TRIAL ? failed(why) : coming(why, 0);
		}
		return coming(arena_printf(a, "%s is not started yet", i->name), 0);
	case INSTANCE_RUNNING:
		return judge_running(i, s, trust, world, a);
	case INSTANCE_RESTARTING:
		return judge_restarting(i, s, trust, world, a);
	case INSTANCE_PAUSED:
		return coming(arena_printf(a, "%s is paused", i->name), 0);
	case INSTANCE_EXITED: case INSTANCE_DEAD:
		break;
	}
	return judge_ended(i, s, trust, world, a);
}

bool gate_asks_smoke(const struct instance *i, const struct service *s, const struct world *world, struct arena *a)
{
	const struct good *good = world_good(world, s->project, s->name);
	bool is_new = strcmp(i->revision, s->revision) == 0 && !(good && strcmp(good->revision, s->revision) == 0);
	if (i->state != INSTANCE_RUNNING || !is_new || !lacks_smoke(i, s, world) || world_is_called_off(world, s))
		return false;
	struct service rest = *s;
	rest.smoke.http_port = 0;
	return gate_judge(i, &rest, TRUST_FIRST, world, a).readiness == READY;
}
