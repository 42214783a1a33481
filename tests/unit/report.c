/* The plan and the status as people read them, word for word; and that no secret is ever among the words. */
#include "model_host.h"

#include "report/json.h"
#include "report/report.h"

static struct buf plan;

static struct tally plan_of(struct host *h)
{
	struct rehearsal r;
	const struct desired *d = snapshot(h);
	buf_done(&plan);
	plan = BUF_INIT(65536);
	struct plan p;
	rehearse(d, h->world, NULL, &h->arena, &r);
	plan_build(&h->arena, d, h->world, &r, &p);
	plan_print(&plan, &p);
	return p.tally;
}

/* A run, and at its end the notes follow what needed no new instance, as the cycle does. */
static void apply(struct host *h)
{
	run(h);
	const struct desired *d = snapshot(h);
	for (size_t i = 0; i < h->world->goods_count; i++) {
		const struct service *s = desired_service(d, "shop", h->world->goods[i].service);
		if (s && strcmp(s->revision, h->world->goods[i].revision) == 0)
			h->world->goods[i].spec = s;
	}
}

static void set_variable(struct host *h, struct service *s, const char *name, const char *text, bool is_secret)
{
	struct value *values = own_values(h, s), map = {0}, v = value_string(text);
	v.secret = is_secret;
	for (size_t i = 0; i < values[3].count; i++)
		value_set(&h->arena, &map, values[3].keys[i], values[3].items[i]);
	value_set(&h->arena, &map, name, v);
	values[3] = map;
	snprintf(s->revision, sizeof s->revision, "%08x", (unsigned)strlen(text) * 4099u + (unsigned)text[0]);
}

static struct host *deployed(const char *name, enum strategy strategy, bool routed)
{
	struct host *h = host_new();
	add_service(h, name, "app:1", strategy, routed);
	apply(h);
	return h;
}

static void first_deployment(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	h->desired.commit = "0123456789abcdef";
	h->desired.subject = "The shop";
	struct tally t = plan_of(h);
	CHECK_INT(t.added, 1);
	CHECK_STR(plan.text,
	          "Commit 01234567 \"The shop\"\n"
	          "\n"
	          "Changes:\n"
	          "  +   shop/web  blue-green (test)\n"
	          "        image: \"app:1\"\n"
	          "\n"
	          "Steps (about 2s, 1 reload of nginx, at most 1 instance at a time):\n"
	          "   1    0.0s  shop: create network shop_default (10.231.255.0/24)\n"
	          "   2    0.1s  shop: create network shop_reconcile (10.231.0.0/24)\n"
	          "   3    0.2s  shop/web: create shop-web-1 (app:1) at 10.231.0.2\n"
	          "   4    0.3s  shop/web: start shop-web-1\n"
	          "   5    1.6s  publish routes (shop/web goes live)\n"
	          "   6    2.1s  shop/web: accept revision rev-app:\n"
	          "\n"
	          "Plan: 1 to add, 0 to change, 0 to destroy.\n");
	host_free(h);
}

static void an_upgrade_shows_each_variable_and_no_secret(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	struct service *s = service_of(h, "web");
	s->keep_old_ms = 600000;
	set_variable(h, s, "PASSWORD", "hunter1", true);
	set_variable(h, s, "SAME", "same", false);
	apply(h);
	h->world->now_ms += 700000;
	apply(h);
	set_variable(h, s, "PASSWORD", "hunter22", true);
	set_variable(h, s, "MODE", "fast", false);
	plan_of(h);
	CHECK_STR(plan.text,
	          "Changes:\n"
	          "  +/- shop/web  blue-green (test)\n"
	          "        environment.MODE: null -> \"fast\"  # forces replacement\n"
	          "        environment.PASSWORD: (secret) -> (secret)  # forces replacement\n"
	          "        the old revision is kept warm for 10m after the switch\n"
	          "\n"
	          "Steps (about 7s, 1 reload of nginx, at most 2 instances at a time):\n"
	          "   1    0.0s  shop/web: create shop-web-1 (app:1) at 10.231.0.4\n"
	          "   2    0.1s  shop/web: start shop-web-1\n"
	          "   3    1.4s  shop/web: alias shop-web-1 as web\n"
	          "   4    1.4s  publish routes (announce the next revision of shop/web)\n"
	          "   5    2.0s  shop/web: shift traffic: 100.0% to the next revision\n"
	          "   6    7.0s  shop/web: accept revision 00004072\n"
	          "   7    7.0s  shop/web: park shop-web-2\n"
	          "   8    7.1s  shop/web: unalias shop-web-2\n"
	          "\n"
	          "Plan: 1 to add, 0 to change, 0 to destroy.\n"
	          "shop/web: settled: the old revision is kept warm until 2023-11-14 22:35:17Z\n");
	CHECK(!strstr(plan.text, "hunter"));
	host_free(h);
}

static void in_place_says_downtime(void)
{
	struct host *h = deployed("db", STRATEGY_IN_PLACE, false);
	set_image(h, service_of(h, "db"), "app:2");
	plan_of(h);
	CHECK_CONTAINS(plan.text,
	               "Changes:\n"
	               "  -/+ shop/db  in-place (test): the old one stops first, downtime\n"
	               "        image: \"app:1\" -> \"app:2\"  # forces replacement\n");
	CHECK_CONTAINS(plan.text, "Plan: 1 to add, 0 to change, 1 to destroy.\n");
	host_free(h);
}

static void drift_has_a_part_of_its_own(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	find_instance(h, "shop-web-1")->state = INSTANCE_EXITED;
	struct tally t = plan_of(h);
	CHECK_INT(t.changed, 1);
	CHECK_STR(plan.text,
	          "Drift: the host differs from what was last applied, and Git did not ask for it:\n"
	          "  ~   shop/web\n"
	          "        shop-web-1 exited with code 0\n"
	          "\n"
	          "Steps (about 1s, 0 reloads of nginx, at most 1 instance at a time):\n"
	          "   1    0.0s  shop/web: start shop-web-1 (shop-web-1 exited with code 0)\n"
	          "\n"
	          "Plan: 0 to add, 1 to change, 0 to destroy.\n");
	host_free(h);
}

static void scale_is_no_drift(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	service_of(h, "web")->replicas = 3;
	plan_of(h);
	CHECK_CONTAINS(plan.text, "Changes:\n  +   shop/web  blue-green (test)\n        deploy.replicas: 1 -> 3\n\n");
	CHECK_CONTAINS(plan.text, "Plan: 2 to add, 0 to change, 0 to destroy.\n");
	apply(h);
	service_of(h, "web")->replicas = 1;
	plan_of(h);
	CHECK_CONTAINS(plan.text, "Changes:\n  -   shop/web\n        deploy.replicas: 3 -> 1\n\n");
	CHECK_CONTAINS(plan.text, "Plan: 0 to add, 0 to change, 2 to destroy.\n");
	host_free(h);
}

static void a_service_that_left_git_is_among_the_changes(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	add_service(h, "old", "app:1", STRATEGY_BLUE_GREEN, true);
	service_of(h, "old")->replicas = 2;
	apply(h);
	h->desired.projects[0].services_count = 1;
	h->desired.routes_count = 1;
	plan_of(h);
	CHECK_STR(plan.text,
	          "Changes:\n"
	          "  -   shop/old  left Git: drained, stopped and removed; its volumes stay\n"
	          "\n"
	          "Steps (about 1s, 1 reload of nginx, at most 3 instances at a time):\n"
	          "   1    0.0s  publish routes (shop/old leaves)\n"
	          "   2    0.6s  shop/old: stop shop-old-1 (drained: old nginx workers, connections)\n"
	          "   3    0.6s  shop/old: stop shop-old-2 (drained: old nginx workers, connections)\n"
	          "   4    0.9s  shop/old: remove shop-old-1\n"
	          "   5    0.9s  shop/old: remove shop-old-2\n"
	          "\n"
	          "Plan: 0 to add, 0 to change, 2 to destroy.\n");
	host_free(h);
}

static void routes_alone_are_a_change(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	h->desired.routes[0].host = "new.example.com";
	plan_of(h);
	CHECK_CONTAINS(plan.text, "Changes:\n  ~   the routes of nginx\n\n");
	CHECK_CONTAINS(plan.text, "publish routes (routes changed)");
	CHECK_CONTAINS(plan.text, "Plan: 0 to add, 1 to change, 0 to destroy.\n");
	host_free(h);
}

/* What somebody changed in nginx's files is drift, and no change of Git's. */
static void changed_files_of_nginx_are_drift(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	h->world->nginx.is_current = false;
	h->world->nginx.drift = "http.conf was changed by hand";
	plan_of(h);
	CHECK_CONTAINS(plan.text, "Drift: the host differs from what was last applied, and Git did not ask for it:\n"
	                          "  ~   nginx: http.conf was changed by hand\n\nSteps");
	CHECK_CONTAINS(plan.text, "publish routes (http.conf was changed by hand)");
	CHECK(!strstr(plan.text, "Changes:"));
	host_free(h);
}

static void changed_flags_are_drift(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	h->world->nginx.topology.services[0].is_damaged = true;
	plan_of(h);
	CHECK_CONTAINS(plan.text, "Drift: the host differs from what was last applied, and Git did not ask for it:\n"
	                          "  ~   shop/web\n        its flags were changed by hand\n\nSteps");
	CHECK(!strstr(plan.text, "Changes:"));
	host_free(h);
}

static void a_kept_revision_that_goes_is_no_change(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	service_of(h, "web")->keep_old_ms = 600000;
	set_image(h, service_of(h, "web"), "app:2");
	apply(h);
	struct tally t = plan_of(h);
	CHECK(tally_is_empty(&t));
	CHECK_CONTAINS(plan.text, "No changes.\nshop/web: settled: the old revision is kept warm until ");
	h->world->now_ms += 700000;
	t = plan_of(h);
	CHECK(tally_is_empty(&t));
	CHECK_STR(plan.text, "No changes.\nThe next run lets an old revision go that was only kept warm.\n");
	apply(h);
	plan_of(h);
	CHECK_STR(plan.text, "No changes.\n");
	host_free(h);
}

static void images_that_go_are_no_change(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	*ARENA_PUSH(&h->arena, h->world->past_images, h->world->past_images_count) =
		(struct past_image){"shop", "web", "app:2", false, "id-app:2", 0};
	*ARENA_PUSH(&h->arena, h->world->past_images, h->world->past_images_count) =
		(struct past_image){"shop", "web", "app:3", true, "id-app:3", 0};
	struct tally t = plan_of(h);
	CHECK(tally_is_empty(&t));
	CHECK_STR(plan.text, "No changes.\nThe next run lets images go that nothing needs any more:\n"
	          "  shop/web: drop image app:2 (never good, and not wanted any more)\n"
	          "  shop/web: drop image (secret) (never good, and not wanted any more)\n");
	apply(h);
	plan_of(h);
	CHECK_STR(plan.text, "No changes.\n");
	host_free(h);
}

static void a_quarantined_revision_is_said_each_time(void)
{
	struct host *h = deployed("db", STRATEGY_IN_PLACE, false);
	set_image(h, service_of(h, "db"), "app:2");
	h->exits = "rev-app:2";
	apply(h);
	h->exits = NULL;
	plan_of(h);
	CHECK_STR(plan.text, "No changes.\nshop/db: rolled back: revision rev-app: is quarantined: shop-db-2 exited with code 1\n");
	/* And when the old one has something done to it, nobody may read that as the new one coming in. */
	find_instance(h, "shop-db-1")->state = INSTANCE_EXITED;
	plan_of(h);
	CHECK_CONTAINS(plan.text, "  ~   shop/db\n        revision rev-app: is quarantined: the last good one stays\n");
	CHECK(!strstr(plan.text, "app:2"));
	host_free(h);
}

static void nothing_to_do_is_not_all_is_well(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	h->world->nginx.is_up = h->world->nginx.is_current = false;
	h->world->nginx.problem = "no master runs";
	plan_of(h);
	CHECK_STR(plan.text, "Nothing can be done now:\nshop/web: blocked: nginx: no master runs\n");
	host_free(h);
}

static void the_exit_code_is_that_of_the_worst(void)
{
	static const struct { enum phase phase; enum err_kind cause; int code; } rank[] = {
		{PHASE_SETTLED, ERR_NONE, 0}, {PHASE_KEEPING, ERR_NONE, 0}, {PHASE_PROGRESSING, ERR_NONE, 75},
		{PHASE_BLOCKED, ERR_TRANSIENT, 75}, {PHASE_ROLLED_BACK, ERR_NONE, 3}, {PHASE_BLOCKED, ERR_UNREACHABLE, 69},
		{PHASE_FAILED, ERR_INTERNAL, 1}, {PHASE_FAILED, ERR_INVALID, 1}, {PHASE_BLOCKED, ERR_CONFLICT, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rank); i++)
		for (size_t k = 0; k <= i; k++) {
			struct status two[] = {{.phase = rank[i].phase, .cause = rank[i].cause}, {.phase = rank[k].phase, .cause = rank[k].cause}};
			struct decision d = {.services = two, .services_count = 2};
			CHECK_INT(status_exit_code(&d), rank[i].code);
		}
}

static void status_has_a_line_for_each_service(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	add_service(h, "db", "app:2", STRATEGY_IN_PLACE, false);
	struct decision d;
	decide(&h->desired, h->world, &h->arena, &d);
	buf_clear(&plan);
	status_print(&plan, &h->desired, &d);
	CHECK_STR(plan.text,
	          "shop/web                       settled      rev-app:\n"
	          "shop/db                        progressing  -  creates instances\n");
	host_free(h);
}

/* What differs on an instance, found and wanted. */
static void drift_says_what_differs(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	struct instance *i = find_instance(h, "shop-web-1");
	struct value *live = arena_alloc(&h->arena, ARRAY_LEN(rows) * sizeof *live);
	memcpy(live, i->live, ARRAY_LEN(rows) * sizeof *live);
	live[2] = value_int(1 << 20);
	live[4] = value_int(50);
	i->live = live;
	i->name = "mine";
	plan_of(h);
	CHECK_CONTAINS(plan.text, "  ~   shop/web\n"
	                          "        mine: mem_limit is 1048576, wanted is 67108864\n"
	                          "        mine: pids_limit is 50, wanted is -1\n"
	                          "        shop-web-1: name is mine, wanted is shop-web-1\n"
	                          "\nSteps");
	h->world->instances_count = 0;
	plan_of(h);
	CHECK_CONTAINS(plan.text, "  +   shop/web  blue-green (test)\n        0 of 1 instances are there\n");
	host_free(h);
}

/* A canary that waits for an operator, and then is paused beside. */
static void status_shows_both_revisions(void)
{
	struct host *h = deployed("web", STRATEGY_CANARY, true);
	struct service *s = service_of(h, "web");
	static struct canary_step steps[] = {{100, 5000}, {500, HOLD_MANUAL}};
	s->steps = steps;
	s->steps_count = ARRAY_LEN(steps);
	set_image(h, s, "app:2");
	while (!traffic_of(h, "web") || traffic_of(h, "web")->weight < 100)
		run_rounds(h, 1);
	struct decision d;
	decide(&h->desired, h->world, &h->arena, &d);
	buf_clear(&plan);
	status_print(&plan, &h->desired, &d);
	CHECK_CONTAINS(plan.text, "shop/web                       progressing  rev-app:  from rev-app: to rev-app:, which has 10.0% of the "
	                          "requests, step 1 of 6");
	CHECK_CONTAINS(plan.text, ": is watched for 5s, with 10.0% of the requests (until 2023-11-14 22:13:");
	*ARENA_PUSH(&h->arena, h->world->orders, h->world->orders_count) =
		(struct order){.kind = ORDER_PAUSE, .project = "shop", .service = "web", .reason = "lunch"};
	decide(&h->desired, h->world, &h->arena, &d);
	buf_clear(&plan);
	status_print(&plan, &h->desired, &d);
	CHECK_CONTAINS(plan.text, "; paused: lunch; `reconcile resume` lets it go on\n");
	CLEANUP(buf_done) struct buf json = BUF_INIT(4096);
	json_status(&json, &h->desired, &d, h->world);
	CHECK_CONTAINS(json.text, "\"from\":\"rev-app:1\",\"to\":\"rev-app:2\",\"percent\":10,\"step\":1,\"steps\":6");
	CHECK_CONTAINS(json.text, ",\"until\":\"2023-11-14T22:13:");
	CHECK_CONTAINS(json.text, "\"paused\":\"paused: lunch; `reconcile resume` lets it go on\"");
	host_free(h);
}

/* Back to app:1, all of which is gone. */
static void a_return_to_what_was_good_is_said(void)
{
	static const struct {
		enum strategy strategy;
		const char *said;
	} cases[] = {
		{STRATEGY_ROLLING, "        revision rev-app: was good before: it comes in as soon as it is ready, without holds, steps and analysis\n"},
		{STRATEGY_IN_PLACE, "        revision rev-app: was good before: it comes in as soon as it is ready\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host *h = deployed("web", cases[i].strategy, true);
		struct decision d;
		service_of(h, "web")->batch = 1;
		set_image(h, service_of(h, "web"), "app:2");
		plan_of(h);
		CHECK(!strstr(plan.text, "good before"));
		apply(h);
		set_image(h, service_of(h, "web"), "app:1");
		plan_of(h);
		CHECK_CONTAINS(plan.text, "        image: \"app:2\" -> \"app:1\"  # forces replacement\n");
		CHECK_CONTAINS(plan.text, cases[i].said);
		CHECK_CONTAINS(plan.text, "shop/web: accept revision rev-app: (was good before: only its readiness counted)\n");
		run_rounds(h, 1);
		decide(&h->desired, h->world, &h->arena, &d);
		buf_clear(&plan);
		status_print(&plan, &h->desired, &d);
		CHECK_CONTAINS(plan.text, "  from rev-app: to rev-app: (good before), which has 0.0% of the requests, step ");
		CLEANUP(buf_done) struct buf json = BUF_INIT(4096);
		json_status(&json, &h->desired, &d, h->world);
		CHECK_CONTAINS(json.text, "\"to\":\"rev-app:1\",\"was_good\":true,\"percent\":0,");
		host_free(h);
	}
}

/* Only of a revision that nobody has tried, and where something new comes. */
static void a_smoke_test_is_said(void)
{
	static const char said[] = "        each new instance passes its smoke test before its first request: GET :8080/smoke, within 30s\n";
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	struct service *s = service_of(h, "web");
	s->smoke = (struct ready){.http_port = 8080, .path = "/smoke", .within_ms = 30000};
	s->replicas++;
	plan_of(h);
	CHECK_CONTAINS(plan.text, "to add");
	CHECK(!strstr(plan.text, "smoke"));
	apply(h);
	set_image(h, s, "app:2");
	plan_of(h);
	CHECK_CONTAINS(plan.text, said);
	CHECK_CONTAINS(plan.text, "shop/web: accept revision rev-app:\n");
	apply(h);
	set_image(h, s, "app:1");
	plan_of(h);
	CHECK_CONTAINS(plan.text, "was good before");
	CHECK(!strstr(plan.text, "smoke"));
	host_free(h);
}

/* Of all shares together; what stable did before is not of it. */
static void both_sides_of_a_rollout_are_shown(void)
{
	struct evidence seen[] = {
		{.project = "shop", .service = "web", .weight = 0, .stable = {.attempts = 9}},
		{.project = "shop", .service = "web", .weight = 50, .next = {.attempts = 3, .errors = 1}},
		{.project = "shop", .service = "api", .weight = 50},
		{.project = "shop", .service = "web", .weight = 250, .next = {.attempts = 5}, .stable = {.attempts = 10, .errors = 1}},
	};
	struct world w = {.evidence = seen, .evidence_count = ARRAY_LEN(seen)};
	seen[3].next.latency[evidence_bucket_of(1)] = 4;
	buf_clear(&plan);
	seen_print(&plan, &w);
	CHECK_STR(plan.text,
	          "shop/web                       requests     next: 8 attempts, 1 failed (12.5 %), p99 1 ms; stable: 10 attempts, 1 failed (10.0 %)\n"
	          "shop/api                       requests     next: 0 attempts, 0 failed (0.0 %); stable: 0 attempts, 0 failed (0.0 %)\n");
}

/* Whatever is a secret of the manifest: in no plan, no action and no status. */
static void secrets_are_nowhere(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:hunter2", STRATEGY_BLUE_GREEN, true);
	set_variable(h, s, "PASSWORD", "hunter2", true);
	own_values(h, s)[0].secret = true;
	plan_of(h);
	CHECK(!strstr(plan.text, "hunter2"));
	CHECK_CONTAINS(plan.text, "image: (secret)");
	apply(h);
	CHECK_CONTAINS(h->log, "shop/web: create shop-web-1 (image: secret)");
	struct value *values = own_values(h, s);
	values[2] = value_int(777);
	values[2].secret = true;
	set_variable(h, s, "PASSWORD", "", false);
	plan_of(h);
	CHECK(!strstr(plan.text, "hunter2"));
	/* A limit of the live instance is read off the engine, which knows no secrets. */
	snprintf(s->revision, sizeof s->revision, "%s", h->world->instances[0].revision);
	((struct value *)h->world->instances[0].live)[2] = value_int(666);
	plan_of(h);
	CHECK_CONTAINS(plan.text, "mem_limit (secret) -> (secret)");
	CHECK(!strstr(plan.text, "777") && !strstr(plan.text, "666"));
	host_free(h);
}

/* One thing each, however many steps; and no service is said to change. */
static void swap_has_a_part_of_its_own(void)
{
	struct swap_want want = {.file = "/swapfile", .size_bytes = 64 << 20, .swappiness = 10, .where = ""};
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	h->world->host = (struct host_state){.memory_available_bytes = 1LL << 30, .disk_free_bytes = 1LL << 40, .swappiness = 60};
	h->desired.projects[0].swap = &want;
	plan_of(h);
	CHECK_STR(plan.text,
	          "Changes:\n"
	          "  ~   vm.swappiness\n"
	          "        value: 60 -> 10\n"
	          "  +   swap file /swapfile\n"
	          "        size: null -> \"64M\"\n"
	          "\n"
	          "Steps (about 1s, 0 reloads of nginx, at most 1 instance at a time):\n"
	          "   1    0.0s  set vm.swappiness: 60 -> 10\n"
	          "   2    0.0s  make swap file /swapfile of 64M\n"
	          "\n"
	          "Plan: 1 to add, 1 to change, 0 to destroy.\n");
	apply(h);
	want.size_bytes = 96 << 20;
	plan_of(h);
	CHECK_CONTAINS(plan.text, "Changes:\n  ~   swap file /swapfile\n        size: \"64M\" -> \"96M\"\n\nSteps");
	CHECK_CONTAINS(plan.text, "Plan: 0 to add, 1 to change, 0 to destroy.\n");
	h->world->host.disk_free_bytes = 1 << 20;
	struct tally t = plan_of(h);
	CHECK(tally_is_empty(&t));
	CHECK_STR(plan.text, "Nothing can be done now:\nswap: blocked: /swapfile of 96M: the disk has 1M free, of which min_free keeps "
	                     "0B; free some, or write a smaller size\n");
	CHECK_INT(status_exit_code(&h->last), 0);
	run(h);
	CHECK_INT(status_exit_code(&h->last), 75);
	CLEANUP(buf_done) struct buf status = BUF_INIT(4096);
	status_print(&status, &h->desired, &h->last);
	CHECK_CONTAINS(status.text, "\nswap                           blocked      -  /swapfile of 96M: the disk");
	want.size_bytes = 64 << 20;
	h->world->host.swaps[0].mode = 0644;
	plan_of(h);
	CHECK_CONTAINS(plan.text, "Drift: the host differs from what was last applied, and Git did not ask for it:\n"
	                          "  ~   swap file /swapfile  its mode was 0644\n\nSteps");
	h->desired.projects[0].swap = NULL;
	plan_of(h);
	CHECK_CONTAINS(plan.text, "  -   swap file /swapfile  no manifest asks for swap any more\n");
	CHECK_CONTAINS(plan.text, "Plan: 0 to add, 1 to change, 1 to destroy.\n");
	host_free(h);
}

static const struct test tests[] = {
	TEST(first_deployment),
	TEST(an_upgrade_shows_each_variable_and_no_secret),
	TEST(in_place_says_downtime),
	TEST(drift_has_a_part_of_its_own),
	TEST(scale_is_no_drift),
	TEST(a_service_that_left_git_is_among_the_changes),
	TEST(routes_alone_are_a_change), TEST(changed_files_of_nginx_are_drift),
	TEST(changed_flags_are_drift),
	TEST(a_kept_revision_that_goes_is_no_change),
	TEST(images_that_go_are_no_change),
	TEST(a_quarantined_revision_is_said_each_time),
	TEST(nothing_to_do_is_not_all_is_well),
	TEST(the_exit_code_is_that_of_the_worst),
	TEST(status_has_a_line_for_each_service),
	TEST(status_shows_both_revisions),
	TEST(a_return_to_what_was_good_is_said),
	TEST(a_smoke_test_is_said),
	TEST(drift_says_what_differs),
	TEST(both_sides_of_a_rollout_are_shown),
	TEST(secrets_are_nowhere),
	TEST(swap_has_a_part_of_its_own),
};
TESTS_MAIN(tests)
