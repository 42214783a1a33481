/* Several manifests, one desired state. */
#ifndef DESIRED_PROJECTS_H
#define DESIRED_PROJECTS_H

#include "desired/manifest.h"

/*
 * Puts desired states of one project each together. Two of one name, or with a route for the same host, are all left out:
 * only a person can say which is meant, and what is not desired is left alone. is_out has one for each part. Returns how
 * many were left out.
 */
size_t projects_join(const struct desired *parts, size_t count, bool *is_out, struct arena *a, struct desired *out,
                     struct problems *p);

#endif
