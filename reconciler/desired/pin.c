/* Images with a digest. The one thing to know: the tag stays in the spec for people, the engine goes by the digest. */
#include <string.h>

#include "desired/draft.h"
#include "desired/fields.h"
#include "desired/manifest.h"

const char *image_in_engine(struct arena *a, const char *image)
{
	const char *at = strchr(image, '@'), *slash = at ? memrchr(image, '/', (size_t)(at - image)) : NULL;
	const char *last = slash ? slash + 1 : image; /* a colon before the last slash is a registry's port */
	const char *colon = at ? memchr(last, ':', (size_t)(at - last)) : NULL;
	return colon ? arena_printf(a, "%.*s%s", (int)(colon - image), image, at) : image;
}

void service_pin(struct arena *a, struct service *s, const char *digest)
{
	size_t at = field_index("image");
	if (strchr(s->image, '@'))
		return;
	struct value *values = arena_alloc(a, s->spec.count * sizeof *values);
	memcpy(values, s->spec.values, s->spec.count * sizeof *values);
	values[at].string = arena_printf(a, "%s@%s", values[at].string, digest);
	s->spec.values = values;
	s->image = image_in_engine(a, values[at].string);
	spec_revision(&s->spec, s->revision);
}
