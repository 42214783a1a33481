/* --watch. The one thing to know: nothing is carried over from pass to pass but what was said already (base/log.h). */
#include "watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "desired/load.h"

/* The settings in force, in an arena of their own once they were read again. */
struct watcher {
	const struct watch_source *from;
	struct arena arena;
	struct settings settings;
};

static void watcher_done(struct watcher *w)
{
	arena_done(&w->arena);
}

static void read_again(struct watcher *w)
{
	struct arena arena = {0};
	struct settings s;
	struct err e;
	notify_send("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic_ms() * 1000);
	if (settings_load(w->from->file, w->from->flags, w->from->flags_count, &arena, &s, &e) < 0 || desired_check(&s, &e) < 0) {
		log_error("%s; the settings from before stay in force", e.message);
		arena_done(&arena);
	} else {
		s.targets = w->settings.targets;
		s.targets_count = w->settings.targets_count;
		arena_done(&w->arena);
		w->arena = arena;
		w->settings = s;
		log_info("the settings were read again");
	}
	notify_send("READY=1");
}

/* Until the next pass is due. */
static void rest(struct watcher *w, int64_t since_ms)
{
	while (!clock_stop_requested()) {
		int wishes = clock_take_wishes();
		if (wishes & WISH_RELOAD)
			read_again(w);
		int64_t left_ms = since_ms + w->settings.interval_ms - clock_monotonic_ms();
		if (wishes || left_ms <= 0)
			return;
		clock_wait_ms(left_ms);
	}
}

int watch(const struct settings *s, const struct cycle_options *o, const struct watch_source *from)
{
	CLEANUP(watcher_done) struct watcher w = {.from = from, .settings = *s};
	struct err e;
	int last = 0;
	cycle_begin(o);
	clock_catch_wishes();
	notify_open();
	if (desired_check(s, &e) < 0)
		return cycle_end(o, &e);
	notify_send("READY=1");
	for (bool is_first = true; !clock_stop_requested(); is_first = false) {
		log_round();
		int code = cycle_pass(&w.settings, o, &e);
		if (clock_stop_requested())
			break;
		if (code < 0) {
			code = cycle_end(o, &e);
			notify_status(e.message);
			if (is_first && e.kind == ERR_USAGE)
				return code;
		}
		if (last != 0 && code == 0)
			log_info("the host matches again");
		last = code;
		rest(&w, clock_monotonic_ms());
	}
	notify_send("STOPPING=1");
	log_info("stopped");
	return 0;
}
