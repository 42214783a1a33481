/* base/: strings, arrays, errors, hashes, files, clock. */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/process.h"
#include "base/sha256.h"

static void sha256_of_the_standard(void)
{
	/* FIPS 180-4 examples: "abc" and the two-block message. */
	char hex[SHA256_HEX_SIZE];
	sha256_hex("abc", 3, hex);
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	sha256_hex(two, strlen(two), hex);
	CHECK_STR(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	sha256_hex("", 0, hex);
	CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void arrays_keep_what_was_pushed(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	int *items = NULL;
	size_t count = 0;
	for (int i = 0; i < 1000; i++)
		*ARENA_PUSH(&a, items, count) = i;
	CHECK_INT(count, 1000);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(items[i], i);
}

static void a_buffer_stops_at_its_maximum(void)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(10);
	CHECK_STR(b.text, "");
	buf_puts(&b, "12345");
	buf_printf(&b, "%s", "67890");
	CHECK(!b.overflowed);
	buf_puts(&b, "x");
	CHECK(b.overflowed);
	CHECK_STR(b.text, "1234567890");
	buf_clear(&b);
	CHECK_STR(b.text, "");
}

static void errors_keep_their_kind(void)
{
	struct err e = {0};
	CHECK_INT(err_set(&e, ERR_TRANSIENT, "no answer"), -1);
	CHECK_INT(err_wrap(&e, "registry %d", 7), -1);
	CHECK_STR(e.message, "registry 7: no answer");
	CHECK_INT(err_info(e.kind)->exit_code, 75);
	for (int kind = 1; kind < ERR_KIND_COUNT; kind++) {
		CHECK(err_info(kind)->name);
		CHECK(err_info(kind)->exit_code != 0);
	}
	char long_text[3000];
	memset(long_text, 'a', sizeof long_text);
	long_text[sizeof long_text - 1] = 0;
	err_set(&e, ERR_INVALID, "%s", long_text);
	CHECK_INT(strlen(e.message), sizeof e.message - 1);
	CHECK_CONTAINS(e.message, "...");
}

static void files_are_replaced_whole(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e = {0};
	char folder[] = "/tmp/reconcile-base-XXXXXX";
	CHECK(mkdtemp(folder));
	char *deep = arena_printf(&a, "%s/a/b", folder), *file = arena_printf(&a, "%s/f", deep), *text;
	size_t length;
	mode_t before = umask(077);
	CHECK_INT(fs_mkdir(deep, 0755, &e), 0);
	CHECK_INT(fs_write(file, "one", 3, 0644, &e), 0);
	umask(before);
	CHECK_INT(fs_write(file, "second", 6, 0644, &e), 0);
	CHECK_INT(fs_read(file, 100, &a, &text, &length, &e), 0);
	CHECK_STR(text, "second");
	CHECK_INT(length, 6);
	struct stat st;
	CHECK_INT(stat(file, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0644);
	CHECK_INT(stat(deep, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0755);
	CHECK_INT(fs_read(file, 3, &a, &text, NULL, &e), -1);
	CHECK_INT(e.kind, ERR_INVALID);
	CHECK_INT(fs_read("/nonexistent", 3, &a, &text, NULL, &e), -1);
	CHECK_INT(e.kind, ERR_NOT_FOUND);
	CHECK_INT(fs_mkdir(file, 0755, &e), -1);
	CHECK_STR(e.message, arena_printf(&a, "%s: Not a directory", file));
	CHECK_INT(fs_mkdir("", 0755, &e), -1);
	CHECK_INT(e.kind, ERR_INVALID);
	CHECK_INT(fs_mkdir(arena_printf(&a, "%s/a/", folder), 0755, &e), 0);
	char *sparse = arena_printf(&a, "%s/sparse", folder);
	CHECK_INT(fs_write(sparse, "", 0, 0600, &e), 0);
	CHECK_INT(truncate(sparse, (off_t)1 << 40), 0);
	CHECK_INT(fs_read(sparse, 100, &a, &text, NULL, &e), -1);
	CHECK_STR(e.message, arena_printf(&a, "%s: larger than 100 bytes", sparse));
	char *link = arena_printf(&a, "%s/link", folder);
	CHECK_INT(fs_symlink("a", link, &e), 0);
	CHECK_INT(fs_symlink("a/b", link, &e), 0);
	char *through = arena_printf(&a, "%s/f", link);
	CHECK(fs_exists(through));
	CHECK_INT(fs_remove_tree(folder, &e), 0);
	CHECK(!fs_exists(folder));
	CHECK_INT(fs_remove_tree(folder, &e), 0);
}

static void times_are_read_as_docker_prints_them(void)
{
	CHECK_INT(clock_parse_rfc3339_ms("1970-01-01T00:00:01.5Z"), 1500);
	CHECK_INT(clock_parse_rfc3339_ms("2026-11-21T10:00:00.123456789Z"), 1795255200123);
	CHECK_INT(clock_parse_rfc3339_ms("2026-11-21T11:00:00+01:00"), 1795255200000);
	CHECK_INT(clock_parse_rfc3339_ms("0001-01-01T00:00:00Z"), 0);
	CHECK_INT(clock_parse_rfc3339_ms(""), 0);
	char text[32];
	CHECK_STR(clock_duration(90000, text), "90s");
	CHECK_STR(clock_duration(120000, text), "2m");
	CHECK_STR(clock_duration(1500, text), "1.5s");
	CHECK_STR(clock_duration(400, text), "400ms");
}

static void programs_run_with_a_deadline(void)
{
	struct err e = {0};
	int status = -1;
	CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
	const char *say[] = {"sh", "-c", "echo out; echo err >&2; exit 3", NULL};
	CHECK_INT(process_run(&(struct process){.argv = say, .timeout_ms = 5000}, &out, &status, &e), 0);
	CHECK_INT(status, 3);
	CHECK_STR(out.text, "out\nerr\n");
	const char *hang[] = {"sleep", "30", NULL};
	static const char *const echo[] = {"cat", NULL};
	buf_clear(&out);
	CHECK_INT(process_run(&(struct process){.argv = echo, .input = "one\ntwo", .timeout_ms = 5000}, &out, &status, &e), 0);
	CHECK_STR(out.text, "one\ntwo");
	CHECK_INT(status, 0);
	/* One that does not read it is no trouble. */
	static const char *const rude[] = {"true", NULL};
	CHECK_INT(process_run(&(struct process){.argv = rude, .input = "one", .timeout_ms = 5000}, &out, &status, &e), 0);
	CHECK_INT(status, 0);
	static char much[5000];
	memset(much, 'x', sizeof much - 1);
	CHECK_INT(process_run(&(struct process){.argv = echo, .input = much, .timeout_ms = 5000}, &out, &status, &e), -1);
	CHECK_INT(e.kind, ERR_INTERNAL);
	CHECK_INT(process_run(&(struct process){.argv = hang, .timeout_ms = 50}, &out, &status, &e), -1);
	CHECK_INT(e.kind, ERR_TRANSIENT);
	/* Closing its output is not the end of a program. */
	const char *deaf[] = {"sh", "-c", "exec >&- 2>&-; exec sleep 30", NULL};
	int64_t start_ms = clock_monotonic_ms();
	CHECK_INT(process_run(&(struct process){.argv = deaf, .timeout_ms = 300}, &out, &status, &e), -1);
	CHECK_STR(e.message, "sh: no end after 300 ms; killed");
	CHECK(clock_monotonic_ms() - start_ms < 5000);
	const char *missing[] = {"no-such-program", NULL};
	CHECK_INT(process_run(&(struct process){.argv = missing, .timeout_ms = 5000}, &out, &status, &e), 0);
	CHECK_INT(status, 127);
}

static void sizes_in_words(void)
{
	static const struct { int64_t bytes; const char *text; } sizes[] = {
		{0, "0B"}, {1023, "1023B"}, {1024, "1K"}, {1536, "1.5K"}, {1537, "1537B"}, {512 << 20, "512M"}, {1100LL << 20, "1100M"},
		{3LL << 29, "1.5G"}, {11096 << 10, "10.8M"}, {(40LL << 20) + 12345, "40M"}, {(40LL << 20) + 350000, "40.3M"}, {2LL << 40, "2T"},
		{INT64_MAX, "8191.9P"},
	};
	char out[SIZE_TEXT];
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		CHECK_STR(size_text(sizes[i].bytes, out), sizes[i].text);
}

static const struct test tests[] = {
	TEST(sizes_in_words),
	TEST(sha256_of_the_standard),      TEST(arrays_keep_what_was_pushed), TEST(a_buffer_stops_at_its_maximum),
	TEST(errors_keep_their_kind),      TEST(files_are_replaced_whole),    TEST(times_are_read_as_docker_prints_them),
	TEST(programs_run_with_a_deadline),
};
TESTS_MAIN(tests)
