/*
 * One row for each manifest field of a service: what it is called, what it takes, where it goes in the engine's API,
 * and whether it can be changed on a running instance. The table itself is desired/fields.c; everybody else walks the
 * rows through `struct spec`.
 */
#ifndef MODEL_FIELD_H
#define MODEL_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "model/value.h"

/* How the normalised value is written in the body of POST /containers/create (Engine API 1.41) and read back. */
enum engine_form {
	ENGINE_NONE,       /* ours, or load-time only: not sent */
	ENGINE_PLAIN,      /* the value as it is, at `engine` */
	ENGINE_SECONDS,    /* milliseconds in the spec, whole seconds in the API, rounded up */
	ENGINE_ENV,        /* map -> ["K=V", ...]; an unset value -> "K", which removes it from the image's */
	ENGINE_KEYS,       /* list of strings -> {"a": {}, "b": {}} */
	ENGINE_RESTART,    /* string "no" | "always" | "unless-stopped" | "on-failure[:N]" -> {Name, MaximumRetryCount} */
	ENGINE_PORTS,      /* list of "[[ip]:][host port]:port/protocol" -> {"80/tcp": [{HostIp, HostPort}]} */
	ENGINE_MOUNTS,     /* list: texts -> Binds, maps (in the engine's own words) -> Mounts */
	ENGINE_DEVICES,    /* list of "host:container:permissions" -> [{PathOnHost, PathInContainer, CgroupPermissions}] */
	ENGINE_ULIMITS,    /* map of name -> {soft, hard} -> [{Name, Soft, Hard}] */
	ENGINE_NETWORKS,   /* map of network -> {aliases, ipv4_address, ipv6_address}: the first at create, others by connect */
	ENGINE_QUERY,      /* not in the body: a parameter of create and of the pull */
	ENGINE_FORM_COUNT
};

enum field_change {
	CHANGE_NONE,    /* not part of the revision: it only tells us what to do (replicas, depends_on, x-reconcile) */
	CHANGE_REPLACE, /* part of the revision: needs new instances */
	CHANGE_LIVE,    /* changed on the running instance; only whether it is set at all is part of the revision,
	                   because the engine cannot take every limit away from a running container */
};

struct field {
	const char *path;   /* YAML path inside the service, dotted: "deploy.resources.limits.memory" */
	const char *engine; /* dotted path in the create body: "HostConfig.Memory"; NULL with ENGINE_NONE */
	enum engine_form form;
	enum field_change change;
	struct value none;  /* CHANGE_LIVE: what a running container takes for "not set"; UNSET: there is no such value, only a
	                       new container is without one */
};

/* The fields of one service: values[i] belongs to rows[i]; VALUE_UNSET where the manifest is silent. */
struct spec {
	const struct field *const *rows;
	const struct value *values;
	size_t count;
};

/* The value of the row with that path; NULL when there is no such row. */
const struct value *spec_value(const struct spec *s, const char *path);

#endif
