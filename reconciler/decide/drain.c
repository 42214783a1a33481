/*
 * What a drain waits for, in words. The one thing to know: a length counts from the moment at which nginx and the name had
 * let go of the instance, and only as far as this run waited itself; how long others take no plan can know.
 */
#include "base/clock.h"
#include "decide/rollout.h"

/* How often a wait looks again: for connections and workers to end, which takes as long as others please, and then for the
 * readings that show that nobody is left. */
#define DRAIN_POLL_MS 200
#define SETTLED_POLL_MS 50

static const char *plural(int count)
{
	return count == 1 ? "" : "s";
}

const char *drain_how(struct rollout *r, const struct instance *i, const struct drain *d)
{
	const struct world *w = r->pass->world;
	const struct { bool is_one; const char *what; int64_t done_ms; int left; } facts[] = {
		{i->alone_since_ms, "name", i->alone_since_ms + KNOCKS_AGAIN_MS, 0},
		{d->has_workers, "old nginx workers", w->nginx.workers_gone_ms, d->workers},
		{true, "connections", i->idle_since_ms, d->connections},
	};
	int64_t from_ms = d->since_ms > w->run_started_ms ? d->since_ms : w->run_started_ms;
	CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
	char timeout[32];
	if (!d->since_ms)
		return NULL;
	if (d->connections)
		buf_printf(&out, "cuts %d connection%s", d->connections, plural(d->connections));
	if (d->connections || d->workers)
		buf_printf(&out, "%safter the drain time-out of %s", d->connections ? " " : "", clock_duration(d->timeout_ms, timeout));
	else
		buf_puts(&out, "drained");
	for (size_t k = 0, told = 0; k < ARRAY_LEN(facts); k++) {
		if (!facts[k].is_one)
			continue;
		buf_printf(&out, "%s %s", told++ ? "," : ":", facts[k].what);
		if (facts[k].left)
			buf_printf(&out, " (%d left)", facts[k].left);
		else if (facts[k].done_ms)
			buf_printf(&out, " %.1fs", facts[k].done_ms > from_ms ? (double)(facts[k].done_ms - from_ms) / 1000 : 0);
	}
	return arena_strdup(r->pass->arena, out.text);
}

void drain_say(struct rollout *r, const struct instance *i, const struct drain *d)
{
	struct pass *p = r->pass;
	const struct world *w = p->world;
	int64_t again_ms = w->now_ms + (d->connections || d->workers ? DRAIN_POLL_MS : SETTLED_POLL_MS), quiet_ms = i->alone_since_ms + KNOCKS_AGAIN_MS;
	bool is_known = d->since_ms > i->alone_since_ms || i->alone_since_ms > w->watched_since_ms;
	int64_t since_ms = is_known ? d->since_ms : d->has_workers ? w->nginx.installed_ms : 0;
	char since[32] = "", timeout[32];
	if (quiet_ms > again_ms && !d->connections && !d->workers) {
		rollout_wait_for(r, arena_printf(p->arena, "%s drains: it has lost the name %s, and who looked that up before may still come",
		                                 i->name, r->service), quiet_ms);
		return;
	}
	if (since_ms)
		clock_format(since_ms, since, sizeof since);
	rollout_wait(r, arena_printf(p->arena, "%s drains%s%s: %d connection%s, %d old nginx worker%s; cut after the drain_timeout of %s",
	                             i->name, *since ? " since " : "", since, d->connections, plural(d->connections), d->workers,
	                             plural(d->workers), clock_duration(d->timeout_ms, timeout)), again_ms);
	r->status->until_ms = is_known ? d->since_ms + d->timeout_ms : 0;
}
