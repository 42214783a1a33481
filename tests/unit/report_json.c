/* --json: the shapes that machines rely on, and that it says the same as the text. */
#include "model_host.h"

#include <cjson/cJSON.h>

#include "report/json.h"

static struct buf out;
static cJSON *json;

/* One line, one document. */
static void parse_line(void)
{
	cJSON_Delete(json);
	json = cJSON_Parse(out.text);
	CHECK(json != NULL);
	CHECK(strchr(out.text, '\n') == out.text + out.length - 1);
}

/* A path of names and indexes: "resource_changes.0.change.actions". */
static const cJSON *at(const char *path)
{
	const cJSON *one = json;
	char name[64];
	for (const char *p = path; one && *p; p += p[strcspn(p, "/")] == '/') {
		size_t n = strcspn(p, "/");
		snprintf(name, sizeof name, "%.*s", (int)n, p);
		p += n;
		one = cJSON_IsArray(one) ? cJSON_GetArrayItem(one, atoi(name)) : cJSON_GetObjectItemCaseSensitive(one, name);
	}
	return one;
}

static const char *text_at(const char *path)
{
	static char text[4096];
	const cJSON *one = at(path);
	if (!one)
		return "(nothing)";
	if (cJSON_IsString(one))
		return one->valuestring;
	CHECK(cJSON_PrintPreallocated((cJSON *)(uintptr_t)one, text, sizeof text, 0));
	return text;
}

static void plan_of(struct host *h)
{
	struct rehearsal r;
	struct plan p;
	const struct desired *d = snapshot(h);
	rehearse(d, h->world, NULL, &h->arena, &r);
	plan_build(&h->arena, d, h->world, &r, &p);
	buf_done(&out);
	out = BUF_INIT(1 << 20);
	json_plan(&out, &p, true);
	parse_line();
	CHECK_STR(text_at("format_version"), "1.0");
	CHECK_INT(cJSON_GetArraySize(at("steps")), r.events_count);
	for (int i = 0; i < (int)r.events_count; i++) {
		const cJSON *step = cJSON_GetArrayItem(at("steps"), i);
		CHECK_STR(cJSON_GetObjectItem(step, "text")->valuestring, r.events[i].text);
		CHECK_INT(cJSON_GetObjectItem(step, "at_ms")->valueint, r.events[i].at_ms);
	}
	CHECK_INT(at("changes/add")->valueint, p.tally.added);
	CHECK_INT(at("changes/change")->valueint, p.tally.changed);
	CHECK_INT(at("changes/remove")->valueint, p.tally.destroyed);
	CHECK_INT(cJSON_IsTrue(at("applyable")), !tally_is_empty(&p.tally));
	CHECK(cJSON_IsFalse(at("errored")) && cJSON_IsTrue(at("complete")));
}

static struct host *deployed(const char *name, enum strategy strategy, bool routed)
{
	struct host *h = host_new();
	add_service(h, name, "app:1", strategy, routed);
	run(h);
	return h;
}

static void each_sign_has_terraforms_actions(void)
{
	struct host *h = host_new();
	add_service(h, "web", "app:1", STRATEGY_BLUE_GREEN, true);
	h->desired.commit = "0123456789abcdef";
	h->desired.subject = "The \"shop\"";
	plan_of(h);
	CHECK_STR(text_at("commit"), "{\"id\":\"0123456789abcdef\",\"subject\":\"The \\\"shop\\\"\"}");
	CHECK_STR(text_at("resource_changes/0/address"), "shop/web");
	CHECK_STR(text_at("resource_changes/0/change/actions"), "[\"create\"]");
	CHECK_STR(text_at("resource_changes/0/change/before"), "null");
	CHECK_STR(text_at("resource_changes/0/change/after/image"), "app:1");
	CHECK_STR(text_at("resource_changes/0/strategy"), "blue-green");
	CHECK_STR(text_at("resource_drift"), "[]");
	run(h);
	plan_of(h);
	CHECK_STR(text_at("resource_changes/0/change/actions"), "[\"no-op\"]");
	CHECK_STR(text_at("resource_changes/0/action_reason"), "(nothing)");
	set_image(h, service_of(h, "web"), "app:2");
	plan_of(h);
	CHECK_STR(text_at("resource_changes/0/change/actions"), "[\"create\",\"delete\"]");
	CHECK_STR(text_at("resource_changes/0/change/before/image"), "app:1");
	CHECK_STR(text_at("resource_changes/0/change/after/image"), "app:2");
	CHECK_STR(text_at("resource_changes/0/change/replace_paths"), "[[\"image\"]]");
	CHECK_STR(text_at("resource_changes/0/action_reason"), "replace_because_cannot_update");
	host_free(h);

	h = deployed("db", STRATEGY_IN_PLACE, false);
	set_image(h, service_of(h, "db"), "app:2");
	plan_of(h);
	CHECK_STR(text_at("resource_changes/0/change/actions"), "[\"delete\",\"create\"]");
	host_free(h);

	h = deployed("web", STRATEGY_BLUE_GREEN, true);
	add_service(h, "old", "app:1", STRATEGY_BLUE_GREEN, true);
	run(h);
	h->desired.projects[0].services_count = 1;
	h->desired.routes_count = 1;
	plan_of(h);
	CHECK_STR(text_at("resource_changes/1/address"), "shop/old");
	CHECK_STR(text_at("resource_changes/1/change/actions"), "[\"delete\"]");
	CHECK_STR(text_at("resource_changes/1/change/before/image"), "app:1");
	CHECK_STR(text_at("resource_changes/1/change/after"), "null");
	CHECK_STR(text_at("resource_changes/1/action_reason"), "delete_because_no_resource_config");
	host_free(h);

	h = deployed("web", STRATEGY_BLUE_GREEN, true);
	h->desired.routes[0].host = "new.example.com";
	plan_of(h);
	CHECK_STR(text_at("resource_changes/0/change/actions"), "[\"no-op\"]");
	CHECK_STR(text_at("resource_changes/1/address"), "routes");
	CHECK_STR(text_at("resource_changes/1/change/actions"), "[\"update\"]");
	host_free(h);
}

static void drift_is_said_apart(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	find_instance(h, "shop-web-1")->state = INSTANCE_EXITED;
	plan_of(h);
	CHECK_STR(text_at("resource_drift/0/address"), "shop/web");
	CHECK_STR(text_at("resource_drift/0/change/actions"), "[\"update\"]");
	CHECK_STR(text_at("resource_drift/0/reason"), "shop-web-1 exited with code 0");
	CHECK_STR(text_at("resource_changes/0/change/actions"), "[\"update\"]");
	host_free(h);
}

static void what_is_quarantined_stays_as_it_was(void)
{
	struct host *h = deployed("db", STRATEGY_IN_PLACE, false);
	set_image(h, service_of(h, "db"), "app:2");
	h->exits = "rev-app:2";
	run(h);
	h->exits = NULL;
	plan_of(h);
	CHECK_STR(text_at("resource_changes/0/action_reason"), "quarantined");
	CHECK_STR(text_at("resource_changes/0/change/after/image"), "app:1");
	CHECK_STR(text_at("services/0/phase"), "rolled back");
	host_free(h);
}

static void secrets_are_marked_and_masked(void)
{
	struct host *h = host_new();
	struct service *s = add_service(h, "web", "app:hunter2", STRATEGY_BLUE_GREEN, true);
	struct value *values = own_values(h, s), map = {0}, v = value_string("hunter2");
	v.secret = true;
	value_set(&h->arena, &map, "PASSWORD", v);
	value_set(&h->arena, &map, "PLAIN", value_string("x"));
	values[3] = map;
	values[0].secret = true;
	snprintf(s->revision, sizeof s->revision, "12345678");
	plan_of(h);
	CHECK(!strstr(out.text, "hunter2"));
	CHECK_STR(text_at("resource_changes/0/change/after/image"), "(secret)");
	CHECK_STR(text_at("resource_changes/0/change/after/environment"), "{\"PASSWORD\":\"(secret)\",\"PLAIN\":\"x\"}");
	CHECK_STR(text_at("resource_changes/0/change/after_sensitive"), "{\"image\":true,\"environment\":{\"PASSWORD\":true}}");
	CHECK_STR(text_at("resource_changes/0/change/before_sensitive"), "false");
	struct decision d;
	decide(&h->desired, h->world, &h->arena, &d);
	for (size_t i = 0; i < d.actions_count; i++) {
		struct err e = {.message = "no"};
		buf_clear(&out);
		json_line_action(&out, "apply_errored", &d.actions[i], &e);
		parse_line();
		CHECK(!strstr(out.text, "hunter2"));
	}
	host_free(h);
}

static void a_return_to_what_was_good_is_marked(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	set_image(h, service_of(h, "web"), "app:2");
	plan_of(h);
	CHECK_STR(text_at("resource_changes/0/was_good"), "(nothing)");
	run(h);
	set_image(h, service_of(h, "web"), "app:1");
	plan_of(h);
	CHECK_STR(text_at("resource_changes/0/was_good"), "true");
	run(h);
	plan_of(h);
	CHECK_STR(text_at("resource_changes/0/was_good"), "(nothing)");
	host_free(h);
}

static void status_is_one_document(void)
{
	struct host *h = deployed("web", STRATEGY_BLUE_GREEN, true);
	struct decision d;
	decide(&h->desired, h->world, &h->arena, &d);
	buf_clear(&out);
	struct evidence seen[] = {
		{.project = "shop", .service = "web", .revision = "r", .weight = 0, .stable = {.attempts = 9}},
		{.project = "shop", .service = "web", .revision = "r", .weight = 50, .next = {.attempts = 3, .errors = 1}},
		{.project = "shop", .service = "web", .revision = "r", .weight = 250, .next = {.attempts = 4}, .stable = {.attempts = 5}},
	};
	seen[2].next.latency[evidence_bucket_of(1)] = 4;
	h->world->evidence = seen;
	h->world->evidence_count = ARRAY_LEN(seen);
	json_status(&out, &h->desired, &d, h->world);
	parse_line();
	CHECK_STR(text_at("requests"), "[{\"address\":\"shop/web\",\"revision\":\"r\",\"next\":{\"attempts\":7,\"errors\":1,\"p99_ms\":1}"
	                               ",\"stable\":{\"attempts\":5,\"errors\":0}}]");
	h->world->evidence_count = 0;
	CHECK_STR(text_at("services"), "[{\"address\":\"shop/web\",\"phase\":\"settled\",\"strategy\":\"blue-green\",\"revision\":\"rev-app:1\"}]");
	host_free(h);
}

static void diagnostics_have_their_place(void)
{
	static const char errors[] = "a/compose.yaml:12:5: services.web.memory: '5OO' is no size; write a number: really\n"
	                             "c:3.yaml:1:2: not valid YAML: a tab\nplain: empty compose file\n";
	const struct desired none = {.commit = ""};
	struct err e = {.message = "a/compose.yaml: 3 problems"};
	buf_clear(&out);
	json_validation(&out, &none, errors, "w.yaml:1:1: services: odd\n", &e);
	parse_line();
	CHECK(cJSON_IsFalse(at("valid")));
	CHECK_INT(at("error_count")->valueint, 3);
	CHECK_INT(at("warning_count")->valueint, 1);
	CHECK_STR(text_at("diagnostics/0"), "{\"severity\":\"error\",\"file\":\"a/compose.yaml\",\"line\":12,\"column\":5,"
	          "\"path\":\"services.web.memory\",\"message\":\"'5OO' is no size; write a number: really\"}");
	CHECK_STR(text_at("diagnostics/1"), "{\"severity\":\"error\",\"file\":\"c:3.yaml\",\"line\":1,\"column\":2,\"message\":\"not valid YAML: a tab\"}");
	CHECK_STR(text_at("diagnostics/2"), "{\"severity\":\"error\",\"message\":\"plain: empty compose file\"}");
	CHECK_STR(text_at("diagnostics/3/severity"), "warning");
	buf_clear(&out);
	json_validation(&out, &none, "", "", &e);
	parse_line();
	CHECK_STR(text_at("diagnostics"), "[{\"severity\":\"error\",\"message\":\"a/compose.yaml: 3 problems\"}]");
	buf_clear(&out);
	json_validation(&out, &none, "", "", NULL);
	parse_line();
	CHECK(cJSON_IsTrue(at("valid")));
}

static void lines_of_a_run_have_terraforms_head(void)
{
	struct err e = {.message = "compose.yaml:1:2: name: too long"};
	buf_clear(&out);
	json_line_version(&out);
	parse_line();
	CHECK_STR(text_at("type"), "version");
	CHECK_STR(text_at("@level"), "info");
	CHECK_STR(text_at("@module"), "reconcile");
	CHECK_INT(strlen(text_at("@timestamp")), strlen("2026-11-21T05:49:00.571Z"));
	CHECK(text_at("@timestamp")[10] == 'T' && text_at("@timestamp")[23] == 'Z');
	buf_clear(&out);
	json_line_diagnostic(&out, &e);
	parse_line();
	CHECK_STR(text_at("@level"), "error");
	CHECK_STR(text_at("diagnostic"), "{\"severity\":\"error\",\"file\":\"compose.yaml\",\"line\":1,\"column\":2,\"path\":\"name\",\"message\":\"too long\"}");
	buf_clear(&out);
	struct status one = {.project = "shop", .service = "web", .phase = PHASE_ROLLED_BACK, .revision = "1", .strategy = "in-place"};
	json_line_summary(&out, &(struct tally){1, 2, 3, 4}, &(struct decision){.services = &one, .services_count = 1}, "Rolled back");
	parse_line();
	CHECK_STR(text_at("@message"), "Rolled back");
	CHECK_STR(text_at("@level"), "warn");
	CHECK_STR(text_at("changes"), "{\"add\":1,\"change\":2,\"remove\":3,\"operation\":\"apply\"}");
	CHECK_STR(text_at("services/0/phase"), "rolled back");
}

static const struct test tests[] = {
	TEST(each_sign_has_terraforms_actions), TEST(drift_is_said_apart), TEST(what_is_quarantined_stays_as_it_was),
	TEST(secrets_are_marked_and_masked), TEST(a_return_to_what_was_good_is_marked), TEST(status_is_one_document), TEST(diagnostics_have_their_place),
	TEST(lines_of_a_run_have_terraforms_head),
};

int main(int argc, char **argv)
{
	out = BUF_INIT(1 << 20);
	int result = check_main(tests, ARRAY_LEN(tests), argc > 1 ? argv[1] : NULL);
	cJSON_Delete(json);
	buf_done(&out);
	return result;
}
