/*
 * The engine as this room sees it: calls with a path, a JSON body and a JSON answer. Private to docker/.
 *
 * A call's strings live in an arena of the caller; its parsed answer lives until call_done(). Every answer is checked
 * for its types where it is read: the helpers below give NULL, 0 or a default for what is missing or of another type.
 */
#ifndef DOCKER_CLIENT_H
#define DOCKER_CLIENT_H

#include <stdbool.h>

#include "docker/docker.h"

typedef struct cJSON cJSON; /* cJSON.h says the same; no third-party header in ours */

#define LABEL_INSTANCE "io.reconcile.instance"
#define LABEL_REVISION "io.reconcile.revision"
#define LABEL_PROJECT "com.docker.compose.project"
#define LABEL_SERVICE "com.docker.compose.service"
#define LABEL_PORTS "io.reconcile.ports"       /* "8080,9090": the ports inside it that routes lead to */
#define LABEL_LOOPBACK "io.reconcile.loopback" /* "127.0.0.1:20000": where nginx reaches it, in the place of the bridge */
#define LABEL_ADDRESS "io.reconcile.address." /* and the network: the address that it has there for life */
#define LABEL_NUMBER "com.docker.compose.container-number"

struct flight; /* act.c */

struct docker {
	struct docker_settings settings;
	struct http *http;
	char unix_socket[128];  /* "" for TCP */
	char base[160];         /* "http://docker" or "http://127.0.0.1:2375" */
	int api_minor;          /* of 1.x; 0: not negotiated yet */
	int api_newest;         /* that the engine speaks */
	struct flight *flights; /* the actions of docker_begin() that have not been told to have ended, in their order */
};

struct call {
	/* in */
	const char *method;     /* "GET" when NULL */
	const char *path;       /* below the version: "/containers/json?all=1" */
	const char *body;       /* JSON text, NULL: none */
	size_t (*read_body)(void *context, char *out, size_t max); /* instead: a tar archive; NULL: none. See net/http.h */
	void *body_context;
	const char *registry_config; /* the value of X-Registry-Config, a secret; NULL: none */
	const char *registry_auth; /* the value of X-Registry-Auth, a secret; NULL: none */
	int api_wanted;         /* a newer one than ours for this call, if the engine has it; 0: ours */
	int64_t timeout_ms;     /* 0: 60 s */
	int64_t stall_timeout_ms; /* 0: none */
	size_t max_answer;      /* 0: 16 MiB */
	bool is_raw;            /* the answer is no JSON document: it is left in `text` */
	/* out; release with call_done() */
	int result;             /* 0: status 2xx or 304 and a JSON document where one was to be */
	int status;             /* 0: no answer */
	cJSON *json;            /* NULL without a body */
	struct buf text;        /* is_raw */
	struct err err;
};

/* A call that others do not wait for. */
struct exchange {
	struct call *call;
	struct request request;
	bool is_second;  /* asked once more, after a read that broke off */
	bool is_answered;
};
/* Begins it; it and the call stay where they are until client_has_ended() says so. Strings go into the arena. */
void client_begin(struct docker *d, struct arena *a, struct exchange *x, struct call *c);
/* Then the call has its answer, to be released with call_done(). */
bool client_has_ended(struct docker *d, struct exchange *x);

/* Performs all of them at once; negotiates the version first if that has not been done. */
void client_perform(struct docker *d, struct arena *a, struct call *calls, size_t count);
void call_done(struct call *c);

/* The text for a query parameter or a path element. */
const char *url_escape(struct arena *a, const char *text);

/* What stands at a dotted path ("State.Health.Status"); NULL when something on the way is missing or no object. */
const cJSON *json_at(const cJSON *root, const char *path);
/* A member whose name may hold dots, such as a label. */
const cJSON *json_member(const cJSON *object, const char *name);
const char *json_string(const cJSON *root, const char *path);           /* NULL when it is no string */
int64_t json_int(const cJSON *root, const char *path, int64_t fallback); /* fallback when it is no whole number */
bool json_true(const cJSON *root, const char *path);
/* The value of a label in an object of labels; "" when there is none. */
const char *json_label(const cJSON *labels, const char *name);
/* The text of a document, in the arena; the document is deleted. */
const char *json_text(struct arena *a, cJSON *root);

#endif
