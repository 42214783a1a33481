/* Drawing schedules. */
#include "schedule.h"

#include <stdio.h>

#include "draw.h"
#include "happen.h"

static void draw_service(struct setup *s, uint64_t *state, int index)
{
	*s = (struct setup){
		.strategy = roll(state, STRATEGY_COUNT), .is_routed = roll(state, 4) != 0, .has_healthcheck = roll(state, 3) == 0,
		.replicas = 1 + (int)roll(state, 4), .batch = 1 + (int)roll(state, 2), .hold_ms = roll(state, 3) ? 5000 : 0,
		.keep_old_ms = roll(state, 2) ? 30000 : 0, .slow_ms = roll(state, 2) ? 0 : roll(state, 8000), .depends_on = -1,
		.condition = CONDITION_STARTED,
	};
	s->canary_hold_ms = roll(state, 3) ? 3000 : HOLD_MANUAL;
	s->rollback_window = (int)roll(state, 4);
	s->is_analysed = roll(state, 2);
	s->min_requests = s->is_analysed && roll(state, 2) ? 1 + roll(state, 60) : 0;
	if (index == 0 && roll(state, 6) == 0) {
		s->is_job = true;
		s->is_routed = s->has_healthcheck = false;
		s->strategy = STRATEGY_IN_PLACE;
		s->replicas = 1;
		s->slow_ms = 0;
	}
	if (index > 0 && roll(state, 2) == 0)
		s->depends_on = (int)roll(state, (unsigned)index);
	s->project = (int)roll(state, 3) == 0;
	s->use_mib = s->is_job ? 0 : 8 + (int)roll(state, 45);
}

/* Of every other schedule, and drawn by themselves: the rest of them, and the others, are what they were without. */
static void draw_options(struct schedule *s)
{
	static const enum inconclusive often[] = {INCONCLUSIVE_PAUSE, INCONCLUSIVE_PAUSE, INCONCLUSIVE_PROMOTE, INCONCLUSIVE_ABORT};
	uint64_t state = ~s->seed;
	s->has_options = s->seed % 2;
	for (int i = 0; i < s->services && s->has_options; i++) {
		struct setup *one = &s->setups[i];
		one->is_dark = roll(&state, 4) == 0;
		one->dark_instances = (int)roll(&state, (unsigned)one->replicas + 1);
		one->pause_after = roll(&state, 4) ? 0 : 1 + (int)roll(&state, 2);
		one->on_inconclusive = often[roll(&state, ARRAY_LEN(often))];
	}
}

/* Of every other schedule only half of what may happen is part: so the rare meet each other more often. Returns the sum. */
static unsigned draw_odds(uint64_t *state, unsigned *odds)
{
	bool is_of_few = roll(state, 2);
	unsigned all = 0;
	for (unsigned i = 0; i < happenings_count; i++) {
		odds[i] = is_of_few && roll(state, 2) ? 0 : happenings[i].odds;
		all += odds[i];
	}
	return all;
}

void schedule_draw(struct schedule *s, uint64_t seed, int steps)
{
	uint64_t state = seed;
	unsigned odds[HAPPENINGS_MAX], all = draw_odds(&state, odds);
	s->seed = seed;
	s->services = 1 + (int)roll(&state, SERVICES_MAX);
	for (int i = 0; i < s->services; i++) {
		struct setup *one = &s->setups[i];
		draw_service(one, &state, i);
		if (one->depends_on >= 0) {
			const struct setup *other = &s->setups[one->depends_on];
			one->condition = other->is_job ? CONDITION_COMPLETED : other->has_healthcheck ? CONDITION_HEALTHY : CONDITION_STARTED;
			one->project = other->project;
		}
	}
	for (int i = 0; i < PROJECTS_MAX; i++)
		s->is_atomic[i] = roll(&state, 4) == 0;
	uint64_t apart = seed ^ 0x5a5a5a5a5a5a5a5a; /* so that all else is drawn as it was without */
	for (int i = 0; i < s->services; i++)
		s->setups[i].has_smoke = roll(&apart, 2) && !s->setups[i].is_job;
	draw_options(s);
	for (int i = 0; i < s->services; i++)
		s->setups[i].has_testers = roll(&apart, 2) && s->setups[i].is_dark;
	s->memory_mib = roll(&state, 3) ? (int)roll(&state, 300) : 0;
	s->steps_count = steps;
	for (int i = 0; i < steps; i++) {
		unsigned at = roll(&state, all), what = 0;
		while (at >= odds[what])
			at -= odds[what++];
		s->steps[i] = (struct step){what, roll(&state, 3) ? roll(&state, 14) : 0, roll(&state, 1u << 16), roll(&state, 1u << 16),
		                            roll(&state, 1u << 16)};
	}
}

void schedule_print(const struct schedule *s)
{
	static const char *const conditions[] = {"started", "healthy", "completed"};
	fprintf(stderr, "  %d MiB of memory left; atomic: %s%s\n", s->memory_mib, s->is_atomic[0] ? "shop " : "",
	        s->is_atomic[1] ? "stall" : "");
	for (int i = 0; i < s->services; i++) {
		const struct setup *one = &s->setups[i];
		fprintf(stderr, "  %s/%s: %d MiB, %s, replicas %d, batch %d, hold %dms, keep_old %dms, window %d, ready after %dms%s%s%s%s%s, of %d requests",
		        project_names[one->project], service_names[i], one->use_mib, strategy_names[one->strategy], one->replicas,
		        one->batch, (int)one->hold_ms, (int)one->keep_old_ms, one->rollback_window,
		        (int)one->slow_ms, one->is_routed ? ", routed" : "", one->has_healthcheck ? ", health check" : "",
		        one->is_job ? ", a job" : "", one->has_smoke ? ", smoke test" : "", one->is_analysed ? ", analysed" : "", (int)one->min_requests);
		if (one->is_dark)
			fprintf(stderr, ", %d in the dark%s", one->dark_instances, one->has_testers ? " for testers" : "");
		if (one->pause_after)
			fprintf(stderr, ", pause after %d", one->pause_after);
		if (one->on_inconclusive)
			fprintf(stderr, ", inconclusive: %s", inconclusive_names[one->on_inconclusive]);
		if (one->depends_on >= 0)
			fprintf(stderr, ", after %s (%s)", service_names[one->depends_on], conditions[one->condition]);
		fputs("\n", stderr);
	}
	for (int i = 0; i < s->steps_count; i++)
		fprintf(stderr, "  after %u: %s (%u %u %u)\n", s->steps[i].after, happenings[s->steps[i].what].name, s->steps[i].who,
		        s->steps[i].how, s->steps[i].size);
}
