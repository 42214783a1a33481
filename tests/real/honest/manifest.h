/* What the simulator has in its Git, as a Compose file for the real tool: a second is 40 ms. */
#ifndef HONEST_MANIFEST_H
#define HONEST_MANIFEST_H

#include "simulation.h"

void manifest_print(struct buf *out, const struct simulation *s);
/* Does a revision of the service do anything else than to serve? Then its instances change by themselves. */
bool manifest_misbehaves(const struct simulation *s, const char *service);

#endif
