/* --watch: the same pass again and again, until it is told to stop. */
#ifndef WATCH_H
#define WATCH_H

#include "cycle.h"

/* Where settings come from, to read them again: the parameters of settings_load(). */
struct watch_source {
	const char *file;
	const struct setting_flag *flags;
	size_t flags_count;
};

/*
 * A pass every settings->interval_ms; returns the exit code. SIGTERM and SIGINT end it at the next safe point with 0, a
 * second one at once; SIGHUP reads the settings again and keeps the ones from before when they are wrong; SIGUSR1 begins
 * the next pass now. Tells the service manager where it stands (base/notify.h). The lock is held during a pass only. A
 * pass that fails never ends it, but for a first one that shows that it was called wrongly.
 */
int watch(const struct settings *s, const struct cycle_options *o, const struct watch_source *from);

#endif
