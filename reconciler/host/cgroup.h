/* What memory limits say about swap. Internal to host/. */
#ifndef HOST_CGROUP_H
#define HOST_CGROUP_H

#include <stdint.h>

#include "base/arena.h"

#define CGROUP_ROOTS {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"} /* version 1, version 2: the first that is there */

/*
 * How much of what the control groups below `root` have swapped out cannot come back into memory, because it would be more
 * than their limits: a kernel that is told to turn all swap off kills a process in such a group, however much memory is
 * free. *worst (in the arena) is the group that lacks the most, NULL when none does.
 */
int64_t cgroup_bound_bytes(const char *root, struct arena *a, const char **worst);

#endif
