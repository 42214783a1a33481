/*
 * Drives the nginx room from a script. Settings come from the environment (NGX_CONFIG, NGX_PID, NGX_DIR, NGX_LISTEN,
 * NGX_STATUS, NGX_ANNOUNCE); a topology is read from stdin in the words of the generated file's comment lines.
 *   nginx-driver prepare | publish | weight PROJECT SERVICE ROLLOUT N | unannounce | observe
 * An error goes to stderr as "kind: message", and the exit code is the kind's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nginx/internal.h"

static const char *setting(const char *name, const char *fallback)
{
	const char *value = getenv(name);
	return value ? value : fallback;
}

static int read_topology(struct arena *a, struct topology *t)
{
	char text[65536];
	size_t n = fread(text, 1, sizeof text - 1, stdin);
	text[n] = 0;
	config_read(text, a, t);
	return 0;
}

static int observe(const struct nginx_settings *s, struct http *http, struct arena *a, struct err *e)
{
	struct nginx n;
	if (nginx_observe(s, http, a, &n, e) < 0)
		return -1;
	printf("up=%d current=%d draining=%d announcing=%d installed=%d problem=%s\ndrift=%s\n", n.is_up, n.is_current,
	       n.draining_workers, n.is_announcing, n.installed_ms > 0, n.problem, n.drift ? n.drift : "-");
	for (size_t i = 0; i < n.topology.services_count; i++) {
		const struct traffic *t = &n.topology.services[i];
		printf("%s/%s rollout=%s weight=%d since=%lld stable=%s next=%s\n", t->project, t->service, t->rollout, t->weight,
		       (long long)t->weight_since_ms, t->stable.revision, t->next.revision);
	}
	return 0;
}

static int run(int argc, char **argv, const struct nginx_settings *s, struct http *http, struct arena *a, struct err *e)
{
	const char *command = argc > 1 ? argv[1] : "";
	struct topology topology = {0};
	struct action action = {.topology = &topology};
	if (strcmp(command, "prepare") == 0)
		return nginx_prepare(s, e);
	if (strcmp(command, "observe") == 0)
		return observe(s, http, a, e);
	if (strcmp(command, "publish") == 0) {
		action.kind = ACTION_PUBLISH;
		read_topology(a, &topology);
	} else if (strcmp(command, "unannounce") == 0) {
		action.kind = ACTION_UNANNOUNCE;
	} else if (strcmp(command, "weight") == 0 && argc == 6) {
		action.kind = ACTION_WEIGHT;
		action.project = argv[2];
		action.service = argv[3];
		action.rollout = argv[4];
		action.to_testers = strcmp(argv[5], "testers") == 0;
		action.weight = (int)strtol(argv[5], NULL, 10);
	} else {
		return err_set(e, ERR_USAGE, "what?");
	}
	return nginx_act(s, http, &action, e);
}

int main(int argc, char **argv)
{
	struct nginx_settings s = {
		.binary = "nginx",
		.config = setting("NGX_CONFIG", ""),
		.pid_file = setting("NGX_PID", ""),
		.directory = setting("NGX_DIR", ""),
		.listen = setting("NGX_LISTEN", ""),
		.status_port = (int)strtol(setting("NGX_STATUS", "0"), NULL, 10),
		.announce_ms = strtol(setting("NGX_ANNOUNCE", "400"), NULL, 10),
		.confirm_ms = 10000,
	};
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(http_freep) struct http *http = NULL;
	struct err e;
	s.version = nginx_version(&s);
	if (http_open(&http, &e) == 0 && run(argc, argv, &s, http, &a, &e) == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", err_info(e.kind)->name, e.message);
	return err_info(e.kind)->exit_code;
}
