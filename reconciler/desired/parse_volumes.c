/*
 * `volumes` of a service: short and long form to the engine's bind strings, "source:target[:options]". A named volume is
 * written with its engine name. Sorted by target: the order in the file means nothing to the engine.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "desired/parse.h"

struct mount {
	const char *source, *target;
	const char *options;     /* "" or "ro,z" */
	bool is_read_only;
	const char *engine_name; /* of a named volume; NULL: a bind */
	bool secret;
	struct mark mark;
};

/* "/d/../e/" -> "/e" */
static const char *clean_path(struct parse *p, const char *path)
{
	char *out = arena_alloc(p->a, strlen(path) + 2);
	size_t length = 0;
	while (*path) {
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");
		if (n == 2 && strncmp(path, "..", 2) == 0) {
			while (length > 0 && out[--length] != '/')
				;
		} else if (n > 0 && !(n == 1 && *path == '.')) {
			out[length++] = '/';
			memcpy(out + length, path, n);
			length += n;
		}
		path += n;
	}
	if (length == 0)
		out[length++] = '/';
	out[length] = 0;
	return out;
}

static int resolve_bind(struct parse *p, const struct node *n, const char *path, struct mount *m)
{
	if (*m->source == '~')
		return parse_error(p, n->mark, path, "%s: '~' is not supported yet; write the whole path", node_shown(p, n));
	bool is_relative = *m->source != '/';
	if (is_relative) {
		if (!p->directory || *p->directory != '/')
			return parse_error(p, n->mark, path, "%s is relative to the manifest, and a manifest from Git has no folder on "
			                                     "the host yet; write the whole path", node_shown(p, n));
		m->source = arena_printf(p->a, "%s/%s", p->directory, m->source);
	}
	m->source = clean_path(p, m->source);
	if (is_relative && p->files && !parse_below(p, m->source))
		return parse_error(p, n->mark, path, "%s leads out of the project's folder, and nothing else of the repository is on the "
		                                     "host; move it in there", node_shown(p, n));
	return 0;
}

static int resolve_volume(struct parse *p, const struct node *n, const char *path, struct mount *m)
{
	for (size_t i = 0; i < p->volumes_count; i++) {
		if (strcmp(p->volumes[i].key, m->source) == 0) {
			m->engine_name = m->source = p->volumes[i].engine_name;
			return 0;
		}
	}
	if (n->secret)
		return parse_error(p, n->mark, path, "the volume in %s is not declared; add it to volumes at the top level",
		                   node_shown(p, n));
	return parse_error(p, n->mark, path, "the volume '%.60s' is not declared; add it to volumes at the top level, as '%.60s: {}'",
	                   m->source, m->source);
}

static bool is_path(const char *source)
{
	return strchr("./~", *source) != NULL;
}

static int finish(struct parse *p, const struct node *n, const char *path, struct mount *m)
{
	m->mark = n->mark;
	if (!*m->source || *m->target != '/')
		return parse_error(p, n->mark, path, "%s: the target must be a whole path inside the container, like data:/var/lib/data",
		                   node_shown(p, n));
	if (strchr(m->source, ':') || strchr(m->target, ':'))
		return parse_error(p, n->mark, path, "%s: a path with ':' in it is not supported yet", node_shown(p, n));
	m->target = clean_path(p, m->target);
	return is_path(m->source) ? resolve_bind(p, n, path, m) : resolve_volume(p, n, path, m);
}

/* --- short form --- */

static int parse_options(struct parse *p, const struct node *n, const char *path, const char *text, struct mount *m)
{
	static const struct {
		const char *word;
		bool is_kept;
	} known[] = {
		{"ro", true}, {"rw", false}, {"z", true}, {"Z", true}, {"nocopy", true}, {"private", true}, {"rprivate", true},
		{"shared", true}, {"rshared", true}, {"slave", true}, {"rslave", true}, {"cached", false}, {"delegated", false},
		{"consistent", false},
	};
	while (*text) {
		size_t i = 0, length = strcspn(text, ",");
		while (i < ARRAY_LEN(known) && (strlen(known[i].word) != length || strncmp(known[i].word, text, length) != 0))
			i++;
		if (i == ARRAY_LEN(known))
			return parse_error(p, n->mark, path, "%s ends with an unknown option; write ro, rw, z or Z", node_shown(p, n));
		if (known[i].is_kept)
			m->options = arena_printf(p->a, "%s%s%s", m->options, *m->options ? "," : "", known[i].word);
		m->is_read_only = m->is_read_only || strcmp(known[i].word, "ro") == 0;
		text += length + (text[length] == ',');
	}
	return 0;
}

static int parse_short(struct parse *p, const struct node *n, const char *path, struct mount *m)
{
	const char *text, *parts[3] = {0};
	size_t count = 0;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	for (const char *s = text; count < 4; count++) {
		size_t length = strcspn(s, ":");
		if (count < 3)
			parts[count] = arena_strndup(p->a, s, length);
		if (count < 3 && length == 0)
			return parse_error(p, n->mark, path, "%s has an empty part; write source:target, like data:/var/lib/data",
			                   node_shown(p, n));
		s += length;
		if (!*s++) {
			count++;
			break;
		}
	}
	if (count == 1)
		return parse_error(p, n->mark, path, "%s: volumes without a name are not supported yet; give it one, like data:%s",
		                   node_shown(p, n), *text == '/' && !n->secret ? text : "/path");
	if (count > 3)
		return parse_error(p, n->mark, path, "%s has too many parts; write source:target or source:target:ro", node_shown(p, n));
	if (strlen(parts[0]) == 1 && isalnum((unsigned char)*parts[0]))
		return parse_error(p, n->mark, path, "%s: Compose takes a name of one letter for a drive; write a longer one",
		                   node_shown(p, n));
	m->source = parts[0];
	m->target = parts[1];
	m->secret = n->secret;
	if (parts[2] && parse_options(p, n, path, parts[2], m) < 0)
		return -1;
	return finish(p, n, path, m);
}

/* --- long form --- */

static int parse_long(struct parse *p, const struct node *n, const char *path, struct mount *m)
{
	static const char *const names[] = {"type", "source", "target", "read_only"};
	const char *texts[3] = {0};
	for (size_t i = 0; i < n->count; i++) {
		const struct pair *pair = &n->pairs[i];
		size_t at = 0;
		while (at < ARRAY_LEN(names) && strcmp(pair->key, names[at]) != 0)
			at++;
		if (at == ARRAY_LEN(names) && strncmp(pair->key, "x-", 2) == 0)
			continue;
		if (at == ARRAY_LEN(names))
			return parse_unknown_key(p, pair->mark, path, "services.*.volumes.*", pair->key, names, ARRAY_LEN(names));
		if (at == 3 && parse_yes_no(p, pair->value, path, &m->is_read_only) < 0)
			return -1;
		if (at < 3 && parse_text(p, pair->value, path, &texts[at]) < 0)
			return -1;
		m->secret = m->secret || pair->value->secret;
	}
	if (!texts[0])
		return parse_error(p, n->mark, path, "has no type; write type: volume or type: bind");
	bool is_bind = strcmp(texts[0], "bind") == 0;
	if (!is_bind && strcmp(texts[0], "volume") != 0)
		return parse_error(p, node_get(n, "type")->mark, path, "the type %s is not supported yet; write volume or bind",
		                   node_shown(p, node_get(n, "type")));
	if (!texts[1] || !texts[2])
		return parse_error(p, n->mark, path, "has no %s", texts[1] ? "target" : "source");
	m->source = is_bind && !is_path(texts[1]) ? arena_printf(p->a, "./%s", texts[1]) : texts[1];
	m->target = texts[2];
	if (!is_bind && is_path(m->source))
		return parse_error(p, node_get(n, "source")->mark, path, "%s is a path; write type: bind",
		                   node_shown(p, node_get(n, "source")));
	m->options = m->is_read_only ? "ro" : "";
	return finish(p, n, path, m);
}

static void keep(struct parse *p, const struct mount *m)
{
	struct mounts *all = &p->mounts;
	if (!m->is_read_only && !all->are_writable) {
		all->are_writable = true;
		all->writable_mark = m->mark;
	}
	for (size_t i = 0; i < all->volumes_count; i++)
		if (m->engine_name && strcmp(all->volumes[i], m->engine_name) == 0)
			return;
	if (m->engine_name)
		*ARENA_PUSH(p->a, all->volumes, all->volumes_count) = m->engine_name;
}

static int by_target(const void *x, const void *y)
{
	const struct mount *a = x, *b = y;
	return strcmp(a->target, b->target);
}

int parse_volumes(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	struct mount *mounts = NULL;
	size_t count = 0;
	int result = 0;
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be a list");
	for (size_t i = 0; i < n->count; i++) {
		struct mount m = {.options = ""};
		const struct node *item = n->items[i];
		if ((item->kind == NODE_MAP ? parse_long(p, item, path, &m) : parse_short(p, item, path, &m)) < 0) {
			result = -1;
			continue;
		}
		size_t at = 0; /* one target twice: the later one wins, as in Compose */
		while (at < count && strcmp(mounts[at].target, m.target) != 0)
			at++;
		if (at < count)
			mounts[at] = m;
		else
			*ARENA_PUSH(p->a, mounts, count) = m;
	}
	if (count)
		qsort(mounts, count, sizeof *mounts, by_target);
	for (size_t i = 0; i < count; i++) {
		const struct mount *m = &mounts[i];
		struct value v = value_string(arena_printf(p->a, "%s:%s%s%s", m->source, m->target, *m->options ? ":" : "", m->options));
		v.secret = m->secret;
		value_push(p->a, out, v);
		keep(p, m);
	}
	return result;
}
