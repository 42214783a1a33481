/* Tags to digests, once in a run. The one thing to know: who has no tag that must be asked never reaches the network. */
#include "resolve.h"

#include <string.h>

#include "base/log.h"
#include "desired/manifest.h"

static struct resolution *find_known(struct resolver *r, const char *image)
{
	for (size_t i = 0; i < r->known_count; i++)
		if (strcmp(r->known[i].image, image) == 0)
			return &r->known[i];
	return NULL;
}

static bool must_ask(const struct service *s)
{
	return !s->is_left_alone && s->pull == PULL_ALWAYS && !strchr(s->image, '@');
}

static void ask(struct resolver *r, const struct desired *d)
{
	size_t before = r->known_count;
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++) {
			const struct service *s = &d->projects[i].services[k];
			const struct value *image = spec_value(&s->spec, "image");
			if (must_ask(s) && !find_known(r, s->image))
				*ARENA_PUSH(r->arena, r->known, r->known_count) = (struct resolution){
					.image = arena_strdup(r->arena, s->image), .is_secret = image && image->secret};
		}
	if (r->known_count > before)
		docker_resolve(r->docker, r->arena, &r->known[before], r->known_count - before);
}

/* The service as it was when it was last found good; as it is when there is no such thing. */
static void keep_last_good(struct service *s, const struct notes *notes, struct arena *a)
{
	for (size_t i = 0; i < notes->goods_count; i++) {
		const struct note_good *g = &notes->goods[i];
		struct service good;
		struct err e;
		if (strcmp(g->project, s->project) == 0 && strcmp(g->service, s->name) == 0 &&
		    service_parse(g->spec, a, &good, &e) == 0)
			*s = good;
	}
}

static void resolve_service(struct service *s, const struct resolution *r, const struct notes *notes, struct arena *a)
{
	if (r->digest) {
		service_pin(a, s, r->digest);
		return;
	}
	enum err_kind kind = r->err.kind;
	const char *why = arena_printf(a, "cannot tell what %s is now: %s", r->is_secret ? "its image" : s->image, r->err.message);
	log_warning("%s/%s: %s", s->project, s->name, why);
	keep_last_good(s, notes, a);
	s->unresolved = kind;
	s->unresolved_why = why;
}

void resolve_images(struct resolver *r, const struct notes *notes, struct desired *d, struct arena *a)
{
	ask(r, d);
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++) {
			struct service *s = &d->projects[i].services[k];
			if (must_ask(s))
				resolve_service(s, find_known(r, s->image), notes, a);
		}
}
