/* Between access_log.c and access_state.c only: the rows, and how they are kept. */
#ifndef NGINX_ACCESS_STATE_H
#define NGINX_ACCESS_STATE_H

#include "nginx/access_log.h"

struct access_row {
	const char *rollout;
	int64_t since_ms;  /* when its weight was set; 0: never */
	int64_t until_ms;  /* 0: it is open */
	struct evidence seen;
};

/* False when there is none, or none that can be trusted, which is told. */
bool access_state_read(struct access_log *l);

#endif
