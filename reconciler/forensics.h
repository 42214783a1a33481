/*
 * What is left of an instance that failed, for who looks into it later: its container goes, because its memory, its
 * address and its place on the disk are needed, and how it ended and what it said last stay for a day in
 * STATE_DIR/failed/INSTANCE.REVISION.log, for root only.
 */
#ifndef FORENSICS_H
#define FORENSICS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/world.h"

#define FORENSICS_LINES 200
#define FORENSICS_KEPT_MS (24 * 3600000LL)

/* `ended`: the engine's own words about its state, JSON; `said`: its last lines. *path, in `a`: where it is now. */
MUST_CHECK int forensics_keep(const char *folder, const struct instance *in, const char *why, const char *ended,
                              const char *said, struct arena *a, const char **path, struct err *e);

/* Takes away what is older than a day at `now_ms` (ms since 1970). What cannot be removed stays, and is tried again. */
void forensics_sweep(const char *folder, int64_t now_ms);

#endif
