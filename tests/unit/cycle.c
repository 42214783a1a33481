/*
 * Whole runs against a scripted engine, where what matters is not what is decided but what a run makes of an error: a
 * note that cannot be written, an engine that goes away in the middle, a request to stop.
 */
#include "site.h"

#include <cjson/cJSON.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/clock.h"

/* The wall clock is set by so much, so long after the test began. */
static struct { int64_t by_s, after_ms, from_ms; } jump;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int result = (int)syscall(SYS_clock_gettime, id, ts);
	if (jump.by_s && id == CLOCK_REALTIME) {
		struct timespec steady;
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &steady);
		if (steady.tv_sec * 1000 + steady.tv_nsec / 1000000 >= jump.from_ms + jump.after_ms)
			ts->tv_sec += jump.by_s;
	}
	return result;
}

/* Runs in a child. Returns its exit code; what it logged is in `said`. */
static int site_run_as(struct site *t, const struct cycle_options *o, bool is_disk_full, int stop_after_ms, char *said, size_t size)
{
	int pipes[2], status;
	size_t length = 0;
	CHECK_INT(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		close(pipes[0]);
		if (is_disk_full) {
			signal(SIGXFSZ, SIG_IGN);
			setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, 0});
		}
		int code = cycle_run(&t->settings, o);
		fflush(stdout);
		_exit(code);
	}
	close(pipes[1]);
	if (stop_after_ms) {
		nanosleep(&(struct timespec){stop_after_ms / 1000, stop_after_ms % 1000 * 1000000L}, NULL);
		kill(pid, SIGTERM);
	}
	for (ssize_t n; (n = read(pipes[0], said + length, size - 1 - length)) > 0;)
		length += (size_t)n;
	said[length] = 0;
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int site_run(struct site *t, bool is_disk_full, int stop_after_ms, char *said, size_t size)
{
	return site_run_as(t, &(struct cycle_options){0}, is_disk_full, stop_after_ms, said, size);
}

/* The new revision exited: a verdict. When it cannot be written down the way back is taken all the same, for as long as
 * this process remembers; and the run does not end well. */
static void a_verdict_that_cannot_be_noted_still_goes_back(void)
{
	struct site t;
	char said[16384];
	site_new(&t);
	struct fake_rule rules[] = ENGINE_RULES(&t, EXITED);
	site_start(&t, rules, ARRAY_LEN(rules));
	CHECK_INT(site_run(&t, true, 0, said, sizeof said), 1);
	CHECK_CONTAINS(said, "notes");
	CHECK(fake_count(&t.engine, "POST /v1.41/containers/1/start") > 0);
	CHECK_INT(fake_count(&t.engine, "POST /v1.41/containers/2/start"), 0);
	site_free(&t);
}

/* The same on a disk with room: noted, and the old one comes back. In this script it never does: 20 times, no more. */
static void with_room_on_the_disk_it_is(void)
{
	struct site t;
	char said[16384];
	site_new(&t);
	struct fake_rule rules[] = ENGINE_RULES(&t, EXITED);
	site_start(&t, rules, ARRAY_LEN(rules));
	CHECK_INT(site_run(&t, false, 0, said, sizeof said), 1);
	CHECK_CONTAINS(said, "shop/db: quarantine revision");
	CHECK_INT(fake_count(&t.engine, "POST /v1.41/containers/1/start"), 21);
	CHECK_INT(fake_count(&t.engine, "POST /v1.41/containers/2/start"), 0);
	CHECK_CONTAINS(said, "again and again");
	site_free(&t);
}

/* For machines: a line for each action at its start and its end, and one for what ended the run. */
static void a_run_in_json_is_lines(void)
{
	struct site t;
	char said[32768];
	site_new(&t);
	struct fake_rule rules[] = ENGINE_RULES(&t, EXITED);
	site_start(&t, rules, ARRAY_LEN(rules));
	CHECK_INT(site_run_as(&t, &(struct cycle_options){.is_json = true}, false, 0, said, sizeof said), 1);
	int kinds[4] = {0};
	static const char *const types[] = {"\"type\":\"version\"", "\"type\":\"apply_start\"", "\"type\":\"apply_complete\"",
	                                    "\"type\":\"diagnostic\""};
	for (char *line = said, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = 0;
		if (strncmp(line, "reconcile: ", 11) == 0)
			continue; /* the log */
		cJSON *json = cJSON_Parse(line);
		CHECK(json && cJSON_GetObjectItem(json, "@message"));
		cJSON_Delete(json);
		for (size_t i = 0; i < ARRAY_LEN(types); i++)
			kinds[i] += strstr(line, types[i]) != NULL;
	}
	CHECK_INT(kinds[0], 1);
	CHECK(kinds[1] > 20 && kinds[1] == kinds[2]);
	CHECK_INT(kinds[3], 1);
	site_free(&t);
}

static void a_request_to_stop_ends_a_wait(void)
{
	struct site t;
	char said[16384];
	site_new(&t);
	char now[32];
	time_t seconds = 0;
	seconds = (time_t)(clock_now_ms() / 1000);
	struct tm tm;
	strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	const char *fresh = arena_printf(&t.arena, "\"Status\":\"running\",\"Running\":true,\"Pid\":1,\"StartedAt\":\"%s\"", now);
	struct fake_rule rules[] = ENGINE_RULES(&t, fresh);
	site_start(&t, rules, ARRAY_LEN(rules));
	CHECK_INT(site_run(&t, false, 700, said, sizeof said), 75);
	CHECK_CONTAINS(said, "shop/db: shop-db-2 must pass a little longer");
	CHECK_CONTAINS(said, "stopped at a safe point");
	CHECK_INT(fake_count(&t.engine, "POST"), 0);
	site_free(&t);
}

/* The new one runs and must pass for a while: neither an hour that did not pass counts, nor one that passes twice. */
static void a_clock_that_is_set_moves_nothing(void)
{
	static const int64_t by_s[] = {3600, -3600};
	for (size_t i = 0; i < ARRAY_LEN(by_s); i++) {
		struct site t;
		char said[16384], now[32];
		site_new(&t);
		clock_rfc3339(clock_now_ms(), now, sizeof now);
		struct fake_rule rules[] = ENGINE_RULES(
			&t, arena_printf(&t.arena, "\"Status\":\"running\",\"Running\":true,\"Pid\":1,\"StartedAt\":\"%s\"", now));
		site_start(&t, rules, ARRAY_LEN(rules));
		jump.from_ms = clock_monotonic_ms();
		jump.after_ms = 500;
		jump.by_s = by_s[i];
		CHECK_INT(site_run(&t, false, 1500, said, sizeof said), 75);
		jump.by_s = 0;
		CHECK_CONTAINS(said, "shop/db: shop-db-2 must pass a little longer");
		CHECK(!strstr(said, "accept"));
		CHECK_INT(fake_count(&t.engine, "POST"), 0);
		site_free(&t);
	}
}

static void without_an_engine_a_run_ends_at_once(void)
{
	struct site t;
	char said[16384];
	site_new(&t);
	site_start(&t, NULL, 0);
	t.settings.docker_host = arena_printf(&t.arena, "unix://%s/nobody", t.folder);
	CHECK_INT(site_run(&t, false, 0, said, sizeof said), 69);
	site_free(&t);
}

static const struct test tests[] = {
	TEST(a_verdict_that_cannot_be_noted_still_goes_back),
	TEST(with_room_on_the_disk_it_is),
	TEST(a_run_in_json_is_lines),
	TEST(a_request_to_stop_ends_a_wait),
	TEST(a_clock_that_is_set_moves_nothing),
	TEST(without_an_engine_a_run_ends_at_once),
};
TESTS_MAIN(tests)
