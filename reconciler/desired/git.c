/*
 * Git by libgit2. All that talks to a remote, or opens a repository that may be damaged, happens in a short-lived child:
 * libgit2 1.5 has no time-outs and does not survive every damage (git_child.c). The one thing to know: a mirror is never repaired.
 * What is not whole is fetched anew into a folder beside it, and the two are swapped.
 *
 * In the mirror, refs/reconcile/KEY/heads/BRANCH is where the branch was at the last sync, and the time of the file
 * heard-KEY is when the remote last answered (git_names.h has the KEY).
 */
#include "desired/git.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <git2.h>

#include "base/clock.h"
#include "base/fs.h"
#include "desired/child.h"
#include "desired/git_child.h"
#include "desired/git_library.h"
#include "desired/git_names.h"

#define ASK_MS 60000
#define FETCH_MS 300000
/* libgit2 never joins packs. A mirror with more entries than this below objects/pack is made anew. */
#define PACK_ENTRIES_MAX 100

GIT_DONE(repository_done, git_repository, git_repository_free)
GIT_DONE(commit_done, git_commit, git_commit_free)

static int run(const struct git_job *j, struct git_answer *out, struct err *e)
{
	int64_t ask_ms = j->s->ask_ms > 0 ? j->s->ask_ms : ASK_MS, fetch_ms = j->s->fetch_ms > 0 ? j->s->fetch_ms : FETCH_MS;
	*out = (struct git_answer){0};
	struct child child = {
		.name = "git", .work = git_work, .context = (void *)j, .answer_size = sizeof *out,
		.timeout_ms = j->fetch ? fetch_ms : ask_ms,
	};
	if (child_run(&child, out, e) < 0) {
		*out = (struct git_answer){.why = *e}; /* an answer that is not whole is none */
	} else if (out->is_good) {
		return 0;
	} else {
		*e = out->why;
	}
	git_names_hide(j->names, e);
	return err_wrap(e, "%s", j->names->url);
}

static int read_commit(const char *store, const char *ref, struct arena *a, struct git_commit *out, struct err *e)
{
	CLEANUP(repository_done) git_repository *repo = NULL;
	CLEANUP(commit_done) git_commit *commit = NULL;
	git_oid id;
	int rc = git_open_bare(&repo, store);
	if (rc == 0)
		rc = git_reference_name_to_id(&id, repo, ref);
	if (rc == GIT_ENOTFOUND)
		return err_set(e, ERR_NOT_FOUND, "git: %s: nothing was fetched yet", store);
	if (rc < 0 || git_commit_lookup(&commit, repo, &id) < 0)
		return err_set(e, ERR_INTERNAL, "git: %s: damaged: %s", store, git_said());
	git_oid_tostr(out->id, sizeof out->id, &id);
	const char *subject = git_commit_summary(commit);
	out->subject = arena_strdup(a, subject ? subject : "");
	out->time_ms = (int64_t)git_commit_time(commit) * 1000;
	out->mirror = arena_strdup(a, store);
	return 0;
}

/* Where the branch was at the last sync; "" when the mirror does not say. */
static void read_was(const char *store, const char *ref, char was[GIT_ID_SIZE])
{
	CLEANUP(repository_done) git_repository *repo = NULL;
	git_oid id;
	was[0] = 0;
	if (git_open_bare(&repo, store) == 0 && git_reference_name_to_id(&id, repo, ref) == 0)
		git_oid_tostr(was, GIT_ID_SIZE, &id);
}

static void heard_path(const struct git_settings *s, const struct git_names *n, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/heard-%s", s->mirror, n->key);
}

/* Not synced to disk: what a power cut takes is the age of the last answer, not the commit. */
static int64_t hear(const struct git_settings *s, const struct git_names *n)
{
	char path[PATH_MAX];
	heard_path(s, n, path);
	CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)!futimens(fd, NULL);
	return clock_now_ms();
}

/* Puts the new folder in the old one's place; afterwards the old one, if there was any, is at `fresh`. */
static int swap(const char *fresh, const char *mirror, struct err *e)
{
	char old[PATH_MAX + 8];
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, mirror, RENAME_EXCHANGE) == 0)
		return 0;
	snprintf(old, sizeof old, "%s.old", mirror);
	/* No old one, or a file system that cannot exchange: then there is an instant without a mirror. */
	if ((errno != ENOENT && (fs_remove_tree(old, e) < 0 || (rename(mirror, old) < 0 && errno != ENOENT))) ||
	    rename(fresh, mirror) < 0)
		return err_errno(e, errno, "git: %s", mirror);
	return fs_remove_tree(old, e);
}

static int make_anew(const struct git_settings *s, const struct git_names *n, const char *was, struct git_answer *got,
                     struct err *e)
{
	char fresh[PATH_MAX], parent[PATH_MAX];
	struct err ignored;
	snprintf(fresh, sizeof fresh, "%s.new", s->mirror);
	snprintf(parent, sizeof parent, "%s", s->mirror);
	char *slash = strrchr(parent, '/');
	if (slash && slash != parent) {
		*slash = 0;
		if (fs_mkdir(parent, 0755, e) < 0)
			return -1;
	}
	if (fs_remove_tree(fresh, e) < 0 || fs_mkdir(fresh, 0700, e) < 0)
		return err_wrap(e, "git");
	struct git_job j = {.s = s, .names = n, .store = fresh, .was = was, .is_new = true, .fetch = true};
	if (run(&j, got, e) < 0 || swap(fresh, s->mirror, e) < 0) {
		(void)!fs_remove_tree(fresh, &ignored);
		return -1;
	}
	return fs_remove_tree(fresh, e);
}

static bool is_crowded(const char *mirror)
{
	char path[PATH_MAX];
	size_t entries = 0;
	snprintf(path, sizeof path, "%s/objects/pack", mirror);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	while (readdir(dir))
		entries++;
	closedir(dir);
	return entries > PACK_ENTRIES_MAX;
}

static int begin(const struct git_settings *s, struct git_names *n, struct err *e)
{
	int is_valid = 0;
	if (git_library(e) < 0 || git_names_of(s, n, e) < 0)
		return -1;
	if (s->rev && (!*s->rev || s->rev[strcspn(s->rev, " ~^:?*[\\\r\n")]))
		return err_set(e, ERR_INVALID, "git: '%.200s' is no name of a branch, tag or commit", s->rev);
	if (git_reference_name_is_valid(&is_valid, n->ref) < 0 || !is_valid)
		return err_set(e, ERR_INVALID, "git: '%s' is no name of a branch", s->branch);
	if (!s->mirror || s->mirror[0] != '/' || strlen(s->mirror) > PATH_MAX - 64)
		return err_set(e, ERR_INVALID, "git: the mirror's folder must be an absolute path");
	return git_names_token(s, n, e);
}

int git_sync(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e)
{
	struct git_names n;
	struct git_answer got;
	char was[GIT_ID_SIZE];
	if (begin(s, &n, e) < 0)
		return -1;
	read_was(s->mirror, n.ref, was);
	struct git_job j = {.s = s, .names = &n, .store = s->mirror, .was = was, .may_write = true};
	if (run(&j, &got, e) < 0)
		return -1;
	bool is_anew = got.state == STORE_UNUSABLE || (got.state == STORE_LACKS && is_crowded(s->mirror));
	if (got.state == STORE_LACKS && !is_anew) {
		j.fetch = true;
		if (run(&j, &got, e) < 0) {
			if (!got.is_store_to_blame)
				return -1;
			is_anew = true;
		}
	}
	if (is_anew && make_anew(s, &n, was, &got, e) < 0)
		return -1;
	int64_t heard_ms = hear(s, &n);
	if (read_commit(s->mirror, n.ref, a, out, e) < 0)
		return -1;
	out->fetched_ms = heard_ms;
	snprintf(out->forced, sizeof out->forced, "%s", got.is_forced ? was : "");
	return 0;
}

int git_ask(const struct git_settings *s, char id[GIT_ID_SIZE], struct err *e)
{
	struct git_names n;
	struct git_answer got;
	if (begin(s, &n, e) < 0)
		return -1;
	struct git_job j = {.s = s, .names = &n, .store = s->mirror};
	if (run(&j, &got, e) < 0)
		return -1;
	snprintf(id, GIT_ID_SIZE, "%s", got.id);
	return 0;
}

int git_last(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e)
{
	struct git_names n;
	struct stat st;
	char path[PATH_MAX];
	if (begin(s, &n, e) < 0 || read_commit(s->mirror, n.ref, a, out, e) < 0)
		return -1;
	heard_path(s, &n, path);
	out->fetched_ms = stat(path, &st) == 0 ? (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 : 0;
	return 0;
}

int git_peek(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e)
{
	struct git_names n;
	struct git_answer got;
	struct err ignored;
	char real[PATH_MAX], was[GIT_ID_SIZE];
	const char *tmp = getenv("TMPDIR");
	if (begin(s, &n, e) < 0)
		return -1;
	read_was(s->mirror, n.ref, was);
	struct git_job asking = {.s = s, .names = &n, .store = s->mirror};
	if (run(&asking, &got, e) < 0)
		return -1;
	char *folder = arena_printf(a, "%s/reconcile-peek-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return err_errno(e, errno, "git: %s", folder);
	/* Also when nothing is to be fetched: the mirror's ref may stand elsewhere, and stays there. */
	struct git_job j = {.s = s, .names = &n, .store = arena_printf(a, "%s/borrowing", folder), .was = was, .is_new = true,
	                    .fetch = true};
	if (got.state != STORE_UNUSABLE && realpath(s->mirror, real))
		j.borrow = real;
	int rc = run(&j, &got, e);
	if (rc < 0 && got.is_store_to_blame) {
		j.borrow = NULL;
		j.store = arena_printf(a, "%s/whole", folder);
		rc = run(&j, &got, e);
	}
	if (rc < 0 || read_commit(j.store, n.ref, a, out, e) < 0) {
		(void)!fs_remove_tree(folder, &ignored);
		return -1;
	}
	out->fetched_ms = clock_now_ms();
	snprintf(out->forced, sizeof out->forced, "%s", got.is_forced ? was : "");
	return 0;
}

void git_peek_done(const struct git_settings *s, struct git_commit *c)
{
	char folder[PATH_MAX];
	struct err ignored;
	if (!c || !c->mirror)
		return;
	snprintf(folder, sizeof folder, "%s", c->mirror);
	char *slash = strrchr(folder, '/');
	/* git_last()'s answer may be handed in as well, when the remote was away: the mirror stays. */
	if (strcmp(c->mirror, s->mirror) != 0 && strstr(folder, "/reconcile-peek-") && slash) {
		*slash = 0;
		(void)!fs_remove_tree(folder, &ignored);
	}
	c->mirror = NULL;
}
