/*
 * The parts of the host's swap that read and write text and bytes: /etc/fstab, the header of a swap file, memory limits.
 * What the kernel makes of it all is in tests/real/swap.sh.
 */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "host/cgroup.h"
#include "host/fstab.h"
#include "host/swap_file.h"

#define LINE "/swapfile none swap nofail,x-reconcile=me 0 0\n"

/* What a text becomes when our line is put into it; and it is the old one again when that is taken away. */
static void other_lines_stay_byte_for_byte(void)
{
	static const struct { const char *text, *with; } texts[] = {
		{"", LINE},
		{"\n", "\n" LINE},
		{"a / ext4 defaults 0 1\n", "a / ext4 defaults 0 1\n" LINE},
		{"a / ext4 defaults 0 1", LINE "a / ext4 defaults 0 1"},
		{"a / ext4\n# last", "a / ext4\n" LINE "# last"},
		{"a / ext4 defaults\r\n\r\n\tb\t/b ext4\r\n", "a / ext4 defaults\r\n\r\n\tb\t/b ext4\r\n" LINE},
		{"#/swapfile none swap sw 0 0\n", "#/swapfile none swap sw 0 0\n" LINE},
		{"  # " LINE, "  # " LINE LINE},
		{"/swapfile2 none swap sw 0 0\n", "/swapfile2 none swap sw 0 0\n" LINE},
		{"x\n/other none swap x-reconcile=me 0 0\n", "x\n/other none swap x-reconcile=me 0 0\n" LINE},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(buf_done) struct buf with = BUF_INIT(4096), again = BUF_INIT(4096), without = BUF_INIT(4096);
		CHECK_INT(fstab_look(texts[i].text, "me", "/swapfile"), SWAP_LINE_NONE);
		fstab_put(&with, texts[i].text, "me", "/swapfile");
		CHECK_STR(with.text, texts[i].with);
		CHECK_INT(fstab_look(with.text, "me", "/swapfile"), SWAP_LINE_OURS);
		fstab_put(&again, with.text, "me", "/swapfile");
		CHECK_STR(again.text, texts[i].with);
		fstab_drop(&without, with.text, "me", "/swapfile");
		CHECK_STR(without.text, texts[i].text);
		buf_done(&with);
		buf_done(&again);
	}
}

static void whose_line_it_is(void)
{
	static const struct { const char *text; enum swap_line line; } texts[] = {
		{LINE, SWAP_LINE_OURS},
		{"x\n" LINE "y", SWAP_LINE_OURS},
		{LINE LINE, SWAP_LINE_CHANGED},
		{"/swapfile\tnone\tswap\tpri=5,x-reconcile=me,nofail\t0\t0\n", SWAP_LINE_CHANGED},
		{"  /swapfile none swap x-reconcile=me\r\n", SWAP_LINE_CHANGED},
		{"/swapfile none swap sw 0 0\n", SWAP_LINE_FOREIGN},
		{"/swapfile none swap x-reconcile=me2 0 0\n", SWAP_LINE_FOREIGN},
		{"/swapfile none swap x-reconcile=m 0 0\n", SWAP_LINE_FOREIGN},
		{"/swapfile none swap xx-reconcile=me 0 0\n", SWAP_LINE_FOREIGN},
		{"/swapfile none swap sw 0 0 x-reconcile=me\n", SWAP_LINE_FOREIGN},
		{LINE "/swapfile none swap sw 0 0", SWAP_LINE_FOREIGN},
		{"/swapfile\n", SWAP_LINE_FOREIGN},
		{"none /swapfile swap x-reconcile=me\n", SWAP_LINE_NONE},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CHECK_INT(fstab_look(texts[i].text, "me", "/swapfile"), texts[i].line);
		/* Ours is set right where it is; the other's stays. */
		CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
		fstab_put(&out, texts[i].text, "me", "/swapfile");
		CHECK_INT(fstab_look(out.text, "me", "/swapfile"),
		          texts[i].line == SWAP_LINE_FOREIGN ? SWAP_LINE_FOREIGN : SWAP_LINE_OURS);
	}
	CLEANUP(arena_done) struct arena a = {0};
	const char **files;
	CHECK_INT(fstab_ours("/a none swap sw\n" LINE "/b none swap x-reconcile=me\n/c none swap x-reconcile=you\n", "me", &a, &files), 2);
	CHECK_STR(files[0], "/swapfile");
	CHECK_STR(files[1], "/b");
}

static const char *folder;

static const char *path_of(struct arena *a, const char *name)
{
	return arena_printf(a, "%s/%s", folder, name);
}

/* A file as mkswap makes it, of that many pages, with as many less in its header. */
static void write_swap(const char *path, const char *label, int pages, unsigned less, bool has_holes)
{
	unsigned page = (unsigned)sysconf(_SC_PAGESIZE), numbers[] = {1, (unsigned)pages - 1 - less, 0};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	CHECK_INT(has_holes ? ftruncate(fd, (off_t)page * pages) : posix_fallocate(fd, 0, (off_t)page * pages), 0);
	CHECK(pwrite(fd, numbers, sizeof numbers, 1024) > 0);
	CHECK(pwrite(fd, label, strlen(label) + 1, 1024 + 28) > 0);
	CHECK(pwrite(fd, "SWAPSPACE2", 10, page - 10) > 0);
	close(fd);
}

static struct swap_file look_at(const char *path)
{
	struct swap_file f;
	struct err e;
	CHECK_INT(swap_file_look(path, "me", &f, &e), 0);
	return f;
}

static void the_header_says_whose_it_is(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	char mine[SWAP_LABEL_SIZE], other[SWAP_LABEL_SIZE];
	swap_label("me", mine);
	swap_label("you", other);
	CHECK(strlen(mine) == 15 && strcmp(mine, other) != 0);
	const char *path = path_of(&a, "swap"), *part = path_of(&a, "swap" SWAP_PART), *link = path_of(&a, "link");
	CHECK(!look_at(path).is_there);
	CHECK(!look_at(path_of(&a, "nowhere/swap")).is_there);
	write_swap(path, mine, 10, 0, false);
	struct swap_file f = look_at(path);
	CHECK(f.is_there && f.is_ours && f.is_sound && f.mode == 0600 && f.size_bytes == 10 * sysconf(_SC_PAGESIZE));
	write_swap(path, mine, 10, 0, true);
	CHECK(look_at(path).is_ours && !look_at(path).is_sound);
	write_swap(path, mine, 10, 1, false);
	CHECK(look_at(path).is_ours && !look_at(path).is_sound);
	write_swap(path, other, 10, 0, false);
	CHECK(look_at(path).is_there && !look_at(path).is_ours);
	write_swap(path, "", 10, 0, false);
	CHECK(!look_at(path).is_ours);
	/* Half made: no header yet, and only the name says it. Another installation's has a header. */
	struct err e;
	CHECK_INT(fs_write(part, "half", 4, 0600, &e), 0);
	CHECK(look_at(part).is_ours && !look_at(part).is_sound);
	write_swap(part, other, 10, 0, false);
	CHECK(!look_at(part).is_ours);
	CHECK_INT(fs_write(path, "data", 4, 0600, &e), 0);
	CHECK(look_at(path).is_there && !look_at(path).is_ours);
	write_swap(path, mine, 10, 0, false);
	CHECK_INT(symlink(path, link), 0);
	CHECK(look_at(link).is_there && !look_at(link).is_ours);
	CHECK(look_at(folder).is_there && !look_at(folder).is_ours);
}

static void put_group(struct arena *a, const char *name, const char *file, const char *text)
{
	struct err e;
	CHECK_INT(fs_mkdir(path_of(a, name), 0755, &e), 0);
	CHECK_INT(fs_write(arena_printf(a, "%s/%s/%s", folder, name, file), text, strlen(text), 0644, &e), 0);
}

static void what_is_beyond_memory_limits(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	const char *worst;
	CHECK_INT(cgroup_bound_bytes(path_of(&a, "nowhere"), &a, &worst), 0);
	CHECK(worst == NULL);
	/* Version 2: 100 + 20 + 50 against 150, and 300 + 0 + 60 against 310; page cache does not count, nor no limit. */
	put_group(&a, "v2/one", "memory.max", "150\n");
	put_group(&a, "v2/one", "memory.swap.current", "50\n");
	put_group(&a, "v2/one", "memory.stat", "anon 100\nfile 1000\nkernel 5\nshmem 20\ninactive_anon 7000\n");
	put_group(&a, "v2/slice/two", "memory.max", "310\n");
	put_group(&a, "v2/slice/two", "memory.swap.current", "60\n");
	put_group(&a, "v2/slice/two", "memory.stat", "anon 300\nshmem 0\n");
	put_group(&a, "v2/free", "memory.max", "max\n");
	put_group(&a, "v2/free", "memory.swap.current", "5000\n");
	put_group(&a, "v2/free", "memory.stat", "anon 5000\n");
	CHECK_INT(cgroup_bound_bytes(path_of(&a, "v2"), &a, &worst), 20 + 50);
	CHECK_STR(worst, path_of(&a, "v2/slice/two"));
	/* Version 1: what is swapped out stands in memory.stat. */
	put_group(&a, "v1/docker/one", "memory.limit_in_bytes", "150\n");
	put_group(&a, "v1/docker/one", "memory.stat", "cache 9\nrss 9\nswap 9\ntotal_cache 1000\ntotal_rss 100\ntotal_shmem 10\ntotal_swap 80\n");
	put_group(&a, "v1/docker/two", "memory.limit_in_bytes", "9223372036854771712\n");
	put_group(&a, "v1/docker/two", "memory.stat", "total_rss 100\ntotal_swap 8000\n");
	CHECK_INT(cgroup_bound_bytes(path_of(&a, "v1"), &a, &worst), 40);
	CHECK_STR(worst, path_of(&a, "v1/docker/one"));
}

static const struct test tests[] = {
	TEST(other_lines_stay_byte_for_byte),
	TEST(whose_line_it_is),
	TEST(the_header_says_whose_it_is),
	TEST(what_is_beyond_memory_limits),
};

int main(int argc, char **argv)
{
	char made[] = "/tmp/reconcile-swap-XXXXXX";
	struct err e;
	folder = mkdtemp(made);
	int code = check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL);
	return fs_remove_tree(folder, &e) < 0 ? 1 : code;
}
