/*
 * Image references. The engine lists an image under its short name only ("redis:7"), a manifest may say the same in
 * six ways: `docker.io/`, `index.docker.io/` and `library/` may be left out, and so may `:latest`.
 */
#include "docker/image_name.h"

#include <string.h>

#include "base/macros.h"

/* Without "docker.io/" and, behind it or on its own, "library/". */
static const char *short_name(const char *name)
{
	static const char *const hubs[] = {"docker.io/", "index.docker.io/"};
	for (size_t i = 0; i < ARRAY_LEN(hubs); i++)
		if (strncmp(name, hubs[i], strlen(hubs[i])) == 0) {
			name += strlen(hubs[i]);
			break;
		}
	return strncmp(name, "library/", 8) == 0 && !strchr(name + 8, '/') ? name + 8 : name;
}

struct image_name image_name_parse(struct arena *a, const char *reference)
{
	struct image_name n = {.name = short_name(reference)};
	const char *at = strchr(n.name, '@');
	size_t length = at ? (size_t)(at - n.name) : strlen(n.name);
	const char *slash = memrchr(n.name, '/', length);
	const char *last = slash ? slash + 1 : n.name;
	/* A colon before the last slash is a registry's port. */
	const char *colon = memchr(last, ':', length - (size_t)(last - n.name));
	if (at)
		n.digest = arena_strdup(a, at + 1);
	else
		n.tag = colon ? arena_strndup(a, colon + 1, length - (size_t)(colon + 1 - n.name)) : "latest";
	n.name = arena_strndup(a, n.name, colon ? (size_t)(colon - n.name) : length);
	return n;
}

/* A first element with a dot, a colon or "localhost" is a registry: the name is complete as it is. */
bool image_name_has_registry(const char *name)
{
	size_t n = strcspn(name, "/");
	return name[n] && (memchr(name, '.', n) || memchr(name, ':', n) || (n == 9 && strncmp(name, "localhost", 9) == 0));
}

void image_name_spellings(struct arena *a, const char *reference, const char ***names, size_t *count)
{
	static const char *const of_one[] = {"", "library/", "docker.io/", "docker.io/library/", "index.docker.io/library/"};
	static const char *const of_team[] = {"", "docker.io/", "index.docker.io/"};
	static const char *const of_registry[] = {""};
	struct image_name n = image_name_parse(a, reference);
	const char *const *prefixes = of_one;
	size_t prefixes_count = ARRAY_LEN(of_one);
	if (image_name_has_registry(n.name)) {
		prefixes = of_registry;
		prefixes_count = ARRAY_LEN(of_registry);
	} else if (strchr(n.name, '/')) {
		prefixes = of_team;
		prefixes_count = ARRAY_LEN(of_team);
	}
	for (size_t i = 0; i < prefixes_count; i++) {
		*ARENA_PUSH(a, *names, *count) = n.digest ? arena_printf(a, "%s%s@%s", prefixes[i], n.name, n.digest)
		                                          : arena_printf(a, "%s%s:%s", prefixes[i], n.name, n.tag);
		if (n.tag && strcmp(n.tag, "latest") == 0)
			*ARENA_PUSH(a, *names, *count) = arena_printf(a, "%s%s", prefixes[i], n.name);
	}
}
