/*
 * Readiness probes. All exchanges of all probes run at once; a probe that asks for both HTTP and TCP passes when both
 * do. What it says is written for people: it ends up in status and in the reason of a quarantine.
 */
#include "net/probe.h"

#include <stdlib.h>
#include <string.h>

#include "net/connect.h"

#define PROBE_TIMEOUT_MS 1000
#define PROBE_MAX_BODY (64u << 10)

/* One exchange of one probe. */
struct attempt {
	struct probe *probe;
	bool is_tcp;
	int port;
};

static void judge_http(struct arena *a, struct probe *p, const struct request *r)
{
	const struct ready *ready = p->ready;
	bool good = ready->status ? r->status == ready->status : r->status >= 200 && r->status < 400;
	if (!good) {
		const char *wanted = ready->status ? arena_printf(a, "%d", ready->status) : "2xx or 3xx";
		p->passed = false;
		p->said = arena_printf(a, "GET %s answered %d, wanted %s", r->url, r->status, wanted);
	} else if (ready->body && !memmem(r->answer.text, r->answer.length, ready->body, strlen(ready->body))) {
		p->passed = false;
		p->said = arena_printf(a, "GET %s answered %d without \"%s\" in its body", r->url, r->status, ready->body);
	} else if (p->passed) {
		p->said = arena_printf(a, "GET %s answered %d", r->url, r->status);
	}
}

static void judge_tcp(struct arena *a, struct probe *p, int port)
{
	if (p->passed && !p->said[0])
		p->said = arena_printf(a, "TCP %s:%d accepts connections", p->address, port);
}

/* A body that is too long is cut, not wrong: the status came, and what was asked for may stand in what was read. */
static bool is_cut_short(const struct request *r)
{
	return r->result < 0 && r->status && r->answer.overflowed;
}

static void judge(struct arena *a, const struct attempt *attempt, const struct request *r)
{
	struct probe *p = attempt->probe;
	if (r->result == 0 && attempt->is_tcp) {
		judge_tcp(a, p, attempt->port);
	} else if (r->result == 0 || is_cut_short(r)) {
		judge_http(a, p, r);
	} else if (p->passed) {
		p->passed = false;
		p->said = attempt->is_tcp ? arena_printf(a, "TCP %s", r->err.message + strlen("TCP http://"))
		                          : arena_strdup(a, r->err.message);
	}
}

static void add(struct arena *a, const struct attempt *attempt, struct request *r)
{
	const struct probe *p = attempt->probe;
	const char *path = p->ready->path ? p->ready->path : "/";
	*r = (struct request){
		.method = attempt->is_tcp ? "TCP" : "GET", /* TCP is never sent: it is for the message */
		.url = attempt->is_tcp ? arena_printf(a, "http://%s:%d", p->address, attempt->port)
		                       : arena_printf(a, "http://%s:%d%s%s", p->address, attempt->port, path[0] == '/' ? "" : "/", path),
		.timeout_ms = PROBE_TIMEOUT_MS,
		.connect_timeout_ms = PROBE_TIMEOUT_MS,
		.max_answer = PROBE_MAX_BODY,
	};
}

/* A port that is asked already need not be asked once more. */
static void add_attempts(struct arena *a, struct probe *p, struct attempt **attempts, size_t *count)
{
	const struct ready *ready = p->ready;
	if (ready->http_port)
		*ARENA_PUSH(a, *attempts, *count) = (struct attempt){p, false, ready->http_port};
	if (ready->tcp_port)
		*ARENA_PUSH(a, *attempts, *count) = (struct attempt){p, true, ready->tcp_port};
	for (size_t i = 0; p->ports && i < p->ports->count; i++) {
		int port = (int)p->ports->items[i].integer;
		if (port != ready->http_port && port != ready->tcp_port)
			*ARENA_PUSH(a, *attempts, *count) = (struct attempt){p, true, port};
	}
}

void probe_run(struct http *h, struct arena *a, struct probe *probes, size_t count)
{
	static const char *const headers[] = {"Connection: close", "User-Agent: reconcile-probe", NULL};
	struct attempt *attempts = NULL;
	size_t n = 0;
	for (size_t i = 0; i < count; i++) {
		probes[i].passed = true;
		probes[i].said = "";
		add_attempts(a, &probes[i], &attempts, &n);
	}
	struct request *requests = arena_alloc(a, (n + 1) * sizeof *requests);
	bool *connect_only = arena_alloc(a, (n + 1) * sizeof *connect_only);
	for (size_t i = 0; i < n; i++) {
		add(a, &attempts[i], &requests[i]);
		connect_only[i] = attempts[i].is_tcp;
		requests[i].headers = headers;
	}
	http_perform_or_connect(h, requests, n, connect_only);
	for (size_t i = 0; i < n; i++) {
		judge(a, &attempts[i], &requests[i]);
		request_done(&requests[i]);
	}
}
