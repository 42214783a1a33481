/*
 * The promises, as far as decide can keep them: each looks at one action and at what the tool had seen, or at a
 * decision, or at the host when all is over. Those that the unit tests check as well are in model_host.h.
 */
#include "simulation.h"

#define INSTANCES_MAX 30 /* of one service, of all its revisions: no schedule asks for so many */
#define PATIENCE_MS (10 * 60000) /* of what cannot be told, after its hold */
#define ATTEMPTS_MAX 9   /* in one run, of a revision: its image, its instances, their start */

static const char *quiet;

static const struct instance *seen(const struct world *w, const struct instance *named)
{
	for (size_t i = 0; i < w->instances_count; i++)
		if (strcmp(w->instances[i].id, named->id) == 0)
			return &w->instances[i];
	return NULL;
}

static const struct instance *at_address(const struct world *w, const char *address)
{
	for (size_t i = 0; i < w->instances_count; i++)
		if (strcmp(w->instances[i].address, address) == 0)
			return &w->instances[i];
	return NULL;
}

static bool is_quarantined(const struct world *w, const char *service, const char *revision)
{
	for (size_t i = 0; i < w->quarantines_count; i++)
		if (strcmp(w->quarantines[i].service, service) == 0 && strcmp(w->quarantines[i].revision, revision) == 0)
			return true;
	return false;
}

/* ---- Nothing foreign, nothing that Git did not ask for ---- */

/* Flags that somebody changed are made whole: what runs goes on as it was. */
static bool is_mending(struct simulation *s, const struct action *a)
{
	const struct traffic *t = a->kind == ACTION_WEIGHT ? traffic_of(&s->host, a->service) : NULL;
	return t && t->is_damaged && t->weight == a->weight && t->to_testers == a->to_testers;
}

static const char *keeps_off(struct simulation *s, const struct action *a)
{
	const struct world *w = s->host.world;
	if ((a->project && strcmp(a->project, "blog") == 0) || (a->instance && !is_ours(a->instance)))
		return "nothing foreign is touched";
	const struct project *project = a->project ? wanted_project(s->desired, a->project) : NULL;
	if (a->project && (!project || project->services_count == 0))
		return "an empty or missing desired state removes nothing";
	if (a->kind == ACTION_SWAP_OFF && !a->swap->is_step && s->desired->is_partial)
		return "an empty or missing desired state removes nothing";
	if (a->project && w->are_notes_lost && !is_mending(s, a))
		return "nothing is done while the notes are lost";
	if (a->instance && !seen(w, a->instance))
		return "no action on what is not there";
	return NULL;
}

/* ---- Traffic ---- */

/* How many instances' worth of requests can be answered, in thousandths: what the busiest side can take of its share. */
static int64_t capacity(struct host *h, const struct traffic *t, int weight)
{
	int64_t all = (int64_t)PERMILLE * PERMILLE;
	int64_t next = weight > 0 ? count_serving(h, &t->next) * all / weight : INT64_MAX;
	int64_t stable = weight < PERMILLE ? count_serving(h, &t->stable) * all / (PERMILLE - weight) : INT64_MAX;
	return next < stable ? next : stable;
}

/* Those that serve and get requests. */
static int count_used(struct host *h, const struct traffic *t, int weight)
{
	return (weight > 0 ? count_serving(h, &t->next) : 0) + (weight < PERMILLE ? count_serving(h, &t->stable) : 0);
}

static int lower(int a, int b)
{
	return a < b ? a : b;
}

static bool is_usable(const struct instance *i, const char *service)
{
	return strcmp(i->service, service) == 0 && *i->address && i->state != INSTANCE_DEAD;
}

/* What the engine has lost its hold of serves for as long as nginx lists it, and is not listed again. */
static bool is_lost(struct simulation *s, const struct instance *i)
{
	return s->stuck_id && strcmp(i->id, s->stuck_id) == 0 && i->started_ms == s->stuck_since_ms && !is_listed(&s->host, i->address);
}

/* So many must serve, whatever goes on; 0 for what is replaced in place, or has no route. */
static int least_of(struct simulation *s, const char *service)
{
	const struct service *want = wanted_in(s->desired, service);
	const struct good *good = good_of(&s->host, service);
	if (!want || !want->is_routed || want->strategy == STRATEGY_IN_PLACE)
		return 0;
	if (!good || !good->spec) {
		/* There is no more to go back to than what there is. */
		const struct traffic *t = traffic_of(&s->host, service);
		int old = 0;
		for (size_t i = 0; t && i < s->host.world->instances_count; i++) {
			const struct instance *in = &s->host.world->instances[i];
			old += strcmp(in->revision, t->stable.revision) == 0 && is_usable(in, service) && !is_lost(s, in);
		}
		return lower(old, want->replicas);
	}
	if (good->spec->strategy == STRATEGY_IN_PLACE)
		return 0;
	return good->spec->replicas < want->replicas ? good->spec->replicas : want->replicas;
}

static int count_of(struct host *h, const char *service, const char *revision)
{
	int n = 0;
	for (size_t i = 0; i < h->world->instances_count; i++)
		n += strcmp(h->world->instances[i].service, service) == 0 && strcmp(h->world->instances[i].revision, revision) == 0;
	return n;
}

static int count_serving_of(struct host *h, const char *service, const char *revision)
{
	int n = 0;
	for (size_t i = 0; i < h->world->instances_count; i++) {
		const struct instance *in = &h->world->instances[i];
		n += is_serving(in) && strcmp(in->service, service) == 0 && strcmp(in->revision, revision) == 0;
	}
	return n;
}

/*
 * What gets the requests can take them: all replicas do, or all that there are. Shares are rounded. The way back comes
 * before the reload that lists what has become ready for it.
 */
static const char *shifts_to_enough(struct simulation *s, const struct action *a)
{
	struct host *h = &s->host;
	const struct traffic *t = traffic_of(h, a->service);
	if (!t || !h->world->nginx.is_current)
		return NULL;
	int least = lower(least_of(s, a->service), count_serving(h, &t->stable) + count_serving(h, &t->next));
	/* Somebody took the flags away after it was found good. */
	const struct good *good = good_of(h, a->service);
	if (good && strcmp(good->revision, t->next.revision) == 0)
		return NULL;
	if (a->weight < t->weight && count_serving_of(h, a->service, t->stable.revision) >= least)
		return NULL;
	int64_t before = capacity(h, t, t->weight), enough = (int64_t)least * PERMILLE * 49 / 50;
	return capacity(h, t, a->weight) < (before < enough ? before : enough) ? "never more requests than can be served" : NULL;
}

/*
 * Never fewer than all replicas, or than served before. By one and the same reload rolling announces a batch and parks
 * as many old ones, so until the shift that follows it is short of them.
 */
static const char *keeps_serving(struct simulation *s, const struct action *a)
{
	struct host *h = &s->host;
	const struct topology *now = &h->world->nginx.topology;
	for (size_t i = 0; h->world->nginx.is_current && i < now->services_count; i++) {
		const struct traffic *was = &now->services[i], *t = traffic_in(a->topology, was->service);
		int least = lower(least_of(s, was->service), count_used(h, was, was->weight));
		if (!least)
			continue;
		bool is_same = t && strcmp(t->rollout, was->rollout) == 0;
		if (t && *t->next.revision && !(is_same && was->weight))
			least -= wanted_in(s->desired, was->service)->batch;
		if (!t || count_used(h, t, is_same ? was->weight : 0) < least)
			return "never fewer serve than the strategy allows";
	}
	return NULL;
}

static const char *keeps_the_structure(struct simulation *s, const struct action *a)
{
	const struct world *w = s->host.world;
	const struct traffic *blog = traffic_in(a->topology, "weblog"), *was = traffic_in(&w->nginx.topology, "weblog");
	if (!w->nginx.is_up)
		return "nothing is published while nginx is down";
	if (was && (!blog || strcmp(blog->rollout, was->rollout) != 0 || blog->stable.addresses_count != was->stable.addresses_count))
		return "nothing foreign is touched";
	for (size_t i = 0; i < a->topology->services_count; i++) {
		const struct traffic *t = &a->topology->services[i];
		bool is_listed_now = false;
		for (size_t k = 0; k < w->nginx.topology.services_count; k++)
			is_listed_now |= strcmp(w->nginx.topology.services[k].next.revision, t->next.revision) == 0;
		if (*t->next.revision && !is_listed_now && is_quarantined(w, t->service, t->next.revision))
			return "what is quarantined is not announced";
	}
	return NULL;
}

/* No request reaches what nobody has tried, and what has not passed its smoke test. What comes back has nothing to prove. */
static const char *leads_to_what_has_passed(struct simulation *s, const struct action *a)
{
	const struct world *w = s->host.world;
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		const struct service *want = is_ours(in) ? wanted_in(s->desired, in->service) : NULL;
		const struct traffic *now = traffic_of(&s->host, in->service), *t = traffic_in(a->topology, in->service);
		const struct good *good = good_of(&s->host, in->service);
		bool is_new = t && (side_has(&t->stable, in->address) || side_has(&t->next, in->address)) && !is_listed(&s->host, in->address);
		if (!want || !want->smoke.http_port || !is_new || in->has_passed_smoke)
			continue;
		bool is_back = (now && strcmp(now->stable.revision, in->revision) == 0) || (good && strcmp(good->revision, in->revision) == 0);
		if (!is_back && !(strcmp(want->revision, in->revision) == 0 && was_good(s, want)))
			return "no request reaches a revision whose smoke test did not pass";
	}
	return NULL;
}

/* ---- Instances ---- */

static bool side_names(const struct topology *t, const char *address)
{
	for (size_t i = 0; i < t->services_count; i++)
		if (side_has(&t->services[i].stable, address) || side_has(&t->services[i].next, address))
			return true;
	return false;
}

/* Nobody may send it anything any more, or the time is over. */
static const char *stops_what_is_drained(struct simulation *s, const struct action *a)
{
	const struct world *w = s->host.world;
	const struct instance *i = seen(w, a->instance);
	if (i->state != INSTANCE_RUNNING || !*i->address || w != s->real)
		return NULL;
	if (side_names(&s->in_force, i->address))
		return "never a stop of what nginx sends requests to";
	bool is_busy = w->now_ms < s->lingers_until_ms && i->created_ms <= w->nginx.installed_ms;
	bool was_listed = i->connections > 0 || w->nginx.draining_workers > 0;
	if (is_busy && was_listed && w->now_ms < w->nginx.installed_ms + DRAIN_TIMEOUT_DEFAULT_MS)
		return "never a stop before its drain";
	return NULL;
}

static bool is_met(const struct simulation *s, const struct dependency *d)
{
	const struct world *w = s->host.world;
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		if (!is_ours(in) || strcmp(in->service, d->service) != 0)
			continue;
		if (d->condition == CONDITION_STARTED ? in->state == INSTANCE_RUNNING :
		    d->condition == CONDITION_HEALTHY ? in->state == INSTANCE_RUNNING && in->health == HEALTH_HEALTHY :
		    in->state == INSTANCE_EXITED && in->exit_code == 0 && in->started_ms)
			return true;
	}
	return false;
}

static const char *starts_in_order(struct simulation *s, const struct action *a)
{
	const struct instance *i = seen(s->host.world, a->instance);
	if (i->state == INSTANCE_RUNNING)
		return "no start of what runs";
	if (a->spec && i->state != INSTANCE_PAUSED)
		for (size_t k = 0; k < a->spec->dependencies_count; k++)
			if (!is_met(s, &a->spec->dependencies[k]))
				return "never a start before what it depends on";
	return NULL;
}

/* nginx knows nothing of a service that serves: that comes before anything new. */
static bool is_unpublished(struct simulation *s, const struct action *a)
{
	const struct world *w = s->host.world;
	const struct good *good = good_of(&s->host, a->service);
	if (!w->nginx.is_up || !a->address || !good || strcmp(good->revision, a->revision) == 0 || traffic_of(&s->host, a->service))
		return false;
	bool serves = false;
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		if (strcmp(in->service, a->service) != 0)
			continue;
		if (!*in->address)
			return false; /* it had no route until now */
		serves |= is_usable(in, a->service) && is_serving(in) && strcmp(in->revision, good->revision) == 0;
	}
	return serves;
}

/* Is anything known of what an instance of the service takes? */
static bool is_measured(const struct world *w, const char *service)
{
	for (size_t i = 0; i < w->instances_count; i++)
		if (w->instances[i].memory_bytes && w->instances[i].state == INSTANCE_RUNNING && strcmp(w->instances[i].service, service) == 0)
			return true;
	return false;
}

static bool removes(const struct action *a, const struct instance *i)
{
	return a->kind == ACTION_REMOVE && strcmp(a->instance->id, i->id) == 0;
}

/* By what is under way, or by what the engine has yet to do although it gave no answer. */
static bool is_being_removed(const struct simulation *s, const struct instance *i)
{
	bool is_removed = false;
	for (size_t k = 0; k < s->flights_count; k++)
		is_removed |= removes(&s->flights[k].action, i);
	for (size_t k = 0; k < s->lates_count; k++)
		is_removed |= removes(&s->lates[k].action, i);
	return is_removed;
}

/* For it, and for all that are made and have not been started: nobody starts what is being removed. */
static bool has_room(struct simulation *s, const struct action *a)
{
	const struct world *w = s->host.world;
	int64_t need = memory_of(s, a->service, a->revision);
	if (w != s->real || !s->memory_bytes || !is_measured(w, a->service))
		return true; /* what nobody could know */
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		if (in->state == INSTANCE_CREATED && is_ours(in) && !is_being_removed(s, in) && wanted_in(s->desired, in->service) &&
		    is_measured(w, in->service))
			need += memory_of(s, in->service, in->revision);
	}
	return need <= w->host.memory_available_bytes + free_swap(w);
}

static const char *creates_with_all_it_needs(struct simulation *s, const struct action *a)
{
	const struct world *w = s->host.world;
	size_t ours = 0;
	for (size_t i = 0; i < w->instances_count; i++)
		ours += is_ours(&w->instances[i]) && strcmp(w->instances[i].service, a->service) == 0;
	if (ours >= INSTANCES_MAX)
		return "instances do not pile up";
	if (is_unpublished(s, a))
		return "what serves is published before anything new";
	if (!has_room(s, a))
		return "never more memory than the host has";
	bool has_network = !a->network, has_image = false;
	for (size_t i = 0; i < w->networks_count; i++)
		has_network |= a->network && strcmp(w->networks[i].name, a->network) == 0;
	for (size_t i = 0; i < w->images_count; i++)
		has_image |= strcmp(w->images[i].name, a->spec->image) == 0;
	if (!has_network || !has_image)
		return "never created without its image and its network";
	if (a->spec->is_routed != (a->address != NULL))
		return "what has a route has an address";
	if (a->spec->is_routed && service_ports(a->spec)->count && (!a->ports || !value_equal(a->ports, service_ports(a->spec))))
		return "an instance has the ports of its revision";
	return NULL;
}

static bool has_order(const struct world *w, enum order_kind kind, const char *service, const char *revision)
{
	for (size_t i = 0; i < w->orders_count; i++)
		if (w->orders[i].kind == kind && strcmp(w->orders[i].service, service) == 0 &&
		    strcmp(w->orders[i].revision, revision) == 0 && (!w->orders[i].until_ms || w->now_ms < w->orders[i].until_ms))
			return true;
	return false;
}

/* Has that hold been over for so long that it does not matter any more what cannot be told? */
static bool is_out_of_patience(struct simulation *s, const struct service *want, int64_t hold_ms, enum inconclusive then)
{
	const struct traffic *t = traffic_of(&s->host, want->name);
	return want->analysis.on_inconclusive == then && t && s->host.world->now_ms >= t->weight_since_ms + hold_ms + PATIENCE_MS;
}

/* As many requests as the manifest asks for, of that revision under that weight; or an operator's word. */
static bool has_seen_enough(struct simulation *s, const struct service *want, int weight, int64_t hold_ms)
{
	const struct evidence *e = seen_of(s->host.world, want->name);
	return !want->analysis.is_on || has_order(s->host.world, ORDER_PROMOTE, want->name, want->revision) ||
	       is_out_of_patience(s, want, hold_ms, INCONCLUSIVE_PROMOTE) ||
	       (e && e->weight == weight ? e->next.attempts : 0) >= want->analysis.min_requests;
}

/* By the analysis goes back only what does worse than the other side. Fewer than three errors of either say nothing:
 * stable's third may be long in coming where next has most of the requests. */
static const char *blames_only_next(struct simulation *s, const struct action *a)
{
	const struct evidence *e = seen_of(s->host.world, a->service);
	if (strstr(a->reason, " test, bound ") && (!e || (e->weight < PERMILLE && (e->stable.errors >= 3) == (e->next.errors >= 3))))
		return "what fails on both sides is held against neither";
	const struct service *want = wanted_in(s->desired, a->service);
	if (strstr(a->reason, " test, bound ") && want && strcmp(want->revision, a->revision) == 0 && was_good(s, want))
		return "what was good before is not analysed";
	return NULL;
}

/* It goes back by an operator's word, about it or about another one of its atomic project. */
static bool is_called_off(struct simulation *s, const struct service *want)
{
	const struct project *p = wanted_project(s->desired, want->project);
	bool is_any = has_order(s->host.world, ORDER_ABORT, want->name, want->revision);
	for (size_t i = 0; p->is_atomic && i < p->services_count; i++)
		is_any |= has_order(s->host.world, ORDER_ABORT, p->services[i].name, p->services[i].revision);
	return is_any;
}

/* Half of its requests fail, and none of the old one's. */
static const char *sends_back_what_is_bad(struct simulation *s)
{
	const struct world *w = s->host.world;
	const struct decision *d = &s->host.last;
	for (size_t i = 0; i < w->evidence_count; i++) {
		const struct evidence *e = &w->evidence[i];
		const struct service *want = wanted_in(s->desired, e->service);
		const struct traffic *t = traffic_of(&s->host, e->service);
		const struct good *good = good_of(&s->host, e->service);
		bool is_bad = e->next.errors >= 20 && e->stable.errors == 0 && e->weight <= 500;
		bool is_on_trial = want && want->analysis.is_on && want->is_routed && strcmp(want->revision, e->revision) == 0 && good &&
		                   good->spec && strcmp(good->revision, e->revision) != 0 && strcmp(t->stable.revision, e->revision) != 0;
		if (!is_bad || !is_on_trial || was_good(s, want) || w->are_notes_lost || is_quarantined(w, e->service, e->revision) ||
		    is_called_off(s, want) || !count_of(&s->host, e->service, e->revision))
			continue;
		bool is_sent_back = false;
		for (size_t k = 0; k < d->actions_count; k++)
			is_sent_back |= d->actions[k].kind == ACTION_QUARANTINE && strcmp(d->actions[k].service, e->service) == 0;
		if (!is_sent_back)
			return "what is seen to be bad goes back at once";
	}
	return NULL;
}

/* So many of the new revision must be up in the dark for its hold, before anybody comes to it. */
static int count_in_the_dark(const struct service *want)
{
	int weight = want->steps_count > 1 ? want->steps[1].weight : PERMILLE, shared = (want->replicas * weight + PERMILLE - 1) / PERMILLE;
	return want->steps[0].instances ? lower(want->steps[0].instances, want->replicas) : shared;
}

/* Is it on trial, and by that strategy? */
static bool is_tried(struct simulation *s, const struct service *want, const char *revision, enum strategy strategy)
{
	const struct good *good = good_of(&s->host, want->name);
	return want->strategy == strategy && good && strcmp(good->revision, revision) != 0 && strcmp(want->revision, revision) == 0 &&
	       !was_good(s, want);
}

/* By an operator's word, or when enough of it have been up for the hold. */
static const char *comes_out_of_the_dark(struct simulation *s, const char *service, const char *revision)
{
	const struct world *w = s->host.world;
	const struct service *want = wanted_in(s->desired, service);
	int held = 0;
	if (!want || !want->steps_count || want->steps[0].weight || has_order(w, ORDER_PROMOTE, service, revision) ||
	    !(is_tried(s, want, revision, STRATEGY_CANARY) || is_tried(s, want, revision, STRATEGY_BLUE_GREEN)))
		return NULL;
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		held += is_ours(in) && is_serving(in) && strcmp(in->service, service) == 0 && strcmp(in->revision, revision) == 0 &&
		        w->now_ms >= in->started_ms + want->steps[0].hold_ms;
	}
	bool is_held = want->steps[0].hold_ms == HOLD_MANUAL || held < count_in_the_dark(want);
	return is_held ? "nobody comes to what is in the dark before its hold is over" : NULL;
}

/* nginx has not led to it so far. */
static const char *announces_after_the_dark(struct simulation *s, const struct action *a)
{
	const char *broken = NULL;
	for (size_t i = 0; i < a->topology->services_count && !broken; i++) {
		const struct traffic *t = &a->topology->services[i], *was = traffic_of(&s->host, t->service);
		const struct service *want = wanted_in(s->desired, t->service);
		bool is_shown = want && want->has_testers; /* testers come to it before */
		if (*t->next.revision && !is_shown && !(was && strcmp(was->next.revision, t->next.revision) == 0))
			broken = comes_out_of_the_dark(s, t->service, t->next.revision);
	}
	return broken;
}

/* On the way back a share only falls. */
static const char *gives_only_to_what_is_wanted(struct simulation *s, const struct action *a)
{
	const struct service *want = wanted_in(s->desired, a->service);
	const struct traffic *t = traffic_of(&s->host, a->service);
	const struct good *good = good_of(&s->host, a->service);
	if (!t || a->weight <= t->weight || (good && strcmp(good->revision, t->next.revision) == 0))
		return NULL;
	bool is_wanted = want && strcmp(want->revision, t->next.revision) == 0 && !is_quarantined(s->host.world, a->service, want->revision) &&
	                 !has_order(s->host.world, ORDER_ABORT, a->service, want->revision);
	return is_wanted ? NULL : "what failed, or is not asked for any more, gets no more requests";
}

/* Nor has anybody come to it but testers. */
static const char *shifts_after_the_dark(struct simulation *s, const struct action *a)
{
	const struct traffic *t = traffic_of(&s->host, a->service);
	return t && !t->weight && a->weight ? comes_out_of_the_dark(s, a->service, a->revision) : NULL;
}

/* Whoever asks comes to what is on trial in the dark, and to nothing that somebody stopped. */
static const char *shows_what_is_in_the_dark(struct simulation *s, const struct action *a)
{
	const struct service *want = wanted_in(s->desired, a->service);
	if (!a->to_testers || is_mending(s, a))
		return NULL;
	if (a->weight || !want || !want->has_testers || !want->steps_count || want->steps[0].weight)
		return "testers alone come to what is in the dark";
	if (strcmp(want->revision, a->revision) != 0 || is_quarantined(s->host.world, a->service, a->revision) ||
	    has_order(s->host.world, ORDER_ABORT, a->service, a->revision) || has_order(s->host.world, ORDER_PAUSE, a->service, ""))
		return "what failed, or was stopped by somebody, is shown to nobody";
	return NULL;
}

/* And they are led back at once when it fails: by their flag, which no reload is waited for. */
static const char *leads_testers_back(struct simulation *s, const struct action *a)
{
	struct host *h = &s->host;
	for (size_t i = 0; h->world->nginx.is_current && i < h->world->nginx.topology.services_count; i++) {
		const struct traffic *was = &h->world->nginx.topology.services[i], *t = traffic_in(a->topology, was->service);
		int stable = (int)was->stable.addresses_count;
		if (was->to_testers && t && strcmp(t->rollout, was->rollout) != 0 && !*t->next.revision && stable &&
		    count_serving(h, &was->stable) == stable)
			return "testers are led back before the reload";
	}
	return NULL;
}

/* After that batch an operator lets it go on, and nobody else. */
static const char *pauses_after_its_batch(struct simulation *s, const struct action *a)
{
	const struct service *want = wanted_in(s->desired, a->service);
	const struct traffic *t = traffic_of(&s->host, a->service);
	int next = want ? want->pause_after * want->batch : 0;
	if (!next || next >= want->replicas || !t || a->weight <= t->weight || !is_tried(s, want, a->revision, STRATEGY_ROLLING))
		return NULL;
	/* From another number of old ones it has other shares. */
	bool is_there = t->weight == (PERMILLE * next + want->replicas / 2) / want->replicas &&
	                count_of(&s->host, a->service, t->stable.revision) == want->replicas;
	return is_there && !has_order(s->host.world, ORDER_PROMOTE, a->service, a->revision) ? "rolling pauses after its batch" : NULL;
}

/* A canary goes up by its own steps, and past a manual hold only when it is promoted; but at once to what was good. */
static const char *shifts_as_planned(struct simulation *s, const struct action *a)
{
	struct host *h = &s->host;
	const struct service *want = wanted_in(s->desired, a->service);
	const struct traffic *t = traffic_of(h, a->service);
	const struct good *good = good_of(h, a->service);
	if (!want || !t || want->strategy != STRATEGY_CANARY || a->weight <= t->weight || strcmp(want->revision, a->revision) != 0)
		return NULL;
	if (good && strcmp(good->revision, a->revision) == 0)
		return NULL;
	if (has_order(h->world, ORDER_ABORT, a->service, a->revision))
		return "what is aborted gets no more requests";
	if (has_order(h->world, ORDER_PAUSE, a->service, ""))
		return "what is paused does not go on";
	if (was_good(s, want))
		return a->weight == PERMILLE ? NULL : "what was good before goes in no steps";
	for (size_t i = 0; i < want->steps_count; i++) {
		const struct canary_step *step = &want->steps[i];
		if (!step->weight)
			continue;
		if (t->weight < step->weight && a->weight > step->weight)
			return "a canary goes up step by step";
		if (good && t->weight == step->weight && !has_seen_enough(s, want, t->weight, step->hold_ms))
			return "a canary stays at each step until enough was seen";
		if (t->weight == step->weight && !has_order(h->world, ORDER_PROMOTE, a->service, a->revision) &&
		    (step->hold_ms == HOLD_MANUAL || h->world->now_ms < t->weight_since_ms + step->hold_ms))
			return "a canary stays at each step for its hold";
	}
	return NULL;
}

/* Good is what has passed its gates, has all the traffic, and was watched for long enough, now or some time ago. */
static const char *commits_what_is_good(struct simulation *s, const struct action *a)
{
	struct host *h = &s->host;
	const struct traffic *t = traffic_of(h, a->service);
	const struct good *good = good_of(h, a->service);
	int serving = 0, watched = 0;
	for (size_t i = 0; i < h->world->instances_count; i++) {
		const struct instance *in = &h->world->instances[i];
		bool is_it = is_ours(in) && strcmp(in->service, a->service) == 0 && strcmp(in->revision, a->revision) == 0;
		watched += is_it && h->world->now_ms >= in->started_ms + a->spec->hold_ms;
		serving += is_it && (is_serving(in) || (a->spec->may_end && in->state == INSTANCE_EXITED && in->exit_code == 0));
	}
	if (serving < a->spec->replicas)
		return "good is only what is ready";
	if (is_quarantined(h->world, a->service, a->revision))
		return "what is quarantined is not good";
	bool is_rollout = t && strcmp(t->next.revision, a->revision) == 0 && good && strcmp(good->revision, a->revision) != 0;
	if (is_rollout && t->weight != PERMILLE)
		return "good is only what has all the traffic";
	bool must_prove_itself = is_rollout && a->spec->strategy != STRATEGY_IN_PLACE && !was_good(s, a->spec);
	if (must_prove_itself && !has_order(h->world, ORDER_PROMOTE, a->service, a->revision) &&
	    (h->world->now_ms < t->weight_since_ms + a->spec->hold_ms || watched < a->spec->replicas))
		return "good is only what was watched for its hold";
	if (must_prove_itself && !has_seen_enough(s, a->spec, PERMILLE, a->spec->hold_ms))
		return "good is only what enough was seen of";
	if (is_rollout && a->spec->strategy != STRATEGY_IN_PLACE && has_order(h->world, ORDER_PAUSE, a->service, ""))
		return "what is paused does not go on";
	return NULL;
}

static bool is_committed(const struct decision *d, const char *service)
{
	for (size_t i = 0; i < d->actions_count; i++)
		if (d->actions[i].kind == ACTION_COMMIT && strcmp(d->actions[i].service, service) == 0)
			return true;
	return false;
}

/* All that Git changed in an atomic project is found good together. */
static const char *comes_in_as_one(struct simulation *s, const struct action *a)
{
	const struct project *p = wanted_project(s->desired, a->project);
	const struct good *good = good_of(&s->host, a->service);
	if (!p->is_atomic || !good || strcmp(good->revision, a->revision) == 0)
		return NULL;
	for (size_t i = 0; i < p->services_count; i++) {
		const struct service *other = &p->services[i];
		const struct good *its = good_of(&s->host, other->name);
		if (!(its && strcmp(its->revision, other->revision) == 0) && !is_committed(&s->host.last, other->name))
			return "an atomic project comes in as one";
	}
	return NULL;
}

/* And what failed takes all of it back. */
static const char *goes_back_as_one(struct simulation *s, const struct status *st)
{
	const struct project *p = wanted_project(s->desired, st->project);
	const struct service *want = wanted_in(s->desired, st->service);
	const struct good *good = good_of(&s->host, st->service);
	bool is_new = want && good && good->spec && strcmp(good->revision, want->revision) != 0 && strcmp(st->revision, want->revision) == 0;
	bool is_fine = st->phase == PHASE_SETTLED || st->phase == PHASE_KEEPING || st->phase == PHASE_ROLLED_BACK;
	for (size_t i = 0; p && p->is_atomic && is_new && is_fine && i < p->services_count; i++)
		if (is_quarantined(s->real, p->services[i].name, p->services[i].revision))
			return "an atomic project goes back as one";
	return NULL;
}

/* That is what it says of itself. */
static const char *is_dark_in_the_dark(struct simulation *s, const struct status *st)
{
	const struct traffic *t = traffic_of(&s->host, st->service);
	bool is_dark = st->reason && st->to && st->step && strstr(st->reason, " in the dark");
	if (is_dark && t && t->weight)
		return "what is in the dark gets no requests";
	if (is_dark && strstr(st->reason, " for testers") && t && !t->to_testers)
		return "testers come to what is said to be for them";
	return st->phase == PHASE_ROLLED_BACK && t && t->to_testers ? "what failed is shown to nobody" : NULL;
}

/* What was good a little while ago only has to get ready: that is said of it, and of nothing else. */
static const char *waits_only_to_be_ready(struct simulation *s, const struct status *st)
{
	const struct service *want = wanted_in(s->desired, st->service);
	bool is_on_its_way = want && st->to && st->step && strcmp(st->to, want->revision) == 0;
	bool is_held = st->reason && (strstr(st->reason, "is watched for") || strstr(st->reason, "`reconcile promote"));
	if (is_on_its_way && st->was_good != was_good(s, want))
		return "what was good before is known";
	return is_on_its_way && st->was_good && is_held ? "what was good before waits for nobody" : NULL;
}

static bool has_failed(const struct world *w, const char *object)
{
	for (size_t i = 0; i < w->failures_count; i++)
		if (strcmp(w->failures[i].object, object) == 0)
			return true;
	return false;
}

/* Kept warm: up, but the engine must not bring it back. */
static const char *parks_what_it_keeps(struct simulation *s, const struct status *st)
{
	const struct world *w = s->real;
	const struct traffic *t = traffic_of(&s->host, st->service);
	for (size_t i = 0; t && i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		bool is_kept = side_has(&t->stable, in->address) && in->state == INSTANCE_RUNNING && t->weight == PERMILLE;
		if (is_kept && !in->is_restart_off && !has_failed(w, in->id))
			return "what is kept warm is parked";
	}
	return NULL;
}

static const char *makes_a_network_of_its_own(struct simulation *s, const struct action *a)
{
	for (size_t i = 0; a->subnet && i < s->host.world->networks_count; i++)
		if (strcmp(s->host.world->networks[i].subnet, a->subnet) == 0)
			return "never a network on top of another one";
	return NULL;
}

/* Flags are set back however often that fails; nothing else is tried for ever. */
static const char *gives_up(const struct world *w)
{
	for (size_t i = 0; i < w->failures_count; i++)
		if (w->failures[i].service && !*w->failures[i].object && w->failures[i].attempts > ATTEMPTS_MAX)
			return "what fails is given up";
	return NULL;
}

/* What says that a revision failed: its requests, an action that did, or an instance that the engine did not take with it. */
static const char *quarantines_for_a_reason(struct simulation *s, const struct action *a)
{
	const struct world *w = s->host.world;
	bool has_any = false;
	if (strstr(a->reason, " test, bound ")) /* the requests do: see blames_only_next() */
		return NULL;
	const struct service *want = wanted_in(s->desired, a->service);
	if (strstr(a->reason, " could not be told ")) /* their want does, where Git says so */
		return want && is_out_of_patience(s, want, 0, INCONCLUSIVE_ABORT) && !has_order(w, ORDER_PROMOTE, a->service, a->revision)
		       ? NULL : "what cannot be told is held against nobody who does not ask for it";
	for (size_t i = 0; i < w->failures_count; i++)
		if (w->failures[i].service && strcmp(w->failures[i].service, a->service) == 0)
			return NULL;
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		if (!is_ours(in) || strcmp(in->service, a->service) != 0 || strcmp(in->revision, a->revision) != 0)
			continue;
		if (in->state != INSTANCE_EXITED || in->started_ms >= w->engine_started_ms)
			return NULL;
		has_any = true;
	}
	return has_any ? "what ended with the engine is no verdict" : NULL;
}

/* ---- All of them ---- */

const char *promise_of_action(struct simulation *s, const struct action *a)
{
	const char *broken = keeps_off(s, a);
	if (!broken && a->kind == ACTION_WEIGHT)
		broken = shifts_to_enough(s, a);
	if (!broken && a->kind == ACTION_WEIGHT)
		broken = shifts_as_planned(s, a);
	if (!broken && a->kind == ACTION_WEIGHT)
		broken = pauses_after_its_batch(s, a);
	if (!broken && a->kind == ACTION_WEIGHT)
		broken = gives_only_to_what_is_wanted(s, a);
	if (!broken && a->kind == ACTION_WEIGHT)
		broken = shifts_after_the_dark(s, a);
	if (!broken && a->kind == ACTION_WEIGHT)
		broken = shows_what_is_in_the_dark(s, a);
	if (!broken && a->kind == ACTION_PUBLISH)
		broken = leads_testers_back(s, a);
	if (!broken && a->kind == ACTION_PUBLISH)
		broken = announces_after_the_dark(s, a);
	if (!broken && a->kind == ACTION_PUBLISH)
		broken = keeps_serving(s, a);
	if (!broken && a->kind == ACTION_PUBLISH)
		broken = keeps_the_structure(s, a);
	if (!broken && a->kind == ACTION_PUBLISH)
		broken = leads_to_what_has_passed(s, a);
	if (!broken && a->kind == ACTION_STOP)
		broken = stops_what_is_drained(s, a);
	if (!broken && a->kind == ACTION_START)
		broken = starts_in_order(s, a);
	if (!broken && a->kind == ACTION_NETWORK)
		broken = makes_a_network_of_its_own(s, a);
	if (!broken && a->kind == ACTION_CREATE)
		broken = creates_with_all_it_needs(s, a);
	if (!broken && a->kind == ACTION_QUARANTINE)
		broken = blames_only_next(s, a);
	if (!broken && a->kind == ACTION_COMMIT)
		broken = commits_what_is_good(s, a);
	if (!broken && a->kind == ACTION_QUARANTINE)
		broken = quarantines_for_a_reason(s, a);
	if (!broken && a->kind == ACTION_COMMIT)
		broken = comes_in_as_one(s, a);
	if (broken)
		return broken;
	if (a->kind == ACTION_STOP && s->failed_count)
		return NULL; /* decided as if what failed just now were done: others were to lose their names first */
	check_quietly = &quiet;
	quiet = NULL;
	check_action(&s->host, s->desired, a);
	return quiet;
}

const char *promise_of_landing(struct simulation *s, const struct action *a)
{
	const struct instance *i = a->instance ? seen(s->host.world, a->instance) : NULL;
	if (!i || (a->kind == ACTION_START && i->state == INSTANCE_RUNNING)) /* an earlier one had an effect after all */
		return NULL;
	if (a->kind == ACTION_STOP && i->state == INSTANCE_RUNNING && *i->address && side_names(&s->in_force, i->address))
		return "never a stop of what nginx sends requests to";
	if (a->kind != ACTION_START)
		return NULL;
	check_quietly = &quiet;
	quiet = NULL;
	check_start(&s->host, s->desired, a);
	return quiet;
}

const char *promise_of_decision(struct simulation *s)
{
	const struct decision *d = &s->host.last;
	bool is_at_rest = d->actions_count == 0 && d->wait_until_ms == 0;
	check_quietly = &quiet;
	quiet = NULL;
	check_decision(d);
	if (!quiet)
		quiet = gives_up(s->real);
	if (!quiet)
		quiet = sends_back_what_is_bad(s);
	for (size_t i = 0; i < d->services_count && !quiet; i++)
		quiet = waits_only_to_be_ready(s, &d->services[i]);
	for (size_t i = 0; i < d->services_count && !quiet; i++)
		quiet = is_dark_in_the_dark(s, &d->services[i]);
	for (size_t i = 0; i < d->services_count && !quiet; i++)
		if (is_at_rest && d->services[i].phase == PHASE_KEEPING)
			quiet = parks_what_it_keeps(s, &d->services[i]);
	for (size_t i = 0; i < d->services_count && !quiet && is_at_rest; i++)
		quiet = goes_back_as_one(s, &d->services[i]);
	return quiet;
}

/* ---- The end ---- */

static const char *compare_service(struct simulation *s, const struct service *want)
{
	const struct world *w = s->real;
	const struct traffic *t = traffic_of(&s->host, want->name);
	int count = 0;
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		if (!is_ours(in) || strcmp(in->service, want->name) != 0)
			continue;
		count++;
		bool is_up = in->state == INSTANCE_RUNNING || (want->may_end && in->state == INSTANCE_EXITED && in->exit_code == 0);
		if (strcmp(in->revision, want->revision) != 0 || !is_up)
			return "at the end all instances are what Git says, and run";
		for (size_t k = 0; k < want->spec.count; k++)
			if (rows[k]->change == CHANGE_LIVE && !value_equal(&in->live[k], &want->spec.values[k]))
				return "at the end every live setting is what Git says";
		if (want->is_routed && (!t || !side_has(&t->stable, in->address)))
			return "at the end every instance is in nginx";
	}
	if (count != want->replicas)
		return "at the end there are as many instances as Git says";
	if (want->is_routed ? (int)t->stable.addresses_count != count || *t->next.revision || t->weight || t->to_testers || t->is_damaged : t != NULL)
		return "at the end nginx has what Git says and no more";
	const struct good *good = good_of(&s->host, want->name);
	if (!good || strcmp(good->revision, want->revision) != 0)
		return "at the end what serves is noted as good";
	return NULL;
}

static const char *compare_swap(struct simulation *s)
{
	const struct swap_want *want = desired_swap(s->desired);
	bool is_there = false;
	for (size_t i = 0; i < s->real->host.swaps_count; i++) {
		const struct swap_file *f = &s->real->host.swaps[i];
		bool is_it = want && strcmp(f->path, want->file) == 0;
		is_there |= is_it && f->is_active && f->swap_bytes == want->size_bytes && f->mode == 0600 && f->line == SWAP_LINE_OURS;
		if (f->is_ours && !is_it)
			return "at the end no swap is left that Git does not ask for";
		if (strcmp(f->path, "/dev/vdb") == 0 && !f->is_active)
			return "nothing foreign is touched";
	}
	return want && !is_there ? "at the end there is the swap that Git asks for" : NULL;
}

static const char *compare(struct simulation *s)
{
	const struct world *w = s->real;
	const struct desired *d = s->desired;
	const char *broken = NULL;
	size_t ours = 0, wanted = 0;
	for (size_t i = 0; i < w->instances_count; i++)
		ours += is_ours(&w->instances[i]);
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count && !broken; k++) {
			wanted += (size_t)d->projects[i].services[k].replicas;
			broken = compare_service(s, &d->projects[i].services[k]);
		}
	if (!broken)
		broken = compare_swap(s);
	if (!broken && ours != wanted)
		broken = "at the end nothing is left of what left Git";
	if (!broken && (!at_address(w, "10.231.0.2") || is_ours(at_address(w, "10.231.0.2"))))
		broken = "nothing foreign is touched";
	if (!broken && !w->nginx.is_current && (d->routes_count || w->nginx.topology.services_count))
		broken = "at the end nginx does what is installed";
	return broken;
}

/* What serves without its place on a network is replaced when its rollout is over, and that may wait for a word. */
static bool waits_with_one_stuck(const struct simulation *s)
{
	const struct decision *d = &s->host.last;
	for (size_t i = 0; i < s->real->instances_count; i++)
		for (size_t k = 0; s->stuck_id && strcmp(s->real->instances[i].id, s->stuck_id) == 0 && k < d->services_count; k++)
			if (strcmp(d->services[k].service, s->real->instances[i].service) == 0 && d->services[k].phase == PHASE_WAITING)
				return true;
	return false;
}

const char *promise_of_rest(struct simulation *s, bool is_retried)
{
	const struct decision *d = &s->host.last;
	if (s->acted > (waits_with_one_stuck(s) ? s->in_vain : 0))
		return "apply, then plan: no changes";
	if (s->real->nginx.is_announcing)
		return "no close flag is left behind";
	if (!is_retried && s->real->are_notes_lost)
		return NULL; /* nothing new until `retry` */
	if (d->host.service && d->host.phase != PHASE_SETTLED)
		return "when the trouble is over the host comes to what Git says";
	for (size_t i = 0; i < d->services_count; i++) {
		const struct status *st = &d->services[i];
		const struct service *want = wanted_in(s->desired, st->service);
		bool is_quarantine = !is_retried && want && is_quarantined(s->real, st->service, want->revision) &&
		                     (st->phase == PHASE_ROLLED_BACK || st->phase == PHASE_FAILED);
		is_quarantine |= !is_retried && want && st->phase == PHASE_ROLLED_BACK && s->real->quarantines_count &&
		                 wanted_project(s->desired, st->project)->is_atomic;
		bool waits_for_one = !is_retried && st->phase == PHASE_BLOCKED && s->real->quarantines_count;
		bool waits_for_a_word = !is_retried && (st->phase == PHASE_WAITING || s->real->orders_count);
		if (st->phase != PHASE_SETTLED && !is_quarantine && !waits_for_one && !waits_for_a_word)
			return "when the trouble is over the host comes to what Git says";
	}
	return is_retried ? compare(s) : NULL;
}
