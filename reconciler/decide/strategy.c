/* Blue-green and in-place as lists of steps. The one thing to know: a strategy is this file and nothing else. */
#include "decide/strategy.h"

static void emit(struct arena *a, struct steps *out, struct step step)
{
	*ARENA_PUSH(a, out->items, out->count) = step;
}

/* All of the new revision in the dark, all traffic at once, the old one warm for a while, then gone. */
static void blue_green(struct arena *a, const struct service *s, int stable, struct steps *out)
{
	int n = s->replicas;
	emit(a, out, (struct step){n, stable, 0, 0, false, false});
	emit(a, out, (struct step){n, stable, PERMILLE, s->hold_ms, true, false});
	emit(a, out, (struct step){n, stable, PERMILLE, s->keep_old_ms, false, true});
	emit(a, out, (struct step){n, 0, PERMILLE, 0, false, false});
}

/* One slot after the other: an old one out, a new one in, each with its share of the requests. It is noted as good
 * before nginx forgets the old one: until then there is a way back. */
static void in_place(struct arena *a, const struct service *s, int stable, struct steps *out)
{
	for (int next = 0; next < s->replicas; next++) {
		int left = s->replicas - next - 1; /* slots that the one to come does not need */
		stable = stable < left ? stable : left;
		emit(a, out, (struct step){next, stable, next ? PERMILLE * next / (next + stable) : 0, 0, false, false});
		emit(a, out, (struct step){next + 1, stable, PERMILLE * (next + 1) / (next + 1 + stable), 0, false, false});
	}
	emit(a, out, (struct step){s->replicas, 0, PERMILLE, 0, true, false});
	emit(a, out, (struct step){s->replicas, 0, PERMILLE, 0, false, false});
}

static const struct strategy_info infos[] = {
	[STRATEGY_BLUE_GREEN] = {"blue-green", false, blue_green},
	[STRATEGY_IN_PLACE] = {"in-place", true, in_place},
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
