/* Actions carried out to their end, for tests that ask the engine's room for nothing else in the meantime. */
#ifndef TESTS_DOCKER_ACT_H
#define TESTS_DOCKER_ACT_H

#include "docker/docker.h"

struct acting {
	const struct action *const *actions;
	struct outcome *outcomes;
	size_t count;
};
static struct acting acting; /* the context of docker_settings */

/* For docker_settings. */
static inline void act_ended(void *context, const struct action *action, const struct outcome *outcome, int64_t took_ms)
{
	const struct acting *all = context;
	(void)took_ms;
	for (size_t i = 0; i < all->count; i++)
		if (all->actions[i] == action)
			all->outcomes[i] = *outcome;
}

static inline void act_all(struct docker *d, const struct action *const *actions, struct outcome *outcomes, size_t count)
{
	acting = (struct acting){actions, outcomes, count};
	for (size_t i = 0; i < count; i++)
		outcomes[i] = (struct outcome){.result = -1};
	docker_begin(d, &acting, actions, count);
	while (docker_needs(d, &acting))
		docker_poll(d, 1000);
}

#endif
