/* Where manifests and the files beside them come from: a commit, or the disk. */
#ifndef DESIRED_SOURCES_H
#define DESIRED_SOURCES_H

#include "desired/git.h"
#include "desired/manifest.h"
#include "desired/settings.h"

/* One manifest. */
struct source {
	const char *file;   /* "shop/compose.yaml" */
	const char *folder; /* that it is in: "shop", "" at the top */
	const char *text;
	size_t length;
	struct err err;     /* kind ERR_NONE, or why it cannot be read */
	/* From Git, once they were asked for: */
	const struct git_commit *commit;
	struct git_entry *entries;
	size_t entries_count;
	bool is_listed;
	struct arena *arena;
};

/*
 * The manifests that settings->path stands for: a file; or a folder with one of Compose's names in it; or a folder whose
 * folders have one each, in the order of their names. Those that have a '.' in front are passed over. commit: NULL
 * without Git. ERR_INVALID when there is none at all.
 */
MUST_CHECK int sources_find(const struct settings *s, const struct git_commit *commit, struct arena *a, struct source **out,
                            size_t *count, struct err *e);

/* All that Git has in the folder of the source. */
MUST_CHECK int source_list(struct source *s, struct err *e);
/* Where a link of Git leads to, below the folder; NULL: it may lead out of it. */
const char *source_beside(struct arena *a, const char *link, const char *target);
/* The answers of struct manifest_files; the context is the source. */
const char *source_hash(void *source, const char *path);
int source_tree(void *source, const char *folder, struct arena *a, struct build_file **out, size_t *count, struct err *e);
int source_read(void *source, const char *path, struct arena *a, char **text, size_t *length, struct err *e);

#endif
