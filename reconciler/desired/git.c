/*
 * Git by libgit2. All that talks to a remote, or opens a repository that may be damaged, happens in a short-lived child:
 * libgit2 1.5 has no time-outs and does not survive every damage. The one thing to know: a mirror is never repaired.
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
#include "desired/git_names.h"

#define ASK_MS 60000
#define FETCH_MS 300000
#define FILE_MAX ((size_t)16 * 1024 * 1024)
/* libgit2 never joins packs. A mirror with more entries than this below objects/pack is made anew. */
#define PACK_ENTRIES_MAX 100
/* How much of a commit is read to call it whole: what a damaged disk does to more than that shows in git_read(). */
#define LOOK_ENTRIES_MAX 2000
#define LOOK_BLOB_MAX ((size_t)1024 * 1024)
#define BRANCHES_TOLD 5

#define DONE(fn, type, free_fn) \
	static void fn(type **p) \
	{ \
		free_fn(*p); \
	}
DONE(repository_done, git_repository, git_repository_free)
DONE(remote_done, git_remote, git_remote_free)
DONE(reference_done, git_reference, git_reference_free)
DONE(iterator_done, git_reference_iterator, git_reference_iterator_free)
DONE(commit_done, git_commit, git_commit_free)
DONE(tree_done, git_tree, git_tree_free)
DONE(entry_done, git_tree_entry, git_tree_entry_free)
DONE(blob_done, git_blob, git_blob_free)
DONE(odb_done, git_odb, git_odb_free)

/* What libgit2 said last; it may have said nothing. */
static const char *said(void)
{
	const git_error *last = git_error_last();
	return last && last->message ? last->message : "libgit2 gave no reason";
}

static int library(struct err *e)
{
	static bool is_ready;
	if (is_ready)
		return 0;
	if (git_libgit2_init() < 0)
		return err_set(e, ERR_INTERNAL, "git: %s", said());
	/* Root reads the repository of a user by file://, and the mirror may have been restored under another uid. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	/* What is deployed must not hang on the Git configuration of whoever runs this. */
	for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
	is_ready = true;
	return 0;
}

/* In the child. */

enum store_state {
	STORE_UNUSABLE, /* not there, or damaged: make it anew */
	STORE_LACKS,    /* sound as far as one sees, without that commit */
	STORE_WHOLE,
};

struct job {
	const struct git_settings *s;
	const struct git_names *names;
	const char *store;     /* the repository to look in, or to fetch into */
	const char *borrow;    /* a mirror whose objects a new store uses without copying; NULL */
	bool may_write;         /* asking moves the ref when the commit is already there; fetching always moves it */
	bool is_new;           /* make the store first */
	bool fetch;
};

struct answer {
	bool is_good;
	bool is_store_to_blame; /* the fetch failed over what was there already: it may work from nothing */
	enum store_state state;
	char id[41];
	struct err why;
};

/* The remote's own words decide: there is no better source for "may I" and "is it there". */
static int remote_error(struct err *e, int rc)
{
	static const struct { const char *words; enum err_kind kind; } rows[] = {
		{"status code: 401", ERR_DENIED}, {"status code: 403", ERR_DENIED}, {"authentication", ERR_DENIED},
		{"status code: 404", ERR_NOT_FOUND},
	};
	enum err_kind kind = rc == GIT_EAUTH || rc == GIT_ECERTIFICATE ? ERR_DENIED
	                     : rc == GIT_ENOTFOUND                     ? ERR_NOT_FOUND
	                                                               : ERR_TRANSIENT;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strstr(said(), rows[i].words))
			kind = rows[i].kind;
	/* libgit2 speaks of callbacks here; and it says the same with none and with wrong ones in the URL. */
	if (rc == GIT_EAUTH)
		return err_set(e, kind, "the server wants a user and a password, or refused those in the URL");
	return err_set(e, kind, "%s", said());
}

static int no_branch(const struct git_settings *s, const git_remote_head **heads, size_t count, struct err *e)
{
	char list[512] = "";
	size_t branches = 0, used = 0;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(heads[i]->name, "refs/heads/", 11) != 0 || branches++ >= BRANCHES_TOLD)
			continue;
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%.80s", used ? ", " : "", heads[i]->name + 11);
	}
	if (branches == 0)
		return err_set(e, ERR_NOT_FOUND, "the repository has no branch yet");
	if (branches > BRANCHES_TOLD)
		snprintf(list + used, sizeof list - used, " and %zu more", branches - BRANCHES_TOLD);
	if (!s->branch)
		return err_set(e, ERR_NOT_FOUND, "its HEAD is on a branch that does not exist; it has: %s", list);
	return err_set(e, ERR_NOT_FOUND, "no branch '%s'; it has: %s", s->branch, list);
}

/* Where the branch is now; *name is what the remote calls it. */
static int find(git_remote *remote, const struct git_settings *s, git_oid *id, char *name, size_t size, struct err *e)
{
	const git_remote_head **heads;
	size_t count = 0;
	git_proxy_options proxy = GIT_PROXY_OPTIONS_INIT;
	proxy.type = GIT_PROXY_AUTO;
	int rc = git_remote_connect(remote, GIT_DIRECTION_FETCH, NULL, &proxy, NULL);
	if (rc == 0)
		rc = git_remote_ls(&heads, &count, remote);
	if (rc < 0)
		return remote_error(e, rc);
	if (s->branch)
		snprintf(name, size, "refs/heads/%s", s->branch);
	else
		snprintf(name, size, "HEAD");
	for (size_t i = 0; i < count; i++)
		if (strcmp(heads[i]->name, name) == 0) {
			git_oid_cpy(id, &heads[i]->oid);
			return 0;
		}
	return no_branch(s, heads, count, e);
}

struct look {
	git_odb *odb;
	size_t entries;
};

/* One entry of the tree: subtrees are read by the walk itself, blobs here. */
static int look_at_entry(const char *root, const git_tree_entry *entry, void *context)
{
	(void)root;
	struct look *l = context;
	git_odb_object *object = NULL;
	git_object_t type;
	size_t size;
	if (++l->entries > LOOK_ENTRIES_MAX)
		return GIT_EUSER;
	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB)
		return 0;
	if (git_odb_read_header(&size, &type, l->odb, git_tree_entry_id(entry)) < 0)
		return -1;
	/* Reading checks the hash, too. */
	if (size <= LOOK_BLOB_MAX && git_odb_read(&object, l->odb, git_tree_entry_id(entry)) < 0)
		return -1;
	git_odb_object_free(object);
	return 0;
}

static enum store_state look(git_repository *repo, const git_oid *id)
{
	CLEANUP(odb_done) git_odb *odb = NULL;
	CLEANUP(commit_done) git_commit *commit = NULL;
	CLEANUP(tree_done) git_tree *tree = NULL;
	if (git_repository_odb(&odb, repo) < 0)
		return STORE_UNUSABLE;
	if (!git_odb_exists(odb, id))
		return STORE_LACKS;
	struct look l = {.odb = odb};
	if (git_commit_lookup(&commit, repo, id) < 0 || git_commit_tree(&tree, commit) < 0)
		return STORE_UNUSABLE;
	int rc = git_tree_walk(tree, GIT_TREEWALK_PRE, look_at_entry, &l);
	return rc == 0 || rc == GIT_EUSER ? STORE_WHOLE : STORE_UNUSABLE;
}

static int open_bare(git_repository **repo, const char *path)
{
	return git_repository_open_ext(repo, path, GIT_REPOSITORY_OPEN_BARE | GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
}

static int move_ref(git_repository *repo, const char *name, const git_oid *id)
{
	CLEANUP(reference_done) git_reference *old = NULL, *moved = NULL;
	if (git_reference_lookup(&old, repo, name) == 0 && git_reference_target(old) &&
	    git_oid_equal(git_reference_target(old), id))
		return 0;
	return git_reference_create(&moved, repo, name, id, 1, NULL);
}

/* Makes the objects of a mirror readable in a new store, and its refs too: they are what a fetch says it has. */
static int borrow(git_repository *repo, const char *store, const char *mirror, struct err *e)
{
	CLEANUP(repository_done) git_repository *from = NULL;
	CLEANUP(odb_done) git_odb *odb = NULL;
	CLEANUP(iterator_done) git_reference_iterator *refs = NULL;
	char file[PATH_MAX], line[PATH_MAX + 16];
	git_reference *ref;
	snprintf(line, sizeof line, "%s/objects", mirror);
	snprintf(file, sizeof file, "%s/objects/info/alternates", store);
	size_t length = strlen(line);
	line[length] = '\n';
	if (git_repository_odb(&odb, repo) < 0 || fs_write(file, line, length + 1, 0600, e) < 0)
		return err_wrap(e, "git");
	line[length] = 0;
	if (git_odb_add_disk_alternate(odb, line) < 0 || open_bare(&from, mirror) < 0 ||
	    git_reference_iterator_new(&refs, from) < 0)
		return err_set(e, ERR_TRANSIENT, "git: %s: %s", mirror, said());
	while (git_reference_next(&ref, refs) == 0) {
		if (git_reference_target(ref))
			(void)!move_ref(repo, git_reference_name(ref), git_reference_target(ref)); /* one less is a larger fetch */
		git_reference_free(ref);
	}
	return 0;
}

static int make_store(git_repository **repo, const struct job *j, struct err *e)
{
	git_repository_init_options how = GIT_REPOSITORY_INIT_OPTIONS_INIT;
	how.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	if (git_repository_init_ext(repo, j->store, &how) < 0)
		return err_set(e, ERR_TRANSIENT, "git: %s: %s", j->store, said());
	return j->borrow ? borrow(*repo, j->store, j->borrow, e) : 0;
}

/* Downloads that a kill cut off. Only the holder of the lock fetches into the mirror, so none of them is in use. */
static void sweep(const char *store)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/objects/pack", store);
	DIR *dir = opendir(path);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, "pack-", 5) != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

static bool is_net(int class)
{
	return class == GIT_ERROR_NET || class == GIT_ERROR_HTTP || class == GIT_ERROR_SSL || class == GIT_ERROR_OS;
}

static int fetch(const struct job *j, git_repository *repo, git_remote *remote, const git_oid *id, const char *name,
                 struct answer *out)
{
	char refspec[2064], *refspecs[] = {refspec};
	git_fetch_options how = GIT_FETCH_OPTIONS_INIT;
	how.prune = GIT_FETCH_NO_PRUNE;
	how.update_fetchhead = 0;
	how.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	how.proxy_opts.type = GIT_PROXY_AUTO;
	snprintf(refspec, sizeof refspec, "+%s:%s", name, j->names->ref);
	bool has_past = !j->is_new || j->borrow;
	if (!j->is_new)
		sweep(j->store);
	int rc = git_remote_download(remote, &(git_strarray){.strings = refspecs, .count = 1}, &how);
	if (rc < 0) {
		const git_error *last = git_error_last();
		out->is_store_to_blame = has_past && !(last && is_net(last->klass));
		return remote_error(&out->why, rc);
	}
	out->state = look(repo, id);
	if (out->state != STORE_WHOLE) {
		out->is_store_to_blame = has_past;
		return err_set(&out->why, ERR_TRANSIENT, "commit %s did not come whole", out->id);
	}
	if (move_ref(repo, j->names->ref, id) < 0) {
		out->is_store_to_blame = has_past;
		return err_set(&out->why, ERR_TRANSIENT, "%s", said());
	}
	return 0;
}

static int do_job(const struct job *j, struct answer *out)
{
	CLEANUP(repository_done) git_repository *repo = NULL;
	CLEANUP(remote_done) git_remote *remote = NULL;
	char name[1024];
	git_oid id;
	if (j->is_new && make_store(&repo, j, &out->why) < 0) {
		out->is_store_to_blame = j->borrow != NULL;
		return -1;
	}
	/* Asking needs no repository, and must work with a damaged one. */
	bool is_open = repo || open_bare(&repo, j->store) == 0;
	if (j->fetch && !is_open) {
		out->is_store_to_blame = true;
		return err_set(&out->why, ERR_TRANSIENT, "%s", said());
	}
	int rc = j->fetch ? git_remote_create_anonymous(&remote, repo, j->s->url)
	                  : git_remote_create_detached(&remote, j->s->url);
	if (rc < 0)
		return err_set(&out->why, ERR_INVALID, "%s", said());
	if (find(remote, j->s, &id, name, sizeof name, &out->why) < 0)
		return -1;
	git_oid_tostr(out->id, sizeof out->id, &id);
	if (j->fetch)
		return fetch(j, repo, remote, &id, name, out);
	out->state = is_open ? look(repo, &id) : STORE_UNUSABLE;
	/* A ref that cannot be moved (the lock of a killed writer, damage) will not move the next time either. */
	if (out->state == STORE_WHOLE && j->may_write && move_ref(repo, j->names->ref, &id) < 0)
		out->state = STORE_UNUSABLE;
	return 0;
}

static void work(void *context, void *answer)
{
	struct answer *out = answer;
	out->is_good = do_job(context, out) == 0;
}

/* In the parent. */

static int run(const struct job *j, struct answer *out, struct err *e)
{
	int64_t ask_ms = j->s->ask_ms > 0 ? j->s->ask_ms : ASK_MS, fetch_ms = j->s->fetch_ms > 0 ? j->s->fetch_ms : FETCH_MS;
	*out = (struct answer){0};
	struct child child = {
		.name = "git", .work = work, .context = (void *)j, .answer_size = sizeof *out,
		.timeout_ms = j->fetch ? fetch_ms : ask_ms,
	};
	if (child_run(&child, out, e) < 0) {
		*out = (struct answer){.why = *e}; /* an answer that is not whole is none */
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
	int rc = open_bare(&repo, store);
	if (rc == 0)
		rc = git_reference_name_to_id(&id, repo, ref);
	if (rc == GIT_ENOTFOUND)
		return err_set(e, ERR_NOT_FOUND, "git: %s: nothing was fetched yet", store);
	if (rc < 0 || git_commit_lookup(&commit, repo, &id) < 0)
		return err_set(e, ERR_INTERNAL, "git: %s: damaged: %s", store, said());
	git_oid_tostr(out->id, sizeof out->id, &id);
	const char *subject = git_commit_summary(commit);
	out->subject = arena_strdup(a, subject ? subject : "");
	out->time_ms = (int64_t)git_commit_time(commit) * 1000;
	out->mirror = arena_strdup(a, store);
	return 0;
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

static int make_anew(const struct git_settings *s, const struct git_names *n, struct err *e)
{
	char fresh[PATH_MAX], parent[PATH_MAX];
	struct answer got;
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
	struct job j = {.s = s, .names = n, .store = fresh, .is_new = true, .fetch = true};
	if (run(&j, &got, e) < 0 || swap(fresh, s->mirror, e) < 0) {
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
	if (library(e) < 0 || git_names_of(s, n, e) < 0)
		return -1;
	if (git_reference_name_is_valid(&is_valid, n->ref) < 0 || !is_valid)
		return err_set(e, ERR_INVALID, "git: '%s' is no name of a branch", s->branch);
	if (!s->mirror || s->mirror[0] != '/' || strlen(s->mirror) > PATH_MAX - 64)
		return err_set(e, ERR_INVALID, "git: the mirror's folder must be an absolute path");
	return 0;
}

int git_sync(const struct git_settings *s, struct arena *a, struct git_commit *out, struct err *e)
{
	struct git_names n;
	struct answer got;
	if (begin(s, &n, e) < 0)
		return -1;
	struct job j = {.s = s, .names = &n, .store = s->mirror, .may_write = true};
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
	if (is_anew && make_anew(s, &n, e) < 0)
		return -1;
	int64_t heard_ms = hear(s, &n);
	if (read_commit(s->mirror, n.ref, a, out, e) < 0)
		return -1;
	out->fetched_ms = heard_ms;
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
	struct answer got;
	struct err ignored;
	char real[PATH_MAX];
	const char *tmp = getenv("TMPDIR");
	if (begin(s, &n, e) < 0)
		return -1;
	struct job asking = {.s = s, .names = &n, .store = s->mirror};
	if (run(&asking, &got, e) < 0)
		return -1;
	char *folder = arena_printf(a, "%s/reconcile-peek-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return err_errno(e, errno, "git: %s", folder);
	/* Also when nothing is to be fetched: the mirror's ref may stand elsewhere, and stays there. */
	struct job j = {.s = s, .names = &n, .store = arena_printf(a, "%s/borrowing", folder), .is_new = true, .fetch = true};
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

int git_read(const struct git_commit *c, const char *path, struct arena *a, char **text, size_t *length, struct err *e)
{
	CLEANUP(repository_done) git_repository *repo = NULL;
	CLEANUP(commit_done) git_commit *commit = NULL;
	CLEANUP(tree_done) git_tree *tree = NULL;
	CLEANUP(entry_done) git_tree_entry *entry = NULL;
	CLEANUP(blob_done) git_blob *blob = NULL;
	char plain[PATH_MAX];
	git_oid id;
	if (library(e) < 0 || git_plain_path(path, plain, sizeof plain, e) < 0)
		return -1;
	if (open_bare(&repo, c->mirror) < 0 || git_oid_fromstr(&id, c->id) < 0 || git_commit_lookup(&commit, repo, &id) < 0 ||
	    git_commit_tree(&tree, commit) < 0)
		return err_set(e, ERR_INTERNAL, "git: %s: commit %s: %s", c->mirror, c->id, said());
	int rc = plain[0] ? git_tree_entry_bypath(&entry, tree, plain) : 0;
	if (rc == GIT_ENOTFOUND)
		return err_set(e, ERR_NOT_FOUND, "git: no file '%s' in commit %.12s", path, c->id);
	if (rc < 0)
		return err_set(e, ERR_INTERNAL, "git: '%s' in commit %.12s: %s", path, c->id, said());
	if (!entry || git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE)
		return err_set(e, ERR_NOT_FOUND, "git: '%s' in commit %.12s is a folder, not a file", path, c->id);
	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB || git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK)
		return err_set(e, ERR_NOT_FOUND, "git: '%s' in commit %.12s is a link, not a file", path, c->id);
	if (git_blob_lookup(&blob, repo, git_tree_entry_id(entry)) < 0)
		return err_set(e, ERR_INTERNAL, "git: '%s' in commit %.12s: %s", path, c->id, said());
	if ((size_t)git_blob_rawsize(blob) > FILE_MAX)
		return err_set(e, ERR_INVALID, "git: '%s' in commit %.12s: larger than %zu bytes", path, c->id, FILE_MAX);
	size_t size = (size_t)git_blob_rawsize(blob);
	*text = size ? arena_strndup(a, git_blob_rawcontent(blob), size) : arena_strdup(a, "");
	if (length)
		*length = size;
	return 0;
}
