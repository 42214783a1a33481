/*
 * What a run writes down while it goes on: the notes before the act that they are about, what became good, which images
 * came and went.
 */
#ifndef KEEP_H
#define KEEP_H

#include "base/arena.h"
#include "desired/load.h"
#include "docker/docker.h"
#include "host/notes.h"
#include "model/decision.h"

struct keeper {
	const char *folder;
	struct arena *arena;  /* for what is kept: as long as the run */
	struct notes notes;
	bool are_unwritten;   /* something is in memory that must be on disk before the run may end well */
};

/* Reads the notes of STATE_DIR/notes; `arena` is borrowed. */
MUST_CHECK int keep_open(struct keeper *k, const char *state_dir, struct arena *arena, struct err *e);
/* Again, now that the lock is held and nobody else writes them. */
MUST_CHECK int keep_read_again(struct keeper *k, struct err *e);
/* The first notes of a host, before its first instance: from then on, no notes means lost notes. */
MUST_CHECK int keep_begin(struct keeper *k, struct err *e);

/* ACTION_QUARANTINE: in force in memory even when it cannot be written. */
MUST_CHECK int keep_quarantine(struct keeper *k, const struct action *action, struct err *e);
/* ACTION_COMMIT: good is what the notes on disk say, so nothing changes when they cannot be written. */
MUST_CHECK int keep_good(struct keeper *k, const struct action *action, struct err *e);
/* After any action that worked: what it brought to the host, or took away. A note that is lost here only leaves an image
 * behind. */
void keep_images(struct keeper *k, const struct action *action, const struct outcome *outcome);
/* At the end of a run: what the notes say of settled services follows changes that needed no new instance. Fails only
 * when something is not written that the next run must know. */
MUST_CHECK int keep_settled(struct keeper *k, const struct loaded *l, const struct decision *decision, struct err *e);

#endif
