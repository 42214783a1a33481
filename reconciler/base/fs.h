/* Files: read whole, replace whole. What is written here is either the old content or the new, also after a power cut. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/macros.h"

/* The whole file, NUL-terminated, in the arena; *length may be NULL. Larger than max_bytes: ERR_INVALID. */
MUST_CHECK int fs_read(const char *path, size_t max_bytes, struct arena *a, char **text, size_t *length, struct err *e);
/* Temp file beside it (O_EXCL), fsync, rename, fsync of the folder. */
MUST_CHECK int fs_write(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e);
/* Makes path a symbolic link to target by one rename; readers see the old target or the new one, never none. */
MUST_CHECK int fs_symlink(const char *target, const char *path, struct err *e);
/* mkdir -p; folders that this call makes get the mode whatever the umask says, those that were there keep theirs. */
MUST_CHECK int fs_mkdir(const char *path, mode_t mode, struct err *e);
/* rm -r; not there is fine. Does not follow symbolic links. */
MUST_CHECK int fs_remove_tree(const char *path, struct err *e);
/* Removes what writes that were killed left in the folder. Only where nobody else is writing. */
void fs_sweep(const char *folder);
bool fs_exists(const char *path); /* lstat: a dangling link exists */

void fd_close(int *fd); /* for CLEANUP; -1 is fine */

#endif
