/*
 * What operators tell. The one thing to know: an order is about a revision, so that it never reaches one that came
 * later; only a pause is about a name.
 */
#include "operate.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "cycle.h"
#include "desired/units.h"
#include "host/lock.h"
#include "host/orders.h"
#include "keep.h"

static int say(const struct err *e)
{
	log_error("%s", e->message);
	return err_info(e->kind)->exit_code;
}

static const char *folder_of(const struct settings *s, struct arena *a)
{
	return arena_printf(a, "%s/operator", s->state_dir);
}

/* "shop/web" -> "shop", "web"; "shop" -> "shop", ""; NULL -> "", "". */
static void split(const char *name, struct arena *a, const char **project, const char **service)
{
	const char *slash = name ? strchr(name, '/') : NULL;
	*project = !name ? "" : slash ? arena_strndup(a, name, (size_t)(slash - name)) : name;
	*service = slash ? slash + 1 : "";
}

/* One service that is in the middle of something: what Git says of it, and what nginx does. */
struct place {
	struct want want;
	struct world world;
	const struct service *service;
	const struct traffic *traffic; /* NULL: nginx does not know it */
};

static int find_place(const struct settings *s, const char *name, struct place *p, struct err *e)
{
	const char *project, *service;
	if (cycle_glimpse(s, &p->want, &p->world, e) < 0)
		return -1;
	split(name, &p->want.arena, &project, &service);
	p->service = desired_service(&p->want.loaded.desired, project, service);
	if (!p->service)
		return err_set(e, ERR_USAGE, "'%s' is no service of this commit; write PROJECT/SERVICE, as `reconcile status` shows it", name);
	for (size_t i = 0; i < p->world.nginx.topology.services_count; i++) {
		const struct traffic *t = &p->world.nginx.topology.services[i];
		if (strcmp(t->project, project) == 0 && strcmp(t->service, service) == 0)
			p->traffic = t;
	}
	return 0;
}

static bool is_good(const struct place *p)
{
	const struct good *good = world_good(&p->world, p->service->project, p->service->name);
	return good && strcmp(good->revision, p->service->revision) == 0;
}

/* What the revision that Git asks for has of the requests, as far as that may wait for a word: in the dark nothing. -1: it
 * does not wait. */
static int share_of(const struct place *p)
{
	const struct service *s = p->service;
	const struct traffic *t = p->traffic;
	if (!t || is_good(p) || world_is_called_off(&p->world, s) || strcmp(t->stable.revision, s->revision) == 0)
		return -1;
	if (strcmp(t->next.revision, s->revision) == 0 && t->weight > 0)
		return t->weight;
	for (size_t i = 0; s->steps_count && s->steps[0].weight == 0 && i < p->world.instances_count; i++) {
		const struct instance *in = &p->world.instances[i];
		if (strcmp(in->project, s->project) == 0 && strcmp(in->service, s->name) == 0 && strcmp(in->revision, s->revision) == 0)
			return 0;
	}
	return -1;
}

static int promote(const struct settings *s, const struct operation *o, struct place *p, struct err *e)
{
	if (find_place(s, o->name, p, e) < 0)
		return -1;
	const struct service *service = p->service;
	int share = share_of(p);
	if (world_was_good(&p->world, service))
		return err_set(e, ERR_USAGE, "nothing of %s waits for a promote: revision %.8s was good before, and only has to be ready", o->name,
		               service->revision);
	if (share < 0)
		return err_set(e, ERR_USAGE, "nothing of %s waits: revision %.8s has no share of the requests that could grow", o->name,
		               service->revision);
	struct order order = {.kind = ORDER_PROMOTE, .project = service->project, .service = service->name,
	                      .revision = service->revision, .weight = o->is_full ? PERMILLE : share, .reason = ""};
	if (orders_change(folder_of(s, &p->want.arena), ORDER_PROMOTE, service->project, service->name, &order, NULL, e) < 0)
		return -1;
	if (o->is_full)
		printf("%s: revision %.8s need not wait any more, only be ready\n", o->name, service->revision);
	else if (share == 0)
		printf("%s: revision %.8s may come out of the dark\n", o->name, service->revision);
	else
		printf("%s: revision %.8s may have more than %d.%d%% of the requests\n", o->name, service->revision, share / 10, share % 10);
	return 0;
}

/* Another try begins with its first hold again. */
static int forget_promote(const struct settings *s, struct arena *a, const char *project, const char *service, struct err *e)
{
	return orders_change(folder_of(s, a), ORDER_PROMOTE, project, service, NULL, NULL, e);
}

static int call_off(const struct settings *s, const struct operation *o, struct place *p, struct err *e)
{
	if (find_place(s, o->name, p, e) < 0)
		return -1;
	const struct service *service = p->service;
	if (is_good(p))
		return err_set(e, ERR_USAGE, "revision %.8s of %s is accepted already; revert it in Git", service->revision, o->name);
	struct order order = {.kind = ORDER_ABORT, .project = service->project, .service = service->name,
	                      .revision = service->revision, .reason = o->reason ? o->reason : ""};
	if (orders_change(folder_of(s, &p->want.arena), ORDER_ABORT, service->project, service->name, &order, NULL, e) < 0 ||
	    forget_promote(s, &p->want.arena, service->project, service->name, e) < 0)
		return -1;
	printf("%s: revision %.8s is called off; the run goes back to the last good one\n", o->name, service->revision);
	return 0;
}

static int at_place(const struct settings *s, const struct operation *o,
                    int (*tell)(const struct settings *s, const struct operation *o, struct place *p, struct err *e))
{
	struct err e;
	struct place p = {0};
	int code = tell(s, o, &p, &e) < 0 ? say(&e) : 0;
	arena_done(&p.want.arena);
	return code;
}

int operate_promote(const struct settings *s, const struct operation *o)
{
	return at_place(s, o, promote);
}

int operate_abort(const struct settings *s, const struct operation *o)
{
	return at_place(s, o, call_off);
}

/* "2h" from now, or a time. False: neither, or not in the future. */
static bool read_until(const char *text, int64_t *until_ms)
{
	int64_t ns;
	if (units_duration_ns(text, &ns))
		*until_ms = clock_now_ms() + ns / 1000000;
	else
		*until_ms = clock_parse_rfc3339_ms(text);
	return *until_ms > clock_now_ms();
}

static const char *shown(const struct operation *o)
{
	return o->name ? o->name : "everything";
}

static bool is_of(const char *project, const char *service, const char *wanted_project, const char *wanted_service)
{
	return strcmp(project, wanted_project) == 0 && (!*wanted_service || strcmp(service, wanted_service) == 0);
}

/* Is there such a thing? What ran here before is known without asking Git or Docker, which may be away just now. */
static int check_name(const struct settings *s, const char *name, struct arena *a, struct err *e)
{
	struct keeper k;
	struct want want = {0};
	struct world world;
	const char *project, *service;
	split(name, a, &project, &service);
	if (!name || keep_open(&k, s->state_dir, a, e) < 0)
		return name ? -1 : 0;
	for (size_t i = 0; i < k.notes.goods_count; i++)
		if (is_of(k.notes.goods[i].project, k.notes.goods[i].service, project, service))
			return 0;
	int result = cycle_glimpse(s, &want, &world, e);
	const struct desired *d = &want.loaded.desired;
	bool is_there = false;
	for (size_t i = 0; result == 0 && i < d->projects_count; i++)
		for (size_t n = 0; n < d->projects[i].services_count; n++)
			is_there |= is_of(d->projects[i].name, d->projects[i].services[n].name, project, service);
	arena_done(&want.arena);
	if (result == 0 && !is_there)
		return err_set(e, ERR_USAGE, "nothing here is called '%s'; write PROJECT or PROJECT/SERVICE, as `reconcile status` shows them", name);
	return result;
}

int operate_pause(const struct settings *s, const struct operation *o)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	char until[32];
	struct order order = {.kind = ORDER_PAUSE, .revision = "", .reason = o->reason ? o->reason : ""};
	split(o->name, &a, &order.project, &order.service);
	if (o->until && !read_until(o->until, &order.until_ms)) {
		err_set(&e, ERR_USAGE, "--until %s: write a time to come, like 2h or 2030-12-31T08:00:00Z", o->until);
		return say(&e);
	}
	/* In the place of what was said of this name before; a pause of more than it names stays. */
	if (check_name(s, o->name, &a, &e) < 0 ||
	    orders_change(folder_of(s, &a), ORDER_PAUSE, order.project, order.service, &order, NULL, &e) < 0)
		return say(&e);
	if (order.until_ms)
		clock_format(order.until_ms, until, sizeof until);
	printf("%s: paused until %s\n", shown(o), order.until_ms ? until : "`reconcile resume`");
	return 0;
}

int operate_resume(const struct settings *s, const struct operation *o)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	const char *project, *service;
	size_t gone;
	split(o->name, &a, &project, &service);
	if (orders_change(folder_of(s, &a), ORDER_PAUSE, project, service, NULL, &gone, &e) < 0)
		return say(&e);
	struct order *left;
	size_t count;
	if (orders_read(folder_of(s, &a), &a, &left, &count, &e) < 0)
		return say(&e);
	for (size_t i = 0; i < count; i++)
		if (left[i].kind == ORDER_PAUSE && *project && (!*left[i].project || is_of(left[i].project, "", project, ""))) {
			if (*left[i].service)
				continue;
			printf("%s: stays paused, with %s\n", shown(o), *left[i].project ? left[i].project : "everything");
			return 0;
		}
	printf("%s: %s\n", shown(o), gone ? "goes on" : "was not paused");
	return 0;
}

static bool is_named(const struct note_quarantine *q, const char *project, const char *service)
{
	return (!*project || strcmp(q->project, project) == 0) && (!*service || strcmp(q->service, service) == 0);
}

/* Takes the quarantines that are meant out of the notes; returns how many, and says which. */
static size_t forget(struct notes *notes, const char *project, const char *service, struct buf *out)
{
	size_t kept = 0, count = notes->quarantines_count;
	for (size_t i = 0; i < count; i++) {
		const struct note_quarantine *q = &notes->quarantines[i];
		if (is_named(q, project, service))
			buf_printf(out, "%s/%s: revision %.8s may be tried again\n", q->project, q->service, q->revision);
		else
			notes->quarantines[kept++] = *q;
	}
	notes->quarantines_count = kept;
	return count - kept;
}

static int retry(const struct settings *s, const struct operation *o, struct arena *a, struct buf *out, struct err *e)
{
	CLEANUP(fd_close) int lock = -1;
	struct keeper k;
	size_t called_off = 0;
	const char *project, *service;
	split(o->name, a, &project, &service);
	if (orders_change(folder_of(s, a), ORDER_ABORT, project, service, NULL, &called_off, e) < 0)
		return -1;
	if (called_off)
		buf_printf(out, "%s: what was called off may be tried again\n", shown(o));
	if (keep_open(&k, s->state_dir, a, e) < 0 || lock_wait(s->run_dir, s->lock_timeout_ms, &lock, e) < 0 ||
	    keep_read_again(&k, e) < 0)
		return -1;
	for (size_t i = 0; i < k.notes.quarantines_count; i++) {
		const struct note_quarantine *q = &k.notes.quarantines[i];
		if (is_named(q, project, service) && forget_promote(s, a, q->project, q->service, e) < 0)
			return -1;
	}
	size_t forgotten = forget(&k.notes, project, service, out);
	if (k.notes.is_missing)
		buf_puts(out, "new notes were begun; the next run takes what serves now as the old revision\n");
	else if (!forgotten && !called_off)
		buf_printf(out, "nothing is quarantined%s%s\n", o->name ? " in " : "", o->name ? o->name : "");
	return forgotten || k.notes.is_missing ? notes_write(k.folder, &k.notes, e) : 0;
}

int operate_retry(const struct settings *s, const struct operation *o)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf out = BUF_INIT(1024 * 1024);
	struct err e;
	if (retry(s, o, &a, &out, &e) < 0)
		return say(&e);
	fputs(out.text, stdout);
	return 0;
}
