/*
 * One errand to a remote. It happens in a short-lived child, because libgit2 1.5 has no time-outs and does not survive
 * every damage of a repository.
 */
#include "desired/git_child.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <git2.h>

#include "base/fs.h"
#include "desired/git_library.h"
#include "desired/git_remote.h"

/* How much of a commit is read to call it whole: what a damaged disk does to more than that shows in git_read(). */
#define LOOK_ENTRIES_MAX 2000
#define LOOK_BLOB_MAX ((size_t)1024 * 1024)

GIT_DONE(repository_done, git_repository, git_repository_free)
GIT_DONE(reference_done, git_reference, git_reference_free)
GIT_DONE(iterator_done, git_reference_iterator, git_reference_iterator_free)
GIT_DONE(object_done, git_object, git_object_free)
GIT_DONE(commit_done, git_commit, git_commit_free)
GIT_DONE(tree_done, git_tree, git_tree_free)
GIT_DONE(odb_done, git_odb, git_odb_free)

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
	if (git_odb_add_disk_alternate(odb, line) < 0 || git_open_bare(&from, mirror) < 0 ||
	    git_reference_iterator_new(&refs, from) < 0)
		return err_set(e, ERR_TRANSIENT, "git: %s: %s", mirror, git_said());
	while (git_reference_next(&ref, refs) == 0) {
		if (git_reference_target(ref))
			(void)!move_ref(repo, git_reference_name(ref), git_reference_target(ref)); /* one less is a larger fetch */
		git_reference_free(ref);
	}
	return 0;
}

static int make_store(git_repository **repo, const struct git_job *j, struct err *e)
{
	git_repository_init_options how = GIT_REPOSITORY_INIT_OPTIONS_INIT;
	how.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	if (git_repository_init_ext(repo, j->store, &how) < 0)
		return err_set(e, ERR_TRANSIENT, "git: %s: %s", j->store, git_said());
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

/* The commit that these first digits stand for, as far as the store has it: 0, 1 when it is not there, -1. */
static int find_commit(git_repository *repo, const char *digits, char out[GIT_ID_SIZE], struct err *e)
{
	CLEANUP(object_done) git_object *object = NULL, *commit = NULL;
	git_oid id;
	int rc = git_oid_fromstrn(&id, digits, strlen(digits));
	if (rc == 0)
		rc = git_object_lookup_prefix(&object, repo, &id, strlen(digits), GIT_OBJECT_ANY);
	if (rc == GIT_EAMBIGUOUS)
		return err_set(e, ERR_NOT_FOUND, "'%s' begins more than one commit, or something else, too; write more of it", digits);
	if (rc < 0 || git_object_peel(&commit, object, GIT_OBJECT_COMMIT) < 0)
		return 1;
	git_oid_tostr(out, GIT_ID_SIZE, git_object_id(commit));
	return 0;
}

/* Has the branch gone on from where it was? A `was` that is not there any more was fetched, and is not part of this. */
static int check_forced(const struct git_job *j, git_repository *repo, const git_oid *id, struct git_answer *out)
{
	git_oid was;
	if (!j->was || !j->was[0] || j->s->rev || git_oid_fromstr(&was, j->was) < 0 || git_oid_equal(&was, id) ||
	    git_graph_descendant_of(repo, id, &was) == 1)
		return 0;
	out->is_forced = true;
	if (!j->s->refuses_force_push)
		return 0;
	return err_set(&out->why, ERR_CONFLICT, "force-pushed: commit %.8s does not contain %.8s, where it was before, and "
	               "git.force_push is refuse; to accept it, run once with RECONCILE_GIT_FORCE_PUSH=follow", out->id, j->was);
}

static int fetch(const struct git_job *j, git_repository *repo, struct git_talk *t, struct git_found *found,
                 struct git_answer *out)
{
	bool has_past = !j->is_new || j->borrow;
	git_oid id;
	if (!j->is_new)
		sweep(j->store);
	if (git_talk_download(t, found, &out->why) < 0) {
		const git_error *last = git_error_last();
		out->is_store_to_blame = has_past && t->refused.kind == ERR_NONE && !(last && is_net(last->klass));
		return -1;
	}
	if (!found->id[0]) {
		int rc = find_commit(repo, j->s->rev, found->id, &out->why);
		if (rc != 0)
			return rc < 0 ? -1 : git_talk_not_there(t, &out->why);
	}
	snprintf(out->id, sizeof out->id, "%s", found->id);
	(void)!git_oid_fromstr(&id, out->id);
	out->state = look(repo, &id);
	if (out->state != STORE_WHOLE) {
		out->is_store_to_blame = has_past;
		return err_set(&out->why, ERR_TRANSIENT, "commit %s did not come whole", out->id);
	}
	if (check_forced(j, repo, &id, out) < 0)
		return -1;
	if (move_ref(repo, j->names->ref, &id) < 0) {
		out->is_store_to_blame = has_past;
		return err_set(&out->why, ERR_TRANSIENT, "%s", git_said());
	}
	return 0;
}

/* The store has that commit, or has it not: the end of an errand that only asks. */
static int compare(const struct git_job *j, git_repository *repo, struct git_answer *out)
{
	git_oid id;
	out->state = STORE_UNUSABLE;
	if (!repo || git_oid_fromstr(&id, out->id) < 0)
		return 0;
	out->state = look(repo, &id);
	if (out->state != STORE_WHOLE)
		return 0;
	if (check_forced(j, repo, &id, out) < 0)
		return -1;
	/* A ref that cannot be moved (the lock of a killed writer, damage) will not move the next time either. */
	if ((j->may_write || j->fetch) && move_ref(repo, j->names->ref, &id) < 0)
		out->state = STORE_UNUSABLE;
	return 0;
}

/* A whole commit id says all by itself: with the commit there, the remote need not be asked. */
static bool needs_no_remote(const struct git_job *j, git_repository *repo, struct git_answer *out)
{
	struct err ignored;
	return repo && j->s->rev && strlen(j->s->rev) == GIT_ID_SIZE - 1 && git_is_hex(j->s->rev) &&
	       find_commit(repo, j->s->rev, out->id, &ignored) == 0 && compare(j, repo, out) == 0 && out->state == STORE_WHOLE;
}

static int do_job(const struct git_job *j, struct git_answer *out)
{
	CLEANUP(repository_done) git_repository *repo = NULL;
	CLEANUP(git_talk_done) struct git_talk talk = {.s = j->s, .names = j->names};
	struct git_found found;
	if (j->is_new && make_store(&repo, j, &out->why) < 0) {
		out->is_store_to_blame = j->borrow != NULL;
		return -1;
	}
	/* Asking needs no repository, and must work with a damaged one. */
	if (!repo && git_open_bare(&repo, j->store) < 0)
		repo = NULL;
	if (j->fetch && !repo) {
		out->is_store_to_blame = true;
		return err_set(&out->why, ERR_TRANSIENT, "%s", git_said());
	}
	if (needs_no_remote(j, repo, out))
		return 0;
	int rc = git_talk_begin(&talk, j->fetch ? repo : NULL, &out->why);
	if (rc < 0 || git_talk_find(&talk, &found, &out->why) < 0)
		return -1;
	if (j->fetch)
		return fetch(j, repo, &talk, &found, out);
	snprintf(out->id, sizeof out->id, "%s", found.id);
	if (!found.id[0] && repo && (rc = find_commit(repo, j->s->rev, out->id, &out->why)) != 0) {
		out->state = STORE_LACKS;
		return rc < 0 ? -1 : 0;
	}
	return compare(j, repo, out);
}

void git_work(void *context, void *answer)
{
	struct git_answer *out = answer;
	out->is_good = do_job(context, out) == 0;
}
