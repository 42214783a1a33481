/* What is kept of an instance that failed, for how long, and from whom. */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "forensics.h"

static void it_stays_for_a_day(void)
{
	static const struct instance first = {.project = "shop", .service = "web", .name = "shop-web-3", .revision = "0123456789abcdef"},
	                             second = {.project = "shop", .service = "web", .name = "shop-web-4", .revision = "0123456789abcdef"};
	CLEANUP(arena_done) struct arena a = {0};
	char top[] = "/tmp/reconcile-forensics-XXXXXX";
	const char *path = "", *other = "";
	char *text;
	struct stat st;
	struct err e;
	CHECK(mkdtemp(top));
	const char *folder = arena_printf(&a, "%s/failed", top), *foreign = arena_printf(&a, "%s/notes.txt", folder);
	forensics_sweep(folder, 0); /* nothing has failed yet */
	CHECK_INT(forensics_keep(folder, &first, "too slow", "{}", "said once\n", &a, &path, &e), 0);
	CHECK_INT(forensics_keep(folder, &first, "exited with code 3", "{ \"ExitCode\": 3 }", "one\ntwo\n", &a, &path, &e), 0);
	CHECK_INT(forensics_keep(folder, &second, "exited with code 4", "{}", "", &a, &other, &e), 0);
	CHECK_INT(fs_write(foreign, "", 0, 0600, &e), 0);
	CHECK_STR(path, arena_printf(&a, "%s/shop-web-3.01234567.log", folder));
	CHECK_INT(fs_read(path, 1000, &a, &text, NULL, &e), 0);
	CHECK_STR(text, "shop/web: shop-web-3, revision 0123456789abcdef: exited with code 3\n{ \"ExitCode\": 3 }\n\none\ntwo\n");
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	int64_t kept_ms = st.st_mtim.tv_sec * 1000LL;
	CHECK(stat(folder, &st) == 0 && (st.st_mode & 0777) == 0700);
	forensics_sweep(folder, kept_ms + FORENSICS_KEPT_MS - 1000);
	CHECK(fs_exists(path) && fs_exists(other));
	forensics_sweep(folder, kept_ms + FORENSICS_KEPT_MS + 10000);
	CHECK(!fs_exists(path) && !fs_exists(other) && fs_exists(foreign));
	CHECK_INT(fs_remove_tree(top, &e), 0);
}

static const struct test tests[] = {
	TEST(it_stays_for_a_day),
};
TESTS_MAIN(tests)
