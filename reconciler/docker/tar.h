/* A build's context as a tar archive (ustar, with pax headers for long names), made while it is read. Private to docker/. */
#ifndef DOCKER_TAR_H
#define DOCKER_TAR_H

#include "docker/docker.h"

struct tar {
	const struct build *build;
	int (*content)(const struct build *b, const struct build_file *f, struct arena *a, char **bytes, size_t *length,
	               struct err *e);
	size_t next;      /* of build->files */
	bool is_ended;
	struct buf chunk; /* one entry */
	size_t given;     /* of the chunk */
	struct err err;   /* when tar_read() gave (size_t)-1 */
};
#define TAR_FILE_MAX_BYTES ((size_t)1 << 30)

/* The next bytes, 0 at the end, (size_t)-1 when a file could not be had. The same files give the same bytes. */
size_t tar_read(void *tar, char *out, size_t max);
void tar_done(struct tar *t);

#endif
