/*
 * Preloaded into a program: its n-th act on a file whose path has FAIL_ON in it fails once, FAIL_AT=n (1, 2, 3, ...), with
 * the errno FAIL_WITH. Such acts are a file opened to be written, a write to it, fsync of it or of its folder, and a
 * rename to it. FAIL_SAY names a file that gets one line about the act that failed. Children are left alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long left;
static int error;
static pid_t owner;
static char say[4096], on[256];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("FAIL_AT"), *with = getenv("FAIL_WITH"), *file = getenv("FAIL_SAY"), *text = getenv("FAIL_ON");
	left = at ? strtol(at, NULL, 10) : 0;
	error = with ? (int)strtol(with, NULL, 10) : EIO;
	snprintf(say, sizeof say, "%s", file ? file : "");
	snprintf(on, sizeof on, "%s", text ? text : "/");
	owner = getpid();
	unsetenv("LD_PRELOAD");
}

static bool fails(const char *what, const char *path)
{
	if (left <= 0 || getpid() != owner || !strstr(path, on) || --left > 0)
		return false;
	int fd = REAL(open)(say, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd >= 0)
		dprintf(fd, "%s %s\n", what, path);
	if (fd >= 0)
		close(fd);
	errno = error;
	return true;
}

static bool fails_on(const char *what, int fd)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = left > 0 ? readlink(link, path, sizeof path - 1) : -1;
	path[n < 0 ? 0 : n] = 0;
	return fails(what, path);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if ((flags & O_ACCMODE) != O_RDONLY && fails("open", path))
		return -1;
	return REAL(open)(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	return fails_on("write", fd) ? -1 : REAL(write)(fd, bytes, n);
}

int fsync(int fd)
{
	return fails_on("fsync", fd) ? -1 : REAL(fsync)(fd);
}

int rename(const char *from, const char *to)
{
	return fails("rename", to) ? -1 : REAL(rename)(from, to);
}
