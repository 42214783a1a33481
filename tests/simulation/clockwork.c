/*
 * What goes on by itself as time passes: instances get ready, sick, end and are started again; old workers and their
 * connections go. The one thing to know: all of it follows from when an instance was started and how its revision
 * behaves, so nothing has to be remembered, and the next change is known.
 */
#include "simulation.h"

const char *const behaviour_names[BEHAVIOUR_COUNT] = {
	[BEHAVES] = "behaves", [NEVER_READY] = "never gets ready", [FLAPS] = "flaps", [GETS_SICK] = "gets sick",
	[EXITS] = "exits", [OUT_OF_MEMORY] = "runs out of memory",
};

#define FLAP_MS 1500

static unsigned image_of(const struct instance *i)
{
	return (unsigned)(i->revision[strlen("rev-app:")] - '1'); /* "rev-app:1+9090" */
}

static enum behaviour behaviour_of(const struct simulation *s, const struct instance *i)
{
	if (!is_ours(i))
		return BEHAVES;
	unsigned image = image_of(i);
	return image < IMAGES_COUNT ? s->behaviours[service_index(i->service)][image] : BEHAVES;
}

/* When its smoke test passes; 0: always, or there is none; SMOKE_FAILS: never. */
static int64_t smoke_ms(const struct simulation *s, const struct instance *i)
{
	bool is_tested = is_ours(i) && s->schedule->setups[service_index(i->service)].has_smoke && image_of(i) < IMAGES_COUNT;
	int64_t after_ms = is_tested ? s->smoke_after_ms[service_index(i->service)][image_of(i)] : 0;
	return after_ms && after_ms < SMOKE_FAILS ? i->started_ms + after_ms : after_ms;
}

static int64_t slow_ms_of(const struct simulation *s, const struct instance *i)
{
	return is_ours(i) ? s->schedule->setups[service_index(i->service)].slow_ms : 0;
}

static bool is_well(const struct simulation *s, const struct instance *i)
{
	int64_t age_ms = s->real->now_ms - i->started_ms;
	enum behaviour b = behaviour_of(s, i);
	if (s->hung_id && s->hung_since_ms == i->started_ms && strcmp(s->hung_id, i->id) == 0)
		return false;
	if (b == NEVER_READY || age_ms < slow_ms_of(s, i))
		return false;
	if (b == FLAPS)
		return age_ms / FLAP_MS % 2 == 0;
	return b != GETS_SICK || age_ms < s->sick_after_ms;
}

static void set_health(struct instance *i, bool was_ready, bool is_passing)
{
	if (i->health != HEALTH_NONE)
		i->health = is_passing ? HEALTH_HEALTHY : was_ready ? HEALTH_UNHEALTHY : HEALTH_STARTING;
}

static void probe(struct simulation *s, struct instance *i)
{
	int64_t now_ms = s->real->now_ms;
	i->is_passing = is_well(s, i);
	i->probe_said = i->is_passing ? "" : "GET /health answered 503, wanted 200";
	set_health(i, now_ms - i->started_ms > slow_ms_of(s, i) + 30000 || i->health == HEALTH_HEALTHY ||
	              i->health == HEALTH_UNHEALTHY, i->is_passing);
	if (!i->is_passing) {
		i->passing_since_ms = 0;
		i->failing_since_ms = i->failing_since_ms ? i->failing_since_ms : now_ms;
	} else {
		i->failing_since_ms = 0;
		i->passing_since_ms = i->passing_since_ms ? i->passing_since_ms : now_ms;
	}
}

/* As observe.c asks it. */
static void ask_smoke_test(struct simulation *s, struct instance *i)
{
	const struct service *want = is_ours(i) ? wanted_in(s->desired, i->service) : NULL;
	i->smoke_since_ms = i->state == INSTANCE_RUNNING ? i->smoke_since_ms : 0;
	i->smoke_said = "";
	if (!want || is_listed(&s->host, i->address) || !gate_asks_smoke(i, want, s->real, &s->host.arena))
		return;
	if (is_good(s, want))
		s->broken = "only what is new is asked its smoke test";
	i->smoke_since_ms = i->smoke_since_ms ? i->smoke_since_ms : s->real->now_ms;
	i->has_passed_smoke = s->real->now_ms >= smoke_ms(s, i);
	i->smoke_said = "GET /smoke answered 500, wanted 2xx or 3xx";
}

static bool ends_by_itself(enum behaviour b)
{
	return b == EXITS || b == OUT_OF_MEMORY;
}

/* The engine waits twice as long after each end. */
static int64_t restarts_ms(const struct simulation *s, const struct instance *i)
{
	return i->started_ms + s->sick_after_ms + ((int64_t)100 << (i->restart_count < 9 ? i->restart_count : 9));
}

void instance_ends(struct simulation *s, struct instance *i, int exit_code, bool is_oom, bool starts_at_once)
{
	i->exit_code = exit_code;
	i->was_oom_killed = is_oom;
	i->passing_since_ms = i->failing_since_ms = 0;
	i->is_passing = false;
	if (i->is_restart_off) {
		i->state = INSTANCE_EXITED;
		return;
	}
	i->restart_count++;
	i->state = starts_at_once ? INSTANCE_RUNNING : INSTANCE_RESTARTING;
	if (starts_at_once)
		i->started_ms = s->real->now_ms;
	if (i->health != HEALTH_NONE)
		i->health = HEALTH_STARTING;
}

static void one_instance(struct simulation *s, struct instance *i)
{
	enum behaviour b = behaviour_of(s, i);
	int64_t now_ms = s->real->now_ms;
	if (i->state == INSTANCE_RUNNING && ends_by_itself(b) && now_ms >= i->started_ms + s->sick_after_ms)
		instance_ends(s, i, b == EXITS ? 1 : 137, b == OUT_OF_MEMORY, false);
	if (i->state == INSTANCE_RESTARTING && (!ends_by_itself(b) || now_ms >= restarts_ms(s, i))) {
		i->state = INSTANCE_RUNNING;
		i->started_ms = now_ms;
	}
	if (i->state == INSTANCE_RUNNING)
		probe(s, i);
	ask_smoke_test(s, i);
}

void time_passes(struct simulation *s)
{
	struct world *w = s->real;
	for (size_t i = 0; i < w->instances_count; i++)
		one_instance(s, &w->instances[i]);
	share_memory(s);
	if (w->now_ms >= s->lingers_until_ms)
		w->nginx.draining_workers = 0;
}

static void sooner(int64_t *next, int64_t now_ms, int64_t at_ms)
{
	if (at_ms > now_ms && (!*next || at_ms < *next))
		*next = at_ms;
}

int64_t next_change_ms(const struct simulation *s)
{
	const struct world *w = s->real;
	int64_t next = 0, now_ms = w->now_ms;
	sooner(&next, now_ms, s->lingers_until_ms);
	if (now_ms < s->lingers_until_ms)
		sooner(&next, now_ms, w->nginx.installed_ms + DRAIN_TIMEOUT_DEFAULT_MS);
	for (size_t i = 0; i < w->nginx.topology.services_count; i++)
		sooner(&next, now_ms, next_requests_ms(&w->nginx.topology.services[i], now_ms));
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		enum behaviour b = behaviour_of(s, in);
		if (in->state == INSTANCE_RESTARTING)
			sooner(&next, now_ms, restarts_ms(s, in));
		if (in->state != INSTANCE_RUNNING)
			continue;
		sooner(&next, now_ms, in->started_ms + slow_ms_of(s, in));
		if (smoke_ms(s, in) < SMOKE_FAILS)
			sooner(&next, now_ms, smoke_ms(s, in));
		if (ends_by_itself(b) || b == GETS_SICK)
			sooner(&next, now_ms, in->started_ms + s->sick_after_ms);
		if (b == FLAPS)
			sooner(&next, now_ms, in->started_ms + ((now_ms - in->started_ms) / FLAP_MS + 1) * FLAP_MS);
	}
	return next;
}
