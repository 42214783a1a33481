/*
 * What the service manager is told, over the datagram socket of $NOTIFY_SOCKET: sd_notify(3). Without one, or when
 * nobody listens, nothing happens: a run never fails for it.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

#include "base/macros.h"

/* Reads the environment; until then the others do nothing. */
void notify_open(void);
/* "READY=1\nSTATUS=...": assignments, one in each line. */
void notify_send(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* "STATUS=..." with `text` as one line. */
void notify_status(const char *text);
/* WATCHDOG=1, when half of $WATCHDOG_USEC has passed. Called wherever this process waits for something, so that a long
 * pass is no hang and a hang is one. */
void notify_alive(void);
/* How long a wait may be until the next notify_alive() is due, at most `ms`. */
int64_t notify_until_due_ms(int64_t ms);

#endif
