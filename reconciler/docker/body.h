/* Between our fields and the engine's JSON, both ways, by walking the rows of the table. Private to docker/. */
#ifndef DOCKER_BODY_H
#define DOCKER_BODY_H

#include "docker/docker.h"

typedef struct cJSON cJSON; /* cJSON.h says the same; no third-party header in ours */

/* Whether the form stands in the body at all. */
bool body_has(enum engine_form form);
/* A new JSON value in the row's engine form. */
cJSON *body_value(const struct field *row, const struct value *v);
/* Puts item at a dotted path; objects and lists that are there already are added to. Takes item. */
void body_put(cJSON *root, const char *path, cJSON *item);
/* The body of POST /containers/create. The labels of ours are set last: a manifest cannot pretend. */
const char *body_create(struct arena *a, const struct action *action, const char *instance_id);
/* Its place on one network: aliases, and the fixed address that the action has for it. What the action has no word on is there
 * with the aliases, at an address of the engine's. */
cJSON *body_endpoint(const struct action *action, const struct attachment *at);
/* endpoints.c: the networks that the list of containers shows with one of them, by name. Returns how many. */
size_t endpoints_listed(struct arena *a, const cJSON *item, const struct endpoint **out);
/* The places of the inspected container but that on the traffic network, and those that it shall have by its labels and has
 * not; i->endpoints are what was seen of them before, in the list at least. Returns how many. */
size_t endpoints_read(struct arena *a, const cJSON *inspect, const struct instance *i, const struct endpoint **out);
/* "&platform=linux/arm64": what goes into the query of create and of the pull; "" when there is nothing. */
const char *body_query(struct arena *a, const struct spec *spec);
/* The row's value in the answer of GET /containers/x/json, in normal form; unset when absent, 0, of another type, or when
 * its form is never changed on a running container. */
struct value body_read(struct arena *a, const struct field *row, const cJSON *inspect);

/* What the engine says, as a value: "" and 0 are unset. */
struct value body_plain(struct arena *a, const cJSON *item);

#endif
