/*
 * One action carried out, or not: what the engine, nginx and the disk make of it, and what the tool is told. The one
 * thing to know: what is done is done by decide/rehearse's model, and only there.
 */
#include "simulation.h"

const char *const fate_names[FATE_COUNT] = {
	[FATE_DONE] = "done", [FATE_FAILED] = "failed", [FATE_REPLY_LOST] = "done, reply lost",
	[FATE_REPLY_LATE] = "done late", [FATE_IGNORED] = "said to be done", [FATE_HALF] = "half done",
	[FATE_DIES_BEFORE] = "killed before", [FATE_DIES_AFTER] = "done, then killed", [FATE_DIES_HALF] = "killed half way",
};

static struct instance *find(struct world *w, const struct instance *named)
{
	for (size_t i = 0; named && i < w->instances_count; i++)
		if (strcmp(w->instances[i].id, named->id) == 0)
			return &w->instances[i];
	return NULL;
}

/* Is there such a network, and is the address, if any, one of it? All that we make are /24. */
static bool has_place(const struct world *w, const char *network, const char *address)
{
	const char *dot = address ? strrchr(address, '.') : NULL;
	for (size_t i = 0; i < w->networks_count; i++)
		if (strcmp(w->networks[i].name, network) == 0)
			return !dot || strncmp(w->networks[i].subnet, address, (size_t)(dot - address) + 1) == 0;
	return false;
}

static bool has_network(const struct world *w, const char *name)
{
	return has_place(w, name, NULL);
}

static bool has_image(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->images_count; i++)
		if (strcmp(w->images[i].name, name) == 0)
			return true;
	return false;
}

/* What a real engine would not do, whatever decide thought when it looked. */
static int refuse_places(struct simulation *s, const struct action *a, struct err *e)
{
	const struct world *w = s->real;
	const struct instance *moved = find(s->real, a->instance);
	bool has_network = moved && (moved->state == INSTANCE_RUNNING || moved->state == INSTANCE_PAUSED);
	if (has_network && s->stuck_id && strcmp(moved->id, s->stuck_id) == 0 && moved->started_ms == s->stuck_since_ms) {
		s->in_vain++;
		return err_set(e, ERR_TRANSIENT, "cannot program address: it conflicts with existing route");
	}
	for (size_t i = 0; i < a->endpoints_count; i++)
		if (!has_place(w, a->endpoints[i].network, a->endpoints[i].address))
			return err_set(e, ERR_CONFLICT, "no such network, or address: %s", a->endpoints[i].network);
	return 0;
}

static int refuse_create(struct simulation *s, const struct action *a, struct err *e)
{
	const struct world *w = s->real;
	for (size_t i = 0; i < w->instances_count; i++)
		if (strcmp(w->instances[i].name, a->name) == 0)
			return err_set(e, ERR_CONFLICT, "the name %s is taken", a->name);
	for (size_t i = 0; a->address && i < w->instances_count; i++)
		if (strcmp(w->instances[i].address, a->address) == 0)
			return err_set(e, ERR_CONFLICT, "Address already in use");
	if (!has_image(w, a->spec->image))
		return err_set(e, ERR_CONFLICT, "no such image: %s", a->spec->image);
	if (a->network && !has_place(w, a->network, a->address))
		return err_set(e, ERR_CONFLICT, "no such network, or address: %s", a->network);
	return refuse_places(s, a, e);
}

static int refuse_start(struct world *w, const struct action *a, struct err *e)
{
	struct instance *i = find(w, a->instance);
	for (size_t k = 0; *i->address && k < w->instances_count; k++)
		if (&w->instances[k] != i && strcmp(w->instances[k].address, i->address) == 0 &&
		    w->instances[k].state == INSTANCE_RUNNING)
			return err_set(e, ERR_CONFLICT, "Address already in use");
	return i->state == INSTANCE_DEAD ? err_set(e, ERR_CONFLICT, "marked for removal") : 0;
}

static int refuse(struct simulation *s, const struct action *a, struct err *e)
{
	struct world *w = s->real;
	const struct instance *i = find(w, a->instance);
	bool needs_it = a->kind == ACTION_START || a->kind == ACTION_UPDATE || a->kind == ACTION_PARK;
	if (needs_it && !i)
		return err_set(e, ERR_CONFLICT, "no such container");
	bool writes = action_info(a->kind)->room == ROOM_NOTES || a->kind == ACTION_WEIGHT || a->kind == ACTION_PUBLISH ||
	              a->kind == ACTION_SWAP_MAKE;
	if (s->is_disk_full && writes)
		return err_set(e, ERR_TRANSIENT, "No space left on device");
	switch (a->kind) {
	case ACTION_CREATE: return refuse_create(s, a, e);
	case ACTION_START: return refuse_start(w, a, e);
	case ACTION_ALIAS: case ACTION_UNALIAS: return refuse_places(s, a, e);
	case ACTION_NETWORK:
		return has_network(w, a->network) ? err_set(e, ERR_CONFLICT, "network %s exists", a->network) : 0;
	case ACTION_REMOVE:
		return i && i->state == INSTANCE_RUNNING ? err_set(e, ERR_CONFLICT, "%s still runs: not removed", i->name) : 0;
	case ACTION_PULL:
		if (s->pulls_failing <= 0)
			return 0;
		s->pulls_failing--;
		return err_set(e, s->pull_kind, "the registry would not");
	case ACTION_PUBLISH: case ACTION_WEIGHT:
		if (!w->nginx.is_up)
			return err_set(e, ERR_UNREACHABLE, "no master runs");
		if (a->kind == ACTION_WEIGHT || s->refusals <= 0)
			return 0;
		s->refusals--;
		return err_set(e, ERR_INVALID, "nginx: unknown directive \"foo\"");
	default: return 0;
	}
}

static void copy_in_force(struct simulation *s)
{
	s->in_force = world_copy(&s->host.arena, s->real)->nginx.topology;
}

/* Workers and connections of before go when their clients do; what the model knows of is only the best case. */
static void linger(struct simulation *s, const struct topology *before)
{
	struct world *w = s->real;
	s->lingers_until_ms = w->now_ms + s->linger_ms;
	if (before->services_count && s->linger_ms)
		w->nginx.draining_workers = 2;
	for (size_t i = 0; i < w->instances_count; i++)
		w->instances[i].idle_readings = 0;
	copy_in_force(s);
}

/* As the model does it; but what has been started is ready only when a probe says so. */
static void apply(struct simulation *s, struct world *w, const struct action *a)
{
	struct instance *i = find(w, a->instance);
	if (a->kind == ACTION_START && i && i->state == INSTANCE_RUNNING)
		return; /* fine, and nothing is done */
	model_apply(w, a, &s->host.arena);
	if (a->kind != ACTION_START || !i || i->state != INSTANCE_RUNNING)
		return;
	i->is_passing = false;
	i->passing_since_ms = 0;
	if (i->health != HEALTH_NONE)
		i->health = HEALTH_STARTING;
}

/* ---- The notes ---- */

struct past_goods past_goods_copy(struct simulation *s, const struct past_goods *p)
{
	struct past_goods copy = {0};
	for (size_t i = 0; i < p->count; i++)
		*ARENA_PUSH(&s->host.arena, copy.items, copy.count) = p->items[i];
	return copy;
}

void notes_are_written(struct simulation *s)
{
	s->is_copy_lost[0] = s->is_copy_lost[1] = false;
	s->quarantines_written = s->real->quarantines_count;
	s->past_goods_written = past_goods_copy(s, &s->real->past_goods);
	s->judged_written = s->judged_count;
}

void forget_notes(struct simulation *s)
{
	struct world *w = s->real;
	w->goods_count = w->quarantines_count = w->past_images_count = s->quarantines_written = 0;
	w->past_goods = s->past_goods_written = (struct past_goods){0};
	s->judged_lost = s->judged_written = s->judged_count;
}

static void judge(struct simulation *s, const struct action *a)
{
	s->counters->returns += a->kind == ACTION_COMMIT && was_good(s, a->spec);
	*ARENA_PUSH(&s->host.arena, s->judged, s->judged_count) =
		(struct judged){a->service, arena_strdup(&s->host.arena, a->revision), a->kind == ACTION_COMMIT};
}

bool was_good(const struct simulation *s, const struct service *one)
{
	int good = 0; /* of those that were judged last, the one that is good now among them */
	for (size_t i = s->judged_count; i-- > s->judged_first;) {
		const struct judged *j = &s->judged[i];
		bool is_last = strcmp(j->service, one->name) == 0;
		for (size_t k = i + 1; k < s->judged_count; k++)
			is_last &= strcmp(j->service, s->judged[k].service) != 0 || strcmp(j->revision, s->judged[k].revision) != 0;
		if (!is_last || !j->is_good)
			continue;
		if (strcmp(j->revision, one->revision) == 0)
			return good > 0 && good <= one->rollback_window;
		good++;
	}
	return false;
}

bool is_good(const struct simulation *s, const struct service *one)
{
	const struct good *good = world_good(s->real, one->project, one->name);
	return (good && strcmp(good->revision, one->revision) == 0) || was_good(s, one);
}

/* ---- Done, or half of it ---- */

static void do_it(struct simulation *s, const struct action *a)
{
	struct world *w = s->real;
	struct topology before = w->nginx.topology;
	apply(s, w, a);
	if (a->kind == ACTION_PUBLISH)
		linger(s, &before);
	if (action_info(a->kind)->room == ROOM_NOTES) {
		judge(s, a);
		notes_are_written(s);
	}
}

/* A swap file is written under another name first. */
static void leave_part(struct simulation *s)
{
	struct host_state *h = &s->real->host;
	size_t at = 0;
	while (at < h->swaps_count && strcmp(h->swaps[at].path, SWAP_FILE SWAP_PART) != 0)
		at++;
	if (at == h->swaps_count)
		ARENA_PUSH(&s->host.arena, h->swaps, h->swaps_count);
	h->swaps[at] = (struct swap_file){.path = SWAP_FILE SWAP_PART, .is_there = true, .is_ours = true, .mode = 0600,
	                                  .size_bytes = 1 << 20};
}

static void do_half(struct simulation *s, const struct action *a)
{
	struct world *w = s->real;
	struct instance *i = find(w, a->instance);
	struct action half = *a;
	switch (a->kind) {
	case ACTION_PUBLISH:
		w->nginx.is_announcing = true;
		if (w->now_ms % 2 == 0)
			return;
		model_apply(w, a, &s->host.arena); /* installed, and the old one still answers */
		w->nginx.is_current = false;
		break;
	case ACTION_STOP:
		half.kind = ACTION_PARK;
		if (i)
			model_apply(w, &half, &s->host.arena);
		break;
	case ACTION_REMOVE:
		if (i && i->state != INSTANCE_RUNNING)
			i->state = INSTANCE_DEAD;
		break;
	case ACTION_UPDATE:
		half.changes_count = 1;
		model_apply(w, &half, &s->host.arena);
		break;
	case ACTION_ALIAS: case ACTION_UNALIAS:
		if (i)
			lose_network(&s->host, i);
		if (i && w->now_ms % 3 == 0) {
			s->stuck_id = i->id;
			s->stuck_since_ms = i->started_ms;
		}
		break;
	case ACTION_SWAP_MAKE: leave_part(s); break;
	default: break; /* nothing in between */
	}
}

/* Kept in memory also when it cannot be written: going back must not wait for room on the disk. */
static void keep_unwritten(struct simulation *s, const struct action *a)
{
	if (a->kind != ACTION_QUARANTINE)
		return;
	model_apply(s->real, a, &s->host.arena);
	judge(s, a);
}

static enum fate fate_of(struct simulation *s, const struct action *a)
{
	if (s->fated <= 0)
		return FATE_DONE;
	bool is_engine = action_info(a->kind)->room == ROOM_DOCKER, is_note = action_info(a->kind)->room == ROOM_NOTES;
	if ((s->fate == FATE_REPLY_LATE || s->fate == FATE_IGNORED) && !is_engine)
		return FATE_DONE; /* only an engine takes its time, or says what is not so */
	if (is_note && (s->fate == FATE_REPLY_LOST || s->fate == FATE_HALF))
		return FATE_DONE; /* a note is written, or it is not */
	s->fated--;
	return s->fate;
}

/* What the tool is told, and what it makes of that. */
static void tell(struct simulation *s, const struct action *a, const struct err *e, int64_t began_ms)
{
	struct host *h = &s->host;
	if (e) {
		if (a->service || a->kind == ACTION_PUBLISH || action_info(a->kind)->room == ROOM_HOST) {
			struct failure *f = failures_add(&h->failures, &h->arena, a, e, began_ms, s->real->now_ms);
			f->retry_after_ms = a->kind == ACTION_PULL ? s->pull_after_ms : 0;
		}
		return;
	}
	if (a->service)
		failures_forget(&h->failures, a);
	if (h->world != s->real)
		apply(s, h->world, a);
}

static void carry_out(struct simulation *s, const struct action *a, enum fate fate, const struct err *refused)
{
	struct late *late;
	switch (fate) {
	case FATE_DONE: case FATE_REPLY_LOST: case FATE_DIES_AFTER:
		if (!refused)
			do_it(s, a);
		break;
	case FATE_HALF: case FATE_DIES_HALF:
		if (!refused)
			do_half(s, a);
		break;
	case FATE_REPLY_LATE:
		late = ARENA_PUSH(&s->host.arena, s->lates, s->lates_count);
		*late = (struct late){*a, 1 + (int)(s->real->now_ms % 7)};
		break;
	case FATE_IGNORED: part(s); break; /* and the tool goes by what it was told */
	default: break;
	}
	if (refused)
		keep_unwritten(s, a);
}

static bool is_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* The engine's room does not try what follows a failure in the same decision: on the same container, and what a new one
 * needs. */
static bool is_tried(struct simulation *s, const struct action *a, int64_t began_ms)
{
	const struct action *failed = NULL;
	for (size_t i = 0; i < s->failed_count; i++) {
		const struct action *f = s->failed[i];
		bool is_needed = a->kind == ACTION_CREATE && (f->kind == ACTION_NETWORK || f->kind == ACTION_VOLUME);
		if (is_needed || (a->instance && f->instance && is_same(a->instance->id, f->instance->id)))
			failed = f;
	}
	if (!failed)
		return true;
	say(s, "%s %s: not tried", action_info(a->kind)->verb, a->name ? a->name : a->instance->name);
	tell(s, a, &s->failure, began_ms);
	return false;
}

static void show_side(struct buf *out, const struct world *w, const struct side *side)
{
	for (size_t i = 0; i < side->addresses_count; i++)
		for (size_t k = 0; k < w->instances_count; k++)
			if (strcmp(w->instances[k].address, side->addresses[i]) == 0)
				buf_printf(out, " %s%s", w->instances[k].name, is_serving(&w->instances[k]) ? "" : "(down)");
}

static void show(struct simulation *s, const struct action *a, const char *fate, const char *refused)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
	action_print(&text, a);
	for (size_t i = 0; a->kind == ACTION_PUBLISH && i < a->topology->services_count; i++) {
		const struct traffic *t = &a->topology->services[i];
		buf_printf(&text, " [%s:", t->service);
		show_side(&text, s->real, &t->stable);
		buf_puts(&text, *t->next.revision ? " |" : "");
		show_side(&text, s->real, &t->next);
		buf_puts(&text, "]");
	}
	say(s, "%s%s%s%s%s", text.text, *fate ? "   ! " : "", fate, *refused ? "   ! " : "", refused);
}

static void show_instances(struct simulation *s)
{
	static const char *const states[] = {"created", "running", "restarting", "paused", "exited", "dead"};
	const struct world *w = s->host.world;
	for (size_t i = 0; i < w->instances_count; i++)
		if (is_ours(&w->instances[i]))
			say(s, "     %s (%s) %s%s %s", w->instances[i].name, w->instances[i].revision + 4, states[w->instances[i].state],
			    is_serving(&w->instances[i]) ? ", ready" : "", w->instances[i].address);
}

void finish_action(struct simulation *s, const struct action *a, enum fate fate, int64_t began_ms)
{
	struct err e = {0}, why = {0};
	int64_t now_ms = s->real->now_ms;
	bool dies = fate == FATE_DIES_BEFORE || fate == FATE_DIES_AFTER || fate == FATE_DIES_HALF;
	bool is_silent = fate == FATE_DONE || fate == FATE_IGNORED; /* no error of fate's own */
	const struct err *refused = refuse(s, a, &e) < 0 ? &e : NULL;
	if (s->is_traced)
		show(s, a, fate ? fate_names[fate] : "", refused ? refused->message : "");
	if (s->broken) {
		if (s->is_traced)
			show_instances(s);
		return;
	}
	if (!refused && !is_silent && !dies)
		err_set(&why, s->fate_kind, "by fate");
	carry_out(s, a, fate, refused);
	if (s->real->now_ms == now_ms)
		s->real->now_ms += 10;
	const struct err *told = refused ? refused : is_silent ? NULL : &why;
	if (dies)
		s->is_dead = true;
	else
		tell(s, a, told, began_ms);
	if (told && action_info(a->kind)->room == ROOM_DOCKER) {
		*ARENA_PUSH(&s->host.arena, s->failed, s->failed_count) = a;
		s->failure = *told;
	}
	s->host.world->now_ms = s->real->now_ms;
}

void act_on(struct simulation *s, const struct action *a)
{
	int64_t began_ms = s->real->now_ms;
	if (!is_tried(s, a, began_ms))
		return;
	s->broken = promise_of_action(s, a);
	s->counters->actions[a->kind]++;
	s->counters->events++;
	enum fate fate = fate_of(s, a);
	s->counters->fates[fate]++;
	if (s->broken || !flight_begins(s, a, fate))
		finish_action(s, a, fate, began_ms);
	else if (s->is_traced)
		show(s, a, "begins", "");
}

void late_replies(struct simulation *s)
{
	struct err e;
	for (size_t i = 0; i < s->lates_count; i++) {
		if (--s->lates[i].ticks > 0)
			continue;
		struct action a = s->lates[i].action;
		s->lates[i--] = s->lates[--s->lates_count];
		part(s);
		if (refuse(s, &a, &e) < 0)
			continue;
		if (s->is_traced)
			say(s, "* late: %s %s", action_info(a.kind)->verb, a.instance ? a.instance->name : a.name ? a.name : "");
		do_it(s, &a);
		flights_are_disturbed(s);
	}
}
