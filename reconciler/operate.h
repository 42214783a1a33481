/*
 * What operators tell: each command notes it (host/orders.h), and the run that is at work, or the next one, follows.
 * Nothing here touches Docker or nginx.
 */
#ifndef OPERATE_H
#define OPERATE_H

#include <stdbool.h>

#include "desired/settings.h"

struct operation {
	const char *name;   /* PROJECT or PROJECT/SERVICE; NULL: all */
	bool is_full;       /* promote: all steps that are left, not only this one */
	const char *until;  /* pause: a duration, or a time as in RFC 3339; NULL: until resume */
	const char *reason; /* NULL: none given */
};

/* Each returns the exit code; what it has to say is on stdout, the log on stderr. */
int operate_promote(const struct settings *s, const struct operation *o);
int operate_abort(const struct settings *s, const struct operation *o);
int operate_pause(const struct settings *s, const struct operation *o);
int operate_resume(const struct settings *s, const struct operation *o);
/* Forgets quarantines and aborts, and makes lost notes afresh. */
int operate_retry(const struct settings *s, const struct operation *o);

#endif
