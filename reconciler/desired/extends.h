/* `extends`: a service that begins with what another one says, in this file or in one beside it. */
#ifndef DESIRED_EXTENDS_H
#define DESIRED_EXTENDS_H

#include "desired/parse.h"

/* Replaces every service of the map that extends one by what the two come to. What is wrong goes to p. */
void extends_resolve(struct parse *p, struct node *services);

#endif
