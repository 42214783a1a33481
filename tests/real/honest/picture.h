/* A world as lines of text, one for each fact: what the model and the host must agree on. */
#ifndef HONEST_PICTURE_H
#define HONEST_PICTURE_H

#include "model/world.h"
#include "simulation.h"

/* Without what time changes by itself: moments, probes, connections, memory, and, for those that `end`, by the first
 * letters of their services, what state they are in. */
void picture_draw(struct buf *out, const struct world *w, const bool ends[SERVICES_MAX]);
/* Prints the lines of one that are not in the other. */
void picture_differ(const char *lines, const char *title, const char *others);

#endif
