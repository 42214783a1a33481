/* Worlds as text, and what is different in two of them. */
#include "picture.h"

#include <stdlib.h>

#include "desired/fields.h"

struct lines {
	char **items;
	size_t count;
};

static void add(struct arena *a, struct lines *l, const struct buf *line)
{
	*ARENA_PUSH(a, l->items, l->count) = arena_strdup(a, line->text);
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

static void draw_state(struct buf *line, const struct instance *i)
{
	static const char *const states[] = {"created", "running", "restarting", "paused", "exited", "dead"};
	buf_printf(line, " %s", states[i->state]);
	if (i->state == INSTANCE_EXITED)
		buf_printf(line, " with %d", i->exit_code);
	buf_printf(line, "%s%s", i->started_ms ? "" : ", never started", i->health == HEALTH_NONE ? "" : ", has a health check");
}

static void draw_live(struct buf *line, const struct instance *i)
{
	size_t count;
	const struct field *const *fields = fields_rows(&count);
	for (size_t k = 0; i->live && k < count; k++)
		if (fields[k]->change == CHANGE_LIVE && i->live[k].kind != VALUE_UNSET) {
			buf_printf(line, ", %s ", fields[k]->path);
			value_print(line, &i->live[k], false);
		}
	buf_puts(line, i->live ? "" : ", unknown");
}

static void draw_instance(struct arena *a, struct lines *l, const struct instance *i, bool ends)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(64 * 1024);
	const char *head = arena_printf(a, "%s (%s/%s %d, %.8s)", i->name, i->project, i->service, i->number, i->revision);
	buf_printf(&line, "%s at '%s'%s%s", head, i->address, i->is_restart_off ? ", restart off" : "", i->shares ? ", shares a network" : "");
	if (!ends)
		draw_state(&line, i);
	add(a, l, &line);
	buf_clear(&line);
	buf_printf(&line, "%s live", head);
	draw_live(&line, i);
	add(a, l, &line);
	for (size_t k = 0; k < i->endpoints_count; k++) {
		const struct endpoint *e = &i->endpoints[k];
		buf_clear(&line);
		buf_printf(&line, "%s on %s at '%s'%s%s", head, e->network, e->address, e->is_there ? "" : ", away",
		           e->has_alias ? ", by name" : "");
		add(a, l, &line);
	}
}

static void draw_side(struct buf *line, const char *name, const struct side *side)
{
	buf_printf(line, ", %s %.8s", name, side->revision);
	for (size_t i = 0; i < side->addresses_count; i++)
		buf_printf(line, " %s", side->addresses[i]);
}

static void draw_nginx(struct arena *a, struct lines *l, const struct nginx *n)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(64 * 1024);
	buf_printf(&line, "nginx%s%s%s%s%s", n->is_up ? " is up" : " is down", n->is_current ? ", current" : "",
	           n->is_announcing ? ", announces" : "", n->drift ? ", " : "", n->drift ? n->drift : "");
	add(a, l, &line);
	for (size_t i = 0; i < n->topology.services_count; i++) {
		const struct traffic *t = &n->topology.services[i];
		buf_clear(&line);
		buf_printf(&line, "traffic %zu of %s/%s: %s, %d%s%s", i, t->project, t->service, t->rollout, t->weight,
		           t->to_testers ? " and testers" : "", t->is_damaged ? ", damaged" : "");
		draw_side(&line, "stable", &t->stable);
		draw_side(&line, "next", &t->next);
		add(a, l, &line);
	}
	for (size_t i = 0; i < n->topology.routes_count; i++) {
		const struct route *r = &n->topology.routes[i];
		buf_clear(&line);
		buf_printf(&line, "route %zu: %s%s to %s/%s:%d, %d", i, r->host, r->path, r->project, r->service, r->port, r->weight);
		add(a, l, &line);
	}
}

static void draw_notes(struct arena *a, struct lines *l, const struct world *w)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(64 * 1024);
	for (size_t i = 0; i < w->quarantines_count; i++) {
		buf_clear(&line);
		buf_printf(&line, "quarantine %s %.8s (%s)", w->quarantines[i].service, w->quarantines[i].revision, w->quarantines[i].reason);
		add(a, l, &line);
	}
	for (size_t i = 0; i < w->goods_count; i++) {
		buf_clear(&line);
		buf_printf(&line, "good %s %.8s%s", w->goods[i].service, w->goods[i].revision, w->goods[i].spec ? "" : ", unknown");
		add(a, l, &line);
	}
	for (size_t i = 0; i < w->past_goods.count; i++) {
		buf_clear(&line);
		buf_printf(&line, "good before %s %.8s", w->past_goods.items[i].service, w->past_goods.items[i].revision);
		add(a, l, &line);
	}
	for (size_t i = 0; i < w->past_images_count; i++) {
		const struct past_image *p = &w->past_images[i];
		buf_clear(&line);
		buf_printf(&line, "image of %s: %s%s%s", p->service, p->image, *p->id ? ", ours" : "", p->good_ms ? ", good" : "");
		add(a, l, &line);
	}
}

static void draw_engine(struct arena *a, struct lines *l, const struct world *w)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(64 * 1024);
	for (size_t i = 0; i < w->networks_count; i++) {
		const struct network *n = &w->networks[i];
		buf_clear(&line);
		/* Without a wish the engine takes a subnet of its own. */
		buf_printf(&line, "network %s of '%s'%s%s", n->name, n->project, strstr(n->name, "_reconcile") ? n->subnet : "", n->range);
		add(a, l, &line);
	}
	for (size_t i = 0; i < w->volumes_count; i++) {
		buf_clear(&line);
		buf_printf(&line, "volume %s", w->volumes[i]);
		add(a, l, &line);
	}
}

void picture_draw(struct buf *out, const struct world *w, const bool ends[SERVICES_MAX])
{
	CLEANUP(arena_done) struct arena a = {0};
	struct lines l = {0};
	for (size_t i = 0; i < w->instances_count; i++)
		draw_instance(&a, &l, &w->instances[i], ends[service_index(w->instances[i].service)]);
	draw_nginx(&a, &l, &w->nginx);
	draw_notes(&a, &l, w);
	draw_engine(&a, &l, w);
	if (l.count)
		qsort(l.items, l.count, sizeof *l.items, by_text);
	for (size_t i = 0; i < l.count; i++)
		buf_printf(out, "%s\n", l.items[i]);
}

void picture_differ(const char *lines, const char *title, const char *others)
{
	for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1) {
		char *line = strndup(lines, (size_t)(end - lines) + 1);
		const char *at = strstr(others, line);
		if (!at || (at != others && at[-1] != '\n'))
			printf("  %s: %s", title, line);
		free(line);
	}
}
