/*
 * One service: what shall serve, what serves, and the next thing to do about the difference. The one thing to know:
 * a rollout has no memory. Its two revisions are those that nginx lists (or, without a route, the last good one and the
 * one that Git asks for), and where it stands is the first of its steps that the world does not satisfy.
 */
#include <string.h>

#include "base/clock.h"

#include "decide/rollout.h"

const struct service *rollout_spec(const struct rollout *r, const char *revision)
{
	if (r->want && strcmp(r->want->revision, revision) == 0)
		return r->want;
	if (r->good && r->good->spec && strcmp(r->good->revision, revision) == 0)
		return r->good->spec;
	return NULL;
}

void rollout_status(struct rollout *r, enum phase phase, enum err_kind cause, const char *reason)
{
	r->status->phase = phase;
	r->status->cause = cause;
	r->status->reason = reason;
}

void rollout_wait(struct rollout *r, const char *reason, int64_t until_ms)
{
	rollout_status(r, PHASE_PROGRESSING, ERR_NONE, reason);
	if (until_ms)
		pass_wait(r->pass, until_ms);
}

bool rollout_is_good(const struct rollout *r, const char *revision)
{
	return r->good && strcmp(r->good->revision, revision) == 0;
}

static const struct quarantine *find_quarantine(const struct rollout *r, const char *revision)
{
	const struct world *w = r->pass->world;
	for (size_t i = 0; i < w->quarantines_count; i++) {
		const struct quarantine *q = &w->quarantines[i];
		if (strcmp(q->project, r->project) == 0 && strcmp(q->service, r->service) == 0 &&
		    strcmp(q->revision, revision) == 0)
			return q;
	}
	return NULL;
}

static struct set set_of_revision(struct rollout *r, const char *revision)
{
	return set_of(r->pass, r->project, r->service, revision);
}

/* What serves: the stable side of nginx; without a route the last good revision; else the oldest that runs. "" none. */
static const char *stable_revision(struct rollout *r)
{
	if (r->now)
		return r->now->stable.revision;
	if (r->good && set_of_revision(r, r->good->revision).count)
		return r->good->revision;
	struct set all = set_of_revision(r, NULL);
	const struct instance *oldest = NULL;
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i]->state == INSTANCE_RUNNING && (!oldest || all.items[i]->created_ms < oldest->created_ms))
			oldest = all.items[i];
	return oldest ? oldest->revision : r->good ? r->good->revision : "";
}

static void want_sides(struct rollout *r, const char *rollout, struct side stable, struct side next)
{
	r->wants_traffic = true;
	r->wanted = (struct traffic){
		.project = r->project, .service = r->service, .rollout = rollout, .stable = stable, .next = next};
}

/* A name that no rollout had before: the flags of an older one must not count. */
static const char *new_rollout(struct rollout *r)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[16];
	size_t at = sizeof text - 1;
	text[at] = 0;
	for (int64_t left = r->pass->world->now_ms; left > 0 && at > 0; left /= 36)
		text[--at] = digits[left % 36];
	return arena_strdup(r->pass->arena, text + at);
}

/* One revision, no flags. */
static void fold(struct rollout *r, struct side stable, const char *reason)
{
	want_sides(r, new_rollout(r), stable, (struct side){.revision = ""});
	rollout_wait(r, reason, 0);
}

static void shift(struct rollout *r, int weight, const char *reason)
{
	rollout_wait(r, "shifts traffic", 0);
	if (!r->pass->world->nginx.is_current)
		return; /* these flags are not in force: the configuration comes first */
	/* The way back is always open. */
	if (weight > r->now->weight && !rollout_may_try(r, r->target->revision, r->now->rollout))
		return;
	struct action *a = pass_action(r->pass, ACTION_WEIGHT, r->project, r->service);
	a->revision = r->target->revision;
	a->rollout = r->now->rollout;
	a->weight = weight;
	a->reason = reason;
}

static void commit(struct rollout *r, const struct service *s)
{
	if (!rollout_may_try(r, s->revision, "")) /* the notes could not be written; the old ones stay up until they can */
		return;
	struct action *a = pass_action(r->pass, ACTION_COMMIT, r->project, r->service);
	a->spec = s;
	a->revision = s->revision;
	rollout_wait(r, "notes that it is good", 0);
}

/* The revision on trial failed. With a good one to go back to it is never tried again by itself. */
static void fail(struct rollout *r, const char *why)
{
	if (!r->good || !r->good->spec || rollout_is_good(r, r->target->revision)) {
		rollout_status(r, PHASE_FAILED, ERR_INTERNAL, why);
		return;
	}
	struct action *a = pass_action(r->pass, ACTION_QUARANTINE, r->project, r->service);
	a->revision = r->target->revision;
	a->reason = why;
	rollout_wait(r, why, 0);
}

static int count_up(const struct set *s)
{
	int n = 0;
	for (size_t i = 0; i < s->count; i++)
		n += instance_is_up(s->items[i]);
	return n;
}

/* ---- Steady: one revision, the right number of it ---- */

/* What nginx shall list: all that are ready once all are; before that what it lists already, less what is gone. */
static void steady_sides(struct rollout *r, const struct set *members, int n, bool are_all_ready, enum trust trust)
{
	struct set ready = set_ready(r, r->target, members, n, trust);
	bool is_listed_gone = false, has_next = r->now && *r->now->next.revision;
	struct set all = set_of_revision(r, NULL);
	for (size_t k = 0; r->now && k < r->now->stable.addresses_count; k++) {
		bool exists = false;
		for (size_t i = 0; i < all.count; i++)
			exists |= strcmp(all.items[i]->address, r->now->stable.addresses[k]) == 0 && instance_is_up(all.items[i]);
		is_listed_gone |= !exists;
	}
	bool serves_nothing = !r->now || r->now->stable.addresses_count == 0;
	bool may_change = are_all_ready || ((is_listed_gone || serves_nothing) && r->status->phase != PHASE_PROGRESSING);
	if (!may_change || ready.count == 0) {
		if (r->now)
			want_sides(r, r->now->rollout, r->now->stable, r->now->next);
		return;
	}
	struct side side = side_of(r->pass, r->target->revision, &ready, ready.count);
	if (r->now && !has_next && side_equal(&side, &r->now->stable))
		want_sides(r, r->now->rollout, side, (struct side){.revision = ""});
	else
		fold(r, side, "publishes its instances");
}

static void steady(struct rollout *r)
{
	const struct service *s = r->target;
	const char *why = NULL;
	bool is_good = rollout_is_good(r, s->revision);
	enum trust trust = is_good ? TRUST_PROVEN : TRUST_FIRST;
	struct set all = set_of_revision(r, NULL), same = set_of_revision(r, s->revision);
	struct set members = set_usable(r, s, &same);
	if (members.count > (size_t)s->replicas)
		members.count = (size_t)s->replicas;
	struct set rest = set_rest(r->pass, &all, &members, NULL);

	/* Never two at once: what is not of this revision must be down before anything of it starts. */
	if (strategy_info(s->strategy)->is_exclusive &&
	    (int)set_ready(r, s, &members, s->replicas, trust).count < s->replicas) {
		bool must_start = count_up(&members) < s->replicas;
		/* Nothing that works is stopped before what replaces it is on the host. */
		enum ups image = (int)members.count < s->replicas && rest.count ? bring_image(r, s, &why) : UPS_READY;
		if (image == UPS_FAILED)
			rollout_status(r, PHASE_FAILED, ERR_INTERNAL, why);
		bool are_down = image == UPS_READY;
		for (size_t i = 0; image == UPS_READY && i < rest.count; i++)
			if (must_start || strcmp(rest.items[i]->revision, s->revision) != 0)
				are_down &= bring_down(r, rest.items[i]);
		if (!are_down) {
			if (r->is_routed && r->now)
				want_sides(r, r->now->rollout, r->now->stable, r->now->next);
			return;
		}
	}
	enum ups ups = bring_up(r, s, &members, s->replicas, trust, &why);
	if (ups == UPS_FAILED)
		rollout_status(r, PHASE_FAILED, ERR_INTERNAL, why);
	if (r->is_routed && s->is_routed) {
		steady_sides(r, &members, s->replicas, ups == UPS_READY, trust);
		bool is_published = r->now && r->wants_traffic && side_equal(&r->wanted.stable, &r->now->stable) &&
		                    side_equal(&r->wanted.next, &r->now->next);
		if (!is_published)
			return;
	}
	if (ups != UPS_READY)
		return;
	if (!is_good)
		commit(r, s);
	else
		discard(r, &rest);
}

/* ---- Forward: from one revision to another, step by step ---- */

struct trip {
	const char *from;
	const struct service *from_spec; /* the target's when the old one's is not known any more */
	struct set stable, next;
	size_t mendable;                 /* how many of stable can be there: without its spec none can be made again */
	struct steps steps;
	enum trust trust;
};

/* Does the side lead to the first n, and to none that is gone? */
static bool is_listed(const struct side *side, const char *revision, const struct set *s, int n)
{
	size_t living = 0;
	if (n && strcmp(side->revision, revision) != 0)
		return false;
	for (size_t i = 0; i < s->count; i++) {
		bool is_in = side_lists(side, s->items[i]->address);
		if ((int)i < n && !is_in)
			return false;
		living += is_in && instance_is_up(s->items[i]);
	}
	return (int)s->count >= n && living == side->addresses_count;
}

static bool is_reached(struct rollout *r, const struct trip *t, const struct step *step)
{
	if ((int)set_ready(r, r->target, &t->next, step->next, t->trust).count < step->next || count_up(&t->stable) > step->stable)
		return false;
	if (!r->now) /* no route, or nothing was ever published: there is no traffic to look at */
		return true;
	if ((int)r->now->stable.addresses_count > step->stable)
		return false;
	return r->now->weight >= step->weight &&
	       (step->weight == 0 || is_listed(&r->now->next, r->target->revision, &t->next, step->next));
}

/* Old instances that this step wants gone: out of nginx first, then stopped, but kept until the new one is good. */
static void step_down(struct rollout *r, const struct trip *t, const struct step *step)
{
	if (r->now && (int)r->now->stable.addresses_count > step->stable) {
		want_sides(r, r->now->rollout, side_of(r->pass, t->from, &t->stable, (size_t)step->stable), r->now->next);
		rollout_wait(r, "takes an old instance out", 0);
		return;
	}
	for (size_t i = (size_t)step->stable; i < t->stable.count; i++)
		bring_down(r, t->stable.items[i]);
}

/* How many of the old revision this step may bring up again. In place only where a slot is free: not taken by the next
 * revision, nor by an old one that runs and cannot serve. */
static int count_mendable(struct rollout *r, const struct trip *t, const struct step *step)
{
	int n = (size_t)step->stable < t->mendable ? step->stable : (int)t->mendable;
	if (!strategy_info(r->target->strategy)->is_exclusive)
		return n;
	struct set usable = set_usable(r, t->from_spec, &t->stable);
	int next = count_up(&t->next) > step->next ? count_up(&t->next) : step->next;
	int left = r->target->replicas - next - (count_up(&t->stable) - count_up(&usable));
	return n < left ? n : left > 0 ? left : 0;
}

static void work(struct rollout *r, const struct trip *t, const struct step *step, bool is_last)
{
	const char *why = NULL;
	/* What still serves is mended before anything new is tried; but when it cannot be, the new one may be the cure. */
	if (!r->now || r->now->weight < PERMILLE)
		(void)bring_up(r, t->from_spec, &t->stable, count_mendable(r, t, step), TRUST_PROVEN, &why);
	/* Nothing that works is stopped before what replaces it is on the host. */
	enum ups ups = (int)t->next.count < r->target->replicas ? bring_image(r, r->target, &why) : UPS_READY;
	if (ups == UPS_READY)
		ups = bring_up(r, r->target, &t->next, step->next, t->trust, &why);
	if (ups == UPS_FAILED)
		fail(r, why);
	if (ups != UPS_READY)
		return;
	if (is_last && r->is_routed) {
		fold(r, side_of(r->pass, r->target->revision, &t->next, (size_t)step->next), "one revision again");
		return;
	}
	if (r->now && step->weight > 0 && !is_listed(&r->now->next, r->target->revision, &t->next, step->next)) {
		bool is_new = strcmp(r->now->next.revision, r->target->revision) != 0;
		want_sides(r, is_new ? new_rollout(r) : r->now->rollout, r->now->stable,
		           side_of(r->pass, r->target->revision, &t->next, (size_t)step->next));
		rollout_wait(r, "announces its next instances", 0);
		return;
	}
	if (r->now && r->now->weight < step->weight) {
		shift(r, step->weight, NULL);
		return;
	}
	step_down(r, t, step);
}

/* Parked: up and warm, but the engine must not bring it back when it ends. */
static void keep(struct rollout *r, const struct trip *t, int64_t until_ms)
{
	char since[32];
	for (size_t i = 0; i < t->stable.count; i++)
		if (t->stable.items[i]->state == INSTANCE_RUNNING && !t->stable.items[i]->is_restart_off &&
		    rollout_may_try(r, t->from, t->stable.items[i]->id)) {
			struct action *a = pass_action(r->pass, ACTION_PARK, r->project, r->service);
			a->instance = t->stable.items[i];
			a->spec = t->from_spec;
			a->revision = t->from;
		}
	struct decision *out = r->pass->out;
	if (!out->keeping_until_ms || until_ms < out->keeping_until_ms)
		out->keeping_until_ms = until_ms;
	clock_format(until_ms, since, sizeof since);
	rollout_status(r, PHASE_KEEPING, ERR_NONE, arena_printf(r->pass->arena, "the old revision is kept warm until %s", since));
}

/* A step that is reached: has it been so for long enough? */
static bool is_held(struct rollout *r, const struct trip *t, const struct step *step, int64_t since_ms)
{
	char hold[32];
	int64_t until_ms = since_ms + step->hold_ms, now_ms = r->pass->world->now_ms;
	if (step->commits && rollout_is_good(r, r->target->revision))
		return true;
	if (step->hold_ms > 0 && now_ms < until_ms) {
		if (step->is_kept)
			keep(r, t, until_ms);
		else
			rollout_wait(r, arena_printf(r->pass->arena, "is watched for %s", clock_duration(step->hold_ms, hold)), until_ms);
		return false;
	}
	if (step->commits) {
		commit(r, r->target);
		return false;
	}
	return true;
}

/* The old ones in the order in which they are worth keeping: what serves, what could, what cannot. */
static struct set by_worth(struct rollout *r, const struct service *spec, const struct set *s)
{
	struct set sorted = {0}, usable = set_usable(r, spec, s);
	for (int rank = 0; rank < 3; rank++)
		for (size_t i = 0; i < s->count; i++) {
			bool is_in = r->now && side_lists(&r->now->stable, s->items[i]->address);
			if (rank == (!set_has(&usable, s->items[i]) ? 2 : is_in ? 0 : 1))
				*ARENA_PUSH(r->pass->arena, sorted.items, sorted.count) = s->items[i];
		}
	return sorted;
}

/* nginx knows nothing of a service that runs: what serves comes before anything new. */
static bool publish_what_serves(struct rollout *r, const struct trip *t)
{
	struct set ready = set_ready(r, t->from_spec, &t->stable, (int)t->stable.count, TRUST_PROVEN);
	struct side side = side_of(r->pass, t->from, &ready, ready.count);
	if (!r->is_routed || side.addresses_count == 0)
		return false;
	fold(r, side, "publishes its instances");
	return true;
}

static void forward(struct rollout *r, const char *from)
{
	const struct service *spec = rollout_spec(r, from);
	struct trip t = {
		.from = from, .from_spec = spec ? spec : r->target,
		/* Without anything good to go back to there is no verdict: it is started again and again. */
		.trust = !r->good ? TRUST_FIRST : rollout_is_good(r, r->target->revision) ? TRUST_PROVEN : TRUST_TRIAL,
	};
	struct set all = set_of_revision(r, NULL), old = set_of_revision(r, from), same = set_of_revision(r, r->target->revision);
	t.stable = by_worth(r, t.from_spec, &old);
	t.next = set_usable(r, r->target, &same);
	t.mendable = spec ? t.stable.count : set_usable(r, r->target, &t.stable).count;
	/* What is listed and cannot serve leaves nginx when its successor is announced, and goes after that. */
	struct set rest = {0}, others = set_rest(r->pass, &all, &t.stable, &t.next);
	for (size_t i = 0; i < others.count; i++)
		if (!r->now || !side_lists(&r->now->next, others.items[i]->address))
			*ARENA_PUSH(r->pass->arena, rest.items, rest.count) = others.items[i];
	if (r->now)
		want_sides(r, r->now->rollout, r->now->stable, r->now->next);
	else if (publish_what_serves(r, &t))
		return;
	if (!discard(r, &rest))
		return;
	if (r->is_routed && !r->pass->world->nginx.is_up) {
		rollout_status(r, PHASE_BLOCKED, ERR_UNREACHABLE, arena_printf(r->pass->arena, "nginx: %s", r->pass->world->nginx.problem));
		return;
	}
	strategy_steps(r->pass->arena, r->target, (int)t.stable.count, &t.steps);
	int64_t since_ms = r->now ? r->now->weight_since_ms : 0;
	for (size_t i = 0; i < t.steps.count; i++) {
		const struct step *step = &t.steps.items[i];
		bool is_last = i + 1 == t.steps.count;
		if (!is_reached(r, &t, step) || (is_last && r->is_routed)) {
			work(r, &t, step, is_last);
			return;
		}
		if (!is_held(r, &t, step, since_ms))
			return;
		since_ms += step->hold_ms;
	}
}

/* ---- Backward: everything to the revision that nginx calls stable ---- */

/* Is all that nginx lists as stable ready, and is there something? */
static bool is_stable_ready(struct rollout *r, const struct service *s, const struct set *stable)
{
	struct set ready = set_ready(r, s, stable, (int)stable->count, TRUST_PROVEN);
	size_t listed = 0;
	for (size_t i = 0; i < ready.count; i++)
		listed += side_lists(&r->now->stable, ready.items[i]->address);
	return listed > 0 && listed == r->now->stable.addresses_count;
}

static void backward(struct rollout *r, const char *from)
{
	const struct service *known = rollout_spec(r, from), *spec = known ? known : r->target;
	bool is_exclusive = strategy_info(r->target->strategy)->is_exclusive;
	struct set stable = set_of_revision(r, from);
	const char *why = NULL;
	want_sides(r, r->now->rollout, r->now->stable, r->now->next);
	/* Traffic first, everything else after: as soon as what nginx lists as stable can take it. */
	if (r->now->weight > 0 && is_stable_ready(r, spec, &stable)) {
		shift(r, 0, "back to the old revision");
		return;
	}
	/* In place only those come back whose slot is free; for the others the next revision must leave nginx first. */
	int n = is_exclusive ? (int)r->now->stable.addresses_count
	        : known ? known->replicas : (int)set_usable(r, spec, &stable).count;
	if (n == 0 && !is_exclusive) {
		fold(r, r->now->next, "nothing is left of the old revision");
		return;
	}
	enum ups ups = bring_up(r, spec, &stable, n, TRUST_PROVEN, &why);
	if (ups == UPS_FAILED)
		rollout_status(r, PHASE_FAILED, ERR_INTERNAL, arena_printf(r->pass->arena, "cannot go back: %s", why));
	if (ups != UPS_READY)
		return;
	struct set ready = set_ready(r, spec, &stable, n, TRUST_PROVEN);
	fold(r, side_of(r->pass, from, &ready, ready.count), "one revision again");
}

/* ---- Which of them ---- */

static void decide_target(struct rollout *r)
{
	const char *from = stable_revision(r), *to = r->now ? r->now->next.revision : "";
	r->status->revision = r->now && r->now->weight == PERMILLE ? to : from;
	if (*to && strcmp(r->target->revision, to) != 0) {
		if (strcmp(r->target->revision, from) != 0 && rollout_is_good(r, to) && r->now->weight == PERMILLE)
			fold(r, r->now->next, "a newer revision is wanted");
		else
			backward(r, from);
	} else if (*from && strcmp(r->target->revision, from) != 0) {
		forward(r, from);
	} else {
		steady(r);
	}
}

static void find_now(struct rollout *r)
{
	const struct topology *t = &r->pass->world->nginx.topology;
	for (size_t i = 0; i < t->services_count; i++)
		if (strcmp(t->services[i].project, r->project) == 0 && strcmp(t->services[i].service, r->service) == 0)
			r->now = &t->services[i];
	for (size_t i = 0; i < r->pass->world->goods_count; i++) {
		const struct good *g = &r->pass->world->goods[i];
		if (strcmp(g->project, r->project) == 0 && strcmp(g->service, r->service) == 0)
			r->good = g;
	}
}

static void add_wanted(struct rollout *r)
{
	struct topology *t = &r->pass->wanted;
	if (r->wants_traffic)
		*ARENA_PUSH(r->pass->arena, t->services, t->services_count) = r->wanted;
}

/* Without notes nobody knows what was good and what had failed. Its traffic: see publish() of decide.c. */
static void go_on_as_is(struct rollout *r)
{
	rollout_status(r, PHASE_FAILED, ERR_INTERNAL,
	               "the notes are lost: nothing new is rolled out until `reconcile retry`; all that runs goes on");
}

/* Its traffic stays, and nothing is done. */
static void stay(struct rollout *r, enum phase phase, enum err_kind cause, const char *reason)
{
	if (r->now)
		want_sides(r, r->now->rollout, r->now->stable, r->now->next);
	rollout_status(r, phase, cause, reason);
	add_wanted(r);
}

/* Asked again it may say the same for ever: as good as a verdict on what Git wants. */
static bool is_final(enum err_kind kind)
{
	return kind == ERR_NOT_FOUND || kind == ERR_DENIED || kind == ERR_INVALID;
}

void rollout_decide(struct pass *p, const struct service *s, struct status *status)
{
	struct rollout r = {.pass = p, .want = s, .target = s, .project = s->project, .service = s->name,
	                    .is_routed = s->is_routed, .status = status};
	*status = (struct status){.project = s->project, .service = s->name, .phase = PHASE_SETTLED, .revision = "",
	                          .strategy = strategy_info(s->strategy)->name,
	                          .stops_old_first = strategy_info(s->strategy)->is_exclusive};
	find_now(&r);
	if (p->world->are_notes_lost) {
		go_on_as_is(&r);
		return;
	}
	if (s->is_left_alone) {
		stay(&r, PHASE_LEFT_ALONE, ERR_NONE, "no target of this run");
		return;
	}
	const struct quarantine *q = find_quarantine(&r, s->revision);
	if (q && (!r.good || !r.good->spec)) {
		stay(&r, PHASE_FAILED, ERR_INTERNAL,
		     arena_printf(p->arena, "revision %.8s is quarantined (%s) and no good one is known; "
		                  "`reconcile retry` tries it again", s->revision, q->reason));
		return;
	}
	if (s->unresolved && !rollout_is_good(&r, s->revision)) { /* what shall run is not known, and neither what did */
		stay(&r, is_final(s->unresolved) ? PHASE_FAILED : PHASE_BLOCKED, s->unresolved, s->unresolved_why);
		return;
	}
	/* Nothing that runs is stopped for a revision that cannot start: the last good one stays in force. */
	const char *missing = q ? NULL : missing_external(&r, s);
	if (missing && (!r.good || !r.good->spec)) {
		stay(&r, PHASE_FAILED, ERR_NOT_FOUND, missing);
		return;
	}
	if (q || missing)
		r.target = r.good->spec;
	decide_target(&r);
	bool is_at_rest = status->phase == PHASE_SETTLED || status->phase == PHASE_KEEPING;
	if (missing && is_at_rest)
		rollout_status(&r, PHASE_FAILED, ERR_NOT_FOUND, missing);
	else if (q && is_at_rest)
		rollout_status(&r, PHASE_ROLLED_BACK, ERR_NONE,
		               arena_printf(p->arena, "revision %.8s is quarantined: %s", s->revision, q->reason));
	else if (s->unresolved && is_at_rest)
		rollout_status(&r, is_final(s->unresolved) ? PHASE_ROLLED_BACK : PHASE_BLOCKED, s->unresolved, s->unresolved_why);
	add_wanted(&r);
}

void rollout_retire(struct pass *p, const char *project, const char *service, struct status *status)
{
	struct rollout r = {.pass = p, .project = project, .service = service, .status = status};
	*status = (struct status){.project = project, .service = service, .phase = PHASE_SETTLED, .revision = "",
	                          .strategy = ""};
	find_now(&r);
	if (p->world->are_notes_lost) {
		go_on_as_is(&r);
		return;
	}
	r.is_routed = r.now != NULL;
	struct set all = set_of(p, project, service, NULL);
	discard(&r, &all);
}
