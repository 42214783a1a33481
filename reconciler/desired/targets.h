/* --target: some of the desired state, while all the rest stays as it is. */
#ifndef DESIRED_TARGETS_H
#define DESIRED_TARGETS_H

#include "desired/settings.h"
#include "model/desired.h"

/*
 * Marks what is neither a target nor needed by one (is_left_alone; an atomic project is needed as a whole), and the
 * projects of which not all is one (keeps_gone); nobody asks for swap then. Without targets nothing is. ERR_USAGE for a
 * target that is not there, naming the nearest; ERR_INVALID when it may be in one of the manifests that are left out.
 */
MUST_CHECK int targets_mark(const struct settings *s, struct desired *d, size_t left_out, struct err *e);
/* Is the whole project left alone? */
bool targets_spare(const struct project *p);

#endif
