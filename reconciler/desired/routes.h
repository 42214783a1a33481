/* x-reconcile at the top level: the routes. */
#ifndef DESIRED_ROUTES_H
#define DESIRED_ROUTES_H

#include "desired/parse.h"

struct declared_route {
	struct route route;
	const struct node *way, *to; /* for complaints */
};

/* `section` is the value of x-reconcile; NULL: there is none. */
void routes_read(struct parse *p, const struct node *section, const char *project, struct declared_route **routes,
                 size_t *count);

/* "the path /api of the host 'shop.example.com'" */
const char *routes_way(struct arena *a, const struct route *r);

#endif
