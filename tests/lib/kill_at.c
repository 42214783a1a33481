/*
 * Preloaded into a program: kills it with SIGKILL right after its n-th act that somebody else can see, KILL_AT=n
 * (1, 2, 3, ...). Such acts are a file made whole, moved, linked or taken away, a folder made, swap turned on or off, a
 * signal sent, a request that changes something put on its way (its answer is lost then), and a line of --json said.
 * What has failed does not count; with KILL_ON="THIS|THAT", only what has one of these texts in it does. KILL_SAY names
 * a file that gets one line about the point it was killed at. Children are left alone.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/types.h>
#include <unistd.h>

static long left;
static pid_t owner;
static char say[4096], on[256];

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("KILL_AT"), *file = getenv("KILL_SAY"), *text = getenv("KILL_ON");
	left = at ? strtol(at, NULL, 10) : 0;
	snprintf(say, sizeof say, "%s", file ? file : "");
	snprintf(on, sizeof on, "%s", text ? text : "");
	owner = getpid();
	unsetenv("LD_PRELOAD");
	unsetenv("KILL_AT");
}

static bool counts(const char *about, size_t length)
{
	const char *text = on;
	for (;;) {
		size_t n = strcspn(text, "|");
		if (memmem(about, length, text, n))
			return true;
		if (!text[n])
			return false;
		text += n + 1;
	}
}

static void acted(const char *what, const char *about, size_t length)
{
	if (left <= 0 || getpid() != owner || !counts(about, length) || --left > 0)
		return;
	int fd = open(say, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd >= 0)
		dprintf(fd, "%s %.*s\n", what, (int)length, about);
	raise(SIGKILL);
	pause();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WHOLE(text) (text), strlen(text)

int rename(const char *from, const char *to)
{
	int result = REAL(rename)(from, to);
	if (result == 0)
		acted("rename", WHOLE(to));
	return result;
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
	int result = REAL(renameat2)(from_folder, from, to_folder, to, flags);
	if (result == 0)
		acted("renameat2", WHOLE(to));
	return result;
}

int symlink(const char *target, const char *path)
{
	int result = REAL(symlink)(target, path);
	if (result == 0)
		acted("symlink", WHOLE(path));
	return result;
}

int unlink(const char *path)
{
	int result = REAL(unlink)(path);
	if (result == 0)
		acted("unlink", WHOLE(path));
	return result;
}

int mkdir(const char *path, mode_t mode)
{
	int result = REAL(mkdir)(path, mode);
	if (result == 0)
		acted("mkdir", WHOLE(path));
	return result;
}

int fsync(int fd)
{
	struct stat st;
	int result = REAL(fsync)(fd);
	if (result == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		acted("fsync", WHOLE("of a file"));
	return result;
}

int swapon(const char *path, int flags)
{
	int result = REAL(swapon)(path, flags);
	if (result == 0)
		acted("swapon", WHOLE(path));
	return result;
}

int swapoff(const char *path)
{
	int result = REAL(swapoff)(path);
	if (result == 0)
		acted("swapoff", WHOLE(path));
	return result;
}

int posix_fallocate(int fd, off_t from, off_t length)
{
	int result = REAL(posix_fallocate)(fd, from, length);
	if (result == 0)
		acted("posix_fallocate", WHOLE("of a file"));
	return result;
}

int kill(pid_t pid, int number)
{
	int result = REAL(kill)(pid, number);
	if (result == 0 && number)
		acted("kill", WHOLE("-HUP"));
	return result;
}

int fputs(const char *text, FILE *to)
{
	int result = REAL(fputs)(text, to);
	if (to == stdout && *text == '{' && fflush(to) == 0)
		acted("say", text, strcspn(text, "\n"));
	return result;
}

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
	ssize_t sent = REAL(send)(fd, bytes, n, flags);
	if (sent >= 7 && (memcmp(bytes, "POST ", 5) == 0 || memcmp(bytes, "DELETE ", 7) == 0))
		acted("send", bytes, strcspn(bytes, "\r"));
	return sent;
}
