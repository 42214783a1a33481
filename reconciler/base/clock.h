/* The only clock. Wall time, because what it is compared with (start times, file times) is wall time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_now_ms(void);       /* milliseconds since 1970, UTC */
int64_t clock_cpu_ms(void); /* what this process has had of the processors */
int64_t clock_monotonic_ms(void); /* for deadlines inside one process; not comparable with anything else */

/* Sleeps, but not through a stop request: returns true at once when one is pending. */
bool clock_sleep_ms(int64_t ms);

/*
 * Stop requests. clock_catch_stop() makes SIGTERM and SIGINT ask for a stop at the next safe point instead of killing;
 * a second one kills as usual. SIGPIPE is ignored from then on.
 */
void clock_catch_stop(void);
bool clock_stop_requested(void);

/*
 * Wishes of a process that lives on: SIGHUP (read the settings again) and SIGUSR1 (the next pass now). Caught from
 * clock_catch_wishes() on; they never cut a clock_sleep_ms() short. clock_wait_ms() sleeps, but through neither a stop
 * nor a wish. clock_take_wishes() gives the wishes since it was asked last.
 */
enum { WISH_RELOAD = 1, WISH_NOW = 2 };
void clock_catch_wishes(void);
void clock_wait_ms(int64_t ms);
int clock_take_wishes(void);

/* "2026-11-21T10:00:00.123456789Z" (RFC 3339, as Docker prints it) to ms since 1970; 0 for "" and for year 1. */
int64_t clock_parse_rfc3339_ms(const char *text);
/* The other way, in UTC: "2026-11-21T10:00:00.123Z" into out. */
void clock_rfc3339(int64_t ms, char *out, size_t size);
/* For people: "2026-11-21 10:00:00Z" into out. */
void clock_format(int64_t ms, char *out, size_t size);

/* "1.5s", "2m", "90s" in the shortest exact form, for people. Returns out. */
const char *clock_duration(int64_t ms, char out[32]);

#endif
