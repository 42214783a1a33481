/* What two routes cannot both have, in one project or in two. */
#ifndef DESIRED_CLAIMS_H
#define DESIRED_CLAIMS_H

#include "base/arena.h"
#include "model/desired.h"

/* Why not both, as the end of a complaint about `r`; it names where `other` stands. NULL: they go together. */
const char *claims_between(const struct route *r, const struct route *other, struct arena *a);

#endif
