/*
 * Instances up and instances down. The one thing to know: up is start, then create; down is drain, stop, remove, and
 * nothing is stopped that nginx may still send a request to.
 */
#include <string.h>

#include "decide/rollout.h"

/* Is that revision of a dependency one with which an instance of `s` may start? The one that Git asks for; what was good
 * with the last good one, too: a job that fails in its new revision does not keep down what served before it. */
static bool is_revision_for(const struct rollout *r, const struct service *s, const struct service *other, const char *revision)
{
	const struct good *good = world_good(r->pass->world, r->project, other->name);
	return strcmp(revision, other->revision) == 0 ||
	       (rollout_is_good(r, s->revision) && good && strcmp(revision, good->revision) == 0);
}

/* Is a dependency as it must be before an instance of `s` starts? */
static bool is_met(struct rollout *r, const struct service *s, const struct dependency *d)
{
	struct set all = set_of(r->pass, r->project, d->service, NULL);
	const struct service *other = desired_service(r->pass->desired, r->project, d->service);
	for (size_t i = 0; i < all.count; i++) {
		const struct instance *in = all.items[i];
		bool has_ended_well = in->state == INSTANCE_EXITED && in->exit_code == 0 && in->started_ms;
		if (in->is_stopping)
			continue;
		switch (d->condition) {
		case CONDITION_STARTED:
			if ((in->state == INSTANCE_RUNNING && !in->is_starting) || (other && other->may_end && has_ended_well))
				return true;
			break;
		case CONDITION_HEALTHY:
			if (in->state == INSTANCE_RUNNING && in->health == HEALTH_HEALTHY)
				return true;
			break;
		case CONDITION_COMPLETED:
			if (has_ended_well && other && is_revision_for(r, s, other, in->revision))
				return true;
			break;
		}
	}
	return false;
}

/* Why it never gets healthy, when all that is to be done to it is done; NULL: it may. */
static const char *never_healthy(struct rollout *r, const struct dependency *d)
{
	struct set all = set_of(r->pass, r->project, d->service, NULL);
	bool is_running = false, has_ended = false, has_check = false;
	for (size_t i = 0; d->condition == CONDITION_HEALTHY && i < all.count; i++) {
		const struct instance *in = all.items[i];
		is_running |= in->state == INSTANCE_RUNNING && !in->is_starting;
		has_ended |= in->state == INSTANCE_EXITED && in->started_ms;
		has_check |= in->health != HEALTH_NONE;
	}
	return (is_running || has_ended) && !has_check
	           ? "has no health check, in the manifest or in its image: give it one, or wait for service_started"
	       : has_ended && !is_running ? "has ended, and nothing starts it again: give it a restart policy" : NULL;
}

static enum ups after_dependencies(struct rollout *r, const struct service *s)
{
	static const char *const conditions[] = {"started", "healthy", "completed"};
	struct pass *p = r->pass;
	for (size_t i = 0; i < s->dependencies_count; i++) {
		const struct dependency *d = &s->dependencies[i];
		const struct status *other = NULL;
		for (size_t k = 0; k < p->out->services_count; k++)
			if (strcmp(p->out->services[k].project, r->project) == 0 &&
			    strcmp(p->out->services[k].service, d->service) == 0)
				other = &p->out->services[k];
		bool is_moving = other && other->phase == PHASE_PROGRESSING && !pass_is_acceptable(p, other);
		if (!is_moving && is_met(r, s, d))
			continue;
		const char *reason = arena_printf(p->arena, "waits for %s to be %s", d->service, conditions[d->condition]);
		const char *never = never_healthy(r, d);
		if (!is_moving && d->is_optional && never)
			continue;
		if (!is_moving && d->is_optional && other && (other->phase == PHASE_FAILED || other->phase == PHASE_BLOCKED ||
		                                              other->phase == PHASE_ROLLED_BACK))
			continue;
		if (is_moving)
			rollout_wait(r, reason, 0);
		else if (other && (other->phase == PHASE_FAILED || other->phase == PHASE_BLOCKED || other->phase == PHASE_ROLLED_BACK || other->phase == PHASE_WAITING))
			rollout_status(r, other->phase == PHASE_WAITING ? PHASE_WAITING : PHASE_BLOCKED, other->cause, arena_printf(p->arena, "%s: %s", reason, other->reason));
		else if (never)
			rollout_status(r, PHASE_FAILED, ERR_INVALID, arena_printf(p->arena, "depends_on.%s.condition is service_healthy, and %s %s",
			                                                          d->service, d->service, never));
		else
			rollout_wait(r, reason, p->world->now_ms + 1000);
		return is_moving || r->status->phase == PHASE_PROGRESSING ? UPS_BUSY : UPS_STUCK;
	}
	return UPS_READY;
}

static bool has_name(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Is an action that makes this network, volume or image on its way already? */
static bool is_planned(const struct pass *p, enum action_kind kind, const char *name)
{
	for (size_t i = 0; i < p->out->actions_count; i++) {
		const struct action *a = &p->out->actions[i];
		if (a->kind == kind && strcmp(kind == ACTION_NETWORK ? a->network : kind == ACTION_VOLUME ? a->volume : a->spec->image,
		                              name) == 0)
			return true;
	}
	return false;
}

static bool has_network(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->networks_count; i++)
		if (strcmp(w->networks[i].name, name) == 0)
			return true;
	return false;
}

const char *missing_external(struct rollout *r, const struct service *s)
{
	struct pass *p = r->pass;
	struct attachment *networks;
	size_t count = service_networks(s, p->arena, &networks);
	for (size_t i = 0; i < count; i++) {
		const struct resource *declared = desired_network(p->desired, r->project, networks[i].network);
		if (declared && declared->is_external && !has_network(p->world, declared->name))
			return arena_printf(p->arena, "the external network %s does not exist; make it: docker network create %s",
			                    declared->name, declared->name);
	}
	for (size_t i = 0; i < s->volumes_count; i++) {
		const struct resource *declared = desired_volume(p->desired, r->project, s->volumes[i]);
		if (declared && declared->is_external && !has_name(p->world->volumes, p->world->volumes_count, declared->name))
			return arena_printf(p->arena, "the external volume %s does not exist; make it: docker volume create %s",
			                    declared->name, declared->name);
	}
	return NULL;
}

/* May we choose its subnet? Not when the manifest does, nor for a driver that may know better. */
static bool is_ours_to_shape(const struct resource *declared)
{
	const struct value *driver = declared ? value_get(&declared->settings, "Driver") : NULL;
	if (driver && strcmp(driver->string, "bridge") != 0)
		return false;
	return !declared || (!value_get(&declared->settings, "IPAM") && !value_get(&declared->settings, "EnableIPv6"));
}

void need_networks(struct rollout *r, const struct service *s)
{
	struct pass *p = r->pass;
	struct attachment *networks;
	size_t count = service_networks(s, p->arena, &networks);
	for (size_t i = 0; i < count; i++) {
		const char *name = networks[i].network;
		if (has_network(p->world, name) || is_planned(p, ACTION_NETWORK, name))
			continue;
		struct action *a = pass_action(p, ACTION_NETWORK, r->project, NULL);
		a->network = name;
		a->resource = desired_network(p->desired, r->project, name);
		if (is_ours_to_shape(a->resource))
			address_subnet(p, a);
	}
}

static void need_volumes(struct rollout *r, const struct service *s)
{
	struct pass *p = r->pass;
	for (size_t i = 0; i < s->volumes_count; i++) {
		const char *name = s->volumes[i];
		if (has_name(p->world->volumes, p->world->volumes_count, name) || is_planned(p, ACTION_VOLUME, name))
			continue;
		struct action *a = pass_action(p, ACTION_VOLUME, r->project, NULL);
		a->volume = name;
		a->resource = desired_volume(p->desired, r->project, name);
	}
}

/* The lowest that no instance has, and none that this decision makes. */
static int free_number(struct rollout *r)
{
	const struct pass *p = r->pass;
	struct set all = set_of(r->pass, r->project, r->service, NULL);
	for (int number = 1; ; number++) {
		bool is_taken = false;
		for (size_t i = 0; i < all.count; i++)
			is_taken |= all.items[i]->number == number;
		for (size_t i = 0; i < p->out->actions_count; i++) {
			const struct action *a = &p->out->actions[i];
			is_taken |= a->kind == ACTION_CREATE && a->number == number && strcmp(a->project, r->project) == 0 &&
			            strcmp(a->service, r->service) == 0;
		}
		if (!is_taken)
			return number;
	}
}

enum ups bring_image(struct rollout *r, const struct service *s, const char **why)
{
	if (world_image(r->pass->world, s->image))
		return UPS_READY;
	enum ups earlier = rollout_after(r, rollout_failure(r, s->revision, ""), why);
	if (earlier != UPS_READY)
		return earlier;
	if (s->build && is_planned(r->pass, ACTION_BUILD, s->image)) { /* another service has the same */
		rollout_wait(r, "waits for its image to be built", 0);
		return UPS_BUSY;
	}
	if (s->pull == PULL_NEVER && !s->build) {
		*why = "its image is not on this host, and nobody is to pull it";
		return UPS_FAILED;
	}
	struct action *pull = pass_action(r->pass, s->build ? ACTION_BUILD : ACTION_PULL, r->project, r->service);
	pull->spec = s;
	pull->revision = s->revision;
	rollout_wait(r, s->build ? "builds its image" : "pulls its image", 0);
	return UPS_BUSY;
}

/* The instance of another service that runs. */
static const struct instance *first_of(struct rollout *r, const char *service)
{
	struct set all = set_of(r->pass, r->project, service, NULL);
	return all.count && all.items[0]->state == INSTANCE_RUNNING ? all.items[0] : NULL;
}

/* Is the container gone of which it has the network? It cannot be given another one. */
static bool is_orphan(const struct rollout *r, const struct service *s, const struct instance *i)
{
	const struct world *w = r->pass->world;
	for (size_t k = 0; k < w->instances_count && i->shares; k++)
		if (strcmp(w->instances[k].id, i->shares) == 0)
			return false;
	return i->shares && service_shares(s);
}

/* Does the installed configuration lead to it? Only a publish changes that. */
static bool is_listed(const struct rollout *r, const struct instance *i)
{
	if (!instance_is_up(i) && strcmp(i->address, ADDRESS_OF_HOST) == 0)
		return false; /* the address of whoever runs there, and it does not */
	return r->now && *i->address && (side_lists(&r->now->stable, i->address) || side_lists(&r->now->next, i->address));
}

/* Why it cannot serve any more as it is, whatever is done to it; NULL: it can. */
static const char *broken_why(const struct rollout *r, const struct service *s, const struct instance *i)
{
	return i->state == INSTANCE_DEAD ? "is half removed"
	       : is_orphan(r, s, i) ? "has the network of a container that is gone"
	       : r->is_routed && s->is_routed && !*i->address ? "is not on the network of nginx's traffic"
	       : !is_listed(r, i) ? alias_stuck(r, i) : NULL;
}

static bool is_broken(const struct rollout *r, const struct service *s, const struct instance *i)
{
	return broken_why(r, s, i) != NULL;
}

/* What the n-th new instance of a revision that was complete stands in for; NULL: it never was. */
static const char *replaced_why(struct rollout *r, const struct service *s, int n)
{
	struct set all = set_of_revision(r, s->revision);
	bool was_complete = rollout_is_good(r, s->revision) && r->good->spec && r->good->spec->replicas == s->replicas;
	for (size_t i = 0; was_complete && i < all.count; i++) {
		const char *broken = broken_why(r, s, all.items[i]), *limit = broken ? NULL : live_limit(r, s, all.items[i]);
		if ((broken || limit) && n-- == 0)
			return limit ? limit : arena_printf(r->pass->arena, "%s %s", all.items[i]->name, broken);
	}
	return was_complete ? arena_printf(r->pass->arena, "%zu of %d instances %s there", all.count, s->replicas, all.count == 1 ? "is" : "are")
	                    : NULL;
}

/* What its instances are asked at. One that had no route when it was noted has those of its others, or those of now. */
static const struct value *ports_of(struct rollout *r, const struct service *s)
{
	const struct value *own = service_ports(s);
	struct set all = set_of_revision(r, s->revision);
	for (size_t i = 0; !own->count && i < all.count; i++)
		if (all.items[i]->ports.count && !is_broken(r, s, all.items[i]))
			return &all.items[i]->ports;
	return own->count || !r->want ? own : service_ports(r->want);
}

/* The one port that routes lead to; 0 with *why when there are two, because an instance has one address. */
static int routed_port(const struct pass *p, const struct service *s, const struct value *ports, const char **why)
{
	if (ports->count == 1)
		return (int)ports->items[0].integer;
	CLEANUP(buf_done) struct buf text = BUF_INIT(1024);
	value_print(&text, ports, false);
	*why = arena_printf(p->arena, "routes lead to the ports %s of %s, and with nginx.loopback_ports an instance is reached at one; "
	                              "lead them to one port", text.text, s->name);
	return 0;
}

/* What the settings lack is no verdict on a revision. */
static enum ups no_address(struct rollout *r, const char *why)
{
	rollout_status(r, PHASE_BLOCKED, ERR_SETUP, why);
	return UPS_STUCK;
}

static enum ups create_missing(struct rollout *r, const struct service *s, int missing, const char **why)
{
	struct pass *p = r->pass;
	if ((*why = missing_external(r, s)))
		return UPS_FAILED; /* the engine would make a volume that is not there */
	const char *lack = capacity_lacks(r, s, missing);
	if (lack) {
		rollout_status(r, PHASE_BLOCKED, ERR_SETUP, lack);
		return UPS_STUCK;
	}
	enum ups image = bring_image(r, s, why);
	if (image != UPS_READY)
		return image;
	need_networks(r, s);
	need_volumes(r, s);
	const struct network *network = NULL;
	enum address_kind kind = desired_address_kind(p->desired, s);
	const struct value *ports = s->is_routed ? ports_of(r, s) : NULL;
	int port = ports && kind == ADDRESS_LOOPBACK ? routed_port(p, s, ports, why) : 0;
	if (s->is_routed && kind == ADDRESS_LOOPBACK && !port)
		return no_address(r, *why);
	if (s->is_routed && kind == ADDRESS_OURS && !(network = address_network(p, r->project, why)))
		return no_address(r, *why);
	const struct instance *shared = NULL;
	if (service_shares(s) && !(shared = first_of(r, service_shares(s)))) {
		rollout_wait(r, arena_printf(p->arena, "waits for %s, of which it has the network", service_shares(s)), p->world->now_ms + 1000);
		return UPS_BUSY;
	}
	for (int i = 0; i < missing; i++) {
		const char *address = s->is_routed && kind == ADDRESS_HOST ? ADDRESS_OF_HOST : NULL;
		if (network && !(address = address_take(p, network, why)))
			return no_address(r, *why);
		if (port && !(address = address_loopback(p, why)))
			return no_address(r, *why);
		int number = free_number(r);
		const char *name = name_new(r, s, number);
		struct action *a = pass_action(p, ACTION_CREATE, r->project, r->service);
		a->spec = s;
		a->revision = s->revision;
		a->number = number;
		a->name = name;
		a->address = address;
		a->ports = ports;
		a->port = port;
		a->network = network ? network->name : NULL;
		a->shares = shared ? shared->id : NULL;
		a->reason = replaced_why(r, s, i);
		alias_places(r, s, a);
	}
	rollout_wait(r, "creates instances", 0);
	return UPS_BUSY;
}

/* May it be started now? One try in each run for what ended by itself. */
static bool is_startable(const struct rollout *r, const struct service *s, const struct instance *i)
{
	if (i->state == INSTANCE_PAUSED)
		return true;
	if (i->state == INSTANCE_CREATED)
		return !*i->error || !rollout_failure(r, i->revision, "");
	if (i->state != INSTANCE_EXITED || (s->may_end && i->exit_code == 0))
		return false;
	return !gate_had_its_chance(i, s, r->pass->world);
}

static void start(struct rollout *r, const struct service *s, const struct instance *i, const char *reason)
{
	alias_dim(r, s, i);
	struct action *a = pass_action(r->pass, ACTION_START, r->project, r->service);
	a->spec = s;
	a->instance = i;
	a->revision = i->revision;
	a->reason = reason;
}

struct set set_usable(struct rollout *r, const struct service *s, const struct set *set)
{
	struct set usable = {0};
	for (size_t i = 0; i < set->count; i++)
		if (!is_broken(r, s, set->items[i]))
			*ARENA_PUSH(r->pass->arena, usable.items, usable.count) = set->items[i];
	return usable;
}

struct set set_in_the_way(struct rollout *r, const struct service *s, const struct set *set)
{
	struct set broken = {0};
	for (size_t i = 0; i < set->count; i++)
		if (instance_is_up(set->items[i]) && *set->items[i]->address && is_broken(r, s, set->items[i]))
			*ARENA_PUSH(r->pass->arena, broken.items, broken.count) = set->items[i];
	return broken;
}

/* What nginx leads to has passed its gate before: it need only pass now, however short a time this process has looked. */
static struct judgement judge(struct rollout *r, const struct service *s, const struct instance *i, enum trust trust)
{
	struct judgement j = gate_judge(i, s, trust, r->pass->world, r->pass->arena);
	if (j.readiness == COMING && is_listed(r, i) && gate_judge(i, s, TRUST_PROVEN, r->pass->world, r->pass->arena).readiness == READY)
		return (struct judgement){READY, NULL, 0};
	return j;
}

struct set set_ready(struct rollout *r, const struct service *s, const struct set *set, int n, enum trust trust)
{
	struct set ready = {0};
	for (size_t i = 0; i < set->count && (int)ready.count < n; i++)
		if (!is_broken(r, s, set->items[i]) &&
		    judge(r, s, set->items[i], trust).readiness == READY)
			*ARENA_PUSH(r->pass->arena, ready.items, ready.count) = set->items[i];
	return ready;
}

enum ups bring_up(struct rollout *r, const struct service *s, const struct set *set, int n, enum trust trust,
                  const char **why)
{
	struct pass *p = r->pass;
	int usable = 0, ready = 0, moving = 0;
	const char *failed = NULL;
	size_t begun = p->out->actions_count;
	enum ups dependencies = UPS_READY;
	for (size_t i = 0; i < set->count && usable < n; i++) {
		const struct instance *in = set->items[i];
		if (is_broken(r, s, in))
			continue;
		usable++;
		moving += live_update(r, s, in, &failed);
		moving += name_settle(r, s, in, &failed);
		struct judgement j = judge(r, s, in, trust);
		if (j.readiness == READY) {
			ready++;
		} else if (j.readiness != FAILED && is_startable(r, s, in)) {
			enum ups earlier = rollout_after(r, rollout_failure(r, s->revision, ""), why);
			if (earlier == UPS_READY && (dependencies = after_dependencies(r, s)) == UPS_READY)
				start(r, s, in, in->state == INSTANCE_CREATED ? NULL : j.why);
			else if (earlier == UPS_FAILED)
				failed = *why;
			else if (earlier == UPS_STUCK || dependencies == UPS_STUCK)
				return UPS_STUCK;
			moving += earlier != UPS_FAILED;
		} else if (j.readiness == FAILED || !instance_is_up(in)) {
			failed = j.why;
		} else {
			rollout_wait(r, j.why, j.until_ms ? j.until_ms : p->world->now_ms + 1000);
			r->status->until_ms = j.until_ms;
			moving++;
		}
	}
	if (failed) {
		*why = failed;
		if (trust == TRUST_TRIAL)
			p->out->actions_count = begun; /* nothing more of what failed is started */
		return UPS_FAILED;
	}
	if (usable < n) {
		enum ups earlier = rollout_after(r, rollout_failure(r, s->revision, ""), why);
		if (earlier == UPS_READY)
			earlier = after_dependencies(r, s);
		return earlier != UPS_READY ? earlier : create_missing(r, s, n - usable, why);
	}
	if (moving)
		rollout_wait(r, r->status->reason ? r->status->reason : "starts instances", 0);
	return moving ? UPS_BUSY : UPS_READY;
}

static struct drain drain_of(const struct rollout *r, const struct instance *i)
{
	const struct nginx *nginx = &r->pass->world->nginx;
	/* None when it never had a route, or is younger than the configuration in force: no worker ever had it. What lost its
	 * route still has its clients. */
	bool has_workers = *i->address && i->created_ms <= nginx->installed_ms;
	int64_t since_ms = has_workers && nginx->installed_ms > i->alone_since_ms ? nginx->installed_ms : i->alone_since_ms;
	return (struct drain){
		.has_workers = has_workers, .workers = has_workers ? nginx->draining_workers : 0,
		.connections = i->connections < 0 ? 0 : i->connections, .since_ms = i->state == INSTANCE_RUNNING ? since_ms : 0,
		.timeout_ms = r->target ? r->target->drain_timeout_ms : DRAIN_TIMEOUT_DEFAULT_MS};
}

/* Nobody sends it anything any more: no configuration that a worker may still use lists it, no name leads to it, and
 * nobody holds a connection to it. Bounded by the drain time-out, counted from the reload that took it out, or from the
 * moment at which it lost the name. */
static bool is_drained(struct rollout *r, const struct instance *i)
{
	const struct drain d = drain_of(r, i);
	int64_t now_ms = r->pass->world->now_ms, since_ms = d.since_ms, timeout_ms = d.timeout_ms;
	if (!since_ms)
		return true;
	if (now_ms < i->alone_since_ms + KNOCKS_AGAIN_MS)
		return false;
	if (!d.workers && (i->idle_readings >= 3 || i->connections < 0))
		return true;
	return now_ms >= since_ms + timeout_ms;
}

bool bring_down(struct rollout *r, const struct instance *i)
{
	struct pass *p = r->pass;
	if (!instance_is_up(i))
		return true;
	/* What is in force may list it too while it is not what is installed; and what restarts may run again by then. */
	bool may_serve = i->state != INSTANCE_PAUSED && *i->address && (r->now || p->world->nginx.is_up);
	if (is_listed(r, i) || (may_serve && !p->world->nginx.is_current)) {
		rollout_wait(r, arena_printf(p->arena, "nginx must let go of %s first", i->name), 0);
		return false;
	}
	if (!alias_take(r, i))
		return false;
	const struct drain d = drain_of(r, i);
	if (!is_drained(r, i)) {
		drain_say(r, i, &d);
		return false;
	}
	if (!rollout_may_try(r, i->revision, i->id))
		return false;
	struct action *a = pass_action(p, ACTION_STOP, r->project, r->service);
	const struct service *spec = rollout_spec(r, i->revision);
	a->instance = i;
	a->revision = i->revision;
	a->spec = spec ? spec : r->target;
	a->reason = drain_how(r, i, &d);
	rollout_wait(r, arena_printf(p->arena, "stops %s", i->name), 0);
	return false;
}

bool discard(struct rollout *r, const struct set *s)
{
	/* Removed together when the last one is down: so the order does not hang on who drains first, and is that of the plan. */
	bool are_down = true;
	for (size_t i = 0; i < s->count; i++)
		are_down &= bring_down(r, s->items[i]);
	for (size_t i = 0; are_down && i < s->count; i++) {
		if (is_listed(r, s->items[i])) {
			rollout_wait(r, arena_printf(r->pass->arena, "nginx must let go of %s first", s->items[i]->name), 0);
			continue;
		}
		if (!rollout_may_try(r, s->items[i]->revision, s->items[i]->id))
			continue;
		struct action *a = pass_action(r->pass, ACTION_REMOVE, r->project, r->service);
		a->instance = s->items[i];
		a->revision = s->items[i]->revision;
		rollout_wait(r, arena_printf(r->pass->arena, "removes %s", s->items[i]->name), 0);
	}
	return s->count == 0;
}
