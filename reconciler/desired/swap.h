/* x-reconcile.host at the top level: what the host itself shall have, which is swap so far. */
#ifndef DESIRED_SWAP_H
#define DESIRED_SWAP_H

#include "desired/parse.h"

/* `section` is the value of x-reconcile; NULL: there is none. Returns NULL when no swap is asked for, or what is asked for
 * is wrong. */
const struct swap_want *swap_read(struct parse *p, const struct node *section);

/* Projects that do not want the same, each with both places; marks them in is_bad. */
void swap_conflicts(const struct desired *d, struct problems *p, bool *is_bad);

#endif
