/* The log. With a journal behind stderr the level goes in front as <N>, as sd-daemon(3) describes. */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static enum log_level least_level = LOG_INFO;

static const struct { const char *word; int priority; } levels[] = {
	[LOG_DEBUG] = {"debug: ", 7},
	[LOG_INFO] = {"", 6},
	[LOG_WARNING] = {"warning: ", 4},
	[LOG_ERROR] = {"error: ", 3},
};

void log_set_level(enum log_level least)
{
	least_level = least;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static int journal = -1;
	char line[4096];
	va_list ap;
	if (level < least_level)
		return;
	if (journal < 0)
		journal = getenv("JOURNAL_STREAM") != NULL;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (journal)
		fprintf(stderr, "<%d>%s\n", levels[level].priority, line);
	else
		fprintf(stderr, "reconcile: %s%s\n", levels[level].word, line);
}
