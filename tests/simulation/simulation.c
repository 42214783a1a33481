/*
 * Plays a schedule: runs of the tool, one after the other, and between any two of its actions whatever is due. When the
 * schedule is over the trouble ends, and the host must come to what Git says and stay there.
 */
#include "simulation.h"

#include "happen.h"

#define RUN_MAX_MS (30 * 60000)  /* as in cycle.c */
#define REPEATS_MAX 20           /* as in cycle.c: the same action more often than that is no progress */
#define QUIET_PASSES_MAX 1000    /* decisions while nothing happens */
#define POLL_MS 200              /* and so long while something is under way */
#define NAP_MS 20000             /* so long at most between two looks that find nothing to do */
#define CRON_MS 60000
#define CANARY_STEPS 3

const char *const project_names[PROJECTS_MAX] = {"shop", "stall"};
const char *const service_names[SERVICES_MAX] = {"api", "bot", "cache", "db"};

int service_index(const char *name)
{
	return name[0] - 'a';
}

bool is_ours(const struct instance *i)
{
	return i->project[0] == 's'; /* shop or stall; the other project is blog */
}

void say(struct simulation *s, const char *fmt, ...)
{
	if (!s->is_traced)
		return;
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "%10.3f  ", (double)(s->real->now_ms - 1700000000000) / 1000);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

void part(struct simulation *s)
{
	if (s->host.world == s->real)
		s->host.world = world_copy(&s->host.arena, s->real);
}

/* ---- The beginning ---- */

/* Somebody else's project on the same host, deployed by the same tool from another repository. */
static void add_neighbour(struct simulation *s)
{
	struct host *h = &s->host;
	struct world *w = s->real;
	const char **address = arena_alloc(&h->arena, sizeof *address);
	*address = "10.231.0.2";
	*ARENA_PUSH(&h->arena, w->networks, w->networks_count) = (struct network){
		.name = "blog_reconcile", .subnet = "10.231.0.0/24", .range = "", .project = "blog"};
	*ARENA_PUSH(&h->arena, w->instances, w->instances_count) = (struct instance){
		.id = "blog1", .name = "blog-weblog-1", .project = "blog", .service = "weblog", .revision = "rev-blog", .number = 1,
		.state = INSTANCE_RUNNING, .error = "", .created_ms = 1, .started_ms = 1, .address = *address, .is_passing = true,
		.passing_since_ms = 1, .probe_said = ""};
	*ARENA_PUSH(&h->arena, w->nginx.topology.services, w->nginx.topology.services_count) = (struct traffic){
		.project = "blog", .service = "weblog", .rollout = "1", .stable = {"rev-blog", address, 1}, .next = {.revision = ""}};
	*ARENA_PUSH(&h->arena, w->nginx.topology.routes, w->nginx.topology.routes_count) =
		(struct route){.host = "blog.example.com", .path = "/", .project = "blog", .service = "weblog", .port = 80, .weight = 100};
	*ARENA_PUSH(&h->arena, w->goods, w->goods_count) = (struct good){"blog", "weblog", "rev-blog", NULL};
}

/* Its memory, and swap that is not ours. */
static void begin_host(struct simulation *s)
{
	struct host_state *host = &s->real->host;
	int64_t mib = s->schedule->memory_mib;
	for (int i = 0; mib && i < s->schedule->services; i++)
		mib += s->schedule->setups[i].use_mib * s->schedule->setups[i].replicas;
	s->memory_bytes = mib << 20;
	host->swappiness = 60;
	host->swappiness_before = -1;
	host->disk_free_bytes = (int64_t)4 << 30;
	if (s->schedule->seed % 2)
		*ARENA_PUSH(&s->host.arena, host->swaps, host->swaps_count) = (struct swap_file){
			.path = "/dev/vdb", .is_there = true, .is_active = true, .line = SWAP_LINE_FOREIGN, .swap_bytes = 1 << 26};
}

/* As a manifest has it: a canary is, unless it says otherwise, which nobody here does. */
bool is_analysed(const struct setup *setup, enum strategy strategy)
{
	return setup->is_analysed || strategy == STRATEGY_CANARY;
}

/* Blue-green has none but the one in the dark; those who go in batches do not look at theirs. */
void settle_steps(struct simulation *s, struct service *one)
{
	const struct setup *setup = &s->schedule->setups[service_index(one->name)];
	int shares = one->strategy == STRATEGY_BLUE_GREEN ? 0 : CANARY_STEPS;
	one->steps = NULL;
	one->steps_count = 0;
	if (setup->is_dark)
		*ARENA_PUSH(&s->host.arena, one->steps, one->steps_count) = (struct canary_step){0, setup->canary_hold_ms, setup->dark_instances};
	for (int k = 0; k < shares; k++)
		*ARENA_PUSH(&s->host.arena, one->steps, one->steps_count) = (struct canary_step){(int[]){50, 250, 500}[k], setup->canary_hold_ms};
}

void let_testers(struct simulation *s, struct service *one, bool may)
{
	struct desired *d = &s->host.desired;
	one->has_testers = may && one->is_routed;
	for (size_t i = 0; i < d->routes_count; i++)
		if (strcmp(d->routes[i].service, one->name) == 0)
			d->routes[i].in.testers = one->has_testers ? "header:X-Testers" : NULL;
}

void simulation_begin(struct simulation *s, const struct schedule *schedule)
{
	struct arena arena = s->host.arena;
	struct counters *counters = s->counters;
	bool is_traced = s->is_traced;
	arena_clear(&arena);
	*s = (struct simulation){.schedule = schedule, .counters = counters, .is_traced = is_traced, .sick_after_ms = 1000};
	s->host.arena = arena;
	struct host *h = &s->host;
	host_begin(h);
	for (size_t i = 0; i < h->world->images_count; i++) /* so that it is the same when it is pulled again */
		h->world->images[i].id = arena_printf(&h->arena, "model-%s", h->world->images[i].name);
	h->tells_routeless = true;
	s->real = h->world;
	s->real->images_count = 2; /* the third must be pulled */
	add_neighbour(s);
	*ARENA_PUSH(&h->arena, h->desired.projects, h->desired.projects_count) = (struct project){
		.name = project_names[1], .directory = "/srv/stall", .file = "compose.yaml"};
	for (int i = 0; i < PROJECTS_MAX; i++)
		h->desired.projects[i].is_atomic = schedule->is_atomic[i];
	begin_host(s);
	for (int i = 0; i < schedule->services; i++) {
		const struct setup *setup = &schedule->setups[i];
		struct service *one = add_service_to(h, &h->desired.projects[setup->project], service_names[i], "app:1",
		                                     setup->strategy, setup->is_routed);
		one->replicas = setup->replicas;
		one->batch = setup->batch;
		one->hold_ms = setup->hold_ms;
		one->keep_old_ms = setup->keep_old_ms;
		one->rollback_window = setup->rollback_window;
		one->pause_after = setup->pause_after;
		settle_steps(s, one);
		let_testers(s, one, setup->has_testers);
		one->analysis = (struct analysis){.is_on = is_analysed(setup, setup->strategy), .min_requests = setup->min_requests,
		                                  .on_inconclusive = setup->on_inconclusive};
		one->has_healthcheck = setup->has_healthcheck;
		if (setup->has_smoke)
			one->smoke = (struct ready){.http_port = 8080, .path = "/smoke", .within_ms = 10000};
		one->is_job = one->may_end = setup->is_job;
		if (setup->is_job)
			own_values(h, one)[1] = value_string("no");
		if (setup->depends_on >= 0)
			depends_on(h, service_names[i], service_names[setup->depends_on], setup->condition);
	}
	s->in_force = s->real->nginx.topology;
	s->ticks = schedule->steps_count ? schedule->steps[0].after : 0;
}

/* ---- What is due ---- */

static void happens(struct simulation *s)
{
	const struct step *step = &s->schedule->steps[s->next_step++];
	part(s);
	happenings[step->what].happen(s, step);
	flights_are_disturbed(s);
	s->counters->happened[step->what]++;
	s->counters->events++;
	s->quiet_passes = 0;
	memset(s->repeats, 0, sizeof s->repeats);
	s->ticks = s->next_step < s->schedule->steps_count ? s->schedule->steps[s->next_step].after : 0;
}

/* Between two actions, or while the tool waits. Returns false when the tool is no more. */
static bool tick(struct simulation *s)
{
	late_replies(s);
	flights_go_on(s);
	if (s->ticks > 0)
		s->ticks--;
	else
		while (s->next_step < s->schedule->steps_count && s->ticks == 0 && !s->is_dead)
			happens(s);
	return !s->is_dead && !s->broken;
}

static bool is_up(const struct instance *i)
{
	return i->state == INSTANCE_RUNNING || i->state == INSTANCE_RESTARTING || i->state == INSTANCE_PAUSED;
}

/* All containers end; those with a policy come back. */
void host_reboots(struct simulation *s, bool is_whole_host)
{
	struct world *w = s->real;
	w->engine_started_ms = w->now_ms;
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		if (!is_up(in))
			continue;
		in->passing_since_ms = in->failing_since_ms = 0;
		in->is_passing = false;
		in->state = in->is_restart_off ? INSTANCE_EXITED : INSTANCE_RUNNING;
		in->exit_code = in->is_restart_off ? 137 : in->exit_code;
		in->started_ms = in->is_restart_off ? in->started_ms : w->now_ms;
		if (in->health != HEALTH_NONE)
			in->health = HEALTH_STARTING;
	}
	s->lates_count = 0;
	flights_break_off(s);
	if (!is_whole_host)
		return;
	s->flights_count = 0;
	w->nginx.is_up = w->nginx.is_current = true;
	w->nginx.problem = "";
	w->nginx.draining_workers = 0;
	for (size_t i = 0; i < w->host.swaps_count; i++) /* what has a line in /etc/fstab comes back */
		w->host.swaps[i].is_active = w->host.swaps[i].is_there && w->host.swaps[i].line != SWAP_LINE_NONE;
	w->host.swappiness = w->host.is_swappiness_kept ? w->host.swappiness_kept : 60;
	s->lingers_until_ms = 0;
	s->in_force = world_copy(&s->host.arena, w)->nginx.topology;
}

/* ---- The tool ---- */

/* What one run reads from Git: a project whose manifest is wrong is left out as a whole. */
static void read_git(struct simulation *s)
{
	struct desired *d = (struct desired *)snapshot(&s->host);
	struct project *all = d->projects;
	struct route *routes = arena_alloc(&s->host.arena, d->routes_count * sizeof *routes);
	size_t kept = 0;
	d->projects_count = 0;
	for (int i = 0; i < PROJECTS_MAX; i++) {
		if (s->is_manifest_empty[i])
			all[i].services_count = 0;
		if (s->is_manifest_broken[i])
			d->is_partial = true;
		else
			d->projects[d->projects_count++] = all[i];
	}
	for (size_t i = 0; i < d->routes_count; i++)
		if (wanted_in(d, d->routes[i].service))
			routes[kept++] = d->routes[i];
	d->routes = routes;
	d->routes_count = kept;
	s->desired = d;
	s->is_git_newer = false;
	s->host.failures = (struct failures){0};
}

static void read_notes(struct simulation *s)
{
	struct world *w = s->real;
	if (w->quarantines_count > s->quarantines_written) { /* what the last run could not write */
		w->quarantines_count = s->quarantines_written;
		w->past_goods = past_goods_copy(s, &s->past_goods_written);
		s->judged_count = s->judged_written;
	}
	if (!(s->is_copy_lost[0] && s->is_copy_lost[1]))
		return;
	forget_notes(s);
	w->are_notes_lost = w->instances_count > 0;
}

static void begin_run(struct simulation *s)
{
	s->is_dead = false;
	s->host.world = s->real;
	s->real->run_started_ms = s->real->now_ms;
	s->quiet_passes = s->idle_passes = s->acted = s->in_vain = 0;
	s->is_memory_out = false;
	memset(s->repeats, 0, sizeof s->repeats);
	s->counters->runs++;
	read_notes(s);
	read_git(s);
	/* How long a probe has passed is known only as far as this process saw. */
	forget_smoke(s->real);
	for (size_t i = 0; i < s->real->instances_count; i++) {
		struct instance *in = &s->real->instances[i];
		in->passing_since_ms = in->failing_since_ms = 0;
		in->idle_readings = 0;
	}
	say(s, "-- a run");
}

static void observe(struct simulation *s)
{
	struct world *w = s->real;
	s->host.world = w;
	s->judged_first = s->judged_lost;
	time_passes(s);
	see_requests(s);
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		bool is_counted = in->state == INSTANCE_RUNNING && *in->address && !is_listed(&s->host, in->address);
		in->connections = is_counted && w->now_ms < s->lingers_until_ms && in->created_ms <= w->nginx.installed_ms ? 2 : 0;
		in->idle_readings = in->connections == 0 ? in->idle_readings + 1 : 0;
	}
	w->failures = s->host.failures.items;
	w->failures_count = s->host.failures.count;
}

/* The same action again and again, and nothing happened in between, is no progress. */
static bool is_repeated(struct simulation *s, const struct action *a)
{
	const char *what = a->instance ? a->instance->id : a->name ? a->name : a->rollout ? a->rollout : a->swap ? a->swap->file : a->service;
	uint64_t key = 14695981039346656037u + a->kind;
	for (; what && *what; what++)
		key = (key ^ (unsigned char)*what) * 1099511628211u;
	for (size_t i = 0; i < ARRAY_LEN(s->repeats); i++) {
		struct repeat *r = &s->repeats[(key + i) % ARRAY_LEN(s->repeats)];
		if (r->count && r->key != key)
			continue;
		r->key = key;
		return ++r->count > REPEATS_MAX;
	}
	memset(s->repeats, 0, sizeof s->repeats);
	return false;
}

/* When the patience of one of which it cannot be told whether it is good is over; 0: of none, or it has no end. */
static int64_t patient_until_ms(const struct simulation *s)
{
	const struct decision *d = &s->host.last;
	for (size_t i = 0; i < d->services_count; i++)
		if (d->services[i].phase == PHASE_PROGRESSING && d->services[i].until_ms && strstr(d->services[i].reason, "cannot be told"))
			return d->services[i].until_ms;
	return 0;
}

/* Waits as decide says, but does not sleep through what changes before; and what is only looked at every now and then
 * is looked at again when something has changed. */
static bool wait_a_little(struct simulation *s)
{
	if (!tick(s))
		return false;
	if (s->is_git_newer) {
		read_git(s);
		flights_are_disturbed(s); /* they were right by the commit before */
	}
	int64_t now_ms = s->real->now_ms, until_ms = s->host.last.wait_until_ms, next_ms = next_change_ms(s);
	bool is_poll = until_ms - now_ms <= 1000 && ++s->idle_passes > 3;
	if (is_poll && !next_ms)
		next_ms = patient_until_ms(s);
	if (s->flights_count && (until_ms <= now_ms || until_ms > now_ms + POLL_MS))
		until_ms = now_ms + POLL_MS;
	if (until_ms < now_ms)
		until_ms = now_ms + 1;
	if (next_ms && !s->flights_count && (is_poll ? next_ms > until_ms : next_ms < until_ms))
		until_ms = next_ms < now_ms + NAP_MS ? next_ms : now_ms + NAP_MS;
	s->real->now_ms = until_ms;
	return true;
}

/* What flaps, or is killed again and again, may keep a run busy for as long as it does; nothing else may. */
static bool does_any_flap(const struct simulation *s)
{
	for (int i = 0; i < SERVICES_MAX; i++)
		for (int k = 0; k < IMAGES_COUNT; k++)
			if (s->behaviours[i][k] == FLAPS)
				return true;
	return false;
}

static bool act(struct simulation *s)
{
	const struct decision *d = &s->host.last;
	int before = s->acted;
	bool *waits = arena_alloc(&s->host.arena, (d->actions_count + 1) * sizeof *waits);
	for (size_t i = 0; i < d->actions_count; i++)
		waits[i] = flight_waits(s, &d->actions[i]);
	s->failed = NULL;
	s->failed_count = 0;
	for (int order = 0; order < ACTION_ORDERS; order++)
		for (size_t i = 0; i < d->actions_count; i++) {
			if (action_order(&d->actions[i]) != order || waits[i] || flight_waits(s, &d->actions[i]))
				continue;
			if (!tick(s))
				return false;
			act_on(s, &d->actions[i]);
			s->acted++;
			s->idle_passes = 0;
			if (s->broken || s->is_dead)
				return false;
			if (!is_repeated(s, &d->actions[i]))
				continue;
			/* Who ends again and again: cycle.c gives up. A name to and fro is nobody's fault but ours. */
			if (!s->is_over && (d->actions[i].kind != ACTION_ALIAS || does_any_flap(s)))
				return false;
			s->broken = "every run ends: the same action again and again";
		}
	return s->acted > before || wait_a_little(s);
}

static bool is_at_rest(const struct decision *d)
{
	return d->actions_count == 0 && d->wait_until_ms == 0;
}

/* What the notes keep of a settled service follows changes that needed no new instance, as in cycle.c. */
static void refresh_notes(struct simulation *s)
{
	for (size_t i = 0; i < s->real->goods_count; i++) {
		struct good *good = &s->real->goods[i];
		const struct service *want = wanted_in(s->desired, good->service);
		for (size_t k = 0; want && k < s->host.last.services_count; k++) {
			const struct status *st = &s->host.last.services[k];
			bool is_settled = st->phase == PHASE_SETTLED || st->phase == PHASE_KEEPING;
			if (is_settled && strcmp(st->service, good->service) == 0 && strcmp(good->revision, want->revision) == 0)
				good->spec = want;
		}
	}
}

static void show_statuses(struct simulation *s)
{
	for (size_t i = 0; i < s->host.last.services_count; i++) {
		const struct status *st = &s->host.last.services[i];
		if (st->phase != PHASE_SETTLED)
			say(s, "   %s: %s: %s", st->service, phase_name(st->phase), st->reason);
	}
}

/* Ten minutes at each step, of which the next run may have the last. */
static bool is_patient(const struct simulation *s)
{
	bool is_any = false;
	for (size_t i = 0; i < s->desired->projects_count; i++)
		for (size_t k = 0; k < s->desired->projects[i].services_count; k++)
			is_any |= s->desired->projects[i].services[k].analysis.on_inconclusive == INCONCLUSIVE_PROMOTE;
	return is_any && s->real->now_ms - s->real->run_started_ms > RUN_MAX_MS;
}

static bool gives_up(struct simulation *s)
{
	if (!does_any_flap(s) && !s->is_memory_out && !is_patient(s))
		s->broken = "every run ends";
	say(s, "   it has lasted for too long");
	show_statuses(s);
	return false;
}

static void ends_well(struct simulation *s)
{
	if (!s->is_disk_full && !s->real->are_notes_lost) {
		refresh_notes(s);
		notes_are_written(s);
	}
	for (size_t i = 0; i < s->host.last.services_count; i++)
		s->counters->phases[s->host.last.services[i].phase]++;
	show_statuses(s);
}

static bool one_run(struct simulation *s)
{
	begin_run(s);
	while (!s->broken) {
		struct host *h = &s->host;
		observe(s);
		if (s->broken)
			break;
		decide(s->desired, flights_view(s), &h->arena, &h->last);
		s->decision++;
		s->counters->decisions++;
		s->counters->events++;
		if ((s->broken = promise_of_decision(s)))
			break;
		if (is_at_rest(&h->last) && !s->flights_count) {
			ends_well(s);
			return true;
		}
		if (s->real->now_ms - s->real->run_started_ms > RUN_MAX_MS || ++s->quiet_passes > QUIET_PASSES_MAX)
			return gives_up(s);
		if (!(h->last.actions_count ? act(s) : wait_a_little(s)))
			return false;
	}
	return false;
}

/* Returns whether it came to rest. */
static bool run_tool(struct simulation *s)
{
	bool came_to_rest = one_run(s);
	if (s->is_dead)
		flights_are_left(s);
	else
		flights_land(s);
	return came_to_rest;
}

/* ---- The end ---- */

static bool settle(struct simulation *s, bool is_retried)
{
	for (int i = 0; i < 6 && !s->broken; i++) {
		if (!run_tool(s) && !s->broken)
			s->broken = "when the trouble is over every run ends";
		s->real->now_ms += 100000;
	}
	if (!s->broken)
		s->broken = promise_of_rest(s, is_retried);
	return !s->broken;
}

/* Does it depend on that one, even by others? */
static bool depends_upon(const struct schedule *schedule, int i, int other)
{
	while (i >= 0 && i != other)
		i = schedule->setups[i].depends_on;
	return i == other;
}

/* One broken service never holds up the others, unless their project is to stand and fall as one. */
static void others_settle(struct simulation *s, int broken)
{
	trouble_ends(s, broken);
	if (s->real->are_notes_lost || s->is_copy_lost[0] || s->is_copy_lost[1])
		return;
	for (int i = 0; i < 3 && !s->broken; i++) {
		run_tool(s);
		s->real->now_ms += 100000;
	}
	const struct decision *d = &s->host.last;
	for (size_t i = 0; i < d->services_count && !s->broken; i++) {
		const struct status *st = &d->services[i];
		bool is_fine = st->phase == PHASE_SETTLED || st->phase == PHASE_KEEPING || st->phase == PHASE_ROLLED_BACK ||
		               st->phase == PHASE_WAITING;
		for (size_t k = 0; k < s->real->quarantines_count; k++)
			is_fine |= depends_upon(s->schedule, service_index(st->service), service_index(s->real->quarantines[k].service));
		for (size_t k = 0; k < s->real->orders_count; k++)
			is_fine |= depends_upon(s->schedule, service_index(st->service), service_index(s->real->orders[k].service));
		is_fine |= s->schedule->setups[service_index(st->service)].project == s->schedule->setups[broken].project &&
		           wanted_project(s->desired, st->project)->is_atomic;
		if (!is_fine && !depends_upon(s->schedule, service_index(st->service), broken))
			s->broken = "one broken service never holds up the others";
	}
}

static void finish(struct simulation *s)
{
	say(s, "-- the schedule is over");
	s->is_dead = false;
	others_settle(s, (int)(s->schedule->seed % (uint64_t)s->schedule->services));
	if (s->broken)
		return;
	say(s, "-- the trouble is over");
	s->is_over = true;
	trouble_ends(s, -1);
	if (!settle(s, false))
		return;
	/* What failed is not tried again until somebody says so, and what waits for a word goes on. */
	operator_lets_go(s);
	if (!settle(s, false))
		return;
	operator_lets_go(s); /* what was held up may have failed by what had happened to it before */
	if (!settle(s, true) || !all_go_back(s))
		return;
	say(s, "-- all that has changed is taken back");
	settle(s, false);
}

void simulation_play(struct simulation *s, const struct schedule *schedule)
{
	simulation_begin(s, schedule);
	s->counters->schedules++;
	while (s->next_step < schedule->steps_count && !s->broken) {
		run_tool(s);
		/* Until cron starts the next one. */
		s->host.world = s->real;
		s->real->now_ms += CRON_MS - s->real->now_ms % CRON_MS;
		s->is_dead = false;
		s->ticks = 0;
		if (!s->broken && s->next_step < schedule->steps_count)
			tick(s);
	}
	if (!s->broken)
		finish(s);
}
