/* What was seen so far of the requests of rollouts under way: both sides, over all weights that next has had. */
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

/* The time within which so much of the answers came; -1 without any. */
static double quantile_ms(const struct seen *s, double part)
{
	int64_t all = 0, sum = 0;
	for (int i = 0; i < LATENCY_BUCKETS; i++)
		all += s->latency[i];
	for (int i = 0; i < LATENCY_BUCKETS; i++) {
		sum += s->latency[i];
		if (all && (double)sum >= part * (double)all)
			return evidence_bucket_ms(i);
	}
	return -1;
}

struct sight sight_of(const struct seen *s)
{
	return (struct sight){s->attempts, s->errors, quantile_ms(s, 0.99)};
}

bool seen_next(const struct world *w, size_t *at, struct evidence *sum)
{
	for (; *at < w->evidence_count; (*at)++) {
		const struct evidence *e = &w->evidence[*at];
		bool is_told = e->weight == 0;
		for (size_t i = 0; i < *at && !is_told; i++)
			is_told = w->evidence[i].weight > 0 && strcmp(w->evidence[i].project, e->project) == 0 &&
			          strcmp(w->evidence[i].service, e->service) == 0;
		if (is_told)
			continue;
		*sum = *e;
		for (size_t i = ++*at; i < w->evidence_count; i++) {
			const struct evidence *more = &w->evidence[i];
			if (more->weight == 0 || strcmp(more->project, e->project) != 0 || strcmp(more->service, e->service) != 0)
				continue;
			seen_add(&sum->stable, &more->stable);
			seen_add(&sum->next, &more->next);
			sum->weight = more->weight;
		}
		return true;
	}
	return false;
}

static void print_side(struct buf *out, const char *name, const struct seen *side)
{
	struct sight s = sight_of(side);
	buf_printf(out, "%s: %" PRId64 " attempts, %" PRId64 " failed (%.1f %%)", name, s.attempts, s.errors,
	           s.attempts ? 100.0 * (double)s.errors / (double)s.attempts : 0);
	if (s.p99_ms >= 0)
		buf_printf(out, ", p99 %.0f ms", s.p99_ms);
}

void seen_print(struct buf *out, const struct world *w)
{
	struct evidence sum;
	for (size_t at = 0; seen_next(w, &at, &sum);) {
		char name[256];
		snprintf(name, sizeof name, "%s/%s", sum.project, sum.service);
		buf_printf(out, "%-30s %-12s ", name, "requests");
		print_side(out, "next", &sum.next);
		print_side(out, "; stable", &sum.stable);
		buf_puts(out, "\n");
	}
}
