/* A scripted engine and a docker handle that speaks to it, for the unit tests of docker/. */
#ifndef TESTS_DOCKER_FAKE_H
#define TESTS_DOCKER_FAKE_H

#include "check.h"
#include "docker_act.h"
#include "fake_server.h"

#include "docker/docker.h"

#define VERSION_RULE {.match = "GET /version", .body = "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}"}
#define OURS "\"Config\":{\"Labels\":{\"io.reconcile.instance\":\"me\"}}"

static const struct field fake_table[] = {
	{"command", "Cmd", ENGINE_PLAIN, CHANGE_REPLACE},
	{"environment", "Env", ENGINE_ENV, CHANGE_REPLACE},
	{"expose", "ExposedPorts", ENGINE_KEYS, CHANGE_REPLACE},
	{"labels", "Labels", ENGINE_PLAIN, CHANGE_REPLACE},
	{"stop_grace_period", "StopTimeout", ENGINE_SECONDS, CHANGE_REPLACE},
	{"memory", "HostConfig.Memory", ENGINE_PLAIN, CHANGE_LIVE},
	{"memswap_limit", "HostConfig.MemorySwap", ENGINE_PLAIN, CHANGE_LIVE},
	{"cpus", "HostConfig.NanoCpus", ENGINE_PLAIN, CHANGE_LIVE},
	{"pids_limit", "HostConfig.PidsLimit", ENGINE_PLAIN, CHANGE_LIVE},
	{"restart", "HostConfig.RestartPolicy", ENGINE_RESTART, CHANGE_LIVE},
	{"replicas", NULL, ENGINE_NONE, CHANGE_NONE},
};
enum { F_COMMAND, F_ENVIRONMENT, F_EXPOSE, F_LABELS, F_GRACE, F_MEMORY, F_SWAP, F_CPUS, F_PIDS, F_RESTART, F_REPLICAS, F_COUNT };

static const char *fake_nginx_network;

struct engine {
	struct fake_server server;
	struct http *http;
	struct docker *docker;
	struct arena arena;
	char host[100];
	const struct field *rows[F_COUNT];
};

static inline void engine_start(struct engine *g, const struct fake_rule *rules, size_t count)
{
	struct err e;
	memset(g, 0, sizeof *g);
	fake_start(&g->server, rules, count, true);
	snprintf(g->host, sizeof g->host, "unix://%s", g->server.path);
	for (size_t i = 0; i < F_COUNT; i++)
		g->rows[i] = &fake_table[i];
	struct docker_settings s = {.host = g->host, .instance_id = "me", .rows = g->rows, .rows_count = F_COUNT, .nginx_network = fake_nginx_network,
	                            .ended = act_ended, .context = &acting};
	CHECK_INT(http_open(&g->http, &e), 0);
	CHECK_INT(docker_open(&g->docker, &s, g->http, &e), 0);
}

static inline void engine_stop(struct engine *g)
{
	docker_free(g->docker);
	http_free(g->http);
	arena_done(&g->arena);
	fake_stop(&g->server);
}

#endif
