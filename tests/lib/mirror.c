/*
 * Shows what an application gets to see: answers every request on PORT with the head of it, and one that asks for an
 * upgrade with 101, after which every byte comes back. A request that asks for /redirect is answered with the headers
 * that nginx would act on itself; one that asks for /drop is read and gets no answer. Listens on BIND, or everywhere. Ends
 * with SIGTERM.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer(int fd)
{
	static char head[65536];
	size_t have = 0;
	while (have < sizeof head - 1) {
		ssize_t n = read(fd, head + have, sizeof head - 1 - have);
		if (n <= 0)
			return;
		have += (size_t)n;
		head[have] = 0;
		if (strstr(head, "\r\n\r\n"))
			break;
	}
	if (strcasestr(head, "\r\nUpgrade: ")) {
		dprintf(fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
		for (ssize_t n; (n = read(fd, head, sizeof head)) > 0;)
			if (write(fd, head, (size_t)n) != n)
				return;
		return;
	}
	if (strstr(head, " /drop "))
		return;
	const char *more = strstr(head, " /redirect ") ? "X-Accel-Redirect: /files/a\r\n" : "";
	dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n%s", have, more, head);
}

int main(void)
{
	const char *port = getenv("PORT"), *at = getenv("BIND");
	int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((unsigned short)(port ? strtol(port, NULL, 10) : 8080))};
	if (at && inet_pton(AF_INET, at, &in.sin_addr) != 1)
		return 1;
	signal(SIGCHLD, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&in, sizeof in) < 0 || listen(listener, 128) < 0)
		return 1;
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fork() == 0) {
			close(listener);
			answer(fd);
			_exit(0);
		}
		close(fd);
	}
}
