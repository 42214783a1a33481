/* Settings that somebody changed on a running instance, or took: what is set right as it runs, and what is replaced. */
#include "model_host.h"

enum { PIDS = 4, CPUS = 5, SWAP = 6 };

static struct host *serving(enum strategy strategy, bool routed)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", strategy, routed)->replicas = 2;
	service_of(h, "web")->batch = 1;
	run(h);
	nothing_left(h);
	return h;
}

static void by_hand(struct host *h, const char *name, size_t row, struct value to)
{
	struct instance *i = find_instance(h, name);
	struct value *live = arena_alloc(&h->arena, ARRAY_LEN(rows) * sizeof *live);
	memcpy(live, i->live, ARRAY_LEN(rows) * sizeof *live);
	live[row] = to;
	i->live = live;
}

static void what_the_engine_can_take_back_is_taken_back(void)
{
	struct host *h = serving(STRATEGY_ROLLING, true);
	by_hand(h, "shop-web-2", PIDS, value_int(50));
	run(h);
	CHECK_STR(h->log, "shop/web: update shop-web-2: pids_limit 50 -> -1\n");
	nothing_left(h);
	host_free(h);
}

/* What it says when nobody limits anything differs from engine to engine. */
static void no_limit_in_other_words_is_none(void)
{
	struct host *h = serving(STRATEGY_ROLLING, true);
	by_hand(h, "shop-web-1", PIDS, value_int(-1));
	by_hand(h, "shop-web-1", SWAP, value_int(128 << 20));
	by_hand(h, "shop-web-2", SWAP, value_int(-1));
	nothing_left(h);
	host_free(h);
}

static void swap_that_is_not_twice_the_memory_is_made_so(void)
{
	struct host *h = serving(STRATEGY_ROLLING, true);
	by_hand(h, "shop-web-1", SWAP, value_int(96 << 20));
	run(h);
	CHECK_STR(h->log, "shop/web: update shop-web-1: memswap_limit 100663296 -> 134217728\n");
	nothing_left(h);
	host_free(h);
}

/* One by one, and each new one before the old one goes: as the strategy has it. */
static void a_limit_that_stays_makes_a_new_instance(void)
{
	struct host *h = serving(STRATEGY_ROLLING, true);
	by_hand(h, "shop-web-1", CPUS, value_int(500000000));
	by_hand(h, "shop-web-2", CPUS, value_int(500000000));
	run(h);
	CHECK_CONTAINS(h->log, "shop/web: create shop-web-3 (app:1) at 10.231.0.4 "
	                       "(shop-web-1 has cpus 500000000, and Git sets none)\n");
	const char *first = strstr(h->log, "stop shop-web-1"), *second = strstr(h->log, "create shop-web-4");
	CHECK(first && second && first < second);
	CHECK(!find_instance(h, "shop-web-2"));
	nothing_left(h);
	host_free(h);
}

static void in_place_it_goes_first(void)
{
	struct host *h = serving(STRATEGY_IN_PLACE, false);
	by_hand(h, "shop-web-2", CPUS, value_int(500000000));
	run(h);
	const char *stopped = strstr(h->log, "stop shop-web-2"), *started = strstr(h->log, "start shop-web-3");
	CHECK(stopped && started && stopped < started);
	CHECK(!strstr(h->log, "shop-web-1"));
	nothing_left(h);
	host_free(h);
}

static const struct test tests[] = {
	TEST(what_the_engine_can_take_back_is_taken_back),
	TEST(no_limit_in_other_words_is_none),
	TEST(swap_that_is_not_twice_the_memory_is_made_so),
	TEST(a_limit_that_stays_makes_a_new_instance),
	TEST(in_place_it_goes_first),
};
TESTS_MAIN(tests)
