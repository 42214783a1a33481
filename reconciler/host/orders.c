/* What operators said, kept beside the notes and in their form. */
#include "host/orders.h"

#include <string.h>

#include "base/fs.h"
#include "host/lock.h"
#include "host/notes.h"

#define LOCK_WAIT_MS 2000 /* a change takes a few milliseconds */

int orders_read(const char *folder, struct arena *a, struct order **out, size_t *count, struct err *e)
{
	struct notes n;
	if (notes_read(folder, a, &n, e) < 0)
		return -1;
	*out = n.orders;
	*count = n.orders_count;
	return 0;
}

static bool is_meant(const struct order *o, enum order_kind kind, const char *project, const char *service)
{
	return o->kind == kind && (!*project || strcmp(o->project, project) == 0) && (!*service || strcmp(o->service, service) == 0);
}

int orders_change(const char *folder, enum order_kind kind, const char *project, const char *service,
                  const struct order *put, size_t *gone, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(fd_close) int lock = -1;
	struct notes n;
	if (fs_mkdir(folder, 0700, e) < 0 || lock_wait(folder, LOCK_WAIT_MS, &lock, e) < 0 || notes_read(folder, &a, &n, e) < 0)
		return -1;
	size_t kept = 0, before = n.orders_count;
	for (size_t i = 0; i < before; i++)
		if (!is_meant(&n.orders[i], kind, project, service))
			n.orders[kept++] = n.orders[i];
	n.orders_count = kept;
	if (gone)
		*gone = before - kept;
	if (put)
		*ARENA_PUSH(&a, n.orders, n.orders_count) = *put;
	return put || kept < before ? notes_write(folder, &n, e) : 0;
}
