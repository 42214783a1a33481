/*
 * decide: each service on its own, in the order of their dependencies; then the one thing they share, the structure of
 * the nginx configuration.
 */
#include "decide/decide.h"

#include <string.h>

#include "base/text.h"
#include "decide/pass.h"

struct action *pass_action(struct pass *p, enum action_kind kind, const char *project, const char *service)
{
	struct action *a = ARENA_PUSH(p->arena, p->out->actions, p->out->actions_count);
	*a = (struct action){.kind = kind, .project = project, .service = service};
	return a;
}

void pass_wait(struct pass *p, int64_t until_ms)
{
	if (until_ms <= p->world->now_ms)
		until_ms = p->world->now_ms + 1;
	if (!p->out->wait_until_ms || until_ms < p->out->wait_until_ms)
		p->out->wait_until_ms = until_ms;
}

const struct traffic *pass_traffic(const struct topology *t, const char *project, const char *service)
{
	for (size_t i = 0; i < t->services_count; i++)
		if (text_equal(t->services[i].project, project) && text_equal(t->services[i].service, service))
			return &t->services[i];
	return NULL;
}

static bool route_equal(const struct route *a, const struct route *b)
{
	return route_is_same_way(a, b) && text_equal(a->project, b->project) && text_equal(a->service, b->service) &&
	       a->port == b->port && a->next_port == b->next_port && a->weight == b->weight && intake_equal(&a->in, &b->in);
}

static bool traffic_equal(const struct traffic *a, const struct traffic *b)
{
	return text_equal(a->rollout, b->rollout) && side_equal(&a->stable, &b->stable) && side_equal(&a->next, &b->next);
}

static bool topology_equal(const struct topology *a, const struct topology *b)
{
	if (a->routes_count != b->routes_count || a->services_count != b->services_count)
		return false;
	for (size_t i = 0; i < a->routes_count; i++) {
		size_t k = 0;
		while (k < b->routes_count && !route_equal(&a->routes[i], &b->routes[k]))
			k++;
		if (k == b->routes_count)
			return false;
	}
	for (size_t i = 0; i < a->services_count; i++) {
		const struct traffic *other = pass_traffic(b, a->services[i].project, a->services[i].service);
		if (!other || !traffic_equal(&a->services[i], other))
			return false;
	}
	return true;
}

/* A host whose certificate has another content than the one in force; NULL: none. */
static const char *who_is_renewed(struct pass *p)
{
	const struct topology *now = &p->world->nginx.topology;
	for (size_t i = 0; i < p->wanted.routes_count; i++)
		for (size_t k = 0; k < now->routes_count; k++)
			if (route_is_same_way(&p->wanted.routes[i], &now->routes[k]) &&
			    intake_is_renewed(&now->routes[k].in, &p->wanted.routes[i].in))
				return p->wanted.routes[i].host;
	return NULL;
}

/* A service whose traffic shall change, or is new, or leaves. NULL: only routes differ. */
static const char *who_changes(struct pass *p)
{
	const struct topology *now = &p->world->nginx.topology;
	for (size_t i = 0; i < p->wanted.services_count; i++) {
		const struct traffic *t = &p->wanted.services[i], *was = pass_traffic(now, t->project, t->service);
		if (!was)
			return arena_printf(p->arena, "%s/%s goes live", t->project, t->service);
		if (traffic_equal(t, was))
			continue;
		if (*t->next.revision && !*was->next.revision)
			return arena_printf(p->arena, "announce the next revision of %s/%s", t->project, t->service);
		if (!*t->next.revision && *was->next.revision)
			return arena_printf(p->arena, "one revision of %s/%s", t->project, t->service);
		return arena_printf(p->arena, "instances of %s/%s", t->project, t->service);
	}
	for (size_t i = 0; i < now->services_count; i++)
		if (!pass_traffic(&p->wanted, now->services[i].project, now->services[i].service))
			return arena_printf(p->arena, "%s/%s leaves", now->services[i].project, now->services[i].service);
	const char *renewed = who_is_renewed(p);
	if (renewed)
		return arena_printf(p->arena, "the certificate of %s was renewed", renewed);
	if (p->world->nginx.is_current || !topology_equal(&p->wanted, now))
		return "routes changed";
	return p->world->nginx.drift ? p->world->nginx.drift : "the configuration in force is not ours";
}

/* What all that have traffic, or shall have some, run into. */
static void hold_up(struct pass *p, enum phase phase, enum err_kind cause, const char *reason)
{
	for (size_t i = 0; i < p->out->services_count; i++) {
		struct status *s = &p->out->services[i];
		const struct service *want = desired_service(p->desired, s->project, s->service);
		if (s->phase == PHASE_LEFT_ALONE)
			continue;
		if ((want && want->is_routed) || pass_traffic(&p->world->nginx.topology, s->project, s->service)) {
			s->phase = phase;
			s->cause = cause;
			s->reason = reason;
		}
	}
	/* When nothing else moves, whoever only waits for one of them waits for what this run cannot bring about. */
	for (size_t i = 0; !p->out->actions_count && !p->out->wait_until_ms && i < p->out->services_count; i++)
		if (p->out->services[i].phase == PHASE_PROGRESSING) {
			p->out->services[i].phase = PHASE_BLOCKED;
			p->out->services[i].cause = cause;
		}
}

/* At most one reload for each decision. Returns true when there is one. */
static bool publish(struct pass *p)
{
	const struct nginx *nginx = &p->world->nginx;
	bool is_nothing = p->wanted.routes_count == 0 && nginx->topology.routes_count == 0 && nginx->topology.services_count == 0;
	if (is_nothing && (nginx->is_current || !nginx->is_up))
		return false;
	if (nginx->is_current && topology_equal(&p->wanted, &nginx->topology))
		return false;
	if (!nginx->is_up) {
		hold_up(p, PHASE_BLOCKED, ERR_UNREACHABLE, arena_printf(p->arena, "nginx: %s", nginx->problem));
		return false;
	}
	for (size_t i = 0; i < p->world->failures_count; i++)
		if (!p->world->failures[i].service && !*p->world->failures[i].object) {
			hold_up(p, PHASE_FAILED, p->world->failures[i].kind, p->world->failures[i].message);
			return false;
		}
	struct topology *t = arena_alloc(p->arena, sizeof *t);
	*t = p->wanted;
	const char *reason = who_changes(p);
	struct action *a = pass_action(p, ACTION_PUBLISH, NULL, NULL);
	a->topology = t;
	a->reason = reason;
	return true;
}

struct status *pass_status(struct pass *p, const char *project, const char *service)
{
	for (size_t i = 0; i < p->out->services_count; i++)
		if (strcmp(p->out->services[i].project, project) == 0 && strcmp(p->out->services[i].service, service) == 0)
			return &p->out->services[i];
	return NULL;
}

static bool is_shifting(const struct pass *p, const struct traffic *t)
{
	for (size_t i = 0; i < p->out->actions_count; i++) {
		const struct action *a = &p->out->actions[i];
		if (a->kind == ACTION_WEIGHT && strcmp(a->project, t->project) == 0 && strcmp(a->service, t->service) == 0)
			return true;
	}
	return false;
}

static const struct failure *failed_shift(const struct pass *p, const struct traffic *t)
{
	for (size_t i = 0; i < p->world->failures_count; i++) {
		const struct failure *f = &p->world->failures[i];
		if (f->service && strcmp(f->project, t->project) == 0 && strcmp(f->service, t->service) == 0 &&
		    strcmp(f->object, t->rollout) == 0)
			return f;
	}
	return NULL;
}

/* Flags that somebody changed: the weight that their link names is made whole again, unless it is just being changed. */
static void mend_flags(struct pass *p)
{
	const struct nginx *nginx = &p->world->nginx;
	for (size_t i = 0; nginx->is_up && nginx->is_current && i < nginx->topology.services_count; i++) {
		const struct traffic *t = &nginx->topology.services[i];
		const struct failure *failed = failed_shift(p, t);
		struct status *status = pass_status(p, t->project, t->service);
		if (!t->is_damaged || is_shifting(p, t) || pass_leaves_alone(p, t->project, t->service))
			continue;
		if (failed && status) { /* the next run tries again */
			status->phase = PHASE_FAILED;
			status->cause = failed->kind;
			status->reason = failed->message;
		}
		if (failed)
			continue;
		struct action *a = pass_action(p, ACTION_WEIGHT, t->project, t->service);
		a->revision = t->next.revision;
		a->rollout = t->rollout;
		a->weight = t->weight;
		a->to_testers = t->to_testers;
		a->reason = "its flags were changed by hand";
	}
}

void pass_commit(struct pass *p, const struct service *s, const char *why)
{
	struct action *a = pass_action(p, ACTION_COMMIT, s->project, s->name);
	a->spec = s;
	a->revision = s->revision;
	const struct image *image = world_image(p->world, s->image);
	a->image_id = image ? image->id : "";
	a->reason = world_was_good(p->world, s) ? "was good before: only its readiness counted" : why;
}

bool pass_is_atomic(const struct pass *p, const char *project)
{
	for (size_t i = 0; i < p->desired->projects_count; i++)
		if (strcmp(p->desired->projects[i].name, project) == 0)
			return p->desired->projects[i].is_atomic;
	return false;
}

bool pass_is_acceptable(const struct pass *p, const struct status *s)
{
	for (size_t i = 0; i < p->acceptable_count; i++)
		if (strcmp(p->acceptable[i]->project, s->project) == 0 && strcmp(p->acceptable[i]->name, s->service) == 0)
			return true;
	return s->phase == PHASE_SETTLED || s->phase == PHASE_KEEPING || s->phase == PHASE_LEFT_ALONE;
}

/* An atomic project: all of its services are noted as good, or none yet. */
static void commit_together(struct pass *p)
{
	struct status *services = p->out->services;
	for (size_t i = 0; i < p->acceptable_count; i++) {
		const struct service *s = p->acceptable[i];
		struct status *own = NULL;
		const struct status *other = NULL;
		for (size_t k = 0; k < p->out->services_count; k++) {
			if (strcmp(services[k].project, s->project) != 0)
				continue;
			if (strcmp(services[k].service, s->name) == 0)
				own = &services[k];
			else if (!pass_is_acceptable(p, &services[k]) && (!other || other->phase == PHASE_PROGRESSING))
				other = &services[k];
		}
		if (!other) {
			pass_commit(p, s, NULL);
			continue;
		}
		own->phase = other->phase == PHASE_PROGRESSING || other->phase == PHASE_WAITING ? other->phase : PHASE_BLOCKED;
		own->cause = other->cause;
		own->reason = arena_printf(p->arena, "is good, and waits for %s of the same atomic project", other->service);
	}
}

/* Is the project in Git? One without any service is not: an empty desired state removes nothing. */
static bool has_project(const struct pass *p, const char *project)
{
	for (size_t i = 0; i < p->desired->projects_count; i++)
		if (p->desired->projects[i].services_count && strcmp(p->desired->projects[i].name, project) == 0)
			return true;
	return false;
}

bool pass_leaves_alone(const struct pass *p, const char *project, const char *service)
{
	const struct service *s = desired_service(p->desired, project, service);
	if (s)
		return s->is_left_alone;
	if (desired_leaves_alone(p->desired, project, service))
		return true;
	for (size_t i = 0; i < p->desired->projects_count; i++)
		if (p->desired->projects[i].keeps_gone && text_equal(p->desired->projects[i].name, project))
			return true;
	return !has_project(p, project);
}

/* What left a project that is still in Git. A project that is gone as a whole is left alone: an empty or missing
 * desired state removes nothing. */
static void retire(struct pass *p)
{
	for (size_t i = 0; i < p->world->instances_count; i++) {
		const struct instance *in = &p->world->instances[i];
		if (desired_service(p->desired, in->project, in->service) || pass_leaves_alone(p, in->project, in->service) ||
		    pass_status(p, in->project, in->service))
			continue;
		struct status *s = ARENA_PUSH(p->arena, p->out->services, p->out->services_count);
		rollout_retire(p, in->project, in->service, s);
	}
	/* Traffic of what is left alone stays as it is; that of services in Git is wanted by now. */
	for (size_t i = 0; i < p->world->nginx.topology.services_count; i++) {
		const struct traffic *t = &p->world->nginx.topology.services[i];
		if (!desired_service(p->desired, t->project, t->service) && pass_leaves_alone(p, t->project, t->service))
			*ARENA_PUSH(p->arena, p->wanted.services, p->wanted.services_count) = *t;
	}
}

void decide(const struct desired *d, const struct world *w, struct arena *a, struct decision *out)
{
	struct pass p = {.desired = d, .world = w, .arena = a, .out = out};
	*out = (struct decision){0};
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++) {
			struct status s = {0};
			rollout_decide(&p, &d->projects[i].services[k], &s);
			*ARENA_PUSH(a, out->services, out->services_count) = s;
		}
	retire(&p);
	ways_decide(&p);
	images_drop(&p);
	mend_flags(&p);
	/* A publish announces anyway, and takes it away when nobody needs it any more. */
	if (!publish(&p) && w->nginx.is_announcing)
		pass_action(&p, ACTION_UNANNOUNCE, NULL, NULL)->reason = "left behind by a run that was killed";
	commit_together(&p); /* when it is known whom nginx holds up */
	swap_decide(&p);     /* when it is known whether all else is at rest */
}
