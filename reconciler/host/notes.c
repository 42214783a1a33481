/*
 * Notes in two copies. A copy is one line, "reconcile-notes 1 SHA256", and a JSON body that has the sequence number in
 * it. The one thing to know: the copy that is not the newest whole one is replaced first, and the other only when that
 * has lasted; so whatever happens to a write, the one before it is still there, and afterwards either copy can be lost.
 */
#include "host/notes.h"

#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/sha256.h"

#define MAGIC "reconcile-notes 1 "
#define HEAD_LENGTH (sizeof MAGIC - 1 + SHA256_HEX_SIZE) /* the digest's NUL makes room for the newline */
#define NOTES_MAX (16 * 1024 * 1024)

static const char *const order_names[ORDER_KIND_COUNT] = {
	[ORDER_PROMOTE] = "promote", [ORDER_ABORT] = "abort", [ORDER_PAUSE] = "pause",
};

static const char *const copies[] = {"notes.a", "notes.b"};

static void json_done(cJSON **j)
{
	cJSON_Delete(*j);
}

static void json_text_done(char **text)
{
	cJSON_free(*text);
}

static int copy_path(const char *folder, size_t copy, char *path, size_t size, struct err *e)
{
	if (snprintf(path, size, "%s/%s", folder, copies[copy]) >= (int)size)
		return err_set(e, ERR_INVALID, "%s: name too long", folder);
	return 0;
}

static const char *text_of(const cJSON *object, const char *name, struct arena *a)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
	return arena_strdup(a, s ? s : "");
}

static int64_t number_of(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	return cJSON_IsNumber(item) ? (int64_t)cJSON_GetNumberValue(item) : 0;
}

static void take_body(const cJSON *body, struct arena *a, struct notes *out)
{
	const cJSON *item;
	out->sequence = number_of(body, "sequence");
	out->applied = text_of(body, "applied", a);
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(body, "quarantines"))
		*ARENA_PUSH(a, out->quarantines, out->quarantines_count) = (struct note_quarantine){
			.project = text_of(item, "project", a),   .service = text_of(item, "service", a),
			.revision = text_of(item, "revision", a), .reason = text_of(item, "reason", a),
			.since_ms = number_of(item, "since_ms"),
		};
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(body, "goods"))
		*ARENA_PUSH(a, out->goods, out->goods_count) = (struct note_good){
			.project = text_of(item, "project", a),   .service = text_of(item, "service", a),
			.revision = text_of(item, "revision", a), .spec = text_of(item, "spec", a),
			.image_id = text_of(item, "image_id", a),
		};
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(body, "past_goods"))
		*ARENA_PUSH(a, out->past_goods.items, out->past_goods.count) = (struct past_good){
			text_of(item, "project", a), text_of(item, "service", a), text_of(item, "revision", a), text_of(item, "image_id", a)};
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(body, "images"))
		*ARENA_PUSH(a, out->images, out->images_count) = (struct note_image){
			.project = text_of(item, "project", a), .service = text_of(item, "service", a),
			.image = text_of(item, "image", a),     .id = text_of(item, "id", a),
			.good_ms = number_of(item, "good_ms"),  .is_secret = number_of(item, "is_secret") != 0,
		};
}

static void take_orders(const cJSON *body, struct arena *a, struct notes *out)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(body, "orders")) {
		const char *kind = text_of(item, "kind", a);
		for (int i = 0; i < ORDER_KIND_COUNT; i++)
			if (strcmp(kind, order_names[i]) == 0)
				*ARENA_PUSH(a, out->orders, out->orders_count) = (struct order){
					.kind = (enum order_kind)i,
					.project = text_of(item, "project", a),   .service = text_of(item, "service", a),
					.revision = text_of(item, "revision", a), .weight = (int)number_of(item, "weight"),
					.until_ms = number_of(item, "until_ms"),  .reason = text_of(item, "reason", a),
				};
	}
}

/* Fills *out and says whether the copy is whole. A file that cannot be read at all is an error, not a broken copy:
 * taking it for lost would let the next write throw away what is in it. */
static int read_copy(const char *folder, size_t copy, struct arena *a, struct notes *out, bool *is_whole, struct err *e)
{
	char path[4096], hex[SHA256_HEX_SIZE], *text;
	size_t length;
	struct err why;
	*is_whole = false;
	*out = (struct notes){.applied = ""};
	if (copy_path(folder, copy, path, sizeof path, e) < 0)
		return -1;
	if (fs_read(path, NOTES_MAX + HEAD_LENGTH, a, &text, &length, &why) < 0) {
		if (why.kind == ERR_NOT_FOUND || why.kind == ERR_INVALID)
			return 0;
		*e = why;
		return -1;
	}
	if (length <= HEAD_LENGTH || memcmp(text, MAGIC, sizeof MAGIC - 1) != 0 || text[HEAD_LENGTH - 1] != '\n')
		return 0;
	sha256_hex(text + HEAD_LENGTH, length - HEAD_LENGTH, hex);
	if (memcmp(hex, text + sizeof MAGIC - 1, SHA256_HEX_SIZE - 1) != 0)
		return 0;
	CLEANUP(json_done) cJSON *body = cJSON_ParseWithLength(text + HEAD_LENGTH, length - HEAD_LENGTH);
	if (!cJSON_IsObject(body))
		return 0;
	take_body(body, a, out);
	take_orders(body, a, out);
	*is_whole = out->sequence > 0;
	return 0;
}

/* Index of the newest whole copy, or -1 in *newest. */
static int read_newest(const char *folder, struct arena *a, struct notes *out, int *newest, struct err *e)
{
	*newest = -1;
	*out = (struct notes){.applied = "", .is_missing = true};
	for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
		struct notes n;
		bool is_whole;
		if (read_copy(folder, i, a, &n, &is_whole, e) < 0)
			return err_wrap(e, "notes");
		if (is_whole && n.sequence > out->sequence) {
			*out = n;
			*newest = (int)i;
		}
	}
	return 0;
}

int notes_read(const char *folder, struct arena *a, struct notes *out, struct err *e)
{
	int newest;
	return read_newest(folder, a, out, &newest, e);
}

static bool put_text(cJSON *object, const char *name, const char *text)
{
	return cJSON_AddStringToObject(object, name, text ? text : "") != NULL;
}

static cJSON *new_item(cJSON *list)
{
	cJSON *item = cJSON_CreateObject();
	if (!cJSON_AddItemToArray(list, item)) {
		cJSON_Delete(item);
		return NULL;
	}
	return item;
}

static bool put_orders(cJSON *body, const struct notes *n)
{
	cJSON *list = cJSON_AddArrayToObject(body, "orders");
	for (size_t i = 0; i < n->orders_count; i++) {
		const struct order *o = &n->orders[i];
		cJSON *item = new_item(list);
		if (!put_text(item, "kind", order_names[o->kind]) || !put_text(item, "project", o->project) ||
		    !put_text(item, "service", o->service) || !put_text(item, "revision", o->revision) ||
		    !put_text(item, "reason", o->reason) || !cJSON_AddNumberToObject(item, "weight", o->weight) ||
		    !cJSON_AddNumberToObject(item, "until_ms", (double)o->until_ms))
			return false;
	}
	return list != NULL;
}

static bool put_past_goods(cJSON *body, const struct notes *n)
{
	cJSON *list = cJSON_AddArrayToObject(body, "past_goods");
	for (size_t i = 0; i < n->past_goods.count; i++) {
		const struct past_good *past = &n->past_goods.items[i];
		cJSON *item = new_item(list);
		if (!put_text(item, "project", past->project) || !put_text(item, "service", past->service) ||
		    !put_text(item, "revision", past->revision) || !put_text(item, "image_id", past->image_id))
			return false;
	}
	return list != NULL;
}

/* False when memory is out. */
static bool put_body(cJSON *body, const struct notes *n, int64_t sequence)
{
	if (!cJSON_AddNumberToObject(body, "sequence", (double)sequence) || !put_text(body, "applied", n->applied))
		return false;
	cJSON *list = cJSON_AddArrayToObject(body, "quarantines");
	for (size_t i = 0; i < n->quarantines_count; i++) {
		const struct note_quarantine *q = &n->quarantines[i];
		cJSON *item = new_item(list);
		if (!put_text(item, "project", q->project) || !put_text(item, "service", q->service) ||
		    !put_text(item, "revision", q->revision) || !put_text(item, "reason", q->reason) ||
		    !cJSON_AddNumberToObject(item, "since_ms", (double)q->since_ms))
			return false;
	}
	list = cJSON_AddArrayToObject(body, "goods");
	for (size_t i = 0; i < n->goods_count; i++) {
		const struct note_good *g = &n->goods[i];
		cJSON *item = new_item(list);
		if (!put_text(item, "project", g->project) || !put_text(item, "service", g->service) ||
		    !put_text(item, "revision", g->revision) || !put_text(item, "spec", g->spec) || !put_text(item, "image_id", g->image_id))
			return false;
	}
	list = cJSON_AddArrayToObject(body, "images");
	for (size_t i = 0; i < n->images_count; i++) {
		const struct note_image *image = &n->images[i];
		cJSON *item = new_item(list);
		if (!put_text(item, "project", image->project) || !put_text(item, "service", image->service) ||
		    !put_text(item, "image", image->image) || !put_text(item, "id", image->id) ||
		    !cJSON_AddNumberToObject(item, "good_ms", (double)image->good_ms) ||
		    !cJSON_AddNumberToObject(item, "is_secret", image->is_secret))
			return false;
	}
	return list != NULL && put_past_goods(body, n) && (n->orders_count == 0 || put_orders(body, n));
}

static int print(const struct notes *n, int64_t sequence, struct buf *out, struct err *e)
{
	char hex[SHA256_HEX_SIZE];
	CLEANUP(json_done) cJSON *body = cJSON_CreateObject();
	CLEANUP(json_text_done) char *text = put_body(body, n, sequence) ? cJSON_Print(body) : NULL;
	if (!text)
		return err_set(e, ERR_INTERNAL, "notes: out of memory");
	sha256_hex(text, strlen(text), hex);
	buf_printf(out, MAGIC "%s\n", hex);
	buf_puts(out, text);
	if (out->overflowed)
		return err_set(e, ERR_INVALID, "notes: larger than %d bytes", NOTES_MAX);
	return 0;
}

int notes_write(const char *folder, struct notes *n, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf text = BUF_INIT(NOTES_MAX);
	char path[4096];
	struct notes before;
	int newest;
	if (fs_mkdir(folder, 0700, e) < 0 || read_newest(folder, &a, &before, &newest, e) < 0)
		return -1;
	int64_t sequence = (before.sequence > n->sequence ? before.sequence : n->sequence) + 1;
	fs_sweep(folder); /* only the holder of the lock writes, so none of them is in use */
	size_t first = newest == 0 ? 1 : 0;
	struct err late;
	if (print(n, sequence, &text, e) < 0 || copy_path(folder, first, path, sizeof path, e) < 0)
		return -1;
	if (fs_write(path, text.text, text.length, 0600, e) < 0)
		return err_wrap(e, "notes");
	n->sequence = sequence;
	/* It is noted. Without the second copy it can only be lost more easily, until the next write. */
	if (copy_path(folder, 1 - first, path, sizeof path, &late) < 0 ||
	    fs_write(path, text.text, text.length, 0600, &late) < 0)
		log_warning("notes: the second copy: %s", late.message);
	return 0;
}

#define IMAGES_MAX 32 /* rows of one service */

static bool is_same_service(const struct note_image *a, const struct note_image *b)
{
	return strcmp(a->project, b->project) == 0 && strcmp(a->service, b->service) == 0;
}

static void remove_image(struct notes *n, size_t at)
{
	n->images_count--;
	memmove(&n->images[at], &n->images[at + 1], (n->images_count - at) * sizeof *n->images);
}

void notes_put_image(struct notes *n, const struct note_image *image, struct arena *a)
{
	struct note_image made = {
		.project = arena_strdup(a, image->project), .service = arena_strdup(a, image->service),
		.image = arena_strdup(a, image->image), .id = arena_strdup(a, image->id), .good_ms = image->good_ms,
		.is_secret = image->is_secret};
	size_t rows = 0, oldest = 0;
	for (size_t i = n->images_count; i-- > 0;) {
		const struct note_image *row = &n->images[i];
		if (!is_same_service(row, image))
			continue;
		if (strcmp(row->image, image->image) != 0) {
			rows++;
			oldest = i;
			continue;
		}
		made.id = *made.id ? made.id : row->id;
		made.good_ms = made.good_ms ? made.good_ms : row->good_ms;
		remove_image(n, i);
	}
	if (rows >= IMAGES_MAX)
		remove_image(n, oldest);
	*ARENA_PUSH(a, n->images, n->images_count) = made;
}

void notes_forget_image(struct notes *n, const char *image)
{
	for (size_t i = n->images_count; i-- > 0;)
		if (strcmp(n->images[i].image, image) == 0)
			remove_image(n, i);
}
