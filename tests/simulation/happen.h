/* What may happen to a host, to Git, to the tool and to its replies: one row for each. */
#ifndef SIMULATION_HAPPEN_H
#define SIMULATION_HAPPEN_H

#include "simulation.h"

enum happening_kind { KIND_GIT, KIND_FAULT, KIND_OPERATOR, KIND_COUNT };

struct happening {
	const char *name;
	enum happening_kind kind;
	unsigned odds;
	void (*happen)(struct simulation *s, const struct step *step);
};

extern const struct happening happenings[];
extern const unsigned happenings_count;

/* Everything works again; with `but`, all but what the revisions of that service do. */
void trouble_ends(struct simulation *s, int but);

/* A revert of each service, to the image that was good before. False: there was none to go back to. */
bool all_go_back(struct simulation *s);

/* Retry, resume, and promote of whatever waits for it. */
void operator_lets_go(struct simulation *s);

#endif
