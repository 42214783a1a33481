/* What Git says, and what is to be said about it: once, where it is read. */
#include "follow.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define GIT_POLL_MS 5000 /* how often a run that waits asks Git for something newer */

int follow_load(struct follower *f, enum load_mode mode, struct want *want, struct err *e)
{
	CLEANUP(problems_done) struct problems problems = PROBLEMS_INIT;
	int result = desired_load(f->settings, mode, &want->arena, &want->loaded, &problems, e);
	const struct loaded *l = &want->loaded;
	f->errors = arena_strdup(f->resolver->arena, problems.text.text);
	const char *said[] = {problems.warnings.text, problems.text.text};
	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (*said[i] && log_is_due(said[i]))
			fputs(said[i], stderr);
	if (result < 0)
		return -1;
	resolve_images(f->resolver, f->notes, &want->loaded.desired, &want->arena);
	if (l->left_out)
		log_error("%zu of %zu manifests %s left out: what runs of %s project%s stays as it is", l->left_out, l->manifests,
		          l->left_out == 1 ? "is" : "are", l->left_out == 1 ? "its" : "their", l->left_out == 1 ? "" : "s");
	if (l->files.kind != ERR_NONE)
		log_error("%s; what runs of it stays as it is", l->files.message);
	if (*l->commit.forced)
		log_warning("force-pushed: commit %.8s, which is followed from here on, does not contain %.8s, where the branch was; "
		            "git.force_push: refuse would stay there", l->commit.id, l->commit.forced);
	if (l->git.kind != ERR_NONE) {
		char when[32];
		clock_format(l->commit.fetched_ms, when, sizeof when);
		log_warning("%s; commit %.8s, fetched %s, stays in force", l->git.message, l->commit.id, when);
	}
	return 0;
}

bool follow_newer(struct follower *f, struct want *want, struct want *old)
{
	struct want newer = {0};
	struct err e;
	char id[GIT_ID_SIZE] = "";
	if (clock_monotonic_ms() - f->asked_ms < GIT_POLL_MS)
		return false;
	bool is_newer = desired_moved(f->settings, want->loaded.commit.id, id) && strcmp(id, f->rejected) != 0;
	f->asked_ms = clock_monotonic_ms();
	if (!is_newer)
		return false;
	int result = follow_load(f, LOAD_SYNC, &newer, &e);
	/* Refused after all: it is the old commit again. */
	if (result < 0 || strcmp(newer.loaded.commit.id, want->loaded.commit.id) == 0) {
		if (result < 0)
			log_error("the newer commit is not used: %s", e.message);
		snprintf(f->rejected, sizeof f->rejected, "%s", id);
		arena_done(&newer.arena);
		return false;
	}
	log_info("commit %.8s \"%s\" takes over", newer.loaded.commit.id, newer.loaded.commit.subject);
	*old = *want;
	*want = newer;
	return true;
}
