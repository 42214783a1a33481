/* From settings to desired state. The one thing to know: a remote that is away leaves the last fetched commit in force. */
#include "desired/load.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

#define MANIFEST_MAX_BYTES (1024 * 1024)

/* In the order of the Compose specification. */
static const char *const default_files[] = {"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"};

static struct git_settings git_settings(const struct settings *s, struct arena *a)
{
	return (struct git_settings){
		.url = s->repo, .branch = s->branch, .mirror = arena_printf(a, "%s/mirror.git", s->state_dir)};
}

static int read_commit(const struct settings *s, enum load_mode mode, struct arena *a, struct loaded *out, struct err *e)
{
	struct git_settings git = git_settings(s, a);
	int result = mode == LOAD_SYNC ? git_sync(&git, a, &out->commit, e) : git_peek(&git, a, &out->commit, e);
	if (result == 0)
		return 0;
	out->git = *e;
	if (e->kind == ERR_INVALID || e->kind == ERR_USAGE)
		return -1;
	struct err none;
	return git_last(&git, a, &out->commit, &none) == 0 ? 0 : -1;
}

static int read_file(const struct loaded *l, const struct settings *s, const char *path, struct arena *a, char **text,
                     size_t *length, struct err *e)
{
	if (s->repo)
		return git_read(&l->commit, path, a, text, length, e);
	return fs_read(path, MANIFEST_MAX_BYTES, a, text, length, e);
}

static bool is_file_name(const char *path)
{
	size_t n = strlen(path);
	return (n > 5 && strcmp(path + n - 5, ".yaml") == 0) || (n > 4 && strcmp(path + n - 4, ".yml") == 0);
}

static int find_manifest(const struct loaded *l, const struct settings *s, struct arena *a, struct manifest_source *out,
                         struct err *e)
{
	const char *path = s->path && *s->path ? s->path : ".";
	char *text;
	if (is_file_name(path)) {
		out->file = path;
		if (read_file(l, s, path, a, &text, &out->length, e) < 0) {
			if (e->kind == ERR_NOT_FOUND) /* as for a folder without one below */
				e->kind = ERR_INVALID;
			return err_wrap(e, "manifest");
		}
		out->text = text;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(default_files); i++) {
		out->file = strcmp(path, ".") == 0 ? default_files[i] : arena_printf(a, "%s/%s", path, default_files[i]);
		if (read_file(l, s, out->file, a, &text, &out->length, e) == 0) {
			out->text = text;
			return 0;
		}
		if (e->kind != ERR_NOT_FOUND)
			return err_wrap(e, "manifest");
	}
	return err_set(e, ERR_INVALID, "no compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml in %s%s%s; "
	               "nothing was changed", strcmp(path, ".") == 0 ? "the top folder" : path, s->repo ? " of " : "",
	               s->repo ? s->repo : "");
}

/* The folder of the project: what labels show, and its name when the manifest has none. */
static const char *project_directory(const struct settings *s, const char *file, struct arena *a)
{
	const char *slash = strrchr(file, '/');
	char *folder = slash ? arena_strndup(a, file, (size_t)(slash - file)) : arena_strdup(a, s->repo ? "" : ".");
	if (!s->repo) {
		char resolved[PATH_MAX];
		return realpath(folder, resolved) ? arena_strdup(a, resolved) : folder;
	}
	if (*folder)
		return folder;
	/* At the top of a repository: the repository's own name. */
	char *url = arena_strdup(a, s->repo);
	size_t n = strlen(url);
	while (n && url[n - 1] == '/')
		url[--n] = 0;
	if (n > 4 && strcmp(url + n - 4, ".git") == 0)
		url[n - 4] = 0;
	slash = strrchr(url, '/');
	return slash ? slash + 1 : url;
}

static int read_environment(const struct settings *s, struct arena *a, struct environment *env, struct err *e)
{
	*env = (struct environment){0};
	if (s->env_file && fs_exists(s->env_file) && environment_read(s->env_file, a, env, e) < 0)
		return err_wrap(e, "env file");
	env->use_process = true;
	return 0;
}

int desired_load(const struct settings *s, enum load_mode mode, struct arena *a, struct loaded *out,
                 struct problems *problems, struct err *e)
{
	struct manifest_source source = {0};
	struct environment env;
	*out = (struct loaded){.commit.subject = ""};
	if (!s->repo && !s->path)
		return err_set(e, ERR_USAGE, "neither a repository nor a path: give --repo URL, or --path FILE for a manifest "
		               "without Git, or set repo in /etc/reconcile/reconcile.yaml");
	if (s->repo && read_commit(s, mode, a, out, e) < 0)
		return -1;
	int result = find_manifest(out, s, a, &source, e);
	if (result == 0) {
		source.directory = project_directory(s, source.file, a);
		result = read_environment(s, a, &env, e);
	}
	if (result == 0)
		result = manifest_load(&source, &env, a, &out->desired, problems, e);
	if (result == 0)
		result = manifest_check(&out->desired, problems, e);
	if (s->repo && mode == LOAD_PEEK) {
		struct git_settings git = git_settings(s, a);
		git_peek_done(&git, &out->commit);
	}
	out->desired.commit = arena_strdup(a, out->commit.id);
	out->desired.subject = out->commit.subject;
	out->desired.subnet = s->subnet;
	return result;
}

bool desired_moved(const struct settings *s, const char *commit)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct git_commit now;
	struct err e;
	if (!s->repo)
		return false;
	struct git_settings git = git_settings(s, &a);
	return git_sync(&git, &a, &now, &e) == 0 && strcmp(now.id, commit) != 0;
}
