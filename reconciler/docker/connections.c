/*
 * /proc/<pid>/net/tcp, as proc(5) and the kernel's Documentation/networking/proc_net_tcp.rst describe it: one line for
 * each socket, "sl local:port remote:port st ...", addresses in hex as the machine stores them. A connection that the
 * container opened itself (to its database) has a local port that nobody listens on, and is not counted.
 */
#include "docker/connections.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/fs.h"

#define ESTABLISHED 0x01
#define SYN_RECV 0x03
#define LISTEN 0x0A
#define MAX_TABLE (64u << 20)

struct socket_line {
	unsigned local_port, state;
	char remote[33];
};

/* Reads the line at *p and moves on. Returns false at the end; a line that is none gives state 0. */
static bool next_line(const char **p, struct socket_line *out)
{
	if (!**p)
		return false;
	*out = (struct socket_line){0};
	/* One line at a time: sscanf() first looks for the end of its whole input, and a busy table has megabytes. */
	char line[256];
	size_t n = strcspn(*p, "\n");
	snprintf(line, sizeof line, "%.*s", (int)n, *p);
	if (sscanf(line, " %*u: %*32[0-9A-F]:%x %32[0-9A-F]:%*x %x", &out->local_port, out->remote, &out->state) != 3)
		out->state = 0;
	*p += n;
	*p += **p == '\n';
	return true;
}

static bool is_loopback(const char *remote)
{
	size_t n = strlen(remote);
	/* 127.x.y.z is stored with its first byte last in the hex word; so is the tail of ::ffff:127.x.y.z. */
	if (n == 8)
		return strcmp(remote + 6, "7F") == 0;
	return strcmp(remote, "00000000000000000000000001000000") == 0 ||
	       (strncmp(remote, "0000000000000000FFFF0000", 24) == 0 && strcmp(remote + 30, "7F") == 0);
}

static void mark_listening(const char *table, bool *listening)
{
	struct socket_line line;
	while (next_line(&table, &line))
		if (line.state == LISTEN && line.local_port <= UINT16_MAX)
			listening[line.local_port] = true;
}

static int count_incoming(const char *table, const bool *listening, bool with_loopback)
{
	struct socket_line line;
	int count = 0;
	while (next_line(&table, &line))
		if ((line.state == ESTABLISHED || line.state == SYN_RECV) && line.local_port <= UINT16_MAX &&
		    listening[line.local_port] && (with_loopback || !is_loopback(line.remote)))
			count++;
	return count;
}

int connections_in(const char *tcp, const char *tcp6, const int *ports, size_t count)
{
	bool listening[UINT16_MAX + 1] = {false};
	const char *six = tcp6 ? tcp6 : "";
	if (!ports) {
		mark_listening(tcp, listening);
		mark_listening(six, listening);
	}
	for (size_t i = 0; i < count; i++)
		listening[ports[i]] = true;
	return count_incoming(tcp, listening, ports) + count_incoming(six, listening, ports);
}

int connections_count(int pid, const int *ports, size_t count)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	char path[64], *tcp, *tcp6;
	snprintf(path, sizeof path, "/proc/%d/net/tcp", pid);
	if (pid <= 0 || fs_read(path, MAX_TABLE, &a, &tcp, NULL, &e) < 0)
		return -1;
	/* Without IPv6 in the kernel there is no such file. */
	snprintf(path, sizeof path, "/proc/%d/net/tcp6", pid);
	if (fs_read(path, MAX_TABLE, &a, &tcp6, NULL, &e) < 0) {
		if (e.kind != ERR_NOT_FOUND)
			return -1;
		tcp6 = NULL;
	}
	return connections_in(tcp, tcp6, ports, count);
}
