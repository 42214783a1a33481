/* The words for where a service stands. */
#include "model/decision.h"

const char *phase_name(enum phase phase)
{
	static const char *const names[PHASE_COUNT] = {
		[PHASE_SETTLED] = "settled",         [PHASE_KEEPING] = "settled, old one kept warm",
		[PHASE_PROGRESSING] = "progressing", [PHASE_WAITING] = "waiting",
		[PHASE_ROLLED_BACK] = "rolled back",
		[PHASE_BLOCKED] = "blocked",         [PHASE_FAILED] = "failed",
		[PHASE_LEFT_ALONE] = "left alone",
	};
	return names[phase];
}
