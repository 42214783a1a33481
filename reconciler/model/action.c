/* The words of the actions: one row and one case each. */
#include "model/action.h"

#include <string.h>

static const struct action_info infos[ACTION_KIND_COUNT] = {
	[ACTION_NETWORK] = {"create network", ROOM_DOCKER},
	[ACTION_VOLUME] = {"create volume", ROOM_DOCKER},
	[ACTION_PULL] = {"pull", ROOM_DOCKER},
	[ACTION_BUILD] = {"build", ROOM_DOCKER},
	[ACTION_CREATE] = {"create", ROOM_DOCKER},
	[ACTION_START] = {"start", ROOM_DOCKER},
	[ACTION_ALIAS] = {"alias", ROOM_DOCKER},
	[ACTION_UNALIAS] = {"unalias", ROOM_DOCKER},
	[ACTION_UPDATE] = {"update", ROOM_DOCKER},
	[ACTION_RENAME] = {"rename", ROOM_DOCKER},
	[ACTION_PARK] = {"park", ROOM_DOCKER},
	[ACTION_STOP] = {"stop", ROOM_DOCKER},
	[ACTION_REMOVE] = {"remove", ROOM_DOCKER},
	[ACTION_DROP] = {"drop image", ROOM_DOCKER},
	[ACTION_UNANNOUNCE] = {"unannounce", ROOM_NGINX},
	[ACTION_PUBLISH] = {"publish routes", ROOM_NGINX},
	[ACTION_WEIGHT] = {"shift traffic", ROOM_NGINX},
	[ACTION_SWAP_MAKE] = {"make swap file", ROOM_HOST},
	[ACTION_SWAP_MEND] = {"set swap file right:", ROOM_HOST},
	[ACTION_SWAP_OFF] = {"take swap file away:", ROOM_HOST},
	[ACTION_SWAPPINESS] = {"set vm.swappiness", ROOM_HOST},
	[ACTION_QUARANTINE] = {"quarantine", ROOM_NOTES},
	[ACTION_COMMIT] = {"accept", ROOM_NOTES},
};

const struct action_info *action_info(enum action_kind kind)
{
	return &infos[kind];
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool action_is_of_same(const struct action *a, const struct action *b)
{
	return same(a->project, b->project) && (same(a->service, b->service) || (!a->service && !b->service));
}

/* The container an action is about, NULL when it is about none. */
static const char *container_of(const struct action *a)
{
	return a->kind == ACTION_CREATE ? a->name : a->instance ? a->instance->name : NULL;
}

/* The image that it brings, takes away or uses. */
static const char *image_of(const struct action *a)
{
	bool needs_one = a->kind == ACTION_PULL || a->kind == ACTION_BUILD || a->kind == ACTION_CREATE;
	return a->kind == ACTION_DROP ? a->image->image : needs_one && a->spec ? a->spec->image : NULL;
}

bool action_must_follow(const struct action *later, const struct action *earlier)
{
	bool is_image = same(image_of(later), image_of(earlier));
	if (same(container_of(later), container_of(earlier)) ||
	    (later->instance && earlier->instance && same(later->instance->id, earlier->instance->id)))
		return true;
	switch (earlier->kind) {
	case ACTION_PULL: case ACTION_BUILD:
		/* Two services that share an image each pull it: each has a note of its own about that. */
		return is_image && (later->kind != ACTION_PULL || action_is_of_same(later, earlier));
	case ACTION_DROP:
		/* With an image the engine removes those that it was built on: two at once trip over each other. */
		return is_image || later->kind == ACTION_DROP;
	case ACTION_NETWORK:
		return later->kind == ACTION_NETWORK ? same(later->network, earlier->network)
		       : (later->kind == ACTION_CREATE || later->kind == ACTION_ALIAS) && same(later->project, earlier->project);
	case ACTION_VOLUME:
		return later->kind == ACTION_VOLUME ? same(later->volume, earlier->volume)
		                                    : later->kind == ACTION_CREATE && same(later->project, earlier->project);
	case ACTION_UNALIAS:
		/* The last one that has a service's name goes with it: not while others have it, too. */
		return later->kind == ACTION_STOP && action_is_of_same(later, earlier);
	default:
		/* The name must be free first. */
		return later->kind == ACTION_RENAME && same(later->name, container_of(earlier));
	}
}

int action_order(const struct action *a)
{
	static const int orders[] = {[ROOM_NOTES] = 0, [ROOM_DOCKER] = 2, [ROOM_NGINX] = 3, [ROOM_HOST] = 4};
	return a->kind == ACTION_WEIGHT ? 1 : orders[infos[a->kind].room];
}

#define DIGEST_SHOWN 19 /* "sha256:" and twelve digits, as Docker shortens ids */

/* An image whose name came from the host's environment is as secret as anything from there. */
static void print_image(struct buf *out, const char *image, bool is_secret)
{
	const char *at = strchr(image, '@');
	if (is_secret)
		buf_puts(out, "image: secret");
	else
		buf_printf(out, "%.*s", at && strlen(at + 1) > DIGEST_SHOWN ? (int)(at + 1 - image) + DIGEST_SHOWN : -1, image);
}

static void print_image_of(struct buf *out, const struct service *s)
{
	const struct value *image = spec_value(&s->spec, "image");
	bool is_written = image && image->kind == VALUE_STRING;
	print_image(out, is_written ? image->string : s->image, is_written && image->secret);
}

static void print_changes(struct buf *out, const struct action *a)
{
	for (size_t i = 0; i < a->changes_count; i++) {
		buf_printf(out, "%s%s ", i ? ", " : ": ", a->changes[i].field->path);
		/* What is read off the engine does not know that it is a secret. */
		struct value from = a->changes[i].from;
		from.secret |= a->changes[i].to.secret;
		value_print(out, &from, true);
		buf_puts(out, " -> ");
		value_print(out, &a->changes[i].to, true);
	}
}

static void print_swap(struct buf *out, const struct action *a)
{
	const struct swap_change *s = a->swap;
	char size[SIZE_TEXT], before[SIZE_TEXT];
	if (a->kind == ACTION_SWAPPINESS)
		buf_printf(out, ": %d -> %d", s->from, s->to);
	else
		buf_printf(out, " %s", s->file);
	if (a->kind == ACTION_SWAP_MAKE && s->before_bytes)
		buf_printf(out, ": %s -> %s", size_text(s->before_bytes, before), size_text(s->size_bytes, size));
	else if (a->kind == ACTION_SWAP_MAKE)
		buf_printf(out, " of %s", size_text(s->size_bytes, size));
}

static void print_object(struct buf *out, const struct action *a)
{
	switch (a->kind) {
	case ACTION_NETWORK:
		buf_printf(out, " %s", a->network);
		if (a->subnet)
			buf_printf(out, " (%s)", a->subnet);
		break;
	case ACTION_VOLUME:
		buf_printf(out, " %s", a->volume);
		break;
	case ACTION_PULL: case ACTION_BUILD:
		buf_puts(out, " ");
		print_image_of(out, a->spec);
		break;
	case ACTION_DROP:
		buf_puts(out, " ");
		if (a->image->is_secret)
			buf_puts(out, "(secret)");
		else
			print_image(out, a->image->image, false);
		break;
	case ACTION_CREATE:
		buf_printf(out, " %s (", a->name);
		print_image_of(out, a->spec);
		buf_puts(out, ")");
		if (a->address)
			buf_printf(out, " at %s", a->address);
		break;
	case ACTION_ALIAS:
		buf_printf(out, " %s as %s", a->instance->name, a->service);
		break;
	case ACTION_START: case ACTION_UNALIAS: case ACTION_PARK: case ACTION_STOP: case ACTION_REMOVE:
		buf_printf(out, " %s", a->instance->name);
		break;
	case ACTION_UPDATE:
		buf_printf(out, " %s", a->instance->name);
		print_changes(out, a);
		break;
	case ACTION_RENAME:
		buf_printf(out, " %s to %s", a->instance->name, a->name);
		break;
	case ACTION_WEIGHT:
		if (a->to_testers)
			buf_puts(out, ": testers to the next revision");
		else
			buf_printf(out, ": %d.%d%% to the next revision", a->weight / 10, a->weight % 10);
		break;
	case ACTION_SWAP_MAKE: case ACTION_SWAP_MEND: case ACTION_SWAP_OFF: case ACTION_SWAPPINESS:
		print_swap(out, a);
		break;
	case ACTION_QUARANTINE: case ACTION_COMMIT:
		buf_printf(out, " revision %.8s", a->revision);
		break;
	default:
		break;
	}
}

void action_print(struct buf *out, const struct action *a)
{
	if (a->service)
		buf_printf(out, "%s/%s: ", a->project, a->service);
	else if (a->project)
		buf_printf(out, "%s: ", a->project);
	buf_puts(out, action_info(a->kind)->verb);
	print_object(out, a);
	if (a->reason)
		buf_printf(out, " (%s)", a->reason);
}
