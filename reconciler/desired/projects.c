/* Several manifests, one desired state. */
#include "desired/projects.h"

#include <string.h>

static void check_names(const struct desired *parts, size_t count, bool *is_out, struct problems *p)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct project *one = &parts[j].projects[0], *other = &parts[i].projects[0];
			if (strcmp(one->name, other->name) != 0)
				continue;
			is_out[i] = is_out[j] = true;
			p->count++;
			buf_printf(&p->text, "%s: name: the project '%s' stands in %s, too; give one of them another name\n", other->where,
			           other->name, one->where);
			break;
		}
	}
}

static void add(const struct desired *part, struct arena *a, struct desired *out)
{
	*ARENA_PUSH(a, out->projects, out->projects_count) = part->projects[0];
	for (size_t i = 0; i < part->routes_count; i++)
		*ARENA_PUSH(a, out->routes, out->routes_count) = part->routes[i];
}

size_t projects_join(const struct desired *parts, size_t count, bool *is_out, struct arena *a, struct desired *out,
                     struct problems *p)
{
	struct desired all = {0};
	size_t left_out = 0, at = 0;
	memset(is_out, 0, count * sizeof *is_out);
	check_names(parts, count, is_out, p);
	for (size_t i = 0; i < count; i++)
		if (!is_out[i])
			add(&parts[i], a, &all);
	bool *is_bad = arena_alloc(a, (all.projects_count + 1) * sizeof *is_bad);
	manifest_conflicts(&all, p, is_bad);
	for (size_t i = 0; i < count; i++) {
		if (!is_out[i])
			is_out[i] = is_bad[at++];
		left_out += is_out[i];
		if (!is_out[i])
			add(&parts[i], a, out);
	}
	return left_out;
}
