/* The only clock, and the stop request that may end a sleep. */
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/notify.h"

static volatile sig_atomic_t stop_signal, reload_wish, now_wish;

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t clock_cpu_ms(void)
{
	return read_ms(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t clock_monotonic_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

static void on_stop(int sig)
{
	stop_signal = sig;
}

void clock_catch_stop(void)
{
	/* SA_RESETHAND: the second signal does what it always did. */
	struct sigaction sa = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool clock_stop_requested(void)
{
	return stop_signal != 0;
}

static void on_wish(int sig)
{
	if (sig == SIGHUP)
		reload_wish = 1;
	else
		now_wish = 1;
}

void clock_catch_wishes(void)
{
	struct sigaction sa = {.sa_handler = on_wish, .sa_flags = (int)SA_RESTART};
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
}

int clock_take_wishes(void)
{
	int wishes = 0;
	/* A second one that comes between a look and its line is one with the first, which is about to be fulfilled. */
	if (reload_wish) {
		reload_wish = 0;
		wishes |= WISH_RELOAD;
	}
	if (now_wish) {
		now_wish = 0;
		wishes |= WISH_NOW;
	}
	return wishes;
}

static void sleep_unless(bool wakes_for_wishes, int64_t ms)
{
	sigset_t caught, before, during;
	sigemptyset(&caught);
	sigaddset(&caught, SIGTERM);
	sigaddset(&caught, SIGINT);
	sigaddset(&caught, SIGHUP);
	sigaddset(&caught, SIGUSR1);
	/* Blocked until ppoll() opens them again: a signal between the check and the sleep is not missed. */
	sigprocmask(SIG_BLOCK, &caught, &before);
	during = before;
	if (!wakes_for_wishes) {
		sigaddset(&during, SIGHUP);
		sigaddset(&during, SIGUSR1);
	}
	if (!stop_signal && !(wakes_for_wishes && (reload_wish || now_wish)) && ms > 0) {
		struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
		ppoll(NULL, 0, &ts, &during);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

bool clock_sleep_ms(int64_t ms)
{
	notify_alive();
	sleep_unless(false, ms);
	return stop_signal != 0;
}

void clock_wait_ms(int64_t ms)
{
	int64_t until_ms = clock_monotonic_ms() + ms;
	while (!stop_signal && !reload_wish && !now_wish && clock_monotonic_ms() < until_ms) {
		notify_alive();
		sleep_unless(true, notify_until_due_ms(until_ms - clock_monotonic_ms()));
	}
}

int64_t clock_parse_rfc3339_ms(const char *text)
{
	struct tm tm = {0};
	int consumed = 0, ms = 0, offset_s = 0;
	if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
	                    &tm.tm_min, &tm.tm_sec, &consumed) != 6 || tm.tm_year < 1970)
		return 0;
	const char *p = text + consumed;
	if (*p == '.') {
		int scale = 100;
		for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
			ms += (*p - '0') * scale;
	}
	int h, m;
	if ((*p == '+' || *p == '-') && sscanf(p + 1, "%2d:%2d", &h, &m) == 2)
		offset_s = (*p == '-' ? -1 : 1) * (h * 3600 + m * 60);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return ((int64_t)timegm(&tm) - offset_s) * 1000 + ms;
}

void clock_format(int64_t ms, char *out, size_t size)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	gmtime_r(&s, &tm);
	if (strftime(out, size, "%Y-%m-%d %H:%M:%SZ", &tm) == 0 && size)
		out[0] = 0;
}

void clock_rfc3339(int64_t ms, char *out, size_t size)
{
	char seconds[32];
	clock_format(ms, seconds, sizeof seconds);
	snprintf(out, size, "%.10sT%.8s.%03dZ", seconds, seconds + 11, (int)(ms % 1000));
}

const char *clock_duration(int64_t ms, char out[32])
{
	static const struct { int64_t ms; const char *unit; } units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}};
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (ms >= units[i].ms && ms % units[i].ms == 0) {
			snprintf(out, 32, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
			return out;
		}
	if (ms >= 1000)
		snprintf(out, 32, "%.1fs", (double)ms / 1000);
	else
		snprintf(out, 32, "%" PRId64 "ms", ms);
	return out;
}
