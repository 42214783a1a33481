/* The steps of a rollout: how much of the traffic, and for how long; and what goes without them. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "desired/draft.h"
#include "desired/fields.h"
#include "desired/units.h"
#include "model/world.h"

int parse_hold(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	if (n->kind == NODE_SCALAR && n->type == SCALAR_STRING && strcmp(n->text, "manual") == 0)
		return give(out, n, value_int(HOLD_MANUAL));
	return parse_milliseconds(p, n, path, out);
}

int parse_rollback_window(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	return parse_integer(p, n, path, 0, PAST_GOODS_MAX, &number) < 0 ? -1 : give(out, n, value_int(number));
}

int parse_positive(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	return parse_integer(p, n, path, 1, INT32_MAX, &number) < 0 ? -1 : give(out, n, value_int(number));
}

/* "5", "5%", "0.5%" -> permille. */
static int parse_weight(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	int64_t nano;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	size_t length = strlen(text);
	char *number = arena_strndup(p->a, text, length && text[length - 1] == '%' ? length - 1 : length);
	if (!units_nano_cpus(number, &nano) || nano % 100000000 != 0 || nano >= 100000000000)
		return parse_error(p, n->mark, path, "%s is no share of the traffic; write percent, from 0.1 to 99.9, like 5 or 0.5%%, "
		                   "or 0 for a first step in the dark", node_shown(p, n));
	int64_t permille = nano / 100000000;
	return give(out, n, value_string(permille % 10 ? arena_printf(p->a, "%d.%d%%", (int)(permille / 10), (int)(permille % 10))
	                                               : arena_printf(p->a, "%d%%", (int)(permille / 10))));
}

/* As a person would write it: the plan shows it. */
static int parse_step_hold(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	struct value hold = {0};
	char text[32];
	if (parse_hold(p, n, path, &hold) < 0)
		return -1;
	return give(out, n, value_string(hold.integer == HOLD_MANUAL ? "manual" : arena_strdup(p->a, clock_duration(hold.integer, text))));
}

static int weight_of(const struct value *step)
{
	const struct value *weight = value_get(step, "weight");
	int64_t nano = 0;
	char number[16] = "";
	if (weight && weight->kind == VALUE_STRING)
		snprintf(number, sizeof number, "%.*s", (int)strcspn(weight->string, "%"), weight->string);
	return units_nano_cpus(number, &nano) ? (int)(nano / 100000000) : 0;
}

static int64_t hold_of(const struct value *step, int64_t otherwise_ms)
{
	const struct value *hold = value_get(step, "hold");
	int64_t ns;
	if (!hold || hold->kind != VALUE_STRING) /* notes may say anything */
		return otherwise_ms;
	return units_duration_ns(hold->string, &ns) ? ns / 1000000 : HOLD_MANUAL;
}

static int instances_of(const struct value *step)
{
	const struct value *instances = value_get(step, "instances");
	bool is_count = instances && instances->kind == VALUE_INT && instances->integer > 0 && instances->integer <= INT32_MAX;
	return is_count ? (int)instances->integer : 0; /* notes may say anything */
}

static const struct key_row step_keys[] = {
	{"weight", "weight", parse_weight}, {"hold", "hold", parse_step_hold}, {"instances", "instances", parse_positive},
};

/* What each step may be by itself and after the one before. */
static int check_step(struct parse *p, const struct node *n, const char *path, const struct value *step, int before)
{
	int weight = weight_of(step);
	if (weight == 0 && before >= 0)
		return parse_error(p, n->mark, path, "is in the dark, with none of the requests; only the first step can be");
	if (weight <= before)
		return parse_error(p, n->mark, path, "is no more than the step before; shares only rise");
	if (weight && value_get(step, "instances"))
		return parse_error(p, n->mark, path, "has as many instances as its share needs; write them at a first step with weight: 0, or "
		                   "not at all");
	return 0;
}

int parse_steps(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int before = -1, result = 0;
	if (n->kind != NODE_LIST || n->count == 0)
		return parse_error(p, n->mark, path, "must be a list of shares, like [5, 25, 50], or of {weight: 25, hold: 10m}");
	for (size_t i = 0; i < n->count; i++) {
		const struct node *item = n->items[i];
		const char *own = arena_printf(p->a, "%s[%zu]", path, i);
		struct value step = {.kind = VALUE_MAP}, weight = {0};
		if (item->kind == NODE_SCALAR) {
			if (parse_weight(p, item, own, &weight) < 0)
				return -1;
			value_set(p->a, &step, "weight", weight);
		} else if (parse_keys(p, item, own, "x-reconcile.steps", step_keys, ARRAY_LEN(step_keys), &step) < 0) {
			return -1;
		}
		if (!value_get(&step, "weight"))
			return parse_error(p, item->mark, own, "has no weight; write one, like weight: 25");
		if (check_step(p, item, own, &step, before) < 0)
			result = -1;
		before = weight_of(&step);
		value_push(p->a, out, step);
	}
	return result;
}

void steps_take(struct service *s, struct arena *a)
{
	static const int usual[] = {50, 250, 500};
	const struct value *steps = spec_value(&s->spec, "x-reconcile.steps");
	if (s->strategy == STRATEGY_CANARY && (!steps || steps->kind == VALUE_UNSET))
		for (size_t i = 0; i < ARRAY_LEN(usual); i++)
			*ARENA_PUSH(a, s->steps, s->steps_count) = (struct canary_step){usual[i], s->hold_ms};
	for (size_t i = 0; steps && i < steps->count; i++)
		*ARENA_PUSH(a, s->steps, s->steps_count) =
			(struct canary_step){weight_of(&steps->items[i]), hold_of(&steps->items[i], s->hold_ms), instances_of(&steps->items[i])};
}

/* Of a service as it is to be: what its steps have to do with its strategy and its replicas. */
static void settle_shares(struct parse *p, struct draft *d)
{
	struct service *s = &d->service;
	const struct node *n = d->nodes[field_index("x-reconcile.steps")];
	const char *path = arena_printf(p->a, "%s.x-reconcile.steps", d->path);
	if (draft_value(d, "x-reconcile.steps")->kind == VALUE_UNSET)
		return;
	if (s->strategy != STRATEGY_CANARY && s->strategy != STRATEGY_BLUE_GREEN)
		parse_error(p, n->mark, path, "only canary goes in steps, and this is %s; add strategy: canary, or remove the steps",
		            strategy_names[s->strategy]);
	for (size_t i = 0; i < s->steps_count; i++) {
		const char *own = arena_printf(p->a, "%s[%zu]", path, i);
		if (s->strategy == STRATEGY_BLUE_GREEN && s->steps[i].weight)
			parse_error(p, n->items[i]->mark, own, "blue-green moves all of the requests at once, and has one step at most: {weight: 0}, in "
			            "the dark; add strategy: canary, or remove it");
		if (s->steps[i].instances > s->replicas)
			parse_error(p, n->items[i]->mark, own, "%d instances are more than its replicas: %d", s->steps[i].instances, s->replicas);
	}
}

void steps_settle(struct parse *p, struct draft *d)
{
	struct service *s = &d->service;
	const char *path = arena_printf(p->a, "%s.x-reconcile.pause_after", d->path);
	int batches = (s->replicas + s->batch - 1) / s->batch;
	steps_take(s, p->a);
	settle_shares(p, d);
	if (s->pause_after && s->strategy != STRATEGY_ROLLING)
		parse_error(p, draft_mark(d, "x-reconcile.pause_after"), path, "counts the batches of rolling, and this is %s; remove it",
		            strategy_names[s->strategy]);
	else if (s->pause_after && s->pause_after >= batches)
		parse_error(p, draft_mark(d, "x-reconcile.pause_after"), path, "leaves no batch to come: %d replica%s, %d at a time, %s %d batch%s",
		            s->replicas, s->replicas == 1 ? "" : "s", s->batch, batches == 1 ? "is" : "are", batches, batches == 1 ? "" : "es");
}
