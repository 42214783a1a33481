/* desired/git over file://: what is fetched, what is left alone, and what a damaged mirror costs. */
#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/process.h"
#include "base/sha256.h"
#include "desired/child.h"
#include "desired/git.h"
#include "desired/git_names.h"

static struct arena a;
static struct err e;
static char top[64], repo[80], mirror[96], url[96];
static struct git_settings main_branch;

/* Runs a shell line in the repository; the last line of what it says is kept. */
static const char *sh(const char *line)
{
	static char last[128];
	CLEANUP(buf_done) struct buf out = BUF_INIT(64 * 1024);
	const char *argv[] = {"sh", "-ec", arena_printf(&a, "cd %s; %s", repo, line), NULL};
	int status = -1;
	if (process_run(&(struct process){.argv = argv, .timeout_ms = 60000}, &out, &status, &e) < 0 || status != 0) {
		fprintf(stderr, "%s: %d: %s\n", line, status, out.text);
		CHECK(!"the shell line works");
	}
	while (out.length && out.text[out.length - 1] == '\n')
		out.text[--out.length] = 0;
	const char *start = strrchr(out.text, '\n');
	snprintf(last, sizeof last, "%.120s", start ? start + 1 : out.text);
	return last;
}

static void begin(void)
{
	snprintf(top, sizeof top, "/tmp/reconcile-git-XXXXXX");
	CHECK(mkdtemp(top));
	snprintf(repo, sizeof repo, "%s/repo", top);
	snprintf(mirror, sizeof mirror, "%s/state/mirror", top);
	snprintf(url, sizeof url, "file://%s", repo);
	main_branch = (struct git_settings){.url = url, .branch = "main", .mirror = mirror};
	setenv("HOME", top, 1);
	setenv("TMPDIR", top, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	static const char *const who[] = {"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"};
	for (size_t i = 0; i < ARRAY_LEN(who); i++)
		setenv(who[i], "t@example.com", 1);
	CHECK_INT(mkdir(repo, 0755), 0);
	sh("git init -q -b main .; mkdir deploy; echo one > deploy/compose.yaml; seq 2000 > numbers; : > empty;"
	   "ln -s numbers link; git add .; GIT_COMMITTER_DATE='1700000000 +0000' git commit -qm 'First: a subject\n\nand a body'");
}

static void end(void)
{
	CHECK_STR(sh("ls $TMPDIR | grep peek || echo none"), "none");
	CHECK_INT(fs_remove_tree(top, &e), 0);
	arena_done(&a);
	e = (struct err){0};
}

static void check_sync(const struct git_settings *s, const char *want_id)
{
	struct git_commit c = {0};
	if (git_sync(s, &a, &c, &e) < 0)
		CHECK_STR(e.message, "");
	CHECK_STR(c.id, want_id);
	CHECK_STR(c.mirror, s->mirror);
	CHECK(clock_now_ms() - c.fetched_ms < 20000);
	CHECK_INT(git_last(s, &a, &c, &e), 0);
	CHECK_STR(c.id, want_id);
}

static void check_text(const struct git_commit *c, const char *path, const char *want)
{
	char *text = NULL;
	size_t length = 0;
	if (git_read(c, path, &a, &text, &length, &e) < 0)
		CHECK_STR(e.message, "");
	CHECK_STR(text, want);
	CHECK_INT(length, strlen(want));
}

/* One hash over names, modes, sizes, times and bytes of all that is below a folder; the file of the last answer's time
 * is left out when without_heard is set. */
static const char *hash_of(const char *folder, bool without_heard)
{
	return arena_strdup(&a, sh(arena_printf(&a, "cd %s; { find . %s -printf '%%p %%m %%s %%T@\\n' | sort; find . -type f "
	                                            "-print0 | sort -z | xargs -0 sha256sum; } | sha256sum",
	                                        folder, without_heard ? "! -name 'heard-*' ! -name ." : "")));
}

static void the_first_sync_brings_all(void)
{
	struct git_commit c = {0};
	begin();
	CHECK_INT(git_last(&main_branch, &a, &c, &e), -1);
	CHECK_INT(e.kind, ERR_NOT_FOUND);
	CHECK_STR(e.message, arena_printf(&a, "git: %s: nothing was fetched yet", mirror));
	check_sync(&main_branch, sh("git rev-parse HEAD"));
	CHECK_INT(git_last(&main_branch, &a, &c, &e), 0);
	CHECK_STR(c.subject, "First: a subject");
	CHECK_INT(c.time_ms, 1700000000000);
	check_text(&c, "deploy/compose.yaml", "one\n");
	check_text(&c, "./deploy//compose.yaml", "one\n");
	check_text(&c, "/empty", "");
	struct stat st;
	CHECK_INT(stat(mirror, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0700);
	CHECK_INT(stat(arena_printf(&a, "%s/state", top), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0755);
	end();
}

static void what_is_no_file(void)
{
	static const struct { const char *path, *words; enum err_kind kind; } rows[] = {
		{"nothing.yaml", "git: no file 'nothing.yaml' in commit ", ERR_NOT_FOUND},
		{"numbers/x", "git: no file 'numbers/x' in commit ", ERR_NOT_FOUND},
		{"deploy", " is a folder, not a file", ERR_NOT_FOUND},
		{"deploy/", " is a folder, not a file", ERR_NOT_FOUND},
		{".", "git: '.' in commit ", ERR_NOT_FOUND},
		{"", " is a folder, not a file", ERR_NOT_FOUND},
		{"link", " is a link, not a file", ERR_INVALID},
		{"deploy/../../etc/passwd", "git: 'deploy/../../etc/passwd': '..' leads out of the repository", ERR_INVALID},
	};
	struct git_commit c = {0};
	char *text;
	size_t length;
	begin();
	CHECK_INT(git_sync(&main_branch, &a, &c, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		e = (struct err){0};
		CHECK_INT(git_read(&c, rows[i].path, &a, &text, &length, &e), -1);
		CHECK_INT(e.kind, rows[i].kind);
		CHECK_CONTAINS(e.message, rows[i].words);
	}
	snprintf(c.id, sizeof c.id, "%040d", 1);
	CHECK_INT(git_read(&c, "numbers", &a, &text, &length, &e), -1);
	CHECK_INT(e.kind, ERR_INTERNAL);
	end();
}

static void nothing_moved_nothing_fetched(void)
{
	struct git_commit c = {0}, again = {0};
	begin();
	CHECK_INT(git_sync(&main_branch, &a, &c, &e), 0);
	const char *before = hash_of(mirror, true);
	sh(arena_printf(&a, "touch -d 2001-01-01 %s/heard-*", mirror));
	CHECK_INT(git_last(&main_branch, &a, &again, &e), 0);
	CHECK_INT(again.fetched_ms, 978307200000);
	check_sync(&main_branch, c.id);
	CHECK_STR(hash_of(mirror, true), before);
	/* Another branch moves: still nothing to fetch. */
	sh("git checkout -qb other; echo x > x; git add x; git commit -qm x; git checkout -q main");
	check_sync(&main_branch, c.id);
	CHECK_STR(hash_of(mirror, true), before);
	end();
}

static void it_follows_wherever_the_branch_goes(void)
{
	struct git_commit c = {0};
	begin();
	const char *first = arena_strdup(&a, sh("git rev-parse HEAD"));
	check_sync(&main_branch, first);
	const char *second = arena_strdup(&a, sh("echo two > deploy/compose.yaml; git commit -qam two; git rev-parse HEAD"));
	check_sync(&main_branch, second);
	CHECK_INT(git_last(&main_branch, &a, &c, &e), 0);
	check_text(&c, "deploy/compose.yaml", "two\n");
	CHECK_STR(c.subject, "two");
	/* Force-pushed to something else, and back to what the mirror already has. */
	const char *third = arena_strdup(&a, sh("git reset -q --hard HEAD~; echo 3 > deploy/compose.yaml; git commit -qam 3;"
	                                        "git rev-parse HEAD"));
	check_sync(&main_branch, third);
	sh("git reset -q --hard HEAD~");
	check_sync(&main_branch, first);
	CHECK_INT(git_last(&main_branch, &a, &c, &e), 0);
	check_text(&c, "deploy/compose.yaml", "one\n");
	end();
}

static void the_default_branch_and_others(void)
{
	struct git_settings head, other;
	struct git_commit c = {0};
	begin();
	head = other = main_branch;
	head.branch = NULL;
	other.branch = "topic/two";
	const char *first = arena_strdup(&a, sh("git rev-parse HEAD"));
	check_sync(&head, first);
	CHECK_INT(git_last(&main_branch, &a, &c, &e), -1); /* what was fetched for HEAD says nothing about main */
	const char *second = arena_strdup(&a, sh("git checkout -qb topic/two; echo 2 > two; git add .; git commit -qm 2;"
	                                         "git rev-parse HEAD"));
	check_sync(&head, second);
	check_sync(&other, second);
	check_sync(&main_branch, first);
	CHECK_INT(git_last(&head, &a, &c, &e), 0);
	CHECK_STR(c.id, second);
	const char *loose = arena_strdup(&a, sh("git checkout -q --detach; echo 4 > two; git commit -qam 4; git rev-parse HEAD"));
	check_sync(&head, loose);
	/* Another URL does not inherit what this one said. */
	other.url = "file:///nonexistent/repo";
	CHECK_INT(git_last(&other, &a, &c, &e), -1);
	CHECK_INT(e.kind, ERR_NOT_FOUND);
	end();
}

static void a_branch_that_is_gone(void)
{
	struct git_settings s;
	struct git_commit c = {0};
	begin();
	s = main_branch;
	s.branch = "gone";
	const char *first = arena_strdup(&a, sh("git branch gone; git rev-parse gone"));
	check_sync(&s, first);
	sh("git branch -D gone");
	CHECK_INT(git_sync(&s, &a, &c, &e), -1);
	CHECK_INT(e.kind, ERR_NOT_FOUND);
	CHECK_STR(e.message, arena_printf(&a, "%s: no branch or tag 'gone'; its branches: main", url));
	CHECK_INT(git_last(&s, &a, &c, &e), 0);
	CHECK_STR(c.id, first);
	sh("for i in 1 2 3 4 5 6; do git branch b$i; done");
	CHECK_INT(git_peek(&s, &a, &c, &e), -1);
	CHECK_STR(e.message, arena_printf(&a, "%s: no branch or tag 'gone'; its branches: b1, b2, b3, b4, b5 and 2 more", url));
	sh("rm -rf .git; git init -q -b main .");
	CHECK_INT(git_sync(&main_branch, &a, &c, &e), -1);
	CHECK_INT(e.kind, ERR_NOT_FOUND);
	CHECK_STR(e.message, arena_printf(&a, "%s: the repository has no branch yet", url));
	end();
}

/* Each row damages the mirror another way; the next sync must have it whole, the branch moved or not. */
static void a_damaged_mirror_is_made_anew(void)
{
	static const char *const damages[] = {
		"find objects -name '*.pack' -exec truncate -s 60 {} +",
		"find objects -name '*.pack' -exec truncate -s 0 {} +",
		"find objects -name '*.idx' -exec truncate -s 100 {} +",
		/* The middle of the pack, which no trailer gives away. */
		"f=$(find objects -name '*.pack'); chmod 600 $f; printf zzzz | dd of=$f bs=1 seek=$(($(stat -c %s $f)/2)) conv=notrunc",
		"rm -rf objects",
		"rm HEAD",
		"rm -rf refs packed-refs; : > refs",
		": > $(find refs -type f).lock",
		"truncate -s 3 $(find refs -type f)",
		"cd ..; rm -rf mirror",
		"cd ..; rm -rf mirror; : > mirror",
	};
	for (size_t i = 0; i < ARRAY_LEN(damages); i++)
		for (int moved = 0; moved < 2; moved++) {
			struct git_commit c = {0};
			int before = check_failures;
			begin();
			check_sync(&main_branch, sh("git rev-parse HEAD"));
			sh(arena_printf(&a, "cd %s; %s", mirror, damages[i]));
			if (moved)
				sh("echo two > deploy/compose.yaml; git commit -qam two");
			/* A peek gets by, too, and leaves the damage as it is. */
			const char *hash = hash_of(arena_printf(&a, "%s/state", top), false);
			CHECK_INT(git_peek(&main_branch, &a, &c, &e), 0);
			check_text(&c, "deploy/compose.yaml", moved ? "two\n" : "one\n");
			git_peek_done(&main_branch, &c);
			CHECK_STR(hash_of(arena_printf(&a, "%s/state", top), false), hash);

			check_sync(&main_branch, sh("git rev-parse HEAD"));
			CHECK_INT(git_last(&main_branch, &a, &c, &e), 0);
			check_text(&c, "deploy/compose.yaml", moved ? "two\n" : "one\n");
			char *text;
			CHECK_INT(git_read(&c, "numbers", &a, &text, NULL, &e), 0);
			CHECK_STR(sh(arena_printf(&a, "git -C %s fsck --full --strict 2>&1 | grep -Ev 'dangling|notice' || echo fine", mirror)),
			          "fine");
			CHECK_STR(sh("ls $TMPDIR/state"), "mirror");
			end();
			if (check_failures != before)
				fprintf(stderr, "damage was: %s%s\n", damages[i], moved ? " (and the branch moved)" : "");
		}
}

static void too_many_packs_are_one_again(void)
{
	begin();
	check_sync(&main_branch, sh("git rev-parse HEAD"));
	sh(arena_printf(&a, "cd %s/objects/pack; for i in $(seq 100); do : > pack-$i.keep; done; : > pack_git2_left", mirror));
	check_sync(&main_branch, sh("git rev-parse HEAD"));
	CHECK_STR(sh(arena_printf(&a, "ls %s/objects/pack | wc -l", mirror)), "103"); /* not moved: nothing is done */
	check_sync(&main_branch, sh("echo 2 > two; git add .; git commit -qm 2; git rev-parse HEAD"));
	CHECK_STR(sh(arena_printf(&a, "ls %s/objects/pack | wc -l", mirror)), "2");
	/* A cut download is swept by the next fetch. */
	sh(arena_printf(&a, ": > %s/objects/pack/pack_git2_left", mirror));
	check_sync(&main_branch, sh("echo 3 > two; git commit -qam 3; git rev-parse HEAD"));
	CHECK_STR(sh(arena_printf(&a, "ls %s/objects/pack | grep -c git2_ || true", mirror)), "0");
	end();
}

static void a_peek_touches_nothing(void)
{
	struct git_commit c = {0}, last = {0};
	begin();
	/* With no mirror at all none is made. */
	const char *first = arena_strdup(&a, sh("git rev-parse HEAD"));
	CHECK_INT(git_peek(&main_branch, &a, &c, &e), 0);
	CHECK_STR(c.id, first);
	check_text(&c, "deploy/compose.yaml", "one\n");
	CHECK(strncmp(c.mirror, arena_printf(&a, "%s/reconcile-peek-", top), strlen(top) + 16) == 0);
	const char *folder = c.mirror;
	git_peek_done(&main_branch, &c);
	CHECK(!fs_exists(folder));
	CHECK(!fs_exists(mirror));

	sh("head -c 3000000 /dev/urandom > big; git add .; git commit -qm big");
	check_sync(&main_branch, sh("git rev-parse HEAD"));
	const char *before = hash_of(mirror, false);
	const char *second = arena_strdup(&a, sh("echo two > deploy/compose.yaml; git commit -qam two; git rev-parse HEAD"));
	CHECK_INT(git_peek(&main_branch, &a, &c, &e), 0);
	CHECK_STR(c.id, second);
	CHECK_STR(c.subject, "two");
	check_text(&c, "deploy/compose.yaml", "two\n");
	char *text;
	CHECK_INT(git_read(&c, "numbers", &a, &text, NULL, &e), 0); /* from the mirror's objects */
	/* What the mirror has was not fetched again. */
	CHECK_STR(sh(arena_printf(&a, "test $(du -sk %s | cut -f1) -lt 500 && echo small", c.mirror)), "small");
	CHECK_INT(git_last(&main_branch, &a, &last, &e), 0);
	CHECK(strcmp(last.id, second) != 0);
	git_peek_done(&main_branch, &c);
	git_peek_done(&main_branch, &last); /* the mirror itself: not removed */
	CHECK_STR(hash_of(mirror, false), before);
	end();
}

static void what_cannot_be_asked(void)
{
	static const struct { const char *url, *branch, *words; enum err_kind kind; } rows[] = {
		{"example.com:x.git", "main", "git: the URL must begin with file://, http://, https:// or ssh://, or be like git@host:path",
		 ERR_INVALID},
		{NULL, "main", "git: the URL must begin with file://, http://, https:// or ssh://, or be like git@host:path", ERR_INVALID},
		{"git@:x.git", "main", "git: the URL must begin with file://", ERR_INVALID},
		{"a/b@c:x", "main", "git: the URL must begin with file://", ERR_INVALID},
		{"ssh://joe:secret@example.com/x", "main", "git: a password in an ssh URL is not supported; use git.key_file",
		 ERR_INVALID},
		{"file:///nonexistent", "a..b", "git: 'a..b' is no name of a branch", ERR_INVALID},
		{"file:///nonexistent/r", "main", "file:///nonexistent/r: failed to resolve path '/nonexistent/r'", ERR_TRANSIENT},
		{"http://joe:secret@127.0.0.1:9/x", "main", "http://127.0.0.1:9/x: failed to connect to 127.0.0.1", ERR_TRANSIENT},
	};
	begin();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct git_settings s = {.url = rows[i].url, .branch = rows[i].branch, .mirror = mirror};
		struct git_commit c = {0};
		e = (struct err){0};
		CHECK_INT(git_sync(&s, &a, &c, &e), -1);
		CHECK_INT(e.kind, rows[i].kind);
		CHECK_CONTAINS(e.message, rows[i].words);
		CHECK(!strstr(e.message, "secret"));
		CHECK_INT(git_peek(&s, &a, &c, &e), -1);
		CHECK_INT(e.kind, rows[i].kind);
	}
	CHECK(!fs_exists(mirror));
	end();
}

static void passwords_are_starred(void)
{
	struct git_names n;
	begin();
	struct git_settings s = {.url = "https://joe:pa@ss@example.com/a@b", .mirror = mirror};
	CHECK_INT(git_names_of(&s, &n, &e), 0);
	CHECK_STR(n.url, "https://example.com/a@b");
	CHECK_STR(n.secret, "joe:pa@ss");
	err_set(&e, ERR_TRANSIENT, "bad https://joe:pa@ss@x and joe:pa@ss");
	git_names_hide(&n, &e);
	CHECK_STR(e.message, "bad https://*********@x and *********");
	end();
}

/* A listener that takes connections and never says a word. */
static int silent_server(int *fd)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof addr;
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(*fd, (struct sockaddr *)&addr, length), 0);
	CHECK_INT(listen(*fd, 8), 0);
	CHECK_INT(getsockname(*fd, (struct sockaddr *)&addr, &length), 0);
	return ntohs(addr.sin_port);
}

static void silence_is_bounded(void)
{
	struct git_commit c = {0};
	int fd;
	begin();
	const char *silent = arena_printf(&a, "http://127.0.0.1:%d/x.git", silent_server(&fd));
	struct git_settings s = {.url = silent, .branch = "main", .mirror = mirror, .ask_ms = 300};
	int64_t start_ms = clock_monotonic_ms();
	CHECK_INT(git_sync(&s, &a, &c, &e), -1);
	CHECK(clock_monotonic_ms() - start_ms < 3000);
	CHECK_INT(e.kind, ERR_TRANSIENT);
	CHECK_STR(e.message, arena_printf(&a, "%s: git: no answer within 300 ms", silent));
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1); /* no child is left behind */
	fd_close(&fd);
	end();
}

static void work_crashes(void *context, void *answer)
{
	(void)answer;
	kill(getpid(), *(int *)context);
}

static void work_exits(void *context, void *answer)
{
	(void)context;
	(void)answer;
	_exit(3);
}

static void work_answers(void *context, void *answer)
{
	struct stat st;
	/* The parent's descriptors (a lock!) must not live on in here. */
	*(int *)answer = fstat(*(int *)context, &st) < 0 ? 42 : 1;
}

static void a_crash_costs_one_answer(void)
{
	int sig = SIGKILL, answer = 0, fd = dup(2);
	struct child c = {.name = "git", .work = work_crashes, .context = &sig, .answer_size = sizeof answer, .timeout_ms = 5000};
	CHECK_INT(child_run(&c, &answer, &e), -1);
	CHECK_INT(e.kind, ERR_TRANSIENT);
	CHECK_STR(e.message, "git: the child died of signal 9");
	c.work = work_exits;
	CHECK_INT(child_run(&c, &answer, &e), -1);
	CHECK_INT(e.kind, ERR_TRANSIENT);
	CHECK_STR(e.message, "git: the child ended with code 3 and no answer");
	c.work = work_answers;
	c.context = &fd;
	fd = fcntl(2, F_DUPFD_CLOEXEC, 50);
	CHECK_INT(child_run(&c, &answer, &e), 0);
	CHECK_INT(answer, 42);
	close(fd);
}

/* In a process of its own: a stop request stays for good. */
static void a_stop_request_ends_the_wait(void)
{
	int fd, status = 0;
	begin();
	struct git_settings s = {.url = arena_printf(&a, "http://127.0.0.1:%d/x", silent_server(&fd)), .mirror = mirror};
	pid_t pid = fork();
	if (pid == 0) {
		struct git_commit c = {0};
		clock_catch_stop();
		kill(getpid(), SIGTERM);
		int rc = git_sync(&s, &a, &c, &e);
		_exit(rc == -1 && e.kind == ERR_STOPPED ? 7 : 1);
	}
	int64_t start_ms = clock_monotonic_ms();
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(WEXITSTATUS(status), 7);
	CHECK(clock_monotonic_ms() - start_ms < 3000);
	fd_close(&fd);
	end();
}

/* kill -9 in the middle of a fetch: the child goes with its parent, the last commit stays readable, the next run goes on. */
static void killed_in_the_middle(void)
{
	struct git_commit c = {0};
	begin();
	check_sync(&main_branch, sh("git rev-parse HEAD"));
	for (int delay_ms = 1; delay_ms < 40; delay_ms += 3) {
		sh(arena_printf(&a, "head -c 200000 /dev/urandom > big; echo %d > n; git add .; git commit -qm %d", delay_ms, delay_ms));
		pid_t pid = fork();
		if (pid == 0) {
			(void)!git_sync(&main_branch, &a, &c, &e);
			_exit(0);
		}
		clock_sleep_ms(delay_ms);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		CHECK_INT(git_last(&main_branch, &a, &c, &e), 0);
		char *text;
		CHECK_INT(git_read(&c, "numbers", &a, &text, NULL, &e), 0);
		if (delay_ms % 2)
			check_sync(&main_branch, sh("git rev-parse HEAD"));
	}
	check_sync(&main_branch, sh("git rev-parse HEAD"));
	CHECK_STR(sh(arena_printf(&a, "git -C %s fsck --full 2>&1 | grep -Ev 'dangling|notice' || echo fine", mirror)), "fine");
	end();
}

static const struct test tests[] = {
	TEST(the_first_sync_brings_all),
	TEST(what_is_no_file),
	TEST(nothing_moved_nothing_fetched),
	TEST(it_follows_wherever_the_branch_goes),
	TEST(the_default_branch_and_others),
	TEST(a_branch_that_is_gone),
	TEST(a_damaged_mirror_is_made_anew),
	TEST(too_many_packs_are_one_again),
	TEST(a_peek_touches_nothing),
	TEST(what_cannot_be_asked),
	TEST(passwords_are_starred),
	TEST(silence_is_bounded),
	TEST(a_crash_costs_one_answer),
	TEST(a_stop_request_ends_the_wait),
	TEST(killed_in_the_middle),
};
TESTS_MAIN(tests)
