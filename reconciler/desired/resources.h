/* Volumes and networks at the top level of a manifest. */
#ifndef DESIRED_RESOURCES_H
#define DESIRED_RESOURCES_H

#include "desired/parse.h"

/* Either node may be NULL. Fills p->volumes and p->networks; p->project is known. */
void volumes_read(struct parse *p, const struct node *n);
void networks_read(struct parse *p, const struct node *n);

#endif
