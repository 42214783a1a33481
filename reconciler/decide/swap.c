/*
 * The host's swap file. The one thing to know: a file in use can neither grow nor shrink, and the kernel lets nobody move
 * it. So one of another size comes by way of a bridge: a second file is swap while the first is made anew.
 *
 * One step at a time, each read off what is: a run that is killed anywhere is gone on with by the next.
 */
#include <string.h>

#include "decide/pass.h"

#define MARGIN 20 /* a twentieth of the room stays free */

static const struct swap_file *find(const struct pass *p, const char *path)
{
	static const struct swap_file nothing;
	for (size_t i = 0; i < p->world->host.swaps_count; i++)
		if (strcmp(p->world->host.swaps[i].path, path) == 0)
			return &p->world->host.swaps[i];
	return &nothing;
}

static void refuse(struct pass *p, enum phase phase, enum err_kind cause, const char *reason)
{
	p->out->host.phase = phase;
	p->out->host.cause = cause;
	p->out->host.reason = reason;
}

static const char *size(struct pass *p, int64_t bytes)
{
	return size_text(bytes > 0 ? bytes : 0, arena_alloc(p->arena, SIZE_TEXT));
}

/* What failed in this run is tried again by the next one, and said by this one. */
static void act(struct pass *p, enum action_kind kind, struct swap_change change, const char *reason)
{
	const char *object = kind == ACTION_SWAPPINESS ? "vm.swappiness" : change.file;
	for (size_t i = 0; i < p->world->failures_count; i++) {
		const struct failure *f = &p->world->failures[i];
		if (!f->service && strcmp(f->object, object) == 0) {
			refuse(p, PHASE_FAILED, f->kind, f->message);
			return;
		}
	}
	struct swap_change *kept = arena_alloc(p->arena, sizeof *kept);
	*kept = change;
	struct action *a = pass_action(p, kind, NULL, NULL);
	a->swap = kept;
	a->reason = reason;
}

/* Other swap that is in use, and is not itself in memory. */
static int64_t free_swap_beside(const struct pass *p, const struct swap_file *f)
{
	int64_t room = 0;
	for (size_t i = 0; i < p->world->host.swaps_count; i++) {
		const struct swap_file *other = &p->world->host.swaps[i];
		if (other->is_active && other != f && strncmp(other->path, "/dev/zram", 9) != 0)
			room += other->swap_bytes - other->used_bytes;
	}
	return room;
}

/* Has what is swapped out to it a place to go, with so much more swap beside it? If not, the status says why. */
static bool can_empty(struct pass *p, const struct swap_file *f, int64_t more)
{
	const struct host_state *h = &p->world->host;
	int64_t swap = free_swap_beside(p, f) + more, room = h->memory_available_bytes + swap;
	int64_t bound = h->bound_bytes < f->used_bytes ? h->bound_bytes : f->used_bytes;
	room -= room / MARGIN + capacity_promised(p);
	if (f->used_bytes > room)
		refuse(p, PHASE_BLOCKED, ERR_TRANSIENT,
		       arena_printf(p->arena, "%s stays: %s is swapped out to it, and memory and other swap have room for %s; free some "
		                              "memory", f->path, size(p, f->used_bytes), size(p, room)));
	else if (bound > swap)
		refuse(p, PHASE_BLOCKED, ERR_TRANSIENT,
		       arena_printf(p->arena, "%s stays: %s of what is swapped out would be more than memory limits have room for, most of "
		                              "it in %s; raise that limit, or stop what runs there", f->path, size(p, bound), h->bound_most));
	else
		return true;
	return false;
}

/* Taking swap away may take long, and rollouts must not wait for it: only when nothing else is going on. */
static void let_go(struct pass *p, const struct swap_file *f, bool is_step, const char *reason)
{
	if (f->is_active && (p->out->actions_count || p->out->wait_until_ms))
		return;
	if (!f->is_active || can_empty(p, f, 0))
		act(p, ACTION_SWAP_OFF, (struct swap_change){.file = f->path, .is_step = is_step}, reason);
}

/* A line of ours, however somebody changed it. */
static bool has_line(const struct swap_file *f)
{
	return f->line == SWAP_LINE_OURS || f->line == SWAP_LINE_CHANGED;
}

/* All of ours but the wanted one, one at a time. Returns true when there are none. */
static bool let_others_go(struct pass *p, const char *wanted, const char *reason)
{
	const struct swap_file *next = NULL;
	for (size_t i = 0; i < p->world->host.swaps_count; i++) {
		const struct swap_file *f = &p->world->host.swaps[i];
		if (!(f->is_there ? f->is_ours : has_line(f)) || (wanted && strcmp(f->path, wanted) == 0))
			continue;
		/* Helpers first: it is the line of the file itself that leads to them. */
		if (!next || (swap_is_helper(f->path) && !swap_is_helper(next->path)))
			next = f;
	}
	if (!next)
		return true;
	if (swap_is_helper(next->path))
		reason = next->is_active ? "it has served" : "left behind by a run that was killed";
	let_go(p, next, swap_is_helper(next->path), reason);
	return false;
}

/* Is there a disk, with room for that much more? */
static bool has_disk(const struct pass *p, int64_t more)
{
	const struct host_state *h = &p->world->host;
	return !h->disk_problem && more <= h->disk_free_bytes - h->disk_kept_bytes;
}

static void refuse_for_disk(struct pass *p, const struct swap_want *want)
{
	const struct host_state *h = &p->world->host;
	if (h->disk_problem)
		refuse(p, PHASE_BLOCKED, ERR_SETUP, arena_printf(p->arena, "%s: %s", want->file, h->disk_problem));
	else
		refuse(p, PHASE_BLOCKED, ERR_TRANSIENT,
		       arena_printf(p->arena, "%s of %s: the disk has %s free, of which min_free keeps %s; free some, or write a smaller "
		                              "size", want->file, size(p, want->size_bytes), size(p, h->disk_free_bytes),
		                    size(p, h->disk_kept_bytes)));
}

static void mend(struct pass *p, const struct swap_file *f)
{
	const char *mode = f->mode == 0600 ? "" : arena_printf(p->arena, "its mode was 0%03o; ", (unsigned)f->mode);
	const char *line = f->line == SWAP_LINE_OURS ? "" : "its line in /etc/fstab was not there; ";
	const char *use = f->is_active ? "" : "it was not in use; ";
	const char *all = arena_printf(p->arena, "%s%s%s", use, mode, line);
	size_t length = strlen(all);
	if (length)
		act(p, ACTION_SWAP_MEND, (struct swap_change){.file = f->path, .is_unused = !f->is_active},
		    arena_strndup(p->arena, all, length - 2));
}

/* It is in use, and of another size. */
static void replace(struct pass *p, const struct swap_want *want, const struct swap_file *f)
{
	const char *name = arena_printf(p->arena, "%s" SWAP_BRIDGE, want->file);
	struct swap_change bridge = {.file = name, .is_bridge = true, .is_step = true,
	                             .size_bytes = f->size_bytes < want->size_bytes ? f->size_bytes : want->size_bytes};
	if (find(p, name)->is_active)
		let_go(p, f, true, "it is made anew");
	else if (has_disk(p, want->size_bytes) && can_empty(p, f, bridge.size_bytes))
		act(p, ACTION_SWAP_MAKE, bridge, arena_printf(p->arena, "to be swap while %s is made anew", want->file));
	else if (has_disk(p, want->size_bytes))
		return; /* more is swapped out than would find a place */
	else if (has_disk(p, want->size_bytes - f->size_bytes))
		let_go(p, f, true, "it is made anew, and the disk has no room for two: a moment without swap");
	else
		refuse_for_disk(p, want);
}

static void keep(struct pass *p, const struct swap_want *want)
{
	const struct swap_file *f = find(p, want->file);
	if (f->is_there && !f->is_ours) {
		refuse(p, PHASE_BLOCKED, ERR_CONFLICT,
		       arena_printf(p->arena, "%s is there, and is not ours: it is left alone; move it away (swapoff it first, if it is "
		                              "swap), or write another file", want->file));
		return;
	}
	if (f->line == SWAP_LINE_FOREIGN) {
		refuse(p, PHASE_BLOCKED, ERR_CONFLICT,
		       arena_printf(p->arena, "a line in /etc/fstab names %s, and is not ours: remove that line, or write another file",
		                    want->file));
		return;
	}
	if (f->is_active && f->size_bytes != want->size_bytes) {
		replace(p, want, f);
		return;
	}
	if (!f->is_active && !(f->is_there && f->is_sound && f->size_bytes == want->size_bytes)) {
		if (!has_disk(p, want->size_bytes - f->size_bytes))
			refuse_for_disk(p, want);
		else
			act(p, ACTION_SWAP_MAKE, (struct swap_change){.file = want->file, .size_bytes = want->size_bytes,
			                                              .before_bytes = f->size_bytes, .is_step = has_line(f)}, NULL);
		return;
	}
	mend(p, f);
	if (f->is_active)
		let_others_go(p, want->file, "the manifest names another file");
}

static void decide_swappiness(struct pass *p, int wanted)
{
	const struct host_state *h = &p->world->host;
	if (wanted >= 0 && (h->swappiness != wanted || !h->is_swappiness_kept || h->swappiness_kept != wanted)) {
		/* Whoever reads our file later learns what was there before us, not what we set ourselves. */
		int before = h->is_swappiness_kept ? h->swappiness_before : h->swappiness;
		act(p, ACTION_SWAPPINESS, (struct swap_change){.from = h->swappiness, .to = wanted, .is_kept = true, .before = before},
		    h->swappiness == wanted ? "to be kept" : NULL);
	} else if (wanted < 0 && h->is_swappiness_kept) {
		bool is_ours = h->swappiness == h->swappiness_kept && h->swappiness_before >= 0;
		act(p, ACTION_SWAPPINESS,
		    (struct swap_change){.from = h->swappiness, .to = is_ours ? h->swappiness_before : h->swappiness},
		    "no manifest sets it any more");
	}
}

/* A state that is broken, empty or only a part takes nothing away: what it does not show may be what asks for swap. */
static bool may_remove(const struct pass *p)
{
	size_t services = 0;
	for (size_t i = 0; i < p->desired->projects_count; i++)
		services += p->desired->projects[i].services_count;
	return services > 0 && !p->desired->is_partial;
}

/* A pause of everything, or of a project that asks for swap. */
static const struct order *find_pause(struct pass *p)
{
	const struct order *pause = pass_pause(p, "", "");
	for (size_t i = 0; i < p->desired->projects_count && !pause; i++)
		if (p->desired->projects[i].swap)
			pause = pass_pause(p, p->desired->projects[i].name, "");
	return pause;
}

void swap_decide(struct pass *p)
{
	size_t before = p->out->actions_count;
	const struct order *pause = find_pause(p);
	const struct swap_want *want = desired_swap(p->desired);
	if (want)
		p->out->host.service = "swap";
	if (p->world->host.problem) {
		if (want)
			refuse(p, PHASE_BLOCKED, ERR_SETUP, p->world->host.problem);
		return;
	}
	if (!want && !may_remove(p))
		return;
	decide_swappiness(p, want ? want->swappiness : -1);
	if (want)
		keep(p, want);
	else if (!let_others_go(p, NULL, "no manifest asks for swap any more"))
		p->out->host.service = "swap";
	if (pause && p->out->actions_count > before) {
		p->out->actions_count = before;
		p->out->host.service = "swap";
		refuse(p, PHASE_WAITING, ERR_NONE, pass_paused_text(p, pause));
	}
}
