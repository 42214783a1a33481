/* Look-ups in what everybody reads. */
#include "model/desired.h"

#include <string.h>

const struct value *spec_value(const struct spec *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->rows[i]->path, path) == 0)
			return &s->values[i];
	return NULL;
}

const struct service *desired_service(const struct desired *d, const char *project, const char *service)
{
	for (size_t i = 0; i < d->projects_count; i++) {
		const struct project *p = &d->projects[i];
		for (size_t j = 0; strcmp(p->name, project) == 0 && j < p->services_count; j++)
			if (strcmp(p->services[j].name, service) == 0)
				return &p->services[j];
	}
	return NULL;
}
