/*
 * Changes nginx: structure by publish (test, install, announce, reload, confirm), weights by flags. The one thing to
 * know: `live` leads to a generation that has passed the test at every instant, so that a kill between any two lines
 * leaves an nginx that can be started; what the running nginx really serves is asked, never assumed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "nginx/internal.h"

#define CONFIRM_STEP_MS 20

/* One publish on its way. */
struct publish {
	const struct nginx_settings *s;
	struct http *http;
	struct arena *a;
	pid_t master;
	const char *id, *old_id; /* old_id "": nothing was installed */
	struct config config;
	struct workers before;
	off_t log_from;
};

/* Not clock_sleep_ms(): what is under way here is bounded and is finished even when a stop was asked for. */
static void pause_ms(int64_t ms)
{
	int64_t end = clock_monotonic_ms() + ms;
	for (int64_t left = ms; left > 0; left = end - clock_monotonic_ms())
		poll(NULL, 0, (int)left);
}

static const char *generation_path(const struct publish *p, const char *id)
{
	return arena_printf(p->a, "%s/generations/%s", p->s->directory, id);
}

static int link_live(const struct nginx_settings *s, struct arena *a, const char *id, struct err *e)
{
	return fs_symlink(arena_printf(a, "generations/%s", id), arena_printf(a, "%s/live", s->directory), e);
}

static int write_generation(struct arena *a, const char *folder, const struct config *c, struct err *e)
{
	if (fs_remove_tree(folder, e) < 0 || fs_mkdir(folder, 0755, e) < 0)
		return -1;
	for (size_t i = 0; i < c->count; i++)
		if (fs_write(arena_printf(a, "%s/%s", folder, c->files[i].name), c->files[i].text, strlen(c->files[i].text), 0644, e) < 0)
			return -1;
	return 0;
}

/* A generation without anything, for `live` to lead to. */
static int install_nothing(const struct nginx_settings *s, struct arena *a, struct err *e)
{
	struct topology none = {0};
	struct config c;
	if (config_render(s, &none, a, &c, e) < 0 ||
	    write_generation(a, arena_printf(a, "%s/generations/%s", s->directory, c.id), &c, e) < 0)
		return -1;
	return link_live(s, a, c.id, e);
}

int nginx_prepare(const struct nginx_settings *s, struct err *e)
{
	static const char *const folders[] = {"generations", "sets", "traffic"};
	CLEANUP(arena_done) struct arena a = {0};
	if (config_check_settings(s, e) < 0)
		return -1;
	bool is_new = !fs_exists(arena_printf(&a, "%s/generations", s->directory));
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (fs_mkdir(arena_printf(&a, "%s/%s", s->directory, folders[i]), 0755, e) < 0)
			return -1;
	/* What a run that was killed left half written: nobody publishes beside us. */
	fs_sweep(s->directory);
	if (fs_remove_tree(arena_printf(&a, "%s/generations/.candidate", s->directory), e) < 0)
		return -1;
	/* A link that somebody took away is put back by the next publish, which knows where it led. */
	return is_new ? install_nothing(s, &a, e) : 0;
}

/* The test needs a place that `live` leads to. */
static int mend_live(const struct nginx_settings *s, struct arena *a, const struct installed *in, struct err *e)
{
	if (in->is_linked)
		return 0;
	if (fs_remove_tree(arena_printf(a, "%s/live", s->directory), e) < 0)
		return -1;
	return in->text ? link_live(s, a, in->id, e) : install_nothing(s, a, e);
}

/* --- announce --- */

static int announce(const struct nginx_settings *s, struct arena *a, bool up, struct err *e)
{
	const char *path = arena_printf(a, "%s/close", s->directory);
	if (up)
		return fs_write(path, "", 0, 0644, e);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(e, errno, "%s", path);
	return 0;
}

/* --- confirm --- */

static bool has_pid(const struct workers *w, pid_t pid)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->pids[i] == pid)
			return true;
	return false;
}

static bool has_new_worker(const struct workers *before, const struct workers *now)
{
	for (size_t i = 0; i < now->count; i++)
		if (!has_pid(before, now->pids[i]))
			return true;
	return false;
}

/* A new worker is there, and every one from before is gone or says that it is shutting down. */
static bool has_switched(const struct workers *before, const struct workers *now)
{
	for (size_t i = 0; i < now->count; i++)
		if (has_pid(before, now->pids[i]) && !now->is_shutting_down[i])
			return false;
	return has_new_worker(before, now);
}

static bool answers(const struct publish *p, const char *id, struct arena *a)
{
	struct err ignored;
	const char *answer;
	return private_ask(p->s, p->http, "/generation", a, &answer, &ignored) == 0 && strcmp(answer, id) == 0;
}

/* nginx tries a taken port five times, half a second apart, before it gives up; any other [emerg] is its last word. */
static bool has_given_up(const char *emerg)
{
	return strstr(emerg, "still could not bind") || (*emerg && strncmp(emerg, "bind() ", 7) != 0);
}

static int confirm(const struct publish *p, struct err *e)
{
	int64_t deadline = clock_monotonic_ms() + p->s->confirm_ms;
	bool switched = false;
	for (;;) {
		CLEANUP(arena_done) struct arena scratch = {0};
		struct workers now;
		struct err gone;
		if (master_find(p->s, &gone) != p->master)
			return err_set(e, ERR_UNREACHABLE, "nginx ended while it was reloaded");
		master_workers(p->master, &scratch, &now);
		switched = has_switched(&p->before, &now);
		if (switched && answers(p, p->id, &scratch))
			return 0;
		const char *emerg = master_log_emerg(p->master, p->log_from, &scratch);
		bool is_over = clock_monotonic_ms() >= deadline;
		if (*emerg && (is_over || has_given_up(emerg)))
			return err_set(e, ERR_CONFLICT, "nginx did not take the new configuration over: %s", emerg);
		if (is_over && switched)
			return err_set(e, ERR_CONFLICT, "nginx was reloaded, but 127.0.0.1:%d does not answer with the new configuration",
			               p->s->status_port);
		if (is_over)
			return err_set(e, ERR_CONFLICT, "nginx did not take the new configuration over within %lld ms",
			               (long long)p->s->confirm_ms);
		pause_ms(CONFIRM_STEP_MS);
	}
}

/* --- publish --- */

/* Removes what neither the live generation nor the one before it needs. */
static void prune_generations(const struct publish *p)
{
	struct err e;
	DIR *d = opendir(generation_path(p, ""));
	if (!d)
		return;
	for (struct dirent *entry; (entry = readdir(d));) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, p->id) != 0 &&
		    strcmp(name, p->old_id) != 0 && fs_remove_tree(generation_path(p, name), &e) < 0)
			log_warning("%s", e.message);
	}
	closedir(d);
}

/*
 * Flags that could speak for the wrong rollout. What no living worker can ask for is swept; and a rollout that comes
 * in starts from "no flags", also when one of the same name was here before.
 */
static int clear_flags(const struct publish *p, const struct topology *installed, const struct topology *wanted,
                       struct err *e)
{
	bool is_draining = false;
	for (size_t i = 0; i < p->before.count; i++)
		is_draining |= p->before.is_shutting_down[i];
	if (!is_draining && *p->old_id && answers(p, p->old_id, p->a) &&
	    traffic_sweep(p->s, p->a, installed, wanted, e) < 0)
		return -1;
	for (size_t i = 0; i < wanted->services_count; i++)
		if (!topology_has_rollout(installed, &wanted->services[i]) &&
		    traffic_forget(p->s, p->a, &wanted->services[i], e) < 0)
			return -1;
	return 0;
}

/* Tests the text beside the live one and moves it into its place. */
static int install(const struct publish *p, struct err *e)
{
	const char *candidate = generation_path(p, ".candidate"), *place = generation_path(p, p->id);
	if (write_generation(p->a, candidate, &p->config, e) < 0 || config_test(p->s, candidate, &p->config, e) < 0)
		return -1;
	/* A folder of that name may be the live one, changed by hand: exchanged in one step. */
	if (renameat2(AT_FDCWD, candidate, AT_FDCWD, place, fs_exists(place) ? RENAME_EXCHANGE : 0) < 0)
		return err_errno(e, errno, "%s", place);
	return link_live(p->s, p->a, p->id, e);
}

/* After a reload that was not confirmed: the link leads back, and nginx is told only if it had begun to follow. */
static void take_back(const struct publish *p)
{
	struct err e;
	struct workers now;
	if (!*p->old_id || strcmp(p->old_id, p->id) == 0)
		return;
	if (link_live(p->s, p->a, p->old_id, &e) < 0) {
		log_error("cannot put the old nginx configuration back: %s", e.message);
		return;
	}
	master_workers(p->master, p->a, &now);
	if (has_new_worker(&p->before, &now) && master_find(p->s, &e) == p->master)
		kill(p->master, SIGHUP);
}

static int reload(struct publish *p, bool is_announced, struct err *e)
{
	struct err late;
	if (is_announced) {
		if (announce(p->s, p->a, true, e) < 0) {
			take_back(p);
			return -1;
		}
		pause_ms(p->s->announce_ms);
	}
	master_workers(p->master, p->a, &p->before);
	p->log_from = master_log_size(p->master);
	int result = kill(p->master, SIGHUP) < 0 ? err_errno(e, errno, "nginx master %d: SIGHUP", (int)p->master) : confirm(p, e);
	if (result < 0)
		take_back(p);
	if (is_announced && announce(p->s, p->a, false, &late) < 0)
		log_warning("%s", late.message);
	return result;
}

/* Nothing to do: the files are these, and nginx serves them. */
static bool is_live(const struct publish *p, const struct installed *in)
{
	if (!in->is_linked || strcmp(in->id, p->id) != 0)
		return false;
	for (size_t i = 0; i < p->config.count; i++) {
		CLEANUP(arena_done) struct arena scratch = {0};
		char *text;
		struct err e;
		if (fs_read(arena_printf(&scratch, "%s/%s", generation_path(p, p->id), p->config.files[i].name), NGINX_TEXT_MAX, &scratch,
		            &text, NULL, &e) < 0 || strcmp(text, p->config.files[i].text) != 0)
			return false;
	}
	return answers(p, p->id, p->a);
}

/* What is to be served, with the weights that are in force: those of streams stand in the text. A rollout that comes in
 * has none. */
static struct topology weighed(const struct nginx_settings *s, struct arena *a, const struct topology *t, const struct topology *installed)
{
	struct topology out = *t;
	out.services = arena_alloc(a, (t->services_count + 1) * sizeof *out.services);
	for (size_t i = 0; i < t->services_count; i++) {
		out.services[i] = t->services[i];
		out.services[i].weight = 0;
		if (topology_is_streamed(t, t->services[i].project, t->services[i].service) && topology_has_rollout(installed, &t->services[i]))
			traffic_read(s, a, &out.services[i]);
	}
	return out;
}

static int publish(const struct nginx_settings *s, struct http *http, const struct topology *wanted, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct publish p = {.s = s, .http = http, .a = &a};
	struct topology old = {0};
	struct installed in;
	if (config_check_settings(s, e) < 0)
		return -1;
	p.master = master_find(s, e);
	if (p.master < 0 || nginx_prepare(s, e) < 0 || installed_read(s, http, &a, &in, e) < 0)
		return -1;
	if (in.text)
		config_read(in.text, &a, &old);
	struct topology topology = weighed(s, &a, wanted, &old);
	if (topology_has_next(&topology))
		inherited_logs(s, &a, &topology);
	if (config_render(s, &topology, &a, &p.config, e) < 0 || assets_write(s, &a, &topology, e) < 0)
		return -1;
	p.id = p.config.id;
	p.old_id = in.id;
	if (is_live(&p, &in))
		return 0;
	master_workers(p.master, &a, &p.before);
	/* Without the installed text nobody knows which flags are in force: they stay. */
	if ((in.text && clear_flags(&p, &old, &topology, e) < 0) || mend_live(s, &a, &in, e) < 0)
		return -1;
	if (install(&p, e) < 0)
		return -1;
	/* Without routes of ours nobody would read the announcement; what runs may not be what is installed. */
	bool has_readers = old.routes_count > 0 || !answers(&p, p.old_id, &a);
	if (reload(&p, has_readers, e) < 0)
		return -1;
	log_info("nginx serves generation %s", p.id);
	prune_generations(&p);
	assets_sweep(s, &a, &topology, &old);
	return 0;
}

static int act_publish(const struct nginx_settings *s, struct http *http, const struct action *action, struct err *e)
{
	return publish(s, http, action->topology, e);
}

/* --- weight --- */

/* Asks the private server, which draws as the routes do, for one bucket. */
static int prove_bucket(const struct nginx_settings *s, struct http *http, struct arena *a, const struct action *action,
                        const char *bucket, bool is_in, struct err *e)
{
	const char *wanted = is_in ? "next" : "stable", *answer;
	const char *path = arena_printf(a, "/side/%s/%s?bucket=%s", action->project, action->service, bucket);
	if (private_ask(s, http, path, a, &answer, e) < 0)
		return err_wrap(e, "%s/%s: weight %d is set but not proven", action->project, action->service, action->weight);
	if (strcmp(answer, wanted) == 0)
		return 0;
	return err_set(e, ERR_CONFLICT, "%s/%s: weight %d is not in force: bucket %s goes to '%s', wanted '%s' (can the "
	               "workers of nginx pass every folder above %s?)", action->project, action->service, action->weight,
	               bucket, answer, wanted, s->directory);
}

/* Buckets 0 and 999 whatever the weight, both sides of the border, and whoever asks. */
static int prove(const struct nginx_settings *s, struct http *http, struct arena *a, const struct action *action,
                 struct err *e)
{
	for (int rank = 0; rank < PERMILLE; rank++) {
		bool is_border = rank == action->weight - 1 || rank == action->weight;
		int bucket = traffic_bucket(rank);
		if ((is_border || bucket == 0 || bucket == PERMILLE - 1) &&
		    prove_bucket(s, http, a, action, arena_printf(a, "%d", bucket), rank < action->weight, e) < 0)
			return -1;
	}
	return prove_bucket(s, http, a, action, TRAFFIC_TESTERS, action->weight > 0 || action->to_testers, e);
}

static int act_weight(const struct nginx_settings *s, struct http *http, const struct action *action, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct topology topology = {0};
	struct installed in;
	struct err late;
	if (action->weight < 0 || action->weight > PERMILLE)
		return err_set(e, ERR_INTERNAL, "weight %d is not within 0 to %d", action->weight, PERMILLE);
	if (master_find(s, e) < 0 || nginx_prepare(s, e) < 0 || installed_read(s, http, &a, &in, e) < 0)
		return -1;
	if (in.text)
		config_read(in.text, &a, &topology);
	const struct traffic *t = topology_service(&topology, action->project, action->service);
	if (!t || !config_is_rollout(t->rollout) || strcmp(t->rollout, action->rollout) != 0)
		return err_set(e, ERR_CONFLICT, "%s/%s: nginx has no rollout '%s' installed", action->project, action->service,
		               action->rollout);
	struct traffic before = *t;
	traffic_read(s, &a, &before);
	if (traffic_write(s, &a, t, action->weight, action->to_testers, e) < 0)
		return -1;
	if (prove(s, http, &a, action, e) == 0 &&
	    (!topology_is_streamed(&topology, t->project, t->service) || publish(s, http, &topology, e) == 0))
		return 0;
	/* What is on disk is taken for what is in force; more than before must not be claimed without proof. */
	bool is_more = before.weight < action->weight || (action->to_testers && before.weight == 0 && !before.to_testers);
	if (is_more && traffic_write(s, &a, t, before.weight, before.to_testers, &late) < 0)
		log_warning("%s", late.message);
	return -1;
}

static int act_unannounce(const struct nginx_settings *s, struct http *http, const struct action *action, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	(void)http;
	(void)action;
	/* The run that left it may have been killed right after its SIGHUP: until the old workers have been told to quit,
	 * a connection that is kept alive on one of them would be cut. */
	pause_ms(s->announce_ms);
	return announce(s, &a, false, e);
}

int nginx_act(const struct nginx_settings *s, struct http *http, const struct action *action, struct err *e)
{
	static const struct {
		enum action_kind kind;
		int (*act)(const struct nginx_settings *s, struct http *http, const struct action *action, struct err *e);
	} acts[] = {{ACTION_PUBLISH, act_publish}, {ACTION_WEIGHT, act_weight}, {ACTION_UNANNOUNCE, act_unannounce}};

	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		if (acts[i].kind == action->kind)
			return acts[i].act(s, http, action, e);
	return err_set(e, ERR_INTERNAL, "nginx cannot %s", action_info(action->kind)->verb);
}
