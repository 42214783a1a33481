/*
 * What failed before in this run, and whether the same is tried again. The one thing to know: a transient cause is waited
 * for ever longer and then left to the next run, a verdict of the engine is final, and what a person must mend is not
 * tried twice.
 */
#include <string.h>

#include "decide/rollout.h"

/* The first wait after a transient failure; doubled each time. */
#define BACKOFF_MS 1000
#define ATTEMPTS_MAX 4
/* Whoever wants to be left alone for longer is asked by the next run. */
#define RETRY_AFTER_MAX_MS 60000

static const struct failure *find_failure(const struct rollout *r, const char *revision, const char *object, bool is_of_place)
{
	const struct world *w = r->pass->world;
	for (size_t i = 0; i < w->failures_count; i++) {
		const struct failure *f = &w->failures[i];
		if (f->service && strcmp(f->project, r->project) == 0 && strcmp(f->service, r->service) == 0 &&
		    strcmp(f->revision, revision) == 0 && strcmp(f->object, object) == 0 && f->is_of_place == is_of_place)
			return f;
	}
	return NULL;
}

const struct failure *rollout_failure(const struct rollout *r, const char *revision, const char *object)
{
	return find_failure(r, revision, object, false);
}

const struct failure *rollout_place_failure(const struct rollout *r, const struct instance *i)
{
	return find_failure(r, i->revision, i->id, true);
}

bool rollout_has_given_up(const struct failure *f)
{
	return f->attempts >= ATTEMPTS_MAX || f->retry_after_ms > RETRY_AFTER_MAX_MS;
}

enum ups rollout_after(struct rollout *r, const struct failure *f, const char **why)
{
	if (!f)
		return UPS_READY;
	if (!err_info(f->kind)->may_retry && f->kind != ERR_SETUP) {
		*why = f->message;
		return UPS_FAILED;
	}
	if (f->kind == ERR_SETUP || rollout_has_given_up(f)) {
		rollout_status(r, PHASE_BLOCKED, f->kind, f->message);
		return UPS_STUCK;
	}
	int64_t backoff_ms = (int64_t)BACKOFF_MS << (f->attempts - 1);
	int64_t again = f->at_ms + (f->retry_after_ms > backoff_ms ? f->retry_after_ms : backoff_ms);
	if (r->pass->world->now_ms >= again)
		return UPS_READY;
	rollout_wait(r, f->message, again);
	return UPS_BUSY;
}

static bool may_go_on(struct rollout *r, const struct failure *f)
{
	const char *why;
	enum ups earlier = rollout_after(r, f, &why);
	if (earlier == UPS_FAILED)
		rollout_status(r, PHASE_FAILED, ERR_INTERNAL, why);
	return earlier == UPS_READY;
}

bool rollout_may_try(struct rollout *r, const char *revision, const char *object)
{
	return may_go_on(r, rollout_failure(r, revision, object));
}

bool rollout_may_place(struct rollout *r, const struct instance *i)
{
	return may_go_on(r, rollout_place_failure(r, i));
}
