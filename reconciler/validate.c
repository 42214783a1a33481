/* `reconcile validate`: the manifests alone; neither Docker nor nginx nor notes are looked at. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cycle.h"
#include "desired/load.h"
#include "report/json.h"

static void print_projects(const struct desired *d)
{
	for (size_t i = 0; i < d->projects_count; i++) {
		size_t routes = 0;
		for (size_t k = 0; k < d->routes_count; k++)
			routes += strcmp(d->routes[k].project, d->projects[i].name) == 0;
		printf("%s: project %s is valid: %zu %s, %zu %s\n", d->projects[i].file, d->projects[i].name,
		       d->projects[i].services_count, d->projects[i].services_count == 1 ? "service" : "services", routes,
		       routes == 1 ? "route" : "routes");
	}
}

int cycle_validate(const struct settings *s, const struct cycle_options *o)
{
	struct err e;
	CLEANUP(arena_done) struct arena arena = {0};
	CLEANUP(buf_done) struct buf out = BUF_INIT(4 * 1024 * 1024);
	struct loaded loaded;
	CLEANUP(problems_done) struct problems problems = PROBLEMS_INIT;
	int result = desired_load(s, LOAD_CHECK, &arena, &loaded, &problems, &e);
	if (result == 0 && loaded.git.kind != ERR_NONE)
		log_warning("%s; this is about commit %.8s, fetched earlier", loaded.git.message, loaded.commit.id);
	if (result < 0)
		loaded.desired.projects_count = 0; /* whatever was begun */
	if (o->is_json) {
		json_validation(&out, &loaded.desired, problems.text.text, problems.warnings.text, result < 0 ? &e : NULL);
		fputs(out.text, stdout);
	} else {
		fputs(problems.warnings.text, stderr);
		fputs(problems.text.text, stderr);
		print_projects(&loaded.desired);
	}
	if (result < 0)
		log_error("%s", e.message);
	return result < 0 ? err_info(e.kind)->exit_code : loaded.left_out ? err_info(ERR_INVALID)->exit_code : 0;
}
