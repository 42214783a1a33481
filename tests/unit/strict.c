/*
 * Mistakes as people make them, one in each manifest, given to the program itself: one line that says where and what, exit
 * 65, and not a word to Docker. The table begins with the kind of mistake, so that no two rows are of the same.
 */
#include "check.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/process.h"

#define WEB "services:\n  web:\n    image: a\n"

static const struct { const char *kind, *text, *said; } rows[] = {
	{"no YAML", WEB "    command: [a\n", ":5:1: not valid YAML: did not find expected ',' or ']', while parsing a flow sequence that began on line 4"},
	{"a tab", "services:\n\tweb: {}\n", ":2:1: not valid YAML: a tab; indent with blanks"},
	{"a key twice", WEB "    image: b\n", ":4:5: the key 'image' is here a second time; the first is on line 3"},
	{"an unknown alias", WEB "    environment: *env\n", ":4:18: the alias '*env' has no anchor '&env' above it"},
	{"a foreign tag", WEB "    user: !mine x\n", ":4:11: the tag '!mine' is not supported; remove it"},
	{"two documents", "--- {services: {}}\n--- {}\n", ":2:1: a second document; one file holds one document, remove the '---'"},
	{"a list at the top", "- services\n", ":1:1: a manifest is a map that has services, not a list"},
	{"nothing", "\n", ": empty compose file"},
	{"no services", "name: shop\n", ":1:1: there are no services; nothing is changed, and nothing that runs is removed"},
	{"a misspelt top key", "servces:\n  web: {image: a}\n", ":1:1: unknown key 'servces'; did you mean 'services'?"},
	{"a service that is text", "services:\n  web: nginx\n", ":2:8: services.web: must be a map, not one value"},
	{"a service without a name", "services:\n  \"a b\": {image: a}\n", ":2:3: services: 'a b' is no service name; use letters, digits, '.', '_' and '-'"},
	{"a misspelt key", "services:\n  web:\n    imagge: a\n", ":3:5: services.web: unknown key 'imagge'; did you mean 'image'?"},
	{"no image", "services:\n  web:\n    restart: always\n", ":2:3: services.web: has no image; write one, like image: nginx:1.27, or a folder to build it from, like build: ."},
	{"a misspelt nested key", WEB "    healthcheck: {intervall: 5s}\n", ":4:19: services.web.healthcheck: unknown key 'intervall'; did you mean 'interval'?"},
	{"a misspelt key of ours", WEB "    x-reconcile: {strateegy: in-place}\n", ":4:19: services.web.x-reconcile: unknown key 'strateegy'; did you mean 'strategy'?"},
	{"x-reconcile in the wrong place", WEB "    deploy: {x-reconcile: {hold: 1s}}\n", ":4:14: services.web.deploy: x-reconcile does not belong here, but directly in the service"},
	{"networks below services", "services:\n  web: {image: a}\n  networks: {front: {}}\n", ":3:14: services.networks: unknown key 'front'; remove it, or write x- in front to keep it as a note"},
	{"a number for text", WEB "    user: 1000\n", ":4:11: services.web.user: '1000' is not text; put it in quotes"},
	{"a boolean for text", WEB "    restart: false\n", ":4:14: services.web.restart: 'false' is not text; put it in quotes"},
	{"a word for a boolean", WEB "    privileged: maybe\n", ":4:17: services.web.privileged: 'maybe' is neither true nor false"},
	{"a letter in a size", WEB "    mem_limit: 5OOm\n", ":4:16: services.web.mem_limit: '5OOm' is no size; write a number with b, k, m or g, like 512m"},
	{"a duration without a unit", WEB "    stop_grace_period: 30\n",
	 ":4:24: services.web.stop_grace_period: '30' is no duration; write a number with ms, s, m or h, like 30s or 1m30s"},
	{"half an instance", WEB "    deploy: {replicas: 1.5}\n", ":4:24: services.web.deploy.replicas: '1.5' is no number from 0 to 1000"},
	{"a port that is none", WEB "    ports: [\"http:80\"]\n",
	 ":4:13: services.web.ports: 'http:80' is no port; write one like 8080:80, 127.0.0.1:8080:80/tcp or 3000-3002:4000-4002"},
	{"one host port for two", WEB "    ports: [\"80:80\"]\n    scale: 2\n",
	 ":4:12: services.web.ports: several instances cannot share a fixed host port; let nginx lead to them, or write a range like 8080-8083:80"},
	{"one name for two", WEB "    container_name: box\n    scale: 2\n", ":4:21: services.web.container_name: several instances cannot share one name; remove it, or one instance must do"},
	{"a name twice", WEB "    container_name: box\n  api: {image: a, container_name: box}\n", ":5:35: services.api.container_name: web on line 4 has the same name; give each its own"},
	{"two spellings", WEB "    mem_limit: 64m\n    deploy: {resources: {limits: {memory: 65m}}}\n",
	 ":5:43: services.web.deploy.resources.limits.memory: differs from mem_limit on line 4, which means the same; write one of them"},
	{"a volume nobody declared", WEB "    volumes: [data:/d]\n", ":4:15: services.web.volumes: the volume 'data' is not declared; add it to volumes at the top level, as 'data: {}'"},
	{"a misspelt volume", WEB "    volumes: [dta:/d]\nvolumes: {data: }\n", ":4:15: services.web.volumes: the volume 'dta' is not declared; did you mean 'data'?"},
	{"an option of a mount", WEB "    volumes: [\"/x:/d:r0\"]\n", ":4:15: services.web.volumes: '/x:/d:r0' ends with an unknown option; write ro, rw, z or Z"},
	{"a relative target", WEB "    volumes: [\"/x:d\"]\n", ":4:15: services.web.volumes: '/x:d': the target must be a whole path inside the container, like data:/var/lib/data"},
	{"a misspelt network", WEB "    networks: [fornt]\nnetworks: {front: }\n", ":4:16: services.web.networks: the network 'fornt' is not declared; did you mean 'front'?"},
	{"an address without a subnet", WEB "    networks: {front: {ipv4_address: 10.0.0.5}}\nnetworks: {front: }\n",
	 ":4:16: services.web.networks.front: a fixed address needs a subnet: write ipam: {config: [{subnet: 172.28.0.0/24}]} in networks at the top level"},
	{"network_mode and networks", WEB "    network_mode: host\n    networks: [default]\n",
	 ":4:19: services.web.network_mode: stands beside networks, and the two do not go together; remove one of them"},
	{"the network of nobody", WEB "    network_mode: \"service:vpn\"\n", ":4:19: services.web.network_mode: there is no service 'vpn'"},
	{"waits for nobody", WEB "    depends_on: [db]\n", ":4:18: services.web.depends_on: there is no service 'db'"},
	{"waits for itself", WEB "    depends_on: [web]\n", ":4:18: services.web.depends_on: web waits for itself; remove it"},
	{"a circle", "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: a, depends_on: [a]}\n", ":2:30: services.a.depends_on: a circle: a -> b -> a; remove one of these"},
	{"a condition", WEB "    depends_on: {db: {condition: healthy}}\n  db: {image: b}\n",
	 ":4:34: services.web.depends_on.db: 'healthy' is no condition; write service_started, service_healthy or service_completed_successfully"},
	{"a link to nobody", WEB "    links: [\"db:database\"]\n", ":4:13: services.web.links: 'db:database': there is no such service"},
	{"a link with a service's name", WEB "    links: [\"db:api\"]\n  db: {image: b}\n  api: {image: c}\n",
	 ":4:13: services.web.links: 'db:api': there is a service of that name, and both would answer to it; choose another name"},
	{"a list of blanks", WEB "    command: sh -c \"a\n", ":4:14: services.web.command: what \" opens is never closed"},
	{"a health check without CMD", WEB "    healthcheck: {test: [curl, x]}\n", ":4:26: services.web.healthcheck.test: the list must begin with CMD, CMD-SHELL or NONE, not 'curl'"},
	{"environment as text", WEB "    environment: A=b\n", ":4:18: services.web.environment: must be a map (NAME: value) or a list (- NAME=value)"},
	{"a blank in a variable", WEB "    environment: [\"A =b\"]\n", ":4:19: services.web.environment: the variable's name 'A ' has a blank or '=' in it"},
	{"half a variable", WEB "    user: \"${USER\"\n", ":4:11: services.web.user: invalid interpolation format '${USER'; write ${NAME}, ${NAME:-default} or ${NAME:?message}, and $$ for a $"},
	{"a variable that must be there", WEB "    user: \"${NOBODY_SETS_THIS:?say who}\"\n", ":4:11: services.web.user: the variable NOBODY_SETS_THIS has no value: say who"},
	{"an env_file that is not there", WEB "    env_file: nowhere.env\n",
	 ":4:15: services.web.env_file: 'nowhere.env': there is no such file FOLDER/nowhere.env; make it, or write {path: ..., required: false}"},
	{"a folder to build that is not there", "services:\n  web:\n    build: nowhere\n", ":3:12: services.web.build: there is no folder nowhere; the context is relative to the manifest"},
	{"no Dockerfile", "services:\n  web:\n    build: {context: ., dockerfile: Dockerfle}\n", ":3:37: services.web.build: there is no Dockerfle in .; add it, or name another one under dockerfile"},
	{"a key of BuildKit", "services:\n  web:\n    build: {context: ., ssh: [default]}\n", ":3:25: services.web.build: 'ssh' is not supported yet; remove it"},
	{"a secret nobody declared", WEB "    secrets: [tokn]\nsecrets: {token: {environment: PATH}}\n", ":4:15: services.web.secrets: 'tokn' is not declared; did you mean 'token'?"},
	{"a secret without content", WEB "secrets: {token: {}}\n", ":4:11: secrets.token: has no content; write file or environment"},
	{"a secret with two", WEB "secrets: {token: {file: a, environment: b}}\n", ":4:41: secrets.token: 'environment' stands beside 'file'; remove one of them"},
	{"a secret's file", WEB "secrets: {token: {file: ./token}}\n", ":4:25: secrets.token.file: './token': there is no such file FOLDER/token; make it"},
	{"a secret of a swarm", WEB "secrets: {token: {external: true}}\n", ":4:29: secrets.token.external: an external one is a swarm's, and there is none; write file or environment"},
	{"a config's mode", WEB "    configs: [{source: site, mode: rw}]\nconfigs: {site: {content: x}}\n", ":4:36: services.web.configs.mode: 'rw' is no file mode; write one like 0755"},
	{"extends nobody", WEB "    extends: base\n", ":4:14: services.web.extends: there is no service 'base' in FILE"},
	{"extends a file that is not there", WEB "    extends: {file: base.yaml, service: a}\n", ":4:21: services.web.extends: there is no file 'base.yaml'; it is looked for beside the manifest"},
	{"extends in a circle", "services:\n  a: {extends: b}\n  b: {extends: a}\n", ":3:16: services.b.extends: a circle: a -> b -> a; remove one of these"},
	{"a file without services", WEB "    extends: {file: OTHER, service: a}\n", ":4:21: services.web.extends: 'OTHER' has no services"},
	{"what is external and made", WEB "volumes: {data: {external: true, driver: local}}\n",
	 ":4:34: volumes.data: 'driver' says how to make it, but external says that it is there already; remove one of them"},
	{"gpus", WEB "    gpus: [{count: some}]\n", ":4:20: services.web.gpus.count: 'some' is no number from 0 to 1000"},
	{"a capability", WEB "    cap_add: [\"NET ADMIN\"]\n", ":4:15: services.web.cap_add: 'NET ADMIN' is no capability; write one like NET_ADMIN"},
	{"a seccomp profile", WEB "    security_opt: [\"seccomp:./s.json\"]\n",
	 ":4:20: services.web.security_opt: 'seccomp:./s.json': there is no such file; make it, or write seccomp:unconfined"},
	{"a limit upside down", WEB "    ulimits: {nofile: {soft: 5, hard: 4}}\n", ":4:23: services.web.ulimits.nofile: soft is more than hard; write at most as much"},
	{"a strategy", WEB "    x-reconcile: {strategy: green}\n", ":4:29: services.web.x-reconcile.strategy: 'green' is no strategy; write "},
	{"a probe without a port", WEB "    x-reconcile: {ready: {http: {path: /}}}\n", ":4:40: services.web.x-reconcile.ready.http: has no port; write the port inside the container, like port: 8080"},
	{"a route to nobody", WEB "x-reconcile: {routes: [{host: a.example, to: \"api:80\"}]}\n", ":4:46: x-reconcile.routes: 'api:80' leads to no service of this file"},
	{"a later key", "include: [other.yaml]\n" WEB, ":1:1: 'include' is not supported yet; remove it"},
};

static char folder[] = "/tmp/rec-strict-XXXXXX";
static const char *binary;

/* FOLDER, FILE and OTHER stand for what is only known now. */
static const char *filled(struct arena *a, const char *text, const char *file, const char *other)
{
	const struct { const char *word, *value; } words[] = {{"FOLDER", folder}, {"FILE", file}, {"OTHER", other}};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (const char *at; (at = strstr(text, words[i].word));)
			text = arena_printf(a, "%.*s%s%s", (int)(at - text), text, words[i].value, at + strlen(words[i].word));
	return text;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	return fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 100) == 0 ? fd : -1;
}

static void try_row(size_t i, int docker)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf said = BUF_INIT(65536), wanted = BUF_INIT(8192);
	struct err e;
	int status = -1;
	const char *file = arena_printf(&a, "%s/compose.yaml", folder);
	CHECK_INT(fs_write(arena_printf(&a, "%s/nothing.yaml", folder), "x: y\n", 5, 0644, &e), 0);
	const char *text = filled(&a, rows[i].text, file, "nothing.yaml"), *line = filled(&a, rows[i].said, file, "nothing.yaml");
	CHECK_INT(fs_write(file, text, strlen(text), 0644, &e), 0);
	const char *const argv[] = {binary, "--path", file, "--state-dir", arena_printf(&a, "%s/state", folder), "--run-dir", arena_printf(&a, "%s/run", folder),
	                            "--docker-host", arena_printf(&a, "unix://%s/docker.sock", folder), NULL};
	CHECK_INT(process_run(&(struct process){.argv = argv, .timeout_ms = 60000}, &said, &status, &e), 0);
	buf_printf(&wanted, "%s%s", file, line);
	if (strncmp(said.text, wanted.text, wanted.length) != 0 || status != 65)
		fprintf(stderr, "%s: exit %d\n  %s  wanted %s\n", rows[i].kind, status, said.text, wanted.text);
	CHECK(strncmp(said.text, wanted.text, wanted.length) == 0);
	CHECK_INT(status, 65);
	/* One line for the mistake, and the one that the run ends with. */
	size_t lines = 0;
	for (const char *c = said.text; *c; c++)
		lines += *c == '\n';
	if (lines > 2)
		fprintf(stderr, "%s: %s", rows[i].kind, said.text);
	CHECK(lines <= 2);
	int fd = accept(docker, NULL, NULL);
	CHECK_INT(fd, -1);
	fd_close(&fd);
}

static void each_mistake_is_one_error(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	int docker = listen_at(arena_printf(&a, "%s/docker.sock", folder));
	CHECK(docker >= 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(rows[i].kind, rows[k].kind) != 0);
		try_row(i, docker);
	}
	CHECK(ARRAY_LEN(rows) >= 60);
	/* The socket is one that would have been talked to. */
	struct err e;
	int status;
	CLEANUP(buf_done) struct buf said = BUF_INIT(65536);
	const char *file = arena_printf(&a, "%s/compose.yaml", folder);
	CHECK_INT(fs_write(file, WEB, strlen(WEB), 0644, &e), 0);
	const char *const argv[] = {binary, "--plan", "--path", file, "--state-dir", arena_printf(&a, "%s/state", folder), "--docker-host",
	                            arena_printf(&a, "unix://%s/docker.sock", folder), NULL};
	CHECK_INT(process_run(&(struct process){.argv = argv, .timeout_ms = 1000}, &said, &status, &e), -1); /* it waits for an answer */
	int fd = accept(docker, NULL, NULL);
	CHECK(fd >= 0);
	fd_close(&fd);
	fd_close(&docker);
}

static const struct test tests[] = {TEST(each_mistake_is_one_error)};

int main(void)
{
	struct err e;
	binary = getenv("RECONCILE_BINARY");
	unsetenv("RECONCILE_REPO");
	if (!binary || !mkdtemp(folder))
		return 1;
	int failed = check_main(tests, ARRAY_LEN(tests), NULL);
	return fs_remove_tree(folder, &e) < 0 || failed;
}
