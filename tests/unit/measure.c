/* What a Prometheus is asked, and what is made of its answers. */
#include "check.h"
#include "fake_server.h"

#include "measure.h"

#define T0 1763716000000LL

struct bench {
	struct arena arena;
	struct fake_server server;
	struct http *http;
	struct measurer measurer;
	struct service service;
	struct project project;
	struct desired desired;
	struct traffic traffic;
	struct past_good past;
	struct world world;
};

static void bench_open(struct bench *b, const struct fake_rule *rules, size_t count, const char *query)
{
	struct err e;
	*b = (struct bench){0};
	fake_start(&b->server, rules, count, false);
	CHECK_INT(http_open(&b->http, &e), 0);
	b->measurer = (struct measurer){.http = b->http, .arena = &b->arena};
	b->service = (struct service){.project = "shop", .name = "web", .revision = "beef", .analysis = {.is_on = true,
		.query = {arena_printf(&b->arena, "http://127.0.0.1:%d", b->server.port), query, 1}}};
	b->project = (struct project){.name = "shop", .services = &b->service, .services_count = 1};
	b->desired = (struct desired){.projects = &b->project, .projects_count = 1};
	b->traffic = (struct traffic){.project = "shop", .service = "web", .rollout = "r1", .next = {.revision = "beef"}, .weight = 50,
		.weight_since_ms = T0};
}

static void bench_close(struct bench *b)
{
	http_free(b->http);
	fake_stop(&b->server);
	arena_done(&b->arena);
}

/* NULL: it was not asked for. */
static const struct measure *ask(struct bench *b, int64_t after_ms)
{
	b->world = (struct world){.now_ms = T0 + after_ms};
	b->world.nginx.topology = (struct topology){.services = &b->traffic, .services_count = 1};
	b->world.past_goods = (struct past_goods){&b->past, b->past.revision != NULL};
	measure(&b->measurer, &b->desired, &b->arena, &b->world);
	return b->world.measures_count ? b->world.measures : NULL;
}

static size_t times_asked(struct bench *b, char *text, size_t size)
{
	size_t lines = 0;
	fake_recorded(&b->server, text, size);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	return lines;
}

#define VECTOR(items) "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" items "]}}"

static void answers(void)
{
	static const struct {
		struct fake_rule rule;
		bool has_value;
		double value;
		const char *why;
	} cases[] = {
		{{.body = VECTOR("{\"metric\":{},\"value\":[1.5,\"0.25\"]}")}, true, 0.25, ""},
		{{.body = "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1.5,\"7\"]}}"}, true, 7, ""},
		{{.body = VECTOR("")}, false, 0, "Prometheus has no data"},
		{{.body = VECTOR("{\"value\":[1,\"NaN\"]}")}, false, 0, "Prometheus has no data: it answers NaN"},
		{{.body = VECTOR("{\"value\":[1,\"+Inf\"]}")}, false, 0, "Prometheus has no data: it answers +Inf"},
		{{.body = VECTOR("{\"value\":[1,\"x\"]}")}, false, 0, "the answer of Prometheus has no number"},
		{{.body = VECTOR("{\"value\":[1,2]}")}, false, 0, "the answer of Prometheus has no number"},
		{{.body = VECTOR("{\"value\":[1,\"1\"]},{\"value\":[1,\"1\"]}")}, false, 0, "the query gives 2 series, and one number is wanted"},
		{{.body = "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}"}, false, 0, "the query gives a matrix, and one number is wanted"},
		{{.body = "<html>"}, false, 0, "the answer is none of a Prometheus"},
		{{.body = ""}, false, 0, "the answer is none of a Prometheus"},
		{{.status = 400, .body = "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"1:3: parse error\"}"}, false, 0, "Prometheus answers 400"},
		{{.status = 503, .body = "no"}, false, 0, "Prometheus answers 503"},
		{{.manner = FAKE_DROP}, false, 0, NULL},
		{{.manner = FAKE_SILENT}, false, 0, "Prometheus does not answer in time"},
		{{.manner = FAKE_HUGE}, false, 0, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;
		struct fake_rule rule = cases[i].rule;
		rule.match = "GET /api/v1/query?";
		bench_open(&b, &rule, 1, "up");
		const struct measure *m = ask(&b, 30000);
		CHECK(m);
		if (m) {
			CHECK_STR(m->revision, "beef");
			CHECK_INT(m->has_value, cases[i].has_value);
			CHECK(!m->has_value || (m->value >= cases[i].value && m->value <= cases[i].value));
			if (cases[i].why)
				CHECK_STR(m->why, cases[i].why);
			CHECK(m->has_value || *m->why);
		}
		bench_close(&b);
	}
}

static void what_is_asked(void)
{
	static const struct fake_rule rule = {.match = "GET /", .body = VECTOR("{\"value\":[1,\"1\"]}")};
	char text[4096];
	struct bench b;
	bench_open(&b, &rule, 1, "rate(x{r=\"{{revision}}\",s=\"{{service}}.{{project}}\"}[{{window}}])");
	ask(&b, 63500);
	times_asked(&b, text, sizeof text);
	CHECK_CONTAINS(text, "GET /api/v1/query?query=rate%28x%7Br%3D%22beef%22%2Cs%3D%22web.shop%22%7D%5B63s%5D%29");
	bench_close(&b);
}

/* Every 5 s, sooner while it has no data, at once after a change of weight, and not without a share of the traffic. */
static void how_often(void)
{
	static const struct fake_rule rules[] = {{.match = "GET /", .body = VECTOR("{\"value\":[1,\"1\"]}"), .times = 1},
		{.match = "GET /", .body = VECTOR("{\"value\":[1,\"2\"]}"), .times = 1},
		{.match = "GET /", .body = VECTOR(""), .times = 1}, {.match = "GET /", .body = VECTOR("{\"value\":[1,\"3\"]}")}};
	char text[4096];
	struct bench b;
	bench_open(&b, rules, ARRAY_LEN(rules), "up");
	b.traffic.weight = 0;
	CHECK(!ask(&b, 100));
	b.traffic.weight = 50;
	CHECK(ask(&b, 1000)->value < 1.5);
	CHECK(ask(&b, 5999)->value < 1.5);
	CHECK_INT(times_asked(&b, text, sizeof text), 1);
	CHECK(ask(&b, 6000)->value > 1.5);
	b.traffic.weight_since_ms = T0 + 6500; /* what was true under another weight is not */
	CHECK(!ask(&b, 7000)->has_value);
	CHECK_INT(times_asked(&b, text, sizeof text), 3);
	CHECK(!ask(&b, 7999)->has_value); /* the hold waits for it: no longer than it must */
	CHECK(ask(&b, 8000)->value < 3.5);
	CHECK(ask(&b, 12999)->has_value);
	CHECK_INT(times_asked(&b, text, sizeof text), 4);
	b.service.analysis.is_on = false;
	CHECK(!ask(&b, 60000));
	b.service.analysis.is_on = true;
	b.traffic.next.revision = "other";
	CHECK(!ask(&b, 60000));
	CHECK_INT(times_asked(&b, text, sizeof text), 4);
	bench_close(&b);
}

/* What comes back within its window, whatever Prometheus would say. */
static void what_was_good_before_is_not_asked_for(void)
{
	static const struct fake_rule rule = {.match = "GET /", .body = VECTOR("{\"value\":[1,\"1\"]}")};
	char text[4096];
	struct bench b;
	bench_open(&b, &rule, 1, "up");
	b.past = (struct past_good){"shop", "web", "beef"};
	b.service.rollback_window = 1;
	CHECK(!ask(&b, 1000));
	CHECK_INT(times_asked(&b, text, sizeof text), 0);
	b.service.rollback_window = 0;
	CHECK(ask(&b, 1000));
	bench_close(&b);
}

static void nobody_there(void)
{
	static const struct fake_rule rule = {.match = "GET /"};
	struct bench b;
	bench_open(&b, &rule, 1, "up");
	b.service.analysis.query.url = "http://127.0.0.1:1";
	CHECK_STR(ask(&b, 1000)->why, "Prometheus cannot be reached");
	bench_close(&b);
}

static const struct test tests[] = {TEST(answers), TEST(what_is_asked), TEST(how_often),
                                    TEST(what_was_good_before_is_not_asked_for), TEST(nobody_there)};
TESTS_MAIN(tests)
