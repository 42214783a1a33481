/* The plan as text. The words and signs are terraform's, because people grep for them. */
#include "report/report.h"

#include "base/clock.h"

static const char *const signs[] = {
	[SIGN_NONE] = "", [SIGN_CREATE] = "+", [SIGN_DESTROY] = "-", [SIGN_UPDATE] = "~", [SIGN_NEW_FIRST] = "+/-",
	[SIGN_OLD_FIRST] = "-/+",
};

static void print_changes(struct buf *out, const struct plan_row *row)
{
	for (size_t i = 0; i < row->changes_count; i++) {
		const struct plan_change *c = &row->changes[i];
		buf_printf(out, "        %s: ", c->path);
		value_print(out, &c->from, true);
		buf_puts(out, " -> ");
		value_print(out, &c->to, true);
		buf_puts(out, c->forces_replacement ? "  # forces replacement\n" : "\n");
	}
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

static void print_row(struct buf *out, const struct plan_row *row)
{
	const struct service *s = row->want;
	buf_printf(out, "  %-3s ", signs[row->sign]);
	if (row->thing) {
		buf_printf(out, "%s%s%s\n", row->thing, row->reason ? "  " : "", row->reason ? row->reason : "");
		print_changes(out, row);
		return;
	}
	if (!row->service) {
		buf_printf(out, "%s%s\n", row->is_drift ? "nginx: " : "the routes of nginx", row->is_drift ? row->reason : "");
		return;
	}
	buf_printf(out, "%s/%s", row->project, row->service);
	if (!s) {
		buf_puts(out, "  left Git: drained, stopped and removed; its volumes stay\n");
		return;
	}
	if (row->has_new)
		buf_printf(out, "  %s (%s)%s", row->status->strategy, s->strategy_reason,
		           row->is_replaced && row->status->stops_old_first ? ": the old one stops first, downtime" : "");
	buf_puts(out, "\n");
	if (row->is_barred)
		buf_printf(out, "        revision %.8s is quarantined: the last good one stays\n", s->revision);
	else if (row->was)
		print_changes(out, row);
	else
		print_image(out, s);
	for (size_t i = 0; i < row->differences_count; i++)
		buf_printf(out, "        %s\n", row->differences[i]);
	if (row->was_good)
		buf_printf(out, "        revision %.8s was good before: it comes in as soon as it is ready%s\n", s->revision,
		           row->status->stops_old_first ? "" : ", without holds, steps and analysis");
	if (s->smoke.http_port && row->has_new && (row->is_replaced || !row->was) && !row->was_good)
		buf_printf(out, "        each new instance passes its smoke test before its first request: GET :%d%s, within %s\n",
		           s->smoke.http_port, s->smoke.path ? s->smoke.path : "/", clock_duration(s->smoke.within_ms, (char[32]){0}));
	if (row->is_replaced && !row->status->stops_old_first && s->keep_old_ms > 0)
		buf_printf(out, "        the old revision is kept warm for %s after the switch\n",
		           clock_duration(s->keep_old_ms, (char[32]){0}));
}

static void print_rows(struct buf *out, const struct plan *p, bool is_drift, const char *title)
{
	bool has_title = false;
	for (size_t i = 0; i < p->rows_count; i++) {
		if (p->rows[i].sign == SIGN_NONE || p->rows[i].is_drift != is_drift)
			continue;
		if (!has_title)
			buf_printf(out, "%s\n", title);
		has_title = true;
		print_row(out, &p->rows[i]);
	}
	if (has_title)
		buf_puts(out, "\n");
}

static void print_steps(struct buf *out, const struct rehearsal *r)
{
	char lasts[32], memory[SIZE_TEXT];
	int64_t lasts_ms = r->lasts_ms < 1000 ? 1000 : (r->lasts_ms + 500) / 1000 * 1000;
	buf_printf(out, "Steps (about %s, %d %s of nginx, at most %d %s at a time", clock_duration(lasts_ms, lasts),
	           r->reloads, r->reloads == 1 ? "reload" : "reloads", r->instances_peak,
	           r->instances_peak == 1 ? "instance" : "instances");
	if (r->memory_peak_bytes > 0)
		buf_printf(out, ", %s more memory", size_text(r->memory_peak_bytes, memory));
	if (r->memory_swap_bytes > 0)
		buf_printf(out, ", %s of it swap", size_text(r->memory_swap_bytes, memory));
	buf_puts(out, "):\n");
	for (size_t i = 0; i < r->events_count; i++)
		buf_printf(out, "%4zu %6.1fs  %s\n%s", i + 1, (double)r->events[i].at_ms / 1000, r->events[i].text,
		           r->events[i].is_crash ? "              -- the tool is killed here; another run comes a minute later --\n" : "");
	buf_puts(out, "\n");
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

void plan_print(struct buf *out, const struct plan *p)
{
	const struct rehearsal *r = p->rehearsal;
	const struct tally *t = &p->tally;
	if (*p->desired->commit)
		buf_printf(out, "Commit %.8s \"%s\"\n\n", p->desired->commit, p->desired->subject);
	if (p->is_partial)
		buf_puts(out, "Of the targets only, and of what they depend on: everything else stays as it is.\n\n");
	if (tally_is_empty(t)) {
		status_nothing(out, &r->end);
		if (p->has_retirement)
			buf_puts(out, "The next run lets an old revision go that was only kept warm.\n");
		print_drops(out, r);
	} else {
		print_rows(out, p, true, "Drift: the host differs from what was last applied, and Git did not ask for it:");
		print_rows(out, p, false, "Changes:");
		print_steps(out, r);
		buf_printf(out, "Plan: %d to add, %d to change, %d to destroy.\n", t->added, t->changed, t->destroyed);
	}
	status_notes(out, &r->end);
	if (r->is_endless)
		buf_puts(out, "This plan does not come to rest. Please report it, with the manifest.\n");
}
