/*
 * What an image is built from. The one thing to know: from Git it is what the commit has, whatever lies in the project's
 * folder on the host; so the content of a file is asked for by its hash.
 */
#include "desired/context.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/sha256.h"
#include "desired/ignore.h"
#include "desired/sources.h"

#define FILES_MAX 20000
#define FILE_MAX_BYTES ((size_t)1024 * 1024 * 1024)
#define DEPTH_MAX 64

struct walk {
	const char *top;
	struct ignore ignore;
	struct arena *a;
	struct build_file *files;
	size_t count;
	struct err *e;
};

static int hash_file(const char *path, struct arena *a, const char **out, struct err *e)
{
	CLEANUP(arena_done) struct arena own = {0};
	char *bytes, hex[SHA256_HEX_SIZE];
	size_t length;
	if (fs_read(path, FILE_MAX_BYTES, &own, &bytes, &length, e) < 0)
		return -1;
	sha256_hex(bytes, length, hex);
	*out = arena_strdup(a, hex);
	return 0;
}

static int walk(struct walk *w, const char *prefix, int depth);

static int take(struct walk *w, const char *path, int depth)
{
	const char *whole = arena_printf(w->a, "%s/%s", w->top, path);
	bool is_ignored = ignore_has(&w->ignore, path);
	struct build_file made = {.path = path, .from = whole};
	char target[PATH_MAX];
	struct stat st;
	if (lstat(whole, &st) < 0)
		return err_errno(w->e, errno, "%s", whole);
	if (!is_ignored && !S_ISDIR(st.st_mode) && w->count >= FILES_MAX)
		return err_set(w->e, ERR_INVALID, "more than %d files in %s; leave some out with a .dockerignore", FILES_MAX, w->top);
	if (S_ISDIR(st.st_mode)) {
		if (!is_ignored)
			*ARENA_PUSH(w->a, w->files, w->count) = (struct build_file){.path = path, .kind = BUILD_FOLDER, .hash = ""};
		return walk(w, path, depth + 1); /* something in it may be taken back */
	}
	if (is_ignored || (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)))
		return 0;
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(whole, target, sizeof target - 1);
		if (n < 0)
			return err_errno(w->e, errno, "%s", whole);
		made.kind = BUILD_LINK;
		made.text = made.hash = arena_strndup(w->a, target, (size_t)n);
	} else {
		made.kind = st.st_mode & 0100 ? BUILD_PROGRAM : BUILD_FILE;
		if (hash_file(whole, w->a, &made.hash, w->e) < 0)
			return -1;
	}
	*ARENA_PUSH(w->a, w->files, w->count) = made;
	return 0;
}

static int walk(struct walk *w, const char *prefix, int depth)
{
	const char *folder = *prefix ? arena_printf(w->a, "%s/%s", w->top, prefix) : w->top;
	DIR *dir = opendir(folder);
	int result = 0;
	if (!dir)
		return err_errno(w->e, errno, "%s", folder);
	if (depth > DEPTH_MAX)
		result = err_set(w->e, ERR_INVALID, "%s: folders in folders without an end", folder);
	for (struct dirent *entry; result == 0 && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = take(w, *prefix ? arena_printf(w->a, "%s/%s", prefix, entry->d_name)
			                         : arena_strdup(w->a, entry->d_name), depth);
	closedir(dir);
	return result;
}

int context_list(const char *folder, struct arena *a, struct build_file **out, size_t *count, struct err *e)
{
	struct walk w = {.top = folder, .a = a, .e = e};
	char *text = NULL;
	if (fs_read(arena_printf(a, "%s/.dockerignore", folder), ENV_FILE_MAX_BYTES, a, &text, NULL, e) < 0 &&
	    e->kind != ERR_NOT_FOUND)
		return -1;
	ignore_read(text, a, &w.ignore);
	if (walk(&w, "", 0) < 0)
		return -1;
	*out = w.files;
	*count = w.count;
	return 0;
}

int context_content(const struct build *b, const struct build_file *f, struct arena *a, char **bytes, size_t *length,
                    struct err *e)
{
	const struct source *s = b->source;
	struct git_entry entry = {.path = f->path};
	if (f->text) {
		*bytes = arena_strdup(a, f->text);
		*length = strlen(f->text);
		return 0;
	}
	if (f->from)
		return fs_read(f->from, FILE_MAX_BYTES, a, bytes, length, e);
	strncat(entry.id, f->hash, sizeof entry.id - 1);
	return git_content(s->commit, &entry, a, bytes, length, e);
}
