/* The host's settings: flag > environment > file > default, for every row of one table. */
#include "desired/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/sha256.h"
#include "desired/parse.h"
#include "desired/units.h"
#include "desired/yaml.h"

#define DEFAULT_FILE "/etc/reconcile/reconcile.yaml"

#define ROW(key, flag, variable, type, member, fallback, doc) \
	{key, flag, variable, SETTING_##type, offsetof(struct settings, member), fallback, doc}

static const struct setting rows[] = {
	ROW("repo", "--repo", "RECONCILE_REPO", STRING, repo, NULL, "URL of the Git repository."),
	ROW("branch", "--branch", "RECONCILE_BRANCH", STRING, branch, NULL, "Branch or tag to follow; default: the remote's own."),
	ROW("rev", "--rev", "RECONCILE_REV", STRING, rev, NULL,
	    "Branch, tag or commit to take instead, and to stay on for the whole run."),
	ROW("path", "--path", "RECONCILE_PATH", STRING, path, NULL,
	    "A Compose file, the folder that holds it, or one whose folders hold one each: in the repository, or on disk."),
	ROW("git.user", NULL, "RECONCILE_GIT_USER", STRING, git_user, NULL, "User for http(s) with a token; default: git."),
	ROW("git.token_file", NULL, "RECONCILE_GIT_TOKEN_FILE", PATH, git_token_file, NULL,
	    "File that holds the token or password for http(s)."),
	ROW("git.ca_file", NULL, "RECONCILE_GIT_CA_FILE", PATH, git_ca_file, NULL,
	    "Authorities to trust for https, in place of the system's."),
	ROW("git.key_file", NULL, "RECONCILE_GIT_KEY_FILE", PATH, git_key_file, NULL,
	    "Private key for SSH: ed25519, without a passphrase."),
	ROW("git.known_hosts", NULL, "RECONCILE_GIT_KNOWN_HOSTS", PATH, git_known_hosts, "/etc/reconcile/known_hosts",
	    "Keys of the SSH servers to trust, as ssh-keyscan prints them."),
	ROW("git.force_push", NULL, "RECONCILE_GIT_FORCE_PUSH", STRING, git_force_push, "follow",
	    "follow, with a warning, or refuse: stay where the branch was."),
	ROW("profiles", NULL, "COMPOSE_PROFILES", STRING, profiles, NULL,
	    "Profiles of Compose to enable, with commas between, or * for all; services of others are left alone."),
	ROW("env_file", "--env-file", "RECONCILE_ENV_FILE", PATH, env_file, NULL,
	    "File with the values that ${NAME} in a manifest may refer to; default: " DEFAULT_ENV_FILE ", if it is there."),
	ROW("state_dir", "--state-dir", "RECONCILE_STATE_DIR", PATH, state_dir, "/var/lib/reconcile",
	    "Folder for notes, the Git mirror and nginx's files."),
	ROW("run_dir", "--run-dir", "RECONCILE_RUN_DIR", PATH, run_dir, "/run/reconcile", "Folder for the lock."),
	ROW("interval", "--interval", "RECONCILE_INTERVAL", DURATION, interval_ms, "60s",
	    "With --watch: the time between two passes, 1s at least."),
	ROW("lock_timeout", "--lock-timeout", "RECONCILE_LOCK_TIMEOUT", DURATION, lock_timeout_ms, "0s",
	    "How long to wait for another run to end."),
	ROW("docker.host", "--docker-host", "DOCKER_HOST", STRING, docker_host, "unix:///var/run/docker.sock",
	    "Where the Docker Engine listens."),
	ROW("docker.config", NULL, "DOCKER_CONFIG", PATH, docker_config, "/root/.docker",
	    "Folder of Docker's config.json, which has the credentials for registries."),
	ROW("min_free", NULL, "RECONCILE_MIN_FREE", SIZE, min_free, "512M",
	    "Nothing is pulled while Docker's disk has less free than that, and no swap file leaves its disk with less."),
	ROW("nginx.binary", NULL, "RECONCILE_NGINX_BINARY", STRING, nginx_binary, "/usr/sbin/nginx", "The nginx program."),
	ROW("nginx.config", NULL, "RECONCILE_NGINX_CONFIG", PATH, nginx_config, "/etc/nginx/nginx.conf",
	    "nginx's main configuration file."),
	ROW("nginx.pid", NULL, "RECONCILE_NGINX_PID", PATH, nginx_pid, "/run/nginx.pid", "nginx's pid file."),
	ROW("nginx.container", NULL, "RECONCILE_NGINX_CONTAINER", STRING, nginx_container, NULL,
	    "Name of the container that nginx is in, with network_mode: host or nginx.network; its paths are those inside, and nginx.pid is not asked."),
	ROW("nginx.network", NULL, "RECONCILE_NGINX_NETWORK", STRING, nginx_network, NULL,
	    "Docker network of that container, at whose addresses it reaches instances: a bridge of your own, made with --subnet."),
	ROW("nginx.listen", NULL, "RECONCILE_NGINX_LISTEN", STRING, nginx_listen, "80",
	    "What the routes listen on: a port, or address:port."),
	ROW("nginx.status_port", NULL, "RECONCILE_NGINX_STATUS_PORT", INT, nginx_status_port, "9180",
	    "Loopback port on which nginx tells us which configuration is live."),
	ROW("nginx.loopback_ports", NULL, "RECONCILE_NGINX_LOOPBACK_PORTS", STRING, nginx_loopback_ports, NULL,
	    "For an nginx that cannot reach Docker's bridge: ports of 127.0.0.1 to reach instances at, like 20000-20999."),
	ROW("subnet", NULL, "RECONCILE_SUBNET", STRING, subnet, "10.231.0.0/16",
	    "Addresses for networks: one /24 of it for each that we make, two or more for each project."),
	ROW("instance", NULL, "RECONCILE_INSTANCE", STRING, instance, NULL,
	    "Name of this installation: whose containers are ours. Default: derived from state_dir."),
};

const struct setting *settings_rows(size_t *count)
{
	*count = ARRAY_LEN(rows);
	return rows;
}

void settings_print(struct buf *out)
{
	const char *section = "";
	size_t length = 0;
	buf_puts(out, "# Settings of reconcile. An option or the variable in brackets wins over what stands here.\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *dot = strchr(rows[i].key, '.');
		size_t n = dot ? (size_t)(dot - rows[i].key) : 0;
		if (n && (n != length || strncmp(section, rows[i].key, n) != 0))
			buf_printf(out, "\n#%.*s:", (int)n, rows[i].key);
		section = rows[i].key;
		length = n;
		const char *indent = n ? "  " : "";
		buf_printf(out, "\n# %s%s [%s]\n#%s%s:%s%s\n", indent, rows[i].doc, rows[i].variable, indent, dot ? dot + 1 : rows[i].key,
		           rows[i].fallback ? " " : "", rows[i].fallback ? rows[i].fallback : "");
	}
}

/* One setting's value with the words that a complaint about it begins with. */
struct given {
	const char *text;
	const char *where;
};

/* --- the file --- */

static int unknown_key(const char *file, const struct pair *pair, const char *section, struct arena *a, struct err *e)
{
	const char *names[2 * ARRAY_LEN(rows)];
	size_t count = 0, skip = strlen(section);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strncmp(rows[i].key, section, skip) == 0)
			names[count++] = arena_strndup(a, rows[i].key + skip, strcspn(rows[i].key + skip, "."));
	const char *near = nearest_name(pair->key, names, count);
	return err_set(e, ERR_INVALID, "%s:%d:%d: unknown setting '%s%.60s'%s%s%s", file, pair->mark.line, pair->mark.column,
	               section, pair->key, near ? "; did you mean '" : "; remove it", near ? near : "", near ? "'?" : "");
}

static int read_pair(const char *file, const struct pair *pair, const char *section, struct given *given, struct arena *a,
                     struct err *e)
{
	const struct node *n = pair->value;
	const char *key = arena_printf(a, "%s%s", section, pair->key), *inside = arena_printf(a, "%s.", key);
	const char *where = arena_printf(a, "%s:%d:%d: %s", file, n->mark.line, n->mark.column, key);
	bool is_section = false;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		is_section = is_section || strncmp(rows[i].key, inside, strlen(inside)) == 0;
		if (strcmp(rows[i].key, key) != 0)
			continue;
		if (n->kind != NODE_SCALAR || n->type == SCALAR_NULL)
			return err_set(e, ERR_INVALID, "%s: needs one value; write it, or remove the key", where);
		given[i] = (struct given){.text = n->written, .where = where};
		return 0;
	}
	if (!is_section || *section)
		return unknown_key(file, pair, section, a, e);
	if (n->kind != NODE_MAP)
		return err_set(e, ERR_INVALID, "%s: must be a map", where);
	for (size_t i = 0; i < n->count; i++)
		if (read_pair(file, &n->pairs[i], inside, given, a, e) < 0)
			return -1;
	return 0;
}

static int read_file(const char *file, struct given *given, struct arena *a, struct err *e)
{
	char *text;
	size_t length;
	struct node *root;
	const char *name = file ? file : DEFAULT_FILE;
	if (!file && !fs_exists(DEFAULT_FILE))
		return 0;
	if (fs_read(name, YAML_MAX_BYTES, a, &text, &length, e) < 0 || yaml_read(name, text, length, a, &root, e) < 0)
		return -1;
	if (!root || (root->kind == NODE_SCALAR && root->type == SCALAR_NULL))
		return 0;
	if (root->kind != NODE_MAP)
		return err_set(e, ERR_INVALID, "%s:%d:%d: must be a map of settings", name, root->mark.line, root->mark.column);
	for (size_t i = 0; i < root->count; i++)
		if (read_pair(name, &root->pairs[i], "", given, a, e) < 0)
			return -1;
	return 0;
}

/* --- one value --- */

static bool is_made_of(const char *text, const char *allowed)
{
	return *text && text[strspn(text, allowed)] == 0;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* a.b.c.d/n with n up to 24: each project takes a /24. */
static bool is_subnet(const char *text)
{
	unsigned part[4], bits;
	int used = 0;
	if (!is_made_of(text, DIGITS "./") ||
	    sscanf(text, "%3u.%3u.%3u.%3u/%2u%n", &part[0], &part[1], &part[2], &part[3], &bits, &used) != 5 || text[used])
		return false;
	unsigned long address = 0;
	for (int i = 0; i < 4; i++) {
		if (part[i] > 255)
			return false;
		address = address << 8 | part[i];
	}
	return bits >= 8 && bits <= 24 && (address & ((1UL << (32 - bits)) - 1)) == 0;
}

static bool is_listen(const char *text)
{
	const char *colon = strrchr(text, ':');
	int64_t port;
	return is_made_of(text, DIGITS LETTERS "ABCDEF.:[]*") && units_int(colon ? colon + 1 : text, &port) && port >= 1 && port <= 65535;
}

bool settings_ports(const char *text, int *first, int *last)
{
	int used = 0;
	return is_made_of(text, DIGITS "-") && sscanf(text, "%5d-%5d%n", first, last, &used) == 2 && !text[used] && *first >= 1024 &&
	       *last >= *first && *last <= 65535;
}

static bool is_ports(const char *text)
{
	int first, last;
	return settings_ports(text, &first, &last);
}

/* The engine's own networks give no fixed addresses. */
static bool is_network(const char *text)
{
	static const char *const own[] = {"bridge", "host", "none", "default"};
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (strcmp(text, own[i]) == 0)
			return false;
	return isalnum((unsigned char)*text) && is_made_of(text, LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "._-");
}

static bool is_instance(const char *text)
{
	return strlen(text) <= 63 && is_made_of(text, LETTERS DIGITS "._-");
}

static bool is_force_push(const char *text)
{
	return strcmp(text, "follow") == 0 || strcmp(text, "refuse") == 0;
}

static bool is_interval(const char *text)
{
	int64_t ns;
	return units_duration_ns(text, &ns) && ns >= 1000000000;
}

static bool is_docker_host(const char *text)
{
	return strncmp(text, "unix:///", 8) == 0 || strncmp(text, "tcp://", 6) == 0;
}

static bool is_not_blank(const char *text)
{
	return *text && !strpbrk(text, "\r\n");
}

static const struct check {
	const char *key;
	bool (*is_good)(const char *text);
	const char *wanted;
} checks[] = {
	{"nginx.listen", is_listen, "a port or address:port, like 80 or 127.0.0.1:8080"},
	{"nginx.loopback_ports", is_ports, "a range from 1024 to 65535, like 20000-20999"},
	{"nginx.network", is_network, "the name of a Docker network of your own, like edge"},
	{"subnet", is_subnet, "a network of at least 256 addresses, like 10.231.0.0/16"},
	{"git.force_push", is_force_push, "follow or refuse"},
	{"interval", is_interval, "a duration of at least 1s, like 60s or 5m"},
	{"docker.host", is_docker_host, "unix:///path or tcp://address:port"},
	{"instance", is_instance, "a short name of small letters, digits, '.', '_' and '-'"},
};

static const char *without_end_slashes(struct arena *a, const char *path)
{
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	return arena_strndup(a, path, length);
}

static int set_path(const struct given *g, struct arena *a, const char **out, struct err *e)
{
	if (*g->text == '/') {
		*out = without_end_slashes(a, g->text);
		return 0;
	}
	char folder[4096];
	if (strchr(g->where, '/') == NULL && g->where[0] == '-') { /* a flag: relative to where it was typed */
		if (!getcwd(folder, sizeof folder))
			return err_set(e, ERR_INVALID, "%s: '%s': the current folder is gone; write a whole path", g->where, g->text);
		*out = without_end_slashes(a, arena_printf(a, "%s/%s", folder, g->text));
		return 0;
	}
	return err_set(e, ERR_INVALID, "%s: '%.200s' must begin with '/'", g->where, g->text);
}

static int set_one(const struct setting *row, const struct given *g, struct arena *a, struct settings *out, struct err *e)
{
	char *member = (char *)out + row->offset;
	if (!is_not_blank(g->text))
		return err_set(e, ERR_INVALID, "%s: is empty, or more than one line", g->where);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (strcmp(checks[i].key, row->key) == 0 && !checks[i].is_good(g->text))
			return err_set(e, ERR_INVALID, "%s: '%.60s' is not %s", g->where, g->text, checks[i].wanted);
	if (row->type == SETTING_INT) {
		int64_t *n = (int64_t *)(void *)member;
		if (!units_int(g->text, n) || *n < 1 || *n > 65535)
			return err_set(e, ERR_INVALID, "%s: '%.60s' is no port; write a number from 1 to 65535", g->where, g->text);
		return 0;
	}
	if (row->type == SETTING_SIZE) {
		if (!units_bytes(g->text, (int64_t *)(void *)member))
			return err_set(e, ERR_INVALID, "%s: '%.60s' is no size; write a number with b, k, m or g, like 512m", g->where, g->text);
		return 0;
	}
	if (row->type == SETTING_DURATION) {
		int64_t ns;
		if (!units_duration_ns(g->text, &ns))
			return err_set(e, ERR_INVALID, "%s: '%.60s' is no duration; write a number with ms, s, m or h, like 30s", g->where, g->text);
		*(int64_t *)(void *)member = ns / 1000000;
		return 0;
	}
	if (row->type == SETTING_PATH)
		return set_path(g, a, (const char **)(void *)member, e);
	*(const char **)(void *)member = arena_strdup(a, g->text);
	return 0;
}

/* What one setting says of another. */
static const struct pair_rule {
	const char *key, *other;
	bool is_needed; /* the other one must be there; else it must not */
	const char *say;
} pair_rules[] = {
	{"nginx.network", "nginx.container", true, "is the network of the container that nginx is in; set nginx.container, too, or remove it"},
	{"nginx.network", "nginx.loopback_ports", false,
	 "and nginx.loopback_ports are two ways to the instances, and 127.0.0.1 of a container is not the host's; remove one of them"},
};

static const struct given *given_for(const struct given *given, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &given[i];
	return NULL;
}

static int check_pairs(const struct given *given, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(pair_rules); i++) {
		const struct pair_rule *r = &pair_rules[i];
		const struct given *one = given_for(given, r->key), *other = given_for(given, r->other);
		if (one->text && !other->text == r->is_needed)
			return err_set(e, ERR_INVALID, "%s: '%.60s' %s", one->where, one->text, r->say);
	}
	return 0;
}

int settings_load(const char *file, const struct setting_flag *flags, size_t flags_count, struct arena *a,
                  struct settings *out, struct err *e)
{
	struct given given[ARRAY_LEN(rows)] = {0};
	struct settings made = {0};
	if (read_file(file, given, a, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *value = getenv(rows[i].variable);
		if (value && *value) /* set but empty is how a unit file or a shell says "not set" */
			given[i] = (struct given){.text = value, .where = rows[i].variable};
		for (size_t j = 0; j < flags_count; j++)
			if (flags[j].row == &rows[i])
				given[i] = (struct given){.text = flags[j].value, .where = rows[i].flag};
		if (!given[i].text && rows[i].fallback)
			given[i] = (struct given){.text = rows[i].fallback, .where = rows[i].key};
		if (given[i].text && set_one(&rows[i], &given[i], a, &made, e) < 0)
			return -1;
	}
	if (check_pairs(given, e) < 0)
		return -1;
	if (!made.instance) {
		char hex[SHA256_HEX_SIZE];
		sha256_hex(made.state_dir, strlen(made.state_dir), hex);
		made.instance = arena_strndup(a, hex, 12);
	}
	*out = made;
	return 0;
}
