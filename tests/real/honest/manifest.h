/* What the simulator has in its Git, as a Compose file for the real tool: a second is 40 ms. */
#ifndef HONEST_MANIFEST_H
#define HONEST_MANIFEST_H

#include "simulation.h"

void manifest_print(struct buf *out, const struct simulation *s);
/* Does a revision of the service end by itself, or ends all of it because it is a job? */
bool manifest_ends(const struct simulation *s, int service);

#endif
