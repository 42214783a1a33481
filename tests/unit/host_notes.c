/* host/notes: what was written comes back, from whichever copy is whole. */
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fs.h"
#include "base/macros.h"
#include "base/sha256.h"
#include "host/notes.h"
#include "keep.h"

static char top[64], folder[80], copy_a[96], copy_b[96];

static void begin(void)
{
	snprintf(top, sizeof top, "/tmp/reconcile-notes-XXXXXX");
	CHECK(mkdtemp(top));
	snprintf(folder, sizeof folder, "%s/private", top);
	snprintf(copy_a, sizeof copy_a, "%s/notes.a", folder);
	snprintf(copy_b, sizeof copy_b, "%s/notes.b", folder);
}

static void end(void)
{
	struct err e = {0};
	CHECK_INT(fs_remove_tree(top, &e), 0);
}

static void write_applied(const char *applied, int64_t want_sequence)
{
	struct err e = {0};
	struct notes n = {.applied = applied};
	CHECK_INT(notes_write(folder, &n, &e), 0);
	CHECK_INT(n.sequence, want_sequence);
}

/* What a reader finds: the commit, or "missing". */
static void check_applied(const char *want)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	struct notes n;
	CHECK_INT(notes_read(folder, &a, &n, &e), 0);
	CHECK_STR(n.is_missing ? "missing" : n.applied, want);
}

static void a_first_run_has_none(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	struct notes n;
	begin();
	CHECK_INT(notes_read(folder, &a, &n, &e), 0);
	CHECK(n.is_missing);
	CHECK_INT(n.sequence, 0);
	CHECK_STR(n.applied, "");
	CHECK(!fs_exists(folder)); /* reading makes nothing */
	end();
}

static void everything_comes_back(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	struct stat st;
	struct note_quarantine q[] = {
		{"shop", "web", "abc", "probe: 503 \"late\"\n\xc3\xa9", 1795255200123},
		{"shop", "api", "def", "", 1},
	};
	struct note_good g[] = {{"shop", "web", "aaa", "image: x\nenv: {A: \"b\\\\\"}\n", "sha256:a"}};
	struct past_good before[] = {{"shop", "web", "998", "sha256:8"}, {"shop", "api", "77", ""}, {"shop", "web", "999", "sha256:9"}};
	struct notes n = {.quarantines = q, .quarantines_count = 2, .goods = g, .goods_count = 1, .past_goods = {before, 3},
	                  .applied = "c0ffee"}, got;
	begin();
	CHECK_INT(notes_write(folder, &n, &e), 0);
	CHECK_INT(n.sequence, 1);
	CHECK_INT(notes_read(folder, &a, &got, &e), 0);
	CHECK(!got.is_missing);
	CHECK_INT(got.sequence, 1);
	CHECK_STR(got.applied, "c0ffee");
	CHECK_INT(got.quarantines_count, 2);
	CHECK_STR(got.quarantines[0].project, "shop");
	CHECK_STR(got.quarantines[0].service, "web");
	CHECK_STR(got.quarantines[0].revision, "abc");
	CHECK_STR(got.quarantines[0].reason, q[0].reason);
	CHECK_INT(got.quarantines[0].since_ms, 1795255200123);
	CHECK_STR(got.quarantines[1].service, "api");
	CHECK_INT(got.goods_count, 1);
	CHECK_STR(got.goods[0].project, "shop");
	CHECK_STR(got.goods[0].service, "web");
	CHECK_STR(got.goods[0].revision, "aaa");
	CHECK_STR(got.goods[0].spec, g[0].spec);
	CHECK_STR(got.goods[0].image_id, "sha256:a");
	CHECK_INT(got.past_goods.count, 3);
	for (size_t i = 0; i < 3; i++) {
		CHECK_STR(got.past_goods.items[i].project, before[i].project);
		CHECK_STR(got.past_goods.items[i].service, before[i].service);
		CHECK_STR(got.past_goods.items[i].revision, before[i].revision);
		CHECK_STR(got.past_goods.items[i].image_id, before[i].image_id);
	}
	CHECK_INT(stat(folder, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0700);
	CHECK_INT(stat(copy_a, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	end();
}

/* By a tool that did not keep what was good before. */
static void older_notes_are_read(void)
{
	static const char body[] = "{\"sequence\": 7, \"applied\": \"c0ffee\", \"quarantines\": [], \"goods\": [{\"project\": \"shop\", "
	                           "\"service\": \"web\", \"revision\": \"aaa\", \"spec\": \"x\"}], \"images\": []}";
	CLEANUP(arena_done) struct arena a = {0};
	char hex[SHA256_HEX_SIZE];
	struct err e = {0};
	struct notes got;
	begin();
	sha256_hex(body, strlen(body), hex);
	const char *text = arena_printf(&a, "reconcile-notes 1 %s\n%s", hex, body);
	CHECK_INT(fs_mkdir(folder, 0700, &e), 0);
	CHECK_INT(fs_write(copy_a, text, strlen(text), 0600, &e), 0);
	CHECK_INT(notes_read(folder, &a, &got, &e), 0);
	CHECK(!got.is_missing);
	CHECK_STR(got.goods[0].revision, "aaa");
	CHECK_STR(got.goods[0].image_id, "");
	CHECK_INT(got.past_goods.count, 0);
	end();
}

/* The revisions of shop/web that were good before, and the images they had, as the disk has them: "1 2 ". */
static const char *before_of(struct arena *a)
{
	struct err e = {0};
	struct notes n;
	const char *all = "";
	CHECK_INT(notes_read(folder, a, &n, &e), 0);
	for (size_t i = 0; i < n.past_goods.count; i++) {
		CHECK_STR(n.past_goods.items[i].image_id, arena_printf(a, "sha256:%s", n.past_goods.items[i].revision));
		all = arena_printf(a, "%s%s ", all, n.past_goods.items[i].revision);
	}
	return all;
}

static int becomes_good(struct keeper *k, const char *revision)
{
	struct err e = {0};
	struct service s = {.project = "shop", .name = "web", .image = "app:1"};
	snprintf(s.revision, sizeof s.revision, "%s", revision);
	char id[32];
	snprintf(id, sizeof id, "sha256:%s", revision);
	struct action action = {.kind = ACTION_COMMIT, .project = "shop", .service = "web", .revision = revision, .spec = &s,
	                        .image_id = id};
	return keep_good(k, &action, &e);
}

static void what_was_good_before_is_kept(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	struct keeper k;
	begin();
	snprintf(folder, sizeof folder, "%s/notes", top); /* as the keeper calls it */
	CHECK_INT(keep_open(&k, top, &a, &e), 0);
	static const struct {
		const char *good, *before;
	} turns[] = {{"1", ""}, {"1", ""}, {"2", "1 "}, {"3", "1 2 "}, {"1", "2 3 "}, {"4", "2 3 1 "}};
	for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
		CHECK_INT(becomes_good(&k, turns[i].good), 0);
		CHECK_STR(before_of(&a), turns[i].before);
	}
	struct action failed = {.kind = ACTION_QUARANTINE, .project = "shop", .service = "web", .revision = "3", .reason = "exits"};
	CHECK_INT(keep_quarantine(&k, &failed, &e), 0);
	CHECK_STR(before_of(&a), "2 1 ");
	for (int i = 5; i < 30; i++)
		CHECK_INT(becomes_good(&k, arena_printf(&a, "%d", i)), 0);
	CHECK_STR(before_of(&a), "19 20 21 22 23 24 25 26 27 28 ");
	end();
}

static void images_are_noted_and_forgotten(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	struct notes n = {.applied = ""}, got;
	begin();
	notes_put_image(&n, &(struct note_image){"shop", "web", "r/app:1", "sha256:1", 0, true}, &a);
	notes_put_image(&n, &(struct note_image){"shop", "web", "r/app:2", "", 7, false}, &a);
	notes_put_image(&n, &(struct note_image){"shop", "job", "r/app:1", "sha256:1", 0, false}, &a);
	notes_put_image(&n, &(struct note_image){"shop", "web", "r/app:1", "", 9, true}, &a); /* and it was good, too */
	CHECK_INT(notes_write(folder, &n, &e), 0);
	CHECK_INT(notes_read(folder, &a, &got, &e), 0);
	CHECK_INT(got.images_count, 3);
	const struct note_image *last = &got.images[2];
	CHECK_STR(last->service, "web");
	CHECK_STR(last->image, "r/app:1");
	CHECK_STR(last->id, "sha256:1");
	CHECK_INT(last->good_ms, 9);
	CHECK(last->is_secret && !got.images[0].is_secret);
	notes_forget_image(&got, "r/app:1");
	CHECK_INT(got.images_count, 1);
	CHECK_STR(got.images[0].image, "r/app:2");
	/* A service that gets a new image every hour does not fill the notes. */
	for (int i = 0; i < 100; i++)
		notes_put_image(&got, &(struct note_image){"shop", "web", arena_printf(&a, "r/app:%d", i + 3), "x", i, false}, &a);
	CHECK_INT(got.images_count, 32);
	CHECK_STR(got.images[31].image, "r/app:102");
	end();
}

static void either_copy_can_be_lost(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	char *one, *of_a, *of_b;
	begin();
	write_applied("one", 1);
	CHECK_INT(fs_read(copy_b, 4096, &a, &one, NULL, &e), 0);
	write_applied("two", 2);
	CHECK_INT(fs_read(copy_a, 4096, &a, &of_a, NULL, &e), 0);
	CHECK_INT(fs_read(copy_b, 4096, &a, &of_b, NULL, &e), 0);
	CHECK_STR(of_a, of_b);
	CHECK_INT(unlink(copy_a), 0);
	check_applied("two");
	write_applied("three", 3);
	CHECK_INT(unlink(copy_b), 0);
	check_applied("three");
	/* Killed between the two: the newer one counts, whichever it is, until it is broken. */
	CHECK_INT(fs_write(copy_b, one, strlen(one), 0600, &e), 0);
	check_applied("three");
	CHECK_INT(rename(copy_a, copy_b) | fs_write(copy_a, one, strlen(one), 0600, &e), 0);
	check_applied("three");
	CHECK_INT(truncate(copy_b, 10), 0);
	check_applied("one");
	/* A caller that read "three" and still holds it does not go back in sequence. */
	struct notes held = {.sequence = 3, .applied = "four"};
	CHECK_INT(notes_write(folder, &held, &e), 0);
	CHECK_INT(held.sequence, 4);
	check_applied("four");
	end();
}

static void cut_anywhere_the_other_answers(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	char *text;
	size_t length;
	begin();
	write_applied("one", 1);
	write_applied("two", 2);
	CHECK_INT(fs_read(copy_b, 4096, &a, &text, &length, &e), 0);
	CHECK(length > 80);
	for (size_t cut = 0; cut < length; cut++) {
		CHECK_INT(fs_write(copy_b, text, cut, 0600, &e), 0);
		check_applied("two");
	}
	for (size_t at = 0; at < length; at++) {
		text[at] ^= 1;
		CHECK_INT(fs_write(copy_b, text, length, 0600, &e), 0);
		check_applied("two");
		text[at] ^= 1;
	}
	write_applied("three", 3);
	CHECK_INT(truncate(copy_b, 10), 0);
	check_applied("three");
	CHECK_INT(truncate(copy_a, 10), 0);
	check_applied("missing");
	write_applied("again", 1);
	check_applied("again");
	end();
}

static void a_full_disk_leaves_both_whole(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	char *a_before, *b_before, *now, big[9000];
	memset(big, 'x', sizeof big);
	big[sizeof big - 1] = 0;
	begin();
	write_applied("one", 1);
	write_applied("two", 2);
	CHECK_INT(fs_read(copy_a, 4096, &a, &a_before, NULL, &e), 0);
	CHECK_INT(fs_read(copy_b, 4096, &a, &b_before, NULL, &e), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct notes n = {.applied = big};
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 4096, .rlim_max = 4096});
		int rc = notes_write(folder, &n, &e);
		_exit(rc == -1 && n.sequence == 0 && strstr(e.message, "notes: ") && strstr(e.message, "File too large") ? 7 : 1);
	}
	int status = 0;
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 7);
	CHECK_INT(fs_read(copy_a, 4096, &a, &now, NULL, &e), 0);
	CHECK_STR(now, a_before);
	CHECK_INT(fs_read(copy_b, 4096, &a, &now, NULL, &e), 0);
	CHECK_STR(now, b_before);
	check_applied("two");
	end();
}

static void what_a_killed_write_left_is_swept(void)
{
	struct err e = {0};
	char left[128];
	begin();
	write_applied("one", 1);
	snprintf(left, sizeof left, "%s/notes.b.tmp-4711", folder);
	CHECK_INT(fs_write(left, "half", 4, 0600, &e), 0);
	check_applied("one");
	write_applied("two", 2);
	CHECK(!fs_exists(left));
	check_applied("two");
	end();
}

static void what_cannot_be_read_is_no_loss(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	struct notes n;
	begin();
	CHECK_INT(fs_mkdir(folder, 0700, &e), 0);
	CHECK_INT(symlink("notes.a", copy_a), 0); /* ELOOP: not "missing", and nothing is written over it */
	CHECK_INT(notes_read(folder, &a, &n, &e), -1);
	CHECK_CONTAINS(e.message, "notes: ");
	CHECK_CONTAINS(e.message, "Too many levels of symbolic links");
	struct notes mine = {.applied = "x"};
	CHECK_INT(notes_write(folder, &mine, &e), -1);
	CHECK(!fs_exists(copy_b));
	end();
}

static const struct test tests[] = {
	TEST(a_first_run_has_none),
	TEST(everything_comes_back),
	TEST(either_copy_can_be_lost),
	TEST(older_notes_are_read),
	TEST(what_was_good_before_is_kept),
	TEST(images_are_noted_and_forgotten),
	TEST(cut_anywhere_the_other_answers),
	TEST(a_full_disk_leaves_both_whole),
	TEST(what_a_killed_write_left_is_swept),
	TEST(what_cannot_be_read_is_no_loss),
};
TESTS_MAIN(tests)
