/* Settings: which source wins, and what a wrong one is told. */
#include "check.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/sha256.h"
#include "desired/settings.h"

static char path[] = "/tmp/desired-settings-XXXXXX";

static void clear_environment(void)
{
	size_t count;
	const struct setting *rows = settings_rows(&count);
	for (size_t i = 0; i < count; i++)
		unsetenv(rows[i].variable);
}

static const struct setting *row_of(const char *key)
{
	size_t count;
	const struct setting *rows = settings_rows(&count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static int load_file(const char *text, const struct setting_flag *flags, size_t count, struct arena *a, struct settings *out,
                     struct err *e)
{
	FILE *f = fopen(path, "w");
	CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
	return settings_load(path, flags, count, a, out, e);
}

static void defaults(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct settings s;
	struct err e = {0};
	char hex[SHA256_HEX_SIZE];
	clear_environment();
	CHECK_INT(load_file("", NULL, 0, &a, &s, &e), 0);
	CHECK(!s.repo && !s.branch && !s.rev && !s.git_user && !s.git_token_file && !s.git_ca_file && !s.git_key_file);
	CHECK_STR(s.git_known_hosts, "/etc/reconcile/known_hosts");
	CHECK_STR(s.git_force_push, "follow");
	CHECK(s.path == NULL);
	CHECK(s.env_file == NULL);
	CHECK_STR(s.state_dir, "/var/lib/reconcile");
	CHECK_STR(s.run_dir, "/run/reconcile");
	CHECK_INT(s.interval_ms, 60000);
	CHECK_INT(s.lock_timeout_ms, 0);
	CHECK_STR(s.docker_host, "unix:///var/run/docker.sock");
	CHECK_STR(s.docker_config, "/root/.docker");
	CHECK_INT(s.min_free, 512 << 20);
	CHECK_STR(s.nginx_binary, "/usr/sbin/nginx");
	CHECK_STR(s.nginx_config, "/etc/nginx/nginx.conf");
	CHECK_STR(s.nginx_pid, "/run/nginx.pid");
	CHECK_STR(s.nginx_listen, "80");
	CHECK_INT(s.nginx_status_port, 9180);
	CHECK_STR(s.subnet, "10.231.0.0/16");
	sha256_hex("/var/lib/reconcile", strlen("/var/lib/reconcile"), hex);
	hex[12] = 0;
	CHECK_STR(s.instance, hex);
}

static void flag_beats_environment_beats_file(void)
{
	static const char text[] = "repo: file:///from/file\nbranch: main\nnginx: {listen: 127.0.0.1:8080, status_port: 9999}\n"
	                           "docker: {host: unix:///file.sock}\nstate_dir: /srv/state/\n";
	CLEANUP(arena_done) struct arena a = {0};
	struct settings s;
	struct err e = {0};
	clear_environment();
	CHECK_INT(load_file(text, NULL, 0, &a, &s, &e), 0);
	CHECK_STR(s.repo, "file:///from/file");
	CHECK_STR(s.branch, "main");
	CHECK_STR(s.nginx_listen, "127.0.0.1:8080");
	CHECK_INT(s.nginx_status_port, 9999);
	CHECK_STR(s.docker_host, "unix:///file.sock");
	CHECK_STR(s.state_dir, "/srv/state");
	setenv("RECONCILE_REPO", "file:///from/environment", 1);
	setenv("DOCKER_HOST", "unix:///environment.sock", 1);
	setenv("RECONCILE_BRANCH", "", 1); /* empty: not set */
	CHECK_INT(load_file(text, NULL, 0, &a, &s, &e), 0);
	CHECK_STR(s.repo, "file:///from/environment");
	CHECK_STR(s.docker_host, "unix:///environment.sock");
	CHECK_STR(s.branch, "main");
	struct setting_flag flags[] = {{row_of("repo"), "file:///from/flag"}, {row_of("state_dir"), "relative/"}};
	CHECK_INT(load_file(text, flags, 2, &a, &s, &e), 0);
	CHECK_STR(s.repo, "file:///from/flag");
	CHECK(s.state_dir[0] == '/');
	CHECK_CONTAINS(s.state_dir, "/relative");
	clear_environment();
}

/* Every row is read from a file and from its variable into its own member. */
static void every_row_reaches_its_member(void)
{
	size_t count;
	const struct setting *rows = settings_rows(&count);
	for (size_t i = 0; i < count; i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct settings s;
		struct err e = {0};
		bool is_number = rows[i].type == SETTING_INT || rows[i].type == SETTING_SIZE || rows[i].type == SETTING_DURATION;
		const char *value = rows[i].type == SETTING_DURATION ? "1234ms" : is_number ? "1234"
		                    : rows[i].type == SETTING_PATH ? "/a/b"
		                    : strcmp(rows[i].key, "docker.host") == 0 ? "tcp://a:1"
		                    : strcmp(rows[i].key, "subnet") == 0 ? "10.9.0.0/16"
		                    : strcmp(rows[i].key, "git.force_push") == 0 ? "refuse" : strcmp(rows[i].key, "nginx.loopback_ports") == 0 ? "20000-20009" : "8081";
		clear_environment();
		setenv("RECONCILE_NGINX_CONTAINER", "edge", 1); /* which nginx.network needs */
		setenv(rows[i].variable, value, 1);
		CHECK_INT(load_file("", NULL, 0, &a, &s, &e), 0);
		const char *member = (const char *)&s + rows[i].offset;
		if (is_number)
			CHECK_INT(*(const int64_t *)(const void *)member, 1234);
		else
			CHECK_STR(*(const char *const *)(const void *)member, value);
		CHECK(rows[i].doc && *rows[i].doc);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(rows[i].key, rows[j].key) != 0 && strcmp(rows[i].variable, rows[j].variable) != 0 &&
			      rows[i].offset != rows[j].offset);
	}
	clear_environment();
}

static void wrong_ones_are_told(void)
{
	static const struct {
		const char *text, *error; /* behind the path */
	} rows[] = {
		{"repoo: x\n", ":1:1: unknown setting 'repoo'; did you mean 'repo'?"},
		{"nginx: {lisen: 80}\n", ":1:9: unknown setting 'nginx.lisen'; did you mean 'listen'?"},
		{"zzzzzzzz: 1\n", ":1:1: unknown setting 'zzzzzzzz'; remove it"},
		{"nginx: 5\n", ":1:8: nginx: must be a map"},
		{"repo:\n", ":1:6: repo: needs one value; write it, or remove the key"},
		{"repo: [a]\n", ":1:7: repo: needs one value; write it, or remove the key"},
		{"nginx:\n  status_port: 70000\n", ":2:16: nginx.status_port: '70000' is no port; write a number from 1 to 65535"},
		{"state_dir: var\n", ":1:12: state_dir: 'var' must begin with '/'"},
		{"subnet: 10.0.0.1/16\n", ":1:9: subnet: '10.0.0.1/16' is not a network of at least 256 addresses, like 10.231.0.0/16"},
		{"subnet: 10.0.0.0/25\n", ":1:9: subnet: '10.0.0.0/25' is not a network of at least 256 addresses, like 10.231.0.0/16"},
		{"nginx: {listen: \"80; x\"}\n", ":1:17: nginx.listen: '80; x' is not a port or address:port, like 80 or 127.0.0.1:8080"},
		{"instance: A B\n", ":1:11: instance: 'A B' is not a short name of small letters, digits, '.', '_' and '-'"},
		{"min_free: lots\n", ":1:11: min_free: 'lots' is no size; write a number with b, k, m or g, like 512m"},
		{"nginx: {container: a, network: bridge}\n",
		 ":1:32: nginx.network: 'bridge' is not the name of a Docker network of your own, like edge"},
		{"nginx: {container: a, network: ../x}\n",
		 ":1:32: nginx.network: '../x' is not the name of a Docker network of your own, like edge"},
		{"nginx: {network: edge}\n",
		 ":1:18: nginx.network: 'edge' is the network of the container that nginx is in; set nginx.container, too, or remove it"},
		{"nginx: {container: a, network: edge, loopback_ports: 20000-20009}\n",
		 ":1:32: nginx.network: 'edge' and nginx.loopback_ports are two ways to the instances, and 127.0.0.1 of a container is not the "
		 "host's; remove one of them"},
		{"interval: 60\n", ":1:11: interval: '60' is not a duration of at least 1s, like 60s or 5m"},
		{"interval: 500ms\n", ":1:11: interval: '500ms' is not a duration of at least 1s, like 60s or 5m"},
		{"lock_timeout: soon\n", ":1:15: lock_timeout: 'soon' is no duration; write a number with ms, s, m or h, like 30s"},
		{"docker: {host: /run/docker.sock}\n", ":1:16: docker.host: '/run/docker.sock' is not unix:///path or tcp://address:port"},
		{"- a\n", ":1:1: must be a map of settings"},
		{"repo: a\nrepo: b\n", ":2:1: the key 'repo' is here a second time; the first is on line 1"},
	};
	clear_environment();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct settings s;
		struct err e = {0};
		CHECK_INT(load_file(rows[i].text, NULL, 0, &a, &s, &e), -1);
		CHECK_INT(e.kind, ERR_INVALID);
		CHECK_STR(e.message + strlen(path), rows[i].error);
	}
	CLEANUP(arena_done) struct arena a = {0};
	struct settings s;
	struct err e = {0};
	setenv("RECONCILE_NGINX_STATUS_PORT", "x", 1);
	CHECK_INT(load_file("", NULL, 0, &a, &s, &e), -1);
	CHECK_STR(e.message, "RECONCILE_NGINX_STATUS_PORT: 'x' is no port; write a number from 1 to 65535");
	clear_environment();
	struct setting_flag flag = {row_of("repo"), ""};
	CHECK_INT(load_file("", &flag, 1, &a, &s, &e), -1);
	CHECK_STR(e.message, "--repo: is empty, or more than one line");
	CHECK_INT(settings_load("/nowhere/reconcile.yaml", NULL, 0, &a, &s, &e), -1);
	CHECK_INT(e.kind, ERR_NOT_FOUND);
}

static const struct test tests[] = {
	TEST(defaults), TEST(flag_beats_environment_beats_file), TEST(every_row_reaches_its_member), TEST(wrong_ones_are_told),
};

int main(int argc, char **argv)
{
	int fd = mkstemp(path);
	int result = check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL);
	if (fd >= 0)
		close(fd);
	unlink(path);
	return result;
}
