/* What Git says, at the start of a run and while it waits: where desired state comes from, and when a newer one takes
 * over. */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "desired/load.h"
#include "host/notes.h"
#include "resolve.h"

/* What one stay in the loop works on; replaced as a whole when Git moves on. */
struct want {
	struct arena arena;
	struct loaded loaded;
};

struct follower {
	const struct settings *settings;
	struct resolver *resolver;
	const struct notes *notes;
	int64_t asked_ms;           /* when Git was asked last, by the monotonic clock */
	const char *errors;         /* what was wrong with what was loaded last: lines; "": nothing */
	char rejected[GIT_ID_SIZE]; /* a newer commit that cannot be used: said once */
};

/* Fills *want and logs what is wrong with it; the caller ends want->arena, also after a failure. */
MUST_CHECK int follow_load(struct follower *f, enum load_mode mode, struct want *want, struct err *e);
/* Asks Git for something newer, not too often. True: *want is now that, and *old is what it was, for the caller to end
 * when nothing uses it any more. */
bool follow_newer(struct follower *f, struct want *want, struct want *old);

#endif
