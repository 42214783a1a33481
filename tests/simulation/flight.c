/*
 * Actions of the engine that take their time while the tool looks and decides anew, as docker_begin() has it. The one
 * thing to know: until it has landed nothing of it is done, and decide is told to take the worse of before and after for
 * granted (model_under_way).
 */
#include "simulation.h"

#define TICKS_MAX 12

/* Drawn from the schedule's seed, for each action that is begun: half of them are done at once, but for a stop. */
static int draw_ticks(struct simulation *s, enum action_kind kind)
{
	uint64_t x = (s->schedule->seed + 1) * 0x9e3779b97f4a7c15u + s->begun++ * 0xd1342543de82ef95u;
	x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u;
	x ^= x >> 32;
	return x & 1 || kind == ACTION_STOP ? 1 + (int)((x >> 1) % TICKS_MAX) : 0;
}

bool flight_waits(const struct simulation *s, const struct action *a)
{
	for (size_t i = 0; i < s->flights_count && action_info(a->kind)->room == ROOM_DOCKER; i++) {
		const struct flight *f = &s->flights[i];
		if ((f->decision != s->decision && action_is_of_same(a, &f->action)) || action_must_follow(a, &f->action))
			return true;
	}
	return false;
}

bool flight_begins(struct simulation *s, const struct action *a, enum fate fate)
{
	int ticks = action_info(a->kind)->room == ROOM_DOCKER ? draw_ticks(s, a->kind) : 0;
	if (!ticks || fate == FATE_DIES_BEFORE || fate == FATE_DIES_AFTER || fate == FATE_DIES_HALF)
		return false;
	*ARENA_PUSH(&s->host.arena, s->flights, s->flights_count) =
		(struct flight){.action = *a, .fate = fate, .ticks = ticks, .began_ms = s->real->now_ms, .decision = s->decision,
		                .is_disturbed = s->host.world != s->real};
	return true;
}

static void land(struct simulation *s, size_t at)
{
	struct flight *f = arena_alloc(&s->host.arena, sizeof *f);
	*f = s->flights[at];
	for (s->flights_count--; at < s->flights_count; at++)
		s->flights[at] = s->flights[at + 1];
	if (!f->is_disturbed && !s->broken)
		s->broken = promise_of_landing(s, &f->action);
	finish_action(s, &f->action, f->fate, f->began_ms);
}

void flights_go_on(struct simulation *s)
{
	for (size_t i = 0; i < s->flights_count;) {
		if (--s->flights[i].ticks > 0)
			i++;
		else
			land(s, i);
	}
}

void flights_land(struct simulation *s)
{
	while (s->flights_count)
		land(s, 0);
}

void flights_are_left(struct simulation *s)
{
	for (size_t i = 0; i < s->flights_count; i++)
		*ARENA_PUSH(&s->host.arena, s->lates, s->lates_count) = (struct late){s->flights[i].action, s->flights[i].ticks};
	s->flights_count = 0;
}

void flights_are_disturbed(struct simulation *s)
{
	for (size_t i = 0; i < s->flights_count; i++)
		s->flights[i].is_disturbed = true;
}

void flights_break_off(struct simulation *s)
{
	for (size_t i = 0; i < s->flights_count; i++)
		s->flights[i].fate = FATE_FAILED;
}

struct world *flights_view(struct simulation *s)
{
	struct world *view = world_copy(&s->host.arena, s->real);
	for (size_t i = 0; i < s->flights_count; i++)
		model_under_way(view, &s->flights[i].action, &s->host.arena);
	return view;
}
