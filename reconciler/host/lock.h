/* One run at a time: flock(2) on a file below /run. The kernel drops it when the holder dies: there is no unlock command. */
#ifndef HOST_LOCK_H
#define HOST_LOCK_H

#include <stdint.h>

#include "base/err.h"

/*
 * Takes the lock, or ERR_BUSY with the holder's pid and since when. The descriptor in *fd holds it until it is closed.
 * The folder is made if need be.
 */
MUST_CHECK int lock_take(const char *folder, int *fd, struct err *e);
/* The same, but waits for the holder for up to timeout_ms. A stop request ends that with ERR_STOPPED. */
MUST_CHECK int lock_wait(const char *folder, int64_t timeout_ms, int *fd, struct err *e);

#endif
