/* net/: HTTP over both kinds of socket, answers that come badly, and readiness probes. */
#include "check.h"
#include "fake_server.h"

#include "base/clock.h"
#include "net/http.h"
#include "net/pair.h"
#include "net/probe.h"
#include "pair_pem.h"

static struct http *open_http(void)
{
	struct err e = {0};
	struct http *h = NULL;
	CHECK_INT(http_open(&h, &e), 0);
	return h;
}

static const struct fake_rule rules[] = {
	{.match = "GET /whole", .body = "hello"},
	{.match = "GET /pieces", .body = "one two three four", .manner = FAKE_PIECES},
	{.match = "GET /half", .body = "0123456789", .manner = FAKE_HALF},
	{.match = "GET /silent", .manner = FAKE_SILENT},
	{.match = "GET /drop-once", .manner = FAKE_DROP, .times = 1},
	{.match = "GET /drop-once", .body = "again"},
	{.match = "GET /drop", .manner = FAKE_DROP},
	{.match = "GET /huge", .manner = FAKE_HUGE},
	{.match = "GET /close", .body = "bye", .manner = FAKE_CLOSE},
	{.match = "GET /moved", .status = 302, .headers = "Location: /whole\r\n"},
	{.match = "GET /sick", .status = 503, .body = "no"},
	{.match = "GET /up", .body = "{\"status\":\"UP\"}"},
	{.match = "POST /make", .status = 201, .body = "made"},
	{.match = "DELETE /gone", .status = 204},
};

static void both_kinds_of_socket_answer(void)
{
	for (int is_unix = 0; is_unix < 2; is_unix++) {
		struct fake_server s;
		fake_start(&s, rules, ARRAY_LEN(rules), is_unix);
		CLEANUP(http_freep) struct http *h = open_http();
		char url[4][100];
		const char *paths[] = {"whole", "pieces", "make", "gone"};
		const char *methods[] = {NULL, "GET", "POST", "DELETE"};
		struct request r[4] = {0};
		for (int i = 0; i < 4; i++) {
			snprintf(url[i], sizeof url[i], "http://127.0.0.1:%d/%s", s.port, paths[i]);
			r[i].url = url[i];
			r[i].method = methods[i];
			r[i].unix_socket = is_unix ? s.path : NULL;
		}
		r[2].body = "{\"a\":1}";
		r[2].body_length = 7;
		http_perform(h, r, 4);
		CHECK_INT(r[0].result, 0);
		CHECK_INT(r[0].status, 200);
		CHECK_STR(r[0].answer.text, "hello");
		CHECK_STR(r[1].answer.text, "one two three four");
		CHECK_INT(r[2].status, 201);
		CHECK_STR(r[2].answer.text, "made");
		CHECK_INT(r[3].status, 204);
		CHECK_INT(r[3].result, 0);
		CHECK_INT(fake_count(&s, "POST /make {\"a\":1}\n"), 1);
		for (int i = 0; i < 4; i++)
			request_done(&r[i]);
		fake_stop(&s);
	}
}

/* Performs one GET on the fake's unix socket. */
static struct request get(struct http *h, struct fake_server *s, const char *url, int timeout_ms, size_t max)
{
	struct request r = {.url = url, .unix_socket = s->path, .timeout_ms = timeout_ms, .max_answer = max};
	http_perform(h, &r, 1);
	return r;
}

static void bad_answers_are_named(void)
{
	static const struct { const char *url; enum err_kind kind; const char *message; } cases[] = {
		{"http://x/half", ERR_TRANSIENT, "GET http://x/half: the connection broke off before the answer was complete"},
		{"http://x/drop?token=1", ERR_TRANSIENT, "GET http://x/drop: the connection broke off before the answer was complete"},
		{"http://u:secret@x/silent", ERR_TRANSIENT, "GET http://x/silent: no complete answer within 300 ms"},
		{"http://x/huge", ERR_INVALID, "GET http://x/huge: the answer is larger than 1000 bytes"},
		{"ftp://x/whole", ERR_INVALID, "GET ftp://x/whole: not a usable URL"},
	};
	struct fake_server s;
	fake_start(&s, rules, ARRAY_LEN(rules), true);
	CLEANUP(http_freep) struct http *h = open_http();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request r = get(h, &s, cases[i].url, 300, 1000);
		CHECK_INT(r.result, -1);
		CHECK_INT(r.err.kind, cases[i].kind);
		CHECK_STR(r.err.message, cases[i].message);
		CHECK(r.answer.length <= 1000);
		request_done(&r);
	}
	struct request r = get(h, &s, "http://x/moved", 0, 0);
	CHECK_INT(r.status, 302);
	CHECK_INT(r.result, 0);
	request_done(&r);
	r = (struct request){.url = "http://x/moved", .unix_socket = s.path, .follow_redirects = 1};
	http_perform(h, &r, 1);
	CHECK_INT(r.status, 200);
	CHECK_STR(r.answer.text, "hello");
	request_done(&r);
	fake_stop(&s);
}

static void nobody_there_is_unreachable(void)
{
	CLEANUP(http_freep) struct http *h = open_http();
	struct request r[2] = {
		{.url = "http://docker/_ping", .unix_socket = "/nonexistent/docker.sock"},
		{.url = "http://127.0.0.1:1/"},
	};
	http_perform(h, r, 2);
	CHECK_INT(r[0].err.kind, ERR_UNREACHABLE);
	CHECK_STR(r[0].err.message,
	          "GET http://docker/_ping: cannot connect to /nonexistent/docker.sock: No such file or directory");
	CHECK_INT(r[0].status, 0);
	CHECK_INT(r[1].err.kind, ERR_UNREACHABLE);
	CHECK_STR(r[1].err.message, "GET http://127.0.0.1:1/: cannot connect to 127.0.0.1:1: Connection refused");
	request_done(&r[0]);
	request_done(&r[1]);
}

static void a_kept_connection_that_closed_is_opened_again(void)
{
	struct fake_server s;
	fake_start(&s, rules, ARRAY_LEN(rules), true);
	CLEANUP(http_freep) struct http *h = open_http();
	/* Closed while idle; then dropped in the moment of the next request. */
	const char *urls[] = {"http://x/close", "http://x/whole", "http://x/drop-once"};
	const char *bodies[] = {"bye", "hello", "again"};
	for (int i = 0; i < 3; i++) {
		struct request r = get(h, &s, urls[i], 2000, 0);
		CHECK_INT(r.result, 0);
		CHECK_STR(r.answer.text, bodies[i]);
		request_done(&r);
	}
	CHECK_INT(fake_count(&s, "GET /drop-once"), 2);
	fake_stop(&s);
}

static void many_requests_go_at_once(void)
{
	enum { MANY = 150, SLOW = 50 };
	struct fake_server s;
	fake_start(&s, rules, ARRAY_LEN(rules), true);
	CLEANUP(http_freep) struct http *h = open_http();
	struct request r[MANY] = {0};
	for (int i = 0; i < MANY; i++)
		r[i] = (struct request){.url = i < SLOW ? "http://x/silent" : "http://x/pieces", .unix_socket = s.path,
		                        .timeout_ms = i < SLOW ? 500 : 10000};
	int64_t begin = clock_monotonic_ms();
	http_perform(h, r, MANY);
	/* One after another the silent ones alone would take 25 s. */
	CHECK(clock_monotonic_ms() - begin < 8000);
	for (int i = 0; i < MANY; i++) {
		CHECK_INT(r[i].result, i < SLOW ? -1 : 0);
		CHECK_STR(r[i].answer.text, i < SLOW ? "" : "one two three four");
		request_done(&r[i]);
	}
	fake_stop(&s);
}

static void probes_say_what_they_saw(void)
{
	struct fake_server s;
	fake_start(&s, rules, ARRAY_LEN(rules), false);
	int port = s.port;
	struct ready asks[] = {
		{0},
		{.http_port = port, .path = "/up", .status = 200, .body = "UP"},
		{.http_port = port, .path = "/sick", .status = 200},
		{.http_port = port, .path = "/up", .body = "DOWN"},
		{.http_port = port, .path = "/moved"},
		{.tcp_port = port},
		{.tcp_port = 1},
		{.http_port = 1, .path = "/"},
		{.http_port = port, .path = "/silent"},
		{.http_port = port, .path = "/up", .tcp_port = 1},
		{.http_port = port, .path = "/huge", .body = "xxx"},
		{.http_port = port, .path = "/huge", .body = "y"},
		{.http_port = port, .path = "/up", .tcp_port = port},
		{0},
		{.http_port = port, .path = "/up"},
		{.tcp_port = port},
	};
	struct value items[] = {value_int(port), value_int(1)};
	const struct value none = {0}, open = {.kind = VALUE_LIST, .items = items, .count = 1}, both = {.kind = VALUE_LIST, .items = items, .count = 2};
	const struct value *ports[ARRAY_LEN(asks)] = {[13] = &open, [14] = &both, [15] = &none}; /* those that routes lead to */
	const char *wanted[] = {
		"", "GET http://127.0.0.1:P/up answered 200", "GET http://127.0.0.1:P/sick answered 503, wanted 200",
		"GET http://127.0.0.1:P/up answered 200 without \"DOWN\" in its body", "GET http://127.0.0.1:P/moved answered 302",
		"TCP 127.0.0.1:P accepts connections", "TCP 127.0.0.1:1: cannot connect to 127.0.0.1:1: Connection refused",
		"GET http://127.0.0.1:1/: cannot connect to 127.0.0.1:1: Connection refused",
		"GET http://127.0.0.1:P/silent: no complete answer within 1000 ms",
		"TCP 127.0.0.1:1: cannot connect to 127.0.0.1:1: Connection refused",
		"GET http://127.0.0.1:P/huge answered 200",
		"GET http://127.0.0.1:P/huge answered 200 without \"y\" in its body", "GET http://127.0.0.1:P/up answered 200",
		"TCP 127.0.0.1:P accepts connections", "TCP 127.0.0.1:1: cannot connect to 127.0.0.1:1: Connection refused",
		"TCP 127.0.0.1:P accepts connections",
	};
	const bool passed[] = {true, true, false, false, true, true, false, false, false, false, true, false, true, true, false, true};
	struct probe probes[ARRAY_LEN(asks)];
	for (size_t i = 0; i < ARRAY_LEN(asks); i++)
		probes[i] = (struct probe){.ready = &asks[i], .ports = ports[i], .address = "127.0.0.1"};
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(http_freep) struct http *h = open_http();
	int64_t begin = clock_monotonic_ms();
	probe_run(h, &a, probes, ARRAY_LEN(asks));
	CHECK(clock_monotonic_ms() - begin < 4000);
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		char text[200];
		const char *p = strchr(wanted[i], 'P') ? strstr(wanted[i], ":P") : NULL;
		if (p)
			snprintf(text, sizeof text, "%.*s:%d%s", (int)(p - wanted[i]), wanted[i], port, p + 2);
		else
			snprintf(text, sizeof text, "%s", wanted[i]);
		CHECK_STR(probes[i].said, text);
		CHECK_INT(probes[i].passed, passed[i]);
	}
	fake_stop(&s);
}

static void a_key_belongs_to_its_certificate(void)
{
	static const struct { const char *certificate, *key; int result; } rows[] = {
		{PAIR_CERTIFICATE, PAIR_KEY, 0},
		{PAIR_CERTIFICATE "-----BEGIN X-----\nother\n-----END X-----\n", PAIR_OTHER_KEY PAIR_KEY, -1}, /* the first one counts */
		{PAIR_KEY PAIR_CERTIFICATE, PAIR_CERTIFICATE PAIR_KEY, 0},
		{PAIR_CERTIFICATE, PAIR_OTHER_KEY, -1},
		{PAIR_CERTIFICATE, "", -1},
		{"", PAIR_KEY, -1},
		{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", PAIR_KEY, -1},
		{PAIR_CERTIFICATE, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		CHECK_INT(pair_check(rows[i].certificate, strlen(rows[i].certificate), rows[i].key, strlen(rows[i].key), &e), rows[i].result);
		CHECK_INT(e.kind, rows[i].result ? ERR_INVALID : ERR_NONE);
		CHECK(!rows[i].result || *e.message);
	}
}

static const struct test tests[] = {
	TEST(a_key_belongs_to_its_certificate),
	TEST(both_kinds_of_socket_answer),  TEST(bad_answers_are_named),
	TEST(nobody_there_is_unreachable),  TEST(a_kept_connection_that_closed_is_opened_again),
	TEST(many_requests_go_at_once),     TEST(probes_say_what_they_saw),
};
TESTS_MAIN(tests)
