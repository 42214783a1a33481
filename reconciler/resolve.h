/*
 * What the tags of services with `pull_policy: always` mean now: asked before decide, at most once in a run for each
 * image, and put into the desired state as a digest, so that a tag that has moved is another revision.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "base/arena.h"
#include "docker/docker.h"
#include "host/notes.h"
#include "model/desired.h"

struct resolver {
	struct docker *docker;
	struct arena *arena;   /* for what was asked: as long as the run */
	struct resolution *known;
	size_t known_count;
};

/*
 * Pins the services of *d, in `a`. Where nobody can say what a tag means, the service becomes the last good one of the
 * notes, so that nothing of it changes, and says why (`unresolved`); a warning is logged.
 */
void resolve_images(struct resolver *r, const struct notes *notes, struct desired *d, struct arena *a);

#endif
