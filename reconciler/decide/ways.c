/*
 * Ways in: which of them nginx shall have, and at which port each asks the two sides of its service. The one thing to
 * know: what was proven is asked where it was proven. So a way in that Git leads elsewhere stays with what serves until
 * all that take its place have something proven, and a side is asked at a port of its own revision.
 */
#include <string.h>

#include "base/text.h"
#include "decide/pass.h"

static bool is_same_service(const struct route *a, const struct route *b)
{
	return text_equal(a->project, b->project) && text_equal(a->service, b->service);
}

static bool is_same_target(const struct route *a, const struct route *b)
{
	return route_is_same_way(a, b) && is_same_service(a, b);
}

/* ---- Ports ---- */

static bool is_udp(const struct route *r)
{
	return r->transport == TRANSPORT_UDP;
}

/* What is known of a revision of its service; NULL: nothing. */
static const struct service *spec_of(const struct pass *p, const struct route *r, const char *revision)
{
	const struct service *want = desired_service(p->desired, r->project, r->service);
	const struct good *good = world_good(p->world, r->project, r->service);
	if (want && strcmp(want->revision, revision) == 0)
		return want;
	return good && strcmp(good->revision, revision) == 0 ? good->spec : NULL;
}

/* Those of whom the side leads to; none: to nobody, or nobody who says. What an instance says is where it was proven, so
 * for udp its revision speaks. */
static const struct value *ports_of(const struct pass *p, const struct route *r, const struct side *side)
{
	static const struct value none;
	const struct service *s = is_udp(r) ? spec_of(p, r, side->revision) : NULL;
	if (is_udp(r))
		return s ? service_udp_ports(s) : &none;
	for (size_t i = 0; i < p->world->instances_count; i++) {
		const struct instance *in = &p->world->instances[i];
		if (in->ports.count && text_equal(in->project, r->project) && text_equal(in->service, r->service) &&
		    side_lists(side, in->address))
			return &in->ports;
	}
	return &none;
}

/* At which the row of an installed configuration asks that revision; 0: it does not. */
static int port_in(const struct route *row, const struct traffic *t, const char *revision)
{
	if (!t || !*revision)
		return 0;
	if (strcmp(t->stable.revision, revision) == 0)
		return row->port;
	return strcmp(t->next.revision, revision) != 0 ? 0 : row->next_port ? row->next_port : row->port;
}

/*
 * At which the n-th row of this target asks that side: what Git asks for, as what is installed asks any other one,
 * as long as its revision has that port. `n`, because one way in can lead to several ports of a service.
 */
static int port_for(const struct pass *p, const struct route *r, size_t n, const struct side *side)
{
	const char *revision = side->revision;
	const struct topology *now = &p->world->nginx.topology;
	const struct service *want = desired_service(p->desired, r->project, r->service);
	const struct traffic *t = pass_traffic(now, r->project, r->service);
	const struct value *ports = ports_of(p, r, side);
	int same = 0, any = 0;
	for (size_t i = 0; i < now->routes_count; i++) {
		bool is_of_it = is_same_service(&now->routes[i], r) && is_udp(&now->routes[i]) == is_udp(r);
		int port = is_of_it ? port_in(&now->routes[i], t, revision) : 0;
		any = any ? any : port;
		if (is_same_target(&now->routes[i], r) && n-- == 0)
			same = port;
	}
	bool is_wanted = want && strcmp(want->revision, revision) == 0;
	if (!ports->count)
		return is_wanted ? r->port : same ? same : any ? any : r->port;
	int first = is_wanted ? r->port : same, second = is_wanted ? same : r->port;
	return ports_have(ports, first) ? first : ports_have(ports, second) ? second : (int)ports->items[0].integer;
}

/* The row r of `all`, as nginx shall have it. */
static void add_row(struct pass *p, const struct route *all, const struct route *r)
{
	const struct traffic *t = pass_traffic(&p->wanted, r->project, r->service);
	size_t n = 0;
	for (const struct route *other = all; other < r; other++)
		n += is_same_target(other, r);
	struct route row = *r;
	row.next_port = 0;
	if (t) {
		row.port = port_for(p, r, n, &t->stable);
		int next_port = *t->next.revision ? port_for(p, r, n, &t->next) : row.port;
		row.next_port = next_port == row.port ? 0 : next_port;
	}
	*ARENA_PUSH(p->arena, p->wanted.routes, p->wanted.routes_count) = row;
}

/* ---- What stays for now ---- */

static bool has_target(const struct route *routes, size_t count, const struct route *r)
{
	for (size_t i = 0; i < count; i++)
		if (is_same_target(&routes[i], r))
			return true;
	return false;
}

static bool is_proven(const struct topology *t, const struct route *r)
{
	const struct traffic *traffic = pass_traffic(t, r->project, r->service);
	return traffic && traffic->stable.addresses_count > 0;
}

/* The target of Git's for which something that serves goes on taking the requests of this way in; NULL: nothing does. */
static const struct route *awaited(const struct pass *p, const struct route *way)
{
	const struct topology *now = &p->world->nginx.topology;
	const struct desired *d = p->desired;
	bool is_losing = false;
	for (size_t i = 0; i < now->routes_count; i++)
		is_losing |= route_is_same_way(&now->routes[i], way) && now->routes[i].weight && is_proven(now, &now->routes[i]) &&
		             !has_target(d->routes, d->routes_count, &now->routes[i]);
	for (size_t i = 0; is_losing && i < d->routes_count; i++) {
		const struct route *r = &d->routes[i];
		if (route_is_same_way(r, way) && r->weight && !is_proven(&p->wanted, r) && !has_target(now->routes, now->routes_count, r))
			return r;
	}
	return NULL;
}

/* Where a file of the user's own still names an upstream that left Git; NULL: nowhere. */
static const char *named_at(const struct pass *p, const struct route *way)
{
	const struct nginx *nginx = &p->world->nginx;
	for (size_t i = 0; i < p->desired->routes_count; i++)
		if (route_is_same_way(&p->desired->routes[i], way))
			return NULL;
	for (size_t i = 0; way->is_upstream && i < nginx->namings_count; i++)
		if (strcmp(nginx->namings[i].upstream, way->host) == 0)
			return nginx->namings[i].where;
	return NULL;
}

static struct status *status_for(struct pass *p, const struct route *r)
{
	struct status *s = pass_status(p, r->project, r->service);
	if (s)
		return s;
	s = ARENA_PUSH(p->arena, p->out->services, p->out->services_count);
	*s = (struct status){.project = r->project, .service = r->service, .revision = "", .strategy = ""};
	return s;
}

static const char *way_text(struct arena *a, const struct route *r)
{
	return arena_printf(a, "%s %s%s", r->is_upstream ? "the upstream" : "the host", r->host, strcmp(r->path, "/") ? r->path : "");
}

/* The installed row stays, and its service goes on serving. */
static void keep_row(struct pass *p, const struct route *row, const struct route *awaited, const char *where)
{
	const struct topology *now = &p->world->nginx.topology;
	const struct traffic *t = pass_traffic(now, row->project, row->service);
	struct status *s = status_for(p, row);
	bool is_leaving = t && !pass_traffic(&p->wanted, row->project, row->service);
	if (is_leaving)
		*ARENA_PUSH(p->arena, p->wanted.services, p->wanted.services_count) = *t;
	add_row(p, now->routes, row);
	if (!is_leaving && s->phase != PHASE_SETTLED && s->phase != PHASE_KEEPING)
		return;
	if (where) {
		s->phase = PHASE_FAILED;
		s->cause = ERR_SETUP;
		s->reason = arena_printf(p->arena, "the upstream '%s' left Git and goes on, because %s still names it; remove that, or put "
		                                   "the route back", row->host, where);
	} else if (is_leaving) {
		const struct status *other = pass_status(p, awaited->project, awaited->service);
		s->phase = other && other->phase == PHASE_PROGRESSING ? PHASE_PROGRESSING : PHASE_BLOCKED;
		s->cause = other ? other->cause : ERR_NONE;
		s->reason = arena_printf(p->arena, "keeps %s until %s/%s is ready", way_text(p->arena, row), awaited->project, awaited->service);
	}
}

/* ---- All of them ---- */

/* A way in is there as soon as anything of its host serves: without it, its requests would go to a shorter path. */
static bool is_open(struct pass *p, const struct route *r)
{
	for (size_t i = 0; i < p->desired->routes_count; i++) {
		const struct route *other = &p->desired->routes[i];
		if (route_is_same_server(other, r) && pass_traffic(&p->wanted, other->project, other->service))
			return true;
	}
	return false;
}

/* Does a route of Git's, of which the service is there, take this way in from it? Git is asked before what nginx still
 * has; who shares the way in does not take it away. */
static bool is_claimed(struct pass *p, const struct route *was)
{
	bool is_taken = false;
	for (size_t i = 0; i < p->desired->routes_count; i++) {
		const struct route *r = &p->desired->routes[i];
		if (!route_is_same_way(r, was))
			continue;
		if (is_same_service(r, was))
			return false;
		is_taken |= is_open(p, r) && !pass_leaves_alone(p, r->project, r->service);
	}
	return is_taken;
}

void ways_decide(struct pass *p)
{
	const struct topology *now = &p->world->nginx.topology;
	const struct desired *d = p->desired;
	if (p->world->are_notes_lost) {
		p->wanted = *now; /* all that runs goes on */
		return;
	}
	for (size_t i = 0; i < now->routes_count; i++) {
		const struct route *r = &now->routes[i], *other = awaited(p, r);
		bool is_kept = pass_leaves_alone(p, r->project, r->service) ||
		               (!desired_service(d, r->project, r->service) && pass_pause(p, r->project, r->service));
		const char *where = named_at(p, r);
		if (is_kept && !is_claimed(p, r))
			add_row(p, now->routes, r);
		else if (other || where)
			keep_row(p, r, other, where);
	}
	for (size_t i = 0; i < d->routes_count; i++)
		if (!awaited(p, &d->routes[i]) && is_open(p, &d->routes[i]) && !pass_leaves_alone(p, d->routes[i].project, d->routes[i].service))
			add_row(p, d->routes, &d->routes[i]);
}
