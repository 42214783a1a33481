/* The copies of secrets and configs on the host. */
#ifndef DESIRED_KEPT_H
#define DESIRED_KEPT_H

#include "model/world.h"

/* Writes those of the project that are not there. */
MUST_CHECK int kept_write(const struct project *p, struct err *e);
/* Removes those below FOLDER that neither Git nor a good revision needs. Projects with instances of which nobody knows
 * what they need, and projects that Git does not have, are left alone. */
void kept_sweep(const char *folder, const struct desired *d, const struct world *w);

#endif
