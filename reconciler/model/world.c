/* Look-ups in the observed world, and the names that go with a swap file. */
#include "model/world.h"

#include <string.h>

const struct endpoint *endpoint_find(const struct endpoint *all, size_t count, const char *network)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].network, network) == 0)
			return &all[i];
	return NULL;
}

const struct good *world_good(const struct world *w, const char *project, const char *service)
{
	for (size_t i = 0; i < w->goods_count; i++)
		if (strcmp(w->goods[i].project, project) == 0 && strcmp(w->goods[i].service, service) == 0)
			return &w->goods[i];
	return NULL;
}

bool topology_is_streamed(const struct topology *t, const char *project, const char *service)
{
	for (size_t i = 0; i < t->routes_count; i++)
		if (t->routes[i].transport != TRANSPORT_HTTP && strcmp(t->routes[i].project, project) == 0 &&
		    strcmp(t->routes[i].service, service) == 0)
			return true;
	return false;
}

bool swap_is_helper(const char *path)
{
	static const char *const ends[] = {SWAP_PART, SWAP_BRIDGE};
	size_t length = strlen(path);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);
		if (length > n && strcmp(path + length - n, ends[i]) == 0)
			return true;
	}
	return false;
}

bool instance_has_name(const struct instance *i)
{
	for (size_t k = 0; k < i->endpoints_count; k++)
		if (i->endpoints[k].has_alias)
			return true;
	return false;
}
