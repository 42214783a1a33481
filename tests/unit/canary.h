/* A canary in the middle of its rollout, and what may be said to it. */
#ifndef TESTS_CANARY_H
#define TESTS_CANARY_H

#include "model_host.h"

static struct canary_step quick[] = {{50, 10000}, {250, 10000}, {500, 10000}};
static struct canary_step asked[] = {{50, HOLD_MANUAL}, {500, HOLD_MANUAL}};

static inline struct host *deployed(int replicas, struct canary_step *steps, size_t count)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:1", STRATEGY_CANARY, true);
	s->replicas = replicas;
	s->steps = steps;
	s->steps_count = count;
	run(h);
	set_image(h, s, "app:2");
	buf_clear(&h->trace);
	return h;
}

static inline void order(struct host *h, enum order_kind kind, const char *service, const char *revision, int weight)
{
	*ARENA_PUSH(&h->arena, h->world->orders, h->world->orders_count) = (struct order){
		.kind = kind, .project = "shop", .service = service, .revision = revision, .weight = weight, .reason = ""};
}

static inline const char *reason_of(struct host *h, const char *service)
{
	for (size_t i = 0; i < h->last.services_count; i++)
		if (strcmp(h->last.services[i].service, service) == 0)
			return h->last.services[i].reason ? h->last.services[i].reason : "";
	return "no such service";
}

static inline void until(struct host *h, const char *part)
{
	for (int i = 0; i < 300 && !strstr(h->trace.text, part); i++)
		run_rounds(h, 1);
	CHECK_CONTAINS(h->trace.text, part);
	buf_clear(&h->trace);
}

/* What nginx saw under the weight that next has now. */
static inline struct evidence *see(struct host *h, int64_t next, int64_t errors, int64_t stable)
{
	struct evidence *e = ARENA_PUSH(&h->arena, h->world->evidence, h->world->evidence_count);
	*e = (struct evidence){.project = "shop", .service = "web", .revision = "rev-app:2",
	                       .weight = traffic_of(h, "web")->weight};
	e->next.attempts = next;
	e->next.errors = errors;
	e->stable.attempts = stable;
	return e;
}

#endif
