/*
 * Parsers of words: fields that are one of a few, texts with a rule, lists of texts, and maps of texts. An empty list or
 * map comes to nothing, unless that means something to the engine.
 */
#include <ctype.h>
#include <string.h>

#include "desired/parse.h"

#define SECCOMP_MAX_BYTES (1024 * 1024)
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static struct value value_of(const struct node *n)
{
	struct value v = value_string(n->text);
	v.secret = n->secret;
	return v;
}

/* --- one of a few --- */

struct word {
	const char *text;  /* one that ends with ':' or '_' stands for all that begin so */
	const char *means; /* NULL: real, but not supported yet */
};

static int choose(struct parse *p, const struct node *n, const char *path, struct value *out, const struct word *words,
                  size_t count, const char *wanted)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(words[i].text);
		bool is_start = length && strchr(":_", words[i].text[length - 1]);
		if (is_start ? strncmp(text, words[i].text, length) != 0 : strcmp(text, words[i].text) != 0)
			continue;
		if (!words[i].means)
			return parse_error(p, n->mark, path, "%s is not supported yet; write %s", node_shown(p, n), wanted);
		if (is_start && !text[length])
			break;
		if (is_start)
			return give(out, n, value_string(text)); /* as it is written */
		return *words[i].means ? give(out, n, value_string(words[i].means)) : 0;
	}
	return parse_error(p, n->mark, path, "must be %s, not %s", wanted, node_shown(p, n));
}

/* The parsers of one row each. */
#define CHOICE(name, wanted, ...) \
	int name(struct parse *p, const struct node *n, const char *path, struct value *out) \
	{ \
		static const struct word words[] = {__VA_ARGS__}; \
		return choose(p, n, path, out, words, ARRAY_LEN(words), wanted); \
	}
CHOICE(parse_pid, "host", {"host", "host"}, {"", ""}, {"service:", NULL}, {"container:", NULL})
CHOICE(parse_ipc, "host, private, shareable or none", {"host", "host"}, {"private", "private"}, {"shareable", "shareable"},
       {"none", "none"}, {"", ""}, {"service:", NULL}, {"container:", NULL})
CHOICE(parse_userns, "host", {"host", "host"}, {"", ""})
CHOICE(parse_network_mode, "bridge, host, none, service:NAME or container:NAME", {"bridge", "bridge"}, {"default", "bridge"},
       {"host", "host"}, {"none", "none"}, {"service:", ""}, {"container:", ""})
CHOICE(parse_pull_policy, "always, missing or never", {"always", "always"}, {"missing", "missing"}, {"if_not_present", "missing"},
       {"never", "never"}, {"build", "missing"}, {"daily", NULL}, {"weekly", NULL}, {"every_", NULL}, {"refresh", NULL})
CHOICE(parse_deploy_mode, "replicated", {"replicated", ""}, {"global", ""}, {"global-job", NULL}, {"replicated-job", NULL})
CHOICE(parse_update_order, "start-first or stop-first", {"start-first", "start-first"}, {"stop-first", "stop-first"})
CHOICE(parse_failure_action, "rollback, pause or continue", {"rollback", "rollback"}, {"pause", "pause"}, {"continue", "continue"})
CHOICE(parse_restart_condition, "none, on-failure or any", {"none", "no"}, {"no", "no"}, {"on-failure", "on-failure"},
       {"any", "always"}, {"always", "always"}, {"unless-stopped", "unless-stopped"})

/* --- one text with a rule --- */

int parse_directory(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	if (*text != '/')
		return parse_error(p, n->mark, path, "%s must be a whole path inside the container, like /app", node_shown(p, n));
	return give(out, n, value_string(clean_path(p->a, text)));
}

int parse_host_name(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	if (!isalnum((unsigned char)*text) || strlen(text) > 253 || text[strspn(text, NAME_CHARS)])
		return parse_error(p, n->mark, path, "%s is no host name; use letters, digits, '.' and '-'", node_shown(p, n));
	return give(out, n, value_string(text));
}

int parse_platform(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	size_t slashes = 0;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	bool is_good = *text != 0 && text[strspn(text, NAME_CHARS "/")] == 0 && !strstr(text, "//") && *text != '/';
	for (const char *c = text; *c; c++)
		slashes += *c == '/';
	if (!is_good || slashes > 2 || text[strlen(text) - 1] == '/')
		return parse_error(p, n->mark, path, "%s is no platform; write one like linux/amd64 or linux/arm64/v8", node_shown(p, n));
	return give(out, n, value_string(text));
}

int parse_cpuset(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_scalar(p, n, path, &text) < 0)
		return -1;
	if ((n->type != SCALAR_INT && n->type != SCALAR_STRING) || !isdigit((unsigned char)*text) || text[strspn(text, "0123456789,-")])
		return parse_error(p, n->mark, path, "%s is no list of CPUs; write one like 0-2,4", node_shown(p, n));
	return give(out, n, value_string(text));
}

/* --- lists of texts --- */

enum { MAY_BE_ONE = 1, MAY_BE_NUMBERS = 2 };

static int read_word(struct parse *p, const struct node *n, const char *path, int flags, struct value *out)
{
	const char *text;
	bool is_number = (flags & MAY_BE_NUMBERS) && n->kind == NODE_SCALAR && n->type == SCALAR_INT;
	if ((is_number ? parse_scalar(p, n, path, &text) : parse_text(p, n, path, &text)) < 0)
		return -1;
	if (!*text)
		return parse_error(p, n->mark, path, "an empty text; remove it");
	value_push(p->a, out, value_of(n));
	return 0;
}

static int read_words(struct parse *p, const struct node *n, const char *path, int flags, struct value *out)
{
	int result = 0;
	if (n->kind == NODE_SCALAR && (flags & MAY_BE_ONE))
		return read_word(p, n, path, flags, out);
	if (n->kind != NODE_LIST)
		return parse_error(p, n->mark, path, "must be a list%s, not %s", flags & MAY_BE_ONE ? " or one text" : "", node_shown(p, n));
	for (size_t i = 0; i < n->count; i++)
		result |= read_word(p, n->items[i], path, flags, out);
	return result;
}

int parse_words(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return read_words(p, n, path, 0, out);
}

int parse_words_or_one(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return read_words(p, n, path, MAY_BE_ONE, out);
}

int parse_groups(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return read_words(p, n, path, MAY_BE_NUMBERS, out);
}

int parse_profiles(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return read_words(p, n, path, 0, out);
}

/* A seccomp profile in a file is sent as its content. */
static int read_seccomp(struct parse *p, const struct node *n, const char *path, const char *file, struct value *out)
{
	const char *whole;
	char *text;
	size_t length;
	struct err e;
	if (parse_host_path(p, n, path, file, &whole) < 0)
		return -1;
	if (parse_file(p, whole, SECCOMP_MAX_BYTES, &text, &length, &e) < 0)
		return e.kind != ERR_NOT_FOUND ? parse_error(p, n->mark, path, "%s", e.message)
		                               : parse_error(p, n->mark, path, "%s: there is no such file; make it, or write seccomp:unconfined",
		                                             node_shown(p, n));
	out->string = arena_printf(p->a, "seccomp=%s", text);
	return 0;
}

int parse_security(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int result = read_words(p, n, path, 0, out);
	for (size_t i = 0; result == 0 && i < n->count; i++) {
		const char *text = n->items[i]->text;
		if (strncmp(text, "seccomp", 7) == 0 && text[7] && strchr(":=", text[7]) && strcmp(text + 8, "unconfined") != 0)
			result = read_seccomp(p, n->items[i], path, text + 8, &out->items[i]);
	}
	return result;
}

/* Capabilities are a set, with or without CAP_, in any case. */
int parse_capabilities(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	struct value list = {0};
	if (read_words(p, n, path, 0, &list) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		char *name = arena_strdup(p->a, list.items[i].string);
		for (char *c = name; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		if (strncmp(name, "CAP_", 4) == 0)
			name += 4;
		if (!*name || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")])
			return parse_error(p, n->items[i]->mark, path, "%s is no capability; write one like NET_ADMIN", node_shown(p, n->items[i]));
		size_t at = 0;
		while (at < out->count && strcmp(out->items[at].string, name) < 0)
			at++;
		if (at < out->count && strcmp(out->items[at].string, name) == 0)
			continue;
		value_push(p->a, out, value_string(name));
		memmove(&out->items[at + 1], &out->items[at], (out->count - 1 - at) * sizeof *out->items);
		out->items[at] = value_string(name);
		out->items[at].secret = list.items[i].secret;
	}
	return 0;
}

/* --- maps of texts --- */

enum { NULL_IS_EMPTY = 1, MAY_BE_LIST = 2 };

static int read_pair(struct parse *p, const struct pair *pair, const char *path, int flags, struct value *out)
{
	const struct node *n = pair->value;
	if (!*pair->key)
		return parse_error(p, pair->mark, path, "a key without a name");
	if (n->kind != NODE_SCALAR)
		return parse_error(p, n->mark, path, "the value of %.60s must be one text or number, not %s", pair->key, node_shown(p, n));
	if (n->type == SCALAR_DATE)
		return parse_error(p, n->mark, path, "the value of %.60s, %s, is a date in YAML; put it in quotes", pair->key,
		                   node_shown(p, n));
	if (n->type == SCALAR_NULL && !(flags & NULL_IS_EMPTY))
		return parse_error(p, n->mark, path, "%.60s has no value; write one, or remove the key", pair->key);
	value_set(p->a, out, pair->key, value_of(n));
	return 0;
}

static int read_assignment(struct parse *p, const struct node *n, const char *path, int flags, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	const char *equals = strchr(text, '=');
	if (equals == text || !*text || (!equals && !(flags & NULL_IS_EMPTY)))
		return parse_error(p, n->mark, path, "%s must be name=value", node_shown(p, n));
	struct value v = value_string(equals ? equals + 1 : "");
	v.secret = n->secret;
	value_set(p->a, out, equals ? arena_strndup(p->a, text, (size_t)(equals - text)) : text, v);
	return 0;
}

static int read_pairs(struct parse *p, const struct node *n, const char *path, int flags, struct value *out)
{
	int result = 0;
	bool is_list = n->kind == NODE_LIST && (flags & MAY_BE_LIST);
	if (n->kind != NODE_MAP && !is_list)
		return parse_error(p, n->mark, path, "must be a map (name: value)%s, not %s",
		                   flags & MAY_BE_LIST ? " or a list (- name=value)" : "", node_shown(p, n));
	for (size_t i = 0; i < n->count; i++)
		result |= is_list ? read_assignment(p, n->items[i], path, flags, out) : read_pair(p, &n->pairs[i], path, flags, out);
	return result;
}

int parse_labels(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return read_pairs(p, n, path, NULL_IS_EMPTY | MAY_BE_LIST, out);
}

int parse_pairs(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return read_pairs(p, n, path, MAY_BE_LIST, out);
}

int parse_options(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	return read_pairs(p, n, path, NULL_IS_EMPTY, out);
}
