/*
 * The log: one line on stderr for each event, at the boundary, once. stdout is the answer and never the log.
 * info only when something changed. Never a secret.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/macros.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_set_level(enum log_level least); /* default LOG_INFO */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Rounds: a process that does the same again and again begins each of them with log_round(). A warning or an error that
 * was also said in the round before is then said again with back-off only: after a minute, two, four … an hour.
 * Without rounds everything is said.
 */
void log_round(void);
/* The same rule for lines that go elsewhere: is it time to say this? */
bool log_is_due(const char *text);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
