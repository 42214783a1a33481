/*
 * decide against chance: commits, failures of every kind and misfortunes of instances and nginx in random order, each
 * action checked against the promises. Then the trouble ends, and the host must come to what Git says, and stay there.
 * A failure prints its seed and everything that happened; `test-decide-random converges SEED [LAST]` plays those seeds.
 */
#include "model_host.h"

static unsigned roll(struct host *h, unsigned sides)
{
	h->seed = h->seed * 1664525u + 1013904223u;
	return (h->seed >> 8) % sides;
}

static void say(struct host *h, const char *what, const char *who)
{
	buf_printf(&h->trace, "%8.2f * %s %s\n", (double)(h->world->now_ms - 1700000000000) / 1000, what, who ? who : "-");
}

/* One action in six fails while there is trouble, in any way. */
static bool fail_by_chance(struct host *h, const struct action *a, struct err *e)
{
	static const enum err_kind kinds[] = {ERR_TRANSIENT, ERR_TRANSIENT, ERR_UNREACHABLE, ERR_CONFLICT, ERR_INVALID, ERR_INTERNAL};
	if (roll(h, 6) || action_info(a->kind)->room == ROOM_NOTES)
		return false;
	return err_set(e, kinds[roll(h, ARRAY_LEN(kinds))], "by chance") < 0;
}

static const char *const images[] = {"app:1", "app:2", "app:3"};
static const char *const revisions[] = {NULL, NULL, "rev-app:1", "rev-app:2", "rev-app:3"};

static void change_git(struct host *h, struct service *s)
{
	struct value *values;
	say(h, "a commit changes", s->name);
	switch (roll(h, 6)) {
	case 0: case 1: case 2: set_image(h, s, images[roll(h, 3)]); break;
	case 3: s->replicas = 1 + (int)roll(h, 3); break;
	case 4:
		values = own_values(h, s);
		values[2] = value_int((int64_t)(1 + roll(h, 3)) << 26);
		break;
	case 5:
		s->keep_old_ms = (int64_t)roll(h, 2) * 30000;
		s->hold_ms = (int64_t)roll(h, 2) * 5000;
		break;
	}
}

static void hurt_instance(struct host *h, struct instance *i)
{
	struct world *w = h->world;
	static const enum instance_state states[] = {INSTANCE_EXITED, INSTANCE_EXITED, INSTANCE_RESTARTING, INSTANCE_PAUSED, INSTANCE_DEAD};
	unsigned how = roll(h, 10);
	say(h, how < 5 ? "stops by itself, or hangs:" : how < 7 ? "removed by hand:" : how < 9 ? "changed by hand:"
	       : "taken off its network:", i->name);
	if (how < 5) {
		if (i->state != INSTANCE_RUNNING && states[how] != INSTANCE_DEAD)
			return;
		i->state = states[how];
		i->exit_code = 137;
		i->restart_count += i->state == INSTANCE_RESTARTING;
		i->passing_since_ms = 0;
	} else if (how < 7) {
		*i = w->instances[--w->instances_count];
	} else if (how == 7) {
		i->address = "";
	} else if (how == 9) {
		lose_network(h, i);
	} else if (i->live) {
		struct value *live = arena_alloc(&h->arena, ARRAY_LEN(rows) * sizeof *live);
		memcpy(live, i->live, ARRAY_LEN(rows) * sizeof *live);
		live[2] = value_int(1 << 20);
		i->live = live;
	}
}

static void hurt_nginx(struct host *h)
{
	struct nginx *n = &h->world->nginx;
	unsigned how = roll(h, 9);
	say(h, "nginx", (const char *const[]){"is down", "is back", "is back", "lost its files", "is not current", "drains",
	                                     "is announcing", "lost its flags", "has half its flags"}[how]);
	switch (how) {
	case 0: n->is_up = n->is_current = false; n->problem = "no master runs"; break;
	case 1: case 2: n->is_up = true; break;
	case 3: n->topology = (struct topology){0}; n->is_current = false; break;
	case 4: n->is_current = false; break;
	case 5: n->draining_workers = 1; break;
	case 6: n->is_announcing = true; break;
	case 7:
		for (size_t i = 0; i < n->topology.services_count; i++)
			n->topology.services[i].weight = 0;
		break;
	case 8:
		for (size_t i = 0; i < n->topology.services_count; i++)
			n->topology.services[i].is_damaged = true;
		break;
	}
}

/* An operator says something. */
static void give_order(struct host *h)
{
	struct world *w = h->world;
	const struct service *s = &h->desired.projects[0].services[roll(h, 6)];
	unsigned what = roll(h, 5);
	say(h, (const char *const[]){"promote", "abort", "pause", "resume", "resume"}[what], s->name);
	if (what > 2) {
		w->orders_count = 0;
		return;
	}
	*ARENA_PUSH(&h->arena, w->orders, w->orders_count) = (struct order){
		.kind = (enum order_kind)what, .project = "shop", .service = what == 2 && roll(h, 3) == 0 ? "" : s->name, .revision = s->revision,
		.weight = (int)roll(h, PERMILLE + 1), .until_ms = roll(h, 2) ? w->now_ms + roll(h, 60000) : 0, .reason = ""};
	if (what < 2) /* it speaks of the revision of that moment */
		w->orders[w->orders_count - 1].revision = arena_strdup(&h->arena, s->revision);
}

/* One thing that nobody asked for. */
static void misfortune(struct host *h)
{
	struct world *w = h->world;
	switch (roll(h, 13)) {
	case 0: case 1: case 2: case 3: change_git(h, &h->desired.projects[0].services[roll(h, 6)]); break;
	case 4: say(h, "never ready:", h->never_ready = revisions[roll(h, 5)]); break;
	case 5: say(h, "exits:", h->exits = revisions[roll(h, 5)]); break;
	case 6: case 7: case 8:
		if (w->instances_count)
			hurt_instance(h, &w->instances[roll(h, (unsigned)w->instances_count)]);
		break;
	case 9: hurt_nginx(h); break;
	case 12: give_order(h); break;
	case 10:
		say(h, "retry", NULL);
		w->quarantines_count = 0;
		w->are_notes_lost = false;
		break;
	case 11:
		switch (roll(h, 4)) {
		case 0: say(h, "networks removed", NULL), w->networks_count = 0; break;
		case 1: say(h, "images removed", NULL), w->images_count /= 2; break;
		case 2: say(h, "notes lost", NULL), w->are_notes_lost = true, w->goods_count = w->quarantines_count = w->past_goods.count = 0; break;
		case 3: h->fails = h->fails ? NULL : fail_by_chance; say(h, h->fails ? "actions fail" : "actions work", NULL); break;
		}
		break;
	}
	behave(h);
}

static struct host *random_host(unsigned seed)
{
	struct host *h = host_new();
	h->seed = seed;
	add_service(h, "db", "app:1", STRATEGY_IN_PLACE, false);
	add_service(h, "api", "app:1", STRATEGY_IN_PLACE, true);
	add_service(h, "worker", "app:1", STRATEGY_BLUE_GREEN, false);
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "front", "app:1", STRATEGY_ROLLING, true)->batch = 1 + (int)roll(h, 2);
	static struct canary_step steps[] = {{100, 0}, {500, 5000}};
	struct service *lab = add_service(h, "lab", "app:1", STRATEGY_CANARY, true);
	lab->steps = steps;
	lab->steps_count = ARRAY_LEN(steps);
	h->desired.projects[0].is_atomic = roll(h, 4) == 0;
	depends_on(h, "api", "db", CONDITION_STARTED);
	service_of(h, "worker")->has_healthcheck = roll(h, 2);
	if (service_of(h, "worker")->has_healthcheck)
		depends_on(h, "web", "worker", CONDITION_HEALTHY);
	return h;
}

/* What hung has been restarted by somebody, and nothing fails any more. */
static void trouble_ends(struct host *h)
{
	say(h, "the trouble ends", NULL);
	h->never_ready = h->exits = NULL;
	h->fails = NULL;
	h->world->are_notes_lost = false;
	h->world->orders_count = 0;
	h->world->nginx.is_up = true;
	h->world->nginx.draining_workers = 0;
	for (size_t i = 0; i < h->world->instances_count; i++) {
		struct instance *in = &h->world->instances[i];
		if (in->state == INSTANCE_RESTARTING)
			in->state = INSTANCE_RUNNING;
		in->restart_count = 0;
		if (in->state == INSTANCE_RUNNING) {
			in->passing_since_ms = h->world->now_ms;
			in->failing_since_ms = 0;
		}
	}
}

static void play(unsigned seed)
{
	struct host *h = random_host(seed);
	for (int i = 0; i < 14 && !check_failures; i++) {
		misfortune(h);
		if (roll(h, 4))
			run_rounds(h, 1 + (int)roll(h, 12));
		else
			run(h);
	}
	trouble_ends(h);
	for (int i = 0; i < 5 && !check_failures; i++) {
		run(h);
		h->world->now_ms += 100000;
		if (i < 3)
			h->world->quarantines_count = 0;
	}
	if (!check_failures)
		nothing_left(h);
	for (size_t i = 0; i < h->last.services_count && !check_failures; i++) {
		const struct status *s = &h->last.services[i];
		if (s->phase != PHASE_SETTLED)
			fprintf(stderr, "%s is %s: %s\n", s->service, phase_name(s->phase), s->reason);
		CHECK(s->phase == PHASE_SETTLED);
	}
	for (size_t i = 0; i < h->world->instances_count && !check_failures; i++)
		for (size_t k = 0; k < h->world->instances[i].endpoints_count; k++)
			CHECK(h->world->instances[i].endpoints[k].is_there && h->world->instances[i].endpoints[k].has_alias);
	if (check_failures)
		fprintf(stderr, "seed %u:\n%s", seed, h->trace.text);
	host_free(h);
}

static unsigned first_seed = 1, last_seed = 1400;

static void whatever_happens_it_converges(void)
{
	for (unsigned seed = first_seed; seed <= last_seed && !check_failures; seed++)
		play(seed);
}

static const struct test tests[] = {
	TEST(whatever_happens_it_converges),
};

int main(int argc, char **argv)
{
	if (argc > 2)
		first_seed = last_seed = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		last_seed = (unsigned)strtoul(argv[3], NULL, 10);
	return check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL);
}
