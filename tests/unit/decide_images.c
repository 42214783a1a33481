/* decide and images: when they are pulled, what happens when they cannot be, and which ones go. */
#include "model_host.h"

static void pull_gave(struct host *h, const char *service, const char *image)
{
	*ARENA_PUSH(&h->arena, h->world->past_images, h->world->past_images_count) =
		(struct past_image){"shop", service, image, false, arena_printf(&h->arena, "id-%s", image), 0};
}

static bool drop_fails(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_DROP && err_set(e, ERR_TRANSIENT, "device or resource busy") < 0;
}

static bool has_image(struct host *h, const char *name)
{
	for (size_t i = 0; i < h->world->images_count; i++)
		if (strcmp(h->world->images[i].name, name) == 0)
			return true;
	return false;
}

static void only_old_images_that_we_pulled_go(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "pulled:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	CHECK_CONTAINS(h->log, "shop/web: pull pulled:1\n");
	set_image(h, s, "app:1");
	run(h);
	CHECK(!strstr(h->log, "drop"));
	set_image(h, s, "pulled:2");
	run(h);
	/* The third good one: the first is one too many. It goes when all else is done. */
	CHECK_CONTAINS(h->log, "remove shop-web-2\nshop/web: drop image pulled:1 (older than the last two good ones)\n");
	CHECK(!has_image(h, "pulled:1"));
	nothing_left(h);
	set_image(h, s, "pulled:3");
	run(h);
	CHECK(!strstr(h->log, "drop")); /* app:1 was here without us */
	CHECK(has_image(h, "app:1") && has_image(h, "pulled:2"));
	nothing_left(h);
	host_free(h);
}

static void an_image_that_cannot_go_is_no_trouble(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	pull_gave(h, "web", "app:2");
	h->fails = drop_fails;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK(!strstr(h->log, "drop") && has_image(h, "app:2"));
	h->fails = NULL;
	run(h);
	CHECK_CONTAINS(h->log, "drop image app:2");
	host_free(h);
}

static void an_image_that_anybody_needs_stays(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:3", STRATEGY_BLUE_GREEN, true);
	pull_gave(h, "web", "app:1");
	pull_gave(h, "web", "app:2");
	h->world->images[0].is_used = true; /* by a container of somebody else */
	*ARENA_PUSH(&h->arena, h->world->images, h->world->images_count) = (struct image){"pulled:9", "id-other", false};
	pull_gave(h, "web", "pulled:9"); /* tagged anew by somebody else */
	run(h);
	CHECK_CONTAINS(h->log, "drop image app:2 (never good, and not wanted any more)");
	CHECK(!strstr(h->log, "drop image app:1") && !strstr(h->log, "drop image pulled:9"));
	h->world->images[0].is_used = false;
	add_service(h, "job", "app:1", STRATEGY_IN_PLACE, false); /* another service wants it */
	run(h);
	CHECK(!strstr(h->log, "drop"));
	h->desired.projects[0].services_count--; /* and leaves */
	run(h);
	CHECK_CONTAINS(h->log, "shop/web: drop image app:1");
	(void)s;
	host_free(h);
}

static void an_image_goes_with_the_service_that_leaves(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:2", STRATEGY_BLUE_GREEN, true);
	add_service(h, "job", "app:1", STRATEGY_IN_PLACE, false);
	pull_gave(h, "job", "app:1");
	run(h);
	h->world->images[0].is_used = true; /* as the engine says while it has a container */
	h->desired.projects[0].services_count--;
	run(h);
	CHECK_CONTAINS(h->log, "remove shop-job-1\nshop/job: drop image app:1");
	host_free(h);
}

static void a_bad_image_stays_while_git_wants_it(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	set_image(h, s, "pulled:bad");
	h->never_ready = "rev-pulled:bad";
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	CHECK(!strstr(h->log, "drop"));
	set_image(h, s, "app:1");
	run(h);
	CHECK_STR(h->log, "shop/web: drop image pulled:bad (never good, and not wanted any more)\n");
	host_free(h);
}

static bool pull_finds_nothing(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_PULL && err_set(e, ERR_NOT_FOUND, "manifest unknown") < 0;
}

static void pulling_comes_before_anything_is_stopped(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	const char *one = find_instance(h, "shop-db-1")->id;
	set_image(h, s, "pulled:2");
	h->fails = pull_finds_nothing;
	run(h);
	CHECK_STR(h->log, "shop/db: quarantine revision rev-pull (manifest unknown)\n");
	CHECK_INT(phase_of(h, "db"), PHASE_ROLLED_BACK);
	CHECK_STR(find_instance(h, "shop-db-1")->id, one);
	CHECK_INT(find_instance(h, "shop-db-1")->state, INSTANCE_RUNNING);
	h->fails = NULL;
	set_image(h, s, "pulled:3");
	run(h);
	CHECK_CONTAINS(h->log, "shop/db: pull pulled:3\nshop/db: stop shop-db-1\n");
	host_free(h);
}

static struct decision decide_once(struct host *h)
{
	struct decision d;
	decide(snapshot(h), world_copy(&h->arena, h->world), &h->arena, &d);
	return d;
}

static void a_registry_is_left_alone_for_as_long_as_it_says(void)
{
	static const struct { enum err_kind kind; int attempts; int64_t retry_after_ms, waits_ms; enum phase phase; } cases[] = {
		{ERR_TRANSIENT, 1, 0, 1000, PHASE_PROGRESSING},
		{ERR_TRANSIENT, 3, 0, 4000, PHASE_PROGRESSING},
		{ERR_TRANSIENT, 1, 30000, 30000, PHASE_PROGRESSING},
		{ERR_TRANSIENT, 3, 2000, 4000, PHASE_PROGRESSING},
		{ERR_TRANSIENT, 4, 0, 0, PHASE_BLOCKED},
		{ERR_TRANSIENT, 1, 61000, 0, PHASE_BLOCKED},
		{ERR_SETUP, 1, 0, 0, PHASE_BLOCKED},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
		run(h);
		set_image(h, s, "pulled:2");
		*ARENA_PUSH(&h->arena, h->world->failures, h->world->failures_count) = (struct failure){
			"shop", "web", "rev-pulled:2", "", cases[i].kind, "said", cases[i].attempts, h->world->now_ms, cases[i].retry_after_ms};
		struct decision d = decide_once(h);
		CHECK_INT(d.actions_count, 0);
		CHECK_INT(d.services[0].phase, cases[i].phase);
		CHECK_INT(d.wait_until_ms ? d.wait_until_ms - h->world->now_ms : 0, cases[i].waits_ms);
		CHECK_STR(d.services[0].reason, "said");
		host_free(h);
	}
}

static void an_image_that_is_never_pulled_must_be_here(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	s->pull = PULL_NEVER;
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	set_image(h, s, "pulled:2");
	run(h);
	CHECK_STR(h->log, "shop/web: quarantine revision rev-pull (its image is not on this host, and nobody is to pull it)\n");
	host_free(h);
}

/* Nobody can say what the tag means: it stays what it is, and drift of it is still mended. */
static void an_unknown_digest_changes_nothing(void)
{
	static const struct { enum err_kind kind; enum phase with_good, without; } cases[] = {
		{ERR_TRANSIENT, PHASE_BLOCKED, PHASE_BLOCKED}, {ERR_SETUP, PHASE_BLOCKED, PHASE_BLOCKED},
		{ERR_NOT_FOUND, PHASE_ROLLED_BACK, PHASE_FAILED}, {ERR_DENIED, PHASE_ROLLED_BACK, PHASE_FAILED},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = host_new();
		struct service *s = add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
		s->unresolved = cases[i].kind;
		s->unresolved_why = "no answer";
		nothing_left(h);
		CHECK_INT(phase_of(h, "web"), cases[i].without);
		CHECK_INT(h->last.services[0].cause, cases[i].kind);
		s->unresolved = ERR_NONE;
		run(h);
		s->unresolved = cases[i].kind;
		nothing_left(h);
		CHECK_INT(phase_of(h, "web"), cases[i].with_good);
		CHECK_STR(h->last.services[0].reason, "no answer");
		h->world->instances[0].state = INSTANCE_EXITED;
		run(h);
		CHECK_CONTAINS(h->log, "shop/web: start shop-web-1");
		CHECK_INT(phase_of(h, "web"), cases[i].with_good);
		host_free(h);
	}
}

static const struct test tests[] = {
	TEST(only_old_images_that_we_pulled_go),
	TEST(an_image_that_cannot_go_is_no_trouble),
	TEST(an_image_that_anybody_needs_stays),
	TEST(an_image_goes_with_the_service_that_leaves),
	TEST(a_bad_image_stays_while_git_wants_it),
	TEST(pulling_comes_before_anything_is_stopped),
	TEST(a_registry_is_left_alone_for_as_long_as_it_says),
	TEST(an_image_that_is_never_pulled_must_be_here),
	TEST(an_unknown_digest_changes_nothing),
};
TESTS_MAIN(tests)
