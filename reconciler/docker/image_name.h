/* Image references as Docker spells them. Private to docker/. */
#ifndef DOCKER_IMAGE_NAME_H
#define DOCKER_IMAGE_NAME_H

#include <stdbool.h>

#include "base/arena.h"

struct image_name {
	const char *name;   /* what the engine calls it: "redis", "team/app", "registry.example:5000/app" */
	const char *tag;    /* "latest" when the reference says neither tag nor digest; NULL with a digest */
	const char *digest; /* "sha256:..." or NULL */
};

/* "docker.io/library/redis" -> {"redis", "latest"}. With tag and digest the digest counts. */
struct image_name image_name_parse(struct arena *a, const char *reference);

/* Does a name begin with a registry (a first element with a dot, a colon, or "localhost")? */
bool image_name_has_registry(const char *name);

/*
 * Every spelling of the image that a user may write in a manifest: "redis:latest" -> redis:latest, redis,
 * library/redis:latest, docker.io/library/redis:latest, ... Pushed onto *names.
 */
void image_name_spellings(struct arena *a, const char *reference, const char ***names, size_t *count);

#endif
