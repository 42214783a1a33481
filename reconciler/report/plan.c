/*
 * The plan as text: what differs, field by field, and then the very steps that the run would take. The words and signs
 * are terraform's, because people grep for them.
 */
#include "report/report.h"

#include <string.h>

#include "base/clock.h"

void tally_add(struct tally *t, const struct action *a)
{
	switch (a->kind) {
	case ACTION_CREATE: t->added++; break;
	case ACTION_UPDATE: t->changed++; break;
	case ACTION_RENAME: t->changed += a->reason == NULL; break; /* not when it only makes room */
	/* A new instance is counted when it is created; starting one that was there is a change. */
	case ACTION_START: t->changed += a->instance->started_ms != 0 || a->instance->state == INSTANCE_PAUSED; break;
	case ACTION_REMOVE: t->destroyed++; break;
	case ACTION_PUBLISH: case ACTION_WEIGHT: t->moved++; break;
	default: break;
	}
}

void tally_end(struct tally *t)
{
	if (tally_is_empty(t) && t->moved > 0)
		t->changed = 1;
}

bool tally_is_empty(const struct tally *t)
{
	return t->added == 0 && t->changed == 0 && t->destroyed == 0;
}

static const struct good *find_good(const struct world *w, const struct service *s)
{
	for (size_t i = 0; i < w->goods_count; i++)
		if (strcmp(w->goods[i].project, s->project) == 0 && strcmp(w->goods[i].service, s->name) == 0)
			return &w->goods[i];
	return NULL;
}

/* What the rehearsal does for one service. */
static struct tally tally_of(const struct rehearsal *r, const struct service *s)
{
	struct tally tally = {0};
	for (size_t i = 0; i < r->events_count; i++) {
		const struct action *a = &r->events[i].action;
		if (a->service && strcmp(a->project, s->project) == 0 && strcmp(a->service, s->name) == 0)
			tally_add(&tally, a);
	}
	return tally;
}

static void print_difference(struct buf *out, const char *path, const struct value *from, const struct value *to,
                             enum field_change change)
{
	buf_printf(out, "        %s: ", path);
	value_print(out, from, true);
	buf_puts(out, " -> ");
	value_print(out, to, true);
	buf_puts(out, change == CHANGE_REPLACE ? "  # forces replacement\n" : "\n");
}

/* Maps differ key by key: one changed variable of thirty is one line. */
static void print_change(struct buf *out, const struct field *field, const struct value *from, const struct value *to)
{
	static const struct value unset;
	if (from->kind != VALUE_MAP || to->kind != VALUE_MAP) {
		print_difference(out, field->path, from, to, field->change);
		return;
	}
	char path[512];
	for (size_t i = 0; i < to->count; i++) {
		const struct value *was = value_get(from, to->keys[i]);
		if (was && value_equal(was, &to->items[i]))
			continue;
		snprintf(path, sizeof path, "%s.%s", field->path, to->keys[i]);
		print_difference(out, path, was ? was : &unset, &to->items[i], field->change);
	}
	for (size_t i = 0; i < from->count; i++) {
		if (value_get(to, from->keys[i]))
			continue;
		snprintf(path, sizeof path, "%s.%s", field->path, from->keys[i]);
		print_difference(out, path, &from->items[i], &unset, field->change);
	}
}

/* From the last good spec to the wanted one. Returns how many fields differ. */
static int print_fields(struct buf *out, const struct service *from, const struct service *to)
{
	int count = 0;
	for (size_t i = 0; i < to->spec.count; i++) {
		const struct value *was = spec_value(&from->spec, to->spec.rows[i]->path);
		if (!was || value_equal(was, &to->spec.values[i]))
			continue;
		count++;
		if (out)
			print_change(out, to->spec.rows[i], was, &to->spec.values[i]);
	}
	if (from->replicas != to->replicas) {
		count++;
		if (out)
			buf_printf(out, "        deploy.replicas: %d -> %d\n", from->replicas, to->replicas);
	}
	return count;
}

static bool is_quarantined(const struct world *w, const struct service *s)
{
	for (size_t i = 0; i < w->quarantines_count; i++)
		if (strcmp(w->quarantines[i].project, s->project) == 0 && strcmp(w->quarantines[i].service, s->name) == 0 &&
		    strcmp(w->quarantines[i].revision, s->revision) == 0)
			return true;
	return false;
}

/* Where a heading stands above what comes under it, and not above nothing. */
static void print_title(struct buf *out, const char *title, bool *has_title)
{
	if (!*has_title)
		buf_printf(out, "%s\n", title);
	*has_title = true;
}

static const struct status *find_status(const struct rehearsal *r, const struct service *s)
{
	for (size_t i = 0; i < r->end.services_count; i++)
		if (strcmp(r->end.services[i].project, s->project) == 0 && strcmp(r->end.services[i].service, s->name) == 0)
			return &r->end.services[i];
	return NULL;
}

static void print_image(struct buf *out, const struct service *s)
{
	const struct value *image = spec_value(&s->spec, "image");
	if (!image)
		return;
	buf_puts(out, "        image: ");
	value_print(out, image, true);
	buf_puts(out, "\n");
}

static void print_service(struct buf *out, const struct service *s, const struct status *status,
                          const struct good *good, const struct tally *t, bool is_barred)
{
	bool is_replaced = !is_barred && good && good->spec && strcmp(good->revision, s->revision) != 0;
	const char *symbol = is_replaced || (t->added && t->destroyed) ? (status->stops_old_first ? "-/+" : "+/-")
	                     : t->added ? "+" : t->destroyed ? "-" : "~";
	buf_printf(out, "  %-3s %s/%s", symbol, s->project, s->name);
	if (t->added)
		buf_printf(out, "  %s (%s)%s", status->strategy, s->strategy_reason,
		           is_replaced && status->stops_old_first ? ": the old one stops first, downtime" : "");
	buf_puts(out, "\n");
	if (is_barred)
		buf_printf(out, "        revision %.8s is quarantined: the last good one stays\n", s->revision);
	else if (good && good->spec)
		print_fields(out, good->spec, s);
	else
		print_image(out, s);
	if (is_replaced && !status->stops_old_first && s->keep_old_ms > 0)
		buf_printf(out, "        the old revision is kept warm for %s after the switch\n",
		           clock_duration(s->keep_old_ms, (char[32]){0}));
}

/* Drift: the host differs from what was last applied, and Git did not ask for it. */
static bool is_drift(const struct service *s, const struct good *good)
{
	return good && good->spec && strcmp(good->revision, s->revision) == 0 && print_fields(NULL, good->spec, s) == 0;
}

/* Services that left Git: nothing of desired speaks of them, only what is done. */
static void print_leaving(struct buf *out, const struct desired *d, const struct rehearsal *r, const char *title, bool *has_title)
{
	for (size_t i = 0; i < r->events_count; i++) {
		const struct action *a = &r->events[i].action;
		if (!a->service || desired_service(d, a->project, a->service))
			continue;
		bool is_known = false;
		for (size_t k = 0; k < i; k++) {
			const struct action *said = &r->events[k].action;
			is_known |= said->service && strcmp(said->project, a->project) == 0 && strcmp(said->service, a->service) == 0;
		}
		if (is_known)
			continue;
		print_title(out, title, has_title);
		buf_printf(out, "  -   %s/%s  left Git: drained, stopped and removed; its volumes stay\n", a->project, a->service);
	}
}

static void print_services(struct buf *out, const struct desired *d, const struct world *w, const struct rehearsal *r,
                           bool drift, const char *title)
{
	bool has_title = false, is_any = false;
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++) {
			const struct service *s = &d->projects[i].services[k];
			const struct good *good = find_good(w, s);
			struct tally tally = tally_of(r, s);
			is_any |= !tally_is_empty(&tally);
			if (tally_is_empty(&tally) || is_drift(s, good) != drift)
				continue;
			print_title(out, title, &has_title);
			print_service(out, s, find_status(r, s), good, &tally, is_quarantined(w, s));
		}
	if (!drift) {
		print_leaving(out, d, r, title, &has_title);
		if (!is_any && !has_title) {
			print_title(out, title, &has_title);
			buf_puts(out, "  ~   the routes of nginx\n");
		}
	}
	if (has_title)
		buf_puts(out, "\n");
}

static void print_steps(struct buf *out, const struct rehearsal *r)
{
	char lasts[32];
	int64_t lasts_ms = r->lasts_ms < 1000 ? 1000 : (r->lasts_ms + 500) / 1000 * 1000;
	buf_printf(out, "Steps (about %s, %d %s of nginx, at most %d %s at a time):\n", clock_duration(lasts_ms, lasts),
	           r->reloads, r->reloads == 1 ? "reload" : "reloads", r->instances_peak,
	           r->instances_peak == 1 ? "instance" : "instances");
	for (size_t i = 0; i < r->events_count; i++)
		buf_printf(out, "  %6.1fs  %s\n", (double)r->events[i].at_ms / 1000, r->events[i].text);
	buf_puts(out, "\n");
}

/* Does the service already run what Git asks for, with the old revision only kept warm? */
static bool is_retirement(const struct world *w, const struct desired *d, const struct action *a)
{
	const struct service *s = a->service ? desired_service(d, a->project, a->service) : NULL;
	if (!s || (a->kind != ACTION_REMOVE && a->kind != ACTION_STOP))
		return false;
	const struct good *good = find_good(w, s);
	bool runs_wanted = good && strcmp(good->revision, s->revision) == 0;
	for (size_t i = 0; i < w->nginx.topology.services_count; i++) {
		const struct traffic *t = &w->nginx.topology.services[i];
		if (strcmp(t->project, s->project) == 0 && strcmp(t->service, s->name) == 0)
			return runs_wanted && t->weight == PERMILLE && strcmp(t->next.revision, s->revision) == 0 &&
			       strcmp(a->instance->revision, t->stable.revision) == 0;
	}
	return false;
}

/* Images that go are no change: nothing that runs, or could be gone back to, needs them. */
static void print_drops(struct buf *out, const struct rehearsal *r)
{
	bool has_title = false;
	for (size_t i = 0; i < r->events_count; i++) {
		if (r->events[i].action.kind != ACTION_DROP)
			continue;
		buf_printf(out, "%s  %s\n", has_title ? "" : "The next run lets images go that nothing needs any more:\n",
		           r->events[i].text);
		has_title = true;
	}
}

struct tally plan_print(struct buf *out, const struct desired *d, const struct world *w, const struct rehearsal *r)
{
	struct tally t = {0};
	bool has_retirement = false;
	for (size_t i = 0; i < r->events_count; i++) {
		const struct action *a = &r->events[i].action;
		if (is_retirement(w, d, a))
			has_retirement = true;
		else
			tally_add(&t, a);
	}
	/* What only lets a kept revision go is no change, though routes move with it. */
	if (!has_retirement)
		tally_end(&t);

	if (*d->commit)
		buf_printf(out, "Commit %.8s \"%s\"\n\n", d->commit, d->subject);
	if (tally_is_empty(&t)) {
		status_nothing(out, &r->end);
		if (has_retirement)
			buf_puts(out, "The next run lets an old revision go that was only kept warm.\n");
		print_drops(out, r);
	} else {
		print_services(out, d, w, r, true, "Drift: the host differs from what was last applied, and Git did not ask for it:");
		print_services(out, d, w, r, false, "Changes:");
		print_steps(out, r);
		buf_printf(out, "Plan: %d to add, %d to change, %d to destroy.\n", t.added, t.changed, t.destroyed);
	}
	status_notes(out, &r->end);
	if (r->is_endless)
		buf_puts(out, "This plan does not come to rest. Please report it, with the manifest.\n");
	return t;
}
