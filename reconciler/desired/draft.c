/* One service: walk its keys by the table, then settle what several fields say together. */
#include "desired/draft.h"

#include <string.h>

#include "base/sha256.h"
#include "desired/build.h"
#include "desired/contents.h"
#include "desired/fields.h"

#define HOLD_DEFAULT_MS 5000
#define HOLD_CANARY_MS 60000
#define SPEC_MAX_BYTES (256 * 1024 * 1024) /* more than the limits on a manifest's text can come to */

static const struct field_row *table(size_t *count, size_t *public_count)
{
	return fields_table(count, public_count);
}

static bool is_below(const char *path, const char *section)
{
	size_t n = strlen(section);
	return n == 0 || (strncmp(path, section, n) == 0 && path[n] == '.');
}

/* The names that the table has directly below a section. */
static const char **names_below(struct parse *p, const char *section, size_t *count)
{
	size_t rows, shown, skip = *section ? strlen(section) + 1 : 0;
	const struct field_row *row = table(&rows, &shown);
	const char **names = NULL;
	*count = 0;
	for (size_t i = 0; i < rows; i++) {
		if (!row[i].parse || !is_below(row[i].field.path, section))
			continue;
		const char *rest = row[i].field.path + skip;
		*ARENA_PUSH(p->a, names, *count) = arena_strndup(p->a, rest, strcspn(rest, "."));
	}
	return names;
}

static bool is_ours(const char *section)
{
	return strncmp(section, "x-reconcile", 11) == 0;
}

static void unknown(struct parse *p, const struct draft *d, const struct pair *pair, const char *section)
{
	size_t count;
	const char *own = "x-reconcile", **names = names_below(p, section, &count);
	const char *dot = *section ? "." : "";
	const char *path = arena_printf(p->a, "%s%s%s", d->path, dot, section);
	if (strncmp(pair->key, "x-", 2) == 0 && !is_ours(section)) {
		if (strcmp(pair->key, own) == 0)
			parse_error(p, pair->mark, path, "x-reconcile does not belong here, but directly in the service");
		else if (nearest_name(pair->key, &own, 1))
			parse_warning(p, pair->mark, path, "'%.60s' is ignored, like every x- key that is not ours; did you mean "
			                                   "'x-reconcile'?", pair->key);
		return;
	}
	parse_unknown_key(p, pair->mark, path, arena_printf(p->a, "services.*%s%s", dot, section), pair->key, names, count);
}

static void read_section(struct parse *p, struct draft *d, const struct node *map, const char *section);

static void read_pair(struct parse *p, struct draft *d, const struct pair *pair, const char *section)
{
	size_t rows, shown;
	const struct field_row *row = table(&rows, &shown);
	const char *path = *section ? arena_printf(p->a, "%s.%s", section, pair->key) : pair->key;
	const char *full = arena_printf(p->a, "%s.%s", d->path, path);
	bool is_section = false;
	for (size_t i = 0; i < rows && !strchr(pair->key, '.'); i++) {
		if (!row[i].parse)
			continue;
		if (strcmp(row[i].field.path, path) == 0) {
			d->nodes[i] = pair->value;
			/* A broken value stays unset; the manifest is refused as a whole anyway. */
			if (parse_evaluate(p, pair->value, full) < 0 || row[i].parse(p, pair->value, full, &d->values[i]) < 0)
				d->values[i] = (struct value){0};
			return;
		}
		is_section = is_section || is_below(row[i].field.path, path);
	}
	if (is_section)
		read_section(p, d, pair->value, path);
	else
		unknown(p, d, pair, section);
}

static void read_section(struct parse *p, struct draft *d, const struct node *map, const char *section)
{
	const char *path = *section ? arena_printf(p->a, "%s.%s", d->path, section) : d->path;
	if (map->kind != NODE_MAP) {
		parse_error(p, map->mark, path, "must be a map, not %s", map->kind == NODE_SCALAR ? "one value" : "a list");
		return;
	}
	if (map->count == 0 && is_ours(section))
		parse_error(p, map->mark, path, "is empty; write something into it, or remove it");
	for (size_t i = 0; i < map->count; i++)
		read_pair(p, d, &map->pairs[i], section);
}

struct value *draft_value(struct draft *d, const char *path)
{
	return &d->values[field_index(path)];
}

static bool is_set(struct draft *d, const char *path)
{
	return draft_value(d, path)->kind != VALUE_UNSET;
}

struct mark draft_mark(const struct draft *d, const char *path)
{
	const struct node *n = d->nodes[field_index(path)];
	return n ? n->mark : d->mark;
}

/* Two spellings of one thing: either, or both and equal. */
static void settle_spellings(struct parse *p, struct draft *d)
{
	size_t rows, shown;
	const struct field_row *row = table(&rows, &shown);
	for (size_t i = shown; i < rows; i++) {
		struct value *other = &d->values[i], *own = draft_value(d, row[i].same_as);
		if (other->kind == VALUE_UNSET)
			continue;
		if (own->kind == VALUE_UNSET)
			*own = *other;
		else if (!value_equal(own, other))
			parse_error(p, d->nodes[i]->mark, arena_printf(p->a, "%s.%s", d->path, row[i].field.path),
			            "differs from %s on line %d, which means the same; write one of them", row[i].same_as,
			            draft_mark(d, row[i].same_as).line);
	}
}

static void settle_memory(struct parse *p, struct draft *d)
{
	const struct value *memory = draft_value(d, "mem_limit");
	struct value *both = draft_value(d, "memswap_limit");
	const char *path = arena_printf(p->a, "%s.memswap_limit", d->path);
	bool is_broken = memory->kind == VALUE_UNSET && (d->nodes[field_index("mem_limit")] ||
	                                                 d->nodes[field_index("deploy.resources.limits.memory")]);
	if (memory->kind == VALUE_UNSET) {
		if (both->kind != VALUE_UNSET && !is_broken)
			parse_error(p, draft_mark(d, "memswap_limit"), path,
			            "needs a memory limit beside it; write mem_limit or deploy.resources.limits.memory");
		return;
	}
	/* The engine would do the same silently; written out, it shows in the plan and drift from it is seen. */
	if (both->kind == VALUE_UNSET) {
		*both = value_int(memory->integer > INT64_MAX / 2 ? INT64_MAX : 2 * memory->integer);
		both->secret = memory->secret;
	} else if (both->integer != -1 && both->integer < memory->integer) {
		parse_error(p, draft_mark(d, "memswap_limit"), path,
		            "is less than the memory limit, but it counts memory and swap together; write at least as much");
	}
}

/* The engine takes no reservation above the limit. */
static void settle_reservation(struct parse *p, struct draft *d)
{
	const struct value *limit = draft_value(d, "mem_limit"), *reserved = draft_value(d, "mem_reservation");
	bool is_short = d->nodes[field_index("mem_reservation")] != NULL;
	const char *row = is_short ? "mem_reservation" : "deploy.resources.reservations.memory";
	if (limit->kind != VALUE_UNSET && reserved->kind != VALUE_UNSET && reserved->integer > limit->integer)
		parse_error(p, draft_mark(d, row), arena_printf(p->a, "%s.%s", d->path, row),
		            "is more than the memory limit; write at most as much");
}

/* deploy.restart_policy says the same as restart, and comes first, as in Compose. */
static void settle_restart(struct parse *p, struct draft *d)
{
	static const char *const rows[] = {"condition", "max_attempts", "delay", "window"};
	const struct value *condition = draft_value(d, "deploy.restart_policy.condition");
	struct value *attempts = draft_value(d, "deploy.restart_policy.max_attempts"), *restart = draft_value(d, "restart");
	const struct node *said = NULL;
	for (size_t i = 0; i < ARRAY_LEN(rows) && !said; i++)
		said = d->nodes[field_index(arena_printf(p->a, "deploy.restart_policy.%s", rows[i]))];
	if (!said)
		return;
	struct value wanted = condition->kind == VALUE_UNSET ? value_string("always") : *condition;
	if (strcmp(wanted.string, "on-failure") == 0 && attempts->kind == VALUE_INT && attempts->integer > 0)
		wanted.string = arena_printf(p->a, "on-failure:%lld", (long long)attempts->integer);
	if (restart->kind != VALUE_UNSET && !value_equal(restart, &wanted))
		parse_warning(p, draft_mark(d, "restart"), arena_printf(p->a, "%s.restart", d->path),
		              "deploy.restart_policy on line %d says something else, and comes first", said->mark.line);
	*restart = wanted;
	*draft_value(d, "deploy.restart_policy.condition") = *attempts = (struct value){0}; /* they live on in restart */
}

static void settle_environment(struct parse *p, struct draft *d)
{
	struct value *files = draft_value(d, "env_file");
	if (files->kind == VALUE_LIST && !p->is_left_alone)
		env_files_read(p, d->nodes[field_index("env_file")], arena_printf(p->a, "%s.env_file", d->path), files,
		               draft_value(d, "environment"));
	*files = (struct value){0}; /* they live on in the environment */
}

static void settle_networks(struct parse *p, struct draft *d)
{
	const struct value *mode = draft_value(d, "network_mode"), *ports = draft_value(d, "ports");
	struct value *networks = draft_value(d, "networks");
	const struct node *n = d->nodes[field_index("networks")];
	const char *path = arena_printf(p->a, "%s.network_mode", d->path);
	bool is_alone = mode->kind == VALUE_STRING && strcmp(mode->string, "bridge") != 0;
	if (mode->kind == VALUE_STRING && n && n->count)
		parse_error(p, draft_mark(d, "network_mode"), path, "stands beside networks, and the two do not go together; remove one of them");
	if (mode->kind == VALUE_UNSET && (!n || !n->count))
		*networks = networks_default(p);
	if (is_alone && ports->kind != VALUE_UNSET)
		parse_error(p, draft_mark(d, "ports"), arena_printf(p->a, "%s.ports", d->path),
		            "nothing is published with network_mode %s; remove one of them", mode->string);
	const char *asks = is_set(d, "x-reconcile.ready.http.port") || is_set(d, "x-reconcile.ready.tcp.port") ? "ready"
	                   : is_set(d, "x-reconcile.smoke.http.port") ? "smoke" : NULL;
	if (address_kind(mode) == ADDRESS_NONE && asks)
		parse_error(p, draft_mark(d, "network_mode"), path, "with %s there is no address to probe; write a healthcheck "
		                                                 "instead of x-reconcile.%s", mode->string, asks);
	ports_expose(p, ports, draft_value(d, "expose"));
}

/* A second instance beside the first could not start. */
static void settle_fixed(struct parse *p, struct draft *d)
{
	const struct value *replicas = draft_value(d, "deploy.replicas");
	if (ports_are_fixed(draft_value(d, "ports"))) {
		d->fixed = "a fixed host port";
		d->fixed_path = "ports";
	} else if (networks_are_fixed(draft_value(d, "networks"))) {
		d->fixed = "a fixed address";
		d->fixed_path = "networks";
	}
	if (d->fixed && replicas->kind == VALUE_INT && replicas->integer > 1)
		parse_error(p, draft_mark(d, d->fixed_path), arena_printf(p->a, "%s.%s", d->path, d->fixed_path),
		            "several instances cannot share %s; %s", d->fixed,
		            strcmp(d->fixed_path, "ports") == 0 ? "let nginx lead to them, or write a range like 8080-8083:80"
		                                                : "remove the address");
}

static void settle_healthcheck(struct parse *p, struct draft *d)
{
	struct value *disable = draft_value(d, "healthcheck.disable"), *test = draft_value(d, "healthcheck.test");
	if (disable->kind == VALUE_BOOL && disable->boolean) {
		*test = (struct value){0};
		value_push(p->a, test, value_string("NONE"));
	}
	*disable = (struct value){0}; /* it lives on in the test */
	d->service.has_healthcheck = test->kind == VALUE_LIST && strcmp(test->items[0].string, "NONE") != 0;
}

/* The first key that the manifest writes below that section; NULL: none. */
static const char *written_below(const struct draft *d, const char *section)
{
	size_t rows, shown;
	const struct field_row *row = table(&rows, &shown);
	for (size_t i = 0; i < shown; i++)
		if (is_below(row[i].field.path, section) && d->nodes[i])
			return row[i].field.path;
	return NULL;
}

/* What is said of a probe at `http` needs its port; so does all else of the section that is nothing without. */
static void settle_probe(struct parse *p, struct draft *d, const char *http, const char *section)
{
	const char *written = written_below(d, section);
	if (written && !d->nodes[field_index(arena_printf(p->a, "%s.port", http))])
		parse_error(p, draft_mark(d, written), arena_printf(p->a, "%s.%s", d->path, http),
		            "has no port; write the port inside the container, like port: 8080");
}

static void settle_dependencies(struct parse *p, struct draft *d)
{
	const struct value *v = draft_value(d, "depends_on");
	for (size_t i = 0; i < v->count; i++) {
		const char *word = value_get(&v->items[i], "condition")->string;
		struct dependency made = {.service = v->keys[i], .condition = CONDITION_STARTED};
		made.is_optional = value_get(&v->items[i], "optional") != NULL;
		made.restarts = value_get(&v->items[i], "restart") != NULL;
		if (strcmp(word, "service_healthy") == 0)
			made.condition = CONDITION_HEALTHY;
		else if (strcmp(word, "service_completed_successfully") == 0)
			made.condition = CONDITION_COMPLETED;
		*ARENA_PUSH(p->a, d->service.dependencies, d->service.dependencies_count) = made;
	}
}

/* The typed members, by the table. */
static void fill_members(struct draft *d)
{
	size_t rows, shown;
	const struct field_row *row = table(&rows, &shown);
	for (size_t i = 0; i < shown; i++) {
		const struct value *v = &d->values[i];
		char *member = (char *)&d->service + row[i].offset;
		if (v->kind == VALUE_UNSET)
			continue;
		if (row[i].member == MEMBER_STRING)
			*(const char **)(void *)member = v->string;
		else if (row[i].member == MEMBER_INT)
			*(int *)(void *)member = (int)v->integer;
		else if (row[i].member == MEMBER_INT64)
			*(int64_t *)(void *)member = v->integer;
	}
}

static bool is_good_name(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == 0;
}

bool draft_read(struct parse *p, const char *project, const struct pair *pair, struct draft *out)
{
	size_t rows, shown, before = p->errors;
	table(&rows, &shown);
	*out = (struct draft){.service = {.project = project, .name = pair->key}, .mark = pair->mark};
	out->path = arena_printf(p->a, "services.%.60s", pair->key);
	out->values = arena_alloc(p->a, rows * sizeof *out->values);
	out->nodes = arena_alloc(p->a, rows * sizeof *out->nodes);
	p->mounts = (struct mounts){0};
	if (!is_good_name(pair->key)) {
		parse_error(p, pair->mark, "services", "'%.60s' is no service name; use letters, digits, '.', '_' and '-'", pair->key);
		return false;
	}
	read_section(p, out, pair->value, "");
	out->service.volumes = p->mounts.volumes;
	out->service.volumes_count = p->mounts.volumes_count;
	out->is_writing = p->mounts.are_writable;
	out->writing_mark = p->mounts.writable_mark;
	if (!p->is_left_alone)
		build_settle(p, out);
	/* After another mistake it may well be this one: imagge, bulid. */
	if (p->errors == before && !draft_value(out, "build")->kind && !out->service.build && draft_value(out, "image")->kind == VALUE_UNSET &&
	    !out->nodes[field_index("extends")])
		parse_error(p, pair->mark, out->path, "has no image; write one, like image: nginx:1.27, or a folder to build it from, like build: .");
	settle_spellings(p, out);
	settle_memory(p, out);
	settle_reservation(p, out);
	settle_restart(p, out);
	settle_environment(p, out);
	settle_networks(p, out);
	settle_fixed(p, out);
	settle_healthcheck(p, out);
	settle_probe(p, out, "x-reconcile.ready.http", "x-reconcile.ready.http");
	settle_probe(p, out, "x-reconcile.smoke.http", "x-reconcile.smoke");
	settle_dependencies(p, out);
	kept_settle(p, (struct value *const[2]){draft_value(out, "secrets"), draft_value(out, "configs")}, draft_value(out, "secrets_and_configs"));
	contents_settle(p, draft_value(out, "volumes"), draft_value(out, "volume_content"));
	return p->errors == before;
}

/* --- what follows --- */

static void settle_image(struct parse *p, struct draft *d)
{
	const struct value *policy = draft_value(d, "pull_policy");
	if (d->service.image)
		d->service.image = image_in_engine(p->a, d->service.image);
	if (d->service.build) {
		if (policy->kind == VALUE_STRING && strcmp(policy->string, "always") == 0)
			parse_warning(p, draft_mark(d, "pull_policy"), arena_printf(p->a, "%s.pull_policy", d->path),
			              "is about what is pulled, and this is built; build.pull asks for the newest base image");
		d->service.pull = PULL_NEVER; /* nobody else has it */
	} else if (policy->kind == VALUE_STRING && strcmp(policy->string, "missing") != 0)
		d->service.pull = strcmp(policy->string, "always") == 0 ? PULL_ALWAYS : PULL_NEVER;
}

/* One container has one name. Where old and new stand side by side, theirs are numbered and the name is an alias of all. */
static void settle_name(struct parse *p, struct draft *d)
{
	const struct service *s = &d->service;
	if (!s->container_name)
		return;
	if (s->replicas > 1)
		parse_error(p, draft_mark(d, "container_name"), arena_printf(p->a, "%s.container_name", d->path),
		            "several instances cannot share one name; remove it, or one instance must do");
	else if (s->strategy != STRATEGY_IN_PLACE && !is_set(d, "network_mode"))
		networks_add_alias(p, draft_value(d, "networks"), s->container_name);
}

static void default_to(int64_t *member, struct draft *d, const char *path, int64_t value)
{
	if (!is_set(d, path))
		*member = value;
}

/* A strategy that runs the old and the new at once was asked for: can it? */
static void check_strategy(struct parse *p, struct draft *d, bool stops_first)
{
	struct service *s = &d->service;
	const char *path = arena_printf(p->a, "%s.x-reconcile.strategy", d->path), *name = strategy_names[s->strategy];
	if (!s->is_routed)
		parse_error(p, draft_mark(d, "x-reconcile.strategy"), path,
		            "%s moves traffic, and no route leads to %s; add one under x-reconcile.routes at the top level, "
		            "or write in-place", name, s->name);
	else if (d->fixed)
		parse_error(p, draft_mark(d, d->fixed_path), path,
		            "%s runs the old and the new %s at once, and both cannot have %s; remove it, or write in-place", name, s->name,
		            d->fixed);
	else if (stops_first)
		parse_error(p, draft_mark(d, "deploy.update_config.order"), path,
		            "%s starts the new %s first, and deploy.update_config.order says stop-first; remove one of them", name, s->name);
	else if (d->is_writing)
		parse_warning(p, d->writing_mark, path,
		              "%s runs the old and the new %s at once on a volume that both can write to", name, s->name);
}

static void settle_strategy(struct parse *p, struct draft *d)
{
	struct service *s = &d->service;
	const struct value *chosen = draft_value(d, "x-reconcile.strategy"), *order = draft_value(d, "deploy.update_config.order");
	bool stops_first = order->kind == VALUE_STRING && strcmp(order->string, "stop-first") == 0;
	const char *alone = d->is_writing ? "a writable volume" : d->fixed ? d->fixed : stops_first ? "stop-first" : NULL;
	if (chosen->kind == VALUE_UNSET) {
		s->strategy = s->is_routed && !alone ? STRATEGY_ROLLING : STRATEGY_IN_PLACE;
		s->strategy_reason = alone ? alone : s->is_routed ? "routed" : "no route leads to it";
		return;
	}
	for (size_t i = 0; i < STRATEGY_COUNT; i++)
		if (strcmp(chosen->string, strategy_names[i]) == 0)
			s->strategy = (enum strategy)i;
	s->strategy_reason = "set in the manifest";
	if (s->strategy != STRATEGY_IN_PLACE)
		check_strategy(p, d, stops_first);
}

void draft_route(struct arena *a, struct draft *d, bool is_udp, int port)
{
	struct value *ports = draft_value(d, is_udp ? "routed_udp_ports" : "routed_ports");
	if (ports_have(ports, port))
		return;
	value_push(a, ports, value_int(port));
	for (size_t i = ports->count - 1; i > 0 && ports->items[i - 1].integer > port; i--) {
		ports->items[i] = ports->items[i - 1];
		ports->items[i - 1] = value_int(port);
	}
}

static void settle_ready(struct parse *p, struct draft *d)
{
	struct service *s = &d->service;
	struct ready *r = &s->ready;
	if (!r->path)
		r->path = "/";
	const struct value *ports = draft_value(d, "routed_ports");
	if (ports->count && !r->http_port && !r->tcp_port && !s->has_healthcheck)
		parse_warning(p, d->mark, d->path, "only a TCP connect to port %d tells whether it is ready; write "
		                                   "x-reconcile.ready.http to ask the application itself", (int)ports->items[0].integer);
	bool is_checked = ports->count || r->http_port || r->tcp_port || s->has_healthcheck;
	default_to(&r->within_ms, d, "x-reconcile.ready.within", 60000);
	default_to(&r->for_ms, d, "x-reconcile.ready.for", is_checked ? 1000 : 10000);
	default_to(&s->smoke.within_ms, d, "x-reconcile.smoke.within", 30000);
	if (r->for_ms > r->within_ms)
		parse_error(p, draft_mark(d, is_set(d, "x-reconcile.ready.for") ? "x-reconcile.ready.for" : "x-reconcile.ready.within"),
		            arena_printf(p->a, "%s.x-reconcile.ready", d->path),
		            "`for` is longer than `within`, so it could never become ready; make `within` the longer one");
}

/* What Compose means by it, and is done otherwise here. */
static void say_ignored(struct parse *p, struct draft *d, const char *key, const char *instead)
{
	if (d->nodes[field_index(key)])
		parse_warning(p, draft_mark(d, key), arena_printf(p->a, "%s.%s", d->path, key), "is not followed: %s", instead);
}

/* How many of all that say so: 0 and too many are all of them. */
static int batch_of(const struct service *s, const struct value *parallel, int otherwise)
{
	int most = s->replicas > 0 ? s->replicas : 1, n = parallel->kind == VALUE_UNSET ? otherwise : (int)parallel->integer;
	return n == 0 || n > most ? most : n;
}

/* The way back: the traffic first, and without a hold. */
static void settle_back(struct parse *p, struct draft *d)
{
	static const char waits[] = "the way back waits for nothing but what must be ready", ends[] = "from the way back there is none";
	struct service *s = &d->service;
	const char *does = s->strategy == STRATEGY_IN_PLACE ? "stop-first" : "start-first";
	const struct value *order = draft_value(d, "deploy.rollback_config.order");
	s->back_batch = batch_of(s, draft_value(d, "deploy.rollback_config.parallelism"), s->batch);
	if (order->kind == VALUE_STRING && strcmp(order->string, does) != 0)
		say_ignored(p, d, "deploy.rollback_config.order",
		            arena_printf(p->a, "%s is %s, on the way back as on the way there", strategy_names[s->strategy], does));
	say_ignored(p, d, "deploy.rollback_config.delay", waits);
	say_ignored(p, d, "deploy.rollback_config.monitor", waits);
	say_ignored(p, d, "deploy.rollback_config.failure_action", ends);
	say_ignored(p, d, "deploy.rollback_config.max_failure_ratio", ends);
}

/* How many at a time, and how long each batch is watched. */
static void settle_update(struct parse *p, struct draft *d)
{
	struct service *s = &d->service;
	const struct value *delay = draft_value(d, "deploy.update_config.delay"), *watch = draft_value(d, "deploy.update_config.monitor");
	const struct value *action = draft_value(d, "deploy.update_config.failure_action");
	s->batch = batch_of(s, draft_value(d, "deploy.update_config.parallelism"), 1);
	bool is_said = delay->kind == VALUE_INT || watch->kind == VALUE_INT;
	int64_t hold_ms = delay->integer > watch->integer ? delay->integer : watch->integer;
	default_to(&s->hold_ms, d, "x-reconcile.hold", is_said ? hold_ms : s->strategy == STRATEGY_CANARY ? HOLD_CANARY_MS : HOLD_DEFAULT_MS);
	if (action->kind == VALUE_STRING && strcmp(action->string, "rollback") != 0)
		parse_warning(p, draft_mark(d, "deploy.update_config.failure_action"),
		              arena_printf(p->a, "%s.deploy.update_config.failure_action", d->path),
		              "'%s' is taken as rollback: a revision that fails always goes back", action->string);
	say_ignored(p, d, "deploy.update_config.max_failure_ratio", "one instance that fails is enough to go back");
	settle_back(p, d);
}

static void settle_analysis(struct parse *p, struct draft *d)
{
	struct service *s = &d->service;
	analysis_take(s);
	if (s->strategy == STRATEGY_IN_PLACE && is_set(d, "x-reconcile.analysis") && s->analysis.is_on)
		parse_error(p, draft_mark(d, "x-reconcile.analysis"), arena_printf(p->a, "%s.x-reconcile.analysis", d->path),
		            "compares the new revision with the old one, and in-place never has both; add strategy: canary, or remove it");
}

void draft_settle(struct parse *p, struct draft *d)
{
	size_t rows, shown;
	struct service *s = &d->service;
	table(&rows, &shown);
	s->is_routed = d->is_routed;
	s->has_testers = d->has_testers;
	s->replicas = 1;
	s->rollback_window = 3;
	if (!is_set(d, "restart")) /* written out, so that drift from it is seen */
		*draft_value(d, "restart") = value_string("no");
	fill_members(d);
	draft_reach(p, d);
	settle_image(p, d);
	settle_strategy(p, d);
	settle_name(p, d);
	settle_update(p, d);
	s->is_job = d->is_completed_for;
	s->may_end = s->is_job || (!s->is_routed && strcmp(draft_value(d, "restart")->string, "no") == 0 &&
	                           !s->has_healthcheck && !written_below(d, "x-reconcile.ready") &&
	                           !written_below(d, "x-reconcile.smoke"));
	settle_ready(p, d);
	default_to(&s->keep_old_ms, d, "x-reconcile.keep_old", s->strategy == STRATEGY_BLUE_GREEN || s->strategy == STRATEGY_CANARY ? 600000 : 0);
	default_to(&s->drain_timeout_ms, d, "x-reconcile.drain_timeout", 65000);
	default_to(&s->stop_grace_ms, d, "stop_grace_period", 10000);
	size_t count;
	s->spec = (struct spec){.rows = fields_rows(&count), .values = d->values, .count = shown};
	spec_revision(&s->spec, s->revision);
	steps_settle(p, d);
	settle_analysis(p, d);
}

void draft_follow(struct arena *a, struct draft *d)
{
	struct value *follows = draft_value(d, "depends_on_revisions");
	for (size_t i = 0; i < d->service.dependencies_count; i++)
		for (size_t k = 0; k < d->needs_count && d->service.dependencies[i].restarts; k++)
			if (strcmp(d->needs[k]->service.name, d->service.dependencies[i].service) == 0)
				value_set(a, follows, d->needs[k]->service.name, value_string(arena_strdup(a, d->needs[k]->service.revision)));
	if (follows->count)
		spec_revision(&d->service.spec, d->service.revision);
}

void spec_revision(const struct spec *spec, char *out)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(SPEC_MAX_BYTES);
	char hex[SHA256_HEX_SIZE];
	for (size_t i = 0; i < spec->count; i++) {
		const struct field *f = spec->rows[i];
		if (spec->values[i].kind == VALUE_UNSET || f->change == CHANGE_NONE)
			continue;
		/* restart is always set, so that it never makes a difference. */
		buf_puts(&text, f->path);
		if (f->change == CHANGE_REPLACE) {
			buf_puts(&text, "=");
			value_print(&text, &spec->values[i], false);
		}
		buf_puts(&text, "\n");
	}
	sha256_hex(text.text, text.length, hex);
	memcpy(out, hex, REVISION_LENGTH);
	out[REVISION_LENGTH] = 0;
}
