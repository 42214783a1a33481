/* One swap file on disk: what its header says and whose it is. Internal to host/. */
#ifndef HOST_SWAP_FILE_H
#define HOST_SWAP_FILE_H

#include "base/err.h"
#include "model/world.h"

#define FSTAB "/etc/fstab"
#define FSTAB_MAX_BYTES (1024 * 1024)
#define SYSCTL_FOLDER "/etc/sysctl.d"
#define SWAPPINESS "/proc/sys/vm/swappiness"
#define SWAP_LABEL_SIZE 16 /* with its NUL: what mkswap(8) takes */

/* The label of an installation's swap: "rec-" and eleven hex digits. */
void swap_label(const char *instance, char out[SWAP_LABEL_SIZE]);

/* Fills what the file itself says, and not is_active, swap_bytes, used_bytes and line. Nothing there is no error. What is neither ours nor regular is only told
 * to be there. */
MUST_CHECK int swap_file_look(const char *path, const char *instance, struct swap_file *out, struct err *e);

/* /etc/fstab, whole; "" when there is none. */
MUST_CHECK int fstab_read(struct arena *a, char **text, struct err *e);
/* The path of our file below SYSCTL_FOLDER. */
const char *sysctl_path(const char *instance, struct arena *a);

#endif
