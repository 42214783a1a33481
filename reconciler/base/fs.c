/* Files, replaced whole. */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_MARK ".tmp-" /* and the process id of the writer */

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd); /* never retried after EINTR: the descriptor is gone either way */
	*fd = -1;
}

bool fs_exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

int fs_read(const char *path, size_t max_bytes, struct arena *a, char **text, size_t *length, struct err *e)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_INVALID, "%s: is a directory", path);
	/* Before the memory is asked for: a sparse file says any size it likes. */
	if (st.st_size > 0 && (size_t)st.st_size > max_bytes)
		return err_set(e, ERR_INVALID, "%s: larger than %zu bytes", path, max_bytes);
	/* /proc says size 0: read until the end, not until st_size. */
	size_t size = (size_t)st.st_size + 4096, used = 0;
	char *bytes = arena_alloc(a, size + 1);
	for (;;) {
		if (used == size) {
			char *grown = arena_alloc(a, size * 2 + 1);
			memcpy(grown, bytes, used);
			bytes = grown;
			size *= 2;
		}
		ssize_t n = read(fd, bytes + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, errno, "%s", path);
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > max_bytes)
			return err_set(e, ERR_INVALID, "%s: larger than %zu bytes", path, max_bytes);
	}
	bytes[used] = 0;
	*text = bytes;
	if (length)
		*length = used;
	return 0;
}

/* After a rename: makes it last through a power cut. */
static int sync_parent(const char *path, struct err *e)
{
	char parent[4096];
	snprintf(parent, sizeof parent, "%s", path);
	char *slash = strrchr(parent, '/');
	if (!slash)
		snprintf(parent, sizeof parent, ".");
	else if (slash == parent)
		slash[1] = 0;
	else
		*slash = 0;
	CLEANUP(fd_close) int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, errno, "%s: cannot sync", parent);
	return 0;
}

static int temp_name(const char *path, char *temp, size_t size, struct err *e)
{
	if (snprintf(temp, size, "%s" TEMP_MARK "%d", path, (int)getpid()) >= (int)size)
		return err_set(e, ERR_INVALID, "%s: name too long", path);
	if (unlink(temp) < 0 && errno != ENOENT)
		return err_errno(e, errno, "%s", temp);
	return 0;
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, bytes, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		bytes += w;
		n -= (size_t)w;
	}
	return 0;
}

int fs_write(const char *path, const void *bytes, size_t n, mode_t mode, struct err *e)
{
	char temp[4096];
	if (temp_name(path, temp, sizeof temp, e) < 0)
		return -1;
	CLEANUP(fd_close) int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return err_errno(e, errno, "%s", temp);
	/* fchmod: the umask must not decide whether an nginx worker can read it. */
	if (fchmod(fd, mode) < 0 || write_all(fd, bytes, n) < 0 || fsync(fd) < 0 || rename(temp, path) < 0) {
		err_errno(e, errno, "%s", path);
		unlink(temp);
		return -1;
	}
	return sync_parent(path, e);
}

int fs_symlink(const char *target, const char *path, struct err *e)
{
	char temp[4096];
	if (temp_name(path, temp, sizeof temp, e) < 0)
		return -1;
	if (symlink(target, temp) < 0)
		return err_errno(e, errno, "%s", temp);
	if (rename(temp, path) < 0) {
		err_errno(e, errno, "%s", path);
		unlink(temp);
		return -1;
	}
	return sync_parent(path, e);
}

int fs_mkdir(const char *path, mode_t mode, struct err *e)
{
	char made[4096];
	size_t length = (size_t)snprintf(made, sizeof made, "%s", path);
	struct stat st;
	if (length == 0 || length >= sizeof made)
		return err_set(e, ERR_INVALID, "%s: name %s", path, length ? "too long" : "is empty");
	for (char *p = made + 1; ; p++) {
		if (*p != '/' && *p != 0)
			continue;
		char cut = *p;
		*p = 0;
		if (mkdir(made, mode) == 0) {
			if (chmod(made, mode) < 0)
				return err_errno(e, errno, "%s", made);
		} else if (errno != EEXIST) {
			return err_errno(e, errno, "%s", made);
		}
		*p = cut;
		if (cut == 0)
			break;
	}
	/* EEXIST is also what a file of that name says. */
	if (stat(made, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_errno(e, ENOTDIR, "%s", made);
	return 0;
}

void fs_sweep(const char *folder)
{
	DIR *dir = opendir(folder);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		const char *mark = strstr(entry->d_name, TEMP_MARK);
		const char *pid = mark ? mark + sizeof TEMP_MARK - 1 : "";
		if (*pid && pid[strspn(pid, "0123456789")] == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

int fs_remove_tree(const char *path, struct err *e)
{
	if (!fs_exists(path))
		return 0;
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		return err_errno(e, errno, "%s: cannot remove", path);
	return 0;
}
