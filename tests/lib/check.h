/*
 * The smallest test harness: a table of functions, a check that says where it failed and goes on.
 *
 *   static void empty(void) { CHECK(x == 0); }
 *   static const struct test tests[] = {TEST(empty)};
 *   TESTS_MAIN(tests)
 *
 * Prints one line for each failure and a last line "N passed, N failed". With an argument only the tests whose names
 * contain it are run.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
};
#define TEST(fn) {#fn, fn}

static int check_failures;
/* Where CHECK puts the first thing it found wrong instead of printing it, for those who expect to find some. */
static const char **check_quietly;

static inline void check_failed(const char *where, const char *condition)
{
	check_failures++;
	if (!check_quietly)
		fprintf(stderr, "%s: CHECK(%s) failed\n", where, condition);
	else if (!*check_quietly)
		*check_quietly = condition;
}

#define CHECK_STRING_(x) #x
#define CHECK_LINE_(x) CHECK_STRING_(x)
#define CHECK(condition) \
	do { \
		if (!(condition)) \
			check_failed(__FILE__ ":" CHECK_LINE_(__LINE__), #condition); \
	} while (0)

#define CHECK_INT(got, want) \
	do { \
		long long got_ = (long long)(got), want_ = (long long)(want); \
		if (got_ != want_) { \
			fprintf(stderr, "%s:%d: %s is %lld, wanted %lld\n", __FILE__, __LINE__, #got, got_, want_); \
			check_failures++; \
		} \
	} while (0)

#define CHECK_STR(got, want) \
	do { \
		const char *got_ = (got), *want_ = (want); \
		if (!got_ || strcmp(got_, want_) != 0) { \
			fprintf(stderr, "%s:%d: %s is\n  \"%s\", wanted\n  \"%s\"\n", __FILE__, __LINE__, #got, got_ ? got_ : "(null)", want_); \
			check_failures++; \
		} \
	} while (0)

#define CHECK_CONTAINS(got, part) \
	do { \
		const char *got_ = (got), *part_ = (part); \
		if (!got_ || !strstr(got_, part_)) { \
			fprintf(stderr, "%s:%d: %s is\n  \"%s\", which has no\n  \"%s\"\n", __FILE__, __LINE__, #got, got_ ? got_ : "(null)", part_); \
			check_failures++; \
		} \
	} while (0)

static inline int check_main(const struct test *tests, size_t count, const char *only)
{
	int passed = 0, failed = 0;
	for (size_t i = 0; i < count; i++) {
		if (only && !strstr(tests[i].name, only))
			continue;
		int before = check_failures;
		tests[i].run();
		if (check_failures == before) {
			passed++;
		} else {
			failed++;
			fprintf(stderr, "FAILED %s\n", tests[i].name);
		}
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed || !passed;
}

#define TESTS_MAIN(tests) \
	int main(int argc, char **argv) \
	{ \
		return check_main(tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL); \
	}

#endif
