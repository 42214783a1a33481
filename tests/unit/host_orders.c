/* Orders of operators: put in, replaced, taken out, kept through the loss of a copy, and never two changes at once. */
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "host/lock.h"
#include "host/orders.h"

static char folder[64];

static void begin(void)
{
	snprintf(folder, sizeof folder, "/tmp/rec-orders-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	snprintf(folder + strlen(folder), sizeof folder - strlen(folder), "/operator");
}

static void end(void)
{
	struct err e;
	*strrchr(folder, '/') = 0;
	CHECK_INT(fs_remove_tree(folder, &e), 0);
}

static void put(enum order_kind kind, const char *project, const char *service, int weight, const char *reason)
{
	struct err e = {0};
	struct order o = {.kind = kind, .project = project, .service = service, .revision = "r", .weight = weight,
	                  .until_ms = 1700000000123, .reason = reason};
	CHECK_INT(orders_change(folder, kind, project, service, &o, NULL, &e), 0);
	CHECK_STR(e.message, "");
}

/* "pause shop/web 0 why; ..." in their order. */
static void check_orders(const char *wanted)
{
	static const char *const names[] = {[ORDER_PROMOTE] = "promote", [ORDER_ABORT] = "abort", [ORDER_PAUSE] = "pause"};
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf all = BUF_INIT(4096);
	struct order *orders;
	size_t count;
	struct err e = {0};
	CHECK_INT(orders_read(folder, &a, &orders, &count, &e), 0);
	for (size_t i = 0; i < count; i++) {
		CHECK_STR(orders[i].revision, "r");
		CHECK(orders[i].until_ms == 1700000000123);
		buf_printf(&all, "%s %s/%s %d %s; ", names[orders[i].kind], orders[i].project, orders[i].service, orders[i].weight,
		           orders[i].reason);
	}
	CHECK_STR(all.text ? all.text : "", wanted);
}

static void they_replace_each_other_by_name(void)
{
	size_t gone;
	struct err e = {0};
	begin();
	check_orders("");
	put(ORDER_PROMOTE, "shop", "web", 50, "");
	put(ORDER_PAUSE, "shop", "web", 0, "one \"word\"");
	put(ORDER_PROMOTE, "shop", "web", 250, "");
	put(ORDER_PROMOTE, "shop", "api", 10, "");
	check_orders("pause shop/web 0 one \"word\"; promote shop/web 250 ; promote shop/api 10 ; ");
	/* A wider pause takes in what it covers; a narrower one leaves it. */
	put(ORDER_PAUSE, "", "", 0, "all");
	put(ORDER_PAUSE, "shop", "", 0, "shop");
	check_orders("promote shop/web 250 ; promote shop/api 10 ; pause / 0 all; pause shop/ 0 shop; ");
	CHECK_INT(orders_change(folder, ORDER_PAUSE, "shop", "", NULL, &gone, &e), 0);
	CHECK_INT(gone, 1);
	CHECK_INT(orders_change(folder, ORDER_ABORT, "", "", NULL, &gone, &e), 0);
	CHECK_INT(gone, 0);
	check_orders("promote shop/web 250 ; promote shop/api 10 ; pause / 0 all; ");
	end();
}

static void one_copy_may_be_lost(void)
{
	char copy[128];
	begin();
	put(ORDER_PAUSE, "shop", "", 0, "x");
	for (const char *name = "ab"; *name; name++) {
		snprintf(copy, sizeof copy, "%s/notes.%c", folder, *name);
		CHECK_INT(unlink(copy), 0);
		check_orders("pause shop/ 0 x; ");
		put(ORDER_PAUSE, "shop", "", 0, "x"); /* and the next change brings it back */
		CHECK(fs_exists(copy));
	}
	end();
}

static void one_change_at_a_time(void)
{
	int fd = -1;
	struct err e = {0};
	begin();
	CHECK_INT(fs_mkdir(folder, 0700, &e), 0);
	CHECK_INT(lock_take(folder, &fd, &e), 0);
	CHECK_INT(orders_change(folder, ORDER_PAUSE, "", "", NULL, NULL, &e), -1);
	CHECK_INT(e.kind, ERR_BUSY);
	fd_close(&fd);
	put(ORDER_PAUSE, "shop", "", 0, "x");
	end();
}

static const struct test tests[] = {
	TEST(they_replace_each_other_by_name),
	TEST(one_copy_may_be_lost),
	TEST(one_change_at_a_time),
};

int main(int argc, char **argv)
{
	return check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL);
}
