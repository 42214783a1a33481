/* `reconcile validate`: the manifests alone; neither Docker nor nginx nor notes are looked at. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cycle.h"
#include "desired/load.h"

int cycle_validate(const struct settings *s, const struct cycle_options *o)
{
	(void)o;
	struct err e;
	CLEANUP(arena_done) struct arena arena = {0};
	struct loaded loaded;
	CLEANUP(problems_done) struct problems problems = PROBLEMS_INIT;
	int result = desired_load(s, LOAD_PEEK, &arena, &loaded, &problems, &e);
	if (result == 0 && loaded.git.kind != ERR_NONE)
		log_warning("%s; this is about commit %.8s, fetched earlier", loaded.git.message, loaded.commit.id);
	const struct desired *d = &loaded.desired;
	fputs(problems.warnings.text, stderr);
	fputs(problems.text.text, stderr);
	for (size_t i = 0; result == 0 && i < d->projects_count; i++) {
		size_t routes = 0;
		for (size_t k = 0; k < d->routes_count; k++)
			routes += strcmp(d->routes[k].project, d->projects[i].name) == 0;
		printf("%s: project %s is valid: %zu %s, %zu %s\n", d->projects[i].file, d->projects[i].name,
		       d->projects[i].services_count, d->projects[i].services_count == 1 ? "service" : "services", routes,
		       routes == 1 ? "route" : "routes");
	}
	if (result < 0)
		log_error("%s", e.message);
	return result < 0 ? err_info(e.kind)->exit_code : loaded.left_out ? err_info(ERR_INVALID)->exit_code : 0;
}
