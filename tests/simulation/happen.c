/*
 * What may happen, one row for each. The one thing to know: a step brings its own numbers, and takes from the world only
 * how many there are to choose from; nothing here is drawn while it is played.
 */
#include "happen.h"

static struct project *shop(struct simulation *s)
{
	return &s->host.desired.projects[0];
}

static struct service *chosen(struct simulation *s, const struct step *step)
{
	struct project *p = shop(s);
	return p->services_count ? &p->services[step->who % p->services_count] : NULL;
}

static struct instance *chosen_instance(struct simulation *s, const struct step *step)
{
	size_t ours = 0, n = 0;
	for (size_t i = 0; i < s->real->instances_count; i++)
		ours += is_ours(&s->real->instances[i]);
	for (size_t i = 0; i < s->real->instances_count; i++)
		if (is_ours(&s->real->instances[i]) && n++ == step->who % ours)
			return &s->real->instances[i];
	return NULL;
}

/* ---- Git ---- */

static void committed(struct simulation *s, const struct service *who, const char *what)
{
	s->is_git_newer = true;
	s->is_manifest_broken = s->is_manifest_empty = false;
	say(s, "* a commit: %s %s", who ? who->name : "shop", what);
}

static void upgrade(struct simulation *s, const struct step *step)
{
	static const char *const images[IMAGES_COUNT] = {"app:1", "app:2", "app:3"};
	struct service *one = chosen(s, step);
	if (!one)
		return;
	set_image(&s->host, one, images[step->how % IMAGES_COUNT]);
	committed(s, one, one->image);
}

static void scale(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	if (!one || one->is_job)
		return;
	one->replicas = 1 + (int)(step->how % 4);
	committed(s, one, arena_printf(&s->host.arena, "to %d replicas", one->replicas));
}

static void change_memory(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	if (!one)
		return;
	own_values(&s->host, one)[2] = value_int((int64_t)(1 + step->how % 3) << 26);
	committed(s, one, "memory");
}

static void change_timing(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	if (!one)
		return;
	one->hold_ms = step->how % 3 ? 5000 : 0;
	one->keep_old_ms = step->size % 2 ? 30000 : 0;
	one->batch = 1 + (int)(step->size / 2 % 2);
	committed(s, one, "hold, keep_old, batch");
}

static void change_strategy(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	if (!one || one->is_job)
		return;
	one->strategy = (enum strategy)(step->how % STRATEGY_COUNT);
	committed(s, one, strategy_names[one->strategy]);
}

static void change_route(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	struct desired *d = &s->host.desired;
	if (!one || one->is_job)
		return;
	one->is_routed = !one->is_routed;
	for (size_t i = 0; i < d->routes_count; i++)
		if (strcmp(d->routes[i].service, one->name) == 0)
			d->routes[i--] = d->routes[--d->routes_count];
	if (one->is_routed)
		add_route(&s->host, one->name);
	committed(s, one, one->is_routed ? "gets a route" : "has no route any more");
}

/* One that others depend on cannot leave: such a manifest is an error. */
static void service_leaves(struct simulation *s, const struct step *step)
{
	struct project *p = shop(s);
	struct service *one = chosen(s, step);
	if (!one || p->services_count < 2)
		return;
	for (size_t i = 0; i < p->services_count; i++)
		for (size_t k = 0; k < p->services[i].dependencies_count; k++)
			if (strcmp(p->services[i].dependencies[k].service, one->name) == 0)
				return;
	struct desired *d = &s->host.desired;
	struct service gone = *one;
	for (size_t i = 0; i < d->routes_count; i++)
		if (strcmp(d->routes[i].service, gone.name) == 0)
			d->routes[i--] = d->routes[--d->routes_count];
	/* In their order: dependencies come first. */
	memmove(one, one + 1, (size_t)(p->services + p->services_count - one - 1) * sizeof *one);
	p->services_count--;
	s->left[service_index(gone.name)] = gone;
	s->has_left[service_index(gone.name)] = true;
	committed(s, &gone, "leaves");
}

static void service_comes_back(struct simulation *s, const struct step *step)
{
	int index = (int)(step->who % SERVICES_MAX);
	struct project *p = shop(s);
	if (!s->has_left[index])
		return;
	struct service back = s->left[index];
	for (size_t k = 0; k < back.dependencies_count; k++)
		if (!desired_service(&s->host.desired, "shop", back.dependencies[k].service))
			return;
	s->has_left[index] = false;
	*ARENA_PUSH(&s->host.arena, p->services, p->services_count) = back;
	if (back.is_routed)
		add_route(&s->host, back.name);
	committed(s, &back, "comes back");
}

static void manifest_breaks(struct simulation *s, const struct step *step)
{
	committed(s, NULL, step->how % 2 ? "with a manifest that is wrong" : "without any service");
	s->is_manifest_broken = step->how % 2;
	s->is_manifest_empty = !s->is_manifest_broken;
}

static void manifest_is_mended(struct simulation *s, const struct step *step)
{
	(void)step;
	if (s->is_manifest_broken || s->is_manifest_empty)
		committed(s, NULL, "is mended");
}

/* ---- Revisions and instances ---- */

static void revision_misbehaves(struct simulation *s, const struct step *step)
{
	unsigned who = step->who % (unsigned)s->schedule->services, image = step->size % IMAGES_COUNT;
	s->behaviours[who][image] = (enum behaviour)(step->how % BEHAVIOUR_COUNT);
	s->sick_after_ms = 200 + (step->size / IMAGES_COUNT) % 40 * 250;
	say(s, "* %s app:%u %s (after %dms)", service_names[who], image + 1, behaviour_names[s->behaviours[who][image]],
	    (int)s->sick_after_ms);
}

/* Two revisions that fail alike are the outage of something that they share. */
static void requests_change(struct simulation *s, const struct step *step)
{
	unsigned who = step->who % (unsigned)s->schedule->services, image = step->size % IMAGES_COUNT;
	bool *is_failing = s->is_failing[who];
	switch (step->how % 4) {
	case 0: s->is_silent[who] = !s->is_silent[who]; break;
	case 1: is_failing[0] = is_failing[1] = is_failing[2] = step->size % 2; break;
	default: is_failing[image] = !is_failing[image]; break;
	}
	say(s, "* %s: %s, of app:1, 2, 3 fail: %d %d %d", service_names[who], s->is_silent[who] ? "nobody asks for anything" :
	    "has requests", is_failing[0], is_failing[1], is_failing[2]);
}

static void instance_is_killed(struct simulation *s, const struct step *step)
{
	struct instance *i = chosen_instance(s, step);
	if (!i || i->state != INSTANCE_RUNNING)
		return;
	say(s, "* %s is killed%s", i->name, step->how % 2 ? ": out of memory" : "");
	instance_ends(s, i, 137, step->how % 2, true);
}

static bool is_job(const struct simulation *s, const struct instance *i)
{
	return s->schedule->setups[service_index(i->service)].is_job;
}

/* docker stop, rm -f, pause, start, network disconnect, update; and what is half removed. */
static void hands_on_instance(struct simulation *s, const struct step *step)
{
	static const char *const words[] = {"stopped", "removed", "paused", "started", "taken off its network", "given less memory",
	                                    "half removed", "set to restart no"};
	struct instance *i = chosen_instance(s, step);
	struct world *w = s->real;
	unsigned how = step->how % ARRAY_LEN(words);
	if (!i || (how == 2 && i->state != INSTANCE_RUNNING) || (how == 3 && is_job(s, i)) || (how != 1 && i->state == INSTANCE_DEAD))
		return;
	say(s, "* by hand: %s is %s", i->name, words[how]);
	struct value *live = arena_alloc(&s->host.arena, ARRAY_LEN(rows) * sizeof *live);
	memcpy(live, i->live, ARRAY_LEN(rows) * sizeof *live);
	switch (how) {
	case 0: case 6:
		i->state = how ? INSTANCE_DEAD : INSTANCE_EXITED;
		i->exit_code = 143;
		i->is_passing = false;
		i->passing_since_ms = i->failing_since_ms = 0;
		break;
	case 1: *i = w->instances[--w->instances_count]; break;
	case 2: i->state = INSTANCE_PAUSED; break;
	case 3:
		if (i->state == INSTANCE_CREATED || i->state == INSTANCE_EXITED)
			i->started_ms = w->now_ms;
		i->state = INSTANCE_RUNNING;
		break;
	case 4: i->address = ""; break;
	case 5: live[2] = value_int(1 << 20); i->live = live; break;
	case 7: live[1] = value_string("no"); i->live = live; i->is_restart_off = true; break;
	}
}

/* ---- nginx ---- */

static void nginx_dies(struct simulation *s, const struct step *step)
{
	(void)step;
	struct nginx *n = &s->real->nginx;
	n->is_up = n->is_current = false;
	n->problem = "no master runs";
	n->draining_workers = 0;
	s->in_force = (struct topology){0};
	say(s, "* nginx is killed");
}

/* It reads what is installed. */
static void nginx_comes_back(struct simulation *s, const struct step *step)
{
	(void)step;
	struct nginx *n = &s->real->nginx;
	if (n->is_up)
		return;
	n->is_up = n->is_current = true;
	n->problem = "";
	s->in_force = world_copy(&s->host.arena, s->real)->nginx.topology;
	say(s, "* nginx is started");
}

static void hands_on_nginx(struct simulation *s, const struct step *step)
{
	struct nginx *n = &s->real->nginx;
	static const char *const words[] = {"its configuration is changed", "its files are gone", "its flags are gone",
	                                    "a close flag is left behind"};
	unsigned how = step->how % ARRAY_LEN(words);
	say(s, "* nginx: %s", words[how]);
	switch (how) {
	case 0: n->is_current = false; break;
	case 1: n->topology = (struct topology){0}; n->is_current = false; break;
	case 2:
		for (size_t i = 0; i < n->topology.services_count; i++)
			n->topology.services[i].weight = 0;
		break;
	case 3: n->is_announcing = true; break;
	}
}

static void configurations_are_refused(struct simulation *s, const struct step *step)
{
	s->refusals = 1 + (int)(step->how % 3);
	say(s, "* nginx will refuse %d configurations", s->refusals);
}

static void clients_linger(struct simulation *s, const struct step *step)
{
	static const int64_t how_long[] = {0, 100, 2000, 30000, 1000000000};
	s->linger_ms = how_long[step->how % ARRAY_LEN(how_long)];
	say(s, "* clients stay for %dms", (int)s->linger_ms);
}

/* ---- The engine, the host, the disk, the tool ---- */

static void engine_restarts(struct simulation *s, const struct step *step)
{
	say(s, "* dockerd restarts");
	s->real->now_ms += 1000 + step->size % 8000;
	host_reboots(s, false);
}

static void host_is_rebooted(struct simulation *s, const struct step *step)
{
	say(s, "* the host reboots");
	s->real->now_ms += 20000 + step->size % 8000;
	host_reboots(s, true);
	s->is_dead = true;
}

static void tool_is_killed(struct simulation *s, const struct step *step)
{
	(void)step;
	say(s, "* the tool is killed");
	s->is_dead = true;
}

static void actions_go_wrong(struct simulation *s, const struct step *step)
{
	static const enum err_kind kinds[] = {ERR_TRANSIENT, ERR_UNREACHABLE, ERR_CONFLICT, ERR_INVALID, ERR_INTERNAL, ERR_TRANSIENT};
	s->fate = (enum fate)(1 + step->how % (FATE_COUNT - 1));
	s->fate_kind = kinds[step->size % ARRAY_LEN(kinds)];
	s->fated = s->fate >= FATE_DIES_BEFORE ? 1 : 1 + (int)(step->size / 8 % 6);
	say(s, "* %d actions will be: %s (%s)", s->fated, fate_names[s->fate], err_info(s->fate_kind)->name);
}

static void registry_fails(struct simulation *s, const struct step *step)
{
	static const enum err_kind kinds[] = {ERR_TRANSIENT, ERR_TRANSIENT, ERR_NOT_FOUND, ERR_DENIED, ERR_SETUP};
	s->pulls_failing = 1 + (int)(step->how % 5);
	s->pull_kind = kinds[step->size % ARRAY_LEN(kinds)];
	say(s, "* %d pulls will fail (%s)", s->pulls_failing, err_info(s->pull_kind)->name);
}

static void disk_fills(struct simulation *s, const struct step *step)
{
	s->is_disk_full = step->how % 2;
	say(s, "* the disk %s", s->is_disk_full ? "is full" : "has room");
}

static void notes_are_lost(struct simulation *s, const struct step *step)
{
	s->is_copy_lost[step->how % 2] = true;
	say(s, "* copy %c of the notes is lost", 'A' + (int)(step->how % 2));
}

static void hands_on_engine(struct simulation *s, const struct step *step)
{
	struct world *w = s->real;
	if (step->how % 2) {
		say(s, "* by hand: networks are removed");
		w->networks_count = 1; /* but not somebody else's */
	} else if (w->images_count > 0) {
		struct image *image = &w->images[step->size % w->images_count];
		say(s, "* by hand: image %s is removed", image->name);
		*image = w->images[w->images_count - 1];
		w->images_count--;
	}
}

static void idles(struct simulation *s, const struct step *step)
{
	s->real->now_ms += (int64_t)(step->size % 60) * 1000;
	say(s, "* %u seconds go by", step->size % 60);
}

/* ---- Operators ---- */

/* `service` NULL: whoever it is about. */
static void forget_orders(struct simulation *s, enum order_kind kind, const char *service)
{
	struct world *w = s->real;
	for (size_t i = 0; i < w->orders_count; i++)
		if (w->orders[i].kind == kind && (!service || strcmp(w->orders[i].service, service) == 0))
			w->orders[i--] = w->orders[--w->orders_count];
}

/* The newest of a kind takes the place of the one before. */
static void give_order(struct simulation *s, enum order_kind kind, const struct service *one)
{
	forget_orders(s, kind, one->name);
	*ARENA_PUSH(&s->host.arena, s->real->orders, s->real->orders_count) = (struct order){
		.kind = kind, .project = "shop", .service = one->name,
		.revision = kind == ORDER_PAUSE ? "" : arena_strdup(&s->host.arena, one->revision), .weight = PERMILLE, .reason = ""};
}

static void retries(struct simulation *s, const struct step *step)
{
	struct world *w = s->real;
	const char *only = step->how % 2 ? service_names[step->who % (unsigned)s->schedule->services] : NULL;
	if (s->is_disk_full)
		return;
	say(s, "* reconcile retry %s", only ? only : "");
	size_t kept = 0;
	for (size_t i = 0; i < w->quarantines_count; i++)
		if (only && strcmp(w->quarantines[i].service, only) != 0)
			w->quarantines[kept++] = w->quarantines[i];
	w->quarantines_count = s->quarantines_written = kept;
	w->are_notes_lost = s->is_copy_lost[0] = s->is_copy_lost[1] = false;
	forget_orders(s, ORDER_ABORT, only);
}

/* Promote and abort are about what Git asks for now; pause and resume about the service. */
static void orders(struct simulation *s, const struct step *step)
{
	static const char *const words[] = {"promote", "abort", "pause", "resume"};
	const struct service *one = chosen(s, step);
	unsigned how = step->how % ARRAY_LEN(words);
	if (!one)
		return;
	say(s, "* reconcile %s %s", words[how], one->name);
	if (how == ORDER_KIND_COUNT)
		forget_orders(s, ORDER_PAUSE, one->name);
	else
		give_order(s, (enum order_kind)how, one);
}

void operator_lets_go(struct simulation *s)
{
	const struct step all = {0};
	const struct project *p = shop(s);
	retries(s, &all);
	forget_orders(s, ORDER_PAUSE, NULL);
	for (size_t i = 0; i < p->services_count; i++)
		give_order(s, ORDER_PROMOTE, &p->services[i]);
}

const struct happening happenings[] = {
	{"upgrade", KIND_GIT, 24, upgrade},
	{"scale", KIND_GIT, 6, scale},
	{"memory", KIND_GIT, 4, change_memory},
	{"timing", KIND_GIT, 4, change_timing},
	{"strategy", KIND_GIT, 3, change_strategy},
	{"route", KIND_GIT, 3, change_route},
	{"service leaves", KIND_GIT, 3, service_leaves},
	{"service comes back", KIND_GIT, 6, service_comes_back},
	{"manifest breaks", KIND_GIT, 2, manifest_breaks},
	{"manifest is mended", KIND_GIT, 4, manifest_is_mended},
	{"a revision's behaviour", KIND_FAULT, 16, revision_misbehaves},
	{"what becomes of requests", KIND_FAULT, 14, requests_change},
	{"instance killed", KIND_FAULT, 6, instance_is_killed},
	{"hands on an instance", KIND_FAULT, 10, hands_on_instance},
	{"hands on the engine", KIND_FAULT, 3, hands_on_engine},
	{"nginx killed", KIND_FAULT, 3, nginx_dies},
	{"nginx started", KIND_FAULT, 6, nginx_comes_back},
	{"hands on nginx", KIND_FAULT, 4, hands_on_nginx},
	{"configuration refused", KIND_FAULT, 3, configurations_are_refused},
	{"clients linger", KIND_FAULT, 4, clients_linger},
	{"dockerd restarts", KIND_FAULT, 4, engine_restarts},
	{"host reboots", KIND_FAULT, 3, host_is_rebooted},
	{"tool killed", KIND_FAULT, 10, tool_is_killed},
	{"actions go wrong", KIND_FAULT, 20, actions_go_wrong},
	{"pulls fail", KIND_FAULT, 4, registry_fails},
	{"disk full, or not", KIND_FAULT, 4, disk_fills},
	{"a copy of the notes lost", KIND_FAULT, 3, notes_are_lost},
	{"time goes by", KIND_FAULT, 6, idles},
	{"retry", KIND_OPERATOR, 8, retries},
	{"promote, abort, pause, resume", KIND_OPERATOR, 10, orders},
};
const unsigned happenings_count = ARRAY_LEN(happenings);

void trouble_ends(struct simulation *s, int but)
{
	const struct step none = {0};
	for (int i = 0; i < SERVICES_MAX; i++)
		for (int k = 0; i != but && k < IMAGES_COUNT; k++)
			s->behaviours[i][k] = BEHAVES;
	memset(s->is_failing, 0, sizeof s->is_failing);
	memset(s->is_silent, 0, sizeof s->is_silent);
	s->fated = s->pulls_failing = s->refusals = 0;
	s->is_disk_full = false;
	manifest_is_mended(s, &none);
	nginx_comes_back(s, &none);
}
