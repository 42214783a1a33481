/* sd_notify(3), the few lines of it that are needed: no library comes with it. */
#include "base/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

static struct {
	int fd; /* 0: there is nobody to tell */
	struct sockaddr_un to;
	socklen_t length;
	int64_t watchdog_ms; /* 0: nobody watches */
	int64_t told_ms;
} manager;

/* $WATCHDOG_USEC, unless it is meant for another process. */
static int64_t watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	int64_t ms = strtoll(usec, NULL, 10) / 1000;
	return ms > 0 ? ms : 0;
}

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;
	if (n < 2 || n >= sizeof manager.to.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	manager.fd = fd;
	manager.to = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(manager.to.sun_path, path, n);
	if (path[0] == '@')
		manager.to.sun_path[0] = 0; /* an abstract name has no NUL at its end */
	manager.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] == '/'));
	manager.watchdog_ms = watchdog_ms();
	manager.told_ms = clock_monotonic_ms();
}

void notify_send(const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	if (!manager.fd)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n > 0)
		(void)!sendto(manager.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&manager.to, manager.length);
}

void notify_status(const char *text)
{
	char line[1024];
	size_t n = 0;
	for (; text[n] && n + 1 < sizeof line; n++)
		line[n] = text[n] == '\n' ? ' ' : text[n];
	while (n > 0 && line[n - 1] == ' ')
		n--;
	line[n] = 0;
	notify_send("STATUS=%s", line);
}

static int64_t due_in_ms(void)
{
	return manager.told_ms + manager.watchdog_ms / 2 - clock_monotonic_ms();
}

int64_t notify_until_due_ms(int64_t ms)
{
	int64_t left = due_in_ms();
	return !manager.watchdog_ms || left > ms ? ms : left > 1 ? left : 1;
}

void notify_alive(void)
{
	if (!manager.watchdog_ms || due_in_ms() > 0)
		return;
	manager.told_ms = clock_monotonic_ms();
	notify_send("WATCHDOG=1");
}
