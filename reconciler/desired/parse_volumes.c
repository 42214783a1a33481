/*
 * `volumes` of a service: short and long form to the engine's bind strings, "source:target[:options]", or, for what
 * those cannot say, to its mounts: maps in the engine's own words. A named volume is written with its engine name. Sorted
 * by target: the order in the file means nothing to the engine.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "desired/interpolate.h"
#include "desired/parse.h"

struct mount {
	const char *source, *target;
	const char *options;     /* "" or "ro,z" */
	bool is_read_only;
	bool is_anonymous;
	bool is_strict;          /* a bind whose source must be there: the engine makes that of a bind string */
	const struct value *tmpfs; /* its options, in the engine's words; NULL: no tmpfs */
	const char *engine_name; /* of a named volume; NULL: a bind */
	bool secret;
	struct mark mark;
};

const char *clean_path(struct arena *a, const char *path)
{
	char *out = arena_alloc(a, strlen(path) + 2);
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

int parse_host_path(struct parse *p, const struct node *n, const char *path, const char *text, const char **out)
{
	if (text[0] == '~' && (!text[1] || text[1] == '/')) {
		const char *home = environment_get(p->env, "HOME");
		if (!home || *home != '/')
			return parse_error(p, n->mark, path, "%s: HOME is not set, so '~' means nothing; write the whole path", node_shown(p, n));
		text = arena_printf(p->a, "%s%s", home, text + 1);
	}
	bool is_relative = *text != '/';
	if (is_relative) {
		if (!p->directory || *p->directory != '/')
			return parse_error(p, n->mark, path, "%s is relative to the manifest, and a manifest from Git has no folder on "
			                                     "the host yet; write the whole path", node_shown(p, n));
		text = arena_printf(p->a, "%s/%s", p->directory, text);
	}
	*out = clean_path(p->a, text);
	if (is_relative && p->files && !parse_below(p, *out))
		return parse_error(p, n->mark, path, "%s leads out of the project's folder, and nothing else of the repository is on the "
		                                     "host; move it in there", node_shown(p, n));
	return 0;
}

static int resolve_volume(struct parse *p, const struct node *n, const char *path, struct mount *m)
{
	for (size_t i = 0; i < p->volumes_count; i++) {
		if (strcmp(p->volumes[i].key, m->source) == 0) {
			m->engine_name = m->source = p->volumes[i].name;
			return 0;
		}
	}
	if (n->secret)
		return parse_error(p, n->mark, path, "the volume in %s is not declared; add it to volumes at the top level",
		                   node_shown(p, n));
	const char *near = nearest_resource(p, m->source, p->volumes, p->volumes_count);
	if (near)
		return parse_error(p, n->mark, path, "the volume '%.60s' is not declared; did you mean '%s'?", m->source, near);
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
	m->target = clean_path(p->a, m->target);
	return is_path(m->source) ? parse_host_path(p, n, path, m->source, &m->source) : resolve_volume(p, n, path, m);
}

/* A volume of its own for each instance, which nobody gets again. */
static int finish_anonymous(struct parse *p, const struct node *n, const char *path, const char *target, struct mount *m)
{
	if (*target != '/')
		return parse_error(p, n->mark, path, "%s: the target must be a whole path inside the container, like data:/var/lib/data",
		                   node_shown(p, n));
	parse_warning(p, n->mark, path, "%s is empty in each new instance, and is left behind by each old one; give it a name to keep what "
	                                "is in it", node_shown(p, n));
	m->target = clean_path(p->a, target);
	m->is_anonymous = true;
	m->secret = n->secret;
	return 0;
}

/* --- short form --- */

static int read_options(struct parse *p, const struct node *n, const char *path, const char *text, struct mount *m)
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
		return finish_anonymous(p, n, path, text, m);
	if (count > 3)
		return parse_error(p, n->mark, path, "%s has too many parts; write source:target or source:target:ro", node_shown(p, n));
	if (strlen(parts[0]) == 1 && isalnum((unsigned char)*parts[0]))
		return parse_error(p, n->mark, path, "%s: Compose takes a name of one letter for a drive; write a longer one",
		                   node_shown(p, n));
	m->source = parts[0];
	m->target = parts[1];
	m->secret = n->secret;
	if (parts[2] && read_options(p, n, path, parts[2], m) < 0)
		return -1;
	return finish(p, n, path, m);
}

/* --- long form --- */

static int propagation(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	static const char *const words[] = {"private", "rprivate", "shared", "rshared", "slave", "rslave"};
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(text, words[i]) == 0)
			return give(out, n, value_string(text));
	return parse_error(p, n->mark, path, "%s is no propagation; write one like rprivate or rshared", node_shown(p, n));
}

static int selinux(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	if (strcmp(text, "z") != 0 && strcmp(text, "Z") != 0)
		return parse_error(p, n->mark, path, "%s is neither z nor Z", node_shown(p, n));
	return give(out, n, value_string(text));
}

/* The file mode of a tmpfs. YAML reads 0755 as octal; a text is octal, too. */
int parse_file_mode(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	char *end;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	long number = n->type == SCALAR_INT ? strtol(text, &end, 10) : strtol(text, &end, 8);
	if (!isdigit((unsigned char)*text) || *end || number > 07777)
		return parse_error(p, n->mark, path, "%s is no file mode; write one like 0755", node_shown(p, n));
	return give(out, n, value_int(number));
}

static const struct key_row bind_keys[] = {
	{"create_host_path", "create_host_path", parse_bool}, {"propagation", "propagation", propagation},
	{"selinux", "selinux", selinux},
};
static const struct key_row volume_keys[] = {{"nocopy", "nocopy", parse_flag}};
static const struct key_row tmpfs_keys[] = {{"size", "SizeBytes", parse_size}, {"mode", "Mode", parse_file_mode}};

static int bind(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return parse_keys(p, n, path, "services.*.volumes.*.bind", bind_keys, ARRAY_LEN(bind_keys), out);
}

static int volume(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return parse_keys(p, n, path, "services.*.volumes.*.volume", volume_keys, ARRAY_LEN(volume_keys), out);
}

static int tmpfs(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return parse_keys(p, n, path, "services.*.volumes.*.tmpfs", tmpfs_keys, ARRAY_LEN(tmpfs_keys), out);
}

static const struct key_row long_keys[] = {
	{"type", "type", parse_string}, {"source", "source", parse_string}, {"target", "target", parse_string},
	{"read_only", "read_only", parse_flag}, {"consistency", "consistency", parse_anything}, {"bind", "bind", bind},
	{"volume", "volume", volume}, {"tmpfs", "tmpfs", tmpfs},
};

static void add_option(struct parse *p, struct mount *m, const char *option)
{
	m->options = arena_printf(p->a, "%s%s%s", m->options, *m->options ? "," : "", option);
}

/* What stands below `bind` and `volume`, as far as it is said. */
static void add_options(struct parse *p, const struct value *found, struct mount *m)
{
	static const char *const words[] = {"propagation", "selinux"};
	const struct value *in_bind = value_get(found, "bind"), *create = value_get(in_bind, "create_host_path");
	m->is_strict = create && !create->boolean;
	m->options = m->is_read_only ? "ro" : "";
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (value_get(in_bind, words[i]))
			add_option(p, m, value_get(in_bind, words[i])->string);
	if (value_get(value_get(found, "volume"), "nocopy"))
		add_option(p, m, "nocopy");
}

static int finish_tmpfs(struct parse *p, const struct node *n, const char *path, const struct value *found, struct mount *m)
{
	static const struct value nothing = {.kind = VALUE_MAP};
	if (node_get(n, "source"))
		return parse_error(p, node_get(n, "source")->mark, path, "a tmpfs has no source; remove it");
	if (*m->target != '/')
		return parse_error(p, n->mark, path, "has no target that is a whole path, like target: /run");
	struct value *options = arena_alloc(p->a, sizeof *options);
	*options = value_get(found, "tmpfs") ? *value_get(found, "tmpfs") : nothing;
	m->tmpfs = options;
	m->target = clean_path(p->a, m->target);
	return 0;
}

static int parse_long(struct parse *p, const struct node *n, const char *path, struct mount *m)
{
	static const char *const others[] = {"bind", "volume", "tmpfs"};
	struct value found = {0};
	if (parse_keys(p, n, path, "services.*.volumes.*", long_keys, ARRAY_LEN(long_keys), &found) < 0)
		return -1;
	const struct value *type = value_get(&found, "type"), *source = value_get(&found, "source");
	const struct value *target = value_get(&found, "target");
	for (size_t i = 0; i < n->count; i++)
		m->secret = m->secret || n->pairs[i].value->secret;
	if (!type)
		return parse_error(p, n->mark, path, "has no type; write type: volume, bind or tmpfs");
	size_t kind = 0;
	while (kind < ARRAY_LEN(others) && strcmp(type->string, others[kind]) != 0)
		kind++;
	if (kind == ARRAY_LEN(others))
		return parse_error(p, node_get(n, "type")->mark, path, "the type %s is not supported yet; write volume, bind or tmpfs",
		                   node_shown(p, node_get(n, "type")));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (i != kind && node_get(n, others[i]))
			return parse_error(p, node_get(n, others[i])->mark, path, "'%s' does not belong to a mount of type %s", others[i],
			                   others[kind]);
	m->is_read_only = value_get(&found, "read_only") != NULL;
	m->target = target ? target->string : "";
	if (strcmp(type->string, "tmpfs") == 0)
		return finish_tmpfs(p, n, path, &found, m);
	if (!source && target && strcmp(type->string, "volume") == 0)
		return finish_anonymous(p, node_get(n, "target"), path, target->string, m);
	if (!source || !target)
		return parse_error(p, n->mark, path, "has no %s", source ? "target" : "source");
	bool is_bind = strcmp(type->string, "bind") == 0;
	m->source = is_bind && !is_path(source->string) ? arena_printf(p->a, "./%s", source->string) : source->string;
	if (!is_bind && is_path(m->source))
		return parse_error(p, node_get(n, "source")->mark, path, "%s is a path; write type: bind",
		                   node_shown(p, node_get(n, "source")));
	add_options(p, &found, m);
	if (m->is_strict && value_get(value_get(&found, "bind"), "selinux"))
		return parse_error(p, n->mark, path, "the engine cannot do both create_host_path: false and selinux; remove one of them");
	return finish(p, n, path, m);
}

/* In the engine's words (Mounts of the create body). */
static struct value mount_value(struct parse *p, const struct mount *m)
{
	struct value v = {0}, bind_options = {0};
	value_set(p->a, &v, "Type", value_string(m->tmpfs ? "tmpfs" : m->is_anonymous ? "volume" : "bind"));
	value_set(p->a, &v, "Target", value_string(m->target));
	if (m->is_read_only)
		value_set(p->a, &v, "ReadOnly", value_bool(true));
	if (m->is_anonymous)
		return v;
	if (m->tmpfs) {
		if (m->tmpfs->count)
			value_set(p->a, &v, "TmpfsOptions", *m->tmpfs);
		return v;
	}
	value_set(p->a, &v, "Source", value_string(m->source));
	for (const char *word = m->options; *word; word += strcspn(word, ",") + (word[strcspn(word, ",")] == ',')) {
		if (strncmp(word, "ro", strcspn(word, ",")) == 0) /* said above; what is left is a propagation */
			continue;
		value_set(p->a, &bind_options, "Propagation", value_string(arena_strndup(p->a, word, strcspn(word, ","))));
		value_set(p->a, &v, "BindOptions", bind_options);
	}
	return v;
}

static void keep(struct parse *p, const struct mount *m)
{
	struct mounts *all = &p->mounts;
	if (!m->is_read_only && !m->tmpfs && !m->is_anonymous && !all->are_writable) {
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
		struct value v;
		if (m->is_strict || m->tmpfs || m->is_anonymous)
			v = mount_value(p, m);
		else
			v = value_string(arena_printf(p->a, "%s:%s%s%s", m->source, m->target, *m->options ? ":" : "", m->options));
		v.secret = m->secret;
		value_push(p->a, out, v);
		keep(p, m);
	}
	return result;
}
