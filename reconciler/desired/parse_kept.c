/*
 * `secrets` and `configs`: at the top what they are, in a service where they go. The one thing to know: a container gets
 * a copy that carries the hash of its content in its name. So a new content is a new revision, the old one stays what it
 * was for those who have it, the way back included, and the content itself is in no spec, no plan and no note.
 *
 * A copy on the host, mounted, and not one put into the container: that needs a root file system that can be written to,
 * and disappears below a tmpfs.
 */
#include <ctype.h>
#include <string.h>

#include "base/fs.h"
#include "base/sha256.h"
#include "desired/interpolate.h"
#include "desired/parse.h"

#define CONTENT_MAX_BYTES (1024 * 1024) /* twice what a swarm takes */
#define HASH_DIGITS 32
#define MODE_DEFAULT 0444

/* --- the top --- */

static int external(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	bool is_external = n->kind == NODE_MAP;
	(void)out;
	if (!is_external && parse_yes_no(p, n, path, &is_external) < 0)
		return -1;
	return is_external ? parse_error(p, n->mark, path, "an external one is a swarm's, and there is none; write file or environment") : 0;
}

static const struct key_row secret_keys[] = {
	{"file", "file", parse_string}, {"environment", "environment", parse_string}, {"external", "", external},
	{"name", "", parse_anything}, {"labels", "", parse_anything},
};
static const struct key_row config_keys[] = {
	{"file", "file", parse_string}, {"environment", "environment", parse_string}, {"content", "content", parse_string},
	{"external", "", external}, {"name", "", parse_anything}, {"labels", "", parse_anything},
};

static int read_file(struct parse *p, const struct node *n, const char *path, struct kept *k)
{
	const char *whole;
	char *bytes;
	struct err e;
	if (parse_host_path(p, n, path, n->text, &whole) < 0)
		return -1;
	if (parse_file(p, whole, CONTENT_MAX_BYTES, &bytes, &k->length, &e) < 0) {
		if (e.kind == ERR_NOT_FOUND)
			return parse_error(p, n->mark, path, "%s: there is no such file %s; make it", node_shown(p, n), n->secret ? "on the host" : whole);
		return parse_error(p, n->mark, path, "%s", e.message);
	}
	k->bytes = bytes;
	return 0;
}

static int read_variable(struct parse *p, const struct node *n, const char *path, struct kept *k)
{
	k->bytes = arena_strdup(p->a, environment_get(p->env, n->text));
	if (!k->bytes)
		return parse_error(p, n->mark, path, "the variable %s has no value; set it in the host's env file", node_shown(p, n));
	k->length = strlen(k->bytes);
	return 0;
}

static int read_one(struct parse *p, const struct pair *pair, const char *what, struct kept *k)
{
	static const char *const sources[] = {"file", "environment", "content"};
	bool is_config = *what == 'c';
	const char *path = arena_printf(p->a, "%s.%.60s", what, pair->key);
	const struct node *found = NULL;
	struct value said = {0};
	size_t kind = 0;
	if (parse_evaluate(p, pair->value, path) < 0 ||
	    parse_keys(p, pair->value, path, arena_printf(p->a, "%s.*", what), is_config ? config_keys : secret_keys,
	               is_config ? ARRAY_LEN(config_keys) : ARRAY_LEN(secret_keys), &said) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		const struct node *n = node_get(pair->value, sources[i]);
		if (n && found)
			return parse_error(p, n->mark, path, "'%s' stands beside '%s'; remove one of them", sources[i], sources[kind]);
		kind = n ? i : kind;
		found = n ? n : found;
	}
	if (!found)
		return parse_error(p, pair->mark, path, "has no content; write file or environment%s", is_config ? ", or content" : "");
	const char *own = arena_printf(p->a, "%s.%s", path, sources[kind]);
	if (kind == 0)
		return read_file(p, found, own, k);
	if (kind == 1)
		return read_variable(p, found, own, k);
	k->bytes = found->text;
	k->length = strlen(found->text);
	return 0;
}

void kept_read(struct parse *p, const struct node *n, const char *what, struct kept **all, size_t *count)
{
	if (!n || (n->kind == NODE_SCALAR && n->type == SCALAR_NULL))
		return;
	if (n->kind != NODE_MAP) {
		parse_error(p, n->mark, what, "must be a map of names, like %s: {certificate: {file: ./cert.pem}}", what);
		return;
	}
	for (size_t i = 0; i < n->count; i++) {
		struct kept k = {.key = n->pairs[i].key};
		if (strncmp(k.key, "x-", 2) == 0)
			continue;
		k.is_broken = read_one(p, &n->pairs[i], what, &k) < 0;
		*ARENA_PUSH(p->a, *all, *count) = k;
	}
}

/* --- in a service --- */

static int number(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t id;
	return parse_integer(p, n, path, 0, INT32_MAX, &id) < 0 ? -1 : give(out, n, value_int(id));
}

static const struct key_row long_keys[] = {
	{"source", "source", parse_string}, {"target", "target", parse_string}, {"uid", "uid", number}, {"gid", "gid", number},
	{"mode", "mode", parse_file_mode},
};

/* The copy on the host; one for all that want the same content in the same way. */
static const char *copy_of(struct parse *p, const struct kept *k, const struct value *how)
{
	static const char *const keys[] = {"mode", "uid", "gid"};
	int64_t said[] = {MODE_DEFAULT, -1, -1};
	char hex[SHA256_HEX_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (value_get(how, keys[i]))
			said[i] = value_get(how, keys[i])->integer;
	sha256_hex(k->bytes, k->length, hex);
	const char *description = arena_printf(p->a, "%s %o %d %d", hex, (unsigned)said[0], (int)said[1], (int)said[2]);
	sha256_hex(description, strlen(description), hex);
	struct kept_file made = {.bytes = k->bytes, .length = k->length, .mode = (unsigned)said[0], .uid = (int)said[1], .gid = (int)said[2]};
	made.path = arena_printf(p->a, "%s/%s/%.*s", p->kept_folder ? p->kept_folder : "", p->project, HASH_DIGITS, hex);
	for (size_t i = 0; i < p->kept_files_count; i++)
		if (strcmp(p->kept_files[i].path, made.path) == 0)
			return made.path;
	*ARENA_PUSH(p->a, p->kept_files, p->kept_files_count) = made;
	return made.path;
}

static const struct kept *find(struct parse *p, const struct node *n, const char *path, const struct kept *all, size_t count,
                               const char *what)
{
	const char **names = arena_alloc(p->a, (count + 1) * sizeof *names);
	for (size_t i = 0; i < count; i++) {
		names[i] = all[i].key;
		if (strcmp(all[i].key, n->text) == 0)
			return &all[i];
	}
	const char *near = n->secret ? NULL : nearest_name(n->text, names, count);
	if (near)
		parse_error(p, n->mark, path, "%s is not declared; did you mean '%s'?", node_shown(p, n), near);
	else
		parse_error(p, n->mark, path, "%s is not declared; add it to %s at the top level", node_shown(p, n), what);
	return NULL;
}

static int read_item(struct parse *p, const struct node *n, const char *path, const char *what, struct value *out)
{
	bool is_config = *what == 'c';
	const char *folder = is_config ? "/" : "/run/secrets/", *text;
	struct value said = {.kind = VALUE_MAP}, mount = {0};
	if (n->kind == NODE_MAP ? parse_keys(p, n, path, "services.*.secrets.*", long_keys, ARRAY_LEN(long_keys), &said) < 0
	                        : parse_text(p, n, path, &text) < 0)
		return -1;
	const struct node *source = n->kind == NODE_MAP ? node_get(n, "source") : n;
	if (!source)
		return parse_error(p, n->mark, path, "has no source; write the name that it has in %s at the top level", what);
	const struct kept *k = find(p, source, path, is_config ? p->configs : p->secrets, is_config ? p->configs_count : p->secrets_count, what);
	if (!k)
		return -1;
	if (k->is_broken)
		return 0; /* told already */
	const char *target = value_get(&said, "target") ? value_get(&said, "target")->string : k->key;
	target = clean_path(p->a, *target == '/' ? target : arena_printf(p->a, "%s%s", folder, target));
	value_set(p->a, &mount, "Type", value_string("bind"));
	value_set(p->a, &mount, "Source", value_string(copy_of(p, k, &said)));
	value_set(p->a, &mount, "Target", value_string(target));
	value_set(p->a, &mount, "ReadOnly", value_bool(true));
	mount.secret = true; /* the name of the copy is a hash of what nobody is to guess */
	value_set(p->a, out, target, mount); /* one target twice: the later one wins, as in Compose */
	return 0;
}

static int read_items(struct parse *p, const struct node *n, const char *path, const char *what, struct value *out)
{
	int result = 0;
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be a list of names, not %s", node_shown(p, n));
	for (size_t i = 0; i < n->count; i++)
		result |= read_item(p, n->items[i], path, what, out);
	return result;
}

int parse_secrets(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return read_items(p, n, path, "secrets", out);
}

int parse_configs(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return read_items(p, n, path, "configs", out);
}

void kept_settle(struct parse *p, struct value *const sources[2], struct value *mounts)
{
	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < sources[k]->count; i++)
			value_push(p->a, mounts, sources[k]->items[i]);
		*sources[k] = (struct value){0}; /* they live on in the mounts */
	}
}
