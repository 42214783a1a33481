/*
 * Images that are not needed any more. The one thing to know: only what we pulled ourselves ever goes, and of that
 * nothing which a container, a manifest, or a way back needs.
 */
#include <string.h>

#include "decide/pass.h"

#define GOOD_KEPT 2 /* the one that serves and the one before it */

static bool is_same_service(const struct past_image *a, const struct past_image *b)
{
	return strcmp(a->project, b->project) == 0 && strcmp(a->service, b->service) == 0;
}

/* One of the last good ones of its service? */
static bool is_way_back(const struct pass *p, const struct past_image *image)
{
	int better = 0;
	for (size_t i = 0; i < p->world->past_images_count; i++) {
		const struct past_image *other = &p->world->past_images[i];
		better += is_same_service(other, image) && other->good_ms > image->good_ms;
	}
	return image->good_ms && better < GOOD_KEPT;
}

/* A service that left a project of Git needs no way back, unless it is left alone. */
static bool has_left(const struct pass *p, const char *project, const char *service)
{
	return !desired_service(p->desired, project, service) && !pass_leaves_alone(p, project, service);
}

/* Does any service need the image, or may it? */
static bool is_needed(const struct pass *p, const char *image)
{
	const struct world *w = p->world;
	for (size_t i = 0; i < p->desired->projects_count; i++)
		for (size_t k = 0; k < p->desired->projects[i].services_count; k++)
			if (strcmp(p->desired->projects[i].services[k].image, image) == 0)
				return true;
	for (size_t i = 0; i < w->goods_count; i++)
		if (w->goods[i].spec && strcmp(w->goods[i].spec->image, image) == 0 &&
		    !has_left(p, w->goods[i].project, w->goods[i].service))
			return true;
	for (size_t i = 0; i < w->past_images_count; i++)
		if (strcmp(w->past_images[i].image, image) == 0 && is_way_back(p, &w->past_images[i]) &&
		    !has_left(p, w->past_images[i].project, w->past_images[i].service))
			return true;
	return false;
}

/* Nothing goes while its service is on its way somewhere. */
static bool is_at_rest(const struct pass *p, const struct past_image *image)
{
	for (size_t i = 0; i < p->out->services_count; i++) {
		const struct status *s = &p->out->services[i];
		if (strcmp(s->project, image->project) == 0 && strcmp(s->service, image->service) == 0)
			return s->phase == PHASE_SETTLED || s->phase == PHASE_KEEPING || s->phase == PHASE_ROLLED_BACK;
	}
	return has_left(p, image->project, image->service);
}

/* An engine that would not is asked by the next run. */
static bool has_failed(const struct pass *p, const char *image)
{
	for (size_t i = 0; i < p->world->failures_count; i++)
		if (strcmp(p->world->failures[i].object, image) == 0)
			return true;
	return false;
}

static bool is_dropped(const struct pass *p, const char *image)
{
	for (size_t i = 0; i < p->out->actions_count; i++)
		if (p->out->actions[i].kind == ACTION_DROP && strcmp(p->out->actions[i].image->image, image) == 0)
			return true;
	return false;
}

void images_drop(struct pass *p)
{
	for (size_t i = 0; i < p->world->past_images_count; i++) {
		const struct past_image *past = &p->world->past_images[i];
		const struct image *now = world_image(p->world, past->image);
		if (!*past->id || !now || strcmp(now->id, past->id) != 0 || now->is_used)
			continue;
		if (is_needed(p, past->image) || !is_at_rest(p, past) || is_dropped(p, past->image) ||
		    has_failed(p, past->image))
			continue;
		struct action *a = pass_action(p, ACTION_DROP, past->project, past->service);
		a->image = past;
		a->reason = past->good_ms ? "older than the last two good ones" : "never good, and not wanted any more";
	}
}
