/* Canary, what an operator may say, and atomic projects, against the model world. */
#include "canary.h"

static void share_after_share(void)
{
	struct host *h = deployed(4, quick, ARRAY_LEN(quick));
	run(h);
	CHECK_STR(h->log,
	          "shop/web: create shop-web-5 (app:2) at 10.231.0.6\n"
	          "shop/web: start shop-web-5\n"
	          "shop/web: alias shop-web-5 as web\n"
	          "publish routes (announce the next revision of shop/web)\n"
	          "shop/web: shift traffic: 5.0% to the next revision\n"
	          "shop/web: shift traffic: 25.0% to the next revision\n"
	          "shop/web: create shop-web-6 (app:2) at 10.231.0.7\n"
	          "shop/web: start shop-web-6\n"
	          "shop/web: alias shop-web-6 as web\n"
	          "publish routes (instances of shop/web)\n"
	          "shop/web: shift traffic: 50.0% to the next revision\n"
	          "shop/web: create shop-web-7 (app:2) at 10.231.0.8\n"
	          "shop/web: create shop-web-8 (app:2) at 10.231.0.9\n"
	          "shop/web: start shop-web-7\n"
	          "shop/web: start shop-web-8\n"
	          "shop/web: alias shop-web-7 as web\n"
	          "shop/web: alias shop-web-8 as web\n"
	          "publish routes (instances of shop/web)\n"
	          "shop/web: shift traffic: 100.0% to the next revision\n"
	          "shop/web: accept revision rev-app:\n"
	          "publish routes (one revision of shop/web)\n"
	          "shop/web: unalias shop-web-1\n"
	          "shop/web: unalias shop-web-2\n"
	          "shop/web: unalias shop-web-3\n"
	          "shop/web: unalias shop-web-4\n"
	          "shop/web: stop shop-web-1 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: stop shop-web-2 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: stop shop-web-3 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: stop shop-web-4 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: remove shop-web-1\n"
	          "shop/web: remove shop-web-2\n"
	          "shop/web: remove shop-web-3\n"
	          "shop/web: remove shop-web-4\n");
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	nothing_left(h);
	host_free(h);
}

static void a_failure_at_any_share_goes_back_by_one_shift(void)
{
	static const char *const when[] = {"5.0%", "25.0%", "50.0%", "100.0%"};
	for (size_t i = 0; i < ARRAY_LEN(when); i++) {
		struct host *h = deployed(2, quick, ARRAY_LEN(quick));
		until(h, when[i]);
		h->exits = "rev-app:2";
		behave(h);
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
		CHECK(strstr(h->log, "shift traffic: 0.0%") == strstr(h->log, "shift traffic"));
		CHECK(strstr(h->log, "shift traffic") < strstr(h->log, "publish"));
		CHECK(!strstr(h->log, "create"));
		nothing_left(h);
		host_free(h);
	}
}

static void promote(void)
{
	struct host *h = deployed(1, asked, ARRAY_LEN(asked));
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_STR(reason_of(h, "web"), "has 5.0% of the requests; `reconcile promote shop/web` lets it go on");
	nothing_left(h);
	h->world->now_ms += 86400000; /* a day later it still waits */
	nothing_left(h);
	order(h, ORDER_PROMOTE, "web", "rev-app:2", 50);
	run(h);
	CHECK_STR(h->log, "shop/web: shift traffic: 50.0% to the next revision\n");
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	/* For another revision, or another service: not for this one. */
	order(h, ORDER_PROMOTE, "web", "rev-app:3", 1000);
	order(h, ORDER_PROMOTE, "api", "rev-app:2", 1000);
	nothing_left(h);
	order(h, ORDER_PROMOTE, "web", "rev-app:2", 1000);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING); /* the first order that is found is the older one: see keep.c */
	h->world->orders[0].weight = 1000;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_CONTAINS(h->log, "shift traffic: 100.0%");
	host_free(h);
}

/* All holds are over, the gates are not. */
static void promote_in_full_still_needs_what_is_ready(void)
{
	struct host *h = deployed(4, quick, ARRAY_LEN(quick));
	until(h, "5.0%");
	order(h, ORDER_PROMOTE, "web", "rev-app:2", 1000);
	int64_t began_ms = h->world->now_ms;
	until(h, "50.0%");
	CHECK(h->world->now_ms - began_ms < 10000);
	h->never_ready = "rev-app:2";
	behave(h);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	host_free(h);
}

static void abort_goes_back(void)
{
	struct host *h = deployed(2, quick, ARRAY_LEN(quick));
	until(h, "25.0%");
	order(h, ORDER_ABORT, "web", "rev-app:2", 0);
	run(h);
	CHECK_STR(h->log,
	          "shop/web: shift traffic: 0.0% to the next revision (back to the old revision)\n"
	          "publish routes (one revision of shop/web)\n"
	          "shop/web: unalias shop-web-3\n"
	          "shop/web: stop shop-web-3 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: remove shop-web-3\n");
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK_CONTAINS(reason_of(h, "web"), "is quarantined: aborted by an operator");
	nothing_left(h);
	/* Also before it began; and another revision is another matter. */
	set_image(h, service_of(h, "web"), "app:3");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	set_image(h, service_of(h, "web"), "app:2");
	nothing_left(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	host_free(h);
}

static void a_pause_holds_what_has_not_begun(void)
{
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	order(h, ORDER_PAUSE, "", "", 0);
	nothing_left(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_STR(reason_of(h, "web"), "paused; `reconcile resume` lets it go on");
	/* What serves is mended all the same, as it was. */
	service_of(h, "web")->replicas = 3;
	find_instance(h, "shop-web-1")->state = INSTANCE_EXITED;
	find_instance(h, "shop-web-1")->passing_since_ms = 0;
	run(h);
	CHECK_CONTAINS(h->log, "start shop-web-1");
	CHECK(!strstr(h->log, "create"));
	/* Nothing that is not paused says so. */
	set_image(h, service_of(h, "web"), "app:1");
	service_of(h, "web")->replicas = 1;
	nothing_left(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	/* Until then, and no longer. */
	set_image(h, service_of(h, "web"), "app:2");
	h->world->orders[0].until_ms = h->world->now_ms + 60000;
	nothing_left(h);
	h->world->now_ms += 60000;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_CONTAINS(h->log, "accept revision");
	host_free(h);
}

static void a_pause_in_the_middle_stays_there(void)
{
	static const char *const when[] = {"create shop-web-3", "start shop-web-3", "5.0%", "25.0%", "100.0%"};
	for (size_t i = 0; i < ARRAY_LEN(when); i++)
		for (int fails = 0; fails < 2; fails++) {
			struct host *h = deployed(2, quick, ARRAY_LEN(quick));
			until(h, when[i]);
			int weight = traffic_of(h, "web")->weight;
			order(h, ORDER_PAUSE, "web", "", 0);
			h->world->now_ms += 3600000;
			nothing_left(h);
			CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
			CHECK_INT(traffic_of(h, "web")->weight, weight);
			if (fails && weight) { /* what fails goes back, paused or not */
				h->exits = "rev-app:2";
				behave(h);
				run(h);
				CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
				CHECK_INT(traffic_of(h, "web")->weight, 0);
			} else {
				/* A newer commit waits too. */
				set_image(h, service_of(h, "web"), "app:3");
				run(h);
				CHECK(!strstr(h->log, "create") && !strstr(h->log, "publish") && !strstr(h->log, "shift"));
				CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
				set_image(h, service_of(h, "web"), "app:2");
				h->world->orders_count = 0;
				run(h);
				CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
				CHECK_CONTAINS(h->log, "accept revision");
			}
			host_free(h);
		}
}

static void a_pause_holds_a_removal(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_ROLLING, true);
	add_service(h, "old", "app:1", STRATEGY_ROLLING, true);
	run(h);
	h->desired.projects[0].services_count = 1;
	h->desired.routes_count = 1;
	order(h, ORDER_PAUSE, "old", "", 0);
	nothing_left(h);
	CHECK_INT(phase_of(h, "old"), PHASE_WAITING);
	h->world->orders_count = 0;
	run(h);
	CHECK_CONTAINS(h->log, "remove shop-old-1");
	host_free(h);
}

static struct host *atomic_pair(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "api", "app:1", STRATEGY_IN_PLACE, false);
	h->desired.projects[0].is_atomic = true;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(phase_of(h, "api"), PHASE_SETTLED);
	return h;
}

static void atomic_comes_in_as_one(void)
{
	struct host *h = atomic_pair();
	set_image(h, service_of(h, "web"), "app:2");
	set_image(h, service_of(h, "api"), "app:2");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(phase_of(h, "api"), PHASE_SETTLED);
	CHECK_CONTAINS(h->log, "shop/web: accept revision rev-app:\nshop/api: accept revision rev-app:\n");
	nothing_left(h);
	host_free(h);
}

/* The one that is fine goes back with the one that is not, whichever it is; a commit that mends it brings both in. */
static void atomic_goes_back_as_one(void)
{
	for (int i = 0; i < 2; i++) {
		const char *bad = i ? "api" : "web", *fine = i ? "web" : "api";
		struct host *h = atomic_pair();
		set_image(h, service_of(h, fine), "app:2");
		set_image(h, service_of(h, bad), "app:3");
		h->exits = "rev-app:3";
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
		CHECK_INT(phase_of(h, "api"), PHASE_ROLLED_BACK);
		CHECK_CONTAINS(reason_of(h, fine), arena_printf(&h->arena, "%s of the same atomic project failed: shop-%s-", bad, bad));
		CHECK(!strstr(h->log, "accept"));
		for (size_t k = 0; k < h->world->instances_count; k++)
			CHECK_STR(h->world->instances[k].revision, "rev-app:1");
		nothing_left(h);
		set_image(h, service_of(h, bad), "app:2");
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
		CHECK_INT(phase_of(h, "api"), PHASE_SETTLED);
		host_free(h);
	}
}

/* For as long as an operator takes. */
static void what_serves_is_mended_in_a_hold(void)
{
	struct host *h = deployed(2, asked, ARRAY_LEN(asked));
	run(h);
	struct instance *old = find_instance(h, "shop-web-1");
	old->state = INSTANCE_EXITED;
	old->passing_since_ms = 0;
	run(h);
	CHECK_STR(h->log,
	          "shop/web: unalias shop-web-1\n"
	          "shop/web: start shop-web-1 (shop-web-1 exited with code 0)\n"
	          "shop/web: alias shop-web-1 as web\n");
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_CONTAINS(reason_of(h, "web"), "has 5.0% of the requests");
	nothing_left(h);
	host_free(h);
}

/* The same code, with a failure to come: what a plan shows is what the run does. */
static void what_if(void)
{
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	struct rehearsal r, whole;
	struct what_if bad = {.fails = service_of(h, "web"), .fails_after = 1};
	rehearse(snapshot(h), h->world, NULL, &h->arena, &whole);
	while (!strstr(whole.events[bad.fails_after - 1].text, "shift traffic: 25.0%"))
		bad.fails_after++;
	rehearse(snapshot(h), h->world, &bad, &h->arena, &r);
	until(h, "25.0%");
	h->exits = "rev-app:2";
	behave(h);
	run(h);
	CHECK_STR(r.events[r.events_count - 1].text, "shop/web: remove shop-web-2");
	CHECK_INT(r.end.services[0].phase, PHASE_ROLLED_BACK);
	CHECK_STR(r.end.services[0].reason, reason_of(h, "web"));
	host_free(h);

	h = deployed(1, quick, ARRAY_LEN(quick));
	bad = (struct what_if){.fails = service_of(h, "web")};
	rehearse(snapshot(h), h->world, &bad, &h->arena, &r);
	CHECK_INT(r.reloads, 0);
	CHECK_INT(r.end.services[0].phase, PHASE_ROLLED_BACK);
	CHECK_CONTAINS(r.end.services[0].reason, "what if it did not answer");
	/* Killed after any step, it comes to the same end, with the same actions. */
	rehearse(snapshot(h), h->world, NULL, &h->arena, &whole);
	for (size_t step = 1; step <= whole.events_count; step++) {
		rehearse(snapshot(h), h->world, &(struct what_if){.crash_after = step}, &h->arena, &r);
		CHECK_INT(r.events_count, whole.events_count);
		for (size_t i = 0; i < r.events_count && i < whole.events_count; i++) {
			/* But for how long they were waited for: another run has less of that left. */
			const char *text = whole.events[i].text, *waited = strstr(text, " (drained");
			CHECK(strncmp(r.events[i].text, text, waited ? (size_t)(waited - text) : strlen(text) + 1) == 0);
			CHECK_INT(r.events[i].is_crash, i + 1 == step);
		}
		CHECK_INT(r.end.services[0].phase, PHASE_SETTLED);
	}
	host_free(h);
}

static const struct test tests[] = {
	TEST(share_after_share), TEST(a_failure_at_any_share_goes_back_by_one_shift),
	TEST(promote), TEST(promote_in_full_still_needs_what_is_ready), TEST(abort_goes_back),
	TEST(a_pause_holds_what_has_not_begun), TEST(a_pause_in_the_middle_stays_there), TEST(a_pause_holds_a_removal),
	TEST(atomic_comes_in_as_one), TEST(atomic_goes_back_as_one),
	TEST(what_serves_is_mended_in_a_hold), TEST(what_if),
};

int main(int argc, char **argv)
{
	return check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL);
}
