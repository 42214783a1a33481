/*
 * Backward: everything to the revision that nginx calls stable. The one thing to know: traffic first, but never more of
 * it than what is ready of that revision can take; then instance by instance, within what the strategy runs at once.
 */
#include <string.h>

#include "decide/rollout.h"

/* Is all that nginx lists as stable ready, and is there something? */
static bool is_stable_ready(struct rollout *r, const struct service *s, const struct set *stable)
{
	struct set ready = set_ready(r, s, stable, (int)stable->count, TRUST_PROVEN);
	size_t listed = 0;
	for (size_t i = 0; i < ready.count; i++)
		listed += side_lists(&r->now->stable, ready.items[i]->address);
	return listed > 0 && listed == r->now->stable.addresses_count;
}

/* Those of the failed revision that may stay in nginx while the old one is not complete: what serves, and no more than
 * leaves room to start a batch of old ones. */
static struct set still_needed(struct rollout *r, int n, int ready, int peak, int batch)
{
	struct set all = set_of_revision(r, r->now->next.revision), kept = {0};
	int missing = ready < n ? n - ready : 0, most = peak - ready - (batch < missing ? batch : missing);
	const struct service *spec = rollout_spec(r, r->now->next.revision);
	struct set passing = set_ready(r, spec ? spec : r->target, &all, (int)all.count, TRUST_PROVEN);
	for (size_t i = 0; i < passing.count && (int)kept.count < missing && (int)kept.count < most; i++)
		if (side_lists(&r->now->next, passing.items[i]->address))
			*ARENA_PUSH(r->pass->arena, kept.items, kept.count) = passing.items[i];
	return kept;
}

/* The share of the other revision while so many of n old ones serve: what is missing of these may stay with it. */
static int weight_beside(int serving, int n, const struct set *kept)
{
	return serving >= n || kept->count == 0 ? 0 : strategy_share(n - serving, serving);
}

/* What cannot serve any more still has its slot, and its volumes. */
static bool are_broken_down(struct rollout *r, const struct service *s, const struct set *stable)
{
	struct set usable = set_usable(r, s, stable), broken = set_rest(r->pass, stable, &usable, NULL);
	bool are_down = true;
	for (size_t i = 0; i < broken.count; i++)
		are_down &= bring_down(r, broken.items[i]);
	return are_down;
}

/* How many of the old revision may be up now. What cannot serve any more goes first where there is no room for both. */
static int make_room(struct rollout *r, const struct service *s, const struct set *stable, const struct set *next, int n, int peak)
{
	struct set broken = set_in_the_way(r, s, stable);
	int room = peak - set_count_up(next) - (int)broken.count;
	if (room >= n)
		return n;
	for (size_t i = 0; i < broken.count; i++)
		bring_down(r, broken.items[i]);
	return room > 0 ? room : broken.count ? 0 : 1;
}

/* What stands between here and all of the old revision: it is listed as it becomes ready; the other one leaves, but not
 * before its requests do. */
static void exchange(struct rollout *r, const struct service *s, const struct set *stable, const struct set *ready,
                     const struct set *kept, int n, int peak, bool is_exclusive)
{
	struct set next = set_of_revision(r, r->now->next.revision);
	struct set rest = set_rest(r->pass, &next, kept, NULL);
	struct side stable_side = side_of(r->pass, r->now->stable.revision, ready, ready->count);
	/* While it has all the requests, those that are ready are listed first: the shift to them comes next. */
	bool is_alone = r->now->weight == PERMILLE && weight_beside((int)ready->count, n, kept) < PERMILLE;
	struct side next_side = is_alone ? r->now->next : side_of(r->pass, r->now->next.revision, kept, kept->count);
	const char *why = NULL;
	if (!ready->count) /* in place the others make room before the first can come back */
		stable_side = r->now->stable;
	if ((ready->count || is_exclusive) && !(side_equal(&stable_side, &r->now->stable) && side_equal(&next_side, &r->now->next))) {
		rollout_sides(r, r->now->rollout, stable_side, next_side);
		rollout_wait(r, "goes back to the old instances that are ready", 0);
		return;
	}
	bool are_down = true;
	for (size_t i = 0; i < rest.count; i++)
		if (!side_lists(&r->now->next, rest.items[i]->address))
			are_down &= bring_down(r, rest.items[i]);
	if (is_exclusive)
		are_down &= are_broken_down(r, s, stable);
	if (is_exclusive && !are_down)
		return;
	if (bring_up(r, s, stable, make_room(r, s, stable, &next, n, peak), TRUST_PROVEN, &why) == UPS_FAILED)
		rollout_status(r, PHASE_FAILED, ERR_INTERNAL, arena_printf(r->pass->arena, "cannot go back: %s", why));
}

/* In place, and nobody serves who could go on with it: the next revision leaves nginx, for nothing comes back before. */
static void fold_in_place(struct rollout *r, const char *from, const struct service *s, const struct set *stable)
{
	const char *why = NULL;
	int n = (int)r->now->stable.addresses_count;
	struct set usable = set_usable(r, s, stable);
	if (!are_broken_down(r, s, stable))
		return;
	if (!rollout_spec(r, from) && n > (int)usable.count) /* nobody knows what to make one from */
		n = (int)usable.count;
	if (!rollout_spec(r, from) && n == 0) {
		rollout_fold(r, r->now->next, "nothing is left of the old revision");
		return;
	}
	enum ups ups = bring_up(r, s, stable, n, TRUST_PROVEN, &why);
	if (ups == UPS_FAILED)
		rollout_status(r, PHASE_FAILED, ERR_INTERNAL, arena_printf(r->pass->arena, "cannot go back: %s", why));
	if (ups != UPS_READY)
		return;
	struct set ready = set_ready(r, s, stable, n, TRUST_PROVEN);
	rollout_fold(r, side_of(r->pass, from, &ready, ready.count), "one revision again");
}

void rollout_backward(struct rollout *r, const char *from)
{
	const struct service *known = rollout_spec(r, from), *spec = known ? known : r->target;
	bool is_exclusive = strategy_info(r->target->strategy)->is_exclusive;
	struct set stable = set_of_revision(r, from);
	int n = known ? known->replicas : (int)set_usable(r, spec, &stable).count;
	struct service back = *spec; /* so many at a time as are to come back at a time */
	back.batch = strategy_back(spec);
	int peak = strategy_peak(r->pass->arena, &back, n > (int)stable.count ? n : (int)stable.count);
	n = n < peak ? n : peak; /* of a revision that is not known there may be more than are wanted now */
	struct set ready = set_ready(r, spec, &stable, n, TRUST_PROVEN);
	int serving = 0;
	for (size_t i = 0; i < ready.count; i++)
		serving += side_lists(&r->now->stable, ready.items[i]->address);
	struct set kept = still_needed(r, n, (int)ready.count, peak, back.batch);
	int weight = weight_beside(serving, n, &kept);
	rollout_sides(r, r->now->rollout, r->now->stable, r->now->next);
	rollout_is_under_way(r, r->now->next.revision, from);
	/* What comes back gets its name before its traffic, while nobody waits for it. */
	if (alias_give(r, spec, &ready, (int)ready.count, TRUST_PROVEN) == UPS_BUSY)
		return;
	/* Traffic first, everything else after: as soon as what nginx lists as stable can take it. */
	if (r->now->to_testers) /* which is nobody's share: whatever of the old one is ready serves as before */
		rollout_shift(r, 0, "back to the old revision");
	else if (r->now->weight > weight && is_stable_ready(r, spec, &stable))
		rollout_shift(r, weight, "back to the old revision");
	else if (is_exclusive && kept.count == 0 && ready.count == 0)
		fold_in_place(r, from, spec, &stable);
	else if (n == 0)
		rollout_fold(r, r->now->next, "nothing is left of the old revision");
	else if ((int)ready.count >= n)
		rollout_fold(r, side_of(r->pass, from, &ready, ready.count), "one revision again");
	else
		exchange(r, spec, &stable, &ready, &kept, n, peak, is_exclusive);
}
