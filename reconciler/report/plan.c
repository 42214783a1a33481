/*
 * The plan: what a rehearsed run amounts to, service by service. Built once and printed twice, as text and as JSON. The
 * one thing to know: what is done is read off the rehearsed actions, and what differs off the last good spec.
 */
#include "report/report.h"

#include <stdio.h>
#include <string.h>

void tally_add(struct tally *t, const struct action *a)
{
	switch (a->kind) {
	case ACTION_CREATE: t->added++; break;
	case ACTION_UPDATE: t->changed++; break;
	case ACTION_RENAME: t->changed += a->reason == NULL; break; /* not when it only makes room */
	/* A new instance is counted when it is created; starting one that was there is a change. */
	case ACTION_START: t->changed += a->instance->started_ms != 0 || a->instance->state == INSTANCE_PAUSED; break;
	case ACTION_REMOVE: t->destroyed++; break;
	/* A name moves with the traffic; an instance that was off its network is mended. */
	case ACTION_ALIAS: *(a->reason ? &t->changed : &t->moved) += 1; break;
	case ACTION_PUBLISH: case ACTION_WEIGHT: case ACTION_UNALIAS: t->moved++; break;
	case ACTION_SWAP_MAKE: *(a->swap->is_step ? &t->mended : &t->added) += 1; break;
	case ACTION_SWAP_OFF: *(a->swap->is_step ? &t->mended : &t->destroyed) += 1; break;
	case ACTION_SWAP_MEND: case ACTION_SWAPPINESS: t->mended++; break;
	default: break;
	}
}

void tally_end(struct tally *t)
{
	if (tally_is_empty(t) && t->moved > 0)
		t->changed = 1;
	t->changed += t->mended > 0;
	t->mended = 0;
}

bool tally_is_empty(const struct tally *t)
{
	return t->added == 0 && t->changed == 0 && t->destroyed == 0;
}

static bool is_about(const struct action *a, const char *project, const char *service)
{
	return a->service && strcmp(a->project, project) == 0 && strcmp(a->service, service) == 0;
}

/* What the rehearsal does for one service, and the first reason that is given. */
static struct tally tally_of(const struct rehearsal *r, struct plan_row *row)
{
	struct tally tally = {0};
	for (size_t i = 0; i < r->events_count; i++) {
		const struct action *a = &r->events[i].action;
		if (!is_about(a, row->project, row->service))
			continue;
		tally_add(&tally, a);
		row->reason = row->reason ? row->reason : a->reason;
	}
	return tally;
}

static void add_difference(struct arena *a, struct plan_row *row, const char *text)
{
	if (text)
		*ARENA_PUSH(a, row->differences, row->differences_count) = text;
}

static void add_updates(struct arena *a, struct plan_row *row, const struct action *action)
{
	for (size_t i = 0; i < action->changes_count; i++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
		struct value found = action->changes[i].from, wanted = action->changes[i].to;
		found.secret |= wanted.secret; /* the engine does not know that it is one */
		buf_printf(&text, "%s: %s is ", action->instance->name, action->changes[i].field->path);
		value_print(&text, &found, true);
		buf_puts(&text, ", wanted is ");
		value_print(&text, &wanted, true);
		add_difference(a, row, arena_strdup(a, text.text));
	}
}

static const struct traffic *find_traffic(const struct world *w, const struct action *action)
{
	for (size_t i = 0; i < w->nginx.topology.services_count; i++)
		if (strcmp(w->nginx.topology.services[i].rollout, action->rollout) == 0)
			return &w->nginx.topology.services[i];
	return NULL;
}

static bool is_there(const struct world *w, const struct instance *i)
{
	for (size_t k = 0; k < w->instances_count; k++)
		if (strcmp(w->instances[k].id, i->id) == 0)
			return true;
	return false;
}

/* What the host has and Git does not want, as far as the action is about that. */
static void tell_difference(struct arena *a, struct plan_row *row, const struct world *w, const struct action *action)
{
	const struct traffic *t;
	switch (action->kind) {
	case ACTION_UPDATE: add_updates(a, row, action); break;
	case ACTION_CREATE: add_difference(a, row, action->reason); break;
	case ACTION_START:
		if (is_there(w, action->instance))
			add_difference(a, row, action->reason ? action->reason : arena_printf(a, "%s was never started", action->instance->name));
		break;
	case ACTION_RENAME:
		if (!action->reason)
			add_difference(a, row, arena_printf(a, "%s: name is %s, wanted is %s", action->name, action->instance->name, action->name));
		break;
	case ACTION_ALIAS:
		if (action->reason)
			add_difference(a, row, arena_printf(a, "%s: %s", action->instance->name, action->reason));
		break;
	case ACTION_WEIGHT:
		if (action->reason)
			add_difference(a, row, action->reason);
		else if ((t = find_traffic(w, action)))
			add_difference(a, row, arena_printf(a, "share of the next revision is %d.%d%%, wanted is %d.%d%%", t->weight / 10,
			                                    t->weight % 10, action->weight / 10, action->weight % 10));
		break;
	default: break;
	}
}

static void tell_differences(struct arena *a, struct plan_row *row, const struct world *w, const struct rehearsal *r)
{
	for (size_t i = 0; i < r->events_count; i++)
		if (is_about(&r->events[i].action, row->project, row->service))
			tell_difference(a, row, w, &r->events[i].action);
	if (!row->reason && row->differences_count)
		row->reason = row->differences[0];
}

static void add_change(struct arena *a, struct plan_row *row, const char *path, const struct value *from,
                       const struct value *to, enum field_change change)
{
	*ARENA_PUSH(a, row->changes, row->changes_count) = (struct plan_change){path, *from, *to, change == CHANGE_REPLACE};
}

/* Maps differ key by key: one changed variable of thirty is one line. */
static void compare_values(struct arena *a, struct plan_row *row, const struct field *field, const struct value *from,
                           const struct value *to)
{
	static const struct value unset;
	if (from->kind != VALUE_MAP || to->kind != VALUE_MAP) {
		add_change(a, row, field->path, from, to, field->change);
		return;
	}
	for (size_t i = 0; i < to->count; i++) {
		const struct value *was = value_get(from, to->keys[i]);
		if (!was || !value_equal(was, &to->items[i]))
			add_change(a, row, arena_printf(a, "%s.%s", field->path, to->keys[i]), was ? was : &unset, &to->items[i], field->change);
	}
	for (size_t i = 0; i < from->count; i++)
		if (!value_get(to, from->keys[i]))
			add_change(a, row, arena_printf(a, "%s.%s", field->path, from->keys[i]), &from->items[i], &unset, field->change);
}

/* From the last good spec to the wanted one. */
static void compare_services(struct arena *a, struct plan_row *row)
{
	const struct service *from = row->was, *to = row->want;
	for (size_t i = 0; i < to->spec.count; i++) {
		const struct value *was = spec_value(&from->spec, to->spec.rows[i]->path);
		if (was && !value_equal(was, &to->spec.values[i]))
			compare_values(a, row, to->spec.rows[i], was, &to->spec.values[i]);
	}
	if (from->replicas != to->replicas) {
		struct value before = value_int(from->replicas), after = value_int(to->replicas);
		add_change(a, row, "deploy.replicas", &before, &after, CHANGE_NONE);
	}
}

static bool is_quarantined(const struct world *w, const struct service *s)
{
	for (size_t i = 0; i < w->quarantines_count; i++)
		if (strcmp(w->quarantines[i].project, s->project) == 0 && strcmp(w->quarantines[i].service, s->name) == 0 &&
		    strcmp(w->quarantines[i].revision, s->revision) == 0)
			return true;
	return false;
}

static const struct status *find_status(const struct rehearsal *r, const struct service *s)
{
	for (size_t i = 0; i < r->end.services_count; i++)
		if (strcmp(r->end.services[i].project, s->project) == 0 && strcmp(r->end.services[i].service, s->name) == 0)
			return &r->end.services[i];
	return NULL;
}

static void add_service(struct arena *a, struct plan *p, const struct world *w, const struct rehearsal *r, const struct service *s)
{
	const struct good *good = world_good(w, s->project, s->name);
	struct plan_row row = {.project = s->project, .service = s->name, .want = s, .was = good ? good->spec : NULL,
	                       .status = find_status(r, s), .is_barred = is_quarantined(w, s)};
	struct tally t = tally_of(r, &row);
	if (row.was)
		compare_services(a, &row);
	bool is_other = row.was && strcmp(good->revision, s->revision) != 0;
	row.is_replaced = !row.is_barred && is_other;
	row.was_good = row.is_replaced && world_was_good(w, s);
	row.has_new = t.added > 0;
	/* The host differs from what was last applied, and Git did not ask for it. */
	row.is_drift = row.was && !is_other && row.changes_count == 0;
	if (row.is_drift)
		tell_differences(a, &row, w, r);
	if (tally_is_empty(&t) && !t.moved)
		row.sign = SIGN_NONE;
	else if (row.is_replaced || (t.added && t.destroyed))
		row.sign = row.status->stops_old_first ? SIGN_OLD_FIRST : SIGN_NEW_FIRST;
	else
		row.sign = t.added ? SIGN_CREATE : t.destroyed ? SIGN_DESTROY : SIGN_UPDATE;
	*ARENA_PUSH(a, p->rows, p->rows_count) = row;
}

/* Services that left Git: nothing of desired speaks of them, only what is done. */
static void add_leaving(struct arena *a, struct plan *p, const struct world *w, const struct rehearsal *r)
{
	for (size_t i = 0; i < r->events_count; i++) {
		const struct action *action = &r->events[i].action;
		if (!action->service || desired_service(p->desired, action->project, action->service))
			continue;
		bool is_known = false;
		for (size_t k = 0; k < i && !is_known; k++)
			is_known = is_about(&r->events[k].action, action->project, action->service);
		if (is_known)
			continue;
		const struct good *good = world_good(w, action->project, action->service);
		*ARENA_PUSH(a, p->rows, p->rows_count) = (struct plan_row){
			.project = action->project, .service = action->service, .was = good ? good->spec : NULL, .sign = SIGN_DESTROY};
	}
}

static struct value size_of(struct arena *a, int64_t bytes)
{
	return bytes ? value_string(size_text(bytes, arena_alloc(a, SIZE_TEXT))) : (struct value){0};
}

static int64_t size_in(const struct world *w, const char *file)
{
	for (size_t i = 0; i < w->host.swaps_count; i++)
		if (strcmp(w->host.swaps[i].path, file) == 0)
			return w->host.swaps[i].size_bytes;
	return 0;
}

/* The host's own swap: one row for each thing, however many steps it takes. */
static void add_host(struct arena *a, struct plan *p, const struct world *w, const struct rehearsal *r)
{
	for (size_t i = 0; i < r->events_count; i++) {
		const struct action *action = &r->events[i].action;
		const struct swap_change *s = action->swap;
		if (action_info(action->kind)->room != ROOM_HOST || s->is_bridge || (action->kind == ACTION_SWAP_OFF && s->is_step))
			continue;
		struct plan_row row = {.sign = SIGN_UPDATE, .reason = action->reason, .is_drift = action->kind == ACTION_SWAP_MEND};
		row.thing = action->kind == ACTION_SWAPPINESS ? "vm.swappiness" : arena_printf(a, "swap file %s", s->file);
		if (action->kind == ACTION_SWAP_OFF || (action->kind == ACTION_SWAP_MAKE && !s->is_step))
			row.sign = action->kind == ACTION_SWAP_OFF ? SIGN_DESTROY : SIGN_CREATE;
		if (action->kind == ACTION_SWAPPINESS) {
			struct value from = value_int(s->from), to = value_int(s->to);
			add_change(a, &row, "value", &from, &to, CHANGE_NONE);
		} else if (action->kind == ACTION_SWAP_MAKE) {
			struct value from = size_of(a, size_in(w, s->file)), to = size_of(a, s->size_bytes);
			add_change(a, &row, "size", &from, &to, CHANGE_NONE);
		}
		*ARENA_PUSH(a, p->rows, p->rows_count) = row;
	}
}

/* Does the service already run what Git asks for, with the old revision only kept warm? */
static bool is_retirement(const struct world *w, const struct desired *d, const struct action *a)
{
	const struct service *s = a->service ? desired_service(d, a->project, a->service) : NULL;
	if (!s || (a->kind != ACTION_REMOVE && a->kind != ACTION_STOP))
		return false;
	const struct good *good = world_good(w, s->project, s->name);
	bool runs_wanted = good && strcmp(good->revision, s->revision) == 0;
	for (size_t i = 0; i < w->nginx.topology.services_count; i++) {
		const struct traffic *t = &w->nginx.topology.services[i];
		if (strcmp(t->project, s->project) == 0 && strcmp(t->service, s->name) == 0)
			return runs_wanted && t->weight == PERMILLE && strcmp(t->next.revision, s->revision) == 0 &&
			       strcmp(a->instance->revision, t->stable.revision) == 0;
	}
	return false;
}

void plan_build(struct arena *a, const struct desired *d, const struct world *w, const struct rehearsal *r, struct plan *out)
{
	*out = (struct plan){.desired = d, .rehearsal = r};
	for (size_t i = 0; i < r->events_count; i++) {
		const struct action *action = &r->events[i].action;
		if (is_retirement(w, d, action))
			out->has_retirement = true;
		else
			tally_add(&out->tally, action);
	}
	/* What only lets a kept revision go is no change, though routes move with it. */
	if (out->has_retirement)
		out->tally.moved = 0;
	tally_end(&out->tally);
	bool is_any = false;
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++)
			if (d->projects[i].services[k].is_left_alone)
				out->is_partial = true;
			else
				add_service(a, out, w, r, &d->projects[i].services[k]);
	for (size_t i = 0; i < out->rows_count; i++)
		is_any |= out->rows[i].sign != SIGN_NONE;
	size_t before = out->rows_count;
	add_leaving(a, out, w, r);
	if (w->nginx.drift && r->reloads > 0)
		*ARENA_PUSH(a, out->rows, out->rows_count) = (struct plan_row){
			.sign = SIGN_UPDATE, .is_drift = true, .reason = w->nginx.drift};
	else if (!is_any && out->rows_count == before && out->tally.moved)
		*ARENA_PUSH(a, out->rows, out->rows_count) = (struct plan_row){.sign = SIGN_UPDATE};
	add_host(a, out, w, r);
	/* Nothing but a retirement: what is done is no change of any service. */
	for (size_t i = 0; tally_is_empty(&out->tally) && i < out->rows_count; i++)
		out->rows[i].sign = SIGN_NONE;
}
