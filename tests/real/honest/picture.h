/* A world as lines of text, one for each fact: what the model and the host must agree on. */
#ifndef HONEST_PICTURE_H
#define HONEST_PICTURE_H

#include "model/world.h"
#include "simulation.h"

/* Without what time changes by itself: moments, probes, connections, memory, and how instances are that misbehave. */
void picture_draw(struct buf *out, const struct world *w, const struct simulation *s);
/* Prints the lines of one that are not in the other. */
void picture_differ(const char *lines, const char *title, const char *others);

#endif
