/* What an image is built from: a folder of the commit, or of the disk. */
#ifndef DESIRED_CONTEXT_H
#define DESIRED_CONTEXT_H

#include "desired/manifest.h"
#include "model/desired.h"

/* All files of a folder of the disk, less what is ignored, with the hashes of their contents. */
MUST_CHECK int context_list(const char *folder, struct arena *a, struct build_file **out, size_t *count, struct err *e);
/* The bytes of one file, when it is sent: what docker/ asks for. */
int context_content(const struct build *b, const struct build_file *f, struct arena *a, char **bytes, size_t *length,
                    struct err *e);

#endif
