/*
 * A container's neighbour, to be run in a container's network: it finds a service by its name, as the engine's DNS at
 * 127.0.0.11 tells it, or holds one connection and never lets go.
 *
 *   name-client name NAME PORT        looks NAME up again and again, and asks every address that it is given for /version
 *   name-client hold ADDRESS PORT     asks for /version again and again, on one and the same connection
 *
 * Goes on until SIGTERM, at most 30 minutes, then says: asked=N unknown=N failed=N versions=1:N,2:N; `unknown` counts
 * look-ups that named nobody. The first failures are told on stderr. Exits 0 only when nothing was unknown or failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_RUN_S 1800
#define PAUSE_US 10000
#define PATIENCE_S 10 /* longer than it takes to send a packet again a few times */
#define ADDRESSES_MAX 16
#define VERSIONS_MAX 8

static long asked, unknown, failed;
static struct { char name[16]; long count; } versions[VERSIONS_MAX];

/* Only between two questions: none is broken off. */
static bool is_to_end(void)
{
	sigset_t pending;
	return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

static int open_socket(int type, struct in_addr address, int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
	    connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void complain(struct in_addr address, const char *what)
{
	if (++failed <= 5)
		fprintf(stderr, "name-client: %s: %s: %s\n", inet_ntoa(address), what, errno ? strerror(errno) : "no answer");
}

/* One answer of "GET /version" on an open connection. */
static bool ask(int fd, struct in_addr address)
{
	static const char question[] = "GET /version HTTP/1.1\r\nHost: name\r\n\r\n";
	char text[4096];
	size_t have = 0, whole = sizeof text;
	const char *body = NULL, *length;
	errno = 0;
	asked++;
	if (send(fd, question, sizeof question - 1, MSG_NOSIGNAL) < 0) {
		complain(address, "send");
		return false;
	}
	while (have < whole) {
		ssize_t n = recv(fd, text + have, sizeof text - 1 - have, 0);
		if (n <= 0) {
			complain(address, "recv");
			return false;
		}
		text[have += (size_t)n] = 0;
		if (!body && (body = strstr(text, "\r\n\r\n")) && (length = strcasestr(text, "\r\nContent-Length:")))
			whole = (size_t)(body + 4 - text) + strtoul(length + 17, NULL, 10);
	}
	if (strncmp(text, "HTTP/1.1 200", 12) != 0) {
		complain(address, "status");
		return false;
	}
	char said[16] = "";
	sscanf(body + 4, "%15[0-9a-z.]", said);
	int i = 0;
	while (i < VERSIONS_MAX - 1 && versions[i].name[0] && strcmp(versions[i].name, said) != 0)
		i++;
	memcpy(versions[i].name, said, sizeof said);
	versions[i].count++;
	return true;
}

/* RFC 1035: one question, type A. Returns how many addresses the answer names. */
static int look_up(int dns, const char *name, struct in_addr *out)
{
	unsigned char packet[512] = {[0] = 1, [2] = 1, [5] = 1};
	static unsigned char id;
	size_t at = 12;
	packet[1] = ++id;
	for (const char *label = name; *label; label += label[strcspn(label, ".")] == '.') {
		size_t n = strcspn(label, ".");
		packet[at++] = (unsigned char)n;
		memcpy(packet + at, label, n);
		at += n;
		label += n;
	}
	at += 1;
	packet[at + 1] = packet[at + 3] = 1;
	at += 4;
	if (send(dns, packet, at, 0) < 0)
		return 0;
	ssize_t size;
	do
		size = recv(dns, packet, sizeof packet, 0);
	while (size >= 12 && packet[1] != id);
	int records = size < 12 ? 0 : packet[6] << 8 | packet[7], count = 0;
	for (; records > 0 && count < ADDRESSES_MAX; records--) {
		/* The name: labels, and a pointer or nothing at its end. */
		while (at < (size_t)size && packet[at] && packet[at] < 0xC0)
			at += packet[at] + 1U;
		at += at < (size_t)size && packet[at] ? 2 : 1;
		if (at + 10 > (size_t)size)
			break;
		size_t length = (size_t)(packet[at + 8] << 8 | packet[at + 9]);
		if (packet[at + 1] == 1 && length == 4 && at + 14 <= (size_t)size)
			memcpy(&out[count++], packet + at + 10, 4);
		at += 10 + length;
	}
	return count;
}

static void ask_by_name(int dns, const char *name, int port)
{
	struct in_addr addresses[ADDRESSES_MAX];
	int count = look_up(dns, name, addresses);
	unknown += count == 0;
	for (int i = 0; i < count; i++) {
		int fd = open_socket(SOCK_STREAM, addresses[i], port);
		if (fd < 0)
			complain(addresses[i], "connect");
		else
			ask(fd, addresses[i]);
		if (fd >= 0)
			close(fd);
	}
}

int main(int argc, char **argv)
{
	sigset_t blocked;
	struct in_addr address;
	bool is_held = argc == 4 && strcmp(argv[1], "hold") == 0;
	if (argc != 4 || (!is_held && strcmp(argv[1], "name") != 0) || inet_aton(is_held ? argv[2] : "127.0.0.11", &address) == 0) {
		fprintf(stderr, "usage: name-client name NAME PORT | hold ADDRESS PORT\n");
		return 64;
	}
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	int port = (int)strtol(argv[3], NULL, 10);
	int fd = is_held ? open_socket(SOCK_STREAM, address, port) : open_socket(SOCK_DGRAM, address, 53);
	if (fd < 0) {
		perror("name-client");
		return 1;
	}
	for (time_t end = time(NULL) + LONGEST_RUN_S; !is_to_end() && time(NULL) < end; usleep(PAUSE_US))
		if (!is_held)
			ask_by_name(fd, argv[2], port);
		else if (!ask(fd, address))
			break;
	printf("asked=%ld unknown=%ld failed=%ld versions=", asked, unknown, failed);
	for (int i = 0; i < VERSIONS_MAX && versions[i].name[0]; i++)
		printf("%s%s:%ld", i ? "," : "", versions[i].name, versions[i].count);
	printf("\n");
	return unknown || failed || !asked;
}
