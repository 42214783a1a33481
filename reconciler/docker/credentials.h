/*
 * Credentials for registries, as the docker command keeps them: config.json with `auths` (base64 of user:password,
 * identity tokens), `credHelpers` (a program for one registry) and `credsStore` (a program for all of them). Private to
 * docker/. What is found goes into one header of one call and is never logged.
 */
#ifndef DOCKER_CREDENTIALS_H
#define DOCKER_CREDENTIALS_H

#include "base/arena.h"
#include "base/err.h"

/* Begin with a folder and an arena. What was found for a registry is remembered: one helper call for each. */
struct credentials {
	const char *folder;  /* holds config.json; NULL: no credentials at all */
	struct arena *arena;
	struct credential *known;
	size_t known_count;
};

/*
 * The value of X-Registry-Auth for an image; NULL when there are no credentials for its registry. ERR_SETUP when
 * config.json or what it names is broken, ERR_TRANSIENT when a helper fails or takes longer than 5 s.
 */
MUST_CHECK int credentials_find(struct credentials *c, const char *image, const char **header, struct err *e);

/* The value of X-Registry-Config: the credentials for each of the images that has some; NULL when none has. */
MUST_CHECK int credentials_for_build(struct credentials *c, const char *const *images, size_t count, const char **header,
                                     struct err *e);

#endif
