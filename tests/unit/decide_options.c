/*
 * What a manifest may say of a rollout beside its strategy: a first step in the dark (held by hand, or for a time, and of
 * fewer instances), a pause after a batch, and what becomes of a step of which it cannot be told whether it is good.
 */
#include "rows.h"

#define DARK "is ready in the dark at "

static const struct way dark_ways[] = {{STRATEGY_BLUE_GREEN, 2}, {STRATEGY_CANARY, 2}};

/* ---- In the dark ---- */

/* app:2 is asked for, and begins in the dark. Nobody asks it for anything, and that is not waited for. */
static struct host *asked_in_the_dark(const struct way *way, int64_t hold_ms, int instances)
{
	struct host *h = asked_for_new(way);
	struct service *s = service_of(h, "web");
	struct canary_step *steps = arena_alloc(&h->arena, 2 * sizeof *steps);
	steps[0] = (struct canary_step){0, hold_ms, instances};
	steps[1] = (struct canary_step){500, 10000};
	s->steps = steps;
	s->steps_count = way->strategy == STRATEGY_CANARY ? 2 : 1;
	return h;
}

/* Up, ready, and neither nginx nor the service's name leads to it. */
static void is_in_the_dark(struct host *h, const struct way *way, int next)
{
	stands_at(h, next, way->replicas, 0, false);
	CHECK(least_serving == way->replicas && !strstr(h->trace.text, "shift") && !strstr(h->trace.text, "accept"));
	for (size_t i = 0; i < h->world->instances_count; i++) {
		const struct instance *in = &h->world->instances[i];
		bool is_next = strcmp(in->revision, "rev-app:2") == 0;
		CHECK(is_serving(in) && instance_has_name(in) == !is_next && is_listed(h, in->address) == !is_next);
	}
}

static void waits_in_the_dark(struct host *h, const struct way *way, int next)
{
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_CONTAINS(reason_of(h, "web"), DARK "10.231.0.");
	CHECK_CONTAINS(reason_of(h, "web"), ":8080; `reconcile promote shop/web` lets it go on");
	is_in_the_dark(h, way, next);
	nothing_left(h);
}

/* And no later: a round ends when what it waits for is over. */
static void until_it_is_ready(struct host *h)
{
	bool is_ready = false;
	for (int i = 0; i < 100 && !is_ready; i++) {
		int64_t now_ms = h->world->now_ms;
		run_rounds(h, 1);
		is_ready = strstr(reason_of(h, "web"), " in the dark at ");
		h->world->now_ms = is_ready ? now_ms : h->world->now_ms;
	}
}

static void promote(struct host *h, int weight)
{
	order(h, ORDER_PROMOTE, "web", "rev-app:2", weight);
}

static void steps_in_the_dark(void)
{
	static const struct {
		struct way way;
		int instances;
		const char *steps;
	} cases[] = {
		{{STRATEGY_BLUE_GREEN, 3}, 0, "3+3(3)@0 hold, 3+3(3)@0, 3+3(3)@1000 hold commit, 3+3(3)@1000 keep, 3+0(0)@1000"},
		{{STRATEGY_BLUE_GREEN, 3}, 1, "1+3(3)@0 hold, 3+3(3)@0, 3+3(3)@1000 hold commit, 3+3(3)@1000 keep, 3+0(0)@1000"},
		{{STRATEGY_CANARY, 4}, 0, "2+4(4)@0 hold, 2+4(4)@500 hold, 4+4(4)@500, 4+4(4)@1000 hold commit, 4+4(4)@1000 keep, 4+0(0)@1000"},
		{{STRATEGY_CANARY, 4}, 1, "1+4(4)@0 hold, 2+4(4)@500 hold, 4+4(4)@500, 4+4(4)@1000 hold commit, 4+4(4)@1000 keep, 4+0(0)@1000"},
		{{STRATEGY_CANARY, 4}, 3, "3+4(4)@0 hold, 3+4(4)@500 hold, 4+4(4)@500, 4+4(4)@1000 hold commit, 4+4(4)@1000 keep, 4+0(0)@1000"},
		{{STRATEGY_CANARY, 4}, 9, "4+4(4)@0 hold, 4+4(4)@500 hold, 4+4(4)@500, 4+4(4)@1000 hold commit, 4+4(4)@1000 keep, 4+0(0)@1000"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = asked_in_the_dark(&cases[i].way, HOLD_MANUAL, cases[i].instances);
		CHECK_STR(text_of(h, service_of(h, "web"), cases[i].way.replicas), cases[i].steps);
		host_free(h);
	}
	/* With nothing after it, all of them. */
	struct host *h = asked_in_the_dark(&(struct way){STRATEGY_CANARY, 4}, HOLD_MANUAL, 0);
	service_of(h, "web")->steps_count = 1;
	CHECK(strncmp(text_of(h, service_of(h, "web"), 4), "4+4(4)@0 hold, ", 15) == 0);
	host_free(h);
}

/* And the plan ends there, too. */
static void approve(const struct way *way)
{
	struct host *h = asked_in_the_dark(way, HOLD_MANUAL, 0);
	struct service *s = service_of(h, "web");
	int next = way->strategy == STRATEGY_CANARY ? 1 : 2, before = check_failures;
	struct rehearsal plan;
	s->analysis = (struct analysis){.is_on = true, .min_requests = 1000};
	rehearse(snapshot(h), h->world, NULL, &h->arena, &plan);
	CHECK_INT(plan.end.services[0].phase, PHASE_WAITING);
	CHECK_CONTAINS(plan.end.services[0].reason, DARK "10.231.0.");
	waits_in_the_dark(h, way, next);
	CHECK_STR(reason_of(h, "web"), plan.end.services[0].reason);
	h->world->now_ms += 86400000;
	waits_in_the_dark(h, way, next);
	s->analysis.min_requests = 0;
	promote(h, 0);
	comes_in(h, "rev-app:2", way->replicas);
	told(h, &(struct point){.way = way}, before);
}

static void blue_green_approval(void)
{
	approve(&dark_ways[0]);
}

static void canary_approval(void)
{
	approve(&dark_ways[1]);
	/* The next hold is another one. */
	struct host *h = asked_in_the_dark(&dark_ways[1], HOLD_MANUAL, 0);
	service_of(h, "web")->steps[1].hold_ms = HOLD_MANUAL;
	promote(h, 0);
	run(h);
	CHECK_STR(reason_of(h, "web"), "has 50.0% of the requests; `reconcile promote shop/web` lets it go on");
	host_free(h);
}

/* Goes on by itself, or as soon as somebody says so. */
static void auto_after(void)
{
	for (size_t i = 0; i < ARRAY_LEN(dark_ways); i++)
		for (int is_promoted = 0; is_promoted < 2; is_promoted++) {
			struct host *h = asked_in_the_dark(&dark_ways[i], 600000, 0);
			int before = check_failures;
			int64_t began_ms = h->world->now_ms;
			until_it_is_ready(h);
			CHECK_CONTAINS(reason_of(h, "web"), "is watched for 10m in the dark at 10.231.0.");
			CHECK_INT(phase_of(h, "web"), PHASE_PROGRESSING);
			is_in_the_dark(h, &dark_ways[i], dark_ways[i].strategy == STRATEGY_CANARY ? 1 : 2);
			if (is_promoted)
				promote(h, 0);
			until(h, "shift traffic");
			CHECK((h->world->now_ms - began_ms < 600000) == is_promoted);
			CHECK(h->world->now_ms - began_ms < 620000);
			comes_in(h, "rev-app:2", dark_ways[i].replicas);
			told(h, &(struct point){.way = &dark_ways[i]}, before);
		}
}

static void preview(void)
{
	static const struct way large[] = {{STRATEGY_BLUE_GREEN, 4}, {STRATEGY_CANARY, 4}};
	for (size_t i = 0; i < ARRAY_LEN(large); i++)
		for (int instances = 1; instances <= 4; instances++) {
			struct host *h = asked_in_the_dark(&large[i], HOLD_MANUAL, instances);
			int before = check_failures;
			waits_in_the_dark(h, &large[i], instances);
			promote(h, PERMILLE); /* --full */
			comes_in(h, "rev-app:2", 4);
			CHECK_INT(most_up, 8);
			told(h, &(struct point){.way = &large[i]}, before);
		}
}

static struct host *shown_to_testers(const struct way *way)
{
	struct host *h = asked_in_the_dark(way, HOLD_MANUAL, 1);
	service_of(h, "web")->has_testers = true;
	run(h);
	return h;
}

/* Testers alone, by one reload and one flag; the service's name and all other requests stay where they were. */
static void is_shown_to_testers(struct host *h, const struct way *way, const char *revision)
{
	const struct traffic *t = traffic_of(h, "web");
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_CONTAINS(reason_of(h, "web"), DARK "10.231.0.");
	CHECK_CONTAINS(reason_of(h, "web"), ":8080, and for testers; `reconcile promote shop/web` lets it go on");
	CHECK(t->to_testers && t->weight == 0);
	CHECK_STR(t->next.revision, revision);
	CHECK_INT(t->next.addresses_count, 1);
	CHECK_INT(t->stable.addresses_count, way->replicas);
	CHECK(least_serving == way->replicas);
	for (size_t i = 0; i < h->world->instances_count; i++)
		CHECK(instance_has_name(&h->world->instances[i]) == (strcmp(h->world->instances[i].revision, revision) != 0));
	nothing_left(h);
}

static void preview_for_testers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(dark_ways); i++) {
		const struct way *way = &dark_ways[i];
		struct host *h = shown_to_testers(way);
		int before = check_failures;
		CHECK_CONTAINS(last_line(h), "shop/web: shift traffic: testers to the next revision\n");
		is_shown_to_testers(h, way, "rev-app:2");
		promote(h, PERMILLE);
		comes_in(h, "rev-app:2", way->replicas);
		told(h, &(struct point){.way = way}, before);

		/* They are led back by their flag, before nginx forgets it. */
		h = shown_to_testers(way);
		h->exits = "rev-app:2";
		behave(h);
		buf_clear(&h->trace);
		went_back(h, &(struct point){.way = way});
		CHECK(is_before(h->trace.text, "shop/web: shift traffic: 0.0% to the next revision", "publish"));
		CHECK(!traffic_of(h, "web")->to_testers);
		told(h, &(struct point){.way = way}, before);

		h = shown_to_testers(way);
		order(h, ORDER_ABORT, "web", "rev-app:2", 0);
		ends_as(h, PHASE_ROLLED_BACK, "rev-app:1", way->replicas);
		told(h, &(struct point){.way = way}, before);

		/* A newer one begins anew, and nobody is led to the one before meanwhile. */
		h = shown_to_testers(way);
		set_image(h, service_of(h, "web"), "app:3");
		run(h);
		is_shown_to_testers(h, way, "rev-app:3");
		CHECK_INT(count_of(h, "rev-app:2"), 0);
		told(h, &(struct point){.way = way}, before);
	}
}

/* Whatever of the old revision is gone: nobody else comes to what is called off. */
static void called_off_while_an_old_one_is_gone(void)
{
	for (size_t i = 0; i < ARRAY_LEN(dark_ways); i++)
		for (int gone = 1; gone <= 2; gone++) {
			struct host *h = shown_to_testers(&dark_ways[i]);
			int before = check_failures;
			for (int k = 1; k <= gone; k++)
				find_instance(h, k == 1 ? "shop-web-1" : "shop-web-2")->state = INSTANCE_EXITED;
			order(h, ORDER_ABORT, "web", "rev-app:2", 0);
			buf_clear(&h->trace);
			ends_as(h, PHASE_ROLLED_BACK, "rev-app:1", dark_ways[i].replicas);
			CHECK(is_before(h->trace.text, "shift traffic: 0.0% to", "publish") && !strstr(h->trace.text, "shift traffic: 5"));
			told(h, &(struct point){.way = &dark_ways[i]}, before);
		}
}

/* What came before never got ready: the one that mends it waits for nobody's word. */
static void nobody_is_served(void)
{
	static const struct way ways_in[] = {{STRATEGY_BLUE_GREEN, 2}, {STRATEGY_CANARY, 2}, {STRATEGY_ROLLING, 2}};
	for (size_t i = 0; i < ARRAY_LEN(ways_in); i++) {
		struct host *h = host_new();
		int before = check_failures;
		struct service *s = add_service(h, "web", "app:1", ways_in[i].strategy, true);
		s->replicas = 2;
		h->never_ready = "rev-app:1";
		run(h);
		CHECK(!traffic_of(h, "web"));
		set_image(h, s, "app:2");
		s->hold_ms = HOLD_MANUAL;
		s->steps = arena_alloc(&h->arena, sizeof *s->steps);
		s->steps[0] = (struct canary_step){0, HOLD_MANUAL, 1};
		s->steps_count = ways_in[i].strategy != STRATEGY_ROLLING;
		s->pause_after = ways_in[i].strategy == STRATEGY_ROLLING;
		comes_in(h, "rev-app:2", 2);
		told(h, &(struct point){.way = &ways_in[i]}, before);
	}
}

/* It has its first route: nginx knows nothing of it yet, and nobody could promote it. */
static void nginx_does_not_know_it(void)
{
	for (int is_manual = 0; is_manual < 2; is_manual++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", STRATEGY_ROLLING, false);
		s->replicas = 2;
		run(h);
		int64_t began_ms = h->world->now_ms;
		s->is_routed = true;
		add_route(h, "web");
		set_image(h, s, "app:2");
		s->hold_ms = is_manual ? HOLD_MANUAL : 40000;
		s->pause_after = 1;
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
		CHECK_STR(good_of(h, "web")->revision, s->revision);
		CHECK((h->world->now_ms - began_ms < 40000) == is_manual);
		CHECK_INT(traffic_of(h, "web")->stable.addresses_count, 2);
		host_free(h);
	}
}

/* Taken from the way in, or put there, while it waits. */
static void testers_come_and_go(void)
{
	struct host *h = asked_in_the_dark(&dark_ways[0], HOLD_MANUAL, 1);
	run(h);
	is_in_the_dark(h, &dark_ways[0], 1);
	service_of(h, "web")->has_testers = true;
	run(h);
	is_shown_to_testers(h, &dark_ways[0], "rev-app:2");
	service_of(h, "web")->has_testers = false;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK(!strstr(reason_of(h, "web"), "testers"));
	nothing_left(h);
	host_free(h);
}

/* There is nothing to shift back, and nothing to publish. */
static void one_that_dies_in_the_dark(void)
{
	for (size_t i = 0; i < ARRAY_LEN(dark_ways); i++)
		for (int is_timed = 0; is_timed < 2; is_timed++) {
			struct host *h = asked_in_the_dark(&dark_ways[i], is_timed ? 600000 : HOLD_MANUAL, 0);
			int before = check_failures;
			until_it_is_ready(h);
			is_in_the_dark(h, &dark_ways[i], dark_ways[i].strategy == STRATEGY_CANARY ? 1 : 2);
			h->exits = "rev-app:2";
			behave(h);
			h->log[0] = 0;
			went_back(h, &(struct point){.way = &dark_ways[i]});
			CHECK(!strstr(h->log, "shift") && !strstr(h->log, "publish"));
			told(h, &(struct point){.way = &dark_ways[i]}, before);
		}
}

/* One that does not answer, where others do. */
static void one_that_never_gets_ready(void)
{
	for (size_t i = 0; i < ARRAY_LEN(dark_ways); i++) {
		struct host *h = asked_in_the_dark(&dark_ways[i], HOLD_MANUAL, 0);
		h->never_ready = "rev-app:2";
		promote(h, PERMILLE); /* whatever somebody says */
		went_back(h, &(struct point){.way = &dark_ways[i]});
		host_free(h);
	}
}

/* What goes back waits for nobody: neither for Git nor for an operator. */
static void the_way_back(void)
{
	for (size_t i = 0; i < ARRAY_LEN(dark_ways); i++) {
		const struct way *way = &dark_ways[i];
		struct host *h = asked_in_the_dark(way, HOLD_MANUAL, 0);
		run(h);
		set_image(h, service_of(h, "web"), "app:1");
		comes_in(h, "rev-app:1", way->replicas);
		CHECK(!strstr(h->trace.text, "shift"));
		set_image(h, service_of(h, "web"), "app:2");
		run(h);
		order(h, ORDER_ABORT, "web", "rev-app:2", 0);
		ends_as(h, PHASE_ROLLED_BACK, "rev-app:1", way->replicas);
		CHECK_CONTAINS(reason_of(h, "web"), "aborted by an operator");
		h->world->orders_count = 0;
		/* And a newer one begins anew, in the dark. */
		run(h);
		set_image(h, service_of(h, "web"), "app:3");
		promote(h, PERMILLE); /* is about app:2 */
		run(h);
		CHECK_CONTAINS(reason_of(h, "web"), DARK);
		CHECK_INT(count_of(h, "rev-app:2"), 0);
		CHECK(count_of(h, "rev-app:3") > 0);
		host_free(h);
	}
}

static void a_pause_in_the_dark(void)
{
	for (size_t i = 0; i < ARRAY_LEN(dark_ways); i++) {
		struct host *h = asked_in_the_dark(&dark_ways[i], HOLD_MANUAL, 0);
		run(h);
		promote(h, PERMILLE);
		order(h, ORDER_PAUSE, "web", "", 0);
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
		is_in_the_dark(h, &dark_ways[i], dark_ways[i].strategy == STRATEGY_CANARY ? 1 : 2);
		h->world->orders_count--; /* resume */
		comes_in(h, "rev-app:2", dark_ways[i].replicas);
		host_free(h);
	}
}

/* What was good before needs no look at it. */
static void a_return_has_no_dark(void)
{
	for (size_t i = 0; i < ARRAY_LEN(dark_ways); i++) {
		struct host *h = asked_in_the_dark(&dark_ways[i], HOLD_MANUAL, 1);
		int before = check_failures;
		promote(h, PERMILLE);
		comes_in(h, "rev-app:2", dark_ways[i].replicas);
		h->world->orders_count = 0;
		set_image(h, service_of(h, "web"), "app:1");
		buf_clear(&h->trace);
		comes_in(h, "rev-app:1", dark_ways[i].replicas);
		CHECK_CONTAINS(h->trace.text, "(was good before: only its readiness counted)");
		told(h, &(struct point){.way = &dark_ways[i]}, before);
	}
}

/* Nobody but an operator lets it out, whatever run was killed where; and then it goes on from where it is. */
static void killed_at_every_action(void)
{
	for (size_t i = 0; i < ARRAY_LEN(dark_ways); i++) {
		bool is_over = false;
		for (size_t actions = 1; !is_over; actions++)
			for (int is_promoted = 0; is_promoted < 2; is_promoted++) {
				struct host *h = asked_in_the_dark(&dark_ways[i], HOLD_MANUAL, 1);
				struct point p = {.way = &dark_ways[i], .actions = actions};
				int before = check_failures;
				if (is_promoted)
					promote(h, PERMILLE);
				h->stop_after = actions;
				run(h);
				is_over = !h->was_killed;
				h->stop_after = 0;
				if (!is_promoted)
					waits_in_the_dark(h, p.way, 1);
				promote(h, PERMILLE);
				comes_in(h, "rev-app:2", p.way->replicas);
				was_served(&p, p.way->replicas);
				told(h, &p, before);
			}
	}
}

/* ---- A pause after a batch ---- */

static void pause_after(void)
{
	static const struct {
		int replicas, batch, after, next, weight;
		const char *said;
	} cases[] = {
		{2, 1, 1, 1, 500, "has 50.0%"}, {3, 1, 1, 1, 333, "has 33.3%"}, {3, 1, 2, 2, 667, "has 66.7%"},
		{5, 2, 1, 2, 400, "has 40.0%"}, {5, 2, 2, 4, 800, "has 80.0%"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int is_full = 0; is_full < 2; is_full++) {
			struct way way = {STRATEGY_ROLLING, cases[i].replicas};
			struct host *h = asked_for_new(&way);
			int before = check_failures;
			service_of(h, "web")->batch = cases[i].batch;
			service_of(h, "web")->pause_after = cases[i].after;
			look_from_here(h);
			run(h);
			CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
			CHECK_CONTAINS(reason_of(h, "web"), cases[i].said);
			CHECK_CONTAINS(reason_of(h, "web"), "% of the requests; `reconcile promote shop/web` lets it go on");
			/* The batch that it takes the place of is parked, and the way back. */
			stands_at(h, cases[i].next, cases[i].replicas - cases[i].next + cases[i].batch, cases[i].weight, true);
			nothing_left(h);
			h->world->now_ms += 86400000;
			run(h);
			CHECK_INT(traffic_of(h, "web")->weight, cases[i].weight);
			promote(h, is_full ? PERMILLE : cases[i].weight);
			comes_in(h, "rev-app:2", cases[i].replicas);
			was_served(&(struct point){.way = &way}, cases[i].replicas);
			told(h, &(struct point){.way = &way}, before);
		}
}

static void one_that_dies_in_the_pause(void)
{
	struct way way = {STRATEGY_ROLLING, 3};
	struct host *h = asked_for_new(&way);
	service_of(h, "web")->pause_after = 1;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	h->exits = "rev-app:2";
	behave(h);
	went_back(h, &(struct point){.way = &way});
	host_free(h);
}

static void a_return_is_not_paused(void)
{
	struct way way = {STRATEGY_ROLLING, 3};
	struct host *h = asked_for_new(&way);
	comes_in(h, "rev-app:2", 3);
	service_of(h, "web")->pause_after = 1;
	set_image(h, service_of(h, "web"), "app:1");
	comes_in(h, "rev-app:1", 3);
	host_free(h);
}

/* ---- Cannot be told ---- */

static void ask_for_requests(struct host *h, enum inconclusive then)
{
	service_of(h, "web")->analysis = (struct analysis){.is_on = true, .min_requests = 60, .on_inconclusive = then};
}

/* In place there are never two to compare. */
static void inconclusive_promotes_at(struct host *h, const struct point *p)
{
	if (p->is_accepted)
		return;
	int64_t began_ms = h->world->now_ms;
	ask_for_requests(h, INCONCLUSIVE_PROMOTE);
	run_rounds(h, 5000); /* it looks every second */
	comes_in(h, "rev-app:2", p->way->replicas);
	was_served(p, p->way->replicas);
	CHECK(h->world->now_ms - began_ms >= 600000); /* of each step, at least of the last one */
	CHECK_CONTAINS(h->trace.text, "accept revision rev-app: (on_inconclusive: saw 0 of 60 requests)");
}

static void inconclusive_promotes(void)
{
	at_each_point_but(STRATEGY_IN_PLACE, inconclusive_promotes_at);
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	ask_for_requests(h, INCONCLUSIVE_PROMOTE);
	until(h, "5.0%");
	int64_t began_ms = h->world->now_ms;
	run_rounds(h, 500);
	CHECK_STR(reason_of(h, "web"), "has 5.0% of the requests; the hold is over, but it cannot be told yet whether it is good: "
	          "saw 0 of 60 requests; `reconcile promote shop/web` lets it go on, else it does by itself");
	CHECK_INT(h->last.services[0].until_ms, began_ms + 10000 + 600000);
	until(h, "shift traffic: 25.0% to the next revision (on_inconclusive: saw 0 of 60 requests)");
	CHECK(h->world->now_ms - began_ms >= 610000 && h->world->now_ms - began_ms < 611000);
	/* What was seen of it, and what somebody let go on, goes on without that word. */
	see(h, 60, 0, 100);
	until(h, "shift traffic: 50.0% to the next revision\n");
	order(h, ORDER_PROMOTE, "web", "rev-app:2", 500);
	until(h, "shift traffic: 100.0% to the next revision\n");
	host_free(h);
}

/* The hold and the time beyond it are one; the hold alone may be more. */
static void what_cannot_be_told_lasts_as_long_as_is_said(void)
{
	static const struct { int64_t max_hold_ms, lasts_ms; const char *said; } cases[] = {
		{15000, 15000, "within 15s whether"}, {5000, 10000, "within 10s whether"}, {120000, 120000, "within 2m whether"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = deployed(1, quick, ARRAY_LEN(quick));
		ask_for_requests(h, INCONCLUSIVE_ABORT);
		service_of(h, "web")->analysis.max_hold_ms = cases[i].max_hold_ms;
		until(h, "5.0%");
		int64_t began_ms = h->world->now_ms;
		until(h, "quarantine");
		CHECK(h->world->now_ms - began_ms >= cases[i].lasts_ms && h->world->now_ms - began_ms < cases[i].lasts_ms + 1000);
		CHECK_CONTAINS(h->log, cases[i].said);
		host_free(h);
	}
}

static void inconclusive_aborts_at(struct host *h, const struct point *p)
{
	if (p->is_accepted)
		return;
	ask_for_requests(h, INCONCLUSIVE_ABORT);
	run_rounds(h, 5000);
	was_served(p, p->way->replicas);
	ends_as(h, PHASE_ROLLED_BACK, "rev-app:1", p->way->replicas);
	CHECK_CONTAINS(reason_of(h, "web"), "% of the requests it could not be told within 6"); /* its hold, and ten minutes */
	CHECK_CONTAINS(reason_of(h, "web"), " whether it is good: saw 0 of 60 requests");
	CHECK_CONTAINS(reason_of(h, "web"), "is quarantined: with ");
	CHECK(!strstr(h->trace.text, "accept"));
}

static void inconclusive_aborts(void)
{
	at_each_point_but(STRATEGY_IN_PLACE, inconclusive_aborts_at);
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	ask_for_requests(h, INCONCLUSIVE_ABORT);
	until(h, "5.0%");
	int64_t began_ms = h->world->now_ms;
	run_rounds(h, 500);
	CHECK_CONTAINS(reason_of(h, "web"), "lets it go on, else it goes back");
	CHECK_INT(h->last.services[0].until_ms, began_ms + 10000 + 600000);
	until(h, "quarantine");
	CHECK(h->world->now_ms - began_ms >= 610000 && h->world->now_ms - began_ms < 611000);
	host_free(h);
	/* Promoted in time. */
	h = deployed(1, quick, ARRAY_LEN(quick));
	ask_for_requests(h, INCONCLUSIVE_ABORT);
	until(h, "5.0%");
	run_rounds(h, 100);
	order(h, ORDER_PROMOTE, "web", "rev-app:2", PERMILLE);
	comes_in(h, "rev-app:2", 1);
	host_free(h);
}

/* Whatever the manifest makes of what cannot be told. */
static void worse_is_worse(void)
{
	for (int then = 0; then < INCONCLUSIVE_COUNT; then++) {
		struct host *h = deployed(1, quick, ARRAY_LEN(quick));
		ask_for_requests(h, (enum inconclusive)then);
		until(h, "5.0%");
		run_rounds(h, 100);
		see(h, 50, 20, 2000);
		h->world->now_ms += 86400000;
		run(h);
		CHECK_CONTAINS(h->log, "quarantine revision rev-app: (next 20 of 50 attempts failed (40.0 %)");
		CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
		host_free(h);
	}
}

static const struct test tests[] = {
	TEST(steps_in_the_dark),
	{"B5 approval in the dark", blue_green_approval},
	{"B6 approval in the dark", canary_approval},
	{"B5 auto_after", auto_after},
	{"B5 preview", preview},
	{"B5 preview for testers", preview_for_testers},
	{"B5 testers come and go", testers_come_and_go},
	{"B8 called off while an old one is gone", called_off_while_an_old_one_is_gone},
	{"B8 nobody is served", nobody_is_served},
	{"B8 nginx does not know it", nginx_does_not_know_it},
	TEST(one_that_dies_in_the_dark),
	TEST(one_that_never_gets_ready),
	TEST(the_way_back),
	TEST(a_pause_in_the_dark),
	TEST(a_return_has_no_dark),
	TEST(killed_at_every_action),
	{"B4 pause_after", pause_after},
	TEST(one_that_dies_in_the_pause),
	TEST(a_return_is_not_paused),
	{"B6 max_hold", what_cannot_be_told_lasts_as_long_as_is_said},
	{"B8 on_inconclusive promote", inconclusive_promotes},
	{"B8 on_inconclusive abort", inconclusive_aborts},
	TEST(worse_is_worse),
};
TESTS_MAIN(tests)
