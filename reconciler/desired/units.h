/* Numbers with units, as Compose reads them. Each returns false when the text is none of its kind. */
#ifndef DESIRED_UNITS_H
#define DESIRED_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* "512m", "1.5 GiB", "1024": always 1024-based. */
bool units_bytes(const char *text, int64_t *bytes);
/* Go's durations and d, w: "1m30s", "1.5h", "250ms"; a number without a unit is none. Never negative. */
bool units_duration_ns(const char *text, int64_t *ns);
/* "0.5" CPUs -> 500000000; rounded. */
bool units_nano_cpus(const char *text, int64_t *nano_cpus);
/* Decimal digits, with an optional '-'; nothing around them. */
bool units_int(const char *text, int64_t *n);

#endif
