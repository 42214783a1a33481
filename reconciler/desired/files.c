/*
 * The files of a project from Git, on disk. The one thing to know: a container may have this folder mounted and be root in
 * it, so every step on the way to a file is taken from a descriptor, and no link is followed.
 *
 * Which files are from Git stands beside the folder, in .NAME.files, each path ended by a NUL. It is written before the
 * first of them, with the old ones, and again after the last, so that a kill in between forgets none.
 */
#include "desired/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define LIST_MAX ((size_t)64 * 1024 * 1024)
#define COMPARED_MAX ((off_t)256 * 1024 * 1024)
#define TEMP ".reconcile-new" /* only the holder of the lock writes here: one name is enough */
#define EMPTY_DEPTH_MAX 32

struct place {
	struct source *source;
	const char *directory;
	int top;
	struct err *e;
};

/* --- which files are from Git --- */

static bool is_written(const struct source *s, const struct git_entry *entry, struct arena *a)
{
	char *target;
	size_t length;
	struct err ignored;
	if (entry->kind == GIT_KIND_LINK)
		return git_content(s->commit, entry, a, &target, &length, &ignored) == 0 && strlen(target) == length &&
		       source_beside(a, entry->path, target);
	return entry->kind != GIT_KIND_MODULE;
}

static bool has(const struct source *s, const char *path)
{
	for (size_t i = 0; i < s->entries_count; i++)
		if (strcmp(s->entries[i].path, path) == 0)
			return true;
	return false;
}

static void list_names(const struct source *s, struct buf *out)
{
	for (size_t i = 0; i < s->entries_count; i++)
		if (s->entries[i].kind != GIT_KIND_FOLDER)
			buf_add(out, s->entries[i].path, strlen(s->entries[i].path) + 1);
}

static int write_list(const char *file, const struct buf *list, const char *was, size_t was_length, struct err *e)
{
	if (list->length == was_length && memcmp(list->text, was, was_length) == 0)
		return 0;
	return fs_write(file, list->text, list->length, 0600, e);
}

/* --- one step at a time --- */

static int fail(struct place *p, const char *path)
{
	return err_errno(p->e, errno, "%s/%s", p->directory, path);
}

/* The folder that a path is in, never through a link; *name is the last part. -1 with errno. */
static int open_parent(int top, const char *path, const char **name)
{
	int at = fcntl(top, F_DUPFD_CLOEXEC, 3);
	*name = path;
	for (const char *slash; at >= 0 && (slash = strchr(*name, '/')); *name = slash + 1) {
		char part[256];
		snprintf(part, sizeof part, "%.*s", (int)(slash - *name), *name);
		int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int number = errno;
		fd_close(&at);
		errno = number;
		at = next;
	}
	return at;
}

/* Folders in folders without one file are nobody's: the engine makes them for a mount whose source is not there. */
static int remove_empty(int parent, const char *name, int depth)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY || depth > EMPTY_DEPTH_MAX)
		return -1;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		fd_close(&fd);
		return -1;
	}
	int result = 0;
	for (struct dirent *entry; result == 0 && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = remove_empty(dirfd(dir), entry->d_name, depth + 1);
	closedir(dir);
	return result == 0 ? unlinkat(parent, name, AT_REMOVEDIR) : -1;
}

/* A folder stands where Git has something else. */
static int clear_folder(struct place *p, int parent, const char *name, const char *path)
{
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) || remove_empty(parent, name, 0) == 0)
		return 0;
	return err_set(p->e, ERR_CONFLICT, "%s/%s: is a folder that is not from Git, and Git has a file of that name; move it away",
	               p->directory, path);
}

static int put_folder(struct place *p, int parent, const char *name, const char *path)
{
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		if (unlinkat(parent, name, 0) < 0)
			return fail(p, path);
	}
	if (mkdirat(parent, name, 0755) < 0 || fchmodat(parent, name, 0755, 0) < 0)
		return fail(p, path);
	return 0;
}

static int put_link(struct place *p, int parent, const char *name, const struct git_entry *entry, struct arena *a)
{
	char *target, now[4096];
	size_t length;
	if (git_content(p->source->commit, entry, a, &target, &length, p->e) < 0)
		return -1;
	ssize_t n = readlinkat(parent, name, now, sizeof now);
	if (n >= 0 && (size_t)n == length && memcmp(now, target, length) == 0)
		return 0;
	if (clear_folder(p, parent, name, entry->path) < 0)
		return -1;
	unlinkat(parent, TEMP, 0);
	if (symlinkat(target, parent, TEMP) < 0 || renameat(parent, TEMP, parent, name) < 0)
		return fail(p, entry->path);
	return 0;
}

/* Equal bytes: the file stays, with its inode and all but the mode that Git knows of. 1: equal, 0: not, -1. */
static int is_equal(struct place *p, int parent, const char *name, const struct git_entry *entry, mode_t mode, struct arena *a)
{
	struct stat st;
	char id[GIT_ID_SIZE];
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) || st.st_size > COMPARED_MAX)
		return 0;
	CLEANUP(fd_close) int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	size_t size = (size_t)st.st_size, used = 0;
	char *bytes = arena_alloc(a, size + 1);
	for (ssize_t n; used <= size && (n = read(fd, bytes + used, size + 1 - used)) != 0; used += n > 0 ? (size_t)n : 0)
		if (n < 0 && errno != EINTR)
			return fail(p, entry->path);
	if (used != size)
		return 0;
	if (git_id_of(bytes, size, id, p->e) < 0)
		return -1;
	if (strcmp(id, entry->id) != 0)
		return 0;
	if ((st.st_mode & 0100) != (mode & 0100) && fchmod(fd, mode) < 0)
		return fail(p, entry->path);
	return 1;
}

static int write_new(int parent, const char *bytes, size_t length, mode_t mode)
{
	unlinkat(parent, TEMP, 0);
	CLEANUP(fd_close) int fd = openat(parent, TEMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	for (size_t done = 0; done < length;) {
		ssize_t n = write(fd, bytes + done, length - done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -1 : 0;
}

static int put_file(struct place *p, int parent, const char *name, const struct git_entry *entry, struct arena *a)
{
	mode_t mode = entry->kind == GIT_KIND_PROGRAM ? 0755 : 0644;
	char *bytes;
	size_t length;
	int equal = is_equal(p, parent, name, entry, mode, a);
	if (equal != 0)
		return equal < 0 ? -1 : 0;
	if (git_content(p->source->commit, entry, a, &bytes, &length, p->e) < 0 || clear_folder(p, parent, name, entry->path) < 0)
		return -1;
	if (write_new(parent, bytes, length, mode) == 0 && renameat(parent, TEMP, parent, name) == 0)
		return 0;
	fail(p, entry->path);
	unlinkat(parent, TEMP, 0);
	return -1;
}

static int put(struct place *p, const struct git_entry *entry)
{
	CLEANUP(arena_done) struct arena a = {0};
	const char *name;
	if (!is_written(p->source, entry, &a))
		return 0;
	CLEANUP(fd_close) int parent = open_parent(p->top, entry->path, &name);
	if (parent < 0)
		return fail(p, entry->path);
	if (entry->kind == GIT_KIND_FOLDER)
		return put_folder(p, parent, name, entry->path);
	if (entry->kind == GIT_KIND_LINK)
		return put_link(p, parent, name, entry, &a);
	return put_file(p, parent, name, entry, &a);
}

/* Files only: a folder may be mounted somewhere, and whoever has it there would see nothing that comes into a new one. */
static void remove_old(struct place *p, const char *path)
{
	const char *name;
	CLEANUP(fd_close) int parent = open_parent(p->top, path, &name);
	if (parent >= 0)
		unlinkat(parent, name, 0);
}

int files_write(struct source *s, const char *directory, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf list = BUF_INIT(LIST_MAX);
	const char *slash = strrchr(directory, '/');
	const char *parent = arena_strndup(&a, directory, (size_t)(slash - directory));
	const char *file = arena_printf(&a, "%s/.%s.files", parent, slash + 1);
	char *was = arena_strdup(&a, "");
	size_t was_length = 0;
	/* Mounts need no way through the parents; nobody else has to look at what is in the repository. */
	if (source_list(s, e) < 0 || fs_mkdir(parent, 0700, e) < 0 || fs_mkdir(directory, 0755, e) < 0 ||
	    (fs_read(file, LIST_MAX, &a, &was, &was_length, e) < 0 && e->kind != ERR_NOT_FOUND))
		return -1;
	CLEANUP(fd_close) int top = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct place p = {.source = s, .directory = directory, .top = top, .e = e};
	if (top < 0)
		return err_errno(e, errno, "%s", directory);
	list_names(s, &list);
	size_t length = list.length;
	bool is_same = length == was_length && memcmp(list.text, was, length) == 0;
	for (size_t at = 0; at < was_length && !is_same; at += strlen(was + at) + 1)
		if (!has(s, was + at))
			buf_add(&list, was + at, strlen(was + at) + 1);
	if (write_list(file, &list, was, was_length, e) < 0)
		return -1;
	for (size_t at = length; at < list.length; at += strlen(list.text + at) + 1)
		remove_old(&p, list.text + at);
	for (size_t i = 0; i < s->entries_count; i++)
		if (put(&p, &s->entries[i]) < 0)
			return -1;
	if (list.length == length)
		return 0;
	buf_clear(&list);
	list_names(s, &list);
	return fs_write(file, list.text, list.length, 0600, e);
}

void files_warn(struct source *s, struct problems *p)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err ignored;
	const char *between = *s->folder ? "/" : "";
	if (source_list(s, &ignored) < 0)
		return;
	for (size_t i = 0; i < s->entries_count; i++)
		if (!is_written(s, &s->entries[i], &a))
			buf_printf(&p->warnings, "%s%s%s: %s\n", s->folder, between, s->entries[i].path,
			           s->entries[i].kind == GIT_KIND_LINK ? "the link may lead out of the project's folder, and is left out"
			                                               : "is a submodule, which is not fetched, and left out");
}
