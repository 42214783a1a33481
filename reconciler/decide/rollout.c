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
	r->status->until_ms = 0;
}

void rollout_wait(struct rollout *r, const char *reason, int64_t until_ms)
{
	rollout_status(r, PHASE_PROGRESSING, ERR_NONE, reason);
	if (until_ms)
		pass_wait(r->pass, until_ms);
}

void rollout_wait_for(struct rollout *r, const char *reason, int64_t until_ms)
{
	rollout_wait(r, reason, until_ms);
	r->status->until_ms = until_ms;
}

void rollout_is_under_way(struct rollout *r, const char *from, const char *to)
{
	r->status->from = from;
	r->status->to = to;
	r->status->weight = !r->now ? -1 : strcmp(r->now->stable.revision, to) == 0 ? PERMILLE - r->now->weight : r->now->weight;
}

bool rollout_is_good(const struct rollout *r, const char *revision)
{
	return r->good && strcmp(r->good->revision, revision) == 0;
}

bool rollout_was_good(const struct rollout *r)
{
	return world_was_good(r->pass->world, r->target);
}

struct set set_of_revision(struct rollout *r, const char *revision)
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

void rollout_sides(struct rollout *r, const char *rollout, struct side stable, struct side next)
{
	r->wants_traffic = true;
	r->wanted = (struct traffic){
		.project = r->project, .service = r->service, .rollout = rollout, .stable = stable, .next = next};
}

const char *rollout_new_name(struct rollout *r)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[16];
	size_t at = sizeof text - 1;
	text[at] = 0;
	for (int64_t left = r->pass->world->now_ms; left > 0 && at > 0; left /= 36)
		text[--at] = digits[left % 36];
	return arena_strdup(r->pass->arena, text + at);
}

void rollout_fold(struct rollout *r, struct side stable, const char *reason)
{
	rollout_sides(r, rollout_new_name(r), stable, (struct side){.revision = ""});
	rollout_wait(r, reason, 0);
}

static void shift(struct rollout *r, int weight, bool to_testers, const char *reason)
{
	rollout_wait(r, "shifts traffic", 0);
	if (!r->pass->world->nginx.is_current)
		return; /* these flags are not in force: the configuration comes first */
	/* The way back is always open. */
	if ((weight > r->now->weight || to_testers) && !rollout_may_try(r, r->target->revision, r->now->rollout))
		return;
	struct action *a = pass_action(r->pass, ACTION_WEIGHT, r->project, r->service);
	a->revision = r->target->revision;
	a->rollout = r->now->rollout;
	a->weight = weight;
	a->to_testers = to_testers;
	a->reason = reason;
}

void rollout_shift(struct rollout *r, int weight, const char *reason)
{
	shift(r, weight, false, reason);
}

void rollout_show(struct rollout *r)
{
	shift(r, 0, true, NULL);
}

void rollout_commit(struct rollout *r, const struct service *s, const char *why)
{
	if (!rollout_may_try(r, s->revision, "")) /* the notes could not be written; the old ones stay up until they can */
		return;
	/* With something to go back to, those of an atomic project are accepted together: see decide.c. */
	if (r->good && pass_is_atomic(r->pass, r->project))
		*ARENA_PUSH(r->pass->arena, r->pass->acceptable, r->pass->acceptable_count) = s;
	else
		pass_commit(r->pass, s, why);
	rollout_wait(r, "notes that it is good", 0);
}

void rollout_fail(struct rollout *r, const char *why)
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

int set_count_up(const struct set *s)
{
	int n = 0;
	for (size_t i = 0; i < s->count; i++)
		n += instance_is_up(s->items[i]);
	return n;
}

struct set set_by_worth(struct rollout *r, const struct service *spec, const struct set *s)
{
	struct set sorted = {0}, usable = set_usable(r, spec, s), ready = set_ready(r, spec, s, (int)s->count, TRUST_PROVEN);
	for (int rank = 0; rank < 4; rank++)
		for (size_t i = 0; i < s->count; i++) {
			bool is_in = r->now && side_lists(&r->now->stable, s->items[i]->address);
			if (rank == (!set_has(&usable, s->items[i]) ? 3 : !is_in ? 2 : set_has(&ready, s->items[i]) ? 0 : 1))
				*ARENA_PUSH(r->pass->arena, sorted.items, sorted.count) = s->items[i];
		}
	return sorted;
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
			rollout_sides(r, r->now->rollout, r->now->stable, r->now->next);
		return;
	}
	struct side side = side_of(r->pass, r->target->revision, &ready, ready.count);
	if (r->now && !has_next && side_equal(&side, &r->now->stable))
		rollout_sides(r, r->now->rollout, side, (struct side){.revision = ""});
	else
		rollout_fold(r, side, "publishes its instances");
}

/* How many of the members may be up now, beside what else is. Where there is no room for all, what cannot serve any more goes
 * first, then what is up of a revision that is not wanted any more; what serves until there is one in its stead stays. */
static int make_room(struct rollout *r, const struct set *members, const struct set *rest)
{
	int n = r->target->replicas, up = set_count_up(members), room = strategy_peak(r->pass->arena, r->target, n);
	struct set others = {0}, same = set_of_revision(r, r->target->revision), broken = set_in_the_way(r, r->target, &same);
	struct set sound = set_rest(r->pass, rest, &broken, NULL);
	for (size_t i = 0; i < sound.count; i++) {
		bool is_other = strcmp(sound.items[i]->revision, r->target->revision) != 0;
		if (!instance_is_up(sound.items[i]))
			continue;
		if (is_other)
			*ARENA_PUSH(r->pass->arena, others.items, others.count) = sound.items[i];
		room -= is_other || live_limit(r, r->target, sound.items[i]);
	}
	room -= (int)broken.count;
	if (up >= n || room >= n)
		return n;
	for (size_t i = 0; i < broken.count; i++)
		bring_down(r, broken.items[i]);
	for (size_t i = 0; room + (int)broken.count < n && i < others.count; i++)
		bring_down(r, others.items[i]);
	return room > up ? room : up;
}

/* A revision that fails with nothing left of the one before it cannot be gone back from. */
static const char *without_way_back(struct rollout *r, const char *why)
{
	if (!r->good || rollout_is_good(r, r->target->revision))
		return why;
	return arena_printf(r->pass->arena, "%s; there is no way back: nothing is left of the last good revision, %.8s. Correct it in Git",
	                    why, r->good->revision);
}

static void steady(struct rollout *r)
{
	const struct service *s = r->target;
	const char *why = NULL;
	bool is_good = rollout_is_good(r, s->revision);
	enum trust trust = is_good ? TRUST_PROVEN : TRUST_FIRST;
	struct set all = set_of_revision(r, NULL), same = set_of_revision(r, s->revision);
	struct set usable = set_usable(r, s, &same), members = live_unlimited(r, s, &usable);
	if (members.count > (size_t)s->replicas) {
		members = set_by_worth(r, s, &members);
		members.count = (size_t)s->replicas;
	}
	struct set rest = set_rest(r->pass, &all, &members, NULL);

	/* Never two at once: what is not of this revision must be down before anything of it starts. */
	if (strategy_info(s->strategy)->is_exclusive &&
	    (int)set_ready(r, s, &members, s->replicas, trust).count < s->replicas) {
		bool must_start = set_count_up(&members) < s->replicas;
		/* Nothing that works is stopped before what replaces it is on the host. */
		enum ups image = (int)members.count < s->replicas && rest.count ? bring_image(r, s, &why) : UPS_READY;
		if (image == UPS_FAILED)
			rollout_status(r, PHASE_FAILED, ERR_INTERNAL, why);
		bool are_down = image == UPS_READY;
		struct set going = {0};
		for (size_t i = 0; image == UPS_READY && i < rest.count; i++)
			if (must_start || strcmp(rest.items[i]->revision, s->revision) != 0) {
				*ARENA_PUSH(r->pass->arena, going.items, going.count) = rest.items[i];
				are_down &= bring_down(r, rest.items[i]);
			}
		if (!are_down) {
			/* They leave nginx first, even when nobody else is there to serve: in place means downtime. */
			if (r->is_routed && r->now)
				rollout_sides(r, r->now->rollout, side_less(r->pass, &r->now->stable, &going), r->now->next);
			return;
		}
	}
	int n = make_room(r, &members, &rest);
	enum ups named = alias_give(r, s, &members, n, trust);
	enum ups ups = bring_up(r, s, &members, n, trust, &why);
	if (ups == UPS_FAILED)
		rollout_status(r, PHASE_FAILED, ERR_INTERNAL, without_way_back(r, why));
	if (ups == UPS_READY)
		ups = n < s->replicas ? UPS_BUSY : named;
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
		rollout_commit(r, s, NULL);
	else
		discard(r, &rest);
}

/* ---- Which of them ---- */

static void decide_target(struct rollout *r)
{
	const char *from = stable_revision(r), *to = r->now ? r->now->next.revision : "";
	r->status->revision = r->now && r->now->weight == PERMILLE ? to : from;
	if (*to && strcmp(r->target->revision, to) != 0) {
		if (strcmp(r->target->revision, from) != 0 && rollout_is_good(r, to) && r->now->weight == PERMILLE)
			rollout_fold(r, r->now->next, "a newer revision is wanted");
		else
			rollout_backward(r, from);
	} else if (*from && strcmp(r->target->revision, from) != 0) {
		rollout_forward(r, from);
	} else {
		steady(r);
	}
}

static void find_now(struct rollout *r)
{
	r->now = pass_traffic(&r->pass->world->nginx.topology, r->project, r->service);
	r->good = world_good(r->pass->world, r->project, r->service);
	/* Whether routes lead to it says Git, for the way back, too. */
	if (r->want && r->good && r->good->spec && r->good->spec->is_routed != r->want->is_routed) {
		struct good *good = arena_alloc(r->pass->arena, sizeof *good);
		struct service *spec = arena_alloc(r->pass->arena, sizeof *spec);
		*spec = *r->good->spec;
		spec->is_routed = r->want->is_routed;
		*good = *r->good;
		good->spec = spec;
		r->good = good;
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
		rollout_sides(r, r->now->rollout, r->now->stable, r->now->next);
	rollout_status(r, phase, cause, reason);
	add_wanted(r);
}

void rollout_decide(struct pass *p, const struct service *s, struct status *status)
{
	struct rollout r = {.pass = p, .want = s, .target = s, .project = s->project, .service = s->name,
	                    .is_routed = s->is_routed, .status = status};
	*status = (struct status){.project = s->project, .service = s->name, .phase = PHASE_SETTLED, .revision = "",
	                          .strategy = strategy_names[s->strategy],
	                          .stops_old_first = strategy_info(s->strategy)->is_exclusive};
	find_now(&r);
	status->paused = rollout_paused(&r);
	if (p->world->are_notes_lost) {
		go_on_as_is(&r);
		return;
	}
	if (r.now && !s->is_routed) { /* it lost its route: what goes on without one begins when nginx has let go of it */
		rollout_wait(&r, "leaves nginx", 0);
		return;
	}
	struct refusal no;
	bool is_refused = rollout_refuses(&r, &no);
	if (is_refused && no.stays) {
		stay(&r, no.phase, no.cause, no.why);
		return;
	}
	decide_target(&r);
	bool is_at_rest = status->phase == PHASE_SETTLED || status->phase == PHASE_KEEPING;
	const char *differs = is_at_rest && !is_refused ? resource_difference(&r, s) : NULL;
	if (differs)
		rollout_status(&r, PHASE_FAILED, ERR_CONFLICT, differs);
	else if (is_refused && no.why && is_at_rest)
		rollout_status(&r, no.phase, no.cause, no.why);
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
	if ((r.pause = pass_pause(p, project, service))) {
		stay(&r, PHASE_WAITING, ERR_NONE, NULL);
		rollout_say_paused(&r);
		return;
	}
	struct set all = set_of(p, project, service, NULL);
	discard(&r, &all);
}
