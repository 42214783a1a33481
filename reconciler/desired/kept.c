/*
 * The copies of secrets and configs on the host: FOLDER/PROJECT/HASH. The one thing to know: a container that the engine
 * starts again by itself needs its copy, so one goes only when no revision that is known can need it.
 */
#include "desired/kept.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

int kept_write(const struct project *p, struct err *e)
{
	for (size_t i = 0; i < p->kept_count; i++) {
		CLEANUP(arena_done) struct arena a = {0};
		const struct kept_file *f = &p->kept[i];
		char *folder = arena_strdup(&a, f->path);
		*strrchr(folder, '/') = 0;
		/* Nobody but root comes as far as this; whom the file itself may concern is up to its mode. */
		if (fs_mkdir(folder, 0700, e) < 0 || (!fs_exists(f->path) && fs_write(f->path, f->bytes, f->length, 0400, e) < 0))
			return -1;
		if (((f->uid >= 0 || f->gid >= 0) && lchown(f->path, (uid_t)f->uid, (gid_t)f->gid) < 0) || chmod(f->path, f->mode) < 0)
			return err_errno(e, errno, "%s", f->path);
	}
	return 0;
}

static bool needs(const struct service *s, const char *path)
{
	const struct value *mounts = spec_value(&s->spec, "secrets_and_configs");
	for (size_t i = 0; mounts && i < mounts->count; i++) {
		const struct value *source = value_get(&mounts->items[i], "Source");
		if (source && source->kind == VALUE_STRING && strcmp(source->string, path) == 0)
			return true;
	}
	return false;
}

static const struct service *good_of(const struct world *w, const struct instance *i)
{
	for (size_t k = 0; k < w->goods_count; k++)
		if (strcmp(w->goods[k].project, i->project) == 0 && strcmp(w->goods[k].service, i->service) == 0 &&
		    strcmp(w->goods[k].revision, i->revision) == 0)
			return w->goods[k].spec;
	return NULL;
}

static bool is_known(const struct desired *d, const struct world *w, const char *project)
{
	for (size_t i = 0; i < w->instances_count; i++) {
		const struct instance *in = &w->instances[i];
		const struct service *s = desired_service(d, in->project, in->service);
		if (strcmp(in->project, project) == 0 && !(s && strcmp(s->revision, in->revision) == 0) && !good_of(w, in))
			return false;
	}
	return true;
}

static bool is_needed(const struct project *p, const struct world *w, const char *path)
{
	for (size_t i = 0; i < p->services_count; i++)
		if (needs(&p->services[i], path))
			return true;
	for (size_t i = 0; i < w->goods_count; i++)
		if (w->goods[i].spec && strcmp(w->goods[i].project, p->name) == 0 && needs(w->goods[i].spec, path))
			return true;
	return false;
}

void kept_sweep(const char *folder, const struct desired *d, const struct world *w)
{
	for (size_t i = 0; i < d->projects_count; i++) {
		CLEANUP(arena_done) struct arena a = {0};
		const char *own = arena_printf(&a, "%s/%s", folder, d->projects[i].name);
		DIR *dir = is_known(d, w, d->projects[i].name) ? opendir(own) : NULL;
		if (!dir)
			continue;
		for (struct dirent *entry; (entry = readdir(dir));) {
			const char *path = arena_printf(&a, "%s/%s", own, entry->d_name);
			if (entry->d_name[0] != '.' && !is_needed(&d->projects[i], w, path))
				unlink(path);
		}
		closedir(dir);
	}
}
