/* Memory and swap against the model world: what does not fit is not begun, and the plan says what would. */
#include "model_host.h"

#define MIB ((int64_t)1 << 20)

static struct host *deployed(enum strategy strategy, int replicas, int64_t each, int64_t available, int64_t swap)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", strategy, true);
	s->replicas = replicas;
	s->batch = 1;
	own_values(h, s)[2] = value_int(0); /* no limit */
	run(h);
	for (size_t i = 0; i < h->world->instances_count; i++)
		h->world->instances[i].memory_bytes = each;
	h->world->host.memory_bytes = 1000 * MIB;
	h->world->host.memory_available_bytes = available;
	if (swap)
		*ARENA_PUSH(&h->arena, h->world->host.swaps, h->world->host.swaps_count) =
			(struct swap_file){.path = "/dev/vdb", .is_active = true, .swap_bytes = swap};
	set_image(h, service_of(h, "web"), "app:2");
	return h;
}

static void limit(struct host *h, int64_t bytes)
{
	own_values(h, service_of(h, "web"))[2] = value_int(bytes);
}

static void what_does_not_fit_is_not_begun(void)
{
	struct host *h = deployed(STRATEGY_BLUE_GREEN, 2, 100 * MIB, 200 * MIB, 0);
	limit(h, 0);
	nothing_left(h);
	CHECK_INT(phase_of(h, "web"), PHASE_BLOCKED);
	CHECK_INT(h->last.services[0].cause, ERR_SETUP);
	CHECK_STR(h->last.services[0].reason,
	          "2 more of shop/web would need 240M (each the 100M that one uses at most, and a fifth more, within its limit), and "
	          "the host has 190M left of 200M free memory and 0B free swap; strategy: rolling would fit");
	/* It serves as before, and is mended as before. */
	find_instance(h, "shop-web-1")->state = INSTANCE_EXITED;
	find_instance(h, "shop-web-1")->passing_since_ms = 0;
	run(h);
	CHECK_CONTAINS(h->log, "start shop-web-1");
	CHECK(!strstr(h->log, "create"));
	host_free(h);
}

static void what_fits_comes_in(void)
{
	static const struct {
		enum strategy strategy;
		int replicas;
		int64_t each, limit, available, swap;
		bool fits;
	} cases[] = {
		{STRATEGY_BLUE_GREEN, 2, 100 * MIB, 0, 260 * MIB, 0, true},
		{STRATEGY_BLUE_GREEN, 2, 100 * MIB, 0, 252 * MIB, 0, false},          /* 5 % stay free */
		{STRATEGY_BLUE_GREEN, 2, 100 * MIB, 0, 100 * MIB, 160 * MIB, true},   /* swap counts */
		{STRATEGY_BLUE_GREEN, 2, 100 * MIB, 100 * MIB, 220 * MIB, 0, true},   /* no more than the limit */
		{STRATEGY_BLUE_GREEN, 2, 100 * MIB, 100 * MIB, 200 * MIB, 0, false},
		{STRATEGY_ROLLING, 2, 100 * MIB, 0, 130 * MIB, 0, true},              /* one more at a time */
		{STRATEGY_ROLLING, 4, 100 * MIB, 0, 130 * MIB, 0, true},
		{STRATEGY_ROLLING, 2, 100 * MIB, 0, 110 * MIB, 0, false},
		{STRATEGY_IN_PLACE, 2, 100 * MIB, 0, 30 * MIB, 0, true},              /* the slot is free by then */
		{STRATEGY_BLUE_GREEN, 2, 0, 0, 1 * MIB, 0, true},                     /* nobody knows */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = deployed(cases[i].strategy, cases[i].replicas, cases[i].each, cases[i].available, cases[i].swap);
		limit(h, cases[i].limit);
		int64_t least = cases[i].available;
		run(h);
		CHECK_INT(phase_of(h, "web"), cases[i].fits ? PHASE_SETTLED : PHASE_BLOCKED);
		if ((phase_of(h, "web") == PHASE_SETTLED) != cases[i].fits)
			fprintf(stderr, "row %zu: %s\n", i, h->trace.text);
		CHECK(h->world->host.memory_available_bytes <= least + 2 * 100 * MIB);
		host_free(h);
	}
}

/* Two services at once: what one was given, the other cannot have. */
static void what_is_given_is_given_once(void)
{
	struct host *h = host_new();
	add_service(h, "a", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "b", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	for (size_t i = 0; i < h->world->instances_count; i++)
		h->world->instances[i].memory_bytes = 50 * MIB;
	h->world->host.memory_bytes = 200 * MIB;
	h->world->host.memory_available_bytes = 100 * MIB;
	set_image(h, service_of(h, "a"), "app:2");
	set_image(h, service_of(h, "b"), "app:2");
	run_rounds(h, 2);
	CHECK_CONTAINS(h->trace.text, "create shop-a-2");
	CHECK(!strstr(h->trace.text, "create shop-b-2"));
	/* The other has its turn when the first is done. */
	run(h);
	CHECK_INT(phase_of(h, "a"), PHASE_SETTLED);
	run(h);
	CHECK_INT(phase_of(h, "b"), PHASE_SETTLED);
	host_free(h);
}

static void the_rehearsal_says_how_much(void)
{
	struct host *h = deployed(STRATEGY_BLUE_GREEN, 2, 100 * MIB, 150 * MIB, 400 * MIB);
	struct rehearsal r;
	limit(h, 0);
	rehearse(snapshot(h), h->world, NULL, &h->arena, &r);
	CHECK_INT(r.memory_peak_bytes, 2 * 100 * MIB);
	CHECK_INT(r.memory_swap_bytes, 50 * MIB);
	host_free(h);
}

/* What fits here does not fit on a host with less, and the reverse: by the same code. */
static void what_if_the_host_had_another_size(void)
{
	struct host *h = deployed(STRATEGY_BLUE_GREEN, 2, 100 * MIB, 300 * MIB, 0);
	limit(h, 0);
	struct rehearsal r;
	rehearse(snapshot(h), h->world, &(struct what_if){.memory_bytes = 950 * MIB}, &h->arena, &r);
	CHECK_INT(r.events_count, 0);
	CHECK_INT(r.end.services[0].phase, PHASE_BLOCKED);
	CHECK_CONTAINS(r.end.services[0].reason, "would need 240M");
	CHECK_CONTAINS(r.end.services[0].reason, "the host has 237.5M left of 250M free memory");
	rehearse(snapshot(h), h->world, &(struct what_if){.memory_bytes = 953 * MIB}, &h->arena, &r);
	CHECK_INT(r.end.services[0].phase, PHASE_SETTLED);
	/* The host itself is as it was. */
	CHECK_INT(h->world->host.memory_available_bytes, 300 * MIB);
	host_free(h);
}

static const struct test tests[] = {
	TEST(what_does_not_fit_is_not_begun),
	TEST(what_fits_comes_in),
	TEST(what_is_given_is_given_once),
	TEST(the_rehearsal_says_how_much),
	TEST(what_if_the_host_had_another_size),
};

int main(int argc, char **argv)
{
	return check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL);
}
