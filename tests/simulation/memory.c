/*
 * Who has how much of the memory. The one thing to know: what does not fit is swapped out, and when swap is full too the
 * kernel kills the largest; what instances really take is drawn, and decide has to know it from what it has measured.
 */
#include "simulation.h"

#define MIB ((int64_t)1 << 20)

int64_t memory_of(const struct simulation *s, const char *service, const char *revision)
{
	int64_t image = strrchr(revision, ':')[1] - '1'; /* "rev-app:1", "rev-app:1+0" */
	return s->schedule->setups[service_index(service)].use_mib * MIB * (10 + image) / 10;
}

int64_t free_swap(const struct world *w)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < w->host.swaps_count; i++)
		if (w->host.swaps[i].is_active)
			bytes += w->host.swaps[i].swap_bytes - w->host.swaps[i].used_bytes;
	return bytes;
}

/* What neither memory nor swap has room for. */
static int64_t share(struct simulation *s)
{
	struct world *w = s->real;
	int64_t room = s->memory_bytes - s->neighbours_bytes - MIB;
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		if (is_ours(in))
			in->memory_bytes = in->state == INSTANCE_RUNNING || in->state == INSTANCE_PAUSED ? memory_of(s, in->service, in->revision) : 0;
		room -= in->memory_bytes;
	}
	int64_t swapped = room < 0 ? -room : 0;
	w->host.memory_bytes = s->memory_bytes;
	w->host.memory_available_bytes = MIB + room + swapped;
	for (size_t i = 0; i < w->host.swaps_count; i++) {
		struct swap_file *f = &w->host.swaps[i];
		f->used_bytes = !f->is_active ? 0 : swapped < f->swap_bytes ? swapped : f->swap_bytes;
		swapped -= f->used_bytes;
	}
	return swapped;
}

static struct instance *largest(struct world *w)
{
	struct instance *most = NULL;
	for (size_t i = 0; i < w->instances_count; i++)
		if (w->instances[i].memory_bytes > (most ? most->memory_bytes : 0))
			most = &w->instances[i];
	return most;
}

void share_memory(struct simulation *s)
{
	struct instance *killed = NULL;
	while (s->memory_bytes && share(s) > 0 && (killed = largest(s->real))) {
		say(s, "* the kernel kills %s: out of memory", killed->name);
		instance_ends(s, killed, 137, true, false);
		s->is_memory_out = true;
	}
}
