/* The log. With a journal behind stderr the level goes in front as <N>, as sd-daemon(3) describes. */
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static enum log_level least_level = LOG_INFO;

static const struct { const char *word; int priority; } levels[] = {
	[LOG_DEBUG] = {"debug: ", 7},
	[LOG_INFO] = {"", 6},
	[LOG_WARNING] = {"warning: ", 4},
	[LOG_ERROR] = {"error: ", 3},
};

#define SAID_MAX 256
#define BACK_OFF_MIN_MS 60000
#define BACK_OFF_MAX_MS 3600000

/* What was said lately, by its hash; what no round repeats any more gives its row away. */
static struct said {
	uint64_t hash;
	int64_t round;   /* that it came up in last; 0: a free row */
	int64_t next_ms; /* when it may be said again */
	int64_t pause_ms;
	int times;
} said[SAID_MAX];
static int64_t this_round;

void log_set_level(enum log_level least)
{
	least_level = least;
}

void log_round(void)
{
	this_round++;
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = 14695981039346656037U; /* FNV-1a */
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211U;
	return hash;
}

/* The row of `text`, or the one to take for it: the one that was not needed for longest. */
static struct said *row_of(uint64_t hash)
{
	struct said *oldest = &said[0];
	for (size_t i = 0; i < SAID_MAX; i++) {
		if (said[i].round && said[i].hash == hash)
			return &said[i];
		if (said[i].round < oldest->round)
			oldest = &said[i];
	}
	return oldest;
}

/* How often it came up by now; 0: it is not to be said. */
static int times_due(const char *text)
{
	if (!this_round)
		return 1;
	int64_t now_ms = clock_monotonic_ms();
	uint64_t hash = hash_of(text);
	struct said *s = row_of(hash);
	if (s->hash != hash || s->round < this_round - 1)
		*s = (struct said){.hash = hash, .next_ms = now_ms, .pause_ms = BACK_OFF_MIN_MS};
	s->round = this_round;
	s->times++;
	if (now_ms < s->next_ms)
		return 0;
	s->next_ms = now_ms + s->pause_ms;
	s->pause_ms = s->pause_ms * 2 < BACK_OFF_MAX_MS ? s->pause_ms * 2 : BACK_OFF_MAX_MS;
	return s->times;
}

bool log_is_due(const char *text)
{
	return times_due(text) > 0;
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
	int times = level >= LOG_WARNING ? times_due(line) : 1;
	if (times == 0)
		return;
	if (times > 1)
		snprintf(line + strlen(line), sizeof line - strlen(line), " (%d times by now)", times);
	if (journal)
		fprintf(stderr, "<%d>%s\n", levels[level].priority, line);
	else
		fprintf(stderr, "reconcile: %s%s\n", levels[level].word, line);
}
