/* What is seen of a canary's requests, and what comes of it, against the model world. How it is judged: verdict.c. */
#include "canary.h"

#define SENT_BACK "next 20 of 100 attempts failed (20.0 %), stable 0 of 2,000 (0.0 %); "

static void what_is_seen_to_be_bad_goes_back_at_any_share(void)
{
	static const char *const when[] = {"5.0%", "25.0%", "50.0%"};
	for (size_t i = 0; i < ARRAY_LEN(when); i++) {
		struct host *h = deployed(1, quick, ARRAY_LEN(quick));
		until(h, when[i]);
		int64_t began_ms = h->world->now_ms;
		see(h, 100, 20, 2000);
		until(h, "shift traffic: 0.0%");
		CHECK(h->world->now_ms - began_ms < 1000); /* at once, not at the end of the hold */
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
		CHECK_CONTAINS(reason_of(h, "web"), "is quarantined: " SENT_BACK);
		CHECK_CONTAINS(reason_of(h, "web"), " by the relative test, bound 1 %");
		CHECK_INT(h->world->evidence_count, 0); /* it ends with its rollout */
		nothing_left(h);
		host_free(h);
	}
}

/* Also when a run ends at once, and while an operator wants nothing to move. */
static void what_is_seen_to_be_bad_goes_back_in_a_manual_hold_and_in_a_pause(void)
{
	for (int is_paused = 0; is_paused < 2; is_paused++) {
		struct host *h = deployed(1, is_paused ? quick : asked, is_paused ? ARRAY_LEN(quick) : ARRAY_LEN(asked));
		until(h, "5.0%");
		if (is_paused)
			order(h, ORDER_PAUSE, "web", "", 0);
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
		see(h, 100, 20, 2000);
		run(h);
		CHECK_CONTAINS(h->log, "quarantine revision rev-app: (" SENT_BACK);
		CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
		CHECK_INT(traffic_of(h, "web")->weight, 0);
		host_free(h);
	}
}

static void other_strategies_are_analysed_when_asked(void)
{
	for (int is_on = 0; is_on < 2; is_on++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
		s->analysis.is_on = is_on;
		run(h);
		set_image(h, s, "app:2");
		buf_clear(&h->trace);
		until(h, "100.0%");
		see(h, 200, 60, 0);
		run(h);
		CHECK_INT(phase_of(h, "web"), is_on ? PHASE_ROLLED_BACK : PHASE_SETTLED);
		CHECK(is_on == (strstr(h->log, "quarantine revision rev-app: (next 60 of 200 attempts failed (30.0 %) with 100.0% "
		                               "of the requests, stable 0 of 0 so far (0.0 %); ") != NULL));
		host_free(h);
	}
}

static struct host *deployed_with_least(int64_t requests)
{
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	service_of(h, "web")->analysis = (struct analysis){.is_on = true, .min_requests = requests};
	until(h, "5.0%");
	return h;
}

static void a_hold_lasts_until_enough_was_seen(void)
{
	struct host *h = deployed_with_least(60);
	run_rounds(h, 100);
	CHECK(h->did_not_rest);
	CHECK_STR(reason_of(h, "web"), "has 5.0% of the requests; the hold is over, but it cannot be told yet whether it is good: "
	          "saw 0 of 60 requests; `reconcile promote shop/web` lets it go on");
	see(h, 7, 0, 150);
	run_rounds(h, 100);
	CHECK_CONTAINS(reason_of(h, "web"), "saw 7 of 60 requests");
	CHECK(!strstr(h->trace.text, "25.0%"));
	CHECK_INT(phase_of(h, "web"), PHASE_PROGRESSING);
	/* No run waits for ever; a later one goes on where enough was seen in the meantime. */
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	nothing_left(h);
	h->world->evidence[0].next.attempts = 60;
	run(h);
	CHECK_STR(h->log, "shop/web: shift traffic: 25.0% to the next revision\n");
	CHECK_CONTAINS(reason_of(h, "web"), "saw 0 of 60 requests"); /* under each weight */
	host_free(h);
}

/* Not even the last step, where all has moved and the old one is still there. */
static void nothing_is_accepted_before_enough_was_seen(void)
{
	struct host *h = deployed_with_least(60);
	for (int i = 0; i < 4; i++) {
		see(h, 60, 0, 100);
		if (i < 3)
			run(h);
	}
	CHECK_INT(traffic_of(h, "web")->weight, PERMILLE);
	h->world->evidence[3].next.attempts = 59;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_CONTAINS(reason_of(h, "web"), "has 100.0% of the requests; the hold is over, but it cannot be told yet whether it is "
	               "good: saw 59 of 60 requests");
	CHECK(!strstr(h->trace.text, "accept"));
	h->world->evidence[3].next.attempts = 60;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

static void without_a_word_no_traffic_is_waited_for(void)
{
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

/* Half way serves nobody in place: it goes on, or back. */
static void in_place_waits_for_no_traffic(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_IN_PLACE, true);
	s->analysis = (struct analysis){.is_on = true, .min_requests = 60};
	s->replicas = 2;
	run(h);
	set_image(h, s, "app:2");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

static void promote_overrides_what_cannot_be_told_and_not_what_is_bad(void)
{
	struct host *h = deployed_with_least(60);
	see(h, 7, 0, 150);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	order(h, ORDER_PROMOTE, "web", "rev-app:2", 1000);
	until(h, "25.0%");
	see(h, 100, 20, 2000);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK_CONTAINS(h->log, "quarantine");
	host_free(h);
}

/* What is good already is not judged again, whatever is told of it; nor is what has no good one to go back to. */
static void only_what_is_on_trial_is_judged(void)
{
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	until(h, "100.0%");
	h->world->goods[0].revision = "rev-app:2";
	see(h, 100, 90, 0);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK(!strstr(h->log, "quarantine"));
	host_free(h);

	h = deployed(1, quick, ARRAY_LEN(quick));
	until(h, "5.0%");
	h->world->goods_count = 0;
	see(h, 100, 90, 2000);
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

static void what_others_did_counts_for_nothing(void)
{
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	until(h, "5.0%");
	see(h, 100, 90, 2000)->revision = "rev-app:3";
	see(h, 100, 90, 2000)->service = "api";
	see(h, 100, 90, 2000)->project = "blog";
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	host_free(h);
}

static void a_query_is_asked_about_this_revision(void)
{
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	service_of(h, "web")->analysis = (struct analysis){
		.is_on = true, .query = {.url = "http://127.0.0.1:9090", .text = "errors", .max = 0.05}};
	*ARENA_PUSH(&h->arena, h->world->measures, h->world->measures_count) = (struct measure){
		"shop", "web", "rev-app:3", true, 0.5, ""};
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_WAITING);
	CHECK_CONTAINS(reason_of(h, "web"), "has 5.0% of the requests; the hold is over, but it cannot be told yet whether it is "
	               "good: the query has no answer yet; ");
	h->world->measures[0].revision = "rev-app:2";
	run(h);
	CHECK_CONTAINS(h->log, "quarantine revision rev-app: (the query answered 0.5, and 0.05 is the most that it may be)");
	host_free(h);
}

/* How many requests there will be no plan can know: it says what happens when there are enough. */
static void a_plan_takes_it_that_enough_is_seen(void)
{
	struct host *h = deployed(1, quick, ARRAY_LEN(quick));
	struct rehearsal out;
	service_of(h, "web")->analysis = (struct analysis){
		.is_on = true, .min_requests = 1000000, .query = {.url = "http://127.0.0.1:9090", .text = "up", .max = -1}};
	rehearse(snapshot(h), h->world, NULL, &h->arena, &out);
	CHECK(!out.is_endless);
	CHECK_INT(out.end.services[0].phase, PHASE_SETTLED);
	CHECK(out.lasts_ms < 60000);
	/* But what is known to be bad is bad. */
	until(h, "5.0%");
	see(h, 100, 20, 2000);
	rehearse(snapshot(h), h->world, NULL, &h->arena, &out);
	CHECK_INT(out.end.services[0].phase, PHASE_ROLLED_BACK);
	host_free(h);
}

static const struct test tests[] = {
	TEST(what_is_seen_to_be_bad_goes_back_at_any_share),
	TEST(what_is_seen_to_be_bad_goes_back_in_a_manual_hold_and_in_a_pause),
	TEST(other_strategies_are_analysed_when_asked),
	TEST(a_hold_lasts_until_enough_was_seen),
	TEST(nothing_is_accepted_before_enough_was_seen),
	TEST(without_a_word_no_traffic_is_waited_for),
	TEST(in_place_waits_for_no_traffic),
	TEST(promote_overrides_what_cannot_be_told_and_not_what_is_bad),
	TEST(only_what_is_on_trial_is_judged),
	TEST(what_others_did_counts_for_nothing),
	TEST(a_query_is_asked_about_this_revision),
	TEST(a_plan_takes_it_that_enough_is_seen),
};

int main(int argc, char **argv)
{
	return check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL);
}
