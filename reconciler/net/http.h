/*
 * HTTP over TCP or a unix socket, many requests in flight on one libcurl multi handle. Nobody outside net/ knows curl.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http; /* keeps connections open between calls */

struct request {
	/* in; borrowed until http_perform() returns, or until what http_begin() began is in flight no more */
	const char *method;          /* "GET" when NULL */
	const char *url;             /* http://… or https://… ; with unix_socket the host part is only the Host header */
	const char *unix_socket;     /* path, or NULL for TCP */
	int network_of;              /* process whose network it goes out in, on a connection of its own; 0: ours */
	const char *const *headers;  /* "Name: value", NULL-terminated; may be NULL */
	const void *body;
	size_t body_length;
	/* Or a body that is made while it is sent: up to max bytes, 0 at its end, (size_t)-1 to give up. */
	size_t (*read_body)(void *context, char *out, size_t max);
	void *body_context;
	int64_t timeout_ms;          /* for the whole exchange; 0: 30 s */
	int64_t connect_timeout_ms;  /* 0: 2 s */
	int64_t stall_timeout_ms;    /* gives up when nothing comes for so long, in whole seconds; 0: never */
	int follow_redirects;        /* never by default */
	/* out; release with request_done() */
	int status;                  /* HTTP status, 0 when there was no answer */
	struct buf answer;           /* body; at most max_answer bytes (0: 16 MiB), more is ERR_INVALID */
	size_t max_answer;
	bool is_in_flight;           /* begun, and not ended */
	int result;                  /* 0, or -1 and err: no complete answer came. Any status is result 0. */
	struct err err;              /* UNREACHABLE (refused, no socket), TRANSIENT (time-out, reset), INVALID, INTERNAL */
};

/* Ignores SIGPIPE from then on. Plain http:// never goes through the proxy of the environment, https:// does. */
MUST_CHECK int http_open(struct http **out, struct err *e);
void http_free(struct http *h);
void http_freep(struct http **h); /* for CLEANUP */

/*
 * Performs all of them at once, 64 in flight (the clock of one starts when its turn comes), and returns when the last
 * has ended. A kept-open connection that the server closed in the meantime is opened again without anybody noticing
 * (curl does that).
 */
void http_perform(struct http *h, struct request *requests, size_t count);
/*
 * Begins one and returns at once. It goes on in http_wait() and in http_perform() of others, and must stay where it is
 * until it is in flight no more; before http_free() all must have ended. How many are in flight is up to the caller.
 */
void http_begin(struct http *h, struct request *r);
/* Waits until something that is in flight has moved, for at most so long. */
void http_wait(struct http *h, int64_t timeout_ms);
void request_done(struct request *r);

#endif
