/*
 * What stands against the revision that Git asks for: a verdict, an operator's word, a registry that is away. The one
 * thing to know: none of them stops what serves; they only choose what is to serve, and the executor does the rest.
 */
#include <string.h>

#include "base/clock.h"

#include "decide/rollout.h"

const struct order *pass_pause(const struct pass *p, const char *project, const char *service)
{
	for (size_t i = 0; i < p->world->orders_count; i++) {
		const struct order *o = &p->world->orders[i];
		if (o->kind == ORDER_PAUSE && order_is_about(o, project, service) && (!o->until_ms || p->world->now_ms < o->until_ms))
			return o;
	}
	return NULL;
}

bool rollout_is_promoted(const struct rollout *r, int weight)
{
	const struct order *o = world_order(r->pass->world, ORDER_PROMOTE, r->target);
	return o && o->weight >= weight;
}

struct verdict rollout_verdict(const struct rollout *r)
{
	const struct world *w = r->pass->world;
	const struct evidence **rows = NULL;
	const struct measure *measure = NULL;
	size_t rows_count = 0;
	if (!r->target->analysis.is_on || rollout_was_good(r))
		return (struct verdict){VERDICT_GOOD, NULL};
	for (size_t i = 0; i < w->evidence_count; i++) {
		const struct evidence *e = &w->evidence[i];
		if (strcmp(e->project, r->project) == 0 && strcmp(e->service, r->service) == 0 &&
		    strcmp(e->revision, r->target->revision) == 0)
			*ARENA_PUSH(r->pass->arena, rows, rows_count) = e;
	}
	for (size_t i = 0; i < w->measures_count; i++) {
		const struct measure *m = &w->measures[i];
		if (strcmp(m->project, r->project) == 0 && strcmp(m->service, r->service) == 0 &&
		    strcmp(m->revision, r->target->revision) == 0)
			measure = m;
	}
	return verdict_judge(&r->target->analysis, rows, rows_count, r->now->weight, measure, r->pass->arena);
}

const char *pass_paused_text(struct pass *p, const struct order *pause)
{
	char until[32] = "";
	if (pause->until_ms)
		clock_format(pause->until_ms, until, sizeof until);
	return arena_printf(p->arena, "paused%s%s%s%s; `reconcile resume` lets it go on", *until ? " until " : "", until,
	                    *pause->reason ? ": " : "", pause->reason);
}

const char *rollout_paused(const struct rollout *r)
{
	const struct order *pause = pass_pause(r->pass, r->project, r->service);
	return pause ? pass_paused_text(r->pass, pause) : NULL;
}

void rollout_say_paused(struct rollout *r)
{
	rollout_status(r, PHASE_WAITING, ERR_NONE, pass_paused_text(r->pass, r->pause));
	r->status->until_ms = r->pause->until_ms;
}

/* Why that revision failed or was called off; NULL: it did not, and was not. */
static const char *verdict_on(const struct rollout *r, const struct service *s)
{
	const struct quarantine *quarantine = world_quarantine(r->pass->world, s);
	const struct order *abort = world_order(r->pass->world, ORDER_ABORT, s);
	if (quarantine)
		return quarantine->reason;
	return abort ? arena_printf(r->pass->arena, "aborted by an operator%s%s", *abort->reason ? ": " : "", abort->reason) : NULL;
}

/* In an atomic project what another service failed by counts here too. */
static const char *verdict_on_others(const struct rollout *r)
{
	const struct desired *d = r->pass->desired;
	if (!pass_is_atomic(r->pass, r->project) || rollout_is_good(r, r->want->revision))
		return NULL;
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; strcmp(d->projects[i].name, r->project) == 0 && k < d->projects[i].services_count; k++) {
			const struct service *other = &d->projects[i].services[k];
			const char *why = other == r->want ? NULL : verdict_on(r, other);
			if (why)
				return arena_printf(r->pass->arena, "%s of the same atomic project failed: %s", other->name, why);
		}
	return NULL;
}

/* Asked again it may say the same for ever: as good as a verdict on what Git wants. */
static bool is_final(enum err_kind kind)
{
	return kind == ERR_NOT_FOUND || kind == ERR_DENIED || kind == ERR_INVALID;
}

static bool is_same(const struct service *a, const struct service *b)
{
	if (strcmp(a->revision, b->revision) != 0 || a->replicas != b->replicas || a->spec.count != b->spec.count)
		return false;
	for (size_t i = 0; i < a->spec.count; i++)
		if (!value_equal(&a->spec.values[i], &b->spec.values[i]))
			return false;
	return true;
}

/* A pause holds what has not begun; what has begun stays where it is, but in place, where half way serves nobody. */
static bool is_held_by_pause(struct rollout *r, struct refusal *out)
{
	const struct service *want = r->want;
	const char *next = r->now ? r->now->next.revision : "";
	r->pause = pass_pause(r->pass, r->project, r->service);
	if (!r->pause)
		return false;
	bool has_begun = !rollout_is_good(r, want->revision) && set_of_revision(r, want->revision).count > 0;
	*out = (struct refusal){.why = pass_paused_text(r->pass, r->pause), .phase = PHASE_WAITING};
	if (has_begun && strategy_info(want->strategy)->is_exclusive)
		r->pause = NULL;
	if (has_begun)
		return false;
	/* A revision in between that is neither Git's nor the good one: nobody knows how to look after it but to leave it. */
	out->stays = !r->good || !r->good->spec || (*next && strcmp(next, r->good->revision) != 0);
	if (!out->stays && is_same(want, r->good->spec))
		out->why = NULL;
	r->pause = NULL;
	return true;
}

bool rollout_refuses(struct rollout *r, struct refusal *out)
{
	struct arena *a = r->pass->arena;
	const struct service *want = r->want;
	bool has_good = r->good && r->good->spec;
	const char *why = verdict_on(r, want), *other = why ? NULL : verdict_on_others(r), *missing = NULL;
	if (want->is_left_alone) {
		*out = (struct refusal){.stays = true, .phase = PHASE_LEFT_ALONE, .why = "no target of this run"};
	} else if (why && !has_good) {
		*out = (struct refusal){.stays = true, .phase = PHASE_FAILED, .cause = ERR_INTERNAL,
		                        .why = arena_printf(a, "revision %.8s is quarantined (%s) and no good one is known; "
		                                            "`reconcile retry` tries it again", want->revision, why)};
	} else if (why || (other && has_good)) {
		*out = (struct refusal){.phase = PHASE_ROLLED_BACK, .cause = ERR_NONE};
		out->why = other ? other : arena_printf(a, "revision %.8s is quarantined: %s", want->revision, why);
	} else if (want->unresolved) {
		/* It is then the last good one, if there is one; else what shall run is not known, and neither what did. */
		bool is_known = rollout_is_good(r, want->revision), is_over = is_final(want->unresolved);
		*out = (struct refusal){.stays = !is_known, .cause = want->unresolved, .why = want->unresolved_why,
		                        .phase = !is_over ? PHASE_BLOCKED : is_known ? PHASE_ROLLED_BACK : PHASE_FAILED};
		return true;
	} else if ((missing = missing_external(r, want))) {
		/* Nothing that runs is stopped for a revision that cannot start: the last good one stays in force. */
		*out = (struct refusal){.stays = !has_good, .phase = PHASE_FAILED, .cause = ERR_NOT_FOUND, .why = missing};
	} else if (!is_held_by_pause(r, out)) {
		return false;
	}
	if (!out->stays)
		r->target = r->good->spec;
	return true;
}
