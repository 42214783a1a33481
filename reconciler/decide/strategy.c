/* Rolling, blue-green, canary and in-place as lists of steps. The one thing to know: a strategy is this file and nothing else. */
#include "decide/strategy.h"

static void emit(struct arena *a, struct steps *out, struct step step)
{
	*ARENA_PUSH(a, out->items, out->count) = step;
}

int strategy_batch(const struct service *s)
{
	return s->batch > 0 ? s->batch : 1; /* notes from before there were batches say 0 */
}

int strategy_share(int next, int listed)
{
	int all = next + listed;
	return next ? (PERMILLE * next + all / 2) / all : 0;
}

int strategy_back(const struct service *s)
{
	return s->back_batch > 0 ? s->back_batch : strategy_batch(s);
}

/* Batch after batch: new ones up, their share of the requests and as many old ones parked; watched, while the parked
 * ones are an instant way back; then these stop and make room for the next batch. The last old ones stay listed until
 * the new revision is noted as good: without any of them there would be no way back by a shift. */
static void rolling(struct arena *a, const struct service *s, int stable, struct steps *out)
{
	int n = s->replicas, next = 0, batch = strategy_batch(s), batches = 0;
	while (next < n) {
		int room = n + batch - next - stable;
		if (room <= 0) { /* more of the old one run than are wanted now */
			stable = n - next;
			emit(a, out, (struct step){.next = next, .stable = stable, .listed = stable, .weight = strategy_share(next, stable)});
			continue;
		}
		int up = batch < room ? batch : room;
		next = next + up < n ? next + up : n;
		if (next == n)
			break;
		int left = n - next < stable ? n - next : stable;
		int64_t hold_ms = ++batches == s->pause_after ? HOLD_MANUAL : s->hold_ms;
		emit(a, out, (struct step){.next = next, .stable = stable, .listed = left, .weight = strategy_share(next, left), .hold_ms = hold_ms});
		emit(a, out, (struct step){.next = next, .stable = left, .listed = left, .weight = strategy_share(next, left)});
		stable = left;
	}
	emit(a, out, (struct step){.next = n, .stable = stable, .listed = stable, .weight = PERMILLE, .hold_ms = s->hold_ms, .commits = true});
	emit(a, out, (struct step){.next = n, .weight = PERMILLE});
}

/* The whole of the new revision has the traffic: watched, noted as good, the old one warm for a while, then gone. */
static void finish(struct arena *a, const struct service *s, int stable, struct steps *out)
{
	struct step step = {.next = s->replicas, .stable = stable, .listed = stable, .weight = PERMILLE, .hold_ms = s->hold_ms, .commits = true};
	emit(a, out, step);
	step.hold_ms = s->keep_old_ms;
	step.commits = false;
	step.is_kept = true;
	emit(a, out, step);
	emit(a, out, (struct step){.next = s->replicas, .weight = PERMILLE});
}

/* As many of the new revision as that step's share needs; in the dark as many as it says, or as what comes after it needs. */
static int count_needed(const struct service *s, size_t i)
{
	const struct canary_step *at = &s->steps[i];
	int weight = at->weight ? at->weight : i + 1 < s->steps_count ? at[1].weight : PERMILLE;
	if (!at->weight && at->instances)
		return at->instances < s->replicas ? at->instances : s->replicas;
	return (s->replicas * weight + PERMILLE - 1) / PERMILLE;
}

/* Watched in the dark: who shall see it there has a word for it. */
static bool is_for_testers(const struct service *s, size_t i)
{
	return s->steps[i].weight == 0 && s->has_testers;
}

/* A share after the other, each watched; as many of the new revision as the share needs, and all of the old one, so
 * that the way back is one shift at any time. */
static void canary(struct arena *a, const struct service *s, int stable, struct steps *out)
{
	int next = 0;
	for (size_t i = 0; i < s->steps_count; i++) {
		next = count_needed(s, i) > next ? count_needed(s, i) : next; /* in the dark there may be more than a share needs */
		emit(a, out, (struct step){.next = next, .stable = stable, .listed = stable, .weight = s->steps[i].weight,
		                           .to_testers = is_for_testers(s, i), .hold_ms = s->steps[i].hold_ms});
	}
	emit(a, out, (struct step){.next = s->replicas, .stable = stable, .listed = stable,
	                           .weight = s->steps_count ? s->steps[s->steps_count - 1].weight : 0});
	finish(a, s, stable, out);
}

/* All of the new revision in the dark, all traffic at once, the old one warm for a while, then gone. */
static void blue_green(struct arena *a, const struct service *s, int stable, struct steps *out)
{
	if (s->steps_count)
		emit(a, out, (struct step){.next = count_needed(s, 0), .stable = stable, .listed = stable, .to_testers = is_for_testers(s, 0),
		                           .hold_ms = s->steps[0].hold_ms});
	emit(a, out, (struct step){.next = s->replicas, .stable = stable, .listed = stable});
	finish(a, s, stable, out);
}

/* Slot after slot: old ones out, new ones in, each with its share of the requests. It is noted as good before nginx
 * forgets the old one: until then there is a way back. */
static void in_place(struct arena *a, const struct service *s, int stable, struct steps *out)
{
	for (int next = 0; next < s->replicas; ) {
		int slots = s->replicas - next, batch = strategy_batch(s) < slots ? strategy_batch(s) : slots;
		int left = slots - batch; /* slots that those to come do not need */
		stable = stable < left ? stable : left;
		emit(a, out, (struct step){.next = next, .stable = stable, .listed = stable, .weight = strategy_share(next, stable)});
		next += batch;
		emit(a, out, (struct step){.next = next, .stable = stable, .listed = stable, .weight = strategy_share(next, stable)});
	}
	emit(a, out, (struct step){.next = s->replicas, .weight = PERMILLE, .commits = true});
	emit(a, out, (struct step){.next = s->replicas, .weight = PERMILLE});
}

static const struct strategy_info infos[STRATEGY_COUNT] = {
	[STRATEGY_ROLLING] = {false, rolling},
	[STRATEGY_BLUE_GREEN] = {false, blue_green},
	[STRATEGY_CANARY] = {false, canary},
	[STRATEGY_IN_PLACE] = {true, in_place},
};

const struct strategy_info *strategy_info(enum strategy strategy)
{
	return &infos[strategy];
}

void strategy_steps(struct arena *a, const struct service *s, int stable, struct steps *out)
{
	*out = (struct steps){0};
	infos[s->strategy].steps(a, s, stable, out);
}

int strategy_peak(struct arena *a, const struct service *s, int stable)
{
	struct steps steps;
	int peak = 0;
	strategy_steps(a, s, stable, &steps);
	for (size_t i = 0; i < steps.count; i++)
		if (steps.items[i].next + steps.items[i].stable > peak)
			peak = steps.items[i].next + steps.items[i].stable;
	return peak;
}
