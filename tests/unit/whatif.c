/* --what-if: each word, and each way to get it wrong. */
#include "check.h"

#include "whatif.h"

static struct service services[] = {{.project = "shop", .name = "web"}, {.project = "shop", .name = "api"}};
static struct service others[] = {{.project = "blog", .name = "web"}};
static struct project projects[] = {{.name = "shop", .services = services, .services_count = 2},
                                    {.name = "blog", .services = others, .services_count = 1}};
static const struct desired desired = {.projects = projects, .projects_count = 2};
static const struct host_state host = {.memory_bytes = 8LL << 30, .memory_available_bytes = 5LL << 30};

static struct what_if parsed(const char *text)
{
	struct what_if out;
	struct err e;
	int code = what_if_parse(text, &desired, &host, &out, &e);
	CHECK_INT(code, 0);
	if (code < 0)
		fprintf(stderr, "%s\n", e.message);
	return out;
}

static void words(void)
{
	CHECK(parsed("fail:api").fails == &services[1]);
	CHECK(parsed("fail:blog/web").fails == &others[0]);
	CHECK_INT(parsed("fail:shop/web@25").fails_after, 25);
	CHECK_INT(parsed("fail:api").fails_after, 0);
	CHECK_INT(parsed("crash:12").crash_after, 12);
	CHECK_INT(parsed("memory:4g").memory_bytes, 4LL << 30);
	CHECK_INT(parsed("memory:3.5 GiB").memory_bytes, 7LL << 29);
	CHECK_INT(parsed("memory:64g").memory_bytes, 64LL << 30); /* more than it has is as good a question */
}

static void mistakes(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "--what-if : write fail:SERVICE, fail:SERVICE@STEP, crash:STEP or memory:SIZE"},
		{"crash:0", "--what-if crash:0: '0' is no step; write the number that the plan gives it, like 4"},
		{"crash:4x", "--what-if crash:4x: '4x' is no step; write the number that the plan gives it, like 4"},
		{"fail:web", "--what-if fail:web: no one service is called 'web'; write PROJECT/SERVICE"},
		{"fail:api@", "--what-if fail:api@: '' is no step; write the number that the plan gives it, like 4"},
		{"fail:api@25%", "--what-if fail:api@25%: '25%' is no step; write the number that the plan gives it, like 4"},
		{"memory:", "--what-if memory:: '' is no size; write a number with b, k, m or g, like 4g"},
		{"memory:four", "--what-if memory:four: 'four' is no size; write a number with b, k, m or g, like 4g"},
		{"memory:-1g", "--what-if memory:-1g: '-1g' is no size; write a number with b, k, m or g, like 4g"},
		{"memory:3g", "--what-if memory:3g: what runs here takes 3G of 8G, so a host needs more than that; SIZE is all of its memory"},
	};
	struct what_if out;
	struct err e;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_INT(what_if_parse(cases[i].text, &desired, &host, &out, &e), -1);
		CHECK_INT(e.kind, ERR_USAGE);
		CHECK_STR(e.message, cases[i].says);
	}
	struct host_state unseen = {.problem = "/proc/meminfo: Permission denied"};
	CHECK_INT(what_if_parse("memory:4g", &desired, &unseen, &out, &e), -1);
	CHECK_STR(e.message, "--what-if memory:4g: nobody knows what this host has: /proc/meminfo: Permission denied");
}

static const struct test tests[] = {TEST(words), TEST(mistakes)};
TESTS_MAIN(tests)
