/* Control groups, version 1 and 2 (cgroups(7)): what each holds in memory that only swap could take, what it has swapped
 * out, and its limit. A group that goes while it is looked at holds nothing. */
#include "host/cgroup.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "host/host.h"

#define FILE_MAX_BYTES (64 * 1024)
#define DEPTH_MAX 32

/* Numbers are in bytes, those of `stat` after their names. Version 1 has what is swapped out in there, too. */
static const struct version {
	const char *limit, *swap_file;
	const char *stat[3];
} versions[] = {
	{"memory.max", "memory.swap.current", {"\nanon ", "\nshmem "}},
	{"memory.limit_in_bytes", NULL, {"\ntotal_rss ", "\ntotal_shmem ", "\ntotal_swap "}},
};

struct walk {
	struct arena *arena;
	int64_t bound, most;
	const char *worst;
};

static const char *text_of(const char *folder, const char *name, struct arena *a)
{
	char *text;
	struct err e;
	return fs_read(arena_printf(a, "%s/%s", folder, name), FILE_MAX_BYTES, a, &text, NULL, &e) == 0 ? text : NULL;
}

/* What only swap could take, in memory or swapped out; -1: it does not say. */
static int64_t held_bytes(const struct version *v, const char *folder, struct arena *a)
{
	const char *swap = v->swap_file ? text_of(folder, v->swap_file, a) : "0", *stat = text_of(folder, "memory.stat", a);
	if (!stat)
		return -1;
	int64_t held = swap ? strtoll(swap, NULL, 10) : 0; /* a kernel without swap accounting has no such file */
	stat = arena_printf(a, "\n%s", stat);
	for (size_t k = 0; k < ARRAY_LEN(v->stat) && v->stat[k]; k++) {
		const char *at = strstr(stat, v->stat[k]);
		held += at ? strtoll(at + strlen(v->stat[k]), NULL, 10) : 0;
	}
	return held;
}

static void look(struct walk *w, const char *folder)
{
	CLEANUP(arena_done) struct arena a = {0};
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		const struct version *v = &versions[i];
		const char *limit = text_of(folder, v->limit, &a);
		if (!limit)
			continue;
		int64_t held = held_bytes(v, folder, &a), most = strtoll(limit, NULL, 10);
		if (*limit == 'm' || held <= most) /* max */
			return;
		w->bound += held - most;
		if (held - most > w->most) {
			w->most = held - most;
			w->worst = arena_strdup(w->arena, folder);
		}
		return;
	}
}

static void walk(struct walk *w, const char *folder, int depth)
{
	CLEANUP(arena_done) struct arena a = {0};
	DIR *dir = depth < DEPTH_MAX ? opendir(folder) : NULL;
	if (!dir)
		return;
	look(w, folder);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			walk(w, arena_printf(&a, "%s/%s", folder, entry->d_name), depth + 1);
	closedir(dir);
}

int64_t cgroup_bound_bytes(const char *root, struct arena *a, const char **worst)
{
	struct walk w = {.arena = a};
	walk(&w, root, 0);
	*worst = w.worst;
	return w.bound;
}

int64_t host_memory_bytes(int pid)
{
	/* Version 2 has one line, "0::/path"; of version 1, that of the memory controller. */
	static const struct { const char *start, *root; const struct version *version; } kinds[] = {
		{":memory:", "/sys/fs/cgroup/memory", &versions[1]}, {"\n0::", "/sys/fs/cgroup", &versions[0]},
	};
	CLEANUP(arena_done) struct arena a = {0};
	const char *groups = text_of(arena_printf(&a, "/proc/%d", pid), "cgroup", &a);
	groups = arena_printf(&a, "\n%s", groups ? groups : "");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *at = strstr(groups, kinds[i].start);
		if (!at)
			continue;
		at += strlen(kinds[i].start);
		int64_t held = held_bytes(kinds[i].version, arena_printf(&a, "%s%.*s", kinds[i].root, (int)strcspn(at, "\n"), at), &a);
		return held > 0 ? held : 0;
	}
	return 0;
}
