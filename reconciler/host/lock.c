/*
 * One run at a time. The lock is the flock(2), not the file: the file stays, and what is written in it only tells the
 * next one who holds it. It is never removed, or two runs could hold the lock of two files of one name.
 */
#include "host/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/macros.h"

#define WAIT_POLL_MS 100

static int say_who(int fd, const char *path, struct err *e)
{
	char text[64] = "", since[32];
	int pid = 0;
	int64_t since_ms = 0;
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	/* The words may be those of the holder before, when this one took it a moment ago: a dead pid gives that away. */
	if (n <= 0 || sscanf(text, "%d %" SCNd64, &pid, &since_ms) != 2 || pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH))
		return err_set(e, ERR_BUSY, "another run has just begun (%s)", path);
	clock_format(since_ms, since, sizeof since);
	return err_set(e, ERR_BUSY, "another run is at work: pid %d, since %s (%s)", pid, since, path);
}

int lock_take(const char *folder, int *fd, struct err *e)
{
	char path[4096], text[64];
	if (snprintf(path, sizeof path, "%s/lock", folder) >= (int)sizeof path)
		return err_set(e, ERR_INVALID, "%s: name too long", folder);
	if (fs_mkdir(folder, 0755, e) < 0)
		return -1;
	CLEANUP(fd_close) int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return err_errno(e, errno, "%s", path);
	while (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return say_who(lock, path, e);
		if (errno != EINTR)
			return err_errno(e, errno, "%s", path);
	}
	int n = snprintf(text, sizeof text, "%d %" PRId64 "\n", (int)getpid(), clock_now_ms());
	/* A full disk must not stop a run that only wants to say its name: the lock holds without it. */
	if (ftruncate(lock, 0) < 0 || pwrite(lock, text, (size_t)n, 0) != n)
		(void)!ftruncate(lock, 0);
	*fd = TAKE_FD(lock);
	return 0;
}

int lock_wait(const char *folder, int64_t timeout_ms, int *fd, struct err *e)
{
	int64_t until_ms = clock_monotonic_ms() + timeout_ms;
	while (lock_take(folder, fd, e) < 0) {
		if (e->kind != ERR_BUSY || clock_monotonic_ms() >= until_ms)
			return -1;
		if (clock_sleep_ms(WAIT_POLL_MS))
			return err_set(e, ERR_STOPPED, "stopped while another run was at work");
	}
	return 0;
}
