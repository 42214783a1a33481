/*
 * /etc/fstab as text: finding, adding and taking away the line of a swap file that carries our mark. Pure. Every byte of
 * other lines stays as it is; what was added and taken away again leaves the text as it was.
 */
#ifndef HOST_FSTAB_H
#define HOST_FSTAB_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/world.h"

/* Whose line names the file. `instance` is the mark: the option x-reconcile=INSTANCE. */
enum swap_line fstab_look(const char *text, const char *instance, const char *file);
/* The files that lines of ours name. */
size_t fstab_ours(const char *text, const char *instance, struct arena *a, const char ***files);
/* The text with exactly one line of ours for the file, in the place where one is. */
void fstab_put(struct buf *out, const char *text, const char *instance, const char *file);
/* The text without any. */
void fstab_drop(struct buf *out, const char *text, const char *instance, const char *file);

#endif
