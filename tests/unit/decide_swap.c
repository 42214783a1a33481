/*
 * decide: the host's swap, on the model of a host. Every step keeps the promises: what is not ours is never named by an
 * action, nothing that holds more than has a place elsewhere is turned off, and a size changes with swap in use all along.
 */
#include "model_host.h"

#define MIB (1024 * 1024LL)

static struct swap_want *ask(struct host *h, const char *file, int64_t mib, int swappiness)
{
	struct swap_want *want = arena_alloc(&h->arena, sizeof *want);
	*want = (struct swap_want){.file = file, .size_bytes = mib * MIB, .swappiness = swappiness, .where = "compose.yaml:4:1"};
	h->desired.projects[0].swap = want;
	return want;
}

static struct host *with_service(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_IN_PLACE, false);
	h->world->host = (struct host_state){.memory_available_bytes = 1024 * MIB, .disk_free_bytes = 4096 * MIB,
	                                     .disk_kept_bytes = 512 * MIB, .swappiness = 60, .swappiness_before = -1};
	run(h);
	return h;
}

/* With our swap of that size in use. */
static struct host *with_swap(int64_t mib)
{
	struct host *h = with_service();
	ask(h, "/swapfile", mib, -1);
	run(h);
	return h;
}

static struct swap_file *swap_of(struct host *h, const char *path)
{
	for (size_t i = 0; i < h->world->host.swaps_count; i++)
		if (strcmp(h->world->host.swaps[i].path, path) == 0)
			return &h->world->host.swaps[i];
	return NULL;
}

static struct swap_file *put_swap(struct host *h, struct swap_file f)
{
	struct swap_file *kept = ARENA_PUSH(&h->arena, h->world->host.swaps, h->world->host.swaps_count);
	*kept = f;
	return kept;
}

/* Nothing was done, for that reason, and the service does not care. */
static void is_refused(struct host *h, enum phase phase, enum err_kind cause, const char *reason)
{
	run(h);
	CHECK_STR(h->log, "");
	CHECK_INT(h->last.host.phase, phase);
	CHECK_INT(h->last.host.cause, cause);
	CHECK_STR(h->last.host.reason, reason);
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
}

static void is_made_once(void)
{
	struct host *h = with_service();
	ask(h, "/swapfile", 2048, 10);
	run(h);
	CHECK_STR(h->log, "set vm.swappiness: 60 -> 10\nmake swap file /swapfile of 2G\n");
	CHECK_INT(h->last.host.phase, PHASE_SETTLED);
	CHECK(swap_of(h, "/swapfile")->is_active);
	nothing_left(h);
	host_free(h);
}

static void comes_with_the_first_deployment(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_IN_PLACE, false);
	h->world->host.disk_free_bytes = 4096 * MIB;
	ask(h, "/swapfile", 64, -1);
	run(h);
	const char *made = strstr(h->log, "make swap file"), *started = strstr(h->log, "start shop-web-1");
	CHECK(made && started && made < started);
	host_free(h);
}

/* At every moment one of the two is in use. */
static void another_size_comes_by_a_bridge(void)
{
	static const struct { int64_t from, to, bridge; } sizes[] = {{64, 96, 64}, {96, 48, 48}};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct host *h = with_swap(sizes[i].from);
		swap_of(h, "/swapfile")->used_bytes = 20 * MIB;
		ask(h, "/swapfile", sizes[i].to, -1);
		run(h);
		CHECK_STR(h->log, arena_printf(&h->arena,
		          "make swap file /swapfile.reconcile-bridge of %dM (to be swap while /swapfile is made anew)\n"
		          "take swap file away: /swapfile (it is made anew)\n"
		          "make swap file /swapfile of %dM\n"
		          "take swap file away: /swapfile.reconcile-bridge (it has served)\n", (int)sizes[i].bridge, (int)sizes[i].to));
		CHECK_INT(swap_of(h, "/swapfile")->size_bytes, sizes[i].to * MIB);
		nothing_left(h);
		host_free(h);
	}
}

static void a_full_disk_means_a_moment_without(void)
{
	struct host *h = with_swap(1024);
	ask(h, "/swapfile", 1100, -1);
	h->world->host.disk_free_bytes = (512 + 100) * MIB;
	run(h);
	CHECK_STR(h->log, "take swap file away: /swapfile (it is made anew, and the disk has no room for two: a moment without swap)\n"
	                  "make swap file /swapfile of 1100M\n");
	host_free(h);
	/* And then all that is swapped out must fit into memory. */
	h = with_swap(1024);
	ask(h, "/swapfile", 1100, -1);
	h->world->host.disk_free_bytes = (512 + 100) * MIB;
	h->world->host.memory_available_bytes = 100 * MIB;
	swap_of(h, "/swapfile")->used_bytes = 96 * MIB;
	is_refused(h, PHASE_BLOCKED, ERR_TRANSIENT, "/swapfile stays: 96M is swapped out to it, and memory and other swap have room for "
	                                            "95M; free some memory");
	h->world->host.memory_available_bytes = 102 * MIB;
	run(h);
	CHECK_INT(swap_of(h, "/swapfile")->size_bytes, 1100 * MIB);
	host_free(h);
}

static void drift_is_mended(void)
{
	struct host *h = with_swap(64);
	struct swap_file *f = swap_of(h, "/swapfile");
	f->is_active = false;
	f->mode = 0644;
	f->line = SWAP_LINE_CHANGED;
	run(h);
	CHECK_STR(h->log, "set swap file right: /swapfile (it was not in use; its mode was 0644; its line in /etc/fstab was not there)\n");
	/* Gone as a whole, and full of holes: made anew, as a change and no addition. */
	*swap_of(h, "/swapfile") = (struct swap_file){.path = "/swapfile", .line = SWAP_LINE_OURS};
	run(h);
	CHECK_STR(h->log, "make swap file /swapfile of 64M\n");
	CHECK(h->last.host.phase == PHASE_SETTLED);
	f = swap_of(h, "/swapfile");
	f->is_active = f->is_sound = false;
	run(h);
	CHECK_STR(h->log, "make swap file /swapfile: 64M -> 64M\n");
	host_free(h);
}

static void what_is_not_ours_is_left_alone(void)
{
	struct host *h = with_service();
	struct swap_file *f = put_swap(h, (struct swap_file){.path = "/swapfile", .is_there = true, .is_active = true, .is_sound = true,
	                                                     .mode = 0600, .size_bytes = 64 * MIB, .line = SWAP_LINE_FOREIGN});
	put_swap(h, (struct swap_file){.path = "/dev/sda2", .is_there = true, .is_active = true, .swap_bytes = 64 * MIB});
	nothing_left(h); /* no manifest asks for swap */
	ask(h, "/swapfile", 64, -1);
	is_refused(h, PHASE_BLOCKED, ERR_CONFLICT, "/swapfile is there, and is not ours: it is left alone; move it away (swapoff it first, "
	                                           "if it is swap), or write another file");
	f->is_there = f->is_active = false;
	is_refused(h, PHASE_BLOCKED, ERR_CONFLICT, "a line in /etc/fstab names /swapfile, and is not ours: remove that line, or write "
	                                           "another file");
	ask(h, "/ours", 64, -1);
	run(h);
	CHECK_STR(h->log, "make swap file /ours of 64M\n");
	h->desired.projects[0].swap = NULL;
	run(h);
	CHECK_STR(h->log, "take swap file away: /ours (no manifest asks for swap any more)\n");
	host_free(h);
}

static void the_disk_may_refuse(void)
{
	struct host *h = with_service();
	ask(h, "/swapfile", 4000, -1);
	is_refused(h, PHASE_BLOCKED, ERR_TRANSIENT, "/swapfile of 4000M: the disk has 4G free, of which min_free keeps 512M; free some, or "
	                                            "write a smaller size");
	h->world->host.disk_problem = "swap cannot be on tmpfs; write a file on a disk";
	is_refused(h, PHASE_BLOCKED, ERR_SETUP, "/swapfile: swap cannot be on tmpfs; write a file on a disk");
	h->world->host.problem = "/etc/fstab: Permission denied";
	is_refused(h, PHASE_BLOCKED, ERR_SETUP, "/etc/fstab: Permission denied");
	/* Who asks for none is not told. */
	h->desired.projects[0].swap = NULL;
	run(h);
	CHECK_INT(h->last.host.phase, PHASE_SETTLED);
	host_free(h);
}

static void what_has_no_other_place_stays(void)
{
	struct host *h = with_swap(64);
	struct swap_file *f = swap_of(h, "/swapfile");
	h->desired.projects[0].swap = NULL;
	h->world->host.memory_available_bytes = 20 * MIB;
	f->used_bytes = 20 * MIB;
	is_refused(h, PHASE_BLOCKED, ERR_TRANSIENT, "/swapfile stays: 20M is swapped out to it, and memory and other swap have room for "
	                                            "19M; free some memory");
	/* Swap in memory is no room for it, other swap is. */
	put_swap(h, (struct swap_file){.path = "/dev/zram0", .is_there = true, .is_active = true, .swap_bytes = 64 * MIB});
	run(h);
	CHECK_STR(h->log, "");
	put_swap(h, (struct swap_file){.path = "/dev/sda2", .is_there = true, .is_active = true, .swap_bytes = 64 * MIB,
	                               .used_bytes = 60 * MIB});
	run(h);
	CHECK_STR(h->log, "take swap file away: /swapfile (no manifest asks for swap any more)\n");
	host_free(h);
}

/* Nobody asks for it any more, so that no rollout is waited for; but what was started will take what it needs. */
static void what_is_starting_needs_room(void)
{
	struct host *h = with_swap(64);
	*ARENA_PUSH(&h->arena, h->desired.projects, h->desired.projects_count) = (struct project){
		.name = "stall", .directory = "/srv/stall", .file = "compose.yaml"};
	add_service_to(h, &h->desired.projects[1], "api", "app:1", STRATEGY_IN_PLACE, false);
	run(h);
	h->desired.projects[0].services_count = 0;
	h->desired.projects[0].swap = NULL;
	h->world->host.memory_available_bytes = 25 * MIB;
	swap_of(h, "/swapfile")->used_bytes = 20 * MIB;
	struct instance *web = find_instance(h, "shop-web-1");
	web->memory_bytes = 40 * MIB;
	web->passing_since_ms = 0;
	run(h);
	CHECK_STR(h->log, "");
	CHECK_CONTAINS(h->last.host.reason, "/swapfile stays: 20M is swapped out to it, and memory and other swap have room for 15.7M");
	web = find_instance(h, "shop-web-1");
	web->passing_since_ms = h->world->now_ms;
	run(h);
	CHECK_STR(h->log, "take swap file away: /swapfile (no manifest asks for swap any more)\n");
	host_free(h);
}

/* However much memory is free: what would not fit below a limit would be killed. */
static void a_memory_limit_may_refuse(void)
{
	struct host *h = with_swap(64);
	swap_of(h, "/swapfile")->used_bytes = 40 * MIB;
	h->world->host.bound_bytes = 30 * MIB;
	h->world->host.bound_most = "/sys/fs/cgroup/one";
	h->desired.projects[0].swap = NULL;
	const char *reason = "/swapfile stays: 30M of what is swapped out would be more than memory limits have room for, most of it in "
	                     "/sys/fs/cgroup/one; raise that limit, or stop what runs there";
	is_refused(h, PHASE_BLOCKED, ERR_TRANSIENT, reason);
	/* A smaller one that it does not fit into is not begun with; a smaller one that it does is. */
	ask(h, "/swapfile", 29, -1);
	is_refused(h, PHASE_BLOCKED, ERR_TRANSIENT, reason);
	ask(h, "/swapfile", 31, -1);
	run(h);
	CHECK_INT(swap_of(h, "/swapfile")->size_bytes, 31 * MIB);
	host_free(h);
}

static void another_file_first_then_the_old_one_goes(void)
{
	struct host *h = with_swap(64);
	ask(h, "/mnt/swap", 64, -1);
	run(h);
	CHECK_STR(h->log, "make swap file /mnt/swap of 64M\ntake swap file away: /swapfile (the manifest names another file)\n");
	nothing_left(h);
	host_free(h);
}

static void an_empty_or_partial_state_removes_nothing(void)
{
	struct host *h = with_swap(64);
	h->desired.projects[0].swap = NULL;
	h->desired.is_partial = true;
	nothing_left(h);
	h->desired.is_partial = false;
	size_t services = h->desired.projects[0].services_count;
	h->desired.projects[0].services_count = 0;
	nothing_left(h);
	h->desired.projects[0].services_count = services;
	run(h);
	CHECK_CONTAINS(h->log, "take swap file away: /swapfile");
	host_free(h);
}

static void helpers_go_before_their_file(void)
{
	struct host *h = with_swap(64);
	put_swap(h, (struct swap_file){.path = "/swapfile.reconcile-part", .is_there = true, .is_ours = true});
	put_swap(h, (struct swap_file){.path = "/swapfile.reconcile-bridge", .is_there = true, .is_ours = true, .is_active = true});
	h->desired.projects[0].swap = NULL;
	run(h);
	CHECK_STR(h->log, "take swap file away: /swapfile.reconcile-part (left behind by a run that was killed)\n"
	                  "take swap file away: /swapfile.reconcile-bridge (it has served)\n"
	                  "take swap file away: /swapfile (no manifest asks for swap any more)\n");
	host_free(h);
}

static void swappiness_goes_back_to_what_it_was(void)
{
	struct host *h = with_swap(64);
	ask(h, "/swapfile", 64, 10);
	run(h);
	ask(h, "/swapfile", 64, 20);
	run(h);
	CHECK_STR(h->log, "set vm.swappiness: 10 -> 20\n");
	h->world->host.swappiness = 77;
	run(h);
	CHECK_STR(h->log, "set vm.swappiness: 77 -> 20\n");
	ask(h, "/swapfile", 64, -1);
	run(h);
	CHECK_STR(h->log, "set vm.swappiness: 20 -> 60 (no manifest sets it any more)\n");
	nothing_left(h);
	/* Whoever set it since keeps what he set. */
	ask(h, "/swapfile", 64, 10);
	run(h);
	h->world->host.swappiness = 33;
	ask(h, "/swapfile", 64, -1);
	run(h);
	CHECK_INT(h->world->host.swappiness, 33);
	host_free(h);
}

/* Rollouts do not wait for memory to come back. */
static void nothing_is_taken_away_while_a_rollout_runs(void)
{
	struct host *h = with_swap(64);
	set_image(h, service_of(h, "web"), "app:2");
	h->desired.projects[0].swap = NULL;
	run(h);
	const char *away = strstr(h->log, "take swap file away"), *good = strstr(h->log, "accept revision");
	CHECK(away && good && good < away);
	host_free(h);
}

static bool host_fails(struct host *h, const struct action *a, struct err *e)
{
	(void)h;
	return action_info(a->kind)->room == ROOM_HOST && err_set(e, ERR_SETUP, "swapon: Invalid argument") < 0;
}

/* Tried once in a run; nobody else is held up. */
static void a_failure_is_said_and_holds_up_nobody(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	h->world->host.disk_free_bytes = 4096 * MIB;
	h->fails = host_fails;
	ask(h, "/swapfile", 64, -1);
	run(h);
	CHECK_INT(h->last.host.phase, PHASE_FAILED);
	CHECK_STR(h->last.host.reason, "swapon: Invalid argument");
	CHECK_INT(phase_of(h, "web"), PHASE_SETTLED);
	CHECK_INT(h->failures.count, 1);
	CHECK_INT(h->failures.items[0].attempts, 1);
	h->fails = NULL;
	run(h);
	CHECK_STR(h->log, "make swap file /swapfile of 64M\n");
	host_free(h);
}

static void a_pause_covers_it(void)
{
	struct host *h = with_service();
	ask(h, "/swapfile", 512, 10);
	struct order *pause = ARENA_PUSH(&h->arena, h->world->orders, h->world->orders_count);
	*pause = (struct order){.kind = ORDER_PAUSE, .project = "shop", .service = "", .revision = "", .reason = ""};
	run(h);
	CHECK_STR(h->log, "");
	CHECK_INT(h->last.host.phase, PHASE_WAITING);
	CHECK_STR(h->last.host.reason, "paused; `reconcile resume` lets it go on");
	pause->project = "blog"; /* another one, which asks for none */
	run(h);
	CHECK_CONTAINS(h->log, "make swap file /swapfile");
	host_free(h);
}

static const struct test tests[] = {
	TEST(is_made_once),
	TEST(comes_with_the_first_deployment),
	TEST(another_size_comes_by_a_bridge),
	TEST(a_full_disk_means_a_moment_without),
	TEST(drift_is_mended),
	TEST(what_is_not_ours_is_left_alone),
	TEST(the_disk_may_refuse),
	TEST(what_has_no_other_place_stays),
	TEST(what_is_starting_needs_room),
	TEST(a_memory_limit_may_refuse),
	TEST(another_file_first_then_the_old_one_goes),
	TEST(an_empty_or_partial_state_removes_nothing),
	TEST(helpers_go_before_their_file),
	TEST(swappiness_goes_back_to_what_it_was),
	TEST(nothing_is_taken_away_while_a_rollout_runs),
	TEST(a_failure_is_said_and_holds_up_nobody), TEST(a_pause_covers_it),
};
TESTS_MAIN(tests)
