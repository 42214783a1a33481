/*
 * The smallest service for tests, linked statically into an image of nothing else. It answers every request on PORT
 * (8080) with "hello VERSION", says a line on stdout and one on stderr at its start, and ends at once on SIGTERM.
 * With an argument: "sleep" never answers; "fail" ends with 3, "well" with 0.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_term(int sig)
{
	(void)sig;
	_exit(0);
}

int main(int argc, char **argv)
{
	const char *version = getenv("VERSION"), *port = getenv("PORT");
	int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((unsigned short)(port ? strtol(port, NULL, 10) : 8080))};
	signal(SIGTERM, on_term);
	signal(SIGPIPE, SIG_IGN);
	dprintf(1, "out %s\n", version ? version : "none");
	dprintf(2, "err %s\n", version ? version : "none");
	if (argc > 1 && strcmp(argv[1], "fail") == 0)
		return 3;
	if (argc > 1 && strcmp(argv[1], "well") == 0)
		return 0;
	while (argc > 1 && strcmp(argv[1], "sleep") == 0)
		pause();
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&in, sizeof in) < 0 || listen(listener, 128) < 0)
		return 1;
	for (;;) {
		char request[4096], answer[256];
		int fd = accept(listener, NULL, NULL);
		/* Who connects and sends nothing holds the connection until it closes it. */
		if (read(fd, request, sizeof request) > 0) {
			int n = snprintf(answer, sizeof answer, "hello %s\n", version ? version : "none");
			dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", n, answer);
		}
		close(fd);
	}
}
