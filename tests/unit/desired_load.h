/* One manifest for the tests of desired/: loaded with a fixed host environment into an arena of its own. */
#ifndef TESTS_DESIRED_LOAD_H
#define TESTS_DESIRED_LOAD_H

#include <string.h>

#include "desired/manifest.h"
#include "desired/projects.h"

struct loaded {
	struct arena arena;
	struct desired desired;
	struct problems problems;
	struct err err;
	int result;
};

static inline void load_bytes(struct loaded *l, const char *text, size_t length)
{
	static const char *names[] = {"SECRET", "EMPTY", "MEM", "DOLLAR"};
	static const char *values[] = {"hunter2", "", "5OO", "a$SECRET"};
	static const struct environment env = {.names = names, .values = values, .count = 4};
	struct manifest_source s = {.file = "compose.yaml", .text = text, .length = length, .directory = "/srv/shop"};
	*l = (struct loaded){.problems = PROBLEMS_INIT};
	l->result = manifest_load(&s, &env, &l->arena, &l->desired, &l->problems, &l->err);
	struct desired alone = l->desired;
	bool is_out = false;
	if (l->result == 0) {
		l->desired = (struct desired){0};
		if (projects_join(&alone, 1, &is_out, &l->arena, &l->desired, &l->problems))
			l->result = err_set(&l->err, ERR_INVALID, "left out");
	}
}

static inline void load(struct loaded *l, const char *text)
{
	load_bytes(l, text, strlen(text));
}

static inline void loaded_done(struct loaded *l)
{
	problems_done(&l->problems);
	arena_done(&l->arena);
}

#endif
