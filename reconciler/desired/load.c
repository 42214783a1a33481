/* From settings to desired state. The one thing to know: a remote that is away leaves the last fetched commit in force. */
#include "desired/load.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "desired/files.h"
#include "desired/kept.h"
#include "desired/projects.h"
#include "desired/sources.h"
#include "desired/targets.h"

static struct git_settings git_settings(const struct settings *s, struct arena *a)
{
	return (struct git_settings){
		.url = s->repo, .branch = s->branch, .rev = s->rev, .mirror = arena_printf(a, "%s/mirror.git", s->state_dir),
		.user = s->git_user, .token_file = s->git_token_file, .ca_file = s->git_ca_file, .key_file = s->git_key_file,
		.known_hosts = s->git_known_hosts,
		.refuses_force_push = s->git_force_push && strcmp(s->git_force_push, "refuse") == 0};
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
	const char *file = s->env_file ? s->env_file : DEFAULT_ENV_FILE;
	/* One that was named must be there: without it ${NAME} would quietly be empty. */
	if ((s->env_file || fs_exists(file)) && environment_read(file, a, env, e) < 0) {
		if (e->kind == ERR_NOT_FOUND)
			return err_set(e, ERR_INVALID, "env_file: there is no such file %.300s; make it, or name another one", file);
		return err_wrap(e, "env file");
	}
	env->use_process = true;
	return 0;
}

static int load_one(const struct settings *s, enum load_mode mode, const struct environment *env, struct source *source,
                    struct arena *a, struct desired *out, struct problems *problems, struct err *e)
{
	struct manifest_files files = {.context = source, .hash = source_hash, .read = source_read, .list = source_tree};
	struct manifest_source from = {.file = source->file, .text = source->text, .length = source->length};
	size_t before = problems->count;
	from.directory = project_directory(s, source->file, a);
	from.profiles = s->profiles;
	from.listen = s->nginx_listen;
	from.nginx_network = s->nginx_network;
	from.is_elsewhere = mode == LOAD_CHECK;
	from.kept = arena_printf(a, "%s/secrets", s->state_dir);
	if (s->repo) {
		from.projects = arena_printf(a, "%s/projects", s->state_dir);
		from.files = &files;
	}
	if (source->err.kind != ERR_NONE)
		*e = source->err;
	else if (manifest_load(&from, env, a, out, problems, e) == 0)
		return 0;
	if (problems->count == before) {
		problems->count++;
		buf_printf(&problems->text, "%s: %s\n", source->file, e->message);
	}
	return -1;
}

/* A project whose files cannot be written keeps the ones it has, and is left alone as a whole. */
static void write_files(struct source *const *sources, enum load_mode mode, struct loaded *out, struct problems *problems)
{
	size_t kept = 0;
	struct desired *d = &out->desired;
	for (size_t i = 0; i < d->projects_count; i++) {
		const struct project *project = &d->projects[i];
		struct err e;
		if (project->has_binds)
			files_warn(sources[i], problems);
		if (targets_spare(project) || mode != LOAD_SYNC ||
		    (kept_write(project, &e) == 0 && (!project->has_binds || files_write(sources[i], project->directory, &e) == 0))) {
			d->projects[kept++] = *project;
			continue;
		}
		out->files = e;
		err_wrap(&out->files, "the files of project %s", project->name);
		size_t routes = 0;
		for (size_t k = 0; k < d->routes_count; k++)
			if (strcmp(d->routes[k].project, project->name) != 0)
				d->routes[routes++] = d->routes[k];
		d->routes_count = routes;
	}
	d->projects_count = kept;
}

static int load_all(const struct settings *s, enum load_mode mode, struct arena *a, struct loaded *out,
                    struct problems *problems, struct err *e)
{
	struct source *sources, **good;
	struct environment env;
	size_t count, parts_count = 0;
	const struct git_commit *commit = s->repo ? &out->commit : NULL;
	if (read_environment(s, a, &env, e) < 0 || sources_find(s, commit, a, &sources, &count, e) < 0)
		return -1;
	struct desired *parts = arena_alloc(a, count * sizeof *parts);
	bool *is_out = arena_alloc(a, count * sizeof *is_out);
	good = arena_alloc(a, count * sizeof(struct source *));
	for (size_t i = 0; i < count; i++) {
		struct desired part = {0};
		if (load_one(s, mode, &env, &sources[i], a, &part, problems, e) < 0)
			continue;
		good[parts_count] = &sources[i];
		parts[parts_count++] = part;
	}
	out->manifests = count;
	out->left_out = count - parts_count + projects_join(parts, parts_count, is_out, a, &out->desired, problems);
	if (out->left_out == count)
		return count == 1 && parts_count == 0 ? -1 : err_set(e, ERR_INVALID, "%zu problem%s in %zu manifest%s; nothing was changed",
		                                                     problems->count, problems->count == 1 ? "" : "s", count,
		                                                     count == 1 ? "" : "s");
	size_t kept = 0;
	for (size_t i = 0; i < parts_count; i++)
		if (!is_out[i])
			good[kept++] = good[i];
	if (targets_mark(s, &out->desired, out->left_out, e) < 0)
		return -1;
	out->is_partial = s->targets_count > 0;
	write_files(good, mode, out, problems);
	return 0;
}

/* A secret that everybody on the host can read. */
static void warn_of_open(const char *key, const char *file, struct problems *problems)
{
	struct stat st;
	if (file && stat(file, &st) == 0 && st.st_mode & 077)
		buf_printf(&problems->warnings, "%s: %s can be read by others (mode %03o); chmod 600 %s\n", key, file,
		           (unsigned)st.st_mode & 0777, file);
}

int desired_check(const struct settings *s, struct err *e)
{
	if (!s->repo && !s->path)
		return err_set(e, ERR_USAGE, "neither a repository nor a path: give --repo URL, or --path FILE for a manifest "
		               "without Git, or set repo in /etc/reconcile/reconcile.yaml");
	if (!s->repo && s->rev)
		return err_set(e, ERR_USAGE, "--rev %.100s: there is no repository to look for it; give --repo URL, or remove rev", s->rev);
	return 0;
}

int desired_load(const struct settings *s, enum load_mode mode, struct arena *a, struct loaded *out,
                 struct problems *problems, struct err *e)
{
	*out = (struct loaded){.commit.subject = ""};
	if (desired_check(s, e) < 0)
		return -1;
	if (s->repo) {
		warn_of_open("git.token_file", s->git_token_file, problems);
		warn_of_open("git.key_file", s->git_key_file, problems);
		if (read_commit(s, mode, a, out, e) < 0)
			return -1;
	}
	int result = load_all(s, mode, a, out, problems, e);
	if (s->repo && mode != LOAD_SYNC) {
		struct git_settings git = git_settings(s, a);
		git_peek_done(&git, &out->commit);
	}
	out->desired.commit = arena_strdup(a, out->commit.id);
	out->desired.subject = out->commit.subject;
	out->desired.subnet = s->subnet;
	out->desired.nginx_network = s->nginx_network;
	if (s->nginx_loopback_ports)
		(void)settings_ports(s->nginx_loopback_ports, &out->desired.loopback_first, &out->desired.loopback_last);
	out->desired.is_partial |= out->left_out > 0 || out->files.kind != ERR_NONE;
	return result;
}

bool desired_moved(const struct settings *s, const char *commit, char newer[GIT_ID_SIZE])
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	if (!s->repo || s->rev)
		return false;
	struct git_settings git = git_settings(s, &a);
	return git_ask(&git, newer, &e) == 0 && strcmp(newer, commit) != 0;
}
