/* The observed world, put together from every room that sees a part of it. */
#include "observe.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "decide/gate.h"
#include "decide/rehearse.h"
#include "desired/manifest.h"
#include "host/orders.h"
#include "net/probe.h"

enum stamp { STAMP_CREATED, STAMP_STARTED, STAMP_CHANGED, STAMP_COUNT };

/* What this process saw of one instance (or rollout, or what there is one of), longer than one observation. */
struct memory {
	const char *id;
	struct { int64_t told_ms, is_ms; } stamps[STAMP_COUNT];
	int64_t passing_since_ms, failing_since_ms, smoke_since_ms, alone_since_ms, idle_since_ms;
	bool has_passed_smoke;
	int idle_readings;
};

static struct memory *remember(struct observer *o, const char *id)
{
	for (size_t i = 0; i < o->memories_count; i++)
		if (strcmp(o->memories[i].id, id) == 0)
			return &o->memories[i];
	struct memory *m = ARENA_PUSH(o->arena, o->memories, o->memories_count);
	*m = (struct memory){.id = arena_strdup(o->arena, id)};
	return m;
}

int64_t observer_now_ms(const struct observer *o)
{
	return o->wall_ms + clock_monotonic_ms() - o->monotonic_ms;
}

/* A time that somebody else read off the wall clock. What is there at the first look has it from that; what changes while
 * this process looks on, changes now, whatever that clock says by then. */
static void settle(struct observer *o, const char *id, enum stamp stamp, int64_t *ms, int64_t now_ms)
{
	struct memory *m = remember(o, id);
	if (!*ms)
		return;
	if (m->stamps[stamp].told_ms != *ms) {
		m->stamps[stamp].told_ms = *ms;
		m->stamps[stamp].is_ms = o->has_looked || *ms > now_ms ? now_ms : *ms;
	}
	*ms = m->stamps[stamp].is_ms;
}

static void settle_times(struct observer *o, struct world *w)
{
	int64_t now_ms = observer_now_ms(o);
	for (size_t i = 0; i < w->instances_count; i++) {
		settle(o, w->instances[i].id, STAMP_CREATED, &w->instances[i].created_ms, now_ms);
		settle(o, w->instances[i].id, STAMP_STARTED, &w->instances[i].started_ms, now_ms);
	}
	for (size_t i = 0; i < w->nginx.topology.services_count; i++) {
		struct traffic *t = &w->nginx.topology.services[i];
		settle(o, arena_printf(o->arena, "%s/%s %s", t->project, t->service, t->rollout), STAMP_CHANGED, &t->weight_since_ms, now_ms);
	}
	settle(o, "engine", STAMP_STARTED, &w->engine_started_ms, now_ms);
	settle(o, "nginx", STAMP_CHANGED, &w->nginx.installed_ms, now_ms);
	o->has_looked = true;
}

/* The spec an instance was made from, as far as it is known: of Git, of the notes, else Git's newest. */
static const struct service *spec_of(const struct desired *d, const struct world *w, const struct instance *i)
{
	const struct service *want = desired_service(d, i->project, i->service);
	if (want && strcmp(want->revision, i->revision) == 0)
		return want;
	for (size_t k = 0; k < w->goods_count; k++)
		if (strcmp(w->goods[k].project, i->project) == 0 && strcmp(w->goods[k].service, i->service) == 0 &&
		    strcmp(w->goods[k].revision, i->revision) == 0 && w->goods[k].spec)
			return w->goods[k].spec;
	return want;
}

static void judge_probe(struct observer *o, struct instance *i, const struct probe *p, bool is_probed, int64_t now_ms)
{
	struct memory *m = remember(o, i->id);
	i->is_passing = p->passed;
	i->probe_said = p->said ? p->said : "";
	if (p->passed) {
		m->failing_since_ms = 0;
		if (!m->passing_since_ms)
			/* Nothing to ask: running is all there is. */
			m->passing_since_ms = is_probed && !o->is_glance ? now_ms : i->started_ms;
	} else {
		m->passing_since_ms = 0;
		if (!m->failing_since_ms)
			m->failing_since_ms = now_ms;
	}
	i->passing_since_ms = m->passing_since_ms;
	i->failing_since_ms = m->failing_since_ms;
}

/* Does the installed configuration send requests to it? */
static bool is_listed(const struct world *w, const struct instance *i)
{
	for (size_t k = 0; k < w->nginx.topology.services_count; k++) {
		const struct traffic *t = &w->nginx.topology.services[k];
		const struct side *sides[] = {&t->stable, &t->next};
		if (strcmp(t->project, i->project) != 0 || strcmp(t->service, i->service) != 0)
			continue;
		for (size_t s = 0; s < ARRAY_LEN(sides); s++)
			for (size_t n = 0; n < sides[s]->addresses_count; n++)
				if (strcmp(sides[s]->addresses[n], i->address) == 0)
					return true;
	}
	return false;
}

static size_t add_ports(const struct route *routes, size_t count, const struct instance *i, int *ports, size_t have)
{
	for (size_t k = 0; k < count; k++)
		if (strcmp(routes[k].project, i->project) == 0 && strcmp(routes[k].service, i->service) == 0) {
			ports[have++] = routes[k].port;
			if (routes[k].next_port)
				ports[have++] = routes[k].next_port;
		}
	return have;
}

/* On the host's network all ports of the host are in sight: only those that a route leads to are its own. */
static int count_connections(const struct desired *d, const struct world *w, const struct instance *i, struct arena *a)
{
	const struct topology *t = &w->nginx.topology;
	if (strcmp(i->address, ADDRESS_OF_HOST) != 0)
		return docker_connections(i, NULL, 0);
	int *ports = arena_alloc(a, (d->routes_count + 2 * t->routes_count + 1) * sizeof *ports);
	size_t count = add_ports(d->routes, d->routes_count, i, ports, 0);
	count = add_ports(t->routes, t->routes_count, i, ports, count);
	return docker_connections(i, ports, count);
}

/* Since when nobody finds it by the service's name. */
static void observe_names(struct observer *o, struct world *w)
{
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		struct memory *m = remember(o, in->id);
		bool moves = false;
		in->alone_since_ms = m->alone_since_ms;
		if (in->is_away)
			continue;
		for (size_t k = 0; k < in->endpoints_count; k++)
			moves |= *in->endpoints[k].address != 0;
		m->alone_since_ms = instance_has_name(in) || !moves ? 0 : m->alone_since_ms ? m->alone_since_ms : observer_now_ms(o);
		in->alone_since_ms = m->alone_since_ms;
	}
}

static void observe_workers(struct observer *o, struct nginx *n)
{
	struct memory *m = remember(o, "nginx's old workers");
	m->idle_since_ms = n->draining_workers ? 0 : m->idle_since_ms ? m->idle_since_ms : observer_now_ms(o);
	n->workers_gone_ms = m->idle_since_ms;
}

/* Only what nginx has let go of, or what nobody finds any more, can drain; counting the connections of a busy instance
 * is dear. */
static void observe_connections(struct observer *o, const struct desired *d, struct world *w, struct arena *a)
{
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		struct memory *m = remember(o, in->id);
		if (in->state == INSTANCE_RUNNING && (*in->address || in->alone_since_ms) && !is_listed(w, in))
			in->connections = count_connections(d, w, in, a);
		m->idle_readings = in->connections == 0 ? m->idle_readings + 1 : 0;
		m->idle_since_ms = m->idle_readings == 0 ? 0 : m->idle_readings == 1 ? observer_now_ms(o) : m->idle_since_ms;
		in->idle_readings = m->idle_readings;
		in->idle_since_ms = m->idle_since_ms;
	}
}

static void observe_probes(struct observer *o, const struct desired *d, struct world *w, struct arena *a)
{
	struct probe *probes = arena_alloc(a, (w->instances_count + 1) * sizeof *probes);
	struct instance **probed = arena_alloc(a, (w->instances_count + 1) * sizeof *probed);
	size_t count = 0;
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		struct memory *m = remember(o, in->id);
		const struct service *s = spec_of(d, w, in);
		if (in->is_away) { /* cannot be asked for a moment, and is as it was */
			in->passing_since_ms = m->passing_since_ms;
			in->is_passing = m->passing_since_ms != 0;
			in->probe_said = "";
			continue;
		}
		if (in->state != INSTANCE_RUNNING || !s) {
			m->passing_since_ms = m->failing_since_ms = 0;
			in->probe_said = "";
			continue;
		}
		probes[count] = (struct probe){.ready = &s->ready, .ports = &in->ports, .address = in->ip};
		probed[count++] = in;
	}
	probe_run(o->http, a, probes, count);
	int64_t now_ms = observer_now_ms(o);
	for (size_t i = 0; i < count; i++)
		judge_probe(o, probed[i], &probes[i], *probes[i].said, now_ms);
	w->now_ms = now_ms;
}

/* Asked of what is ready but for that, and has no requests yet; whoever has passed is not asked again. It is dear, so who
 * only has a look takes it as passed. */
static void observe_smoke(struct observer *o, const struct desired *d, struct world *w, struct arena *a)
{
	struct probe *probes = arena_alloc(a, (w->instances_count + 1) * sizeof *probes);
	struct instance **probed = arena_alloc(a, (w->instances_count + 1) * sizeof *probed);
	size_t count = 0;
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		struct memory *m = remember(o, in->id);
		const struct service *s = spec_of(d, w, in);
		m->smoke_since_ms = in->state == INSTANCE_RUNNING ? m->smoke_since_ms : 0;
		in->has_passed_smoke = m->has_passed_smoke;
		in->smoke_since_ms = m->smoke_since_ms;
		in->smoke_said = "";
		if (!s || in->is_away || is_listed(w, in) || !gate_asks_smoke(in, s, w, a))
			continue;
		in->has_passed_smoke |= o->is_glance;
		if (o->is_glance)
			continue;
		probes[count] = (struct probe){.ready = &s->smoke, .address = in->ip};
		probed[count++] = in;
	}
	probe_run(o->http, a, probes, count);
	for (size_t i = 0; i < count; i++) {
		struct memory *m = remember(o, probed[i]->id);
		m->smoke_since_ms = m->smoke_since_ms ? m->smoke_since_ms : w->now_ms;
		m->has_passed_smoke = probes[i].passed;
		probed[i]->has_passed_smoke = m->has_passed_smoke;
		probed[i]->smoke_since_ms = m->smoke_since_ms;
		probed[i]->smoke_said = probes[i].said;
	}
}

/* Copied: the notes go on, and may go before the world does. */
static void observe_notes(struct observer *o, struct world *w, struct arena *a)
{
	struct err e;
	for (size_t i = 0; i < o->notes->quarantines_count; i++) {
		const struct note_quarantine *q = &o->notes->quarantines[i];
		*ARENA_PUSH(a, w->quarantines, w->quarantines_count) =
			(struct quarantine){arena_strdup(a, q->project), arena_strdup(a, q->service), arena_strdup(a, q->revision),
			                    arena_strdup(a, q->reason), q->since_ms};
	}
	for (size_t i = 0; i < o->notes->goods_count; i++) {
		const struct note_good *g = &o->notes->goods[i];
		struct service *s = arena_alloc(a, sizeof *s);
		if (service_parse(g->spec, a, s, &e) < 0) {
			log_warning("notes: the last good manifest of %s/%s cannot be read: %s", g->project, g->service, e.message);
			s = NULL;
		}
		*ARENA_PUSH(a, w->goods, w->goods_count) =
			(struct good){arena_strdup(a, g->project), arena_strdup(a, g->service), arena_strdup(a, g->revision), s,
			              arena_strdup(a, g->image_id)};
	}
	for (size_t i = 0; i < o->notes->past_goods.count; i++) {
		const struct past_good *g = &o->notes->past_goods.items[i];
		*ARENA_PUSH(a, w->past_goods.items, w->past_goods.count) =
			(struct past_good){arena_strdup(a, g->project), arena_strdup(a, g->service), arena_strdup(a, g->revision),
			                   g->image_id ? arena_strdup(a, g->image_id) : NULL};
	}
	for (size_t i = 0; i < o->notes->images_count; i++) {
		const struct note_image *n = &o->notes->images[i];
		*ARENA_PUSH(a, w->past_images, w->past_images_count) =
			(struct past_image){arena_strdup(a, n->project), arena_strdup(a, n->service), arena_strdup(a, n->image),
			                    n->is_secret, arena_strdup(a, n->id), n->good_ms};
	}
	w->are_notes_lost = o->notes->is_missing && w->instances_count > 0;
}

/* Can the nginx in there reach the instances? */
static int check_network(const struct nginx_settings *s, const struct foreign *container, const struct world *w, struct err *e)
{
	if (!s->network && !container->is_on_host)
		return err_set(e, ERR_SETUP, "the container %s of nginx has a network of its own, from which it does not reach the instances; "
		               "give it network_mode: host, or name its network in the settings, as nginx.network", s->container);
	if (!s->network || container->is_there)
		return 0;
	if (container->is_on_host)
		return err_set(e, ERR_SETUP, "the container %s of nginx has the host's network, and cannot be on the network %s (setting "
		               "nginx.network); remove nginx.network, or give the container that network", s->container, s->network);
	bool is_there = false;
	for (size_t i = 0; i < w->networks_count; i++)
		is_there |= strcmp(w->networks[i].name, s->network) == 0;
	if (!is_there)
		return err_set(e, ERR_SETUP, "the network %s (setting nginx.network) does not exist; make it, and connect the container of nginx: "
		               NETWORK_MAKE "; docker network connect %s %s", s->network, s->network, s->network, s->container);
	return err_set(e, ERR_SETUP, "the container %s of nginx is not on the network %s (setting nginx.network); connect it: docker network "
	               "connect %s %s", s->container, s->network, s->network, s->container);
}

/* Another container of that name has other processes, and perhaps another nginx. */
static int find_nginx(struct observer *o, const struct world *w, struct err *e)
{
	struct nginx_settings *s = o->nginx;
	struct foreign container = {0};
	if (s->container && docker_find(o->docker, s->container, s->network, &container, e) < 0)
		return -1;
	if (container.pid && check_network(s, &container, w, e) < 0)
		return -1;
	if (!s->version || s->container_pid != container.pid) {
		s->container_pid = container.pid;
		s->version = s->container && !container.pid ? 0 : nginx_version(s);
	}
	return 0;
}

static void see_away(const struct action *action, struct world *w)
{
	for (size_t i = 0; i < w->instances_count; i++)
		if ((action->kind == ACTION_ALIAS || action->kind == ACTION_UNALIAS) &&
		    strcmp(w->instances[i].id, action->instance->id) == 0)
			w->instances[i].is_away = true;
}

int observe(struct observer *o, const struct desired *d, struct arena *a, struct world *w, struct err *e)
{
	const struct action **under_way;
	size_t under_way_count = docker_under_way(o->docker, a, &under_way);
	*w = (struct world){.now_ms = observer_now_ms(o), .run_started_ms = o->wall_ms};
	if (docker_observe(o->docker, a, w, e) < 0)
		return err_wrap(e, "Docker at %s", o->docker_host);
	for (size_t i = 0; i < under_way_count; i++)
		see_away(under_way[i], w);
	if ((d->routes_count || fs_exists(o->nginx->directory)) &&
	    (find_nginx(o, w, e) < 0 || nginx_observe(o->nginx, o->http, a, &w->nginx, e) < 0))
		return -1;
	settle_times(o, w);
	if (nginx_find_namings(o->nginx, d, a, &w->nginx, e) < 0)
		return -1;
	access_log_read(&o->access_log, &w->nginx.topology, clock_now_ms(), a, &w->evidence, &w->evidence_count);
	observe_notes(o, w, a);
	measure(&o->measurer, d, a, w);
	host_observe(o->host, desired_swap(d), a, &w->host);
	for (size_t i = 0; i < w->instances_count; i++)
		if (w->instances[i].state == INSTANCE_RUNNING && w->instances[i].pid)
			w->instances[i].memory_bytes = host_memory_bytes(w->instances[i].pid);
	observe_names(o, w);
	if (orders_read(o->orders_folder, a, &w->orders, &w->orders_count, e) < 0)
		return -1;
	observe_workers(o, &w->nginx);
	observe_connections(o, d, w, a);
	observe_probes(o, d, w, a);
	observe_smoke(o, d, w, a);
	w->now_ms = observer_now_ms(o);
	o->watched_since_ms = o->watched_since_ms ? o->watched_since_ms : w->now_ms;
	w->watched_since_ms = o->watched_since_ms;
	for (size_t i = 0; i < under_way_count; i++)
		model_under_way(w, under_way[i], a);
	return 0;
}
