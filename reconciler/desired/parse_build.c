/* `build` of a service: a folder, or a map; to a map in the words of the engine's POST /build, less what stays here. */
#include <string.h>

#include "desired/parse.h"

/* Words with a small letter in front of a dot stay here: the context and the Dockerfile are not parameters as they are. */
static const struct key_row keys[] = {
	{"context", ".context", parse_string}, {"dockerfile", ".dockerfile", parse_string},
	{"dockerfile_inline", ".inline", parse_string}, {"args", "buildargs", parse_environment},
	{"target", "target", parse_string}, {"cache_from", "cachefrom", parse_words}, {"labels", "labels", parse_labels},
	{"network", "networkmode", parse_string}, {"no_cache", "nocache", parse_flag}, {"pull", "pull", parse_flag},
	{"shm_size", "shmsize", parse_size}, {"extra_hosts", "extrahosts", parse_extra_hosts}, {"tags", ".tags", parse_words},
	{"cache_to", "", parse_anything},
};

int parse_build(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (n->kind == NODE_SCALAR) {
		if (parse_text(p, n, path, &text) < 0)
			return -1;
		value_set(p->a, out, ".context", value_string(text));
		out->secret = n->secret;
	} else if (parse_keys(p, n, path, "services.*.build", keys, ARRAY_LEN(keys), out) < 0) {
		return -1;
	}
	if (value_get(out, ".dockerfile") && value_get(out, ".inline"))
		return parse_error(p, node_get(n, "dockerfile_inline")->mark, path, "stands beside dockerfile; remove one of them");
	return 0;
}
