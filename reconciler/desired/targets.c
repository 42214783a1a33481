/* Which services a run is about. The one thing to know: services stand behind what they depend on. */
#include "desired/targets.h"

#include <string.h>

#include "desired/parse.h"

bool targets_spare(const struct project *p)
{
	bool is_spared = p->keeps_gone;
	for (size_t i = 0; i < p->services_count; i++)
		is_spared = is_spared && p->services[i].is_left_alone;
	return is_spared;
}

/* Takes in all that the target names; false when there is no such thing. */
static bool take(struct desired *d, const char *target)
{
	bool is_any = false;
	for (size_t i = 0; i < d->projects_count; i++) {
		struct project *p = &d->projects[i];
		size_t n = strlen(p->name);
		if (strncmp(target, p->name, n) != 0 || (target[n] && target[n] != '/'))
			continue;
		if (!target[n]) {
			p->keeps_gone = false;
			is_any = true;
		}
		for (size_t k = 0; k < p->services_count; k++)
			if (!target[n] || strcmp(target + n + 1, p->services[k].name) == 0) {
				p->services[k].is_left_alone = false;
				is_any = true;
			}
	}
	return is_any;
}

static void take_needed(struct project *p)
{
	/* Either all of it or nothing. */
	for (size_t i = 0; p->is_atomic && !targets_spare(p) && i < p->services_count; i++)
		p->services[i].is_left_alone = false;
	for (size_t i = p->services_count; i-- > 0;)
		for (size_t k = 0; !p->services[i].is_left_alone && k < p->services[i].dependencies_count; k++)
			for (size_t n = 0; n < i; n++)
				if (strcmp(p->services[n].name, p->services[i].dependencies[k].service) == 0)
					p->services[n].is_left_alone = false;
}

static int unknown(const struct desired *d, const char *target, size_t left_out, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	const char **names = NULL;
	size_t count = 0;
	for (size_t i = 0; i < d->projects_count; i++) {
		const struct project *p = &d->projects[i];
		*ARENA_PUSH(&a, names, count) = p->name;
		for (size_t k = 0; k < p->services_count; k++)
			*ARENA_PUSH(&a, names, count) = arena_printf(&a, "%s/%s", p->name, p->services[k].name);
	}
	if (left_out)
		return err_set(e, ERR_INVALID, "--target %.100s: there is no such project or service among the manifests that are right; "
		               "mend those that are not", target);
	const char *near = nearest_name(target, names, count);
	return err_set(e, ERR_USAGE, "--target %.100s: there is no such project or service%s%s%s", target,
	               near ? "; did you mean '" : "; write PROJECT or PROJECT/SERVICE, as `reconcile status` shows them",
	               near ? near : "", near ? "'?" : "");
}

int targets_mark(const struct settings *s, struct desired *d, size_t left_out, struct err *e)
{
	if (!s->targets_count)
		return 0;
	/* The host is no service's: it stays as it is, too. */
	d->is_partial = true;
	for (size_t i = 0; i < d->projects_count; i++) {
		d->projects[i].keeps_gone = true;
		d->projects[i].swap = NULL;
		for (size_t k = 0; k < d->projects[i].services_count; k++)
			d->projects[i].services[k].is_left_alone = true;
	}
	for (size_t i = 0; i < s->targets_count; i++)
		if (!take(d, s->targets[i]))
			return unknown(d, s->targets[i], left_out, e);
	for (size_t i = 0; i < d->projects_count; i++)
		take_needed(&d->projects[i]);
	return 0;
}
