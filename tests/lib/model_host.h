/*
 * A host for decide to work on: the model of decide/rehearse with a few switches (revisions that never get ready, that
 * end after their start, actions that fail), and the promises that hold at every single action, whatever goes on.
 */
#ifndef TESTS_MODEL_HOST_H
#define TESTS_MODEL_HOST_H

#include "check.h"

#include <stdlib.h>

#include "decide/gate.h"
#include "decide/rehearse.h"
#include "model/failure.h"

static const struct field row_image = {"image", "Image", ENGINE_PLAIN, CHANGE_REPLACE};
static const struct field row_restart = {"restart", "HostConfig.RestartPolicy", ENGINE_RESTART, CHANGE_LIVE};
static const struct field row_memory = {"mem_limit", "HostConfig.Memory", ENGINE_PLAIN, CHANGE_LIVE};
static const struct field row_environment = {"environment", "Env", ENGINE_ENV, CHANGE_REPLACE};
static const struct field row_pids = {"pids_limit", "HostConfig.PidsLimit", ENGINE_PLAIN, CHANGE_LIVE,
                                      .none = {.kind = VALUE_INT, .integer = -1}};
static const struct field row_cpus = {"cpus", "HostConfig.NanoCpus", ENGINE_PLAIN, CHANGE_LIVE};
static const struct field row_swap = {"memswap_limit", "HostConfig.MemorySwap", ENGINE_PLAIN, CHANGE_LIVE};
static const struct field row_ports = {"routed_ports", NULL, ENGINE_NONE, CHANGE_REPLACE};
static const struct field row_udp_ports = {"routed_udp_ports", NULL, ENGINE_NONE, CHANGE_REPLACE};
static const struct field *const rows[] = {&row_image, &row_restart, &row_memory, &row_environment, &row_pids, &row_cpus,
                                           &row_swap, &row_ports, &row_udp_ports};

struct host {
	struct arena arena;
	bool tells_routeless;      /* a revision without a route has a name of its own, as a hash has */
	struct world *world;
	struct desired desired;
	const char *never_ready;   /* revision */
	const char *exits;         /* revision: ends right after its start */
	const char *smoke_fails;   /* revision: its smoke test answers 500 */
	int smoke_asked;           /* so many times, of any */
	/* Does this action fail? NULL: all works. */
	bool (*fails)(struct host *h, const struct action *a, struct err *e);
	unsigned seed;
	struct failures failures;  /* of the run */
	char log[32768];           /* one line for each action of the last run that worked */
	struct buf trace;          /* all that ever happened, for a failing test */
	struct decision last;
	bool did_not_rest;
	size_t stop_after;         /* the tool is killed after so many actions, wherever that is; 0: never */
	bool was_killed;
};

/* On a host that is zero: one project without services, nothing that runs. */
static inline void host_begin(struct host *h)
{
	h->world = arena_alloc(&h->arena, sizeof *h->world);
	h->world->now_ms = 1700000000000;
	h->world->nginx = (struct nginx){.is_up = true, .problem = "", .is_current = true};
	*ARENA_PUSH(&h->arena, h->world->images, h->world->images_count) = (struct image){"app:1", "id-app:1", false};
	*ARENA_PUSH(&h->arena, h->world->images, h->world->images_count) = (struct image){"app:2", "id-app:2", false};
	*ARENA_PUSH(&h->arena, h->world->images, h->world->images_count) = (struct image){"app:3", "id-app:3", false};
	h->desired.commit = h->desired.subject = "";
	h->desired.subnet = "10.231.0.0/16";
	struct project *p = ARENA_PUSH(&h->arena, h->desired.projects, h->desired.projects_count);
	*p = (struct project){.name = "shop", .directory = "/srv/shop", .file = "compose.yaml"};
}

static inline struct host *host_new(void)
{
	struct host *h = calloc(1, sizeof *h);
	h->trace = BUF_INIT(1024 * 1024);
	host_begin(h);
	return h;
}

static inline void host_free(struct host *h)
{
	buf_done(&h->trace);
	arena_done(&h->arena);
	free(h);
}

/* The service's own copy of its values: specs that the world remembers must not change with it. */
static inline struct value *own_values(struct host *h, struct service *s)
{
	struct value *values = arena_alloc(&h->arena, ARRAY_LEN(rows) * sizeof *values);
	if (s->spec.values)
		memcpy(values, s->spec.values, sizeof *values * ARRAY_LEN(rows));
	s->spec = (struct spec){rows, values, ARRAY_LEN(rows)};
	return values;
}

/* Those that its routes lead to, sorted, and what they add up to. */
static inline struct value ports_routed(struct host *h, const struct service *s, bool is_udp, int64_t *sum)
{
	struct value ports = {0};
	for (int last = 0, next = 1; next; last = next) {
		next = 0;
		for (size_t i = 0; i < h->desired.routes_count; i++) {
			const struct route *r = &h->desired.routes[i];
			if (strcmp(r->service, s->name) == 0 && (r->transport == TRANSPORT_UDP) == is_udp && r->port > last &&
			    (!next || r->port < next))
				next = r->port;
		}
		if (next)
			value_push(&h->arena, &ports, value_int(next));
		*sum += next;
	}
	return ports;
}

/* After its routes or its image have changed: its ports, and the revision: "rev-app:1", "rev-app:1+9090". */
static inline void settle_ports(struct host *h, struct service *s)
{
	int64_t sum = 0;
	struct value *values = own_values(h, s);
	values[ARRAY_LEN(rows) - 2] = ports_routed(h, s, false, &sum);
	values[ARRAY_LEN(rows) - 1] = ports_routed(h, s, true, &sum);
	bool is_plain = sum == 8080 || (sum == 0 && !h->tells_routeless);
	snprintf(s->revision, sizeof s->revision, is_plain ? "rev-%s" : "rev-%s+%d", s->image, (int)sum);
}

static inline void set_image(struct host *h, struct service *s, const char *image)
{
	struct value *values = own_values(h, s);
	values[0] = value_string(image);
	if (!values[1].kind) {
		values[1] = value_string("always");
		values[2] = value_int(64 << 20);
	}
	s->image = image;
	settle_ports(h, s);
}

/* No two services of a test have one name, whatever their projects. NULL: it is not in Git. */
static inline const struct service *wanted_in(const struct desired *d, const char *service)
{
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++)
			if (strcmp(d->projects[i].services[k].name, service) == 0)
				return &d->projects[i].services[k];
	return NULL;
}

static inline const struct project *wanted_project(const struct desired *d, const char *name)
{
	for (size_t i = 0; i < d->projects_count; i++)
		if (strcmp(d->projects[i].name, name) == 0)
			return &d->projects[i];
	return NULL;
}

/* Services move while more are added: take pointers when all are there. */
static inline struct service *service_of(struct host *h, const char *name)
{
	return (struct service *)wanted_in(&h->desired, name);
}

static inline void add_route_at(struct host *h, const char *service, int port)
{
	*ARENA_PUSH(&h->arena, h->desired.routes, h->desired.routes_count) = (struct route){
		.host = arena_printf(&h->arena, "%s.example.com", service), .path = "/",
		.project = wanted_in(&h->desired, service)->project, .service = service, .port = port, .weight = 100};
	settle_ports(h, service_of(h, service));
}

static inline void add_route(struct host *h, const char *service)
{
	add_route_at(h, service, 8080);
}

static inline struct service *add_service_to(struct host *h, struct project *p, const char *name, const char *image,
                                             enum strategy strategy, bool routed)
{
	struct service *s = ARENA_PUSH(&h->arena, p->services, p->services_count);
	*s = (struct service){.project = p->name, .name = name, .replicas = 1, .stop_grace_ms = 10000, .strategy = strategy,
	                      .strategy_reason = "test", .analysis = {.is_on = strategy == STRATEGY_CANARY}, .hold_ms = 5000,
	                      .keep_old_ms = 0, .rollback_window = 3, .drain_timeout_ms = 65000,
	                      .is_routed = routed, .ready = {.within_ms = 60000, .for_ms = 1000}};
	set_image(h, s, image);
	if (routed)
		add_route(h, name);
	return s;
}

static inline struct service *add_service(struct host *h, const char *name, const char *image, enum strategy strategy,
                                          bool routed)
{
	return add_service_to(h, &h->desired.projects[0], name, image, strategy, routed);
}

static inline void depends_on(struct host *h, const char *service, const char *on, enum condition condition)
{
	struct service *s = service_of(h, service);
	*ARENA_PUSH(&h->arena, s->dependencies, s->dependencies_count) = (struct dependency){on, condition};
}

static inline struct instance *find_instance(struct host *h, const char *name)
{
	for (size_t i = 0; i < h->world->instances_count; i++)
		if (strcmp(h->world->instances[i].name, name) == 0)
			return &h->world->instances[i];
	return NULL;
}

static inline const struct traffic *traffic_in(const struct topology *t, const char *service)
{
	for (size_t i = 0; i < t->services_count; i++)
		if (strcmp(t->services[i].service, service) == 0)
			return &t->services[i];
	return NULL;
}

static inline const struct traffic *traffic_of(struct host *h, const char *service)
{
	return traffic_in(&h->world->nginx.topology, service);
}

static inline bool side_has(const struct side *s, const char *address)
{
	for (size_t i = 0; i < s->addresses_count; i++)
		if (strcmp(s->addresses[i], address) == 0)
			return true;
	return false;
}

static inline bool is_listed(struct host *h, const char *address)
{
	for (size_t i = 0; *address && i < h->world->nginx.topology.services_count; i++) {
		const struct traffic *t = &h->world->nginx.topology.services[i];
		if (side_has(&t->stable, address) || side_has(&t->next, address))
			return true;
	}
	return false;
}

static inline bool is_serving(const struct instance *i)
{
	return i->state == INSTANCE_RUNNING && i->passing_since_ms && i->health != HEALTH_UNHEALTHY;
}

static inline int count_serving(struct host *h, const struct side *side)
{
	int n = 0;
	for (size_t i = 0; i < h->world->instances_count; i++)
		n += is_serving(&h->world->instances[i]) && side_has(side, h->world->instances[i].address);
	return n;
}

/* Can requests to the service be answered, at that weight, by every side that gets some? */
static inline bool is_served(struct host *h, const struct traffic *t, int weight)
{
	return t && (weight == PERMILLE || count_serving(h, &t->stable)) && (weight == 0 || count_serving(h, &t->next));
}

/* What a revision does after its start. */
static inline void behave(struct host *h)
{
	for (size_t i = 0; i < h->world->instances_count; i++) {
		struct instance *in = &h->world->instances[i];
		if (in->state != INSTANCE_RUNNING)
			continue;
		if (h->exits && strcmp(in->revision, h->exits) == 0) {
			in->state = INSTANCE_EXITED;
			in->exit_code = 1;
			in->passing_since_ms = 0;
		}
		if (h->never_ready && strcmp(in->revision, h->never_ready) == 0) {
			in->passing_since_ms = 0;
			in->is_passing = false;
			if (!in->failing_since_ms)
				in->failing_since_ms = h->world->now_ms;
			in->probe_said = "GET http://10.231.0.3:8080/health answered 503, wanted 200";
		}
	}
}

/* As observe.c asks it. */
static inline void ask_smoke(struct host *h, const struct desired *d)
{
	for (size_t i = 0; i < h->world->instances_count; i++) {
		struct instance *in = &h->world->instances[i];
		const struct service *s = wanted_in(d, in->service);
		in->smoke_said = "";
		if (!s || is_listed(h, in->address) || !gate_asks_smoke(in, s, h->world, &h->arena))
			continue;
		h->smoke_asked++;
		in->smoke_since_ms = in->smoke_since_ms ? in->smoke_since_ms : h->world->now_ms;
		in->has_passed_smoke = !h->smoke_fails || strcmp(in->revision, h->smoke_fails) != 0;
		in->smoke_said = "GET http://10.231.0.3:8080/smoke answered 500, wanted 200";
	}
}

/* Known only to the process that asked. */
static inline void forget_smoke(struct world *w)
{
	for (size_t i = 0; i < w->instances_count; i++) {
		w->instances[i].has_passed_smoke = false;
		w->instances[i].smoke_since_ms = 0;
	}
}

/* The engine was killed, and the next one ended what it found and started none of it. */
static inline void engine_dies(struct host *h)
{
	for (size_t i = 0; i < h->world->instances_count; i++) {
		struct instance *in = &h->world->instances[i];
		if (in->state != INSTANCE_RUNNING)
			continue;
		in->state = INSTANCE_EXITED;
		in->exit_code = 137;
		in->is_passing = false;
		in->passing_since_ms = 0;
	}
	h->world->now_ms += 3000;
	h->world->engine_started_ms = h->world->now_ms;
}

/* ---- The promises ---- */

static inline int count_up_of(struct host *h, const char *service)
{
	int n = 0;
	for (size_t i = 0; i < h->world->instances_count; i++) {
		const struct instance *in = &h->world->instances[i];
		n += strcmp(in->service, service) == 0 &&
		     (in->state == INSTANCE_RUNNING || in->state == INSTANCE_PAUSED || in->state == INSTANCE_RESTARTING);
	}
	return n;
}

static inline void check_weight(struct host *h, const struct action *a)
{
	const struct traffic *t = traffic_of(h, a->service);
	CHECK(t && strcmp(t->rollout, a->rollout) == 0);
	CHECK(h->world->nginx.is_current);
	if (!t)
		return;
	/* Weight goes only to what is ready, all of it. The same weight again moves nothing. */
	if (a->weight == t->weight && a->to_testers == t->to_testers)
		CHECK(t->is_damaged);
	else if (a->weight > t->weight || a->to_testers)
		CHECK(t->next.addresses_count > 0 && count_serving(h, &t->next) == (int)t->next.addresses_count);
	else if (a->weight < t->weight)
		CHECK(t->stable.addresses_count > 0 && count_serving(h, &t->stable) == (int)t->stable.addresses_count);
}

static inline const struct good *good_of(struct host *h, const char *service)
{
	for (size_t i = 0; i < h->world->goods_count; i++)
		if (strcmp(h->world->goods[i].service, service) == 0)
			return &h->world->goods[i];
	return NULL;
}

/* The way back goes by what the good one says. */
static inline bool is_exclusive(struct host *h, const struct desired *d, const char *service)
{
	const struct service *s = wanted_in(d, service);
	const struct good *good = good_of(h, service);
	return !s || s->strategy == STRATEGY_IN_PLACE || (good && good->spec && good->spec->strategy == STRATEGY_IN_PLACE);
}

static inline void check_port(struct host *h, const struct side *side, int port)
{
	for (size_t i = 0; i < h->world->instances_count; i++) {
		const struct instance *in = &h->world->instances[i];
		CHECK(!side_has(side, in->address) || !in->ports.count || ports_have(&in->ports, port));
	}
}

static inline void check_publish(struct host *h, const struct desired *d, const struct action *a)
{
	/* What was proven at one port is not asked at another one. */
	for (size_t i = 0; i < a->topology->routes_count; i++) {
		const struct route *r = &a->topology->routes[i];
		const struct traffic *t = traffic_in(a->topology, r->service);
		if (t && r->transport != TRANSPORT_UDP)
			check_port(h, &t->stable, r->port);
		if (t && r->transport != TRANSPORT_UDP)
			check_port(h, &t->next, r->next_port ? r->next_port : r->port);
	}
	for (size_t i = 0; i < a->topology->services_count; i++) {
		const struct traffic *t = &a->topology->services[i], *was = traffic_of(h, t->service);
		const struct service *s = wanted_in(d, t->service);
		int weight = was && strcmp(was->rollout, t->rollout) == 0 ? was->weight : 0;
		if (s && s->is_routed && !is_exclusive(h, d, t->service) && was && is_served(h, was, was->weight))
			CHECK(is_served(h, t, weight));
		/* What is new in the list is proven. */
		const struct side *sides[] = {&t->stable, &t->next};
		for (size_t k = 0; k < ARRAY_LEN(sides); k++)
			for (size_t n = 0; n < sides[k]->addresses_count; n++) {
				struct side one = {.addresses = &sides[k]->addresses[n], .addresses_count = 1};
				CHECK(is_listed(h, one.addresses[0]) || count_serving(h, &one) == 1);
			}
	}
}

/* All of the new revision beside all of the old one. */
static inline bool runs_both(const struct service *s)
{
	return s->strategy == STRATEGY_BLUE_GREEN || s->strategy == STRATEGY_CANARY;
}

/* By an operator. */
static inline bool is_on_pause(const struct host *h, const char *service)
{
	for (size_t i = 0; i < h->world->orders_count; i++) {
		const struct order *o = &h->world->orders[i];
		if (o->kind == ORDER_PAUSE && (!*o->service || strcmp(o->service, service) == 0))
			return true;
	}
	return false;
}

/* Is there one of another revision of its service? */
static inline bool has_another(const struct host *h, const struct action *a)
{
	for (size_t i = 0; i < h->world->instances_count; i++)
		if (strcmp(h->world->instances[i].service, a->service) == 0 && strcmp(h->world->instances[i].revision, a->revision) != 0)
			return true;
	return false;
}

static inline void check_start(struct host *h, const struct desired *d, const struct action *a)
{
	const struct service *s = wanted_in(d, a->service);
	const struct good *good = good_of(h, a->service);
	/* Of what was never good, or is forgotten, nobody knows how many there were, nor how another came in beside it. */
	if (!s || (!good && has_another(h, a)))
		return;
	/* The way back goes by what the good one says. */
	const struct service *back = good && good->spec ? good->spec : s;
	if (runs_both(s) || runs_both(back))
		return;
	bool is_rolling = s->strategy == STRATEGY_ROLLING || back->strategy == STRATEGY_ROLLING;
	/* On pause what has requests is looked after on both sides, whatever else is up: nothing of that goes now. */
	bool is_paused = a->instance->state == INSTANCE_PAUSED ||
	                 (is_on_pause(h, a->service) && is_listed(h, a->instance->address));
	int most = back->replicas > s->replicas ? back->replicas : s->replicas;
	/* What was taken off its network by hand goes only when another one serves in its place. */
	for (size_t i = 0; is_rolling && i < h->world->instances_count; i++)
		most += strcmp(h->world->instances[i].service, a->service) == 0 && !*h->world->instances[i].address;
	int batch = back->batch > s->batch ? back->batch : s->batch;
	if (is_rolling)
		most += batch > back->back_batch ? batch : back->back_batch;
	CHECK(is_paused || count_up_of(h, a->service) < most);
}

static inline int count_lines(const char *log, const char *part)
{
	int n = 0;
	for (const char *at = strstr(log, part); at; at = strstr(at + 1, part))
		n++;
	return n;
}

/* Has it the name somewhere where it could be without? */
static inline bool has_alias_that_moves(const struct instance *i)
{
	for (size_t k = 0; k < i->endpoints_count; k++)
		if (i->endpoints[k].has_alias && *i->endpoints[k].address)
			return true;
	return false;
}

/* Does another running instance, of another revision than `revision` (NULL: of any), have the service's name? */
static inline bool is_named_beside(struct host *h, const char *service, const struct instance *i, const char *revision)
{
	for (size_t k = 0; k < h->world->instances_count; k++) {
		const struct instance *other = &h->world->instances[k];
		if (strcmp(other->service, service) == 0 && (!i || strcmp(other->id, i->id) != 0) &&
		    other->state == INSTANCE_RUNNING && instance_has_name(other) && !(revision && strcmp(other->revision, revision) == 0))
			return true;
	}
	return false;
}

/* The names that other containers know: to nothing unproven beside what is proven, and never to nobody. */
static inline void check_names(struct host *h, const struct desired *d, const struct action *a)
{
	const struct instance *i = a->instance ? find_instance(h, a->instance->name) : NULL;
	if (!a->service || is_exclusive(h, d, a->service))
		return;
	for (size_t k = 0; a->kind == ACTION_CREATE && k < a->endpoints_count; k++)
		CHECK(!(*a->endpoints[k].address && a->endpoints[k].has_alias && is_named_beside(h, a->service, NULL, a->revision)));
	if (!i)
		return;
	if (a->kind == ACTION_START)
		CHECK(!(has_alias_that_moves(i) && is_named_beside(h, a->service, i, i->revision)));
	if (a->kind == ACTION_ALIAS)
		CHECK(is_serving(i));
	if (a->kind == ACTION_UNALIAS && i->state == INSTANCE_RUNNING)
		CHECK(is_named_beside(h, a->service, i, NULL));
	if (a->kind == ACTION_STOP && i->state == INSTANCE_RUNNING)
		CHECK(!(has_alias_that_moves(i) && is_named_beside(h, a->service, i, NULL)));
}

/* What is not ours is never named, and what holds something finds a place for it: in memory, or in other swap. */
static inline void check_swap(struct host *h, const struct action *a)
{
	int64_t room = h->world->host.memory_available_bytes, used = 0;
	for (size_t i = 0; i < h->world->host.swaps_count; i++) {
		const struct swap_file *f = &h->world->host.swaps[i];
		bool is_named = strcmp(f->path, a->swap->file) == 0;
		CHECK(!is_named || !f->is_there || f->is_ours);
		CHECK(!is_named || a->kind != ACTION_SWAP_MAKE || !f->is_active);
		used += is_named ? f->used_bytes : 0;
		room += !is_named && f->is_active ? f->swap_bytes - f->used_bytes : 0;
	}
	CHECK(a->kind != ACTION_SWAP_OFF || used <= room);
}

/* The host's own address is that of whoever runs; every other one belongs to its instance, also while that is down. */
static inline bool has_address(const struct instance *i, const char *address)
{
	return strcmp(i->address, address) == 0 && (strcmp(address, ADDRESS_OF_HOST) != 0 || i->state == INSTANCE_RUNNING);
}

static inline void check_action(struct host *h, const struct desired *d, const struct action *a)
{
	if (action_info(a->kind)->room == ROOM_HOST && a->kind != ACTION_SWAPPINESS)
		check_swap(h, a);
	/* What serves is listed; and check_publish lets nothing go that serves before something else does. */
	if ((a->kind == ACTION_STOP || a->kind == ACTION_REMOVE) && has_address(a->instance, a->instance->address))
		CHECK(!is_listed(h, a->instance->address));
	/* No image that any service of Git or its way back needs. */
	for (size_t i = 0; a->kind == ACTION_DROP && i < h->world->goods_count; i++)
		CHECK(!wanted_in(d, h->world->goods[i].service) ||
		      strcmp(h->world->goods[i].spec->image, a->image->image) != 0);
	for (size_t i = 0; a->kind == ACTION_DROP && i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++)
			CHECK(strcmp(d->projects[i].services[k].image, a->image->image) != 0);
	check_names(h, d, a);
	if (a->kind == ACTION_REMOVE)
		CHECK(a->instance->state != INSTANCE_RUNNING);
	if (a->kind == ACTION_WEIGHT)
		check_weight(h, a);
	if (a->kind == ACTION_PUBLISH)
		check_publish(h, d, a);
	if (a->kind == ACTION_START)
		check_start(h, d, a);
	if (a->kind == ACTION_CREATE)
		for (size_t i = 0; i < h->world->instances_count; i++)
			CHECK(strcmp(h->world->instances[i].name, a->name) != 0);
	if (a->kind == ACTION_CREATE && a->address) {
		CHECK(!is_listed(h, a->address));
		for (size_t i = 0; i < h->world->instances_count; i++)
			CHECK(!has_address(&h->world->instances[i], a->address));
	}
	if (a->kind == ACTION_CREATE || a->kind == ACTION_START || a->kind == ACTION_PULL)
		for (size_t i = 0; i < h->world->quarantines_count; i++)
			CHECK(strcmp(h->world->quarantines[i].service, a->service) != 0 ||
			      strcmp(h->world->quarantines[i].revision, a->revision) != 0);
}

/* What is PROGRESSING moves by itself: through an action of this decision, or a time that it names. */
static inline void check_decision(const struct decision *d)
{
	for (size_t i = 0; i < d->services_count; i++) {
		const struct status *s = &d->services[i];
		bool moves_or_waits = s->phase != PHASE_PROGRESSING || d->actions_count > 0 || d->wait_until_ms > 0;
		if (!moves_or_waits && !check_quietly)
			fprintf(stderr, "%s stalls: %s\n", s->service, s->reason);
		CHECK(moves_or_waits);
		CHECK(s->phase == PHASE_SETTLED || s->reason);
	}
}

/* ---- Runs ---- */

static inline void trace(struct host *h, const char *sign, const struct action *a)
{
	buf_printf(&h->trace, "%8.2f %s ", (double)(h->world->now_ms - 1700000000000) / 1000, sign);
	action_print(&h->trace, a);
	buf_puts(&h->trace, "\n");
}

/* Gone from its network, and not back again. */
static inline void lose_network(struct host *h, struct instance *i)
{
	struct endpoint *places = arena_alloc(&h->arena, (i->endpoints_count + 1) * sizeof *places);
	for (size_t k = 0; k < i->endpoints_count; k++) {
		places[k] = i->endpoints[k];
		places[k].is_there = places[k].has_alias = false;
	}
	i->endpoints = places;
}

static inline void take(struct host *h, const struct desired *d, const struct action *a)
{
	struct err e;
	int64_t began_ms = h->world->now_ms;
	check_action(h, d, a);
	if (h->fails && h->fails(h, a, &e)) {
		trace(h, "!", a);
		h->world->now_ms += 10;
		if (a->kind == ACTION_ALIAS || a->kind == ACTION_UNALIAS)
			lose_network(h, find_instance(h, a->instance->name));
		if (a->service || a->kind == ACTION_PUBLISH || action_info(a->kind)->room == ROOM_HOST)
			failures_add(&h->failures, &h->arena, a, &e, began_ms, h->world->now_ms);
		return;
	}
	CLEANUP(buf_done) struct buf text = BUF_INIT(4096);
	action_print(&text, a);
	size_t used = strlen(h->log);
	snprintf(h->log + used, sizeof h->log - used, "%s\n", text.text);
	trace(h, " ", a);
	model_apply(h->world, a, &h->arena);
	if (a->service)
		failures_forget(&h->failures, a);
	behave(h);
}

/* What one run read from Git: a tree of its own, as the real one has. */
static inline const struct desired *snapshot(struct host *h)
{
	struct desired *d = arena_alloc(&h->arena, sizeof *d);
	*d = h->desired;
	d->projects = arena_alloc(&h->arena, d->projects_count * sizeof *d->projects);
	for (size_t i = 0; i < d->projects_count; i++) {
		struct project *p = &d->projects[i];
		*p = h->desired.projects[i];
		struct service *services = arena_alloc(&h->arena, p->services_count * sizeof *services);
		if (p->services_count)
			memcpy(services, p->services, p->services_count * sizeof *services);
		p->services = services;
	}
	return d;
}

/* One run of the tool: until there is nothing to do and nothing that it waits for; at most `rounds` decisions. */
static inline void run_rounds(struct host *h, int rounds)
{
	h->log[0] = 0;
	h->did_not_rest = h->was_killed = false;
	h->world->run_started_ms = h->world->now_ms;
	h->failures = (struct failures){0};
	const struct desired *desired = snapshot(h);
	int acted = 0;
	forget_smoke(h->world);
	for (int round = 0; round < rounds && acted < 300; round++) {
		h->world->failures = h->failures.items;
		h->world->failures_count = h->failures.count;
		ask_smoke(h, desired);
		decide(desired, world_copy(&h->arena, h->world), &h->arena, &h->last);
		check_decision(&h->last);
		if (h->last.actions_count == 0 && !h->last.wait_until_ms)
			return;
		for (int order = 0; order < ACTION_ORDERS; order++)
			for (size_t i = 0; i < h->last.actions_count; i++)
				if (action_order(&h->last.actions[i]) == order) {
					take(h, desired, &h->last.actions[i]);
					h->was_killed = h->stop_after && --h->stop_after == 0;
					if (h->was_killed)
						return;
				}
		acted += h->last.actions_count > 0;
		if (h->last.actions_count == 0 && h->last.wait_until_ms > h->world->now_ms)
			h->world->now_ms = h->last.wait_until_ms;
	}
	h->did_not_rest = true;
}

static inline void run(struct host *h)
{
	run_rounds(h, 3000);
	CHECK(!h->did_not_rest);
}

static inline enum phase phase_of(struct host *h, const char *service)
{
	for (size_t i = 0; i < h->last.services_count; i++)
		if (strcmp(h->last.services[i].service, service) == 0)
			return h->last.services[i].phase;
	return PHASE_COUNT;
}

static inline void nothing_left(struct host *h)
{
	run(h);
	CHECK_STR(h->log, "");
}

#endif
