/* Work in a short-lived child with a deadline. */
#include "desired/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/notify.h"

#define STOP_POLL_MS 200 /* a stop request may come between the look at it and the poll: look again that often */

static _Noreturn void be_child(const struct child *c, pid_t parent, int out)
{
	/* A child of a parent that was killed must not go on writing, and not keep the parent's lock. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	if (out != 3 && dup2(out, 3) < 0)
		_exit(1);
	close_range(4, ~0U, 0);
	struct arena a = {0};
	char *answer = arena_alloc(&a, c->answer_size);
	c->work(c->context, answer);
	for (size_t sent = 0; sent < c->answer_size;) {
		ssize_t n = write(3, answer + sent, c->answer_size - sent);
		if (n < 0 && errno != EINTR)
			_exit(1);
		sent += n > 0 ? (size_t)n : 0;
	}
	_exit(0); /* no atexit handlers and no stdio buffers: those are the parent's */
}

/* Reads up to size bytes. Returns how many came before the end of file, the deadline or a stop request. */
static size_t receive(int fd, char *answer, size_t size, int64_t deadline_ms)
{
	size_t got = 0;
	while (got < size && !clock_stop_requested()) {
		int64_t left = deadline_ms - clock_monotonic_ms();
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		notify_alive();
		if (left <= 0)
			break;
		if (poll(&poll_fd, 1, left < STOP_POLL_MS ? (int)left : STOP_POLL_MS) <= 0)
			continue;
		ssize_t n = read(fd, answer + got, size - got);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	return got;
}

int child_run(const struct child *c, void *answer, struct err *e)
{
	int ends[2], status;
	pid_t parent = getpid();
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "%s: pipe", c->name);
	CLEANUP(fd_close) int read_end = ends[0];
	CLEANUP(fd_close) int write_end = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(e, errno, "%s: fork", c->name);
	if (pid == 0)
		be_child(c, parent, write_end);
	fd_close(&write_end);

	int64_t deadline_ms = clock_monotonic_ms() + c->timeout_ms;
	size_t got = receive(read_end, answer, c->answer_size, deadline_ms);
	bool is_late = clock_monotonic_ms() >= deadline_ms, is_stopped = clock_stop_requested();
	/* With the whole answer there it has nothing left to do; without, it is done for. */
	if (got < c->answer_size && (is_late || is_stopped))
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, errno, "%s: wait", c->name);
	if (got == c->answer_size)
		return 0;
	if (is_stopped)
		return err_set(e, ERR_STOPPED, "%s: stopped", c->name);
	if (is_late)
		return err_set(e, ERR_TRANSIENT, "%s: no answer within %lld ms", c->name, (long long)c->timeout_ms);
	if (WIFSIGNALED(status))
		return err_set(e, ERR_TRANSIENT, "%s: the child died of signal %d", c->name, WTERMSIG(status));
	return err_set(e, ERR_TRANSIENT, "%s: the child ended with code %d and no answer", c->name, WEXITSTATUS(status));
}
