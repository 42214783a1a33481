/* Readiness probes: HTTP and TCP, all at once. */
#ifndef NET_PROBE_H
#define NET_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "model/desired.h"
#include "net/http.h"

struct probe {
	const struct ready *ready; /* in */
	const struct value *ports; /* in: list of more that must take a TCP connection (service_ports()) */
	const char *address;       /* in: IPv4 */
	bool passed;               /* out */
	const char *said;          /* out, in the arena: "GET http://10.0.0.2:8080/health answered 503, wanted 200" */
};

/* One HTTP exchange and a TCP connect to each port, as far as is asked; 1 s for each. Nothing asked: passed. */
void probe_run(struct http *h, struct arena *a, struct probe *probes, size_t count);

#endif
