/*
 * The processes of nginx, read from /proc. The one thing to know: a worker that is told to quit says so in its title,
 * and a process that is being reaped answers ENOENT or ESRCH; both mean that it is gone.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "nginx/internal.h"

#define LOG_TAIL_MAX 65536
#define TITLE_WAIT_MS 500 /* a starting master writes its pid file before it takes its title */

/* The title of a process; "" when it is gone. */
static void title_of(pid_t pid, char *out, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	out[0] = 0;
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, out, size - 1);
	out[n > 0 ? n : 0] = 0;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* The program's own name, which no title changes. */
static bool is_nginx(pid_t pid)
{
	CLEANUP(arena_done) struct arena a = {0};
	char *text;
	struct err e;
	return fs_read(arena_printf(&a, "/proc/%d/comm", (int)pid), 4096, &a, &text, NULL, &e) == 0 &&
	       strcmp(text, "nginx\n") == 0;
}

/* Who is said to be the master: -1, or its id. */
static long named_pid(const struct nginx_settings *s, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	char *text, *end;
	if (s->container)
		return s->container_pid > 1 ? s->container_pid
		                            : err_set(e, ERR_UNREACHABLE, "nginx is not running: no container %s runs", s->container);
	if (fs_read(s->pid_file, 4096, &a, &text, NULL, e) < 0) {
		e->kind = ERR_UNREACHABLE;
		return err_wrap(e, "nginx is not running");
	}
	long pid = strtol(text, &end, 10);
	if (end == text || pid <= 1 || pid > INT32_MAX)
		return err_set(e, ERR_UNREACHABLE, "nginx is not running: %s holds no process id", s->pid_file);
	return pid;
}

pid_t master_find(const struct nginx_settings *s, struct err *e)
{
	char title[256];
	long pid = named_pid(s, e);
	if (pid < 0)
		return -1;
	int64_t deadline = clock_monotonic_ms() + TITLE_WAIT_MS;
	for (;;) {
		title_of((pid_t)pid, title, sizeof title);
		if (starts_with(title, "nginx: ") || !is_nginx((pid_t)pid) || clock_monotonic_ms() > deadline)
			break;
		poll(NULL, 0, 5);
	}
	if (!starts_with(title, "nginx: master") && s->container)
		return err_set(e, ERR_UNREACHABLE, "nginx is not running: the first process of the container %s is no nginx master; start it as "
		               "nginx -g 'daemon off;'", s->container);
	if (!starts_with(title, "nginx: master"))
		return err_set(e, ERR_UNREACHABLE, "nginx is not running: %s names process %ld, which is no nginx master",
		               s->pid_file, pid);
	return (pid_t)pid;
}

static void add_worker(pid_t pid, struct arena *a, struct workers *out)
{
	char title[256];
	title_of(pid, title, sizeof title);
	if (!starts_with(title, "nginx: worker process"))
		return;
	size_t flags = out->count;
	*ARENA_PUSH(a, out->pids, out->count) = pid;
	*ARENA_PUSH(a, out->is_shutting_down, flags) = starts_with(title, "nginx: worker process is shutting down");
}

/* The parent of a process, from the fourth field of its stat line; the second is a name in brackets. */
static pid_t parent_of(pid_t pid, struct arena *a)
{
	char *text;
	struct err e;
	if (fs_read(arena_printf(a, "/proc/%d/stat", (int)pid), 65536, a, &text, NULL, &e) < 0)
		return -1;
	const char *end = strrchr(text, ')');
	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : -1;
}

/* Kernels without CONFIG_PROC_CHILDREN: ask every process for its parent. */
static void scan_workers(pid_t master, struct arena *a, struct workers *out)
{
	DIR *d = opendir("/proc");
	if (!d)
		return;
	for (struct dirent *entry; (entry = readdir(d));) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		CLEANUP(arena_done) struct arena scratch = {0};
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (parent_of(pid, &scratch) == master)
			add_worker(pid, a, out);
	}
	closedir(d);
}

void master_workers(pid_t master, struct arena *a, struct workers *out)
{
	char *text;
	struct err e;
	*out = (struct workers){0};
	const char *path = arena_printf(a, "/proc/%d/task/%d/children", (int)master, (int)master);
	if (fs_read(path, 1 << 20, a, &text, NULL, &e) < 0) {
		if (fs_exists(arena_printf(a, "/proc/%d", (int)master)))
			scan_workers(master, a, out);
		return;
	}
	for (char *end; *text; text = end) {
		pid_t pid = (pid_t)strtol(text, &end, 10);
		if (end == text)
			break;
		add_worker(pid, a, out);
	}
}

/* nginx points its standard error at its error log. */
static int open_log(pid_t master, struct stat *st)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd/2", (int)master);
	if (stat(path, st) < 0 || !S_ISREG(st->st_mode))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

off_t master_log_size(pid_t master)
{
	struct stat st;
	CLEANUP(fd_close) int fd = open_log(master, &st);
	return fd < 0 ? 0 : st.st_size;
}

char *master_log_emerg(pid_t master, off_t from, struct arena *a)
{
	struct stat st;
	char *tail = arena_alloc(a, LOG_TAIL_MAX + 1), *out = arena_strdup(a, "");
	CLEANUP(fd_close) int fd = open_log(master, &st);
	ssize_t n = fd < 0 ? 0 : pread(fd, tail, LOG_TAIL_MAX, from);
	tail[n > 0 ? n : 0] = 0;
	/* Only what this master wrote: somebody's own `nginx -t` writes to the same log. */
	const char *mark = arena_printf(a, "[emerg] %d#", (int)master);
	char *rest = tail;
	for (char *line; (line = strsep(&rest, "\n"));) {
		char *at = strstr(line, mark);
		char *said = at ? strstr(at, ": ") : NULL;
		if (said && !strstr(out, said + 2))
			out = arena_printf(a, "%s%s%s", out, *out ? "; " : "", said + 2);
	}
	return out;
}
