/* Delta debugging: chunks of steps are left out, halves first and single ones last, for as long as it still fails. */
#include "shrink.h"

static bool still_fails(struct simulation *s, const struct schedule *schedule, const char *broken)
{
	simulation_play(s, schedule);
	return s->broken && strcmp(s->broken, broken) == 0;
}

/* Without `count` steps from `at` on. */
static struct schedule without(const struct schedule *all, int at, int count)
{
	struct schedule less = *all;
	memmove(&less.steps[at], &less.steps[at + count], (size_t)(all->steps_count - at - count) * sizeof *less.steps);
	less.steps_count -= count;
	return less;
}

static bool cut(struct simulation *s, struct schedule *schedule, const char *broken)
{
	bool is_shorter = false;
	for (int chunk = (schedule->steps_count + 1) / 2; chunk > 0; chunk /= 2)
		for (int at = schedule->steps_count - chunk; at >= 0; at -= chunk) {
			struct schedule less = without(schedule, at, chunk);
			if (!still_fails(s, &less, broken))
				continue;
			*schedule = less;
			is_shorter = true;
			if (at > schedule->steps_count)
				at = schedule->steps_count;
		}
	return is_shorter;
}

/* Tries the schedule with one number changed. */
static bool try_number(struct simulation *s, struct schedule *schedule, const char *broken, void *number, size_t size, const void *value)
{
	char before[16];
	if (memcmp(number, value, size) == 0)
		return false;
	memcpy(before, number, size);
	memcpy(number, value, size);
	if (still_fails(s, schedule, broken))
		return true;
	memcpy(number, before, size);
	return false;
}

#define TRY(field, simpler) \
	changed |= try_number(s, schedule, broken, &(field), sizeof(field), &(__typeof__(field)){simpler})

static bool simplify(struct simulation *s, struct schedule *schedule, const char *broken)
{
	bool changed = false;
	while (schedule->services > 1 && try_number(s, schedule, broken, &schedule->services, sizeof schedule->services,
	                                            &(int){schedule->services - 1}))
		changed = true;
	TRY(schedule->memory_mib, 0);
	for (int i = 0; i < PROJECTS_MAX; i++)
		TRY(schedule->is_atomic[i], false);
	for (int i = 0; i < schedule->steps_count; i++)
		TRY(schedule->steps[i].after, 0);
	for (int i = 0; i < schedule->services; i++) {
		struct setup *one = &schedule->setups[i];
		TRY(one->depends_on, -1);
		TRY(one->slow_ms, 0);
		TRY(one->keep_old_ms, 0);
		TRY(one->hold_ms, 0);
		TRY(one->rollback_window, 0);
		TRY(one->is_dark, false);
		TRY(one->dark_instances, 0);
		TRY(one->has_testers, false);
		TRY(one->pause_after, 0);
		TRY(one->on_inconclusive, INCONCLUSIVE_PAUSE);
		TRY(one->replicas, 1);
		TRY(one->batch, 1);
		TRY(one->is_routed, false);
	}
	return changed;
}

void schedule_shrink(struct simulation *s, struct schedule *schedule, const char *broken)
{
	bool is_traced = s->is_traced;
	s->is_traced = false;
	for (bool changed = true; changed; ) {
		changed = cut(s, schedule, broken);
		changed |= simplify(s, schedule, broken);
	}
	s->is_traced = is_traced;
}
