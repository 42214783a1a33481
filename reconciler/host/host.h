/*
 * The host itself: its swap. What is ours carries our mark, and nothing else is ever changed:
 *   the file          the label in its swap header, made from the installation's name
 *   its line          an option of its own: "/swapfile none swap nofail,x-reconcile=INSTANCE 0 0" in /etc/fstab. nofail: a
 *                     file that is missing stops no boot
 *   vm.swappiness     /etc/sysctl.d/90-reconcile-INSTANCE.conf, which also says what it was before
 * Two more names beside the file are ours while it is made: SWAP_PART and SWAP_BRIDGE of model/world.h.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/action.h"
#include "model/world.h"

struct host_settings {
	const char *instance;    /* [a-z0-9._-]+: whose swap is ours */
	int64_t min_free_bytes;  /* no swap file may leave its disk with less */
};

/* What the control group of that process holds, swapped out or not, but for caches; 0: unknown. */
int64_t host_memory_bytes(int pid);

/* Fills *out; changes nothing. What cannot be looked at is told by `problem`. `want` may be NULL. */
void host_observe(const struct host_settings *s, const struct swap_want *want, struct arena *a, struct host_state *out);

/*
 * Carries out one action of ROOM_HOST. Each is safe to repeat, and a kill anywhere in it leaves what the next observation
 * recognises. What is not ours after all, or stands in the way, is left alone: ERR_CONFLICT.
 */
MUST_CHECK int host_act(const struct host_settings *s, const struct action *action, struct err *e);

#endif
