/*
 * --target on the model host: what is left alone stays exactly as it is, wherever it stands: instances, traffic, routes,
 * images; and what is a target gets there all the same.
 */
#include "model_host.h"

#include "report/report.h"

/* All that the host has of one service, as text. */
static const char *state_of(struct host *h, const char *service)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	for (size_t i = 0; i < h->world->instances_count; i++) {
		const struct instance *in = &h->world->instances[i];
		if (strcmp(in->service, service) == 0)
			buf_printf(&out, "%s %d %lld %d\n", in->id, (int)in->state, (long long)in->started_ms, in->is_restart_off);
	}
	const struct traffic *t = traffic_of(h, service);
	const struct side *sides[] = {t ? &t->stable : NULL, t ? &t->next : NULL};
	for (size_t i = 0; t && i < ARRAY_LEN(sides); i++) {
		buf_printf(&out, "%s %d %s:", t->rollout, t->weight, sides[i]->revision);
		for (size_t k = 0; k < sides[i]->addresses_count; k++)
			buf_printf(&out, " %s", sides[i]->addresses[k]);
		buf_puts(&out, "\n");
	}
	for (size_t i = 0; i < h->world->nginx.topology.routes_count; i++)
		if (strcmp(h->world->nginx.topology.routes[i].service, service) == 0)
			buf_printf(&out, "%s\n", h->world->nginx.topology.routes[i].host);
	return arena_strdup(&h->arena, out.text);
}

static void leave_alone(struct host *h, const char *service, bool is_left_alone)
{
	service_of(h, service)->is_left_alone = is_left_alone;
	h->desired.projects[0].keeps_gone = is_left_alone;
}

/* Two routed services of revision 1, and Git wants revision 2 of both. */
static struct host *two_wanted(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "api", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, service_of(h, "web"), "app:2");
	set_image(h, service_of(h, "api"), "app:2");
	return h;
}

static void everything_else_stays(void)
{
	struct host *h = two_wanted();
	const char *before = state_of(h, "api");
	leave_alone(h, "api", true);
	run(h);
	CHECK_STR(state_of(h, "api"), before);
	CHECK_STR(traffic_of(h, "web")->stable.revision, "rev-app:2");
	CHECK(!strstr(h->log, "shop/api"));
	CHECK_INT(phase_of(h, "api"), PHASE_LEFT_ALONE);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(status_exit_code(&h->last), 0);
	nothing_left(h);
	leave_alone(h, "api", false);
	run(h);
	CHECK_STR(traffic_of(h, "api")->stable.revision, "rev-app:2");
	host_free(h);
}

/* At whatever moment of its rollout. */
static void a_rollout_in_the_middle_stays_there(void)
{
	for (int rounds = 1; rounds < 14; rounds++) {
		struct host *h = two_wanted();
		leave_alone(h, "web", true);
		run_rounds(h, rounds);
		leave_alone(h, "web", false);
		leave_alone(h, "api", true);
		const char *before = state_of(h, "api");
		run(h);
		CHECK_STR(state_of(h, "api"), before);
		CHECK_STR(traffic_of(h, "web")->stable.revision, "rev-app:2");
		host_free(h);
	}
}

static void what_is_broken_stays_broken(void)
{
	struct host *h = two_wanted();
	find_instance(h, "shop-api-1")->state = INSTANCE_EXITED;
	const char *before = state_of(h, "api");
	leave_alone(h, "api", true);
	run(h);
	CHECK_STR(state_of(h, "api"), before);
	host_free(h);
}

static void what_left_git_is_not_retired(void)
{
	struct host *h = two_wanted();
	h->desired.projects[0].services_count = 1;
	h->desired.routes_count = 1;
	h->desired.projects[0].keeps_gone = true;
	*ARENA_PUSH(&h->arena, h->world->past_images, h->world->past_images_count) =
		(struct past_image){"shop", "api", "app:3", false, "id-app:3", 0};
	const char *before = state_of(h, "api");
	run(h);
	CHECK_STR(state_of(h, "api"), before);
	CHECK(!strstr(h->log, "drop"));
	h->desired.projects[0].keeps_gone = false;
	run(h);
	CHECK_STR(state_of(h, "api"), "");
	CHECK_CONTAINS(h->log, "drop image app:3");
	host_free(h);
}

static void routes_of_others_stay(void)
{
	struct host *h = two_wanted();
	h->desired.routes[0].host = "new-web.example.com";
	h->desired.routes[1].host = "new-api.example.com";
	leave_alone(h, "api", true);
	run(h);
	CHECK_CONTAINS(state_of(h, "api"), "\napi.example.com\n");
	CHECK_CONTAINS(state_of(h, "web"), "\nnew-web.example.com\n");
	CHECK_INT(h->world->nginx.topology.routes_count, 2);
	/* A host that Git gives to a target is the target's. */
	h->desired.routes[0].host = "api.example.com";
	run(h);
	CHECK_CONTAINS(state_of(h, "web"), "\napi.example.com\n");
	CHECK_INT(h->world->nginx.topology.routes_count, 1);
	host_free(h);
}

static void nothing_is_begun_for_others(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "api", "app:1", STRATEGY_BLUE_GREEN, true);
	leave_alone(h, "api", true);
	run(h);
	CHECK_STR(state_of(h, "api"), "");
	CHECK(traffic_of(h, "web") != NULL);
	/* And no trouble of nginx is theirs. */
	h->world->nginx.is_up = h->world->nginx.is_current = false;
	h->world->nginx.problem = "no master runs";
	run(h);
	CHECK_INT(phase_of(h, "api"), PHASE_LEFT_ALONE);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	host_free(h);
}

static void a_plan_says_whom_it_is_about(void)
{
	struct host *h = two_wanted();
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	struct rehearsal r;
	struct plan p;
	leave_alone(h, "api", true);
	rehearse(&h->desired, h->world, NULL, &h->arena, &r);
	plan_build(&h->arena, &h->desired, h->world, &r, &p);
	plan_print(&out, &p);
	CHECK_CONTAINS(out.text, "Of the targets only, and of what they depend on: everything else stays as it is.\n\nChanges:\n  +/- shop/web");
	CHECK(!strstr(out.text, "shop/api"));
	buf_clear(&out);
	status_print(&out, &h->desired, &r.end);
	CHECK_CONTAINS(out.text, "shop/web");
	CHECK(!strstr(out.text, "shop/api"));
	host_free(h);
}

static const struct test tests[] = {
	TEST(everything_else_stays), TEST(a_rollout_in_the_middle_stays_there), TEST(what_is_broken_stays_broken),
	TEST(what_left_git_is_not_retired), TEST(routes_of_others_stay), TEST(nothing_is_begun_for_others),
	TEST(a_plan_says_whom_it_is_about),
};
TESTS_MAIN(tests)
