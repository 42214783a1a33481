/*
 * The notes of a run. The one thing to know: they are written before the act that they are about, and what cannot be
 * written is a failed action like any other.
 */
#include "keep.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "desired/manifest.h"

int keep_open(struct keeper *k, const char *state_dir, struct arena *arena, struct err *e)
{
	*k = (struct keeper){.folder = arena_printf(arena, "%s/notes", state_dir), .arena = arena};
	return notes_read(k->folder, arena, &k->notes, e) < 0 ? err_wrap(e, "notes") : 0;
}

int keep_read_again(struct keeper *k, struct err *e)
{
	fs_sweep(k->folder);
	return notes_read(k->folder, k->arena, &k->notes, e);
}

int keep_begin(struct keeper *k, struct err *e)
{
	if (notes_write(k->folder, &k->notes, e) < 0)
		return err_wrap(e, "notes");
	k->notes.is_missing = false;
	return 0;
}

/* Kept in memory even when it cannot be written: going back must not wait for room on the disk. The run then ends
 * with the error, see keep_settled(). A revision that was good before is as bad as any other. */
int keep_quarantine(struct keeper *k, const struct action *action, struct err *e)
{
	struct arena *a = k->arena;
	*ARENA_PUSH(a, k->notes.quarantines, k->notes.quarantines_count) = (struct note_quarantine){
		arena_strdup(a, action->project), arena_strdup(a, action->service), arena_strdup(a, action->revision),
		arena_strdup(a, action->reason), clock_now_ms()};
	past_goods_forget(&k->notes.past_goods, &(struct past_good){action->project, action->service, action->revision});
	k->are_unwritten = notes_write(k->folder, &k->notes, e) < 0;
	return k->are_unwritten ? -1 : 0;
}

/* Replaces the good revision of a service in memory; the caller writes. */
static void set_good(struct notes *n, struct arena *a, const struct service *s, const char *text, const char *image_id)
{
	struct note_good good = {arena_strdup(a, s->project), arena_strdup(a, s->name), arena_strdup(a, s->revision),
	                         arena_strdup(a, text), arena_strdup(a, image_id ? image_id : "")};
	struct past_good now = {good.project, good.service, good.revision};
	for (size_t i = 0; i < n->goods_count; i++)
		if (strcmp(n->goods[i].project, s->project) == 0 && strcmp(n->goods[i].service, s->name) == 0) {
			struct past_good before = {good.project, good.service, n->goods[i].revision, n->goods[i].image_id};
			past_goods_follow(&n->past_goods, a, &before, &now);
			n->goods[i] = good;
			return;
		}
	past_goods_follow(&n->past_goods, a, NULL, &now);
	*ARENA_PUSH(a, n->goods, n->goods_count) = good;
}

static void note_image(struct notes *n, struct arena *a, const struct service *s, const char *id, int64_t good_ms)
{
	const struct value *image = spec_value(&s->spec, "image");
	notes_put_image(n, &(struct note_image){s->project, s->name, s->image, id, good_ms, image && image->secret}, a);
}

void keep_images(struct keeper *k, const struct action *action, const struct outcome *outcome)
{
	struct err e;
	if ((action->kind == ACTION_PULL || action->kind == ACTION_BUILD) && *outcome->image_id)
		note_image(&k->notes, k->arena, action->spec, outcome->image_id, 0);
	else if (action->kind == ACTION_DROP)
		notes_forget_image(&k->notes, action->image->image);
	else
		return;
	if (notes_write(k->folder, &k->notes, &e) < 0)
		log_warning("notes: %s", e.message);
}

int keep_good(struct keeper *k, const struct action *action, struct err *e)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(1024 * 1024);
	service_print(&text, action->spec);
	if (text.overflowed)
		return err_set(e, ERR_INVALID, "notes: %s/%s is larger than %zu bytes", action->project, action->service, text.max);
	/* Good is what the notes on disk say: until they do, the old revision is not let go. */
	struct notes with = k->notes;
	with.goods = NULL;
	with.goods_count = 0;
	for (size_t i = 0; i < k->notes.goods_count; i++)
		*ARENA_PUSH(k->arena, with.goods, with.goods_count) = k->notes.goods[i];
	with.past_goods = (struct past_goods){0};
	for (size_t i = 0; i < k->notes.past_goods.count; i++)
		*ARENA_PUSH(k->arena, with.past_goods.items, with.past_goods.count) = k->notes.past_goods.items[i];
	set_good(&with, k->arena, action->spec, text.text, action->image_id);
	with.images = NULL;
	with.images_count = 0;
	for (size_t i = 0; i < k->notes.images_count; i++)
		*ARENA_PUSH(k->arena, with.images, with.images_count) = k->notes.images[i];
	note_image(&with, k->arena, action->spec, "", clock_now_ms());
	if (notes_write(k->folder, &with, e) < 0)
		return -1;
	k->notes = with;
	k->are_unwritten = false;
	return 0;
}

int keep_settled(struct keeper *k, const struct loaded *l, const struct decision *decision, struct err *e)
{
	const struct desired *d = &l->desired;
	bool is_applied = l->left_out == 0 && !l->is_partial && l->files.kind == ERR_NONE;
	bool is_changed = k->are_unwritten ||
	                  (is_applied && strcmp(k->notes.applied ? k->notes.applied : "", d->commit) != 0);
	CLEANUP(buf_done) struct buf text = BUF_INIT(1024 * 1024);
	for (size_t i = 0; i < decision->services_count; i++) {
		const struct status *st = &decision->services[i];
		const struct service *s = desired_service(d, st->project, st->service);
		if (!s || (st->phase != PHASE_SETTLED && st->phase != PHASE_KEEPING))
			continue;
		buf_clear(&text);
		service_print(&text, s);
		for (size_t n = 0; n < k->notes.goods_count; n++) {
			const struct note_good *g = &k->notes.goods[n];
			if (strcmp(g->project, s->project) == 0 && strcmp(g->service, s->name) == 0 &&
			    strcmp(g->revision, s->revision) == 0 && strcmp(g->spec, text.text) != 0) {
				set_good(&k->notes, k->arena, s, text.text, g->image_id);
				is_changed = true;
			}
		}
	}
	if (is_applied)
		k->notes.applied = d->commit;
	if (!is_changed || k->notes.is_missing || notes_write(k->folder, &k->notes, e) == 0)
		return 0;
	if (k->are_unwritten)
		return -1;
	log_warning("%s", e->message);
	return 0;
}
