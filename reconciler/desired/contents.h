/* What a service takes from the project's own directory. */
#ifndef DESIRED_CONTENTS_H
#define DESIRED_CONTENTS_H

#include "desired/parse.h"

/*
 * Looks through the value of `volumes` for what lies in the project's directory. *out becomes a map of files that Git has
 * to the hashes of their content; unset when there are none, or when Git is not where they are.
 */
void contents_settle(struct parse *p, const struct value *volumes, struct value *out);

#endif
