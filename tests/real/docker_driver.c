/*
 * Drives the docker room from a shell test: one action or observation for each run.
 *
 *   docker-driver HOST INSTANCE observe
 *   docker-driver HOST INSTANCE network NAME [SUBNET GATEWAY]        (project: shop)
 *   docker-driver HOST INSTANCE volume NAME
 *   docker-driver HOST INSTANCE pull IMAGE
 *   docker-driver HOST INSTANCE create NUMBER IMAGE REVISION ADDRESS|- FIELD=VALUE...
 *   docker-driver HOST INSTANCE start|park|stop|remove NAME
 *   docker-driver HOST INSTANCE touch ID start|park|stop|remove|update   (as if it had been observed)
 *   docker-driver HOST INSTANCE update NAME FIELD=VALUE...
 *   docker-driver HOST INSTANCE logs NAME
 *   docker-driver HOST INSTANCE probe ADDRESS PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docker_act.h"
#include "net/probe.h"

static const struct field table[] = {
	{"command", "Cmd", ENGINE_PLAIN, CHANGE_REPLACE},
	{"environment", "Env", ENGINE_ENV, CHANGE_REPLACE},
	{"volumes", "HostConfig.Binds", ENGINE_PLAIN, CHANGE_REPLACE},
	{"stop_grace_period", "StopTimeout", ENGINE_SECONDS, CHANGE_REPLACE},
	{"memory", "HostConfig.Memory", ENGINE_PLAIN, CHANGE_LIVE},
	{"memswap_limit", "HostConfig.MemorySwap", ENGINE_PLAIN, CHANGE_LIVE},
	{"cpus", "HostConfig.NanoCpus", ENGINE_PLAIN, CHANGE_LIVE},
	{"pids_limit", "HostConfig.PidsLimit", ENGINE_PLAIN, CHANGE_LIVE},
	{"restart", "HostConfig.RestartPolicy", ENGINE_RESTART, CHANGE_LIVE},
	{"swappiness", "HostConfig.MemorySwappiness", ENGINE_PLAIN, CHANGE_LIVE},
};
#define ROWS (sizeof table / sizeof table[0])

static struct arena arena;
static struct docker *docker;
static struct http *http;
static struct world world;
static const struct field *rows[ROWS];

static int fail(const struct err *e)
{
	printf("%s: %s\n", err_info(e->kind)->name, e->message);
	return 1;
}

static int run(struct action *a)
{
	const struct action *one = a;
	struct outcome outcome;
	act_all(docker, &one, &outcome, 1);
	if (outcome.result < 0)
		return fail(&outcome.err);
	printf("done\n");
	return 0;
}

/* "memory=64" -> the row and its value: numbers for number fields, one-element lists for the lists. */
static size_t parse(const char *text, struct value *v)
{
	const char *sign = strchr(text, '=');
	for (size_t i = 0; sign && i < ROWS; i++) {
		if (strncmp(table[i].path, text, (size_t)(sign - text)) != 0 || table[i].path[sign - text])
			continue;
		char *end;
		long long n = strtoll(sign + 1, &end, 10);
		if (i < 3 && table[i].form == ENGINE_PLAIN)
			value_push(&arena, v, value_string(sign + 1));
		else if (table[i].form == ENGINE_ENV)
			value_set(&arena, v, "VERSION", value_string(sign + 1));
		else
			*v = *end ? value_string(sign + 1) : value_int(n);
		return i;
	}
	fprintf(stderr, "bad field: %s\n", text);
	exit(2);
}

static int observe(void)
{
	struct err e;
	if (docker_observe(docker, &arena, &world, &e) < 0)
		return fail(&e);
	static const char *const states[] = {"created", "running", "restarting", "paused", "exited", "dead"};
	for (size_t i = 0; i < world.instances_count; i++) {
		const struct instance *in = &world.instances[i];
		struct buf live = BUF_INIT(4096);
		for (size_t k = 0; k < ROWS; k++)
			if (in->live && in->live[k].kind != VALUE_UNSET) {
				buf_printf(&live, " %s=", table[k].path);
				value_print(&live, &in->live[k], false);
			}
		printf("instance %s %s/%s/%d %s %s at=%s restart_off=%d started=%d pid=%d connections=%d exit=%d error=%d%s\n",
		       in->name, in->project, in->service, in->number, in->revision, states[in->state], in->address,
		       in->is_restart_off, in->started_ms > 1600000000000, in->pid > 0, docker_connections(in, NULL, 0), in->exit_code,
		       in->error[0] != 0, live.text);
		buf_done(&live);
	}
	for (size_t i = 0; i < world.networks_count; i++)
		printf("network %s subnet=%s project=%s\n", world.networks[i].name, world.networks[i].subnet, world.networks[i].project);
	for (size_t i = 0; i < world.volumes_count; i++)
		printf("volume %s\n", world.volumes[i]);
	for (size_t i = 0; i < world.images_count; i++)
		printf("image %s\n", world.images[i].name);
	return 0;
}

static struct instance *find(const char *name)
{
	struct err e;
	if (docker_observe(docker, &arena, &world, &e) < 0)
		exit(fail(&e));
	for (size_t i = 0; i < world.instances_count; i++)
		if (strcmp(world.instances[i].name, name) == 0)
			return &world.instances[i];
	printf("no such instance: %s\n", name);
	exit(2);
}

static struct service service = {.project = "shop", .name = "web", .stop_grace_ms = 2000};

static int create(int argc, char **argv)
{
	struct value *values = arena_alloc(&arena, ROWS * sizeof *values);
	for (int i = 4; i < argc; i++) {
		struct value v = {0};
		size_t row = parse(argv[i], &v);
		values[row] = v;
	}
	service.image = argv[1];
	snprintf(service.revision, sizeof service.revision, "%s", argv[2]);
	service.spec = (struct spec){.rows = rows, .values = values, .count = ROWS};
	return run(&(struct action){
		.kind = ACTION_CREATE, .project = "shop", .service = "web", .spec = &service, .network = "shop_reconcile",
		.number = (int)strtol(argv[0], NULL, 10), .name = arena_printf(&arena, "shop-web-%s", argv[0]),
		.address = strcmp(argv[3], "-") == 0 ? NULL : argv[3],
	});
}

static int update(struct instance *in, int argc, char **argv)
{
	struct change changes[ROWS];
	size_t count = 0;
	for (int i = 0; i < argc; i++) {
		struct value v = {0};
		size_t row = parse(argv[i], &v);
		changes[count++] = (struct change){.field = &table[row], .to = v};
	}
	return run(&(struct action){.kind = ACTION_UPDATE, .project = "shop", .instance = in, .changes = changes,
	                            .changes_count = count});
}

static int on_instance(const char *verb, struct instance *in)
{
	static const struct { const char *word; enum action_kind kind; } verbs[] = {
		{"start", ACTION_START}, {"park", ACTION_PARK}, {"stop", ACTION_STOP}, {"remove", ACTION_REMOVE},
	};
	static char memory[] = "memory=67108864";
	char *change[] = {memory};
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].word, verb) == 0)
			return run(&(struct action){.kind = verbs[i].kind, .project = "shop", .instance = in, .spec = &service});
	return update(in, 1, change);
}

static int logs(const char *name)
{
	struct err e;
	CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
	if (docker_logs(docker, find(name), 10, &text, NULL, &e) < 0)
		return fail(&e);
	fputs(text.text, stdout);
	return 0;
}

static int probe(const char *address, const char *port)
{
	struct ready ready = {.http_port = (int)strtol(port, NULL, 10), .path = "/", .status = 200, .body = "hello"};
	struct probe p = {.ready = &ready, .address = address};
	probe_run(http, &arena, &p, 1);
	printf("%s\n", p.said);
	return !p.passed;
}

static int command(int argc, char **argv)
{
	const char *verb = argv[0];
	if (strcmp(verb, "observe") == 0)
		return observe();
	if (strcmp(verb, "network") == 0)
		return run(&(struct action){.kind = ACTION_NETWORK, .project = "shop", .network = argv[1],
		                            .subnet = argc > 3 ? argv[2] : NULL, .gateway = argc > 3 ? argv[3] : NULL});
	if (strcmp(verb, "volume") == 0)
		return run(&(struct action){.kind = ACTION_VOLUME, .project = "shop", .volume = argv[1]});
	if (strcmp(verb, "pull") == 0) {
		service.image = argv[1];
		return run(&(struct action){.kind = ACTION_PULL, .project = "shop", .spec = &service});
	}
	if (strcmp(verb, "create") == 0)
		return create(argc - 1, argv + 1);
	if (strcmp(verb, "logs") == 0)
		return logs(argv[1]);
	if (strcmp(verb, "probe") == 0)
		return probe(argv[1], argv[2]);
	if (strcmp(verb, "update") == 0)
		return update(find(argv[1]), argc - 2, argv + 2);
	if (strcmp(verb, "touch") == 0)
		return on_instance(argv[2], &(struct instance){.id = argv[1], .name = argv[1]});
	return on_instance(verb, find(argv[1]));
}

int main(int argc, char **argv)
{
	struct err e;
	for (size_t i = 0; i < ROWS; i++)
		rows[i] = &table[i];
	if (argc < 4)
		return 2;
	struct docker_settings settings = {.host = argv[1], .instance_id = argv[2], .rows = rows, .rows_count = ROWS,
	                                   .ended = act_ended, .context = &acting};
	if (http_open(&http, &e) < 0 || docker_open(&docker, &settings, http, &e) < 0)
		return fail(&e);
	int result = command(argc - 3, argv + 3);
	docker_free(docker);
	http_free(http);
	arena_done(&arena);
	return result;
}
