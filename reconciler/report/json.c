/*
 * --json. The one thing to know: names and shapes are terraform's (format_version 1.x of its plans and of its
 * machine-readable UI), so that what reads those reads these; `steps` and `reason` are ours.
 */
#include "report/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define FORMAT_VERSION "1.0"

/* Ends the tree. Without memory nothing of ours goes on: see base/arena.h. */
static void finish(struct buf *out, cJSON *root)
{
	char *text = cJSON_PrintUnformatted(root);
	if (!text)
		abort();
	buf_puts(out, text);
	buf_puts(out, "\n");
	free(text);
	cJSON_Delete(root);
}

static cJSON *document(void)
{
	cJSON *root = cJSON_CreateObject();
	cJSON_AddStringToObject(root, "format_version", FORMAT_VERSION);
	return root;
}

static void add_text(cJSON *object, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(object, name, text);
}

static void add_commit(cJSON *root, const struct desired *d)
{
	if (!*d->commit)
		return;
	cJSON *commit = cJSON_AddObjectToObject(root, "commit");
	add_text(commit, "id", d->commit);
	add_text(commit, "subject", d->subject);
}

/* "shop/web", "shop" for what is the project's, NULL for the host's. */
static void add_address(cJSON *object, const char *project, const char *service)
{
	char text[512];
	if (!project)
		return;
	snprintf(text, sizeof text, "%s%s%s", project, service ? "/" : "", service ? service : "");
	add_text(object, "address", text);
}

/* ---- Values ---- */

static cJSON *value_json(const struct value *v)
{
	if (v->secret)
		return cJSON_CreateString("(secret)");
	cJSON *many = NULL;
	switch (v->kind) {
	case VALUE_UNSET: return cJSON_CreateNull();
	case VALUE_BOOL: return cJSON_CreateBool(v->boolean);
	case VALUE_INT: return cJSON_CreateNumber((double)v->integer);
	case VALUE_STRING: return cJSON_CreateString(v->string);
	case VALUE_LIST:
		many = cJSON_CreateArray();
		for (size_t i = 0; i < v->count; i++)
			cJSON_AddItemToArray(many, value_json(&v->items[i]));
		break;
	case VALUE_MAP:
		many = cJSON_CreateObject();
		for (size_t i = 0; i < v->count; i++)
			cJSON_AddItemToObject(many, v->keys[i], value_json(&v->items[i]));
		break;
	}
	return many;
}

/* True where it is secret, in the shape of the value; NULL: nowhere. */
static cJSON *sensitive_json(const struct value *v)
{
	if (v->secret)
		return cJSON_CreateTrue();
	if (v->kind != VALUE_LIST && v->kind != VALUE_MAP)
		return NULL;
	bool is_any = false, is_map = v->kind == VALUE_MAP;
	cJSON *many = is_map ? cJSON_CreateObject() : cJSON_CreateArray();
	for (size_t i = 0; i < v->count; i++) {
		cJSON *one = sensitive_json(&v->items[i]);
		is_any |= one != NULL;
		if (is_map && one)
			cJSON_AddItemToObject(many, v->keys[i], one);
		else if (!is_map) /* a list has a place for each */
			cJSON_AddItemToArray(many, one ? one : cJSON_CreateFalse());
	}
	if (is_any)
		return many;
	cJSON_Delete(many);
	return NULL;
}

/* The fields that a service sets: {"image": ..., "deploy.replicas": ...}. */
static void add_side(cJSON *change, const char *side, const struct service *s)
{
	char name[32];
	snprintf(name, sizeof name, "%s_sensitive", side);
	if (!s) {
		cJSON_AddNullToObject(change, side);
		cJSON_AddFalseToObject(change, name);
		return;
	}
	cJSON *values = cJSON_AddObjectToObject(change, side), *sensitive = cJSON_CreateObject();
	for (size_t i = 0; i < s->spec.count; i++) {
		const struct value *v = &s->spec.values[i];
		if (v->kind == VALUE_UNSET)
			continue;
		cJSON_AddItemToObject(values, s->spec.rows[i]->path, value_json(v));
		cJSON *secret = sensitive_json(v);
		if (secret)
			cJSON_AddItemToObject(sensitive, s->spec.rows[i]->path, secret);
	}
	cJSON_AddItemToObject(change, name, sensitive);
}

/* ---- The plan ---- */

static const char *const actions[SIGN_COUNT][2] = {
	[SIGN_NONE] = {"no-op"}, [SIGN_CREATE] = {"create"}, [SIGN_DESTROY] = {"delete"}, [SIGN_UPDATE] = {"update"},
	[SIGN_NEW_FIRST] = {"create", "delete"}, [SIGN_OLD_FIRST] = {"delete", "create"},
};

static const char *reason_of(const struct plan_row *row)
{
	if (row->is_barred)
		return "quarantined";
	if (row->service && !row->want)
		return "delete_because_no_resource_config";
	return row->is_replaced && row->sign != SIGN_NONE ? "replace_because_cannot_update" : NULL;
}

static void add_row(cJSON *to, const struct plan_row *row)
{
	cJSON *one = cJSON_CreateObject();
	cJSON_AddItemToArray(to, one);
	if (row->service)
		add_address(one, row->project, row->service);
	else
		add_text(one, "address", row->thing ? row->thing : "routes");
	cJSON *change = cJSON_AddObjectToObject(one, "change"), *list = cJSON_AddArrayToObject(change, "actions");
	for (size_t i = 0; i < 2 && actions[row->sign][i]; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(actions[row->sign][i]));
	add_side(change, "before", row->was);
	add_side(change, "after", row->is_barred ? row->was : row->want);
	cJSON *paths = row->is_replaced ? cJSON_AddArrayToObject(change, "replace_paths") : NULL;
	for (size_t i = 0; paths && i < row->changes_count; i++)
		if (row->changes[i].forces_replacement) {
			cJSON *path = cJSON_CreateArray();
			cJSON_AddItemToArray(path, cJSON_CreateString(row->changes[i].path));
			cJSON_AddItemToArray(paths, path);
		}
	add_text(one, "action_reason", reason_of(row));
	add_text(one, "reason", row->reason);
	cJSON *differences = row->differences_count ? cJSON_AddArrayToObject(one, "differences") : NULL;
	for (size_t i = 0; i < row->differences_count; i++)
		cJSON_AddItemToArray(differences, cJSON_CreateString(row->differences[i]));
	if (row->has_new)
		add_text(one, "strategy", row->status->strategy);
	if (row->was_good)
		cJSON_AddTrueToObject(one, "was_good");
}

static void add_steps(cJSON *root, const struct rehearsal *r)
{
	cJSON *steps = cJSON_AddArrayToObject(root, "steps");
	for (size_t i = 0; i < r->events_count; i++) {
		const struct event *e = &r->events[i];
		cJSON *step = cJSON_CreateObject();
		cJSON_AddItemToArray(steps, step);
		cJSON_AddNumberToObject(step, "at_ms", (double)e->at_ms);
		add_address(step, e->action.project, e->action.service);
		add_text(step, "action", action_info(e->action.kind)->verb);
		add_text(step, "text", e->text);
	}
}

/* Where its rollout is, and what it waits for. */
static void add_progress(cJSON *one, const struct status *s)
{
	char until[32];
	add_text(one, "from", s->from);
	add_text(one, "to", s->to);
	if (s->was_good)
		cJSON_AddTrueToObject(one, "was_good");
	if (s->to && s->weight >= 0)
		cJSON_AddNumberToObject(one, "percent", s->weight / 10.0);
	if (s->step) {
		cJSON_AddNumberToObject(one, "step", s->step);
		cJSON_AddNumberToObject(one, "steps", s->steps);
	}
	if (s->until_ms) {
		clock_rfc3339(s->until_ms, until, sizeof until);
		add_text(one, "until", until);
	}
	add_text(one, "paused", s->paused);
}

static void add_services(cJSON *root, const struct decision *d)
{
	cJSON *services = cJSON_AddArrayToObject(root, "services");
	for (size_t i = 0; i < d->services_count; i++) {
		const struct status *s = &d->services[i];
		if (s->phase == PHASE_LEFT_ALONE)
			continue;
		cJSON *one = cJSON_CreateObject();
		cJSON_AddItemToArray(services, one);
		add_address(one, s->project, s->service);
		add_text(one, "phase", s->phase == PHASE_KEEPING ? phase_name(PHASE_SETTLED) : phase_name(s->phase));
		add_text(one, "strategy", s->strategy);
		add_text(one, "revision", s->revision);
		add_text(one, "reason", s->reason);
		add_progress(one, s);
	}
	if (d->host.service) {
		cJSON *one = cJSON_CreateObject();
		cJSON_AddItemToArray(services, one);
		add_text(one, "address", d->host.service);
		add_text(one, "phase", phase_name(d->host.phase));
		add_text(one, "reason", d->host.reason);
	}
}

static void add_tally(cJSON *root, const struct tally *t, const char *operation)
{
	cJSON *changes = cJSON_AddObjectToObject(root, "changes");
	cJSON_AddNumberToObject(changes, "add", t->added);
	cJSON_AddNumberToObject(changes, "change", t->changed);
	cJSON_AddNumberToObject(changes, "remove", t->destroyed);
	add_text(changes, "operation", operation);
}

void json_plan(struct buf *out, const struct plan *p, bool is_whole)
{
	const struct rehearsal *r = p->rehearsal;
	cJSON *root = document(), *drift = cJSON_CreateArray(), *changes = cJSON_CreateArray();
	add_commit(root, p->desired);
	for (size_t i = 0; i < p->rows_count; i++) {
		add_row(changes, &p->rows[i]);
		if (p->rows[i].is_drift && p->rows[i].sign != SIGN_NONE)
			add_row(drift, &p->rows[i]);
	}
	cJSON_AddItemToObject(root, "resource_drift", drift);
	cJSON_AddItemToObject(root, "resource_changes", changes);
	add_steps(root, r);
	add_tally(root, &p->tally, "plan");
	cJSON_AddNumberToObject(root, "lasts_ms", (double)r->lasts_ms);
	cJSON_AddNumberToObject(root, "reloads", r->reloads);
	cJSON_AddNumberToObject(root, "instances_peak", r->instances_peak);
	add_services(root, &r->end);
	bool is_errored = r->is_endless || !is_whole;
	cJSON_AddBoolToObject(root, "applyable", !tally_is_empty(&p->tally) && !r->is_endless);
	cJSON_AddBoolToObject(root, "complete", is_whole);
	cJSON_AddBoolToObject(root, "errored", is_errored);
	finish(out, root);
}

static void add_sight(cJSON *one, const char *name, const struct seen *side)
{
	struct sight s = sight_of(side);
	cJSON *object = cJSON_AddObjectToObject(one, name);
	cJSON_AddNumberToObject(object, "attempts", (double)s.attempts);
	cJSON_AddNumberToObject(object, "errors", (double)s.errors);
	if (s.p99_ms >= 0)
		cJSON_AddNumberToObject(object, "p99_ms", s.p99_ms);
}

/* Of rollouts under way. */
static void add_seen(cJSON *root, const struct world *w)
{
	struct evidence sum;
	cJSON *list = cJSON_AddArrayToObject(root, "requests");
	for (size_t at = 0; seen_next(w, &at, &sum);) {
		cJSON *one = cJSON_CreateObject();
		cJSON_AddItemToArray(list, one);
		add_address(one, sum.project, sum.service);
		add_text(one, "revision", sum.revision);
		add_sight(one, "next", &sum.next);
		add_sight(one, "stable", &sum.stable);
	}
}

void json_status(struct buf *out, const struct desired *d, const struct decision *decision, const struct world *w)
{
	cJSON *root = document();
	add_commit(root, d);
	add_services(root, decision);
	add_seen(root, w);
	finish(out, root);
}

/* ---- Diagnostics ---- */

/* "FILE:LINE:COLUMN: " in front of the line; the rest is returned, the whole line when it does not begin so. */
static const char *take_place(cJSON *one, const char *line)
{
	char file[1024];
	int row, column, used = 0;
	for (const char *colon = strchr(line, ':'); colon; colon = strchr(colon + 1, ':')) {
		if (sscanf(colon, ":%9d:%9d: %n", &row, &column, &used) != 2 || !used)
			continue;
		snprintf(file, sizeof file, "%.*s", (int)(colon - line), line);
		add_text(one, "file", file);
		cJSON_AddNumberToObject(one, "line", row);
		cJSON_AddNumberToObject(one, "column", column);
		return colon + used;
	}
	return line;
}

static void add_diagnostic(cJSON *list, const char *severity, const char *line)
{
	cJSON *one = cJSON_CreateObject();
	cJSON_AddItemToArray(list, one);
	add_text(one, "severity", severity);
	const char *rest = take_place(one, line), *end = strstr(rest, ": ");
	if (rest != line && end && strcspn(rest, " ") > (size_t)(end - rest)) {
		char path[1024];
		snprintf(path, sizeof path, "%.*s", (int)(end - rest), rest);
		add_text(one, "path", path);
		rest = end + 2;
	}
	add_text(one, "message", rest);
}

static int add_diagnostics(cJSON *list, const char *severity, const char *lines)
{
	char line[4096];
	int count = 0;
	for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1, count++) {
		snprintf(line, sizeof line, "%.*s", (int)(end - lines), lines);
		add_diagnostic(list, severity, line);
	}
	return count;
}

void json_validation(struct buf *out, const struct desired *d, const char *errors, const char *warnings, const struct err *e)
{
	cJSON *root = document(), *list = cJSON_CreateArray();
	int bad = add_diagnostics(list, "error", errors), odd = add_diagnostics(list, "warning", warnings);
	if (e && bad == 0) {
		add_diagnostic(list, "error", e->message);
		bad = 1;
	}
	cJSON_AddBoolToObject(root, "valid", bad == 0);
	cJSON_AddNumberToObject(root, "error_count", bad);
	cJSON_AddNumberToObject(root, "warning_count", odd);
	cJSON_AddItemToObject(root, "diagnostics", list);
	cJSON *projects = cJSON_AddArrayToObject(root, "projects");
	for (size_t i = 0; i < d->projects_count; i++) {
		cJSON *one = cJSON_CreateObject();
		cJSON_AddItemToArray(projects, one);
		add_text(one, "name", d->projects[i].name);
		add_text(one, "file", d->projects[i].file);
	}
	finish(out, root);
}

void json_failure(struct buf *out, const char *errors, const struct err *e)
{
	cJSON *root = document();
	cJSON_AddBoolToObject(root, "errored", true);
	cJSON *list = cJSON_AddArrayToObject(root, "diagnostics");
	if (add_diagnostics(list, "error", errors) == 0)
		add_diagnostic(list, "error", e->message);
	finish(out, root);
}

/* ---- Lines of a run ---- */

static cJSON *line(const char *level, const char *type, const char *message)
{
	char when[32];
	cJSON *root = cJSON_CreateObject();
	clock_rfc3339(clock_now_ms(), when, sizeof when);
	add_text(root, "@level", level);
	add_text(root, "@message", message);
	add_text(root, "@module", "reconcile");
	add_text(root, "@timestamp", when);
	add_text(root, "type", type);
	return root;
}

void json_line_version(struct buf *out)
{
	cJSON *root = line("info", "version", "reconcile " RECONCILE_VERSION);
	add_text(root, "reconcile", RECONCILE_VERSION);
	add_text(root, "ui", FORMAT_VERSION);
	finish(out, root);
}

void json_line_action(struct buf *out, const char *type, const struct action *a, const struct err *e)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);
	action_print(&text, a);
	if (e)
		buf_printf(&text, ": %s", e->message);
	cJSON *root = line(e ? "error" : "info", type, text.text), *hook = cJSON_AddObjectToObject(root, "hook");
	cJSON *resource = cJSON_AddObjectToObject(hook, "resource");
	add_address(resource, a->project, a->service);
	add_text(hook, "action", action_info(a->kind)->verb);
	add_text(hook, "reason", a->reason);
	finish(out, root);
}

/* Takes the diagnostic out of the list. */
static void diagnostic_line(struct buf *out, cJSON *diagnostic)
{
	const char *said = cJSON_GetStringValue(cJSON_GetObjectItem(diagnostic, "message"));
	cJSON *root = line("error", "diagnostic", said ? said : "");
	cJSON_AddItemToObject(root, "diagnostic", diagnostic);
	finish(out, root);
}

void json_lines_of_errors(struct buf *out, const char *errors)
{
	cJSON *list = cJSON_CreateArray();
	add_diagnostics(list, "error", errors);
	while (cJSON_GetArraySize(list))
		diagnostic_line(out, cJSON_DetachItemFromArray(list, 0));
	cJSON_Delete(list);
}

void json_line_diagnostic(struct buf *out, const struct err *e)
{
	cJSON *root = line("error", "diagnostic", e->message), *list = cJSON_CreateArray();
	add_diagnostic(list, "error", e->message);
	cJSON_AddItemToObject(root, "diagnostic", cJSON_DetachItemFromArray(list, 0));
	cJSON_Delete(list);
	finish(out, root);
}

void json_line_summary(struct buf *out, const struct tally *t, const struct decision *d, const char *message)
{
	cJSON *root = line(status_exit_code(d) == 0 ? "info" : "warn", "change_summary", message);
	add_tally(root, t, "apply");
	add_services(root, d);
	finish(out, root);
}
