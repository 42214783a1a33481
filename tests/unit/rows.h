/*
 * The rollout of a new version by each strategy, stopped after each of its actions: the points at which something may
 * happen. What must never be at any action is in model_host.h; what must come of it in the end is in ends_as().
 */
#ifndef TESTS_ROWS_H
#define TESTS_ROWS_H

#include "canary.h"

#include "decide/strategy.h"

struct way {
	enum strategy strategy;
	int replicas;
};

static const struct way ways[] = {
	{STRATEGY_ROLLING, 3}, {STRATEGY_BLUE_GREEN, 2}, {STRATEGY_CANARY, 2}, {STRATEGY_IN_PLACE, 2},
};

/* Where the rollout was when it was stopped. */
struct point {
	const struct way *way;
	size_t actions;   /* so many were done */
	int weight;       /* of the new revision */
	bool has_begun;   /* there is an instance of it */
	bool is_accepted; /* it is the good one */
	const char *last; /* the line of the last of them; "" */
};

/* ---- What is looked at, at each action ---- */

static int least_serving, most_up;
static bool (*also_fails)(struct host *h, const struct action *a, struct err *e);

static bool is_rolling;

/* Of those that get requests. Rolling, a new one comes in and an old one goes out by one reload, and the share follows. */
static inline int serving_now(struct host *h)
{
	const struct traffic *t = traffic_of(h, "web");
	bool has_next = t && (t->weight > 0 || is_rolling);
	return !t ? 0 : (t->weight < PERMILLE ? count_serving(h, &t->stable) : 0) + (has_next ? count_serving(h, &t->next) : 0);
}

static inline bool look(struct host *h, const struct action *a, struct err *e)
{
	int serving = serving_now(h), up = count_up_of(h, "web");
	least_serving = serving < least_serving ? serving : least_serving;
	most_up = up > most_up ? up : most_up;
	return also_fails && also_fails(h, a, e);
}

static inline void look_from_here(struct host *h)
{
	least_serving = serving_now(h);
	most_up = count_up_of(h, "web");
	h->log[0] = 0;
}

/* ---- Points ---- */

/* app:1 serves, and Git asks for app:2. */
static inline struct host *asked_for_new(const struct way *way)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", way->strategy, true);
	s->replicas = way->replicas;
	s->batch = 1;
	s->steps = quick;
	s->steps_count = way->strategy == STRATEGY_CANARY ? ARRAY_LEN(quick) : 0;
	run(h);
	also_fails = NULL;
	is_rolling = way->strategy == STRATEGY_ROLLING;
	h->fails = look;
	set_image(h, s, "app:2");
	buf_clear(&h->trace);
	look_from_here(h);
	return h;
}

/* Each of its holds waits for an operator. */
static inline void hold_by_hand(struct service *s)
{
	s->hold_ms = s->steps_count ? s->hold_ms : HOLD_MANUAL;
	s->steps = asked;
	s->steps_count = s->steps_count ? ARRAY_LEN(asked) : 0;
}

/* New ones, old ones that may run, of these those with requests, and the share of the new ones. */
static inline const char *text_of(struct host *h, const struct service *s, int stable)
{
	struct steps steps;
	CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
	strategy_steps(&h->arena, s, stable, &steps);
	for (size_t i = 0; i < steps.count; i++) {
		const struct step *step = &steps.items[i];
		buf_printf(&out, "%s%d+%d(%d)@%d%s%s%s", i ? ", " : "", step->next, step->stable, step->listed, step->weight,
		           step->hold_ms ? " hold" : "", step->commits ? " commit" : "", step->is_kept ? " keep" : "");
	}
	return arena_strdup(&h->arena, out.text);
}

static inline int count_of(struct host *h, const char *revision)
{
	int n = 0;
	for (size_t i = 0; i < h->world->instances_count; i++)
		n += strcmp(h->world->instances[i].revision, revision) == 0;
	return n;
}

/* So many of each run, the new ones have that share, and nginx knows of the new ones. */
static inline void stands_at(struct host *h, int next, int stable, int weight, bool is_public)
{
	const struct traffic *t = traffic_of(h, "web");
	CHECK_INT(t->weight, weight);
	CHECK((*t->next.revision != 0) == is_public);
	CHECK_INT(count_of(h, "rev-app:2"), next);
	CHECK_INT(count_up_of(h, "web"), next + stable);
}

static const char *last_line(struct host *h)
{
	const char *last = h->trace.text ? h->trace.text : "";
	for (const char *at = strchr(last, '\n'); at && at[1]; at = strchr(last, '\n'))
		last = at + 1;
	return arena_strdup(&h->arena, last);
}

static inline struct point point_of(struct host *h, const struct way *way, size_t actions)
{
	return (struct point){.way = way, .actions = actions, .last = last_line(h), .weight = traffic_of(h, "web")->weight,
	                      .has_begun = count_of(h, "rev-app:2") > 0,
	                      .is_accepted = strcmp(good_of(h, "web")->revision, "rev-app:2") == 0};
}

/* NULL: the rollout has fewer actions. */
static inline struct host *stopped_at(const struct way *way, size_t actions, struct point *p)
{
	struct host *h = asked_for_new(way);
	h->stop_after = actions;
	if (actions)
		run(h);
	if (actions && !h->was_killed) {
		host_free(h);
		return NULL;
	}
	*p = point_of(h, way, actions);
	look_from_here(h);
	return h;
}

static inline void told(struct host *h, const struct point *p, int failures_before)
{
	if (check_failures > failures_before)
		fprintf(stderr, "by %s, after %zu actions:\n%s", strategy_names[p->way->strategy], p->actions, h->trace.text);
	host_free(h);
}

typedef void (*event)(struct host *h, const struct point *p);

/* Of all strategies but `without` (STRATEGY_COUNT: of all). */
static inline void at_each_point_but(enum strategy without, event happens)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (size_t actions = 0; ways[i].strategy != without; actions++) {
			struct point p;
			int before = check_failures;
			struct host *h = stopped_at(&ways[i], actions, &p);
			if (!h)
				break;
			happens(h, &p);
			told(h, &p, before);
		}
}

static inline void at_each_point(event happens)
{
	at_each_point_but(STRATEGY_COUNT, happens);
}

/* ---- Ends ---- */

static inline bool is_named(const struct instance *i)
{
	return is_serving(i) && instance_has_name(i) && !i->is_restart_off;
}

/* Comes to rest: so many instances of that revision alone, all of them ready, named and routed, and nothing left to do. */
static inline void ends_as(struct host *h, enum phase phase, const char *revision, int replicas)
{
	run(h);
	CHECK_INT(phase_of(h, "web"), phase);
	CHECK_INT(h->world->instances_count, replicas);
	CHECK_INT(count_of(h, revision), replicas);
	for (size_t i = 0; i < h->world->instances_count; i++)
		CHECK(is_named(&h->world->instances[i]));
	const struct traffic *t = traffic_of(h, "web");
	CHECK(t && t->weight == 0 && !*t->next.revision && strcmp(t->stable.revision, revision) == 0);
	CHECK(t && count_serving(h, &t->stable) == replicas && (int)t->stable.addresses_count == replicas);
	buf_puts(&h->trace, "         - then nothing\n");
	nothing_left(h);
	CHECK_INT(phase_of(h, "web"), phase);
}

/* The revision is Git's, and nothing was held against it. */
static inline void comes_in(struct host *h, const char *revision, int replicas)
{
	ends_as(h, PHASE_SETTLED, revision, replicas);
	CHECK_INT(h->world->quarantines_count, 0);
}

/* app:2 went back, and is not tried again. */
static inline void went_back(struct host *h, const struct point *p)
{
	ends_as(h, PHASE_ROLLED_BACK, "rev-app:1", p->way->replicas);
	CHECK_CONTAINS(reason_of(h, "web"), "is quarantined: ");
}

static inline bool is_before(const char *log, const char *one, const char *other)
{
	const char *at = strstr(log, one), *then = strstr(log, other);
	return at && (!then || at < then);
}

static inline bool has_both(const struct point *p)
{
	return p->way->strategy == STRATEGY_BLUE_GREEN || p->way->strategy == STRATEGY_CANARY;
}

/* No fewer get requests than before, less one in place. */
static inline void was_served(const struct point *p, int replicas)
{
	CHECK(least_serving >= replicas - (p->way->strategy == STRATEGY_IN_PLACE));
}

/* One shift, before anything else but a name; and nothing new. */
static inline void went_straight_back(struct host *h, const struct point *p)
{
	was_served(p, p->way->replicas);
	if (!has_both(p) || !p->weight)
		return;
	CHECK(is_before(h->log, "shift traffic: 0.0%", "publish"));
	CHECK(is_before(h->log, "shift traffic: 0.0%", "stop"));
	CHECK(!strstr(h->log, "create"));
}

#endif
