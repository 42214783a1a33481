/*
 * THE TABLE: one row for each field of a service. A field that is not here does not exist; one that is cannot be
 * forgotten by the revision, the comparison with the live container, the plan, or the schema.
 *
 * The revision leaves out what is not set, so a new row changes no revision that exists.
 */
#include "desired/fields.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define REPLACE(path, engine, form) {path, engine, form, CHANGE_REPLACE}
#define LIVE(path, engine, form) {path, engine, form, CHANGE_LIVE}
/* Those that a running container can get rid of, by a value that means the same (measured with 20.10). The others: a CPU
 * quota, the memory limit, its reservation and the CPU set stay what they were, whatever the engine answers. */
#define LIVE_TO(path, engine, form, none) {path, engine, form, CHANGE_LIVE, none}
#define NUMBER(n) {.kind = VALUE_INT, .integer = (n)}
#define WORD(text) {.kind = VALUE_STRING, .string = (text)}
#define OURS(path) {path, NULL, ENGINE_NONE, CHANGE_NONE}
#define FILLS(type, name) MEMBER_##type, offsetof(struct service, name)

static const struct field_row rows[] = {
	{REPLACE("image", "Image", ENGINE_PLAIN), parse_name_of_image, SHAPE_STRING, NULL,
	 "Image to run, with a tag or a digest.", FILLS(STRING, image)},
	{OURS("build"), parse_build, SHAPE_BUILD, NULL,
	 "Folder to build the image from, or a map with context, dockerfile, args and more. The same content is not built again; "
	 "`image` is then one more name for it."},
	{OURS("extends"), parse_anything, SHAPE_EXTENDS, NULL,
	 "Service that this one begins with: its name, or a map with service and file."},
	{OURS("pull_policy"), parse_pull_policy, SHAPE_PULL_POLICY, "missing",
	 "When the registry is asked for the image: missing (it is not on this host), always (at every run: a tag that has "
	 "moved is a change), or never."},
	{OURS("container_name"), parse_engine_name, SHAPE_STRING, "project-service-number",
	 "Name of the one container of a service that is replaced in place; with another strategy they are numbered, and it is an "
	 "alias on their networks.", FILLS(STRING, container_name)},
	{REPLACE("command", "Cmd", ENGINE_PLAIN), parse_command, SHAPE_COMMAND, "the image's",
	 "Command instead of the image's. A text is split into words; no shell runs it."},
	{REPLACE("environment", "Env", ENGINE_ENV), parse_environment, SHAPE_ENVIRONMENT, NULL,
	 "Environment variables, as a map or as a list of NAME=value. A name without a value is taken from the host."},
	{REPLACE("volumes", "HostConfig", ENGINE_MOUNTS), parse_volumes, SHAPE_VOLUMES, NULL,
	 "Named volumes and host folders: source:target, or source:target:ro; the long form says more."},
	{{"routed_ports", NULL, ENGINE_NONE, CHANGE_REPLACE}, NULL, SHAPE_STRING, NULL,
	 "The ports that routes lead to: old instances are asked at the old ones until they are gone."},
	{{"routed_udp_ports", NULL, ENGINE_NONE, CHANGE_REPLACE}, NULL, SHAPE_STRING, NULL,
	 "The same of udp routes, where nothing can be proven by a connect."},
	/* A mounted file keeps its inode: a container sees what Git put in its place only when it is made anew. */
	{{"volume_content", NULL, ENGINE_NONE, CHANGE_REPLACE}, NULL, SHAPE_STRING, NULL,
	 "The hashes of files from Git that are mounted one by one."},
	{OURS("secrets"), parse_secrets, SHAPE_FILES, NULL,
	 "Secrets of the top level that it gets as files in /run/secrets: names, or maps with source, target, uid, gid and mode."},
	{OURS("configs"), parse_configs, SHAPE_FILES, NULL,
	 "Configs of the top level that it gets as files: names, or maps with source, target, uid, gid and mode."},
	{REPLACE("secrets_and_configs", "HostConfig.Mounts", ENGINE_PLAIN), NULL, SHAPE_STRING, NULL,
	 "The copies of its secrets and configs, by the hash of their content."},
	{OURS("depends_on"), parse_depends_on, SHAPE_DEPENDS_ON, NULL,
	 "Services that must be started, healthy or completed before this one starts."},
	{{"depends_on_revisions", NULL, ENGINE_NONE, CHANGE_REPLACE}, NULL, SHAPE_STRING, NULL,
	 "The revisions of those that it depends on with restart: true."},
	{OURS("links"), parse_links, SHAPE_STRINGS, NULL,
	 "Services that must be started before this one; service:name is one more name for it on its networks."},
	{LIVE_TO("restart", "HostConfig.RestartPolicy", ENGINE_RESTART, WORD("no")), parse_restart, SHAPE_RESTART, "no",
	 "When the engine starts it again: no, always, unless-stopped, on-failure or on-failure:N."},
	{REPLACE("healthcheck.test", "Healthcheck.Test", ENGINE_PLAIN), parse_healthcheck_test, SHAPE_TEST, "the image's",
	 "Command that tells whether it is healthy: a text for a shell, or a list that begins with CMD, CMD-SHELL or NONE."},
	{REPLACE("healthcheck.interval", "Healthcheck.Interval", ENGINE_PLAIN), parse_nanoseconds, SHAPE_DURATION, "30s",
	 "Time between two health checks."},
	{REPLACE("healthcheck.timeout", "Healthcheck.Timeout", ENGINE_PLAIN), parse_nanoseconds, SHAPE_DURATION, "30s",
	 "How long one health check may take."},
	{REPLACE("healthcheck.retries", "Healthcheck.Retries", ENGINE_PLAIN), parse_count, SHAPE_NUMBER, "3",
	 "How many checks in a row must fail before it is unhealthy."},
	{REPLACE("healthcheck.start_period", "Healthcheck.StartPeriod", ENGINE_PLAIN), parse_nanoseconds, SHAPE_DURATION, "0s",
	 "Time after the start in which a failed check does not count."},
	{REPLACE("healthcheck.start_interval", "Healthcheck.StartInterval", ENGINE_PLAIN), parse_nanoseconds, SHAPE_DURATION, "5s",
	 "Time between two health checks in start_period; needs Docker 25."},
	{OURS("healthcheck.disable"), parse_bool, SHAPE_BOOL, "false", "true: no health check, not even the image's."},
	{REPLACE("expose", "ExposedPorts", ENGINE_KEYS), parse_expose, SHAPE_PORTS, NULL,
	 "Ports that the containers listen on, for documentation."},
	{OURS("deploy.replicas"), parse_replicas, SHAPE_NUMBER, "1", "How many instances run.", FILLS(INT, replicas)},
	{LIVE("mem_limit", "HostConfig.Memory", ENGINE_PLAIN), parse_memory, SHAPE_SIZE, "no limit",
	 "Most memory that one instance may use, at least 6m."},
	{LIVE("memswap_limit", "HostConfig.MemorySwap", ENGINE_PLAIN), parse_memory_and_swap, SHAPE_SIZE, "twice the memory",
	 "Most memory and swap together; -1: as much swap as there is. Needs a memory limit."},
	{LIVE("cpus", "HostConfig.NanoCpus", ENGINE_PLAIN), parse_cpus, SHAPE_CPUS, "no limit",
	 "Most CPUs that one instance may use, like 0.5."},
	{LIVE_TO("pids_limit", "HostConfig.PidsLimit", ENGINE_PLAIN, NUMBER(-1)), parse_pids, SHAPE_NUMBER, "no limit",
	 "Most processes and threads of one instance."},
	{{"stop_grace_period", "StopTimeout", ENGINE_SECONDS, CHANGE_NONE}, parse_milliseconds, SHAPE_DURATION, "10s",
	 "How long it may take to stop before it is killed.", FILLS(INT64, stop_grace_ms)},
	{REPLACE("networks", "NetworkingConfig.EndpointsConfig", ENGINE_NETWORKS), parse_networks, SHAPE_NETWORKS, "default",
	 "Networks that it joins, with other names (aliases) and fixed addresses."},
	{REPLACE("entrypoint", "Entrypoint", ENGINE_PLAIN), parse_entrypoint, SHAPE_COMMAND, "the image's",
	 "Program that runs the command; [] clears the image's. A text is split into words; no shell runs it."},
	{REPLACE("ports", "HostConfig.PortBindings", ENGINE_PORTS), parse_ports, SHAPE_PORT_BINDINGS, NULL,
	 "Ports published on the host: [[ip:][host]:]port[/protocol]. One with a certain host port can only be replaced in place."},
	{REPLACE("network_mode", "HostConfig.NetworkMode", ENGINE_PLAIN), parse_network_mode, SHAPE_NETWORK_MODE, NULL,
	 "bridge, host or none, instead of the project's networks."},
	{REPLACE("hostname", "Hostname", ENGINE_PLAIN), parse_host_name, SHAPE_STRING, "its id", "Its own host name."},
	{REPLACE("domainname", "Domainname", ENGINE_PLAIN), parse_host_name, SHAPE_STRING, NULL, "Its own domain name."},
	{REPLACE("labels", "Labels", ENGINE_PLAIN), parse_labels, SHAPE_PAIRS, NULL,
	 "Labels of the container, as a map or as a list of name=value; ours are set last."},
	{OURS("env_file"), parse_env_files, SHAPE_ENV_FILE, NULL,
	 "Files of variables on the host, below environment; their content is part of the revision."},
	{REPLACE("user", "User", ENGINE_PLAIN), parse_string, SHAPE_STRING, "the image's", "User, or user:group, that it runs as."},
	{REPLACE("working_dir", "WorkingDir", ENGINE_PLAIN), parse_directory, SHAPE_STRING, "the image's",
	 "Folder that it starts in."},
	{REPLACE("tty", "Tty", ENGINE_PLAIN), parse_flag, SHAPE_BOOL, "false", "Gives it a terminal."},
	{REPLACE("stdin_open", "OpenStdin", ENGINE_PLAIN), parse_flag, SHAPE_BOOL, "false", "Keeps its standard input open."},
	{REPLACE("stop_signal", "StopSignal", ENGINE_PLAIN), parse_string, SHAPE_STRING, "the image's, else SIGTERM",
	 "Signal that asks it to stop."},
	{REPLACE("platform", "platform", ENGINE_QUERY), parse_platform, SHAPE_STRING, "the engine's",
	 "Platform of the image, like linux/arm64."},
	{REPLACE("privileged", "HostConfig.Privileged", ENGINE_PLAIN), parse_flag, SHAPE_BOOL, "false",
	 "Gives it all rights on the host."},
	{REPLACE("init", "HostConfig.Init", ENGINE_PLAIN), parse_bool, SHAPE_BOOL, "the engine's",
	 "Runs it below a small init that forwards signals and reaps processes."},
	{REPLACE("read_only", "HostConfig.ReadonlyRootfs", ENGINE_PLAIN), parse_flag, SHAPE_BOOL, "false",
	 "Makes its root file system read-only."},
	{REPLACE("tmpfs", "HostConfig.Tmpfs", ENGINE_PLAIN), parse_tmpfs, SHAPE_STRINGS_OR_ONE, NULL,
	 "Folders in memory: path, or path:options."},
	{REPLACE("shm_size", "HostConfig.ShmSize", ENGINE_PLAIN), parse_size, SHAPE_SIZE, "64m", "Size of its /dev/shm."},
	{REPLACE("security_opt", "HostConfig.SecurityOpt", ENGINE_PLAIN), parse_security, SHAPE_STRINGS, NULL,
	 "Security options, like no-new-privileges:true."},
	{REPLACE("cap_add", "HostConfig.CapAdd", ENGINE_PLAIN), parse_capabilities, SHAPE_STRINGS, NULL, "Capabilities to add."},
	{REPLACE("cap_drop", "HostConfig.CapDrop", ENGINE_PLAIN), parse_capabilities, SHAPE_STRINGS, NULL, "Capabilities to drop."},
	{REPLACE("devices", "HostConfig.Devices", ENGINE_DEVICES), parse_devices, SHAPE_DEVICES, NULL,
	 "Devices of the host: /dev/x, or source:target:permissions."},
	{REPLACE("ulimits", "HostConfig.Ulimits", ENGINE_ULIMITS), parse_ulimits, SHAPE_ULIMITS, NULL,
	 "Limits of its processes, like nofile: 65536, or soft and hard."},
	{REPLACE("sysctls", "HostConfig.Sysctls", ENGINE_PLAIN), parse_pairs, SHAPE_PAIRS, NULL,
	 "Kernel parameters of its own namespaces."},
	{REPLACE("group_add", "HostConfig.GroupAdd", ENGINE_PLAIN), parse_groups, SHAPE_GROUPS, NULL, "More groups of its user."},
	{REPLACE("extra_hosts", "HostConfig.ExtraHosts", ENGINE_PLAIN), parse_extra_hosts, SHAPE_EXTRA_HOSTS, NULL,
	 "Names and addresses for its /etc/hosts; host-gateway is the host."},
	{REPLACE("dns", "HostConfig.Dns", ENGINE_PLAIN), parse_words_or_one, SHAPE_STRINGS_OR_ONE, NULL, "Name servers."},
	{REPLACE("dns_search", "HostConfig.DnsSearch", ENGINE_PLAIN), parse_words_or_one, SHAPE_STRINGS_OR_ONE, NULL,
	 "Domains in which short names are looked up."},
	{REPLACE("dns_opt", "HostConfig.DnsOptions", ENGINE_PLAIN), parse_words, SHAPE_STRINGS, NULL, "Options for its resolver."},
	{REPLACE("pid", "HostConfig.PidMode", ENGINE_PLAIN), parse_pid, SHAPE_STRING, NULL, "host: it sees the host's processes."},
	{REPLACE("ipc", "HostConfig.IpcMode", ENGINE_PLAIN), parse_ipc, SHAPE_STRING, "the engine's",
	 "host, private, shareable or none: whose shared memory it sees."},
	{REPLACE("userns_mode", "HostConfig.UsernsMode", ENGINE_PLAIN), parse_userns, SHAPE_STRING, NULL,
	 "host: no user namespace of its own."},
	{REPLACE("runtime", "HostConfig.Runtime", ENGINE_PLAIN), parse_string, SHAPE_STRING, "the engine's",
	 "Program that runs the container, like runc."},
	{REPLACE("logging.driver", "HostConfig.LogConfig.Type", ENGINE_PLAIN), parse_string, SHAPE_STRING, "the engine's",
	 "Where its output goes, like json-file or local."},
	{REPLACE("logging.options", "HostConfig.LogConfig.Config", ENGINE_PLAIN), parse_options, SHAPE_MAP, NULL,
	 "Options of the log driver, like max-size: 10m."},
	{REPLACE("mem_swappiness", "HostConfig.MemorySwappiness", ENGINE_PLAIN), parse_swappiness, SHAPE_NUMBER, "the host's",
	 "How readily its memory is swapped out, from 0 to 100."},
	{REPLACE("gpus", "HostConfig.DeviceRequests", ENGINE_PLAIN), parse_gpus, SHAPE_GPUS, NULL,
	 "GPUs that it gets: all, or a list of maps with count or device_ids."},
	{REPLACE("oom_score_adj", "HostConfig.OomScoreAdj", ENGINE_PLAIN), parse_oom_score, SHAPE_NUMBER, "0",
	 "How readily it is killed when memory is out, from -1000 to 1000."},
	{LIVE("mem_reservation", "HostConfig.MemoryReservation", ENGINE_PLAIN), parse_memory, SHAPE_SIZE, "none",
	 "Memory that it keeps when memory is short; at most the limit."},
	{LIVE_TO("cpu_shares", "HostConfig.CpuShares", ENGINE_PLAIN, NUMBER(1024)), parse_cpu_shares, SHAPE_NUMBER, "1024",
	 "Its share of the CPUs when they are busy."},
	{LIVE("cpuset", "HostConfig.CpusetCpus", ENGINE_PLAIN), parse_cpuset, SHAPE_STRING, "all", "CPUs that it may use, like 0-2,4."},
	{OURS("profiles"), parse_profiles, SHAPE_STRINGS, NULL,
	 "It is only there when one of them is enabled, by the setting `profiles`."},
	{OURS("attach"), parse_anything, SHAPE_ANY, NULL, "Ignored: it is about docker compose up."},
	{OURS("develop"), parse_anything, SHAPE_ANY, NULL, "Ignored: it is about docker compose watch."},
	{OURS("deploy.restart_policy.condition"), parse_restart_condition, SHAPE_STRING, "any",
	 "When the engine starts it again: none, on-failure or any; comes before restart."},
	{OURS("deploy.restart_policy.max_attempts"), parse_count, SHAPE_NUMBER, "no end", "How often on-failure tries."},
	{OURS("deploy.restart_policy.delay"), parse_anything, SHAPE_ANY, NULL, "Ignored: the engine has its own back-off."},
	{OURS("deploy.restart_policy.window"), parse_anything, SHAPE_ANY, NULL, "Ignored: x-reconcile.ready says when it runs."},
	{OURS("deploy.mode"), parse_deploy_mode, SHAPE_STRING, "replicated", "Only replicated so far."},
	{OURS("deploy.update_config.parallelism"), parse_replicas, SHAPE_NUMBER, "1",
	 "How many instances are replaced at a time, with rolling and in-place; 0: all."},
	{OURS("deploy.update_config.order"), parse_update_order, SHAPE_STRING, "start-first",
	 "start-first: new ones before old ones stop (Compose's own default is stop-first); stop-first: in-place."},
	{OURS("deploy.update_config.delay"), parse_milliseconds, SHAPE_DURATION, "0s",
	 "Time between two batches; without x-reconcile.hold the longer of delay and monitor is the hold."},
	{OURS("deploy.update_config.monitor"), parse_milliseconds, SHAPE_DURATION, "0s",
	 "How long new ones are watched for failure after each batch; see delay."},
	{OURS("deploy.update_config.failure_action"), parse_failure_action, SHAPE_STRING, "rollback",
	 "A revision that fails always goes back: pause and continue are taken as rollback, with a warning."},
	{OURS("deploy.update_config.max_failure_ratio"), parse_anything, SHAPE_ANY, NULL, "Not followed, with a warning: one instance that fails is enough."},
	{OURS("deploy.rollback_config.parallelism"), parse_replicas, SHAPE_NUMBER, "as update_config",
	 "How many instances are replaced at a time on the way back to this version, with rolling; 0: all. The traffic goes first."},
	{OURS("deploy.rollback_config.order"), parse_update_order, SHAPE_STRING, "as update_config",
	 "As on the way there; another one is not followed, with a warning."},
	{OURS("deploy.rollback_config.delay"), parse_anything, SHAPE_ANY, NULL,
	 "Not followed, with a warning: the way back waits for nothing but what must be ready."},
	{OURS("deploy.rollback_config.monitor"), parse_anything, SHAPE_ANY, NULL, "Not followed, with a warning; see delay."},
	{OURS("deploy.rollback_config.failure_action"), parse_anything, SHAPE_ANY, NULL,
	 "Not followed, with a warning: from the way back there is none."},
	{OURS("deploy.rollback_config.max_failure_ratio"), parse_anything, SHAPE_ANY, NULL, "Not followed, with a warning; see failure_action."},
	{OURS("deploy.placement"), parse_anything, SHAPE_ANY, NULL, "Ignored: there is one host."},
	{OURS("deploy.labels"), parse_anything, SHAPE_ANY, NULL, "Ignored: they are a swarm's, not the container's."},
	{OURS("deploy.endpoint_mode"), parse_anything, SHAPE_ANY, NULL, "Ignored: there is no swarm."},
	{OURS("deploy.resources.reservations.cpus"), parse_anything, SHAPE_ANY, NULL, "Ignored: only a swarm reserves CPUs."},
	{OURS("x-reconcile.strategy"), parse_strategy, SHAPE_STRATEGY,
	 "rolling with a route and no writable volume, else in-place",
	 "How a new revision comes in: rolling (batch by batch, new ones first), blue-green (all new ones beside the old, then "
	 "all traffic at once), canary (share after share, each watched) or in-place (old ones first: downtime)."},
	{OURS("x-reconcile.ready.http.port"), parse_port, SHAPE_PORT, NULL, "Port of the HTTP probe, inside the container.",
	 FILLS(INT, ready.http_port)},
	{OURS("x-reconcile.ready.http.path"), parse_path, SHAPE_STRING, "/", "Path of the HTTP probe.",
	 FILLS(STRING, ready.path)},
	{OURS("x-reconcile.ready.http.status"), parse_status, SHAPE_NUMBER, "any 2xx or 3xx",
	 "Status that the HTTP probe must get.", FILLS(INT, ready.status)},
	{OURS("x-reconcile.ready.http.body"), parse_string, SHAPE_STRING, NULL, "Text that must occur in the answer.",
	 FILLS(STRING, ready.body)},
	{OURS("x-reconcile.ready.tcp.port"), parse_port, SHAPE_PORT, NULL,
	 "Port that must take a TCP connection, inside the container. Those that routes lead to must in any case.", FILLS(INT, ready.tcp_port)},
	{OURS("x-reconcile.ready.within"), parse_milliseconds, SHAPE_DURATION, "60s",
	 "How long after its start an instance may take to become ready.", FILLS(INT64, ready.within_ms)},
	{OURS("x-reconcile.ready.for"), parse_milliseconds, SHAPE_DURATION, "1s with a probe or a health check, else 10s",
	 "How long it must have been ready without a break before it gets traffic.", FILLS(INT64, ready.for_ms)},
	{OURS("x-reconcile.smoke.http.port"), parse_port, SHAPE_PORT, NULL,
	 "Port of the smoke test, inside the container. It is asked of each new instance of a new revision, once that is ready and "
	 "before it gets a request; when it has passed, never again.", FILLS(INT, smoke.http_port)},
	{OURS("x-reconcile.smoke.http.path"), parse_path, SHAPE_STRING, "/", "Path of the smoke test.", FILLS(STRING, smoke.path)},
	{OURS("x-reconcile.smoke.http.status"), parse_status, SHAPE_NUMBER, "any 2xx or 3xx", "Status that the smoke test must get.",
	 FILLS(INT, smoke.status)},
	{OURS("x-reconcile.smoke.http.body"), parse_string, SHAPE_STRING, NULL, "Text that must occur in its answer.",
	 FILLS(STRING, smoke.body)},
	{OURS("x-reconcile.smoke.within"), parse_milliseconds, SHAPE_DURATION, "30s",
	 "How long after it was first asked the smoke test may take to pass: it is asked until then.", FILLS(INT64, smoke.within_ms)},
	{OURS("x-reconcile.steps"), parse_steps, SHAPE_STEPS, "[5, 25, 50]",
	 "With canary: percent of the requests for the new revision, one step after the other, as numbers or as "
	 "{weight: 25, hold: 10m}. The first may have weight 0, as may the one that blue-green can have: up and ready in the dark, "
	 "where nginx leads nobody to it but the testers of its route, and with `instances` only so many of it."},
	{OURS("x-reconcile.analysis"), parse_analysis, SHAPE_ANALYSIS, "on with canary, with the tool's own bounds, else off",
	 "What sends the new revision back while it has a share of the traffic: max_error_rate and max_latency_p99, absolute (1%, "
	 "500ms) or as a multiple of what the old one has (1.5x), and a query to a Prometheus; with min_requests no step is over "
	 "before the new one had so many, max_hold says how long one lasts at most while it cannot be told (its hold and ten "
	 "minutes), and on_inconclusive (pause, promote or abort) what becomes of it then. off: nothing but its probes."},
	{OURS("x-reconcile.hold"), parse_hold, SHAPE_HOLD, "5s, with canary 1m",
	 "How long the new revision is watched after it has the traffic, or a share of it; manual: until "
	 "`reconcile promote`.", FILLS(INT64, hold_ms)},
	{OURS("x-reconcile.pause_after"), parse_positive, SHAPE_NUMBER, "none",
	 "With rolling: after so many batches it waits for `reconcile promote`.", FILLS(INT, pause_after)},
	{OURS("x-reconcile.keep_old"), parse_milliseconds, SHAPE_DURATION, "10m with blue-green and canary, else 0s",
	 "How long the old revision stays warm after the switch, as an instant way back.", FILLS(INT64, keep_old_ms)},
	{OURS("x-reconcile.rollback_window"), parse_rollback_window, SHAPE_NUMBER, "3",
	 "So many of the revisions that were good before the present one come back without holds, steps, analysis and `promote`, as "
	 "soon as they are ready; 0 to 10.", FILLS(INT, rollback_window)},
	/* Longer than nginx's client_header_timeout (60 s): a client may hold a connection open that long. */
	{OURS("x-reconcile.drain_timeout"), parse_milliseconds, SHAPE_DURATION, "65s",
	 "Bound on waiting for requests in flight before an old instance is stopped.", FILLS(INT64, drain_timeout_ms)},

	/* Other spellings. */
	{OURS("deploy.resources.limits.memory"), parse_memory, SHAPE_SIZE, "no limit", "The same as mem_limit.",
	 .same_as = "mem_limit"},
	{OURS("deploy.resources.limits.cpus"), parse_cpus, SHAPE_CPUS, "no limit", "The same as cpus.", .same_as = "cpus"},
	{OURS("deploy.resources.limits.pids"), parse_pids, SHAPE_NUMBER, "no limit", "The same as pids_limit.",
	 .same_as = "pids_limit"},
	{OURS("deploy.resources.reservations.memory"), parse_memory, SHAPE_SIZE, "none", "The same as mem_reservation.",
	 .same_as = "mem_reservation"},
	{OURS("deploy.resources.reservations.devices"), parse_gpus, SHAPE_GPUS, NULL, "The same as gpus, as Compose has it for all devices.",
	 .same_as = "gpus"},
	{OURS("scale"), parse_replicas, SHAPE_NUMBER, "1", "The same as deploy.replicas.", .same_as = "deploy.replicas"},
};

static const struct field *public_rows[ARRAY_LEN(rows)];

const struct field_row *fields_table(size_t *count, size_t *public_count)
{
	static size_t shown;
	if (!shown)
		for (; shown < ARRAY_LEN(rows) && !rows[shown].same_as; shown++)
			public_rows[shown] = &rows[shown].field;
	*count = ARRAY_LEN(rows);
	*public_count = shown;
	return rows;
}

const struct field *const *fields_rows(size_t *count)
{
	size_t all;
	fields_table(&all, count);
	return public_rows;
}

size_t field_index(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].field.path, path) == 0)
			return i;
	abort();
}
