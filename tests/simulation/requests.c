/*
 * What is seen of the requests to a revision on trial. The one thing to know: it follows from the weight, how long it
 * has been so, and how each revision answers now, so nothing has to be remembered.
 */
#include "simulation.h"

#define REQUESTS_A_SECOND 20
#define LOOKED_AT_MS 30000 /* by then all has been seen that a verdict may want */

static bool is_failing(const struct simulation *s, const char *service, const char *revision)
{
	unsigned image = (unsigned)(revision[strlen(revision) - 1] - '1'); /* "rev-app:1" */
	return image < IMAGES_COUNT && s->is_failing[service_index(service)][image];
}

static struct seen answers(const struct simulation *s, const struct traffic *t, const struct side *side, int64_t attempts)
{
	return (struct seen){.attempts = attempts, .errors = is_failing(s, t->service, side->revision) ? attempts / 2 : 0};
}

void see_requests(struct simulation *s)
{
	struct world *w = s->real;
	w->evidence = s->evidence;
	w->evidence_count = 0;
	for (size_t i = 0; i < w->nginx.topology.services_count; i++) {
		const struct traffic *t = &w->nginx.topology.services[i];
		if (t->weight == 0 || t->project[0] != 's' || s->is_silent[service_index(t->service)])
			continue;
		int64_t all = (w->now_ms - t->weight_since_ms) / 1000 * REQUESTS_A_SECOND, next = all * t->weight / PERMILLE;
		w->evidence[w->evidence_count++] = (struct evidence){
			.project = t->project, .service = t->service, .revision = t->next.revision, .weight = t->weight,
			.from_ms = t->weight_since_ms, .to_ms = w->now_ms, .next = answers(s, t, &t->next, next),
			.stable = answers(s, t, &t->stable, all - next)};
	}
}

const struct evidence *seen_of(const struct world *w, const char *service)
{
	for (size_t i = 0; i < w->evidence_count; i++)
		if (strcmp(w->evidence[i].service, service) == 0)
			return &w->evidence[i];
	return NULL;
}

int64_t next_requests_ms(const struct traffic *t, int64_t now_ms)
{
	int64_t age_ms = now_ms - t->weight_since_ms;
	return t->weight && age_ms < LOOKED_AT_MS ? t->weight_since_ms + (age_ms / 1000 + 1) * 1000 : 0;
}
