/*
 * Making and taking away swap. The one thing to know: every act looks again at whose file it is, and the order in it is
 * such that whatever a kill leaves is named: the line in /etc/fstab comes first and goes last, a file gets its name when
 * it is whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/process.h"
#include "host/fstab.h"
#include "host/host.h"
#include "host/swap_file.h"

#define MKSWAP_MAX_MS 60000

/* ---- /etc/fstab ---- */

/* With our line for the file, or without. A link to the real file stays one. */
static int set_line(const struct host_settings *s, const char *file, bool is_wanted, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf out = BUF_INIT(FSTAB_MAX_BYTES + 4096);
	char *text, real[PATH_MAX];
	struct stat st = {.st_mode = 0644};
	if (fstab_read(&a, &text, e) < 0)
		return -1;
	(is_wanted ? fstab_put : fstab_drop)(&out, text, s->instance, file);
	if (strcmp(out.text, text) == 0)
		return 0;
	if (!realpath(FSTAB, real))
		snprintf(real, sizeof real, FSTAB);
	else if (stat(real, &st) < 0)
		return err_errno(e, errno, "%s", real);
	return fs_write(real, out.text, out.length, st.st_mode & 07777, e);
}

/* ---- The file ---- */

/* Removes what is at that place, if it is ours and not in use; nothing there is fine. */
static int remove_ours(const struct host_settings *s, const char *file, struct err *e)
{
	struct swap_file f;
	if (swap_file_look(file, s->instance, &f, e) < 0)
		return -1;
	if (f.is_there && !f.is_ours)
		return err_set(e, ERR_CONFLICT, "%s is not ours; it is left alone", file);
	if (f.is_there && unlink(file) < 0)
		return err_errno(e, errno, "%s: cannot remove", file);
	return 0;
}

/* Copy on write and swap do not go together; a file system that does not know the flag has no need of it. */
static void forbid_copies(int fd)
{
	int flags;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_NOCOW_FL;
		if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
			return;
	}
}

static int write_header(const struct host_settings *s, const char *file, struct err *e)
{
	CLEANUP(buf_done) struct buf said = BUF_INIT(4096);
	char label[SWAP_LABEL_SIZE];
	int status;
	swap_label(s->instance, label);
	const char *const argv[] = {"/sbin/mkswap", "-L", label, file, NULL};
	struct process p = {.argv = argv, .timeout_ms = MKSWAP_MAX_MS};
	if (process_run(&p, &said, &status, e) < 0)
		return -1;
	if (status != 0)
		return err_set(e, ERR_SETUP, "mkswap %s: exit %d: %.*s", file, status, (int)strcspn(said.text, "\n"), said.text);
	return 0;
}

/* Space for all of it, no holes; where the file system cannot reserve it, posix_fallocate(3) writes it. */
static int write_file(const struct host_settings *s, const char *file, int64_t size_bytes, struct err *e)
{
	CLEANUP(fd_close) int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, errno, "%s", file);
	forbid_copies(fd);
	int number = fchmod(fd, 0600) < 0 ? errno : posix_fallocate(fd, 0, size_bytes);
	char size[SIZE_TEXT];
	if (number)
		return err_errno(e, number, "%s of %s", file, size_text(size_bytes, size));
	if (write_header(s, file, e) < 0)
		return -1;
	return fsync(fd) < 0 ? err_errno(e, errno, "%s", file) : 0;
}

static int use(const char *file, struct err *e)
{
	if (swapon(file, 0) == 0)
		return 0;
	if (errno == EINVAL)
		return err_set(e, ERR_SETUP, "%s: the kernel does not take it as swap: not on this file system; its log says more (dmesg)",
		               file);
	return err_errno(e, errno, "%s: swapon", file);
}

/* What could not be finished does not stay. Returns -1. */
static int undo(const struct host_settings *s, const char *file)
{
	struct err e;
	if (remove_ours(s, file, &e) < 0)
		log_warning("%s", e.message);
	return -1;
}

static int make(const struct host_settings *s, const struct swap_change *c, struct err *e)
{
	char part[PATH_MAX];
	snprintf(part, sizeof part, "%s%s", c->file, c->is_bridge ? "" : SWAP_PART);
	if (!c->is_bridge && set_line(s, c->file, true, e) < 0)
		return -1;
	/* The old one first: there may be no room for both. */
	if (remove_ours(s, c->file, e) < 0 || remove_ours(s, part, e) < 0)
		return -1;
	if (write_file(s, part, c->size_bytes, e) < 0)
		return undo(s, part);
	if (!c->is_bridge && renameat2(AT_FDCWD, part, AT_FDCWD, c->file, RENAME_NOREPLACE) < 0) {
		err_errno(e, errno, "%s", c->file);
		return undo(s, part);
	}
	return use(c->file, e) < 0 ? undo(s, c->file) : 0;
}

static int mend(const struct host_settings *s, const struct swap_change *c, struct err *e)
{
	struct swap_file f;
	if (swap_file_look(c->file, s->instance, &f, e) < 0)
		return -1;
	if (!f.is_ours)
		return err_set(e, ERR_CONFLICT, "%s is not ours; it is left alone", c->file);
	if (chmod(c->file, 0600) < 0)
		return err_errno(e, errno, "%s", c->file);
	if (set_line(s, c->file, true, e) < 0)
		return -1;
	return c->is_unused ? use(c->file, e) : 0;
}

static int take_away(const struct host_settings *s, const struct swap_change *c, struct err *e)
{
	struct swap_file f;
	if (swap_file_look(c->file, s->instance, &f, e) < 0)
		return -1;
	if (f.is_there && !f.is_ours)
		return err_set(e, ERR_CONFLICT, "%s is not ours; it is left alone", c->file);
	/* EINVAL: it is not in use. */
	if (f.is_there && swapoff(c->file) < 0 && errno != EINVAL) {
		if (errno == ENOMEM)
			return err_set(e, ERR_TRANSIENT, "%s: what is swapped out to it does not fit into memory", c->file);
		return err_errno(e, errno, "%s: swapoff", c->file);
	}
	if (remove_ours(s, c->file, e) < 0)
		return -1;
	return c->is_step ? 0 : set_line(s, c->file, false, e);
}

/* ---- vm.swappiness ---- */

static int set_swappiness(const struct host_settings *s, const struct swap_change *c, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	const char *path = sysctl_path(s->instance, &a);
	char *before = c->before < 0 ? arena_strdup(&a, "") : arena_printf(&a, " Before, it was %d.", c->before);
	char *text = arena_printf(&a, "# Kept by reconcile, as a manifest says.%s\nvm.swappiness = %d\n", before, c->to);
	char *number = arena_printf(&a, "%d\n", c->to);
	/* Our file goes last: it is what says where to go back to. */
	if (c->is_kept && (fs_mkdir(SYSCTL_FOLDER, 0755, e) < 0 || fs_write(path, text, strlen(text), 0644, e) < 0))
		return -1;
	if (c->from != c->to) {
		CLEANUP(fd_close) int fd = open(SWAPPINESS, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, number, strlen(number)) < 0)
			return err_errno(e, errno, SWAPPINESS);
	}
	if (!c->is_kept && unlink(path) < 0 && errno != ENOENT)
		return err_errno(e, errno, "%s", path);
	return 0;
}

int host_act(const struct host_settings *s, const struct action *action, struct err *e)
{
	switch (action->kind) {
	case ACTION_SWAP_MAKE: return make(s, action->swap, e);
	case ACTION_SWAP_MEND: return mend(s, action->swap, e);
	case ACTION_SWAP_OFF: return take_away(s, action->swap, e);
	case ACTION_SWAPPINESS: return set_swappiness(s, action->swap, e);
	default: return err_set(e, ERR_INTERNAL, "host: '%s' is not for this room", action_info(action->kind)->verb);
	}
}
