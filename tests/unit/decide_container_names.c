/* What instances are called: container_name where there is never a second one, numbers everywhere else. */
#include "model_host.h"

static struct host *with_name(enum strategy strategy, bool routed)
{
	struct host *h = host_new();
	add_service(h, "db", "app:1", strategy, routed)->container_name = "store";
	run(h);
	return h;
}

static void in_place_hands_the_name_on(void)
{
	struct host *h = with_name(STRATEGY_IN_PLACE, false);
	CHECK(find_instance(h, "store") != NULL);
	set_image(h, service_of(h, "db"), "app:2");
	run(h);
	CHECK_STR(h->log,
	          "shop/db: stop store\n"
	          "shop/db: rename store to store-1 (gives its name to the next one)\n"
	          "shop/db: create store (app:2)\n"
	          "shop/db: start store\n"
	          "shop/db: accept revision rev-app:\n"
	          "shop/db: remove store-1\n");
	nothing_left(h);
	host_free(h);
}

static void the_way_back_takes_the_name_along(void)
{
	struct host *h = with_name(STRATEGY_IN_PLACE, false);
	set_image(h, service_of(h, "db"), "app:2");
	h->exits = "rev-app:2";
	run(h);
	CHECK_STR(h->log,
	          "shop/db: stop store\n"
	          "shop/db: rename store to store-1 (gives its name to the next one)\n"
	          "shop/db: create store (app:2)\n"
	          "shop/db: start store\n"
	          "shop/db: quarantine revision rev-app: (store exited with code 1)\n"
	          "shop/db: update store-1: restart \"no\" -> \"always\"\n"
	          "shop/db: rename store to store-2 (gives its name to the next one)\n"
	          "shop/db: rename store-1 to store\n"
	          "shop/db: start store-1 (store-1 exited with code 0)\n"
	          "shop/db: remove store-2\n");
	CHECK_INT(find_instance(h, "store")->number, 1);
	host_free(h);
}

static void side_by_side_they_are_numbered(void)
{
	struct host *h = with_name(STRATEGY_BLUE_GREEN, true);
	CHECK(find_instance(h, "store-1") != NULL);
	set_image(h, service_of(h, "db"), "app:2");
	run(h);
	CHECK(!strstr(h->log, "rename"));
	CHECK(find_instance(h, "store-2") != NULL);
	host_free(h);
}

/* Live: nothing is stopped for it. What somebody renamed by hand is set right the same way. */
static void another_name_needs_no_new_instance(void)
{
	struct host *h = with_name(STRATEGY_IN_PLACE, false);
	service_of(h, "db")->container_name = "depot";
	run(h);
	CHECK_STR(h->log, "shop/db: rename store to depot\n");
	nothing_left(h);
	service_of(h, "db")->container_name = NULL;
	run(h);
	CHECK_STR(h->log, "shop/db: rename depot to shop-db-1\n");
	find_instance(h, "shop-db-1")->name = "by-hand";
	run(h);
	CHECK_STR(h->log, "shop/db: rename by-hand to shop-db-1\n");
	nothing_left(h);
	host_free(h);
}

static bool no_rename(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return a->kind == ACTION_RENAME && err_set(e, ERR_CONFLICT, "the name depot is taken") < 0;
}

static void a_name_that_is_taken_stops_nothing(void)
{
	struct host *h = with_name(STRATEGY_IN_PLACE, false);
	service_of(h, "db")->container_name = "depot";
	h->fails = no_rename;
	run(h);
	CHECK_STR(h->log, "");
	CHECK_INT(phase_of(h, "db"), PHASE_FAILED);
	CHECK_INT(find_instance(h, "store")->state, INSTANCE_RUNNING);
	host_free(h);
}

static const struct test tests[] = {
	TEST(in_place_hands_the_name_on), TEST(the_way_back_takes_the_name_along), TEST(side_by_side_they_are_numbered),
	TEST(another_name_needs_no_new_instance), TEST(a_name_that_is_taken_stops_nothing),
};
TESTS_MAIN(tests)
