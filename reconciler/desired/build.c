/*
 * What a service is built from, and the name of the image that comes of it. The one thing to know: the image's tag is the
 * hash of all that it is made of, so whether it must be built is only the question whether that image is there.
 */
#include "desired/build.h"

#include <ctype.h>
#include <string.h>

#include "base/fs.h"
#include "base/sha256.h"
#include "desired/context.h"
#include "desired/fields.h"
#include "desired/ignore.h"

#define TAG_DIGITS 16
#define DESCRIPTION_MAX_BYTES (64 * 1024 * 1024)
#define OUTSIDE ".reconcile.dockerfile" /* one that does not stand in the context, as it is called in there */

struct reading {
	struct parse *p;
	struct draft *d;
	const char *path;        /* "services.web.build" */
	const struct node *node;
	const struct value *said;
	struct build *build;
};

static struct mark mark_in(const struct reading *r, const char *key)
{
	const struct node *n = node_get(r->node, key);
	return n ? n->mark : r->node->mark;
}

static const char *text_in(const struct reading *r, const char *key)
{
	const struct value *v = value_get(r->said, key);
	return v ? v->string : NULL;
}

static int fail(const struct reading *r, const char *key, const char *message)
{
	return parse_error(r->p, mark_in(r, key), r->path, "%s", message);
}

static int keep_unless_ignored(struct parse *p, struct build_file *all, size_t count, struct build *out, struct err *e)
{
	struct ignore ignore;
	const char *text = NULL;
	char *bytes;
	size_t length;
	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].path, ".dockerignore") == 0 && !text) {
			if (context_content(out, &all[i], p->a, &bytes, &length, e) < 0)
				return -1;
			text = bytes;
		}
	ignore_read(text, p->a, &ignore);
	for (size_t i = 0; i < count; i++)
		if (!ignore_has(&ignore, all[i].path))
			*ARENA_PUSH(p->a, out->files, out->files_count) = all[i];
	return 0;
}

/* The folder of the context: whole on this host, or, in Git, relative to the manifest's. */
static int list_context(struct reading *r, const char *context, struct err *e)
{
	struct parse *p = r->p;
	bool is_in_git = p->files && *context != '/';
	struct build_file *all;
	size_t count;
	if (is_in_git) {
		r->build->source = p->files->context;
		if (p->files->list(p->files->context, context, p->a, &all, &count, e) < 0)
			return -1;
		return keep_unless_ignored(p, all, count, r->build, e);
	}
	const char *folder = *context == '/' ? context : arena_printf(p->a, "%s/%s", p->directory ? p->directory : "", context);
	return context_list(clean_path(p->a, folder), p->a, &r->build->files, &r->build->files_count, e);
}

static struct build_file *find(struct build *b, const char *path)
{
	for (size_t i = 0; i < b->files_count; i++)
		if (strcmp(b->files[i].path, path) == 0 && b->files[i].kind != BUILD_FOLDER)
			return &b->files[i];
	return NULL;
}

/* From outside of the context, or from the manifest itself: sent with it, and kept out of what a COPY sees, as docker
 * build does it. */
static void add_dockerfile(struct reading *r, const char *text)
{
	struct arena *a = r->p->a;
	struct build *b = r->build;
	struct build_file *ignore = find(b, ".dockerignore");
	const char *was = "";
	char *bytes;
	size_t length;
	struct err e;
	if (ignore && context_content(b, ignore, a, &bytes, &length, &e) == 0)
		was = bytes;
	if (!ignore)
		ignore = ARENA_PUSH(a, b->files, b->files_count);
	*ignore = (struct build_file){.path = ".dockerignore", .hash = ""};
	ignore->text = arena_printf(a, "%s\n" OUTSIDE "\n.dockerignore\n", was);
	*ARENA_PUSH(a, b->files, b->files_count) = (struct build_file){.path = OUTSIDE, .text = text, .hash = ""};
	b->dockerfile = OUTSIDE;
}

/* One that is ignored is sent all the same: the engine takes it out again once it has read it. */
static int find_dockerfile(struct reading *r, const char *context)
{
	struct parse *p = r->p;
	const char *name = text_in(r, ".dockerfile"), *inside = text_in(r, ".inline");
	struct err e;
	char *text;
	size_t length;
	if (inside) {
		add_dockerfile(r, inside);
		return 0;
	}
	name = name ? name : "Dockerfile";
	const char *below = *name == '/' || strncmp(name, "..", 2) == 0 ? NULL : clean_path(p->a, name) + 1;
	if (below && find(r->build, below)) {
		r->build->dockerfile = below;
		return 0;
	}
	const char *whole = *name == '/' ? name : arena_printf(p->a, "%s/%s", context, name);
	if (*whole != '/' && p->files) {
		if (p->files->read(p->files->context, whole, p->a, &text, &length, &e) == 0) {
			add_dockerfile(r, text);
			return 0;
		}
	} else {
		whole = *whole == '/' ? whole : arena_printf(p->a, "%s/%s", p->directory ? p->directory : "", whole);
		if (fs_read(whole, ENV_FILE_MAX_BYTES, p->a, &text, &length, &e) == 0) {
			add_dockerfile(r, text);
			return 0;
		}
	}
	if (e.kind != ERR_NOT_FOUND)
		return fail(r, "dockerfile", e.message);
	return fail(r, "dockerfile", arena_printf(p->a, "there is no %s in %s; add it, or name another one under dockerfile",
	                                          r->said->secret ? "Dockerfile" : name, r->said->secret ? "it" : context));
}

static void hash(const struct build *b, char *out)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(DESCRIPTION_MAX_BYTES);
	char hex[SHA256_HEX_SIZE];
	value_print(&text, &b->options, false);
	buf_printf(&text, "\n%s\n", b->dockerfile);
	for (size_t i = 0; i < b->files_count; i++) {
		const struct build_file *f = &b->files[i];
		if (f->text)
			sha256_hex(f->text, strlen(f->text), hex);
		buf_printf(&text, "%d %s %s\n", (int)f->kind, f->text ? hex : f->hash, f->path);
	}
	sha256_hex(text.text, text.length, hex);
	memcpy(out, hex, TAG_DIGITS);
	out[TAG_DIGITS] = 0;
}

static int by_path(const void *x, const void *y)
{
	return strcmp(((const struct build_file *)x)->path, ((const struct build_file *)y)->path);
}

static void name_image(struct reading *r)
{
	struct build *b = r->build;
	struct value *image = draft_value(r->d, "image");
	const struct value *tags = value_get(r->said, ".tags");
	char digits[TAG_DIGITS + 1];
	if (image->kind == VALUE_STRING && !strchr(image->string, '@'))
		value_push(r->p->a, &b->also, *image);
	for (size_t i = 0; tags && i < tags->count; i++)
		value_push(r->p->a, &b->also, tags->items[i]);
	if (b->files_count)
		qsort(b->files, b->files_count, sizeof *b->files, by_path);
	hash(b, digits);
	char *name = arena_printf(r->p->a, "%s-%s:%s", r->p->project, r->d->service.name, digits);
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	*image = value_string(name);
}

static bool is_elsewhere(const char *context)
{
	return strstr(context, "://") || strncmp(context, "git@", 4) == 0 || strncmp(context, "github.com/", 11) == 0;
}

void build_settle(struct parse *p, struct draft *d)
{
	struct value *said = draft_value(d, "build");
	if (said->kind != VALUE_MAP)
		return;
	struct reading r = {.p = p, .d = d, .path = arena_printf(p->a, "%s.build", d->path), .said = said,
	                    .node = d->nodes[field_index("build")]};
	const char *context = text_in(&r, ".context") ? text_in(&r, ".context") : ".";
	struct value platform = *draft_value(d, "platform");
	struct err e;
	r.build = arena_alloc(p->a, sizeof *r.build);
	r.build->options.kind = VALUE_MAP;
	for (size_t i = 0; i < said->count; i++)
		if (*said->keys[i] != '.')
			value_set(p->a, &r.build->options, said->keys[i], said->items[i]);
	if (platform.kind == VALUE_STRING)
		value_set(p->a, &r.build->options, "platform", platform);
	d->service.build = r.build;
	if (is_elsewhere(context)) {
		fail(&r, "context", "a context that is not a folder beside the manifest is not supported yet; write a folder, like .");
	} else if (list_context(&r, context, &e) < 0) {
		if (e.kind == ERR_NOT_FOUND)
			fail(&r, "context", arena_printf(p->a, "there is no folder %s; the context is relative to the manifest",
			                                 r.said->secret ? "of that name" : context));
		else
			fail(&r, "context", e.message);
	} else if (find_dockerfile(&r, context) == 0) {
		name_image(&r);
	}
	*said = (struct value){0}; /* it lives on in the image's name */
}

void build_share(struct draft *drafts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct value *image = draft_value(&drafts[i], "image");
		for (size_t k = 0; k < count && !drafts[i].service.build && image->kind == VALUE_STRING; k++) {
			const struct build *b = drafts[k].service.build;
			for (size_t t = 0; b && t < b->also.count; t++)
				if (strcmp(b->also.items[t].string, image->string) == 0) {
					drafts[i].service.build = b;
					*draft_value(&drafts[i], "image") = *draft_value(&drafts[k], "image");
					break;
				}
			if (drafts[i].service.build)
				break;
		}
	}
}
