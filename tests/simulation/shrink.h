/* Cuts a schedule down to what still breaks the same promise. */
#ifndef SIMULATION_SHRINK_H
#define SIMULATION_SHRINK_H

#include "simulation.h"

void schedule_shrink(struct simulation *s, struct schedule *schedule, const char *broken);

#endif
