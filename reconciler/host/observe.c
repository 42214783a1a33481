/*
 * What swap the host has. The one thing to know: /proc/swaps says what is in use, but only the files themselves and
 * /etc/fstab say what is ours.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/fs.h"
#include "host/cgroup.h"
#include "host/fstab.h"
#include "host/host.h"
#include "host/swap_file.h"

#define PROC_MAX_BYTES (1024 * 1024)

struct look {
	const struct host_settings *settings;
	struct arena *arena;
	struct host_state *out;
	const char *fstab;
};

/* A place is looked at once. */
static int add(struct look *l, const char *path, struct swap_file **found, struct err *e)
{
	struct host_state *h = l->out;
	for (size_t i = 0; i < h->swaps_count; i++)
		if (strcmp(h->swaps[i].path, path) == 0) {
			*found = &h->swaps[i];
			return 0;
		}
	struct swap_file f;
	if (swap_file_look(arena_strdup(l->arena, path), l->settings->instance, &f, e) < 0)
		return -1;
	f.line = fstab_look(l->fstab, l->settings->instance, path);
	*found = ARENA_PUSH(l->arena, h->swaps, h->swaps_count);
	**found = f;
	return 0;
}

/* "/swapfile  file  32764  0  -2" below a heading; sizes are in KiB. A path has its blanks as
 * octal numbers, so that of a foreign file may be no path at all: it counts all the same. */
static int add_active(struct look *l, struct err *e)
{
	char *text;
	if (fs_read("/proc/swaps", PROC_MAX_BYTES, l->arena, &text, NULL, e) < 0)
		return -1;
	for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		char path[4096], type[32];
		long long kib, used_kib;
		struct swap_file *f;
		if (sscanf(line + 1, "%4095s %31s %lld %lld", path, type, &kib, &used_kib) != 4)
			return err_set(e, ERR_INTERNAL, "/proc/swaps: cannot be read: %.100s", line + 1);
		if (add(l, path, &f, e) < 0)
			return -1;
		f->is_active = true;
		f->swap_bytes = kib * 1024;
		f->used_bytes = used_kib * 1024;
	}
	return 0;
}

/* The places that the manifest and our lines name, and what stands beside them half made. */
static int add_ours(struct look *l, const struct swap_want *want, struct err *e)
{
	const char **paths;
	size_t count = fstab_ours(l->fstab, l->settings->instance, l->arena, &paths);
	if (want)
		*ARENA_PUSH(l->arena, paths, count) = want->file;
	for (size_t i = 0; i < count; i++) {
		const char *names[] = {paths[i], arena_printf(l->arena, "%s" SWAP_PART, paths[i]),
		                       arena_printf(l->arena, "%s" SWAP_BRIDGE, paths[i])};
		struct swap_file *f;
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			if (add(l, names[k], &f, e) < 0)
				return -1;
	}
	return 0;
}

/* Kinds of file systems that swap cannot be on, by f_type of statfs(2). Others are asked: swapon(2) says it. */
static const struct { unsigned long type; const char *name; } no_swap[] = {
	{0x01021994, "tmpfs"}, {0x858458f6, "ramfs"}, {0x794c7630, "overlayfs"}, {0x6969, "NFS"}, {0xff534d42, "CIFS"},
	{0xfe534d42, "SMB"}, {0x65735546, "FUSE"}, {0x01021997, "9p"}, {0x73717368, "squashfs"}, {0x2fc12fc1, "ZFS"},
	{0x9fa0, "proc"}, {0x62656572, "sysfs"},
};

static void look_at_disk(struct look *l, const char *file)
{
	struct host_state *h = l->out;
	struct statfs disk;
	char real[PATH_MAX];
	size_t length = (size_t)(strrchr(file, '/') - file);
	const char *folder = length ? arena_strndup(l->arena, file, length) : "/";
	if (statfs(folder, &disk) < 0 || !realpath(folder, real)) {
		h->disk_problem = arena_printf(l->arena, "%s: %s", folder, strerror(errno));
		return;
	}
	/* The kernel shows what is in use by its real name. */
	if (strcmp(real, folder) != 0)
		h->disk_problem = arena_printf(l->arena, "%s is reached by a symbolic link; write %s instead", folder, real);
	for (size_t i = 0; i < ARRAY_LEN(no_swap); i++)
		if ((unsigned long)disk.f_type == no_swap[i].type)
			h->disk_problem = arena_printf(l->arena, "swap cannot be on %s; write a file on a disk", no_swap[i].name);
	h->disk_free_bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_bsize;
	h->disk_kept_bytes = l->settings->min_free_bytes;
}

/* "MemTotal:        8127636 kB" */
static int find_bytes(const char *meminfo, const char *key, int64_t *bytes, struct err *e)
{
	long long kib;
	const char *at = strstr(meminfo, key);
	if (!at || sscanf(at + strlen(key), ": %lld", &kib) != 1)
		return err_set(e, ERR_INTERNAL, "/proc/meminfo: says nothing of %s", key);
	*bytes = kib * 1024;
	return 0;
}

static int look_at_memory(struct look *l, struct err *e)
{
	char *text;
	if (fs_read("/proc/meminfo", PROC_MAX_BYTES, l->arena, &text, NULL, e) < 0 ||
	    find_bytes(text, "MemTotal", &l->out->memory_bytes, e) < 0 ||
	    find_bytes(text, "MemAvailable", &l->out->memory_available_bytes, e) < 0)
		return -1;
	static const char *const roots[] = CGROUP_ROOTS;
	const char *root = fs_exists(roots[0]) ? roots[0] : roots[1];
	/* Only when swap of ours may have to be emptied: there may be hundreds of groups. */
	for (size_t i = 0; i < l->out->swaps_count; i++)
		if (l->out->swaps[i].is_ours && l->out->swaps[i].used_bytes && !l->out->bound_bytes)
			l->out->bound_bytes = cgroup_bound_bytes(root, l->arena, &l->out->bound_most);
	return 0;
}

/* Our file has two lines, see act.c; one that somebody changed says what it says, or nothing. */
static int look_at_swappiness(struct look *l, struct err *e)
{
	char *text;
	const char *path = sysctl_path(l->settings->instance, l->arena);
	struct host_state *h = l->out;
	if (fs_read(SWAPPINESS, PROC_MAX_BYTES, l->arena, &text, NULL, e) < 0)
		return -1;
	h->swappiness = (int)strtol(text, NULL, 10);
	h->swappiness_kept = h->swappiness_before = -1;
	h->is_swappiness_kept = fs_exists(path);
	if (!h->is_swappiness_kept)
		return 0;
	if (fs_read(path, PROC_MAX_BYTES, l->arena, &text, NULL, e) < 0)
		return -1;
	const char *before = strstr(text, "it was "), *kept = strstr(text, "\nvm.swappiness = ");
	if (before)
		sscanf(before, "it was %d", &h->swappiness_before);
	if (kept)
		sscanf(kept, "\nvm.swappiness = %d", &h->swappiness_kept);
	return 0;
}

void host_observe(const struct host_settings *s, const struct swap_want *want, struct arena *a, struct host_state *out)
{
	struct look l = {.settings = s, .arena = a, .out = out};
	struct err e;
	char *fstab;
	*out = (struct host_state){0};
	if (fstab_read(a, &fstab, &e) < 0) {
		out->problem = arena_strdup(a, e.message);
		return;
	}
	l.fstab = fstab;
	if (want)
		look_at_disk(&l, want->file);
	if (add_active(&l, &e) < 0 || add_ours(&l, want, &e) < 0 || look_at_memory(&l, &e) < 0 ||
	    look_at_swappiness(&l, &e) < 0)
		out->problem = arena_strdup(a, e.message);
}
