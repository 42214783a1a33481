/*
 * A service of UDP for tests, linked statically into an image of nothing else: it answers every datagram on PORT (5300)
 * with its VERSION, and ends at once on SIGTERM.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_term(int sig)
{
	(void)sig;
	_exit(0);
}

int main(void)
{
	const char *port = getenv("PORT"), *version = getenv("VERSION");
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(port ? port : "5300", NULL, 10))}, from;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char word[2048], answer[64];
	signal(SIGTERM, on_term);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		return 1;
	size_t length = strlen(version ? version : "1");
	memcpy(answer, version ? version : "1", length);
	answer[length++] = '\n';
	for (;;) {
		socklen_t size = sizeof from;
		if (recvfrom(fd, word, sizeof word, 0, (struct sockaddr *)&from, &size) >= 0)
			(void)!sendto(fd, answer, length, 0, (struct sockaddr *)&from, size);
	}
}
