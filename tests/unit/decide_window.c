/*
 * A return to what was good before: x-reconcile.rollback_window. Nothing of it runs any more, so it comes in as a new
 * version does, but has only to get ready. Each service here holds everything by hand, and is analysed: what does not come
 * back by itself waits.
 */
#include "rows.h"

/* Nothing goes on by itself, and nobody asks for anything, so that no analysis ever has seen enough. */
static void hold_all(struct service *s)
{
	hold_by_hand(s);
	s->analysis = (struct analysis){.is_on = s->strategy != STRATEGY_IN_PLACE, .min_requests = 1000};
}

static void hold_nothing(struct service *s)
{
	s->hold_ms = 0;
	s->steps_count = 0;
	s->analysis = (struct analysis){0};
}

/* Comes in, as somebody lets it, and what it replaces is gone. */
static void accept(struct host *h, const char *image)
{
	struct service *s = service_of(h, "web");
	int64_t keep_old_ms = s->keep_old_ms;
	hold_nothing(s);
	s->keep_old_ms = 0;
	set_image(h, s, image);
	comes_in(h, s->revision, s->replicas);
	s->keep_old_ms = keep_old_ms;
	s->steps_count = s->strategy == STRATEGY_CANARY;
	hold_all(s);
	buf_clear(&h->trace);
	look_from_here(h);
}

/* app:1 was good, app:2 is, and Git asks for app:1 again. */
static struct host *asked_back(const struct way *way)
{
	struct host *h = asked_for_new(way);
	accept(h, "app:2");
	set_image(h, service_of(h, "web"), "app:1");
	return h;
}

/* It waits for somebody, and has not all of the requests without a word. */
static void waits(struct host *h)
{
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_CONTAINS(reason_of(h, "web"), "`reconcile promote shop/web` lets it go on");
	CHECK(!h->last.services[0].was_good);
}

static const char *const shares[STRATEGY_COUNT] = {
	[STRATEGY_ROLLING] = "33.3% 66.7% 100.0% ", [STRATEGY_BLUE_GREEN] = "100.0% ", [STRATEGY_CANARY] = "100.0% ",
	[STRATEGY_IN_PLACE] = "50.0% 100.0% ",
};

static const char *shares_of(struct host *h)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
	static const char shift[] = "shift traffic: ";
	for (const char *at = strstr(h->trace.text, shift); at; at = strstr(at + 1, shift))
		buf_printf(&out, "%.*s ", (int)strcspn(at + sizeof shift - 1, " "), at + sizeof shift - 1);
	return arena_strdup(&h->arena, out.text);
}

/* In batches, all at once, all at once, slot by slot; ready first, served all the time, drained, and nobody is asked. */
static void comes_back(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_back(&ways[i]);
		int64_t began_ms = h->world->now_ms;
		int before = check_failures;
		run(h);
		CHECK_STR(shares_of(h), shares[ways[i].strategy]);
		CHECK(!strstr(h->trace.text, "is watched"));
		CHECK_CONTAINS(h->trace.text, "accept revision rev-app: (was good before: only its readiness counted)");
		CHECK_CONTAINS(h->trace.text, "(drained: ");
		CHECK(h->world->now_ms - began_ms < 5000 * ways[i].replicas);
		comes_in(h, "rev-app:1", ways[i].replicas);
		was_served(&(struct point){.way = &ways[i]}, ways[i].replicas);
		CHECK_INT(most_up, ways[i].strategy == STRATEGY_ROLLING ? 4 : ways[i].strategy == STRATEGY_IN_PLACE ? 2 : 4);
		/* And what it came after is now what was good before. */
		set_image(h, service_of(h, "web"), "app:2");
		comes_in(h, "rev-app:2", ways[i].replicas);
		/* A version that never was is held up as ever. */
		set_image(h, service_of(h, "web"), "app:3");
		if (ways[i].strategy != STRATEGY_IN_PLACE)
			waits(h);
		told(h, &(struct point){.way = &ways[i]}, before);
	}
}

static void what_it_replaces_is_kept_warm(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_back(&ways[i]);
		struct point p = {.way = &ways[i]};
		service_of(h, "web")->keep_old_ms = 600000;
		run(h);
		CHECK_INT(phase_of(h, "web"), has_both(&p) ? PHASE_KEEPING : PHASE_SETTLED);
		CHECK_STR(good_of(h, "web")->revision, "rev-app:1");
		nothing_left(h);
		h->world->now_ms += 600000;
		comes_in(h, "rev-app:1", ways[i].replicas);
		host_free(h);
	}
}

/* The run before was killed there: the next one goes on in the same way. */
static void at_every_action(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		bool is_over = false;
		for (size_t actions = 1; !is_over; actions++) {
			struct host *h = asked_back(&ways[i]);
			struct point p = {.way = &ways[i], .actions = actions};
			int before = check_failures;
			h->stop_after = actions;
			run(h);
			is_over = !h->was_killed;
			h->stop_after = 0;
			comes_in(h, "rev-app:1", ways[i].replicas);
			was_served(&p, ways[i].replicas);
			told(h, &p, before);
		}
	}
}

/* Somebody removed all of app:2: each batch of app:1 has all of the requests. What was not held before it was accepted is not
 * held after that, either: nobody can promote what is good. */
static void nothing_is_left_to_replace(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_back(&ways[i]);
		int before = check_failures;
		h->fails = NULL;
		h->world->instances_count = 0;
		comes_in(h, "rev-app:1", ways[i].replicas);
		told(h, &(struct point){.way = &ways[i]}, before);
	}
}

/* Its tag means another image now; or the engine has it no more, and pulls the same again, or must build it. */
static void what_is_behind_the_tag(void)
{
	static const struct build build;
	enum { MOVED, PULLED, BUILT, CASES };
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (int what = MOVED; what < CASES; what++) {
			struct host *h = asked_back(&ways[i]);
			struct world *w = h->world;
			int before = check_failures;
			size_t at = 0;
			while (strcmp(w->images[at].name, "app:1") != 0)
				at++;
			if (what == MOVED)
				w->images[at].id = "another";
			else
				w->images[at] = w->images[--w->images_count];
			service_of(h, "web")->build = what == BUILT ? &build : NULL;
			if (what != PULLED && ways[i].strategy != STRATEGY_IN_PLACE)
				waits(h);
			else
				comes_in(h, "rev-app:1", ways[i].replicas);
			told(h, &(struct point){.way = &ways[i]}, before);
		}
}

static bool returns_bad; /* half of its requests fail, as soon as it has some */

static bool requests_fail(struct host *h, const struct action *a, struct err *e)
{
	const struct traffic *t = traffic_of(h, "web");
	(void)a;
	(void)e;
	if (returns_bad && t && t->weight > 0 && !h->world->evidence_count) {
		struct evidence *seen = see(h, 1000, 500, 1000);
		seen->revision = "rev-app:1";
	}
	return false;
}

static void analysis_is_not_asked(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_back(&ways[i]);
		service_of(h, "web")->analysis.max_error_rate = (struct bound){.is_set = true, .value = 0.01};
		returns_bad = true;
		also_fails = requests_fail;
		comes_in(h, "rev-app:1", ways[i].replicas);
		returns_bad = false;
		host_free(h);
	}
}

/* Whoever is not ready goes back and is barred; and it has been good before no more. */
static void one_that_fails(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_back(&ways[i]);
		int before = check_failures;
		h->never_ready = "rev-app:1";
		ends_as(h, PHASE_ROLLED_BACK, "rev-app:2", ways[i].replicas);
		CHECK(!strstr(h->trace.text, "accept revision"));
		was_served(&(struct point){.way = &ways[i]}, ways[i].replicas);
		CHECK_INT(h->world->past_goods.count, 0);
		h->never_ready = NULL;
		h->world->quarantines_count = 0; /* reconcile retry */
		if (ways[i].strategy != STRATEGY_IN_PLACE)
			waits(h);
		told(h, &(struct point){.way = &ways[i]}, before);
	}
}

/* A pause and an abort mean what they always mean. */
static void what_operators_say(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct host *h = asked_back(&ways[i]);
		order(h, ORDER_PAUSE, "web", "", 0);
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
		CHECK_STR(h->trace.text, "");
		h->world->orders_count = 0;
		until(h, "start ");
		CHECK(h->last.services[0].was_good);
		order(h, ORDER_ABORT, "web", "rev-app:1", 0);
		ends_as(h, PHASE_ROLLED_BACK, "rev-app:2", ways[i].replicas);
		h->world->orders_count = 0; /* it was called off, and did not fail */
		comes_in(h, "rev-app:1", ways[i].replicas);
		host_free(h);
	}
}

/* app:1, app:2 and app:3 were good, the last of them is. Those of the window come back, older ones as a new version does. */
static void how_many(void)
{
	static const struct {
		int window;
		const char *image;
		bool comes_back;
	} rows_of_window[] = {
		{0, "app:2", false}, {1, "app:2", true}, {1, "app:1", false}, {2, "app:1", true}, {10, "app:1", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (size_t k = 0; k < ARRAY_LEN(rows_of_window); k++) {
			struct host *h = asked_for_new(&ways[i]);
			struct service *s = service_of(h, "web");
			int before = check_failures;
			s->rollback_window = rows_of_window[k].window;
			accept(h, "app:2");
			accept(h, "app:3");
			set_image(h, s, rows_of_window[k].image);
			if (rows_of_window[k].comes_back || ways[i].strategy == STRATEGY_IN_PLACE)
				comes_in(h, s->revision, s->replicas);
			else
				waits(h);
			/* And the window may be opened in the middle. */
			s->rollback_window = 2;
			comes_in(h, s->revision, s->replicas);
			told(h, &(struct point){.way = &ways[i]}, before);
		}
}

/* The list of them: a revision once, none that is good, no more than there is room for, each service for itself. */
static void what_was_good_when(void)
{
	struct arena a = {0};
	struct past_goods past = {0};
	struct past_good web[] = {{"shop", "web", "1"}, {"shop", "web", "2"}, {"shop", "web", "3"}};
	struct past_good others[] = {{"shop", "api", "1"}, {"stall", "web", "1"}};
	past_goods_follow(&past, &a, NULL, &web[0]);
	CHECK_INT(past.count, 0);
	past_goods_follow(&past, &a, &web[0], &web[0]);
	CHECK_INT(past.count, 0);
	past_goods_follow(&past, &a, &web[0], &web[1]);
	past_goods_follow(&past, &a, &web[1], &web[2]);
	past_goods_follow(&past, &a, &web[2], &web[0]);
	CHECK_INT(past.count, 2);
	CHECK_STR(past.items[0].revision, "2");
	CHECK_STR(past.items[1].revision, "3");
	past_goods_follow(&past, &a, &others[0], &(struct past_good){"shop", "api", "2"});
	past_goods_follow(&past, &a, &others[1], &(struct past_good){"stall", "web", "2"});
	past_goods_forget(&past, &web[0]); /* another service's */
	CHECK_INT(past.count, 4);
	for (int i = 10; i < 10 + 2 * PAST_GOODS_MAX; i++)
		past_goods_follow(&past, &a, &(struct past_good){"shop", "web", arena_printf(&a, "%d", i)},
		                  &(struct past_good){"shop", "web", arena_printf(&a, "%d", i + 1)});
	CHECK_INT(past.count, 2 + PAST_GOODS_MAX);
	CHECK_STR(past.items[0].service, "api");
	CHECK_STR(past.items[1].project, "stall");
	CHECK_STR(past.items[2].revision, "20");
	CHECK_STR(past.items[past.count - 1].revision, "29");
	struct world w = {.past_goods = past};
	struct service s = {.project = "shop", .name = "web", .revision = "20", .rollback_window = PAST_GOODS_MAX};
	CHECK(world_was_good(&w, &s));
	s.rollback_window--;
	CHECK(!world_was_good(&w, &s));
	s.project = "stall";
	CHECK(!world_was_good(&w, &s));
	arena_done(&a);
}

static const struct test tests[] = {
	{"B8 revert within rollback_window", comes_back},
	TEST(what_it_replaces_is_kept_warm),
	TEST(at_every_action),
	TEST(nothing_is_left_to_replace),
	TEST(what_is_behind_the_tag),
	TEST(analysis_is_not_asked),
	TEST(one_that_fails),
	TEST(what_operators_say),
	TEST(how_many),
	TEST(what_was_good_when),
};
TESTS_MAIN(tests)
