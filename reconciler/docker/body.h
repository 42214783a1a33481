/* Between our fields and the engine's JSON, both ways, by walking the rows of the table. Private to docker/. */
#ifndef DOCKER_BODY_H
#define DOCKER_BODY_H

#include "docker/docker.h"

typedef struct cJSON cJSON; /* cJSON.h says the same; no third-party header in ours */

/* A new JSON value in the row's engine form. */
cJSON *body_value(const struct field *row, const struct value *v);
/* Puts item at a dotted path; objects and lists that are there already are added to. Takes item. */
void body_put(cJSON *root, const char *path, cJSON *item);
/* The body of POST /containers/create. The labels of ours are set last: a manifest cannot pretend. */
const char *body_create(struct arena *a, const struct action *action, const char *instance_id);
/* The row's value in the answer of GET /containers/x/json, in normal form; unset when absent, 0, or of another type. */
struct value body_read(struct arena *a, const struct field *row, const cJSON *inspect);

#endif
