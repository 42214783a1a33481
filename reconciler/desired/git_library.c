/* libgit2, set up once. */
#include "desired/git_library.h"

#include <stdbool.h>

#include <git2.h>

const char *git_said(void)
{
	const git_error *last = git_error_last();
	return last && last->message ? last->message : "libgit2 gave no reason";
}

int git_library(struct err *e)
{
	static bool is_ready;
	if (is_ready)
		return 0;
	if (git_libgit2_init() < 0)
		return err_set(e, ERR_INTERNAL, "git: %s", git_said());
	/* Root reads the repository of a user by file://, and the mirror may have been restored under another uid. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	/* What is deployed must not hang on the Git configuration of whoever runs this. */
	for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
	is_ready = true;
	return 0;
}

int git_open_bare(git_repository **repo, const char *path)
{
	return git_repository_open_ext(repo, path, GIT_REPOSITORY_OPEN_BARE | GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
}
