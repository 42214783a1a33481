/* --what-if: what shall be otherwise, or go wrong, in a plan. */
#ifndef WHATIF_H
#define WHATIF_H

#include "decide/rehearse.h"

/*
 * "fail:SERVICE": its new revision never gets ready. "fail:SERVICE@STEP": it ends by itself after that step of the
 * plan. "crash:STEP": the tool is killed after it. Steps have the numbers that the plan prints. "memory:SIZE": the host has that much
 * memory in all, and what runs here takes as much of it as it takes now. SERVICE is PROJECT/SERVICE, or the name alone
 * when one project has it. ERR_USAGE: anything else.
 */
MUST_CHECK int what_if_parse(const char *text, const struct desired *d, const struct host_state *host, struct what_if *out,
                             struct err *e);

#endif
