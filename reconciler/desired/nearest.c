/* Keys that are not in the table: which one was meant, or whether it is one of Compose's that comes later. */
#include <string.h>

#include "desired/parse.h"

#define MAX_NAME 40

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits to get from one to the other: insert, delete, replace, swap two neighbours. */
static size_t edit_distance(const char *x, const char *y)
{
	size_t n = strlen(x), m = strlen(y), rows[3][MAX_NAME + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= m; j++)
		above[j] = j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x[i - 1] != y[j - 1]));
			if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[m];
}

const char *nearest_name(const char *wrong, const char *const *names, size_t count)
{
	size_t length = strlen(wrong), best = 1 + length / 4;
	const char *found = NULL;
	for (size_t i = 0; length <= MAX_NAME && i < count; i++) {
		size_t distance = strlen(names[i]) <= MAX_NAME ? edit_distance(wrong, names[i]) : best + 1;
		if (distance < best || (distance == best && !found)) {
			best = distance;
			found = names[i];
		}
	}
	/* "depends" for "depends_on" */
	for (size_t i = 0; !found && length >= 4 && i < count; i++)
		if (strncmp(names[i], wrong, length) == 0)
			found = names[i];
	return found;
}

const char *nearest_resource(struct parse *p, const char *wrong, const struct resource *all, size_t count)
{
	const char **names = arena_alloc(p->a, (count + 1) * sizeof *names);
	for (size_t i = 0; i < count; i++)
		names[i] = all[i].key;
	return nearest_name(wrong, names, count);
}

/* The service keys of the Compose specification (93). Those that the table has are looked up there first. */
static const char *const service_keys[] = {
	"annotations", "attach", "blkio_config", "build", "cap_add", "cap_drop", "cgroup", "cgroup_parent", "command",
	"configs", "container_name", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period",
	"cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "credential_spec", "depends_on", "deploy", "develop",
	"device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search", "domainname", "entrypoint", "env_file",
	"environment", "expose", "extends", "external_links", "extra_hosts", "gpus", "group_add", "healthcheck", "hostname",
	"image", "init", "ipc", "isolation", "label_file", "labels", "links", "logging", "mac_address", "mem_limit",
	"mem_reservation", "mem_swappiness", "memswap_limit", "models", "network_mode", "networks", "oom_kill_disable",
	"oom_score_adj", "pid", "pids_limit", "platform", "ports", "post_start", "pre_start", "pre_stop", "privileged",
	"profiles", "provider", "pull_policy", "pull_refresh_after", "read_only", "restart", "runtime", "scale", "secrets",
	"security_opt", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs",
	"tty", "ulimits", "use_api_socket", "user", "userns_mode", "uts", "volumes", "volumes_from", "working_dir",
};
static const char *const top_keys[] = {"include", "models"};
static const char *const limits_keys[] = {"generic_resources"};
static const char *const build_keys[] = {
	"additional_contexts", "entitlements", "isolation", "platforms", "privileged", "provenance", "sbom", "secrets", "ssh", "ulimits",
};
static const char *const attachment_keys[] = {
	"driver_opts", "gw_priority", "interface_name", "link_local_ips", "mac_address", "priority",
};
static const char *const mount_keys[] = {"image"};
static const char *const bind_keys[] = {"recursive"};
static const char *const volume_keys[] = {"labels", "subpath"};
static const char *const own_keys[] = {
	"surge", "unavailable", "smoke", "hooks", "sticky", "key", "salt", "capacity",
};
static const char *const own_top_keys[] = {"notify", "images", "nginx"};
static const char *const own_route_keys[] = {
	"sticky", "key", "salt", "port", "protocol", "name", "match", "headers",
};

/* What is real but comes later, by section. */
static const struct later {
	const char *section;
	const char *const *keys;
	size_t count;
} later[] = {
	{"", top_keys, ARRAY_LEN(top_keys)},
	{"services.*", service_keys, ARRAY_LEN(service_keys)},
	{"services.*.build", build_keys, ARRAY_LEN(build_keys)},
	{"services.*.deploy.resources.limits", limits_keys, ARRAY_LEN(limits_keys)},
	{"services.*.deploy.resources.reservations", limits_keys, ARRAY_LEN(limits_keys)},
	{"services.*.networks.*", attachment_keys, ARRAY_LEN(attachment_keys)},
	{"services.*.volumes.*", mount_keys, ARRAY_LEN(mount_keys)},
	{"services.*.volumes.*.bind", bind_keys, ARRAY_LEN(bind_keys)},
	{"services.*.volumes.*.volume", volume_keys, ARRAY_LEN(volume_keys)},
	{"services.*.x-reconcile", own_keys, ARRAY_LEN(own_keys)},
	{"x-reconcile", own_top_keys, ARRAY_LEN(own_top_keys)},
	{"x-reconcile.routes.*", own_route_keys, ARRAY_LEN(own_route_keys)},
};

static const struct later *find_later(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (strcmp(later[i].section, section) == 0)
			return &later[i];
	return NULL;
}

int parse_unknown_key(struct parse *p, struct mark at, const char *path, const char *section, const char *key,
                      const char *const *names, size_t count)
{
	const struct later *l = find_later(section);
	const char *shown = arena_printf(p->a, "%.*s%s", (int)least(strcspn(key, "\r\n"), 60), key, strlen(key) > 60 ? "..." : "");
	for (size_t i = 0; l && i < l->count; i++) {
		if (strcmp(l->keys[i], key) != 0)
			continue;
		return parse_error(p, at, path, "'%s' is not supported yet; remove it", key);
	}
	const char *near = nearest_name(key, names, count);
	if (!near && l)
		near = nearest_name(key, l->keys, l->count);
	if (near)
		return parse_error(p, at, path, "unknown key '%s'; did you mean '%s'?", shown, near);
	return parse_error(p, at, path, "unknown key '%s'; remove it, or write x- in front to keep it as a note", shown);
}
