/* A manifest in a folder of its own, with files beside it. */
#ifndef TESTS_DESIRED_FOLDER_H
#define TESTS_DESIRED_FOLDER_H

#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "desired_load.h"

static char folder[] = "/tmp/rec-unit-XXXXXX";

static inline void put(const char *name, const char *text)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	const char *path = arena_printf(&a, "%s/%s", folder, name);
	char *parent = arena_strdup(&a, path);
	*strrchr(parent, '/') = 0;
	CHECK_INT(fs_mkdir(parent, 0755, &e), 0);
	CHECK_INT(fs_write(path, text, strlen(text), 0644, &e), 0);
}

static inline void load_here(struct loaded *l, const char *text, const char *profiles)
{
	static const char *names[] = {"SECRET", "HOME"}, *values[] = {"hunter2", "/root"};
	static const struct environment env = {.names = names, .values = values, .count = 2};
	*l = (struct loaded){.problems = PROBLEMS_INIT};
	const char *kept = arena_strdup(&l->arena, text);
	struct manifest_source s = {.file = "compose.yaml", .text = kept, .length = strlen(kept), .directory = folder,
	                            .kept = "/var/lib/x/secrets", .profiles = profiles};
	l->result = manifest_load(&s, &env, &l->arena, &l->desired, &l->problems, &l->err);
}

static inline const struct service *service_in(const struct loaded *l, const char *name)
{
	static const struct service none = {.name = "(none)", .revision = "", .image = ""};
	const struct service *s = l->result == 0 ? desired_service(&l->desired, "shop", name) : NULL;
	CHECK(s != NULL);
	return s ? s : &none;
}

/* What a field of a service comes to, its secrets masked; "" when it has none. */
static inline void field_of(const struct loaded *l, const char *service, const char *path, struct buf *out)
{
	const struct value *v = spec_value(&service_in(l, service)->spec, path);
	if (v)
		value_print(out, v, true);
}

#define FOLDER_TESTS_MAIN(tests) \
	int main(int argc, char **argv) \
	{ \
		struct err e; \
		if (!mkdtemp(folder)) \
			return 1; \
		int failed = check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL); \
		return fs_remove_tree(folder, &e) < 0 || failed; \
	}

#endif
