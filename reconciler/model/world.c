/* Look-ups in the observed world. */
#include "model/world.h"

#include <string.h>

const struct endpoint *endpoint_find(const struct endpoint *all, size_t count, const char *network)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].network, network) == 0)
			return &all[i];
	return NULL;
}
