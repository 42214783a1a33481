/* The simulator's desired state in Compose's words; its revisions' habits as variables of the test's application. */
#include "manifest.h"

#define FASTER 25 /* times */

static enum behaviour behaviour_of(const struct simulation *s, const struct service *one)
{
	return s->behaviours[service_index(one->name)][one->image[strlen(one->image) - 1] - '1'];
}

bool manifest_ends(const struct simulation *s, int service)
{
	for (int i = 0; i < IMAGES_COUNT; i++)
		if (s->behaviours[service][i] == EXITS || s->behaviours[service][i] == OUT_OF_MEMORY)
			return true;
	return s->schedule->setups[service].is_job;
}

static bool fails_smoke(const struct simulation *s, const struct service *one)
{
	return s->smoke_after_ms[service_index(one->name)][one->image[strlen(one->image) - 1] - '1'] == SMOKE_FAILS;
}

static void print_habits(struct buf *out, const struct simulation *s, const struct service *one)
{
	int64_t slow_ms = s->schedule->setups[service_index(one->name)].slow_ms;
	buf_printf(out, "    environment: {START_DELAY_MS: \"%d\"", (int)(slow_ms / FASTER));
	switch (behaviour_of(s, one)) {
	case BEHAVES: case BEHAVIOUR_COUNT: break;
	case NEVER_READY: case FLAPS: case GETS_SICK: buf_puts(out, ", HEALTH: fail"); break;
	case EXITS: case OUT_OF_MEMORY: buf_printf(out, ", EXIT_AFTER_MS: \"%d\"", (int)s->sick_after_ms); break;
	}
	buf_puts(out, one->smoke.http_port && fails_smoke(s, one) ? ", SMOKE: fail}\n" : "}\n");
}

static void print_dependencies(struct buf *out, const struct service *one)
{
	static const char *const words[] = {"service_started", "service_healthy", "service_completed_successfully"};
	for (size_t i = 0; i < one->dependencies_count; i++)
		buf_printf(out, "%s%s: {condition: %s}%s", i ? ", " : "    depends_on: {", one->dependencies[i].service,
		           words[one->dependencies[i].condition], i + 1 < one->dependencies_count ? "" : "}\n");
}

static void print_steps(struct buf *out, const struct service *one)
{
	buf_puts(out, "      steps: [");
	for (size_t i = 0; i < one->steps_count; i++) {
		const struct canary_step *step = &one->steps[i];
		buf_printf(out, "%s{weight: %d, ", i ? ", " : "", step->weight / 10);
		if (step->instances && step->instances <= one->replicas)
			buf_printf(out, "instances: %d, ", step->instances);
		if (step->hold_ms == HOLD_MANUAL)
			buf_puts(out, "hold: manual}");
		else
			buf_printf(out, "hold: %dms}", (int)(step->hold_ms / FASTER));
	}
	buf_puts(out, "]\n");
}

static void print_rollout(struct buf *out, const struct service *one)
{
	/* Without a route there is no traffic to move: Git must not ask for it. */
	enum strategy strategy = one->is_routed ? one->strategy : STRATEGY_IN_PLACE;
	buf_printf(out, "    x-reconcile:\n      strategy: %s\n      keep_old: %dms\n      rollback_window: %d\n      drain_timeout: 3s\n",
	           strategy_names[strategy], (int)(one->keep_old_ms / FASTER), one->rollback_window);
	if (one->is_job)
		return;
	buf_printf(out, "      hold: %dms\n      ready: {http: {port: 8080, path: /health}, within: 3s, for: 100ms}\n",
	           (int)(one->hold_ms / FASTER));
	if (one->smoke.http_port)
		buf_puts(out, "      smoke: {http: {port: 8080, path: /smoke}, within: 1s}\n");
	if (strategy == STRATEGY_CANARY)
		buf_printf(out, "      analysis: {on_inconclusive: %s}\n", inconclusive_names[one->analysis.on_inconclusive]);
	if (strategy == STRATEGY_ROLLING && one->pause_after && one->pause_after * one->batch < one->replicas)
		buf_printf(out, "      pause_after: %d\n", one->pause_after);
	if ((strategy == STRATEGY_CANARY || strategy == STRATEGY_BLUE_GREEN) && one->steps_count)
		print_steps(out, one);
}

static void print_service(struct buf *out, const struct simulation *s, const struct service *one)
{
	const struct value *values = one->spec.values;
	buf_printf(out, "  %s:\n    image: %s\n    restart: \"%s\"\n    mem_limit: %lld\n    stop_grace_period: 2s\n", one->name,
	           one->image, values[1].string, (long long)values[2].integer);
	buf_printf(out, "    deploy: {replicas: %d, update_config: {parallelism: %d, order: %s}}\n", one->replicas, one->batch,
	           one->strategy == STRATEGY_IN_PLACE || !one->is_routed ? "stop-first" : "start-first");
	if (one->is_job)
		buf_puts(out, "    command: [/app, well]\n");
	if (one->has_healthcheck)
		buf_puts(out, "    healthcheck: {test: [CMD, /web, --probe, \"http://127.0.0.1:8080/health\"], interval: 300ms, "
		              "timeout: 2s, retries: 2}\n");
	print_habits(out, s, one);
	print_dependencies(out, one);
	print_rollout(out, one);
}

/* Of the simulator's projects this is the first: what two of them have to do with each other is no business of the model. */
void manifest_print(struct buf *out, const struct simulation *s)
{
	const struct project *p = &s->host.desired.projects[0];
	const struct desired *d = &s->host.desired;
	bool is_empty = s->is_manifest_empty[0];
	size_t routes = 0;
	buf_puts(out, s->is_manifest_broken[0] ? "nonsense:\nname: shop\nservices:" : "name: shop\nservices:");
	buf_puts(out, p->services_count && !is_empty ? "\n" : " {}\n");
	for (size_t i = 0; i < p->services_count && !is_empty; i++)
		print_service(out, s, &p->services[i]);
	buf_puts(out, "x-reconcile:\n  routes:");
	for (size_t i = 0; i < d->routes_count && !is_empty; i++)
		if (strcmp(d->routes[i].project, p->name) == 0)
			buf_printf(out, "%s    - {host: %s, %sto: \"%s:8080\"}\n", routes++ ? "" : "\n", d->routes[i].host,
			           d->routes[i].in.testers ? "testers: header:X-Testers, " : "", d->routes[i].service);
	buf_puts(out, routes ? "" : " []\n");
}
