/* Connections that others hold to a process's network namespace. Private to docker/. */
#ifndef DOCKER_CONNECTIONS_H
#define DOCKER_CONNECTIONS_H

#include <stddef.h>

/*
 * How many TCP connections (established, or accepted half-way) from outside of loopback end at a port that somebody in
 * the namespace listens on; with `ports`, how many from anywhere end at one of them. Read from /proc/<pid>/net/tcp and
 * tcp6. -1 when that cannot be read.
 */
int connections_count(int pid, const int *ports, size_t count);

/* The same from two files' texts (tcp6 may be NULL); for the above and for tests. */
int connections_in(const char *tcp, const char *tcp6, const int *ports, size_t count);

#endif
