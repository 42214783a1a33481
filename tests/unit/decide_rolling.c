/* Rolling against the model world: batch by batch, and back again. What must never happen is in model_host.h. */
#include "model_host.h"

static int most_up, least_serving;

/* Looks on: fails nothing. */
static bool watch(struct host *h, const struct action *a, struct err *e)
{
	(void)a;
	(void)e;
	const struct traffic *t = traffic_of(h, "web");
	int up = count_up_of(h, "web"), serving = t ? count_serving(h, &t->stable) + count_serving(h, &t->next) : 0;
	most_up = up > most_up ? up : most_up;
	least_serving = serving < least_serving ? serving : least_serving;
	return false;
}

static struct host *deployed(int replicas, int batch)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_ROLLING, true);
	s->replicas = replicas;
	s->batch = batch;
	run(h);
	most_up = 0;
	least_serving = replicas;
	h->fails = watch;
	return h;
}

static void batch_by_batch(void)
{
	struct host *h = deployed(3, 1);
	int64_t began_ms = h->world->now_ms;
	set_image(h, service_of(h, "web"), "app:2");
	run(h);
	CHECK_STR(h->log,
	          "shop/web: create shop-web-4 (app:2) at 10.231.0.5\n"
	          "shop/web: start shop-web-4\n"
	          "shop/web: alias shop-web-4 as web\n"
	          "publish routes (announce the next revision of shop/web)\n"
	          "shop/web: shift traffic: 33.3% to the next revision\n"
	          "shop/web: unalias shop-web-3\n"
	          "shop/web: stop shop-web-3 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: create shop-web-5 (app:2) at 10.231.0.6\n"
	          "shop/web: start shop-web-5\n"
	          "shop/web: alias shop-web-5 as web\n"
	          "publish routes (instances of shop/web)\n"
	          "shop/web: shift traffic: 66.7% to the next revision\n"
	          "shop/web: unalias shop-web-2\n"
	          "shop/web: stop shop-web-2 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: create shop-web-6 (app:2) at 10.231.0.7\n"
	          "shop/web: start shop-web-6\n"
	          "shop/web: alias shop-web-6 as web\n"
	          "publish routes (instances of shop/web)\n"
	          "shop/web: shift traffic: 100.0% to the next revision\n"
	          "shop/web: accept revision rev-app:\n"
	          "publish routes (one revision of shop/web)\n"
	          "shop/web: unalias shop-web-1\n"
	          "shop/web: stop shop-web-1 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: remove shop-web-1\n"
	          "shop/web: remove shop-web-2\n"
	          "shop/web: remove shop-web-3\n");
	/* Each batch is watched for 5 s, not longer with each; and 1.5 s pass between a name and a stop. */
	CHECK(h->world->now_ms - began_ms > 15000 && h->world->now_ms - began_ms < 29000);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	nothing_left(h);
	host_free(h);
}

/* Never more than replicas and a batch, never fewer than replicas that serve, and a reload for each batch and one more. */
static void room_and_reloads(void)
{
	for (int replicas = 1; replicas <= 5; replicas++)
		for (int batch = 1; batch <= replicas; batch++) {
			struct host *h = deployed(replicas, batch);
			set_image(h, service_of(h, "web"), "app:2");
			run(h);
			CHECK_INT(most_up, replicas + batch);
			CHECK_INT(least_serving, replicas);
			CHECK_INT(count_lines(h->log, "publish"), (replicas + batch - 1) / batch + 1);
			CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
			CHECK_INT(h->world->instances_count, replicas);
			nothing_left(h);
			host_free(h);
		}
}

/* Lets the rollout go on until `part` has happened. */
static void until(struct host *h, const char *part)
{
	for (int i = 0; i < 300 && !strstr(h->trace.text, part); i++)
		run_rounds(h, 1);
	CHECK_CONTAINS(h->trace.text, part);
	buf_clear(&h->trace);
}

/* The new revision ends in the middle, wherever that is. */
static void a_batch_that_fails_undoes_all(void)
{
	static const char *const when[] = {
		"start shop-web-4", "33.3%", "stop shop-web-3", "start shop-web-5", "66.7%", "stop shop-web-2", "start shop-web-6", "100.0%",
	};
	for (size_t i = 0; i < ARRAY_LEN(when); i++)
		for (int is_one = 0; is_one < 2; is_one++) {
			struct host *h = deployed(3, 1);
			set_image(h, service_of(h, "web"), "app:2");
			buf_clear(&h->trace);
			until(h, when[i]);
			if (is_one) { /* only the youngest; the others go on */
				struct instance *youngest = &h->world->instances[h->world->instances_count - 1];
				youngest->state = INSTANCE_EXITED;
				youngest->exit_code = 1;
				youngest->passing_since_ms = 0;
			} else {
				h->exits = "rev-app:2";
				behave(h);
			}
			most_up = 0;
			run(h);
			CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
			CHECK_CONTAINS(h->log, "quarantine revision rev-app:");
			CHECK(most_up <= 4);
			CHECK_INT(h->world->instances_count, 3);
			nothing_left(h);
			host_free(h);
		}
}

/* What one instance of the old revision cannot carry stays with the new one until more are back. */
static void the_way_back_never_overloads(void)
{
	struct host *h = deployed(3, 1);
	set_image(h, service_of(h, "web"), "app:2");
	buf_clear(&h->trace);
	until(h, "start shop-web-6");
	struct instance *last = find_instance(h, "shop-web-6");
	last->state = INSTANCE_EXITED;
	last->exit_code = 1;
	last->passing_since_ms = 0;
	most_up = 0;
	run(h);
	CHECK_STR(h->log,
	          "shop/web: quarantine revision rev-app: (shop-web-6 exited with code 1)\n"
	          "shop/web: update shop-web-2: restart \"no\" -> \"always\"\n"
	          "shop/web: start shop-web-2 (shop-web-2 exited with code 0)\n"
	          "shop/web: alias shop-web-2 as web\n"
	          "publish routes (instances of shop/web)\n"
	          "shop/web: shift traffic: 33.3% to the next revision (back to the old revision)\n"
	          "shop/web: unalias shop-web-5\n"
	          "shop/web: stop shop-web-5 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: update shop-web-3: restart \"no\" -> \"always\"\n"
	          "shop/web: start shop-web-3 (shop-web-3 exited with code 0)\n"
	          "shop/web: alias shop-web-3 as web\n"
	          "shop/web: shift traffic: 0.0% to the next revision (back to the old revision)\n"
	          "publish routes (one revision of shop/web)\n"
	          "shop/web: unalias shop-web-4\n"
	          "shop/web: stop shop-web-4 (drained: name 1.5s, old nginx workers, connections)\n"
	          "shop/web: remove shop-web-4\n"
	          "shop/web: remove shop-web-5\n"
	          "shop/web: remove shop-web-6\n");
	CHECK(most_up <= 4);
	CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
	host_free(h);
}

/* No more at a time than the version says to which it goes back: the same end, by fewer steps. */
static void the_way_back_has_a_batch_of_its_own(void)
{
	for (int batch = 1; batch <= 3; batch++) {
		struct host *h = deployed(4, 1);
		struct service *s = service_of(h, "web");
		struct service *noted = arena_alloc(&h->arena, sizeof *noted);
		*noted = *h->world->goods[0].spec;
		noted->back_batch = batch;
		h->world->goods[0].spec = noted;
		set_image(h, s, "app:2");
		buf_clear(&h->trace);
		until(h, "75.0%");
		most_up = 0;
		least_serving = 4;
		*ARENA_PUSH(&h->arena, h->world->orders, h->world->orders_count) = (struct order){
			.kind = ORDER_ABORT, .project = "shop", .service = "web", .revision = "rev-app:2", .reason = ""};
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_ROLLED_BACK);
		CHECK_INT(most_up, 4 + batch);
		CHECK(least_serving >= 4);
		CHECK_INT(count_lines(h->log, "shift traffic"), batch == 3 ? 2 : 3);
		nothing_left(h);
		host_free(h);
	}
}

static void a_revert_in_the_middle(void)
{
	static const char *const when[] = {"start shop-web-4", "33.3%", "start shop-web-5", "66.7%", "100.0%"};
	for (size_t i = 0; i < ARRAY_LEN(when); i++) {
		struct host *h = deployed(3, 1);
		set_image(h, service_of(h, "web"), "app:2");
		buf_clear(&h->trace);
		until(h, when[i]);
		set_image(h, service_of(h, "web"), "app:1");
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
		CHECK_INT(h->world->quarantines_count, 0);
		CHECK_INT(least_serving, 3);
		CHECK(most_up <= 4);
		CHECK_INT(h->world->instances_count, 3);
		nothing_left(h);
		host_free(h);
	}
}

/* The old revision has all its instances again before the newest comes in. */
static void a_newer_commit_in_the_middle(void)
{
	struct host *h = deployed(3, 1);
	set_image(h, service_of(h, "web"), "app:2");
	buf_clear(&h->trace);
	until(h, "66.7%");
	set_image(h, service_of(h, "web"), "app:3");
	run(h);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(least_serving, 3);
	CHECK(most_up <= 4);
	CHECK(strstr(h->log, "start shop-web-3") < strstr(h->log, "(app:3)"));
	CHECK_INT(h->world->instances_count, 3);
	nothing_left(h);
	host_free(h);
}

static void a_scale_in_the_middle(void)
{
	for (int to = 1; to <= 5; to++) {
		struct host *h = deployed(3, 1);
		set_image(h, service_of(h, "web"), "app:2");
		buf_clear(&h->trace);
		until(h, "33.3%");
		service_of(h, "web")->replicas = to;
		least_serving = to;
		run(h);
		CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
		CHECK(least_serving >= (to < 3 ? to : 3));
		CHECK_INT(h->world->instances_count, to);
		CHECK_CONTAINS(h->log, "accept revision");
		nothing_left(h);
		host_free(h);
	}
}

/* Scaled and upgraded by one commit. */
static void a_scale_with_a_new_version(void)
{
	for (int from = 1; from <= 4; from++)
		for (int to = 1; to <= 4; to++) {
			struct host *h = deployed(from, 1);
			set_image(h, service_of(h, "web"), "app:2");
			service_of(h, "web")->replicas = to;
			least_serving = from < to ? from : to;
			run(h);
			CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
			CHECK_INT(least_serving, from < to ? from : to);
			CHECK_INT(h->world->instances_count, to);
			nothing_left(h);
			host_free(h);
		}
}

static const struct test tests[] = {
	TEST(batch_by_batch),
	TEST(room_and_reloads),
	TEST(a_batch_that_fails_undoes_all),
	TEST(the_way_back_never_overloads),
	TEST(the_way_back_has_a_batch_of_its_own),
	TEST(a_revert_in_the_middle),
	TEST(a_newer_commit_in_the_middle),
	TEST(a_scale_in_the_middle),
	TEST(a_scale_with_a_new_version),
};

int main(int argc, char **argv)
{
	return check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL);
}
