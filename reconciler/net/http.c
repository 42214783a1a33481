/*
 * HTTP on one libcurl multi handle: the only place that knows curl. A window of requests is in flight at a time; the
 * clock of a request starts when it enters the window, so a long queue does not eat its timeout. What curl says is
 * translated here, at once, into our kinds and into a sentence that names the request without its credentials.
 */
#include "net/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "base/notify.h"
#include "net/connect.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_CONNECT_TIMEOUT_MS 2000
#define DEFAULT_MAX_ANSWER (16u << 20)
#define WINDOW 64 /* in flight at once: well under the usual limit of 1024 descriptors */
#define KEPT_OPEN 16

struct http {
	CURLM *multi;
};

/* One request in flight. */
struct flight {
	struct request *request;
	CURL *easy;
	struct curl_slist *headers;
	char said[CURL_ERROR_SIZE];
};

int http_open(struct http **out, struct err *e)
{
	static bool is_initialised;
	if (!is_initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return err_set(e, ERR_INTERNAL, "libcurl does not initialise");
	is_initialised = true;
	/* CURLOPT_NOSIGNAL takes away curl's own guard. */
	signal(SIGPIPE, SIG_IGN);
	struct http *h = calloc(1, sizeof *h);
	if (!h)
		abort();
	h->multi = curl_multi_init();
	if (!h->multi) {
		free(h);
		return err_set(e, ERR_INTERNAL, "libcurl gives no multi handle");
	}
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_OPEN);
	*out = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_multi_cleanup(h->multi);
	free(h);
}

void http_freep(struct http **h)
{
	http_free(*h);
	*h = NULL;
}

void request_done(struct request *r)
{
	if (r)
		buf_done(&r->answer);
}

static const char *method_of(const struct request *r)
{
	return r->method ? r->method : "GET";
}

/* For messages: without user:password@ and without the query, which may hold a token. */
static void printable_url(const char *url, char *out, size_t size)
{
	const char *host = strstr(url, "://");
	host = host ? host + 3 : url;
	size_t authority = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', authority);
	const char *rest = at ? at + 1 : host;
	snprintf(out, size, "%.*s%.*s", (int)(host - url), url, (int)strcspn(rest, "?#"), rest);
}

/* "10.0.0.2:8080" or the socket's path. */
static void printable_peer(const struct request *r, const char *url, char *out, size_t size)
{
	if (r->unix_socket) {
		snprintf(out, size, "%s", r->unix_socket);
		return;
	}
	const char *host = strstr(url, "://");
	host = host ? host + 3 : url;
	snprintf(out, size, "%.*s", (int)strcspn(host, "/"), host);
}

static int fail_connect(struct flight *f, const char *url)
{
	char peer[256];
	long number = 0;
	printable_peer(f->request, url, peer, sizeof peer);
	curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &number);
	const char *why = number ? strerror((int)number) : f->said[0] ? f->said : "no address";
	err_set(&f->request->err, ERR_UNREACHABLE, "%s %s: cannot connect to %s: %s", method_of(f->request), url, peer, why);
	f->request->err.number = (int)number;
	return -1;
}

static int fail_timeout(struct flight *f, const char *url)
{
	struct request *r = f->request;
	curl_off_t connected_us = 0, lasted_us = 0;
	curl_easy_getinfo(f->easy, CURLINFO_TOTAL_TIME_T, &lasted_us);
	curl_easy_getinfo(f->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
	if (connected_us > 0 && r->stall_timeout_ms && lasted_us / 1000 < r->timeout_ms)
		err_set(&r->err, ERR_TRANSIENT, "%s %s: nothing came for %lld ms", method_of(r), url,
		        (long long)r->stall_timeout_ms);
	else if (connected_us > 0)
		err_set(&r->err, ERR_TRANSIENT, "%s %s: no complete answer within %lld ms", method_of(r), url,
		        (long long)r->timeout_ms);
	else
		err_set(&r->err, ERR_TRANSIENT, "%s %s: no connection within %lld ms", method_of(r), url,
		        (long long)(r->connect_timeout_ms < r->timeout_ms ? r->connect_timeout_ms : r->timeout_ms));
	r->err.number = ETIMEDOUT;
	return -1;
}

static int translate(struct flight *f, CURLcode code)
{
	struct request *r = f->request;
	char url[300];
	printable_url(r->url, url, sizeof url);
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_CONNECT: case CURLE_COULDNT_RESOLVE_HOST: case CURLE_COULDNT_RESOLVE_PROXY:
		return fail_connect(f, url);
	case CURLE_OPERATION_TIMEDOUT:
		return fail_timeout(f, url);
	case CURLE_GOT_NOTHING: case CURLE_RECV_ERROR: case CURLE_SEND_ERROR: case CURLE_PARTIAL_FILE:
		err_set(&r->err, ERR_TRANSIENT, "%s %s: the connection broke off before the answer was complete",
		        method_of(r), url);
		r->err.number = ECONNRESET;
		return -1;
	case CURLE_URL_MALFORMAT: case CURLE_UNSUPPORTED_PROTOCOL:
		return err_set(&r->err, ERR_INVALID, "%s %s: not a usable URL", method_of(r), url);
	case CURLE_WRITE_ERROR:
		if (r->answer.overflowed)
			return err_set(&r->err, ERR_INVALID, "%s %s: the answer is larger than %zu bytes", method_of(r), url,
			               r->answer.max);
		break;
	default:
		break;
	}
	return err_set(&r->err, ERR_INTERNAL, "%s %s: %s", method_of(r), url, f->said[0] ? f->said : curl_easy_strerror(code));
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct request *r = context;
	buf_add(&r->answer, bytes, size * n);
	return r->answer.overflowed ? 0 : size * n;
}

static int open_network(const char *whose)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%s/ns/net", whose);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* A socket stays in the network that it was made in; all else that this process does is in ours. */
static int socket_in(int pid, int family, int type, int protocol)
{
	char whose[16];
	snprintf(whose, sizeof whose, "%d", pid);
	CLEANUP(fd_close) int ours = open_network("self");
	CLEANUP(fd_close) int theirs = open_network(whose);
	if (ours < 0 || theirs < 0 || setns(theirs, CLONE_NEWNET) < 0)
		return -1;
	int fd = socket(family, type, protocol), number = errno;
	if (setns(ours, CLONE_NEWNET) < 0)
		abort();
	errno = number;
	return fd;
}

/* curl's own sockets would leak into the programs that we start. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	const struct request *r = context;
	(void)purpose;
	int type = address->socktype | SOCK_CLOEXEC;
	int fd = r->network_of ? socket_in(r->network_of, address->family, type, address->protocol)
	                       : socket(address->family, type, address->protocol);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static size_t on_read(char *out, size_t size, size_t n, void *context)
{
	const struct request *r = context;
	size_t given = r->read_body(r->body_context, out, size * n);
	return given == (size_t)-1 ? CURL_READFUNC_ABORT : given;
}

static void set_body(CURL *easy, struct request *r)
{
	const char *method = method_of(r);
	if (r->read_body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, r);
		return;
	}
	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (r->body_length || strcmp(method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_length);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body_length ? r->body : "");
	}
	if (strcmp(method, "GET") != 0 || r->body_length)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_where(CURL *easy, const struct request *r)
{
	curl_easy_setopt(easy, CURLOPT_URL, r->url);
	if (r->unix_socket)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
	/* Plain HTTP goes to containers and loopback: the proxy of the environment is not for them. */
	if (r->unix_socket || strncasecmp(r->url, "http://", 7) == 0)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, r->follow_redirects ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 5L);
}

static struct flight *take_off(CURLM *multi, struct request *r, bool connect_only)
{
	struct flight *f = calloc(1, sizeof *f);
	CURL *easy = f ? curl_easy_init() : NULL;
	if (!easy)
		abort();
	f->request = r;
	f->easy = easy;
	r->is_in_flight = true;
	f->headers = curl_slist_append(NULL, "Expect:"); /* no 100-continue: it costs a round trip */
	for (size_t i = 0; r->headers && r->headers[i]; i++)
		f->headers = curl_slist_append(f->headers, r->headers[i]);
	if (r->read_body)
		f->headers = curl_slist_append(f->headers, "Transfer-Encoding: chunked");
	if (r->timeout_ms <= 0)
		r->timeout_ms = DEFAULT_TIMEOUT_MS;
	if (r->connect_timeout_ms <= 0)
		r->connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
	set_where(easy, r);
	set_body(easy, r);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, f->headers);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_timeout_ms);
	if (r->stall_timeout_ms) {
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((r->stall_timeout_ms + 999) / 1000));
	}
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, f->said);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, r);
	if (r->network_of) { /* the same address is somebody else there */
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_PRIVATE, f);
	if (connect_only)
		curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	if (curl_multi_add_handle(multi, easy) != CURLM_OK)
		abort();
	return f;
}

static void land(CURLM *multi, struct flight *f, CURLcode code)
{
	long status = 0;
	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	f->request->status = (int)status;
	f->request->result = translate(f, code);
	f->request->is_in_flight = false;
	curl_multi_remove_handle(multi, f->easy);
	curl_easy_cleanup(f->easy);
	curl_slist_free_all(f->headers);
	free(f);
}

/* Takes in what has ended; returns how many. */
static size_t collect(CURLM *multi)
{
	size_t landed = 0;
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(multi, &left)); ) {
		struct flight *f = NULL;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&f);
		land(multi, f, code);
		landed++;
	}
	return landed;
}

static void clear_answer(struct request *r)
{
	r->status = 0;
	r->result = -1;
	r->is_in_flight = false;
	r->answer = BUF_INIT(r->max_answer ? r->max_answer : DEFAULT_MAX_ANSWER);
}

void http_begin(struct http *h, struct request *r)
{
	clear_answer(r);
	take_off(h->multi, r, false);
}

void http_wait(struct http *h, int64_t timeout_ms)
{
	int running;
	/* These fail for a broken handle or without memory only: nothing that a caller could go on from. */
	if (curl_multi_perform(h->multi, &running) != CURLM_OK)
		abort();
	size_t landed = collect(h->multi);
	notify_alive(); /* a pull may take half an hour */
	if (!landed && curl_multi_poll(h->multi, NULL, 0, (int)notify_until_due_ms(timeout_ms), NULL) != CURLM_OK)
		abort();
}

static size_t count_in_flight(const struct request *requests, size_t count)
{
	size_t n = 0;
	for (size_t i = 0; i < count; i++)
		n += requests[i].is_in_flight;
	return n;
}

void http_perform_or_connect(struct http *h, struct request *requests, size_t count, const bool *connect_only)
{
	size_t next = 0, in_flight = 0;
	for (size_t i = 0; i < count; i++)
		clear_answer(&requests[i]);
	while (next < count || in_flight > 0) {
		for (; next < count && in_flight < WINDOW; next++, in_flight++)
			take_off(h->multi, &requests[next], connect_only && connect_only[next]);
		http_wait(h, 1000);
		in_flight = count_in_flight(requests, next);
	}
}

void http_perform(struct http *h, struct request *requests, size_t count)
{
	http_perform_or_connect(h, requests, count, NULL);
}
