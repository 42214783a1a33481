/* Where manifests and the files beside them come from. */
#include "desired/sources.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

#define MANIFEST_MAX_BYTES (1024 * 1024)
#define FOLDERS_MAX 200
#define LINKS_MAX 8

/* In the order of the Compose specification. */
static const char *const default_files[] = {"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"};

static bool is_file_name(const char *path)
{
	size_t n = strlen(path);
	return (n > 5 && strcmp(path + n - 5, ".yaml") == 0) || (n > 4 && strcmp(path + n - 4, ".yml") == 0);
}

static bool is_top(const char *path)
{
	return strcmp(path, ".") == 0;
}

static int read_manifest(const struct git_commit *commit, const char *file, struct arena *a, struct source *out, struct err *e)
{
	const char *slash = strrchr(file, '/');
	char *text;
	*out = (struct source){.file = file, .commit = commit, .arena = a};
	out->folder = slash ? arena_strndup(a, file, (size_t)(slash - file)) : "";
	if ((commit ? git_read(commit, file, a, &text, &out->length, e)
	            : fs_read(file, MANIFEST_MAX_BYTES, a, &text, &out->length, e)) < 0)
		return -1;
	out->text = text;
	return 0;
}

/* 1: there is a manifest in the folder, which may be one that cannot be read; 0: none. */
static int look_into(const struct git_commit *commit, const char *folder, struct arena *a, struct source *out)
{
	for (size_t i = 0; i < ARRAY_LEN(default_files); i++) {
		const char *file = is_top(folder) ? default_files[i] : arena_printf(a, "%s/%s", folder, default_files[i]);
		struct err e;
		if (read_manifest(commit, file, a, out, &e) == 0)
			return 1;
		if (e.kind != ERR_NOT_FOUND) {
			out->err = e;
			return 1;
		}
	}
	return 0;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static const char **folders_on_disk(const char *path, struct arena *a, size_t *count)
{
	const char **names = NULL;
	DIR *dir = opendir(path);
	if (!dir)
		return NULL;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct stat st;
		const char *whole = arena_printf(a, "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.' && stat(whole, &st) == 0 && S_ISDIR(st.st_mode))
			*ARENA_PUSH(a, names, *count) = arena_strdup(a, entry->d_name);
	}
	closedir(dir);
	return names;
}

static int list_folders(const struct git_commit *commit, const char *path, struct arena *a, const char ***out, size_t *count,
                        struct err *e)
{
	struct git_entry *entries;
	size_t entries_count = 0;
	const char **names = NULL;
	*count = 0;
	if (!commit)
		names = folders_on_disk(path, a, count);
	else if (git_list(commit, path, false, a, &entries, &entries_count, e) < 0 && e->kind != ERR_NOT_FOUND)
		return -1;
	for (size_t i = 0; i < entries_count; i++)
		if (entries[i].kind == GIT_KIND_FOLDER && entries[i].path[0] != '.')
			*ARENA_PUSH(a, names, *count) = entries[i].path;
	if (*count)
		qsort(names, *count, sizeof *names, by_name);
	*out = names;
	return 0;
}

int sources_find(const struct settings *s, const struct git_commit *commit, struct arena *a, struct source **out,
                 size_t *count, struct err *e)
{
	const char *path = s->path && *s->path ? s->path : ".", **names;
	size_t names_count;
	struct source found;
	*out = NULL;
	*count = 0;
	if (is_file_name(path)) {
		if (read_manifest(commit, path, a, &found, e) < 0) {
			if (e->kind == ERR_NOT_FOUND) /* as for a folder without one below */
				e->kind = ERR_INVALID;
			return err_wrap(e, "manifest");
		}
		*ARENA_PUSH(a, *out, *count) = found;
		return 0;
	}
	if (look_into(commit, path, a, &found)) {
		*ARENA_PUSH(a, *out, *count) = found;
		return 0;
	}
	if (list_folders(commit, path, a, &names, &names_count, e) < 0)
		return err_wrap(e, "manifests");
	if (names_count > FOLDERS_MAX)
		return err_set(e, ERR_INVALID, "%zu folders in %s are more than the %d that are looked into for manifests", names_count,
		               is_top(path) ? "the top folder" : path, FOLDERS_MAX);
	for (size_t i = 0; i < names_count; i++)
		if (look_into(commit, is_top(path) ? names[i] : arena_printf(a, "%s/%s", path, names[i]), a, &found))
			*ARENA_PUSH(a, *out, *count) = found;
	if (*count)
		return 0;
	return err_set(e, ERR_INVALID, "no compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml in %s%s%s, nor in a "
	               "folder in it; nothing was changed", is_top(path) ? "the top folder" : path, s->repo ? " of " : "",
	               s->repo ? s->repo : "");
}

/* --- beside a manifest in Git --- */

int source_list(struct source *s, struct err *e)
{
	if (s->is_listed || !s->commit)
		return 0;
	if (git_list(s->commit, *s->folder ? s->folder : ".", true, s->arena, &s->entries, &s->entries_count, e) < 0)
		return -1;
	s->is_listed = true;
	return 0;
}

/*
 * "conf/link" and its target "../a/b" -> "a/b". NULL when it may lead out: it is absolute, has too many "..", or has one
 * behind a name, for that name may be a link itself.
 */
const char *source_beside(struct arena *a, const char *link, const char *target)
{
	const char *slash = strrchr(link, '/');
	size_t length = slash ? (size_t)(slash - link) : 0;
	char *out = arena_printf(a, "%.*s/%s", (int)length, link, target); /* long enough for all that follows */
	if (*target == '/' || !*target)
		return NULL;
	bool is_down = false;
	for (const char *at = target; *at;) {
		size_t n = strcspn(at, "/");
		if (n == 2 && memcmp(at, "..", 2) == 0) {
			if (is_down || !length)
				return NULL;
			while (length && out[--length] != '/')
				;
		} else if (n && !(n == 1 && *at == '.')) {
			is_down = true;
			if (length)
				out[length++] = '/';
			memcpy(out + length, at, n);
			length += n;
		}
		at += n + (at[n] == '/');
	}
	out[length] = 0;
	return out;
}

/* The file that a path means, through links; NULL: none of Git's. */
static const struct git_entry *find_file(struct source *s, const char *path)
{
	struct err e;
	if (source_list(s, &e) < 0)
		return NULL;
	for (int hops = 0; path && hops < LINKS_MAX; hops++) {
		const struct git_entry *found = NULL;
		char *target;
		size_t length;
		for (size_t i = 0; i < s->entries_count && !found; i++)
			if (strcmp(s->entries[i].path, path) == 0)
				found = &s->entries[i];
		if (!found || found->kind == GIT_KIND_FILE || found->kind == GIT_KIND_PROGRAM)
			return found;
		if (found->kind != GIT_KIND_LINK || git_content(s->commit, found, s->arena, &target, &length, &e) < 0)
			return NULL;
		path = source_beside(s->arena, path, target);
	}
	return NULL;
}

const char *source_hash(void *source, const char *path)
{
	const struct git_entry *found = find_file(source, path);
	return found ? found->id : "";
}

/* "../lib/x" beside "shop" -> "lib/x"; NULL: it leads out of the repository. */
static const char *in_repository(const struct source *s, struct arena *a, const char *path)
{
	return source_beside(a, arena_printf(a, "%s%sx", s->folder, *s->folder ? "/" : ""), path);
}

int source_tree(void *source, const char *folder, struct arena *a, struct build_file **out, size_t *count, struct err *e)
{
	static const enum build_kind kinds[] = {
		[GIT_KIND_FILE] = BUILD_FILE, [GIT_KIND_PROGRAM] = BUILD_PROGRAM, [GIT_KIND_LINK] = BUILD_LINK,
		[GIT_KIND_FOLDER] = BUILD_FOLDER,
	};
	struct source *s = source;
	const char *path = in_repository(s, a, folder);
	struct git_entry *entries;
	size_t entries_count, length;
	*out = NULL;
	*count = 0;
	if (!path)
		return err_set(e, ERR_INVALID, "'%s' leads out of the repository", folder);
	if (git_list(s->commit, *path ? path : ".", true, a, &entries, &entries_count, e) < 0)
		return -1;
	for (size_t i = 0; i < entries_count; i++) {
		const struct git_entry *entry = &entries[i];
		char *target = NULL;
		if (entry->kind == GIT_KIND_MODULE) /* not fetched */
			continue;
		if (entry->kind == GIT_KIND_LINK && git_content(s->commit, entry, a, &target, &length, e) < 0)
			return -1;
		*ARENA_PUSH(a, *out, *count) = (struct build_file){
			.path = entry->path, .kind = kinds[entry->kind], .text = target,
			.hash = entry->kind == GIT_KIND_FOLDER ? "" : arena_strdup(a, entry->id)};
	}
	return 0;
}

int source_read(void *source, const char *path, struct arena *a, char **text, size_t *length, struct err *e)
{
	struct source *s = source;
	if (strncmp(path, "..", 2) == 0 || strncmp(path, "./", 2) == 0) {
		const char *other = in_repository(s, a, path);
		if (!other)
			return err_set(e, ERR_INVALID, "'%s' leads out of the repository", path);
		return git_read(s->commit, other, a, text, length, e);
	}
	const struct git_entry *found = find_file(s, path);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "git: no file '%s' in commit %.12s", path, s->commit->id);
	return git_content(s->commit, found, a, text, length, e);
}
