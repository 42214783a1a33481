/*
 * YAML to nodes, by libyaml's events and a composer of our own: libyaml's document API refuses a re-defined anchor
 * (real files have them), and it has no limit on nesting and on what aliases expand to.
 */
#include "desired/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define MAX_ANCHORS 1000 /* ten are the most that were seen in real files; a look-up is a walk over all */

struct anchor {
	const char *name;
	struct node *node;
	bool is_open; /* its end has not been seen: an alias now would be a cycle */
};

struct composer {
	yaml_parser_t parser;
	const char *file;
	const char *text;
	size_t length;
	struct arena *a;
	struct anchor *anchors;
	size_t anchors_count;
	size_t nodes; /* so far, as a walk sees them */
	int depth;
	struct err *e;
};

static struct mark mark_of(yaml_mark_t m)
{
	return (struct mark){.line = (int)m.line + 1, .column = (int)m.column + 1};
}

static int fail(struct composer *c, struct mark at, const char *message)
{
	return err_set(c->e, ERR_INVALID, "%s:%d:%d: %s", c->file, at.line, at.column, message);
}

/* The byte at a place; good enough for telling a tab in the indentation, where all before it is ASCII. */
static char byte_at(const struct composer *c, struct mark at)
{
	size_t i = 0;
	for (int line = 1; i < c->length && line < at.line; i++)
		line += c->text[i] == '\n';
	i += (size_t)at.column - 1;
	return i < c->length ? c->text[i] : 0;
}

/* Does a ${ begin on that line, before that place, with no quote around it? libyaml only says what it expected instead. */
static bool is_unquoted_variable(const struct composer *c, struct mark at)
{
	size_t i = 0;
	for (int line = 1; i < c->length && line < at.line; i++)
		line += c->text[i] == '\n';
	size_t end = i + (size_t)at.column - 1 < c->length ? i + (size_t)at.column - 1 : c->length;
	for (char quote = 0; i + 1 < c->length && i < end; i++) {
		if (quote ? c->text[i] == quote : c->text[i] == '\'' || c->text[i] == '"')
			quote = quote ? 0 : c->text[i];
		else if (!quote && c->text[i] == '$' && c->text[i + 1] == '{')
			return true;
	}
	return false;
}

static int fail_parser(struct composer *c)
{
	const yaml_parser_t *p = &c->parser;
	const char *problem = p->problem ? p->problem : "cannot be read";
	struct mark at = mark_of(p->problem_mark);
	if (p->error == YAML_MEMORY_ERROR)
		return err_set(c->e, ERR_INTERNAL, "%s: out of memory", c->file);
	if (p->error == YAML_READER_ERROR) { /* has an offset instead of a mark */
		at = (struct mark){1, 1};
		for (size_t i = 0; i < p->problem_offset && i < c->length; i++) {
			at.column = c->text[i] == '\n' ? 1 : at.column + 1;
			at.line += c->text[i] == '\n';
		}
	}
	if (p->error == YAML_SCANNER_ERROR && byte_at(c, at) == '\t')
		return fail(c, at, "not valid YAML: a tab; indent with blanks");
	if (is_unquoted_variable(c, at))
		return fail(c, at, "not valid YAML: put what has ${...} in it in quotes: between { } and [ ] its braces and colon are not "
		                   "plain text");
	if (p->context)
		return fail(c, at, arena_printf(c->a, "not valid YAML: %s, %s that began on line %d", problem, p->context,
		                                (int)p->context_mark.line + 1));
	return fail(c, at, arena_printf(c->a, "not valid YAML: %s", problem));
}

static int next(struct composer *c, yaml_event_t *event)
{
	return yaml_parser_parse(&c->parser, event) ? 0 : fail_parser(c);
}

static int count_node(struct composer *c, struct mark at, size_t nodes, int height)
{
	c->nodes += nodes;
	if (c->nodes > YAML_MAX_NODES)
		return fail(c, at, "too large: more than 100000 values once the aliases are expanded");
	if (c->depth + height > YAML_MAX_DEPTH)
		return fail(c, at, "nested deeper than 64 levels");
	return 0;
}

static const char *tag_of(const yaml_event_t *event)
{
	const yaml_char_t *tag = NULL;
	if (event->type == YAML_SCALAR_EVENT)
		tag = event->data.scalar.tag;
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		tag = event->data.sequence_start.tag;
	else if (event->type == YAML_MAPPING_START_EVENT)
		tag = event->data.mapping_start.tag;
	return (const char *)tag;
}

#define TAG(name) "tag:yaml.org,2002:" name

static int check_tag(struct composer *c, const yaml_event_t *event, struct mark at)
{
	static const char *const scalars[] = {"!", TAG("str"), TAG("int"), TAG("float"), TAG("bool"), TAG("null")};
	const char *tag = tag_of(event);
	if (!tag)
		return 0;
	if (event->type == YAML_SEQUENCE_START_EVENT && strcmp(tag, TAG("seq")) == 0)
		return 0;
	if (event->type == YAML_MAPPING_START_EVENT && strcmp(tag, TAG("map")) == 0)
		return 0;
	for (size_t i = 0; event->type == YAML_SCALAR_EVENT && i < ARRAY_LEN(scalars); i++)
		if (strcmp(tag, scalars[i]) == 0)
			return 0;
	if (strcmp(tag, "!reset") == 0 || strcmp(tag, "!override") == 0)
		return fail(c, at, arena_printf(c->a, "the tag '%s' only means something when several files are merged, and "
		                                      "that is not supported yet; remove it", tag));
	return fail(c, at, arena_printf(c->a, "the tag '%.60s' is not supported; remove it", tag));
}

static int compose_scalar(struct composer *c, const yaml_event_t *event, struct node *n)
{
	const char *text = (const char *)event->data.scalar.value;
	if (strlen(text) != event->data.scalar.length)
		return fail(c, n->mark, "the text holds a NUL character, which no setting of a container can");
	const char *tag = tag_of(event);
	bool is_text = tag && (strcmp(tag, "!") == 0 || strcmp(tag, TAG("str")) == 0);
	n->kind = NODE_SCALAR;
	n->text = n->written = arena_strdup(c->a, text);
	if ((event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !is_text) || (tag && !is_text))
		n->type = scalar_resolve(n->written, c->a, &n->text);
	return 0;
}

static int compose(struct composer *c, yaml_event_t *event, struct node **out);

static int compose_list(struct composer *c, struct node *n)
{
	n->kind = NODE_LIST;
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t event = {0};
		struct node *item;
		if (next(c, &event) < 0)
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (compose(c, &event, &item) < 0)
			return -1;
		if (n->count == YAML_MAX_ENTRIES)
			return fail(c, item->mark, "more than 2000 entries in one list");
		*ARENA_PUSH(c->a, n->items, n->count) = item;
		if (item->height >= n->height)
			n->height = item->height + 1;
	}
}

/* A pair with its place in the file: own pairs come before merged ones, and earlier ones win. */
struct ranked {
	struct pair pair;
	size_t rank;
	bool is_merged, is_dropped;
};

static int by_key(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;
	int order = strcmp(a->pair.key, b->pair.key);
	return order ? order : a->rank < b->rank ? -1 : 1;
}

static int by_rank(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;
	return a->rank < b->rank ? -1 : 1;
}

static int merge(struct composer *c, const struct node *from, struct mark at, struct ranked **ranked, size_t *count)
{
	if (from->kind != NODE_MAP)
		return fail(c, at, "'<<' takes a map, or a list of maps");
	for (size_t i = 0; i < from->count; i++) {
		struct ranked r = {.pair = from->pairs[i], .rank = *count, .is_merged = true};
		*ARENA_PUSH(c->a, *ranked, *count) = r;
	}
	return 0;
}

static int settle_map(struct composer *c, struct node *n, const struct pair *merged, struct ranked *ranked, size_t count)
{
	if (merged && merged->value->kind == NODE_LIST) {
		for (size_t i = 0; i < merged->value->count; i++)
			if (merge(c, merged->value->items[i], merged->value->items[i]->mark, &ranked, &count) < 0)
				return -1;
	} else if (merged && merge(c, merged->value, merged->mark, &ranked, &count) < 0) {
		return -1;
	}
	if (count)
		qsort(ranked, count, sizeof *ranked, by_key);
	for (size_t i = 1, first = 0; i < count; i++) {
		if (strcmp(ranked[i].pair.key, ranked[first].pair.key) != 0)
			first = i;
		else if (ranked[i].is_merged)
			ranked[i].is_dropped = true;
		else
			return fail(c, ranked[i].pair.mark,
			            arena_printf(c->a, "the key '%.60s' is here a second time; the first is on line %d",
			                         ranked[i].pair.key, ranked[first].pair.mark.line));
	}
	if (count)
		qsort(ranked, count, sizeof *ranked, by_rank);
	for (size_t i = 0; i < count; i++)
		if (!ranked[i].is_dropped)
			*ARENA_PUSH(c->a, n->pairs, n->count) = ranked[i].pair;
	return n->count > YAML_MAX_ENTRIES ? fail(c, n->mark, "more than 2000 entries in one map") : 0;
}

static int compose_key(struct composer *c, yaml_event_t *event, struct pair *out, bool *is_merge)
{
	struct node *key;
	out->mark = mark_of(event->start_mark);
	*is_merge = event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	            strcmp((const char *)event->data.scalar.value, "<<") == 0;
	if (compose(c, event, &key) < 0)
		return -1;
	if (key->kind != NODE_SCALAR)
		return fail(c, out->mark, "a key must be text, not a list or a map");
	if (key->type != SCALAR_STRING)
		return fail(c, out->mark, arena_printf(c->a, "the key '%.60s' is not text; put it in quotes", key->written));
	out->key = key->text;
	return 0;
}

static int compose_map(struct composer *c, struct node *n)
{
	struct ranked *ranked = NULL;
	size_t count = 0;
	struct pair merged = {0};
	n->kind = NODE_MAP;
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t key = {0};
		CLEANUP(yaml_event_delete) yaml_event_t value = {0};
		struct pair pair = {0};
		bool is_merge;
		if (next(c, &key) < 0)
			return -1;
		if (key.type == YAML_MAPPING_END_EVENT)
			break;
		if (compose_key(c, &key, &pair, &is_merge) < 0 || next(c, &value) < 0 || compose(c, &value, &pair.value) < 0)
			return -1;
		if (pair.value->height >= n->height)
			n->height = pair.value->height + 1;
		if (is_merge && merged.value)
			return fail(c, pair.mark, "a second '<<' in one map; write one with a list: <<: [*a, *b]");
		if (is_merge) {
			merged = pair;
		} else {
			struct ranked r = {.pair = pair, .rank = count};
			*ARENA_PUSH(c->a, ranked, count) = r;
		}
	}
	return settle_map(c, n, merged.value ? &merged : NULL, ranked, count);
}

static int compose_alias(struct composer *c, const yaml_event_t *event, struct node **out)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct mark at = mark_of(event->start_mark);
	for (size_t i = c->anchors_count; i-- > 0;) { /* the newest of that name */
		if (strcmp(c->anchors[i].name, name) != 0)
			continue;
		if (c->anchors[i].is_open)
			return fail(c, at, arena_printf(c->a, "the alias '*%.60s' stands inside its own anchor", name));
		*out = c->anchors[i].node;
		return count_node(c, at, (*out)->weight, (*out)->height);
	}
	return fail(c, at, arena_printf(c->a, "the alias '*%.60s' has no anchor '&%.60s' above it", name, name));
}

static const char *anchor_of(const yaml_event_t *event)
{
	if (event->type == YAML_SCALAR_EVENT)
		return (const char *)event->data.scalar.anchor;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return (const char *)event->data.sequence_start.anchor;
	return (const char *)event->data.mapping_start.anchor;
}

static int compose(struct composer *c, yaml_event_t *event, struct node **out)
{
	if (event->type == YAML_ALIAS_EVENT)
		return compose_alias(c, event, out);
	struct node *n = arena_alloc(c->a, sizeof *n);
	size_t before = c->nodes, anchor = 0;
	n->mark = mark_of(event->start_mark);
	n->height = 1;
	if (count_node(c, n->mark, 1, 1) < 0 || check_tag(c, event, n->mark) < 0)
		return -1;
	bool has_anchor = anchor_of(event) != NULL;
	if (has_anchor && c->anchors_count >= MAX_ANCHORS)
		return fail(c, n->mark, "more than 1000 anchors");
	if (has_anchor) {
		anchor = c->anchors_count;
		struct anchor made = {.name = arena_strdup(c->a, anchor_of(event)), .node = n, .is_open = true};
		*ARENA_PUSH(c->a, c->anchors, c->anchors_count) = made;
	}
	c->depth++;
	int result = event->type == YAML_SCALAR_EVENT           ? compose_scalar(c, event, n)
	             : event->type == YAML_SEQUENCE_START_EVENT ? compose_list(c, n)
	                                                        : compose_map(c, n);
	c->depth--;
	if (result < 0)
		return -1;
	n->weight = c->nodes - before;
	if (has_anchor)
		c->anchors[anchor].is_open = false;
	*out = n;
	return 0;
}

static int compose_stream(struct composer *c, struct node **root)
{
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t event = {0};
		if (next(c, &event) < 0)
			return -1;
		switch (event.type) {
		case YAML_STREAM_END_EVENT:
			return 0;
		case YAML_DOCUMENT_START_EVENT:
			if (*root)
				return fail(c, mark_of(event.start_mark), "a second document; one file holds one document, remove the '---'");
			break;
		case YAML_SCALAR_EVENT: case YAML_SEQUENCE_START_EVENT: case YAML_MAPPING_START_EVENT: case YAML_ALIAS_EVENT:
			if (compose(c, &event, root) < 0)
				return -1;
			break;
		default:
			break;
		}
	}
}

int yaml_read(const char *file, const char *text, size_t length, struct arena *a, struct node **root, struct err *e)
{
	*root = NULL;
	if (length > YAML_MAX_BYTES)
		return err_set(e, ERR_INVALID, "%s: larger than 1 MiB, which no manifest is", file);
	struct composer c = {.file = file, .text = text, .length = length, .a = a, .e = e};
	if (!yaml_parser_initialize(&c.parser))
		return err_set(e, ERR_INTERNAL, "%s: out of memory", file);
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)text, length);
	struct node *made = NULL;
	int result = compose_stream(&c, &made);
	yaml_parser_delete(&c.parser);
	if (result < 0)
		return -1;
	*root = made;
	return 0;
}

struct node *node_get(const struct node *map, const char *key)
{
	for (size_t i = 0; map && map->kind == NODE_MAP && i < map->count; i++)
		if (strcmp(map->pairs[i].key, key) == 0)
			return map->pairs[i].value;
	return NULL;
}
