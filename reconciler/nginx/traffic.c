/*
 * Weights on disk. A weight is a folder with one empty file for each bucket; `now` of a rollout is a symbolic link to
 * such a folder, so that every change of weight is one rename. The one thing to know: nothing that a worker may be
 * looking at is ever changed in place; it is built beside and moved.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "nginx/internal.h"

/* 389 and 1000 have no common divisor, so this meets every bucket once. */
int traffic_bucket(int rank)
{
	return (int)((rank * 389L + 7) % PERMILLE);
}

const struct traffic *topology_service(const struct topology *t, const char *project, const char *service)
{
	for (size_t i = 0; i < t->services_count; i++) {
		const struct traffic *s = &t->services[i];
		if (s->project && s->service && strcmp(s->project, project) == 0 && strcmp(s->service, service) == 0)
			return s;
	}
	return NULL;
}

bool topology_has_rollout(const struct topology *t, const struct traffic *which)
{
	const struct traffic *own = topology_service(t, which->project, which->service);
	return own && strcmp(own->rollout, which->rollout) == 0;
}

char *traffic_path(const struct nginx_settings *s, struct arena *a, const struct traffic *t, const char *leaf)
{
	return arena_printf(a, "%s/traffic/%s/%s/%s%s", s->directory, t->project, t->service, t->rollout, leaf);
}

/* What a set lets in: so many buckets, and with the first of them, or alone, whoever asks. */
struct share {
	int weight;
	bool has_testers;
};

static struct share share_of(int weight, bool to_testers)
{
	return (struct share){weight, weight > 0 || to_testers};
}

static const char *set_name(struct arena *a, struct share share)
{
	return share.weight == 0 && share.has_testers ? TRAFFIC_TESTERS : arena_printf(a, "%d", share.weight);
}

/* The share that the link names; its weight is -1 when it is none of ours. */
static struct share link_share(const char *path)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof target - 1);
	if (n <= 0)
		return share_of(-1, false);
	target[n] = 0;
	const char *name = strrchr(target, '/');
	char *end;
	if (name && strcmp(name + 1, TRAFFIC_TESTERS) == 0)
		return share_of(0, true);
	long weight = name ? strtol(name + 1, &end, 10) : -1;
	return share_of(weight >= 0 && weight <= PERMILLE && *end == 0 && end != name + 1 ? (int)weight : -1, false);
}

/* True when the folder holds exactly the files of this share. */
static bool is_set_whole(const char *path, struct share share)
{
	bool is_in[PERMILLE] = {false};
	int found = 0;
	DIR *d = opendir(path);
	if (!d)
		return false;
	for (int rank = 0; rank < share.weight; rank++)
		is_in[traffic_bucket(rank)] = true;
	for (struct dirent *entry; found >= 0 && (entry = readdir(d));) {
		char *end;
		struct stat st;
		if (entry->d_name[0] == '.')
			continue;
		long bucket = strtol(entry->d_name, &end, 10);
		bool is_one = (strcmp(entry->d_name, TRAFFIC_TESTERS) == 0 ? share.has_testers
		                                                           : *end == 0 && bucket >= 0 && bucket < PERMILLE && is_in[bucket]) &&
		              (entry->d_type == DT_REG || (entry->d_type == DT_UNKNOWN &&
		               fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)));
		found = is_one ? found + 1 : -1;
	}
	closedir(d);
	return found == share.weight + share.has_testers;
}

static int64_t changed_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

/* Flags that say something else than their link, or half of it, are somebody's work, or that of a kill. A time to come is
 * from before the clock was set back: nobody could tell when a hold that counts from there is over. */
void traffic_read(const struct nginx_settings *s, struct arena *a, struct traffic *t)
{
	struct stat st;
	t->weight = 0;
	t->to_testers = false;
	t->weight_since_ms = 0;
	t->is_damaged = false;
	if (!config_is_rollout(t->rollout))
		return;
	const char *now = traffic_path(s, a, t, "/now");
	if (lstat(now, &st) == 0) {
		struct share linked = link_share(now);
		t->weight = linked.weight > 0 ? linked.weight : 0;
		t->to_testers = linked.weight == 0 && linked.has_testers;
		t->weight_since_ms = changed_ms(&st);
		t->is_damaged = linked.weight < 0 || t->weight_since_ms > clock_now_ms() || !is_set_whole(now, linked);
	}
	t->is_damaged |= fs_exists(traffic_path(s, a, t, "/both")) != (t->weight > 0);
}

static int add_bucket(int folder, const char *path, const char *name, struct err *e)
{
	CLEANUP(fd_close) int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd < 0 ? err_errno(e, errno, "%s/%s", path, name) : 0;
}

static int fill_set(const char *path, struct share share, struct err *e)
{
	if (fs_mkdir(path, 0755, e) < 0)
		return -1;
	CLEANUP(fd_close) int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return err_errno(e, errno, "%s", path);
	if (share.has_testers && add_bucket(folder, path, TRAFFIC_TESTERS, e) < 0)
		return -1;
	for (int rank = 0; rank < share.weight; rank++) {
		char name[16];
		snprintf(name, sizeof name, "%d", traffic_bucket(rank));
		if (add_bucket(folder, path, name, e) < 0)
			return -1;
	}
	if (fsync(folder) < 0)
		return err_errno(e, errno, "%s: cannot sync", path);
	return 0;
}

/* Makes sure that the set is there and whole. */
static int need_set(const struct nginx_settings *s, struct arena *a, struct share share, struct err *e)
{
	char *path = arena_printf(a, "%s/sets/%s", s->directory, set_name(a, share));
	char *temp = arena_printf(a, "%s/sets/.new", s->directory);
	if (is_set_whole(path, share))
		return 0;
	if (fs_remove_tree(temp, e) < 0 || fill_set(temp, share, e) < 0)
		return -1;
	/* A damaged set may be in use: it is exchanged in one step, not emptied. */
	bool exchange = fs_exists(path);
	if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, exchange ? RENAME_EXCHANGE : 0) < 0)
		return err_errno(e, errno, "%s", path);
	return exchange ? fs_remove_tree(temp, e) : 0;
}

static int set_both(const struct nginx_settings *s, struct arena *a, const struct traffic *t, bool up, struct err *e)
{
	const char *path = traffic_path(s, a, t, "/both");
	if (up && !fs_exists(path))
		return fs_write(path, "", 0, 0644, e);
	if (!up && unlink(path) < 0 && errno != ENOENT)
		return err_errno(e, errno, "%s", path);
	return 0;
}

static int set_now(const struct nginx_settings *s, struct arena *a, const struct traffic *t, struct share share, struct err *e)
{
	const char *now = traffic_path(s, a, t, "/now");
	if (need_set(s, a, share, e) < 0 || fs_mkdir(traffic_path(s, a, t, ""), 0755, e) < 0)
		return -1;
	if (share.weight > 0 && set_both(s, a, t, true, e) < 0)
		return -1;
	/* A link that says so already keeps its time: weight_since_ms is when the weight changed. */
	struct stat st;
	struct share linked = link_share(now);
	if (linked.weight == share.weight && linked.has_testers == share.has_testers && lstat(now, &st) == 0 &&
	    changed_ms(&st) <= clock_now_ms())
		return 0;
	if (linked.weight < 0 && fs_remove_tree(now, e) < 0) /* no link of ours; a folder would stand in the way */
		return -1;
	return fs_symlink(arena_printf(a, "../../../../sets/%s", set_name(a, share)), now, e);
}

int traffic_write(const struct nginx_settings *s, struct arena *a, const struct traffic *t, int weight, bool to_testers,
                  struct err *e)
{
	int result = set_now(s, a, t, share_of(weight, to_testers), e);
	/* The way back works on a full disk too: no link says the same as one to an empty set. */
	if (result < 0 && weight == 0 && !to_testers && (unlink(traffic_path(s, a, t, "/now")) == 0 || errno == ENOENT))
		result = 0;
	return result == 0 && weight == 0 ? set_both(s, a, t, false, e) : result;
}

int traffic_forget(const struct nginx_settings *s, struct arena *a, const struct traffic *t, struct err *e)
{
	if (!config_is_name(t->project) || !config_is_name(t->service) || !config_is_rollout(t->rollout))
		return 0;
	return fs_remove_tree(traffic_path(s, a, t, ""), e);
}

/* The names in a folder, without those that start with a dot. */
static char **list_folder(const char *path, struct arena *a, size_t *count)
{
	char **names = NULL;
	*count = 0;
	DIR *d = opendir(path);
	if (!d)
		return NULL;
	for (struct dirent *entry; (entry = readdir(d));)
		if (entry->d_name[0] != '.') {
			char *name = arena_strdup(a, entry->d_name);
			*ARENA_PUSH(a, names, *count) = name;
		}
	closedir(d);
	return names;
}

int traffic_sweep(const struct nginx_settings *s, struct arena *a, const struct topology *one,
                  const struct topology *other, struct err *e)
{
	const char *top = arena_printf(a, "%s/traffic", s->directory);
	size_t projects, services, rollouts;
	char **project = list_folder(top, a, &projects);
	for (size_t p = 0; p < projects; p++) {
		const char *project_path = arena_printf(a, "%s/%s", top, project[p]);
		char **service = list_folder(project_path, a, &services);
		for (size_t i = 0; i < services; i++) {
			const char *service_path = arena_printf(a, "%s/%s", project_path, service[i]);
			char **rollout = list_folder(service_path, a, &rollouts);
			for (size_t r = 0; r < rollouts; r++) {
				struct traffic t = {.project = project[p], .service = service[i], .rollout = rollout[r]};
				if (!topology_has_rollout(one, &t) && !topology_has_rollout(other, &t) &&
				    fs_remove_tree(arena_printf(a, "%s/%s", service_path, rollout[r]), e) < 0)
					return -1;
			}
			rmdir(service_path); /* succeeds only when it is empty */
		}
		rmdir(project_path);
	}
	return 0;
}
