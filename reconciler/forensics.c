/* Failed instances, in files: one for each, replaced when it fails again. */
#include "forensics.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define SUFFIX ".log"

int forensics_keep(const char *folder, const struct instance *in, const char *why, const char *ended, const char *said,
                   struct arena *a, const char **path, struct err *e)
{
	const char *text = arena_printf(a, "%s/%s: %s, revision %s: %s\n%s\n\n%s", in->project, in->service, in->name, in->revision, why,
	                                ended, said);
	*path = arena_printf(a, "%s/%s.%.8s" SUFFIX, folder, in->name, in->revision);
	return fs_mkdir(folder, 0700, e) < 0 ? -1 : fs_write(*path, text, strlen(text), 0600, e);
}

void forensics_sweep(const char *folder, int64_t now_ms)
{
	DIR *dir = opendir(folder);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct stat st;
		const char *end = strrchr(entry->d_name, '.');
		if (end && strcmp(end, SUFFIX) == 0 && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtim.tv_sec * 1000LL + FORENSICS_KEPT_MS < now_ms)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	fs_sweep(folder);
}
