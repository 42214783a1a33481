/* host/lock: one holder, named to the others, gone with its process. */
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/macros.h"
#include "host/lock.h"

static char folder[64], run[80];

static void begin(void)
{
	snprintf(folder, sizeof folder, "/tmp/reconcile-lock-XXXXXX");
	CHECK(mkdtemp(folder));
	snprintf(run, sizeof run, "%s/run", folder);
}

static void end(void)
{
	struct err e = {0};
	CHECK_INT(fs_remove_tree(folder, &e), 0);
}

/* A child that holds the lock until it is killed; returns when it has it. */
static pid_t holder(void)
{
	int ends[2];
	char byte = 0;
	CHECK_INT(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct err e;
		int fd = -1;
		byte = lock_take(run, &fd, &e) == 0 ? 'y' : 'n';
		if (write(ends[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	CHECK_INT(read(ends[0], &byte, 1), 1);
	CHECK(byte == 'y');
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void only_one_holds_it(void)
{
	struct err e = {0};
	char want[128];
	int fd = -1;
	begin();
	pid_t pid = holder();
	CHECK_INT(lock_take(run, &fd, &e), -1);
	CHECK_INT(fd, -1);
	CHECK_INT(e.kind, ERR_BUSY);
	CHECK_INT(err_info(e.kind)->exit_code, 75);
	snprintf(want, sizeof want, "another run is at work: pid %d, since 2", (int)pid);
	CHECK_CONTAINS(e.message, want);
	snprintf(want, sizeof want, "Z (%s/lock)", run);
	CHECK_CONTAINS(e.message, want);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_INT(lock_take(run, &fd, &e), 0);
	CHECK(fd >= 0);
	fd_close(&fd);
	end();
}

static void closing_gives_it_back(void)
{
	struct err e = {0};
	struct stat st;
	int first = -1, second = -1;
	begin();
	CHECK_INT(lock_take(run, &first, &e), 0);
	/* The same process, another descriptor: flock(2) belongs to the open file, so this is somebody else. */
	CHECK_INT(lock_take(run, &second, &e), -1);
	CHECK_INT(e.kind, ERR_BUSY);
	fd_close(&first);
	CHECK_INT(lock_take(run, &second, &e), 0);
	fd_close(&second);
	char path[96];
	snprintf(path, sizeof path, "%s/lock", run);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	end();
}

static void a_dead_name_is_not_told(void)
{
	struct err e = {0};
	char path[96], want[160];
	int fd = -1, second = -1;
	begin();
	CHECK_INT(lock_take(run, &fd, &e), 0);
	snprintf(path, sizeof path, "%s/lock", run);
	CHECK_INT(ftruncate(fd, 0), 0);
	CHECK_INT(lock_take(run, &second, &e), -1);
	snprintf(want, sizeof want, "another run has just begun (%s)", path);
	CHECK_STR(e.message, want);
	fd_close(&fd);
	end();
}

static void a_folder_that_cannot_be_made(void)
{
	struct err e = {0};
	int fd = -1;
	CHECK_INT(lock_take("/dev/null/run", &fd, &e), -1);
	CHECK_INT(e.kind, ERR_NOT_FOUND);
	CHECK_CONTAINS(e.message, "/dev/null");
}

static const struct test tests[] = {
	TEST(only_one_holds_it), TEST(closing_gives_it_back), TEST(a_dead_name_is_not_told), TEST(a_folder_that_cannot_be_made),
};
TESTS_MAIN(tests)
