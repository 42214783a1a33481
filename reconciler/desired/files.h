/*
 * The files of a project from Git, on disk: one folder that stays the same folder through every sync, because containers
 * have it, or files in it, mounted.
 */
#ifndef DESIRED_FILES_H
#define DESIRED_FILES_H

#include "desired/sources.h"

/*
 * Makes DIRECTORY (of which the parent is ours) hold what Git has in the folder of the source. What is equal keeps its
 * inode, what differs is replaced whole, what Git had before and has no more is removed; everything else stays. Nothing is
 * followed or made outside of it, whatever links somebody has put there. ERR_CONFLICT: a folder that is not from Git, with
 * something in it, stands where Git has a file.
 */
MUST_CHECK int files_write(struct source *s, const char *directory, struct err *e);
/* Tells what files_write() leaves out: links that lead out of the folder, and submodules. */
void files_warn(struct source *s, struct problems *p);

#endif
