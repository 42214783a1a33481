/* A container that is not ours, and that somebody else in this process must find: it is read, and never changed. */
#include <string.h>

#include "docker/client.h"

int docker_find(struct docker *d, const char *name, const char *network, struct foreign *out, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct call call = {.path = arena_printf(&a, "/containers/%s/json", url_escape(&a, name))};
	*out = (struct foreign){0};
	client_perform(d, &a, &call, 1);
	int result = call.status == 404 ? 0 : call.result;
	if (result < 0) {
		*e = call.err;
		err_wrap(e, "the container %s", name);
	}
	if (call.json && json_true(call.json, "State.Running")) {
		const char *mode = json_string(call.json, "HostConfig.NetworkMode");
		out->pid = (int)json_int(call.json, "State.Pid", 0);
		out->is_on_host = mode && strcmp(mode, "host") == 0;
		out->is_there = network && json_member(json_at(call.json, "NetworkSettings.Networks"), network);
	}
	call_done(&call);
	return result;
}
