/*
 * Forward: from one revision to another, step by step. The one thing to know: where it stands is the first step that
 * the world does not satisfy; nothing else is remembered.
 */
#include <string.h>

#include "base/clock.h"

#include "decide/rollout.h"

/* A hold that is over waits for the analysis: looks that often, and after so long it waits for an operator, too. */
#define VERDICT_POLL_MS 1000
#define VERDICT_PATIENCE_MS (10 * 60000)

struct trip {
	const char *from;
	const struct service *from_spec; /* the target's when the old one's is not known any more */
	struct set stable, next;
	size_t mendable;                 /* how many of stable can be there: without its spec none can be made again */
	struct steps steps;
	enum trust trust;
	struct verdict verdict;          /* on what has a share of the requests now */
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

/* Is nginx to lead somebody to it? */
static bool is_public(const struct step *step)
{
	return step->weight > 0 || step->to_testers;
}

/* Have those whom this step is for what it gives them? */
static bool has_share(const struct traffic *now, const struct step *step)
{
	return now->weight >= step->weight && (!step->to_testers || now->to_testers || now->weight > 0);
}

static bool is_reached(struct rollout *r, const struct trip *t, const struct step *step)
{
	if ((int)set_ready(r, r->target, &t->next, step->next, t->trust).count < step->next || set_count_up(&t->stable) > step->stable)
		return false;
	if (step->weight > 0 && !alias_is_given(r, r->target, &t->next, step->next))
		return false;
	if (!r->now) /* no route, or nothing was ever published: there is no traffic to look at */
		return true;
	if ((int)r->now->stable.addresses_count > step->listed)
		return false;
	return has_share(r->now, step) &&
	       (!is_public(step) || is_listed(&r->now->next, r->target->revision, &t->next, step->next));
}

/* What of the old revision nginx lists, less what this step parks. */
static struct side listed_side(struct rollout *r, const struct trip *t, const struct step *step)
{
	struct set kept = {0};
	if ((int)r->now->stable.addresses_count <= step->listed)
		return r->now->stable;
	for (size_t i = 0; i < t->stable.count && (int)i < step->listed; i++)
		if (side_lists(&r->now->stable, t->stable.items[i]->address))
			*ARENA_PUSH(r->pass->arena, kept.items, kept.count) = t->stable.items[i];
	return side_of(r->pass, t->from, &kept, kept.count);
}

/* What of the new revision nginx shall list: what this step needs, and whatever serves already. */
static struct side next_side(struct rollout *r, const struct trip *t, const struct step *step)
{
	struct set ready = set_ready(r, r->target, &t->next, (int)t->next.count, t->trust), listed = {0};
	for (size_t i = 0; i < ready.count; i++)
		if ((int)i < step->next || side_lists(&r->now->next, ready.items[i]->address))
			*ARENA_PUSH(r->pass->arena, listed.items, listed.count) = ready.items[i];
	return side_of(r->pass, r->target->revision, &listed, listed.count);
}

/* Old instances that this step wants gone: out of nginx first, then stopped, but kept until the new one is good. */
static void step_down(struct rollout *r, const struct trip *t, const struct step *step)
{
	if (r->now && (int)r->now->stable.addresses_count > step->listed) {
		rollout_sides(r, r->now->rollout, listed_side(r, t, step), r->now->next);
		rollout_wait(r, "takes an old instance out", 0);
		return;
	}
	for (size_t i = (size_t)step->stable; i < t->stable.count; i++)
		bring_down(r, t->stable.items[i]);
}

/* The step that had begun when so many of the next revision were started: not all of them need be ready now. */
static const struct step *begun(const struct trip *t, const struct step *step)
{
	int most = t->steps.items[t->steps.count - 1].next, up = set_count_up(&t->next);
	while (step->next < (up < most ? up : most))
		step++;
	return step;
}

/* How many of the old revision this step may bring up again: none that a later one had stopped, and only where there is
 * room, not taken by the next revision nor by an old one that is up and not among them. */
static int count_mendable(struct rollout *r, const struct trip *t, const struct step *step)
{
	step = begun(t, step);
	int n = (size_t)step->stable < t->mendable ? step->stable : (int)t->mendable;
	int next = set_count_up(&t->next) > step->next ? set_count_up(&t->next) : step->next;
	int room = strategy_peak(r->pass->arena, r->target, (int)t->stable.count) - next;
	struct set usable = set_usable(r, t->from_spec, &t->stable);
	for (; n > 0; n--) {
		int others = set_count_up(&t->stable);
		for (size_t i = 0; i < usable.count && (int)i < n; i++)
			others -= instance_is_up(usable.items[i]);
		if (n + others <= room)
			break;
	}
	return n;
}

/* What still serves is mended before anything new is tried, and while that is watched; but when it cannot be, the new one
 * may be the cure. */
static void mend(struct rollout *r, const struct trip *t, const struct step *step)
{
	const char *why = NULL;
	if (r->now && r->now->weight == PERMILLE)
		return;
	int n = count_mendable(r, t, step);
	(void)alias_give(r, t->from_spec, &t->stable, n, TRUST_PROVEN);
	(void)bring_up(r, t->from_spec, &t->stable, n, TRUST_PROVEN, &why);
}

/* Why what could not be told to be good goes on all the same; NULL: it is good, or somebody let it. */
static const char *let_go(const struct rollout *r, const struct trip *t)
{
	if (t->verdict.kind != VERDICT_OPEN || r->target->analysis.on_inconclusive != INCONCLUSIVE_PROMOTE ||
	    rollout_is_promoted(r, r->now->weight))
		return NULL;
	return arena_printf(r->pass->arena, "on_inconclusive: %s", t->verdict.why);
}

static void work(struct rollout *r, const struct trip *t, const struct step *step, bool is_last)
{
	const char *why = NULL;
	mend(r, t, step);
	/* Nothing that works is stopped before what replaces it is on the host. */
	enum ups ups = (int)t->next.count < r->target->replicas ? bring_image(r, r->target, &why) : UPS_READY;
	if (ups == UPS_READY)
		ups = bring_up(r, r->target, &t->next, step->next, t->trust, &why);
	if (ups == UPS_FAILED)
		rollout_fail(r, why);
	if (ups != UPS_READY)
		return;
	if (step->weight > 0 && alias_give(r, r->target, &t->next, step->next, t->trust) != UPS_READY)
		return;
	if (is_last && r->is_routed) {
		rollout_fold(r, side_of(r->pass, r->target->revision, &t->next, (size_t)step->next), "one revision again");
		return;
	}
	if (r->now && is_public(step) && !is_listed(&r->now->next, r->target->revision, &t->next, step->next)) {
		/* New ones in and old ones out by the same reload. */
		bool is_new = strcmp(r->now->next.revision, r->target->revision) != 0;
		rollout_sides(r, is_new ? rollout_new_name(r) : r->now->rollout, listed_side(r, t, step), next_side(r, t, step));
		rollout_wait(r, "announces its next instances", 0);
		return;
	}
	if (r->now && !has_share(r->now, step)) {
		/* Nothing gets requests while some of it is not ready. */
		struct side ready = next_side(r, t, step);
		if (!side_equal(&ready, &r->now->next)) {
			rollout_sides(r, r->now->rollout, r->now->stable, ready);
			rollout_wait(r, "takes out what is not ready any more", 0);
			return;
		}
		if (step->weight)
			rollout_shift(r, step->weight, let_go(r, t));
		else
			rollout_show(r);
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
	for (size_t i = 0; i < t->stable.count; i++)
		(void)alias_take(r, t->stable.items[i]);
	struct decision *out = r->pass->out;
	if (!out->keeping_until_ms || until_ms < out->keeping_until_ms)
		out->keeping_until_ms = until_ms;
	clock_format(until_ms, since, sizeof since);
	rollout_status(r, PHASE_KEEPING, ERR_NONE, arena_printf(r->pass->arena, "the old revision is kept warm until %s", since));
	r->status->until_ms = until_ms;
}

/* Since when the step is as it is: the shift to its weight, or the start of its youngest instance: what was started anew
 * is watched from then on. */
static int64_t begun_ms(const struct rollout *r, const struct trip *t, const struct step *step)
{
	int64_t begun_ms = r->now ? r->now->weight_since_ms : 0;
	if (r->now && step->is_kept)
		return begun_ms;
	for (size_t i = 0; i < t->next.count && (int)i < step->next; i++)
		if (t->next.items[i]->started_ms > begun_ms)
			begun_ms = t->next.items[i]->started_ms;
	return begun_ms;
}

/* " at 10.231.0.3:8080": where one on the host can look at what has no share; and who else can. */
static const char *dark_at(const struct rollout *r, const struct trip *t, const struct step *step)
{
	const struct value *ports = service_ports(r->target);
	const char *text = "";
	for (size_t i = 0; i < t->next.count && (int)i < step->next; i++) {
		const char *address = t->next.items[i]->address;
		if (!*address)
			continue;
		if (strchr(address, ':') || !ports->count) /* with the one port that leads to it; or all is udp */
			text = arena_printf(r->pass->arena, "%s%s %s", text, *text ? "," : " at", address);
		for (size_t k = 0; !strchr(address, ':') && k < ports->count; k++)
			text = arena_printf(r->pass->arena, "%s%s %s:%d", text, *text ? "," : " at", address, (int)ports->items[k].integer);
	}
	if (step->to_testers)
		text = arena_printf(r->pass->arena, "%s%s for testers", text, *text ? ", and" : "");
	return text;
}

static const char *watched(const struct rollout *r, const struct trip *t, const struct step *step)
{
	char hold[32];
	clock_duration(step->hold_ms, hold);
	if (!r->now)
		return arena_printf(r->pass->arena, "is watched for %s", hold);
	if (!step->weight)
		return arena_printf(r->pass->arena, "is watched for %s in the dark%s", hold, dark_at(r, t, step));
	return arena_printf(r->pass->arena, "is watched for %s, with %d.%d%% of the requests", hold, step->weight / 10,
	                    step->weight % 10);
}

/* A manual hold, and nobody has said that it is over. */
static void wait_for_promote(struct rollout *r, const struct trip *t, const struct step *step)
{
	struct arena *a = r->pass->arena;
	const char *where = step->weight ? arena_printf(a, "has %d.%d%% of the requests", step->weight / 10, step->weight % 10)
	                                 : arena_printf(a, "is ready in the dark%s", dark_at(r, t, step));
	rollout_status(r, PHASE_WAITING, ERR_NONE,
	               arena_printf(a, "%s; `reconcile promote %s/%s` lets it go on", where, r->project, r->service));
}

/* What a step lasts at most, with its hold, while it cannot be told whether it is good. */
static int64_t longest_of(const struct service *s, const struct step *step)
{
	int64_t hold_ms = step->hold_ms > 0 ? step->hold_ms : 0;
	int64_t longest_ms = s->analysis.max_hold_ms ? s->analysis.max_hold_ms : hold_ms + VERDICT_PATIENCE_MS;
	return longest_ms > hold_ms ? longest_ms : hold_ms;
}

/* Neither good nor bad: no run waits for ever for requests that may never come. In place it is not waited for, either:
 * half way serves nobody. */
static bool is_undecided(struct rollout *r, const struct trip *t, const struct step *step, int64_t since_ms)
{
	static const char *const otherwise[INCONCLUSIVE_COUNT] = {"", ", else it does by itself", ", else it goes back"};
	enum inconclusive then = r->pause ? INCONCLUSIVE_PAUSE : r->target->analysis.on_inconclusive;
	int64_t now_ms = r->pass->world->now_ms, longest_ms = longest_of(r->target, step), over_ms = since_ms + longest_ms;
	char longest[32];
	if (t->verdict.kind != VERDICT_OPEN || !step->weight || step->is_kept || strategy_info(r->target->strategy)->is_exclusive)
		return false;
	const char *why = arena_printf(r->pass->arena, "has %d.%d%% of the requests; the hold is over, but it cannot be told yet "
	                               "whether it is good: %s; `reconcile promote %s/%s` lets it go on%s", step->weight / 10,
	                               step->weight % 10, t->verdict.why, r->project, r->service, otherwise[then]);
	if (now_ms < over_ms) {
		rollout_wait(r, why, now_ms + VERDICT_POLL_MS);
		r->status->until_ms = then == INCONCLUSIVE_PAUSE ? 0 : over_ms;
	} else if (then == INCONCLUSIVE_PROMOTE) {
		return false;
	} else if (then == INCONCLUSIVE_ABORT) {
		rollout_fail(r, arena_printf(r->pass->arena, "with %d.%d%% of the requests it could not be told within %s whether it is good: "
		                             "%s", step->weight / 10, step->weight % 10, clock_duration(longest_ms, longest),
		                             t->verdict.why));
	} else {
		rollout_status(r, PHASE_WAITING, ERR_NONE, why);
	}
	return true;
}

/* A step that is reached: has it been so for long enough? */
static bool is_held(struct rollout *r, const struct trip *t, const struct step *step, int64_t since_ms)
{
	int64_t until_ms = since_ms + step->hold_ms, now_ms = r->pass->world->now_ms;
	if (!step->is_kept && rollout_is_good(r, r->target->revision)) /* accepted: nothing is watched any more */
		return true;
	if (r->now && r->now->weight > step->weight) /* a later step has begun: this one is over */
		return true;
	bool is_promoted = !step->is_kept && rollout_is_promoted(r, step->weight);
	if (step->hold_ms == HOLD_MANUAL && !is_promoted) {
		wait_for_promote(r, t, step);
		return false;
	}
	if (!is_promoted && step->hold_ms > 0 && now_ms < until_ms) {
		if (step->is_kept)
			keep(r, t, until_ms);
		else
			rollout_wait_for(r, watched(r, t, step), until_ms);
		return false;
	}
	if (!is_promoted && is_undecided(r, t, step, since_ms))
		return false;
	if (step->commits) {
		rollout_commit(r, r->target, let_go(r, t));
		return false;
	}
	return true;
}

/* nginx knows nothing of what runs, and it never was good: it may be what failed its smoke test. */
static bool is_untested(const struct rollout *r, const char *from)
{
	return r->is_routed && !r->now && r->want->smoke.http_port && !rollout_is_good(r, from);
}

/* nginx knows nothing of a service that runs: what serves comes before anything new. */
static bool publish_what_serves(struct rollout *r, const struct trip *t)
{
	if (is_untested(r, t->from))
		return false;
	struct set ready = set_ready(r, t->from_spec, &t->stable, (int)t->stable.count, TRUST_PROVEN);
	struct side side = side_of(r->pass, t->from, &ready, ready.count);
	if (!r->is_routed || side.addresses_count == 0)
		return false;
	rollout_fold(r, side, "publishes its instances");
	return true;
}

/* Paused: what has traffic is looked after, on both sides, and a failure goes back. */
static void stay(struct rollout *r, const struct trip *t)
{
	struct set listed = {0};
	const char *why = NULL;
	for (size_t i = 0; r->now && i < t->next.count; i++)
		if (side_lists(&r->now->next, t->next.items[i]->address))
			*ARENA_PUSH(r->pass->arena, listed.items, listed.count) = t->next.items[i];
	if (r->now) {
		size_t listed_count = r->now->stable.addresses_count;
		int n = (int)(listed_count < t->mendable ? listed_count : t->mendable);
		(void)alias_give(r, t->from_spec, &t->stable, n, TRUST_PROVEN);
		(void)bring_up(r, t->from_spec, &t->stable, n, TRUST_PROVEN, &why);
	}
	(void)alias_give(r, r->target, &listed, (int)listed.count, t->trust);
	if (bring_up(r, r->target, &listed, (int)listed.count, t->trust, &why) == UPS_FAILED)
		rollout_fail(r, why);
	else
		rollout_say_paused(r);
}

/* What was good before has nothing to prove but that it gets ready. What nginx does not know has no share yet that could
 * grow, and waits for nobody's word; and while nobody serves it waits for nothing at all. */
static void plan_steps(struct rollout *r, const struct trip *t, struct steps *out)
{
	struct service s = *r->target;
	bool was_good = rollout_was_good(r), is_unknown = r->is_routed && !r->now, is_served = false;
	for (size_t i = 0; i < t->stable.count && !is_untested(r, t->from); i++)
		is_served |= gate_judge(t->stable.items[i], t->from_spec, TRUST_PROVEN, r->pass->world, r->pass->arena).readiness == READY;
	s.has_testers &= !rollout_is_good(r, s.revision);
	if (was_good || is_unknown) {
		s.steps_count = 0;
		s.pause_after = 0;
	}
	if (was_good || (is_unknown && (!is_served || s.hold_ms == HOLD_MANUAL)))
		s.hold_ms = 0;
	strategy_steps(r->pass->arena, &s, (int)t->stable.count, out);
}

void rollout_forward(struct rollout *r, const char *from)
{
	const struct service *spec = rollout_spec(r, from);
	struct trip t = {
		.from = from, .from_spec = spec ? spec : r->target,
		/* Without anything good to go back to there is no verdict: it is started again and again. */
		.trust = !r->good ? TRUST_FIRST : rollout_is_good(r, r->target->revision) ? TRUST_PROVEN : TRUST_TRIAL,
	};
	struct set all = set_of_revision(r, NULL), old = set_of_revision(r, from), same = set_of_revision(r, r->target->revision);
	t.stable = set_by_worth(r, t.from_spec, &old);
	t.next = set_usable(r, r->target, &same);
	t.mendable = set_usable(r, t.from_spec, &t.stable).count;
	/* One that cannot serve any more is replaced, once: it does not make the old revision larger. */
	size_t most = spec && (size_t)spec->replicas < t.stable.count ? (size_t)spec->replicas : t.stable.count;
	if (spec && t.mendable < most)
		t.mendable = most;
	if (r->want && r->target != r->want && strcmp(from, r->want->revision) == 0)
		t.mendable = 0; /* what Git asks for is refused: nothing more of it is started */
	rollout_is_under_way(r, from, r->target->revision);
	r->status->was_good = rollout_was_good(r);
	/* What is listed and cannot serve leaves nginx when its successor is announced, and goes after that. */
	struct set rest = {0}, others = set_rest(r->pass, &all, &t.stable, &t.next);
	for (size_t i = 0; i < others.count; i++)
		if (!r->now || !side_lists(&r->now->next, others.items[i]->address))
			*ARENA_PUSH(r->pass->arena, rest.items, rest.count) = others.items[i];
	if (r->now)
		rollout_sides(r, r->now->rollout, r->now->stable, r->now->next);
	else if (publish_what_serves(r, &t))
		return;
	if (t.trust == TRUST_TRIAL && r->now && r->now->weight > 0 && strcmp(r->now->next.revision, r->target->revision) == 0)
		t.verdict = rollout_verdict(r);
	if (t.verdict.kind == VERDICT_BAD) { /* before all else: requests fail now */
		rollout_fail(r, t.verdict.why);
		return;
	}
	if (!discard(r, &rest))
		return;
	if (r->is_routed && !r->pass->world->nginx.is_up) {
		rollout_status(r, PHASE_BLOCKED, ERR_UNREACHABLE, arena_printf(r->pass->arena, "nginx: %s", r->pass->world->nginx.problem));
		return;
	}
	plan_steps(r, &t, &t.steps);
	r->status->steps = (int)t.steps.count;
	int64_t held_ms = 0; /* by steps before, with the same instances and weight */
	for (size_t i = 0; i < t.steps.count; i++) {
		const struct step *step = &t.steps.items[i], *before = i ? step - 1 : step;
		bool is_last = i + 1 == t.steps.count;
		r->status->step = (int)i + 1;
		if (r->pause && (!is_reached(r, &t, step) || step->commits || is_last)) {
			stay(r, &t);
			return;
		}
		if (!is_reached(r, &t, step) || (is_last && r->is_routed)) {
			work(r, &t, step, is_last);
			return;
		}
		if (step->weight != before->weight || step->next != before->next)
			held_ms = 0;
		if (!is_held(r, &t, step, begun_ms(r, &t, step) + held_ms)) {
			struct status said = *r->status; /* what is waited for is the hold, whatever is mended meanwhile */
			mend(r, &t, step);
			*r->status = said;
			return;
		}
		held_ms += step->hold_ms;
	}
}
