/*
 * What stands at the place of a swap file. The header is that of mkswap(8), version 1: at byte 1024 the version, the
 * number of the last page and of bad ones, a UUID and a label of 16 bytes each; the signature ends the first page.
 */
#include "host/swap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/sha256.h"

#define PAGE_LARGEST 65536
#define HEADER_AT 1024
#define LABEL_AT (HEADER_AT + 12 + 16)
#define LABEL_BYTES 16
#define SIGNATURE "SWAPSPACE2"

void swap_label(const char *instance, char out[SWAP_LABEL_SIZE])
{
	char hex[SHA256_HEX_SIZE];
	sha256_hex(instance, strlen(instance), hex);
	snprintf(out, SWAP_LABEL_SIZE, "rec-%.11s", hex);
}

static void judge(const char *page, size_t page_size, const struct stat *st, const char *instance, struct swap_file *out)
{
	const char *signature = page + page_size - strlen(SIGNATURE);
	uint32_t version, last_page;
	char label[SWAP_LABEL_SIZE];
	memcpy(&version, page + HEADER_AT, sizeof version);
	memcpy(&last_page, page + HEADER_AT + sizeof version, sizeof last_page);
	swap_label(instance, label);
	bool has_header = version == 1 && memcmp(signature, SIGNATURE, strlen(SIGNATURE)) == 0;
	bool has_label = strncmp(page + LABEL_AT, label, LABEL_BYTES) == 0;
	/* An unfinished one has no header yet, so its name is all there is; another installation's has another label. */
	out->is_ours = has_header ? has_label : swap_is_helper(out->path);
	out->is_sound = has_header && ((int64_t)last_page + 1) * (int64_t)page_size == st->st_size &&
	                (int64_t)st->st_blocks * 512 >= st->st_size;
}

int swap_file_look(const char *path, const char *instance, struct swap_file *out, struct err *e)
{
	struct stat st;
	*out = (struct swap_file){.path = path};
	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(e, errno, "%s", path);
	out->is_there = true;
	if (!S_ISREG(st.st_mode))
		return 0;
	out->mode = (int)(st.st_mode & 07777);
	out->size_bytes = st.st_size;
	/* Not to be seen in its times: a plan changes nothing. */
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOATIME);
	char page[PAGE_LARGEST] = "";
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	if (fd < 0)
		return err_errno(e, errno, "%s", path);
	ssize_t n = page_size <= sizeof page ? pread(fd, page, page_size, 0) : 0;
	if (n < 0)
		return err_errno(e, errno, "%s", path);
	judge(page, page_size, &st, instance, out);
	return 0;
}

int fstab_read(struct arena *a, char **text, struct err *e)
{
	size_t length;
	*text = arena_strdup(a, "");
	if (!fs_exists(FSTAB))
		return 0;
	if (fs_read(FSTAB, FSTAB_MAX_BYTES, a, text, &length, e) < 0)
		return -1;
	return strlen(*text) == length ? 0 : err_set(e, ERR_SETUP, FSTAB ": holds a NUL character; mend it first");
}

const char *sysctl_path(const char *instance, struct arena *a)
{
	return arena_printf(a, SYSCTL_FOLDER "/90-reconcile-%s.conf", instance);
}
