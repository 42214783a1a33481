/* Running another program with a deadline. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/notify.h"

static void child(const struct process *p, int in, int out)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	if (p->in_child && p->in_child(p->context) != 0)
		_exit(126);
	execvp(p->argv[0], (char *const *)p->argv);
	dprintf(2, "%s: %s\n", p->argv[0], strerror(errno));
	_exit(127);
}

/* Reads until the end of file or the deadline. Returns false at the deadline. */
static bool drain(int fd, int64_t deadline_ms, struct buf *output)
{
	for (;;) {
		int64_t left = deadline_ms - clock_monotonic_ms();
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		if (left <= 0)
			return false;
		int ready = poll(&poll_fd, 1, (int)left);
		if (ready < 0 && errno != EINTR)
			return false;
		if (ready <= 0)
			continue;
		char chunk[4096];
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n == 0 || (n < 0 && errno != EINTR))
			return true;
		if (n > 0)
			buf_add(output, chunk, (size_t)n);
	}
}

/* Whether it is gone by then: a program may close its output and live on. */
static bool is_gone(pid_t pid, int64_t deadline_ms)
{
	CLEANUP(fd_close) int fd = pidfd_open(pid, 0);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	if (fd < 0)
		return errno == ESRCH;
	for (;;) {
		int64_t left = deadline_ms - clock_monotonic_ms();
		int ready = poll(&poll_fd, 1, left > 0 ? (int)left : 0);
		if (ready > 0)
			return true;
		if (left <= 0 || (ready < 0 && errno != EINTR))
			return false;
	}
}

/* A pipe that holds the whole input already, its other end closed: nobody has to wait for its reader. */
static int input_pipe(const struct process *p, int *read_end, struct err *e)
{
	int ends[2];
	size_t n = strlen(p->input);
	if (n > PIPE_BUF)
		return err_set(e, ERR_INTERNAL, "%s: more than %d bytes of input", p->argv[0], PIPE_BUF);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "%s: pipe", p->argv[0]);
	ssize_t written = write(ends[1], p->input, n);
	int number = errno;
	close(ends[1]);
	*read_end = ends[0];
	return written == (ssize_t)n ? 0 : err_errno(e, number, "%s: pipe", p->argv[0]);
}

int process_run(const struct process *p, struct buf *output, int *status, struct err *e)
{
	int ends[2];
	notify_alive();
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "%s: pipe", p->argv[0]);
	CLEANUP(fd_close) int read_end = ends[0];
	CLEANUP(fd_close) int write_end = ends[1];
	CLEANUP(fd_close) int input = -1;
	if (p->input && input_pipe(p, &input, e) < 0)
		return -1;
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(e, errno, "%s: fork", p->argv[0]);
	if (pid == 0)
		child(p, input, write_end);
	fd_close(&write_end);
	fd_close(&input);

	int64_t deadline_ms = clock_monotonic_ms() + p->timeout_ms;
	bool ended = drain(read_end, deadline_ms, output) && is_gone(pid, deadline_ms);
	if (!ended)
		kill(pid, SIGKILL);
	int wait_status;
	while (waitpid(pid, &wait_status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, errno, "%s: wait", p->argv[0]);
	if (!ended)
		return err_set(e, ERR_TRANSIENT, "%s: no end after %lld ms; killed", p->argv[0], (long long)p->timeout_ms);
	*status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	return 0;
}
