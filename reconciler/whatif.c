/* --what-if, word by word. */
#include "whatif.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "desired/units.h"

#define STEPS_MAX 100000

/* The service of that name; NULL when there is none, or more than one and the project is not said. */
static const struct service *find(const struct desired *d, const char *name, size_t length)
{
	const char *slash = memchr(name, '/', length);
	const char *service = slash ? slash + 1 : name;
	size_t project_length = slash ? (size_t)(slash - name) : 0, service_length = length - (size_t)(service - name);
	const struct service *found = NULL;
	for (size_t i = 0; i < d->projects_count; i++)
		for (size_t k = 0; k < d->projects[i].services_count; k++) {
			const struct service *s = &d->projects[i].services[k];
			if (slash && (strlen(s->project) != project_length || strncmp(s->project, name, project_length) != 0))
				continue;
			if (strlen(s->name) != service_length || strncmp(s->name, service, service_length) != 0)
				continue;
			if (found)
				return NULL;
			found = s;
		}
	return found;
}

/* Of the steps that the plan numbers. */
static int parse_step(const char *word, const char *text, size_t *out, struct err *e)
{
	char *end;
	unsigned long step = strtoul(text, &end, 10);
	if (*text < '1' || *text > '9' || *end || step > STEPS_MAX)
		return err_set(e, ERR_USAGE, "--what-if %s: '%s' is no step; write the number that the plan gives it, like 4", word, text);
	*out = step;
	return 0;
}

static int parse_fail(const char *word, const char *text, const struct desired *d, struct what_if *out, struct err *e)
{
	size_t length = strcspn(text, "@");
	out->fails = find(d, text, length);
	if (!out->fails)
		return err_set(e, ERR_USAGE, "--what-if %s: no one service is called '%.*s'; write PROJECT/SERVICE", word, (int)length, text);
	return text[length] ? parse_step(word, text + length + 1, &out->fails_after, e) : 0;
}

static int parse_memory(const char *text, const struct host_state *host, struct what_if *out, struct err *e)
{
	char all[SIZE_TEXT], used[SIZE_TEXT];
	int64_t used_bytes = host->memory_bytes - host->memory_available_bytes;
	if (!units_bytes(text, &out->memory_bytes))
		return err_set(e, ERR_USAGE, "--what-if memory:%s: '%s' is no size; write a number with b, k, m or g, like 4g", text, text);
	if (!host->memory_bytes)
		return err_set(e, ERR_USAGE, "--what-if memory:%s: nobody knows what this host has: %s", text, host->problem);
	if (out->memory_bytes <= used_bytes)
		return err_set(e, ERR_USAGE, "--what-if memory:%s: what runs here takes %s of %s, so a host needs more than that; "
		               "SIZE is all of its memory", text, size_text(used_bytes, used), size_text(host->memory_bytes, all));
	return 0;
}

int what_if_parse(const char *text, const struct desired *d, const struct host_state *host, struct what_if *out, struct err *e)
{
	*out = (struct what_if){0};
	if (strncmp(text, "fail:", 5) == 0)
		return parse_fail(text, text + 5, d, out, e);
	if (strncmp(text, "memory:", 7) == 0)
		return parse_memory(text + 7, host, out, e);
	if (strncmp(text, "crash:", 6) == 0)
		return parse_step(text, text + 6, &out->crash_after, e);
	return err_set(e, ERR_USAGE, "--what-if %s: write fail:SERVICE, fail:SERVICE@STEP, crash:STEP or memory:SIZE", text);
}
