/*
 * The real program with --watch against a scripted engine, and this test as its service manager: what it is told, what
 * is logged and what is not, and what ends it.
 */
#include "site.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

#include "host/lock.h"

struct watched {
	struct site site;
	pid_t pid;
	int manager;             /* our end of $NOTIFY_SOCKET */
	char said[64 * 1024];    /* all that it was told, a line each */
	const char *settings, *log;
};

#define RUNNING "\"Status\":\"running\",\"Running\":true,\"Pid\":1,\"StartedAt\":\"2026-01-01T00:00:00Z\""
#define SETTLED_RULES(t) { \
	VERSION_RULE, \
	{.match = "GET /v1.41/containers/json", .body = arena_printf(&(t)->arena, "[%s]", listed(t, "2", (t)->new_revision))}, \
	{.match = "GET /v1.41/containers/2/json", .body = inspected(t, "2", (t)->new_revision, RUNNING)}, \
	{.match = "GET /v1.41/networks", .body = "[{\"Name\":\"shop_default\"}]"}, \
	{.match = "GET /v1.41/volumes", .body = "{\"Volumes\":[]}"}, \
	{.match = "GET /v1.41/images/json", .body = "[{\"RepoTags\":[\"app:1\",\"app:2\"]}]"}, \
}

static void write_settings(struct watched *w, const char *more)
{
	struct err e;
	const struct settings *s = &w->site.settings;
	const char *text = arena_printf(&w->site.arena, "path: %s\nstate_dir: %s\nrun_dir: %s\ninstance: me\nnginx: { config: /nonexistent }\n"
	                                "docker: { host: \"%s\" }\n%s", s->path, s->state_dir, s->run_dir, s->docker_host, more);
	CHECK_INT(fs_write(w->settings, text, strlen(text), 0644, &e), 0);
}

/* Git wants what runs, and the notes say that it is good. */
static void watched_new(struct watched *w)
{
	struct site *t = &w->site;
	struct err e;
	memset(w, 0, sizeof *w);
	site_new(t);
	const struct service *now = site_load(t, MANIFEST("app:2"));
	CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
	service_print(&text, now);
	struct note_good good = {"shop", "db", now->revision, text.text};
	struct notes notes = {.goods = &good, .goods_count = 1, .applied = ""};
	CHECK_INT(notes_write(arena_printf(&t->arena, "%s/notes", t->settings.state_dir), &notes, &e), 0);
	w->settings = arena_printf(&t->arena, "%s/reconcile.yaml", t->folder);
	w->log = arena_printf(&t->arena, "%s/log", t->folder);
}

/* Starts it with these options; WATCHDOG_USEC as given, NULL: nobody watches. */
static void watched_start(struct watched *w, const char *option, const char *watchdog_usec)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof to.sun_path, "%s/notify", w->site.folder);
	unlink(to.sun_path);
	w->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(w->manager, (struct sockaddr *)&to, sizeof to), 0);
	w->said[0] = 0;
	w->pid = fork();
	if (w->pid == 0) {
		int log = open(w->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(log, 1);
		dup2(log, 2);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("NOTIFY_SOCKET", to.sun_path, 1);
		unsetenv("JOURNAL_STREAM");
		/* What a sanitizer keeps back of freed memory would look like growth. */
		setenv("ASAN_OPTIONS", "quarantine_size_mb=0:thread_local_quarantine_size_kb=0", 1);
		if (watchdog_usec)
			setenv("WATCHDOG_USEC", watchdog_usec, 1);
		else
			unsetenv("WATCHDOG_USEC");
		execl(RECONCILE, "reconcile", "--config", w->settings, "--watch", option, (char *)NULL);
		_exit(127);
	}
}

static char *watched_log(struct watched *w)
{
	char *text;
	struct err e;
	CHECK_INT(fs_read(w->log, 1 << 20, &w->site.arena, &text, NULL, &e), 0);
	return text;
}

/* Takes in what it is told until `word` begins a line of it, `times` times from now on. */
static void watched_wait(struct watched *w, const char *word, int times)
{
	while (times > 0) {
		char text[2048];
		struct pollfd poll_fd = {.fd = w->manager, .events = POLLIN};
		if (poll(&poll_fd, 1, 100) <= 0) {
			siginfo_t ended = {0};
			if (waitid(P_PID, (id_t)w->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid && poll(&poll_fd, 1, 0) <= 0) {
				fprintf(stderr, "it ended before it said %s:\n%s\n%s\n", word, w->said, watched_log(w));
				check_failures++;
				return;
			}
			continue;
		}
		ssize_t n = recv(w->manager, text, sizeof text - 2, 0);
		if (n <= 0)
			continue;
		text[n] = '\n';
		text[n + 1] = 0;
		times -= strncmp(text, word, strlen(word)) == 0;
		size_t length = strlen(w->said);
		snprintf(w->said + length, sizeof w->said - length, "%s", text);
	}
}

/* Waits for its end: the exit code, or 128 and the signal. */
static int watched_end(struct watched *w)
{
	int status = -1;
	waitpid(w->pid, &status, 0);
	close(w->manager);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int count(const char *text, const char *part)
{
	int n = 0;
	for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
		n++;
	return n;
}

static long resident_kb(pid_t pid)
{
	char path[64];
	long pages = 0;
	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	FILE *f = fopen(path, "r");
	CHECK(f && fscanf(f, "%*d %ld", &pages) == 1);
	if (f)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void pass(struct watched *w)
{
	kill(w->pid, SIGUSR1);
	watched_wait(w, "STATUS=", 1);
}

/* An engine where all is as it should be, a long interval, and a first pass. */
static void begin(struct watched *w)
{
	watched_new(w);
	struct fake_rule rules[] = SETTLED_RULES(&w->site);
	site_start(&w->site, rules, ARRAY_LEN(rules));
	write_settings(w, "interval: 10m\n");
	watched_start(w, NULL, NULL);
	watched_wait(w, "STATUS=", 1);
}

static void end(struct watched *w, int code)
{
	kill(w->pid, SIGTERM);
	CHECK_INT(watched_end(w), code);
}

static void a_pass_without_change_says_nothing_and_leaves_nothing(void)
{
	struct watched w;
	begin(&w);
	CHECK_CONTAINS(w.said, "READY=1\nSTATUS=No changes.");
	for (int i = 1; i < 20; i++)
		pass(&w);
	long early_kb = resident_kb(w.pid);
	for (int i = 20; i < 200; i++)
		pass(&w);
	long late_kb = resident_kb(w.pid);
	printf("resident after 20 passes %ld kB, after 200 %ld kB\n", early_kb, late_kb);
	CHECK(late_kb < early_kb + 360); /* two kB a pass */
	CHECK_INT(count(w.said, "STATUS=No changes."), 200);
	CHECK_INT(fake_count(&w.site.engine, "GET /v1.41/containers/json"), 200);
	CHECK_STR(watched_log(&w), "");
	end(&w, 0);
	CHECK_STR(watched_log(&w), "reconcile: stopped\n");
	site_free(&w.site);
}

static void trouble_is_said_once_and_ends_nothing(void)
{
	struct watched w;
	watched_new(&w);
	struct fake_rule rules[] = SETTLED_RULES(&w.site);
	site_start(&w.site, rules, ARRAY_LEN(rules));
	write_settings(&w, "interval: 10m\n");
	const char *socket_path = w.site.engine.path, *away = arena_printf(&w.site.arena, "%s.away", socket_path);
	CHECK_INT(rename(socket_path, away), 0);
	watched_start(&w, NULL, NULL);
	watched_wait(&w, "STATUS=", 1);
	for (int i = 0; i < 5; i++)
		pass(&w);
	CHECK_INT(count(watched_log(&w), "\n"), 1);
	CHECK_CONTAINS(watched_log(&w), "reconcile: error: Docker at unix://");
	/* Something else that is wrong is said, too. */
	site_write(&w.site, "services: { db: { imagine: x } }\n");
	for (int i = 0; i < 3; i++)
		pass(&w);
	CHECK_INT(count(watched_log(&w), "unknown key 'imagine'"), 1);
	site_write(&w.site, MANIFEST("app:2"));
	CHECK_INT(rename(away, socket_path), 0);
	pass(&w);
	pass(&w);
	CHECK_INT(count(watched_log(&w), "the host matches again\n"), 1);
	/* What comes back after it was gone is news. */
	CHECK_INT(rename(socket_path, away), 0);
	pass(&w);
	pass(&w);
	CHECK_INT(count(watched_log(&w), "error: Docker at"), 2);
	CHECK_INT(rename(away, socket_path), 0);
	kill(w.pid, SIGINT);
	CHECK_INT(watched_end(&w), 0);
	site_free(&w.site);
}

static void settings_are_read_again(void)
{
	struct watched w;
	begin(&w);
	write_settings(&w, "interval: never\n");
	kill(w.pid, SIGHUP);
	watched_wait(&w, "STATUS=", 1);
	CHECK_CONTAINS(watched_log(&w), "interval: 'never' is not a duration of at least 1s, like 60s or 5m; the settings from before stay in force\n");
	write_settings(&w, "rev: main\n");
	kill(w.pid, SIGHUP);
	watched_wait(&w, "STATUS=", 1);
	CHECK_CONTAINS(watched_log(&w), "there is no repository to look for it; give --repo URL, or remove rev; the settings from before stay in force\n");
	CHECK_INT(count(w.said, "RELOADING=1\nMONOTONIC_USEC="), 2);
	CHECK_INT(count(w.said, "READY=1\n"), 3);
	/* From now on nobody has to ask for a pass. */
	write_settings(&w, "interval: 1s\n");
	kill(w.pid, SIGHUP);
	watched_wait(&w, "STATUS=No changes.", 3);
	CHECK_INT(count(watched_log(&w), "the settings were read again\n"), 1);
	kill(w.pid, SIGTERM);
	watched_wait(&w, "STOPPING=1", 1);
	CHECK_INT(watched_end(&w), 0);
	site_free(&w.site);
}

static void the_lock_is_held_in_a_pass_only(void)
{
	struct watched w;
	struct err e;
	int lock = -1;
	begin(&w);
	CHECK_INT(lock_wait(w.site.settings.run_dir, 10000, &lock, &e), 0);
	pass(&w);
	pass(&w);
	CHECK_CONTAINS(w.said, "STATUS=another run is at work: pid ");
	CHECK_INT(count(watched_log(&w), "another run is at work"), 1);
	fd_close(&lock);
	pass(&w);
	CHECK_INT(count(w.said, "STATUS=No changes."), 2);
	end(&w, 0);

	/* With time to wait it is waited for. */
	CHECK_INT(lock_take(w.site.settings.run_dir, &lock, &e), 0);
	watched_start(&w, "--lock-timeout=1h", NULL);
	watched_wait(&w, "READY=1", 1);
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	CHECK_STR(watched_log(&w), "");
	fd_close(&lock);
	watched_wait(&w, "STATUS=No changes.", 1);
	end(&w, 0);
	site_free(&w.site);
}

/* An engine that never answers: the manager hears of us all the same, and a second signal does not wait. */
static void a_long_pass_is_alive_and_can_be_ended(void)
{
	struct watched w;
	watched_new(&w);
	struct fake_rule rules[] = {VERSION_RULE, {.match = "GET /v1.41/containers/json", .manner = FAKE_SILENT}, {.match = "GET", .body = "[]"}};
	site_start(&w.site, rules, ARRAY_LEN(rules));
	write_settings(&w, "interval: 10m\n");
	watched_start(&w, NULL, "200000");
	watched_wait(&w, "WATCHDOG=1", 3);
	CHECK(!strstr(w.said, "STATUS="));
	kill(w.pid, SIGTERM);
	watched_wait(&w, "WATCHDOG=1", 2); /* it was heard, and the pass goes on to its safe point */
	end(&w, 128 + SIGTERM);
	CHECK_CONTAINS(w.said, "READY=1\nWATCHDOG=1\n");

	/* And while there is nothing to do. */
	fake_stop(&w.site.engine);
	struct fake_rule settled[] = SETTLED_RULES(&w.site);
	site_start(&w.site, settled, ARRAY_LEN(settled));
	write_settings(&w, "interval: 10m\n");
	watched_start(&w, NULL, "200000");
	watched_wait(&w, "STATUS=No changes.", 1);
	watched_wait(&w, "WATCHDOG=1", 3);
	end(&w, 0);
	site_free(&w.site);
}

static void what_was_called_wrongly_ends_at_once(void)
{
	struct watched w;
	watched_new(&w);
	site_start(&w.site, NULL, 0);
	write_settings(&w, "interval: 10\n");
	watched_start(&w, NULL, NULL);
	CHECK_INT(watched_end(&w), 65);
	write_settings(&w, "rev: main\n");
	watched_start(&w, NULL, NULL);
	CHECK_INT(watched_end(&w), 64);
	CHECK_CONTAINS(watched_log(&w), "there is no repository to look for it");
	write_settings(&w, "");
	watched_start(&w, "--docker-host=nowhere", NULL);
	CHECK_INT(watched_end(&w), 65);
	CHECK_CONTAINS(watched_log(&w), "--docker-host: 'nowhere' is not unix:///path or tcp://address:port");
	site_free(&w.site);
}

static const struct test tests[] = {
	TEST(a_pass_without_change_says_nothing_and_leaves_nothing),
	TEST(trouble_is_said_once_and_ends_nothing),
	TEST(settings_are_read_again),
	TEST(the_lock_is_held_in_a_pass_only),
	TEST(a_long_pass_is_alive_and_can_be_ended),
	TEST(what_was_called_wrongly_ends_at_once),
};
TESTS_MAIN(tests)
