/* What is in a commit. Read in the process itself: what the last sync left was looked at in a child. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <git2.h>

#include "desired/git.h"
#include "desired/git_library.h"
#include "desired/git_names.h"

#define FILE_MAX ((size_t)16 * 1024 * 1024)
#define ENTRIES_MAX 20000
#define DEPTH_MAX 64

GIT_DONE(repository_done, git_repository, git_repository_free)
GIT_DONE(commit_done, git_commit, git_commit_free)
GIT_DONE(tree_done, git_tree, git_tree_free)
GIT_DONE(entry_done, git_tree_entry, git_tree_entry_free)
GIT_DONE(blob_done, git_blob, git_blob_free)

static int open_tree(const struct git_commit *c, git_repository **repo, git_tree **tree, struct err *e)
{
	CLEANUP(commit_done) git_commit *commit = NULL;
	git_oid id;
	if (git_library(e) < 0)
		return -1;
	if (git_open_bare(repo, c->mirror) < 0 || git_oid_fromstr(&id, c->id) < 0 || git_commit_lookup(&commit, *repo, &id) < 0 ||
	    git_commit_tree(tree, commit) < 0)
		return err_set(e, ERR_INTERNAL, "git: %s: commit %s: %s", c->mirror, c->id, git_said());
	return 0;
}

int git_read(const struct git_commit *c, const char *path, struct arena *a, char **text, size_t *length, struct err *e)
{
	CLEANUP(repository_done) git_repository *repo = NULL;
	CLEANUP(tree_done) git_tree *tree = NULL;
	CLEANUP(entry_done) git_tree_entry *entry = NULL;
	CLEANUP(blob_done) git_blob *blob = NULL;
	char plain[PATH_MAX];
	if (git_plain_path(path, plain, sizeof plain, e) < 0 || open_tree(c, &repo, &tree, e) < 0)
		return -1;
	int rc = plain[0] ? git_tree_entry_bypath(&entry, tree, plain) : 0;
	if (rc == GIT_ENOTFOUND)
		return err_set(e, ERR_NOT_FOUND, "git: no file '%s' in commit %.12s", path, c->id);
	if (rc < 0)
		return err_set(e, ERR_INTERNAL, "git: '%s' in commit %.12s: %s", path, c->id, git_said());
	if (!entry || git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE)
		return err_set(e, ERR_NOT_FOUND, "git: '%s' in commit %.12s is a folder, not a file", path, c->id);
	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB || git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK)
		return err_set(e, ERR_INVALID, "git: '%s' in commit %.12s is a link, not a file", path, c->id);
	if (git_blob_lookup(&blob, repo, git_tree_entry_id(entry)) < 0)
		return err_set(e, ERR_INTERNAL, "git: '%s' in commit %.12s: %s", path, c->id, git_said());
	if ((size_t)git_blob_rawsize(blob) > FILE_MAX)
		return err_set(e, ERR_INVALID, "git: '%s' in commit %.12s: larger than %zu bytes", path, c->id, FILE_MAX);
	size_t size = (size_t)git_blob_rawsize(blob);
	*text = size ? arena_strndup(a, git_blob_rawcontent(blob), size) : arena_strdup(a, "");
	if (length)
		*length = size;
	return 0;
}

/* --- folders --- */

struct listing {
	git_repository *repo;
	struct arena *a;
	struct git_entry *entries;
	size_t count;
	bool is_deep;
};

static enum git_kind kind_of(const git_tree_entry *entry)
{
	switch (git_tree_entry_filemode(entry)) {
	case GIT_FILEMODE_TREE: return GIT_KIND_FOLDER;
	case GIT_FILEMODE_COMMIT: return GIT_KIND_MODULE;
	case GIT_FILEMODE_LINK: return GIT_KIND_LINK;
	case GIT_FILEMODE_BLOB_EXECUTABLE: return GIT_KIND_PROGRAM;
	case GIT_FILEMODE_UNREADABLE: case GIT_FILEMODE_BLOB: break;
	}
	return GIT_KIND_FILE;
}

static bool is_file_name(const char *name)
{
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/') && strlen(name) <= NAME_MAX;
}

static int list(struct listing *l, const git_tree *tree, const char *prefix, int depth, struct err *e)
{
	if (depth > DEPTH_MAX || strlen(prefix) > PATH_MAX / 2)
		return err_set(e, ERR_INVALID, "git: '%.200s...': folders in folders without an end", prefix);
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *from = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(from);
		CLEANUP(tree_done) git_tree *below = NULL;
		struct git_entry made = {.kind = kind_of(from)};
		if (!is_file_name(name))
			return err_set(e, ERR_INVALID, "git: '%s%.100s' is no name of a file", prefix, name);
		if (l->count >= ENTRIES_MAX)
			return err_set(e, ERR_INVALID, "git: more than %d files", ENTRIES_MAX);
		made.path = arena_printf(l->a, "%s%s", prefix, name);
		git_oid_tostr(made.id, sizeof made.id, git_tree_entry_id(from));
		*ARENA_PUSH(l->a, l->entries, l->count) = made;
		if (!l->is_deep || made.kind != GIT_KIND_FOLDER)
			continue;
		if (git_tree_lookup(&below, l->repo, git_tree_entry_id(from)) < 0)
			return err_set(e, ERR_INTERNAL, "git: '%s': %s", made.path, git_said());
		if (list(l, below, arena_printf(l->a, "%s/", made.path), depth + 1, e) < 0)
			return -1;
	}
	return 0;
}

int git_list(const struct git_commit *c, const char *folder, bool is_deep, struct arena *a, struct git_entry **out,
             size_t *count, struct err *e)
{
	CLEANUP(repository_done) git_repository *repo = NULL;
	CLEANUP(tree_done) git_tree *top = NULL, *tree = NULL;
	CLEANUP(entry_done) git_tree_entry *entry = NULL;
	char plain[PATH_MAX];
	if (git_plain_path(folder, plain, sizeof plain, e) < 0 || open_tree(c, &repo, &top, e) < 0)
		return -1;
	int rc = plain[0] ? git_tree_entry_bypath(&entry, top, plain) : 0;
	if (rc == GIT_ENOTFOUND || (entry && kind_of(entry) != GIT_KIND_FOLDER))
		return err_set(e, ERR_NOT_FOUND, "git: no folder '%s' in commit %.12s", folder, c->id);
	if (rc < 0 || (entry && git_tree_lookup(&tree, repo, git_tree_entry_id(entry)) < 0))
		return err_set(e, ERR_INTERNAL, "git: '%s' in commit %.12s: %s", folder, c->id, git_said());
	struct listing l = {.repo = repo, .a = a, .is_deep = is_deep};
	if (list(&l, tree ? tree : top, "", 0, e) < 0)
		return -1;
	*out = l.entries;
	*count = l.count;
	return 0;
}

int git_id_of(const void *bytes, size_t length, char id[GIT_ID_SIZE], struct err *e)
{
	git_oid oid;
	if (git_library(e) < 0)
		return -1;
	if (git_odb_hash(&oid, bytes, length, GIT_OBJECT_BLOB) < 0)
		return err_set(e, ERR_INTERNAL, "git: %s", git_said());
	git_oid_tostr(id, GIT_ID_SIZE, &oid);
	return 0;
}

int git_content(const struct git_commit *c, const struct git_entry *entry, struct arena *a, char **bytes, size_t *length,
                struct err *e)
{
	CLEANUP(repository_done) git_repository *repo = NULL;
	CLEANUP(blob_done) git_blob *blob = NULL;
	git_oid id;
	if (git_library(e) < 0)
		return -1;
	if (git_open_bare(&repo, c->mirror) < 0 || git_oid_fromstr(&id, entry->id) < 0 || git_blob_lookup(&blob, repo, &id) < 0)
		return err_set(e, ERR_INTERNAL, "git: '%s' in commit %.12s: %s", entry->path, c->id, git_said());
	*length = (size_t)git_blob_rawsize(blob);
	*bytes = *length ? arena_strndup(a, git_blob_rawcontent(blob), *length) : arena_strdup(a, "");
	return 0;
}
