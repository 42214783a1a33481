/*
 * What operators said: promote, abort, pause. Notes of their own, in the two copies of notes.h, because they are written
 * while a run is at work and holds its lock; a run only reads them, at every look. Below a 0700 folder, with a lock that
 * is held for one change only.
 */
#ifndef HOST_ORDERS_H
#define HOST_ORDERS_H

#include "base/arena.h"
#include "base/err.h"
#include "model/world.h"

/* No folder or no copy: none, and 0. */
MUST_CHECK int orders_read(const char *folder, struct arena *a, struct order **out, size_t *count, struct err *e);

/*
 * Takes out every order of that kind that is about `project` ("": all) and `service` ("": all of the project), and puts
 * `put` in (NULL: nothing). *gone (may be NULL): how many went. ERR_BUSY: somebody else is changing them.
 */
MUST_CHECK int orders_change(const char *folder, enum order_kind kind, const char *project, const char *service,
                             const struct order *put, size_t *gone, struct err *e);

#endif
