/*
 * What may happen, one row for each. The one thing to know: a step brings its own numbers, and takes from the world only
 * how many there are to choose from; nothing here is drawn while it is played.
 */
#include "happen.h"

static struct project *project_of(struct simulation *s, const struct service *one)
{
	struct desired *d = &s->host.desired;
	return strcmp(d->projects[0].name, one->project) == 0 ? &d->projects[0] : &d->projects[1];
}

/* NULL: Git has none, which no schedule brings about. */
static struct service *chosen(struct simulation *s, const struct step *step)
{
	struct desired *d = &s->host.desired;
	size_t first = d->projects[0].services_count, all = first + d->projects[1].services_count;
	size_t at = all ? step->who % all : 0;
	return !all ? NULL : at < first ? &d->projects[0].services[at] : &d->projects[1].services[at - first];
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
	size_t project = (size_t)(project_of(s, who) - s->host.desired.projects);
	s->is_git_newer = true;
	s->is_manifest_broken[project] = s->is_manifest_empty[project] = false;
	say(s, "* a commit: %s/%s %s", who->project, who->name, what);
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

/* The image that was good before the one that Git asks for. */
static bool go_back(struct simulation *s, struct service *one)
{
	for (size_t i = s->judged_count; i-- > 0;) {
		const struct judged *j = &s->judged[i];
		const char *image = j->revision + strlen("rev-"); /* and its ports, which stay as they are */
		if (!j->is_good || strcmp(j->service, one->name) != 0 || strncmp(image, one->image, strlen(one->image)) == 0)
			continue;
		set_image(&s->host, one, arena_strndup(&s->host.arena, image, strlen(one->image)));
		committed(s, one, arena_printf(&s->host.arena, "back to %s", one->image));
		return true;
	}
	return false;
}

static void revert(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	if (one)
		go_back(s, one);
}

bool all_go_back(struct simulation *s)
{
	struct desired *d = &s->host.desired;
	bool is_any = false;
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++)
			is_any |= go_back(s, &d->projects[i].services[k]);
	return is_any;
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
	one->rollback_window = (int)(step->size / 4 % 4);
	if (s->schedule->has_options)
		one->pause_after = (int)(step->size / 16 % 8 < 3 ? step->size / 16 % 8 : 0);
	committed(s, one, "hold, keep_old, batch, window, pause");
}

static void change_strategy(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	if (!one || one->is_job)
		return;
	bool had_shares = one->strategy != STRATEGY_BLUE_GREEN;
	one->strategy = (enum strategy)(step->how % STRATEGY_COUNT);
	if (had_shares != (one->strategy != STRATEGY_BLUE_GREEN))
		settle_steps(s, one);
	one->analysis.is_on = is_analysed(&s->schedule->setups[service_index(one->name)], one->strategy);
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
		add_route_at(&s->host, one->name, step->size % 2 ? 9090 : 8080);
	settle_ports(&s->host, one);
	committed(s, one, one->is_routed ? "gets a route" : "has no route any more");
}

/* To another port, with another image or alone. */
static void change_port(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	struct desired *d = &s->host.desired;
	if (!one || !one->is_routed)
		return;
	for (size_t i = 0; i < d->routes_count; i++)
		if (strcmp(d->routes[i].service, one->name) == 0)
			d->routes[i].port = d->routes[i].port == 8080 ? 9090 : 8080;
	if (step->how % 2)
		upgrade(s, step);
	settle_ports(&s->host, one);
	committed(s, one, "is reached at another port");
}

/* One that others depend on cannot leave: such a manifest is an error. */
static void service_leaves(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	struct project *p = one ? project_of(s, one) : NULL;
	if (!p || p->services_count < 2)
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
	if (!s->has_left[index])
		return;
	struct service back = s->left[index];
	struct project *p = project_of(s, &back);
	for (size_t k = 0; k < back.dependencies_count; k++)
		if (!wanted_in(&s->host.desired, back.dependencies[k].service))
			return;
	s->has_left[index] = false;
	*ARENA_PUSH(&s->host.arena, p->services, p->services_count) = back;
	if (back.is_routed)
		add_route(&s->host, back.name);
	committed(s, &back, "comes back");
}

static void manifest_breaks(struct simulation *s, const struct step *step)
{
	size_t project = step->who % PROJECTS_MAX;
	bool is_empty = step->how % 2;
	s->is_git_newer = true;
	s->is_manifest_empty[project] = is_empty;
	s->is_manifest_broken[project] = !is_empty;
	say(s, "* a commit: %s %s", project_names[project], is_empty ? "without any service" : "with a manifest that is wrong");
}

static void manifests_are_mended(struct simulation *s, const struct step *step)
{
	(void)step;
	s->is_git_newer = true;
	for (int i = 0; i < PROJECTS_MAX; i++)
		s->is_manifest_broken[i] = s->is_manifest_empty[i] = false;
	say(s, "* a commit: the manifests are mended");
}

/* Other shares for the steps of a canary, with or without the one in the dark or testers, and another one for its way in. */
static void change_weights(struct simulation *s, const struct step *step)
{
	struct service *one = chosen(s, step);
	struct desired *d = &s->host.desired;
	if (!one)
		return;
	struct canary_step *steps = NULL;
	size_t count = 0, shares = 0;
	bool was_dark = one->steps_count && !one->steps[0].weight;
	bool is_dark = s->schedule->has_options && step->size / 90 % 4 == 0 ? !was_dark : was_dark;
	if (is_dark)
		*ARENA_PUSH(&s->host.arena, steps, count) = was_dark ? one->steps[0] : (struct canary_step){0, step->how % 2 ? 3000 : HOLD_MANUAL, 0};
	for (size_t i = was_dark; i < one->steps_count; i++)
		*ARENA_PUSH(&s->host.arena, steps, count) = (struct canary_step){(int)++shares * (int)(20 + step->how % 300), one->steps[i].hold_ms};
	one->steps = steps;
	one->steps_count = count;
	if (s->schedule->has_options && step->size / 360 % 4 == 0)
		let_testers(s, one, !one->has_testers);
	for (size_t i = 0; i < d->routes_count; i++)
		if (strcmp(d->routes[i].service, one->name) == 0)
			d->routes[i].weight = 10 + (int)(step->size % 90);
	committed(s, one, "weights");
}

static void change_atomic(struct simulation *s, const struct step *step)
{
	struct project *p = &s->host.desired.projects[step->who % PROJECTS_MAX];
	p->is_atomic = !p->is_atomic;
	s->is_git_newer = true;
	say(s, "* a commit: %s is %s", p->name, p->is_atomic ? "atomic" : "not atomic any more");
}

static void change_swap(struct simulation *s, const struct step *step)
{
	static const int64_t mib[] = {0, 64, 128, 256};
	struct swap_want *want = arena_alloc(&s->host.arena, sizeof *want);
	*want = (struct swap_want){.file = SWAP_FILE, .size_bytes = mib[step->how % ARRAY_LEN(mib)] << 20,
	                           .swappiness = step->size % 2 ? 10 : -1, .where = "shop/compose.yaml:20:11"};
	s->host.desired.projects[0].swap = want->size_bytes ? want : NULL;
	s->is_git_newer = true;
	say(s, "* a commit: %d MiB of swap", (int)(want->size_bytes >> 20));
}

/* ---- Revisions and instances ---- */

static void revision_misbehaves(struct simulation *s, const struct step *step)
{
	static const int64_t smoke[] = {0, 0, 0, 4000, SMOKE_FAILS};
	unsigned who = step->who % (unsigned)s->schedule->services, image = step->size % IMAGES_COUNT;
	s->behaviours[who][image] = (enum behaviour)(step->how % BEHAVIOUR_COUNT);
	s->sick_after_ms = 200 + (step->size / IMAGES_COUNT) % 40 * 250;
	s->smoke_after_ms[who][image] = smoke[step->size / IMAGES_COUNT / 40 % ARRAY_LEN(smoke)];
	say(s, "* %s app:%u %s (after %dms), its smoke test %s", service_names[who], image + 1,
	    behaviour_names[s->behaviours[who][image]], (int)s->sick_after_ms, !s->smoke_after_ms[who][image] ? "passes" :
	    s->smoke_after_ms[who][image] < SMOKE_FAILS ? "passes a little later" : "fails");
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

static void instance_dies(struct simulation *s, const struct step *step)
{
	struct instance *i = chosen_instance(s, step);
	if (!i || i->state != INSTANCE_RUNNING)
		return;
	if (step->how % 3 == 0) {
		say(s, "* %s hangs", i->name);
		s->hung_id = i->id;
		s->hung_since_ms = i->started_ms;
		return;
	}
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
		if (s->schedule->setups[service_index(i->service)].has_healthcheck)
			i->health = HEALTH_STARTING;
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
	static const char *const words[] = {"its configuration is changed", "its files are gone", "its flags are changed, or gone",
	                                    "a close flag is left behind"};
	unsigned how = step->how % ARRAY_LEN(words);
	say(s, "* nginx: %s", words[how]);
	switch (how) {
	case 0: n->is_current = false; break;
	case 1: n->topology = (struct topology){0}; n->is_current = false; break;
	case 2:
		for (size_t i = 0; i < n->topology.services_count; i++) {
			struct traffic *t = &n->topology.services[i];
			t->is_damaged = step->size % 2;
			t->weight = t->is_damaged ? t->weight : 0;
			t->to_testers = t->is_damaged && t->to_testers;
		}
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

/* Without live-restore the next one ends what still runs, and starts none of it again: not even unless-stopped. */
static void engine_is_killed(struct simulation *s, const struct step *step)
{
	static const int codes[] = {0, 137, 143, 255};
	struct world *w = s->real;
	say(s, "* dockerd is killed");
	w->now_ms += 1000 + step->size % 8000;
	host_reboots(s, false);
	for (size_t i = 0; i < w->instances_count; i++) {
		struct instance *in = &w->instances[i];
		if (in->state != INSTANCE_RUNNING || !is_ours(in))
			continue;
		in->state = INSTANCE_EXITED; /* and not started: it has the time of its start from before */
		in->exit_code = codes[step->how % ARRAY_LEN(codes)];
		in->started_ms = in->created_ms;
	}
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
	s->pull_after_ms = step->size % 3 ? 0 : (int64_t)(step->size % 100) * 1000;
	say(s, "* %d pulls will fail (%s)", s->pulls_failing, err_info(s->pull_kind)->name);
}

static void disk_fills(struct simulation *s, const struct step *step)
{
	s->is_disk_full = step->how % 2;
	say(s, "* the disk %s", s->is_disk_full ? "is full" : "has room");
}

/* Or somebody has begun new ones: nothing was ever good. */
static void notes_are_lost(struct simulation *s, const struct step *step)
{
	unsigned which = step->how % 4;
	if (which == 3) {
		forget_notes(s);
		say(s, "* the notes were begun anew");
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		s->is_copy_lost[i] |= which == i || which == 2;
	say(s, "* %s of the notes %s lost", which == 2 ? "both copies" : which ? "copy B" : "copy A", which == 2 ? "are" : "is");
}

static bool has_instances(const struct world *w, const char *project)
{
	for (size_t i = 0; i < w->instances_count; i++)
		if (strcmp(w->instances[i].project, project) == 0)
			return true;
	return false;
}

static void hands_on_engine(struct simulation *s, const struct step *step)
{
	struct world *w = s->real;
	if (step->how % 2) {
		size_t kept = 0; /* the engine lets go of none that somebody is on */
		for (size_t k = 0; k < w->networks_count; k++)
			if (has_instances(w, w->networks[k].project))
				w->networks[kept++] = w->networks[k];
		w->networks_count = kept;
		say(s, "* by hand: networks are removed");
	} else if (w->images_count > 0) {
		struct image *image = &w->images[step->size % w->images_count];
		say(s, "* by hand: image %s is removed", image->name);
		*image = w->images[w->images_count - 1];
		w->images_count--;
	}
}

static void memory_is_taken(struct simulation *s, const struct step *step)
{
	s->neighbours_bytes = s->memory_bytes * (int64_t)(step->how % 60) / 100;
	say(s, "* others take %d MiB of memory", (int)(s->neighbours_bytes >> 20));
}

/* swapoff, rm, chmod, an editor on /etc/fstab, sysctl. */
static void hands_on_swap(struct simulation *s, const struct step *step)
{
	static const char *const words[] = {"is off", "is removed", "has another mode", "has no line any more"};
	struct host_state *h = &s->real->host;
	unsigned how = step->how % (ARRAY_LEN(words) + 1);
	if (how == ARRAY_LEN(words)) {
		h->swappiness = 100;
		say(s, "* by hand: swappiness is 100");
	}
	for (size_t i = 0; how < ARRAY_LEN(words) && i < h->swaps_count; i++) {
		struct swap_file *f = &h->swaps[i];
		if (!f->is_ours)
			continue;
		say(s, "* by hand: %s %s", f->path, words[how]);
		switch (how) {
		case 1: *f = (struct swap_file){.path = f->path, .line = f->line}; break;
		case 2: f->mode = 0644; break;
		case 3: f->line = SWAP_LINE_NONE; break;
		default: f->is_active = false; f->used_bytes = 0; break;
		}
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

/* The newest of a kind takes the place of the one before. `until_ms` 0: until somebody says otherwise. */
static void give_order(struct simulation *s, enum order_kind kind, const struct service *one, int64_t until_ms)
{
	forget_orders(s, kind, one->name);
	if (kind == ORDER_ABORT)
		forget_orders(s, ORDER_PROMOTE, one->name);
	*ARENA_PUSH(&s->host.arena, s->real->orders, s->real->orders_count) = (struct order){
		.kind = kind, .project = one->project, .service = one->name, .until_ms = until_ms,
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
		else
			forget_orders(s, ORDER_PROMOTE, w->quarantines[i].service); /* another try begins with its first hold */
	w->quarantines_count = kept;
	w->are_notes_lost = false;
	notes_are_written(s);
	forget_orders(s, ORDER_ABORT, only);
}

/* Promote and abort are about what Git asks for now; pause and resume about the service. */
static void orders(struct simulation *s, const struct step *step)
{
	static const char *const words[] = {"promote", "abort", "pause", "resume"};
	static const unsigned often[] = {0, 0, 1, 2, 3, 3};
	const struct service *one = chosen(s, step);
	unsigned how = often[step->how % ARRAY_LEN(often)];
	if (!one)
		return;
	say(s, "* reconcile %s %s", words[how], one->name);
	if (how == ORDER_KIND_COUNT)
		forget_orders(s, ORDER_PAUSE, one->name);
	else
		give_order(s, (enum order_kind)how, one, how == ORDER_PAUSE && step->size % 2 ? s->real->now_ms + step->size % 90 * 1000 : 0);
}

void operator_lets_go(struct simulation *s)
{
	const struct step all = {0};
	const struct desired *d = &s->host.desired;
	retries(s, &all);
	forget_orders(s, ORDER_PAUSE, NULL);
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++)
			give_order(s, ORDER_PROMOTE, &d->projects[i].services[k], 0);
}

const struct happening happenings[] = {
	{"upgrade", KIND_GIT, 24, upgrade},
	{"revert", KIND_GIT, 12, revert},
	{"scale", KIND_GIT, 6, scale},
	{"memory", KIND_GIT, 4, change_memory},
	{"timing", KIND_GIT, 4, change_timing},
	{"strategy", KIND_GIT, 3, change_strategy},
	{"route", KIND_GIT, 3, change_route},
	{"port", KIND_GIT, 4, change_port},
	{"service leaves", KIND_GIT, 3, service_leaves},
	{"service comes back", KIND_GIT, 6, service_comes_back},
	{"manifest breaks", KIND_GIT, 2, manifest_breaks},
	{"manifests are mended", KIND_GIT, 4, manifests_are_mended},
	{"weights", KIND_GIT, 3, change_weights},
	{"atomic", KIND_GIT, 2, change_atomic},
	{"swap", KIND_GIT, 4, change_swap},
	{"a revision's behaviour", KIND_FAULT, 16, revision_misbehaves},
	{"what becomes of requests", KIND_FAULT, 14, requests_change},
	{"instance killed, or hangs", KIND_FAULT, 10, instance_dies},
	{"hands on an instance", KIND_FAULT, 10, hands_on_instance},
	{"hands on the engine", KIND_FAULT, 3, hands_on_engine},
	{"nginx killed", KIND_FAULT, 3, nginx_dies},
	{"nginx started", KIND_FAULT, 6, nginx_comes_back},
	{"hands on nginx", KIND_FAULT, 4, hands_on_nginx},
	{"configuration refused", KIND_FAULT, 3, configurations_are_refused},
	{"clients linger", KIND_FAULT, 4, clients_linger},
	{"dockerd restarts", KIND_FAULT, 4, engine_restarts},
	{"dockerd killed", KIND_FAULT, 3, engine_is_killed},
	{"host reboots", KIND_FAULT, 3, host_is_rebooted},
	{"tool killed", KIND_FAULT, 10, tool_is_killed},
	{"actions go wrong", KIND_FAULT, 20, actions_go_wrong},
	{"pulls fail", KIND_FAULT, 4, registry_fails},
	{"disk full, or not", KIND_FAULT, 4, disk_fills},
	{"notes lost", KIND_FAULT, 6, notes_are_lost},
	{"memory is taken", KIND_FAULT, 5, memory_is_taken},
	{"hands on swap", KIND_FAULT, 3, hands_on_swap},
	{"time goes by", KIND_FAULT, 6, idles},
	{"retry", KIND_OPERATOR, 8, retries},
	{"promote, abort, pause, resume", KIND_OPERATOR, 14, orders},
};
const unsigned happenings_count = ARRAY_LEN(happenings);

void trouble_ends(struct simulation *s, int but)
{
	const struct step none = {0};
	for (int i = 0; i < SERVICES_MAX; i++)
		for (int k = 0; i != but && k < IMAGES_COUNT; k++)
			s->behaviours[i][k] = BEHAVES;
	for (int i = 0; i < SERVICES_MAX; i++)
		if (i != but)
			memset(s->smoke_after_ms[i], 0, sizeof s->smoke_after_ms[i]);
	memset(s->is_failing, 0, sizeof s->is_failing);
	memset(s->is_silent, 0, sizeof s->is_silent);
	s->hung_id = NULL;
	s->fated = s->pulls_failing = s->refusals = 0;
	s->pull_after_ms = s->neighbours_bytes = 0;
	s->memory_bytes = s->memory_bytes ? (int64_t)1 << 40 : 0; /* more than anything here takes */
	s->is_disk_full = false;
	manifests_are_mended(s, &none);
	nginx_comes_back(s, &none);
}
