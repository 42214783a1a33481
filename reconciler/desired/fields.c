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
#define OURS(path) {path, NULL, ENGINE_NONE, CHANGE_NONE}
#define FILLS(type, name) MEMBER_##type, offsetof(struct service, name)

static const struct field_row rows[] = {
	{REPLACE("image", "Image", ENGINE_PLAIN), parse_name_of_image, SHAPE_STRING, NULL,
	 "Image to run, with a tag or a digest.", FILLS(STRING, image)},
	{OURS("pull_policy"), parse_pull_policy, SHAPE_PULL_POLICY, "missing",
	 "When the registry is asked for the image: missing (it is not on this host), always (at every run: a tag that has "
	 "moved is a change), or never."},
	{REPLACE("command", "Cmd", ENGINE_PLAIN), parse_command, SHAPE_COMMAND, "the image's",
	 "Command instead of the image's. A text is split into words; no shell runs it."},
	{REPLACE("environment", "Env", ENGINE_ENV), parse_environment, SHAPE_ENVIRONMENT, NULL,
	 "Environment variables, as a map or as a list of NAME=value. A name without a value is taken from the host."},
	{REPLACE("volumes", "HostConfig.Binds", ENGINE_PLAIN), parse_volumes, SHAPE_VOLUMES, NULL,
	 "Named volumes and host folders: source:target, or source:target:ro."},
	{OURS("depends_on"), parse_depends_on, SHAPE_DEPENDS_ON, NULL,
	 "Services that must be started, healthy or completed before this one starts."},
	{LIVE("restart", "HostConfig.RestartPolicy", ENGINE_RESTART), parse_restart, SHAPE_RESTART, "no",
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
	{LIVE("pids_limit", "HostConfig.PidsLimit", ENGINE_PLAIN), parse_pids, SHAPE_NUMBER, "no limit",
	 "Most processes and threads of one instance."},
	{{"stop_grace_period", "StopTimeout", ENGINE_SECONDS, CHANGE_NONE}, parse_milliseconds, SHAPE_DURATION, "10s",
	 "How long it may take to stop before it is killed.", FILLS(INT64, stop_grace_ms)},
	{OURS("networks"), parse_networks, SHAPE_NETWORKS, "default", "Networks that it joins; only `default` so far."},
	{OURS("x-reconcile.strategy"), parse_strategy, SHAPE_STRATEGY,
	 "blue-green with a route and no writable volume, else in-place",
	 "How a new revision comes in: blue-green (the new ones beside the old, then all traffic at once) or in-place."},
	{OURS("x-reconcile.ready.http.port"), parse_port, SHAPE_PORT, NULL, "Port of the HTTP probe, inside the container.",
	 FILLS(INT, ready.http_port)},
	{OURS("x-reconcile.ready.http.path"), parse_path, SHAPE_STRING, "/", "Path of the HTTP probe.",
	 FILLS(STRING, ready.path)},
	{OURS("x-reconcile.ready.http.status"), parse_status, SHAPE_NUMBER, "any 2xx or 3xx",
	 "Status that the HTTP probe must get.", FILLS(INT, ready.status)},
	{OURS("x-reconcile.ready.http.body"), parse_string, SHAPE_STRING, NULL, "Text that must occur in the answer.",
	 FILLS(STRING, ready.body)},
	{OURS("x-reconcile.ready.tcp.port"), parse_port, SHAPE_PORT, "the routed port, without an HTTP probe",
	 "Port that must take a TCP connection, inside the container.", FILLS(INT, ready.tcp_port)},
	{OURS("x-reconcile.ready.within"), parse_milliseconds, SHAPE_DURATION, "60s",
	 "How long after its start an instance may take to become ready.", FILLS(INT64, ready.within_ms)},
	{OURS("x-reconcile.ready.for"), parse_milliseconds, SHAPE_DURATION, "1s with a probe or a health check, else 10s",
	 "How long it must have been ready without a break before it gets traffic.", FILLS(INT64, ready.for_ms)},
	{OURS("x-reconcile.hold"), parse_milliseconds, SHAPE_DURATION, "5s",
	 "How long the new revision is watched after it has the traffic.", FILLS(INT64, hold_ms)},
	{OURS("x-reconcile.keep_old"), parse_milliseconds, SHAPE_DURATION, "10m with blue-green, 0s with in-place",
	 "How long the old revision stays warm after the switch, as an instant way back.", FILLS(INT64, keep_old_ms)},
	/* Longer than nginx's client_header_timeout (60 s): a client may hold a connection open that long. */
	{OURS("x-reconcile.drain_timeout"), parse_milliseconds, SHAPE_DURATION, "65s",
	 "Bound on waiting for requests in flight before an old instance is stopped.", FILLS(INT64, drain_timeout_ms)},

	/* Other spellings. */
	{OURS("deploy.resources.limits.memory"), parse_memory, SHAPE_SIZE, "no limit", "The same as mem_limit.",
	 .same_as = "mem_limit"},
	{OURS("deploy.resources.limits.cpus"), parse_cpus, SHAPE_CPUS, "no limit", "The same as cpus.", .same_as = "cpus"},
	{OURS("deploy.resources.limits.pids"), parse_pids, SHAPE_NUMBER, "no limit", "The same as pids_limit.",
	 .same_as = "pids_limit"},
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
