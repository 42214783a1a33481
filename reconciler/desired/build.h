/* `build` of a service: what it is built from, and the name of the image. */
#ifndef DESIRED_BUILD_H
#define DESIRED_BUILD_H

#include "desired/draft.h"

/* Lists the context and names the image after it: d->service.build and the value of `image`. */
void build_settle(struct parse *p, struct draft *d);
/* A service that names an image which another one builds has what that one builds. After all were read. */
void build_share(struct draft *drafts, size_t count);

#endif
