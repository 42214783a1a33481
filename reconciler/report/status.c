/* How things stand, and which exit code that is. */
#include "report/report.h"

#include <string.h>

#include "base/clock.h"

static const char *name_of(const struct status *s, char out[256])
{
	snprintf(out, 256, "%s%s%s", s->project ? s->project : "", s->project ? "/" : "", s->service);
	return out;
}

static void note(struct buf *out, const struct status *s)
{
	char name[256];
	if (s->phase != PHASE_SETTLED && s->phase != PHASE_LEFT_ALONE)
		buf_printf(out, "%s: %s%s%s\n", name_of(s, name), s->phase == PHASE_KEEPING ? "settled" : phase_name(s->phase),
		           s->reason ? ": " : "", s->reason ? s->reason : "");
}

void status_notes(struct buf *out, const struct decision *d)
{
	for (size_t i = 0; i < d->services_count; i++)
		note(out, &d->services[i]);
	note(out, &d->host);
}

void status_reason(struct buf *out, const struct status *s)
{
	char until[32];
	buf_puts(out, s->reason);
	if (s->until_ms && s->phase == PHASE_PROGRESSING) { /* else its reason says so */
		clock_format(s->until_ms, until, sizeof until);
		buf_printf(out, " (until %s)", until);
	}
}

/* "from 1234abcd to 5678cdef, which has 10.0% of the requests, step 2 of 6" */
static void print_progress(struct buf *out, const struct status *s)
{
	if (!s->to)
		return;
	buf_printf(out, "  from %.8s to %.8s%s", s->from, s->to, s->was_good ? " (good before)" : "");
	if (s->weight >= 0)
		buf_printf(out, ", which has %d.%d%% of the requests", s->weight / 10, s->weight % 10);
	if (s->step)
		buf_printf(out, ", step %d of %d", s->step, s->steps);
}

static void print_one(struct buf *out, const struct status *s)
{
	char name[256];
	if (!s->service || s->phase == PHASE_LEFT_ALONE)
		return;
	buf_printf(out, "%-30s %-12s %.8s", name_of(s, name), s->phase == PHASE_KEEPING ? "settled" : phase_name(s->phase),
	           s->revision && *s->revision ? s->revision : "-");
	print_progress(out, s);
	if (s->reason) {
		buf_puts(out, s->to ? ": " : "  ");
		status_reason(out, s);
	}
	if (s->paused && !(s->reason && strstr(s->reason, s->paused)))
		buf_printf(out, "; %s", s->paused);
	buf_puts(out, "\n");
}

void status_print(struct buf *out, const struct desired *d, const struct decision *decision)
{
	if (*d->commit)
		buf_printf(out, "commit %.8s \"%s\"\n", d->commit, d->subject);
	for (size_t i = 0; i < decision->services_count; i++)
		print_one(out, &decision->services[i]);
	print_one(out, &decision->host);
}

void projects_gone(struct buf *out, const struct desired *d, const struct world *w)
{
	for (size_t i = 0; i < w->instances_count; i++) {
		const char *project = w->instances[i].project;
		bool is_known = false;
		for (size_t k = 0; k < d->projects_count && !is_known; k++)
			is_known = strcmp(d->projects[k].name, project) == 0;
		for (size_t k = 0; k < i && !is_known; k++)
			is_known = strcmp(w->instances[k].project, project) == 0;
		if (!is_known)
			buf_printf(out, "%s%s", out->length ? ", " : "", project);
	}
}

/* A higher rank wins: what is broken is more urgent than what waits. */
static int rank(int exit_code)
{
	static const int order[] = {0, 4, 75, 3, 69, 1};
	for (int i = 0; i < (int)ARRAY_LEN(order); i++)
		if (order[i] == exit_code)
			return i;
	return (int)ARRAY_LEN(order);
}

static int exit_code_of(const struct status *s)
{
	switch (s->phase) {
	case PHASE_SETTLED: case PHASE_KEEPING: case PHASE_LEFT_ALONE: case PHASE_COUNT: return 0;
	case PHASE_PROGRESSING: return err_info(ERR_TRANSIENT)->exit_code;
	case PHASE_WAITING: return 4;
	case PHASE_ROLLED_BACK: return 3;
	case PHASE_BLOCKED: case PHASE_FAILED: break;
	}
	int code = err_info(s->cause)->exit_code;
	/* 64 and 65 speak of the command line and the manifest; a service that fails is neither. */
	return code == 0 || code == 64 || code == 65 ? 1 : code;
}

void status_nothing(struct buf *out, const struct decision *d)
{
	int code = status_exit_code(d);
	buf_puts(out, code == 0 || code == 3 || code == 4 ? "No changes.\n" : "Nothing can be done now:\n");
}

int status_exit_code(const struct decision *d)
{
	int worst = exit_code_of(&d->host);
	for (size_t i = 0; i < d->services_count; i++) {
		int code = exit_code_of(&d->services[i]);
		if (rank(code) > rank(worst))
			worst = code;
	}
	return worst;
}
