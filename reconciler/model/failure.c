/* Failures, by what they are about: the revision, one instance of it, its places on networks, the weight of one rollout, an image, the structure, or swap. */
#include "model/failure.h"

#include <string.h>

static const char *object_of(const struct action *a)
{
	switch (a->kind) {
	case ACTION_ALIAS: case ACTION_UNALIAS: case ACTION_UPDATE: case ACTION_RENAME: case ACTION_PARK: case ACTION_STOP:
	case ACTION_REMOVE: return a->instance->id;
	case ACTION_WEIGHT: return a->rollout;
	case ACTION_DROP: return a->image->image;
	case ACTION_SWAP_MAKE: case ACTION_SWAP_MEND: case ACTION_SWAP_OFF: return a->swap->file;
	case ACTION_SWAPPINESS: return "vm.swappiness";
	default: return "";
	}
}

static bool is_of_place(const struct action *a)
{
	return a->kind == ACTION_ALIAS || a->kind == ACTION_UNALIAS;
}

static const char *text_of(const char *s)
{
	return s ? s : "";
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct failure *find(const struct failures *f, const struct action *a)
{
	for (size_t i = 0; i < f->count; i++) {
		struct failure *one = &f->items[i];
		if (is_same(one->project, a->project) && is_same(one->service, a->service) &&
		    strcmp(one->revision, text_of(a->revision)) == 0 && strcmp(one->object, object_of(a)) == 0 &&
		    one->is_of_place == is_of_place(a))
			return one;
	}
	return NULL;
}

struct failure *failures_add(struct failures *f, struct arena *a, const struct action *action, const struct err *e,
                             int64_t began_ms, int64_t now_ms)
{
	struct failure *one = find(f, action);
	if (!one) {
		one = ARENA_PUSH(a, f->items, f->count);
		*one = (struct failure){
			.project = arena_strdup(a, action->project), .service = arena_strdup(a, action->service),
			.revision = arena_strdup(a, text_of(action->revision)), .object = arena_strdup(a, object_of(action)),
			.is_of_place = is_of_place(action)};
	}
	if (!one->attempts || one->at_ms < began_ms)
		one->attempts++;
	if (!one->message || strcmp(one->message, e->message) != 0)
		one->message = arena_strdup(a, e->message);
	one->kind = e->kind;
	one->at_ms = now_ms;
	return one;
}

void failures_forget(struct failures *f, const struct action *action)
{
	struct failure *one = find(f, action);
	if (one)
		*one = f->items[--f->count];
}
