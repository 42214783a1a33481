/* The small grammars of desired/, each as a table: interpolation, scalars, sizes, durations, words, env files. */
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "desired/fields.h"
#include "desired/interpolate.h"
#include "desired/shellwords.h"
#include "desired/units.h"
#include "desired/yaml.h"

#define BAD "invalid interpolation format"

static void interpolation(void)
{
	/* V=value V_x=other E="" D="a$V"; U and W are not set. */
	static const char *names[] = {"V", "V_x", "E", "D"}, *values[] = {"value", "other", "", "a$V"};
	static const struct environment env = {.names = names, .values = values, .count = 4};
	static const struct {
		const char *in, *out, *error;
		int secret, unset;
	} rows[] = {
		{"plain", "plain"}, {"$(date)", "$(date)"}, {"$1", "$1"}, {"$", "$"}, {"a$", "a$"}, {"$ {V}", "$ {V}"},
		{"$$V", "$V"}, {"$${V}", "${V}"}, {"$$$V", "$value", NULL, 1}, {"$V", "value", NULL, 1},
		{"${V}", "value", NULL, 1}, {"$V-x", "value-x", NULL, 1}, {"$V_x", "other", NULL, 1},
		{"${U:-${W:-x}}", "x"}, {"${U:-{\"k\":\"v\"}}", "{\"k\":\"v\"}"}, {"${U:-a}b}", "ab}"}, {"${U-a:-b}", "a:-b"},
		{"${E-d}", "", NULL, 1}, {"${E:-d}", "d"}, {"${E:+r}", ""}, {"${E+r}", "r"}, {"${U:+r}", ""}, {"${V:+r}", "r"},
		{"${E?m}", "", NULL, 1}, {"${E:?m}", NULL, "the variable E has no value: m"},
		{"${U:?}", NULL, "the variable U has no value: set it in the host's env file"},
		{"${U:?no $V here}", NULL, "the variable U has no value: set it in the host's env file"},
		{"${U:-\"q\"}", "\"q\""}, {"${U}", "", NULL, 0, 1}, {"$U-$W", "-", NULL, 0, 2}, {"${U:-$V}", "value", NULL, 1},
		{"$D", "a$V", NULL, 1}, {"${U:-}", ""},
		{"${V", NULL, BAD}, {"${}", NULL, BAD}, {"${1}", NULL, BAD}, {"${ V }", NULL, BAD}, {"${V }", NULL, BAD},
		{"${V.x}", NULL, BAD}, {"${V/x/y}", NULL, BAD}, {"${V:0:2}", NULL, BAD}, {"${!N}", NULL, BAD}, {"${#V}", NULL, BAD},
		{"${V!}", NULL, BAD}, {"${U:-a\nb}", NULL, BAD}, {"${U:-${W}", NULL, BAD}, {"${V:", NULL, BAD}, {"${V:}", NULL, BAD},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct interpolated result;
		struct err e = {0};
		int got = interpolate(rows[i].in, &env, &a, &result, &e);
		CHECK_INT(got, rows[i].error ? -1 : 0);
		if (rows[i].error) {
			CHECK_CONTAINS(e.message, rows[i].error);
			continue;
		}
		CHECK_STR(result.text, rows[i].out);
		CHECK_INT(result.secret, rows[i].secret);
		CHECK_INT(result.unset_count, rows[i].unset);
	}
}

static void interpolation_is_bounded(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf deep = BUF_INIT(1024 * 1024);
	struct environment env = {0};
	struct interpolated result;
	struct err e = {0};
	for (int i = 0; i < 5000; i++)
		buf_puts(&deep, "${A:-");
	for (int i = 0; i < 5000; i++)
		buf_puts(&deep, "}");
	CHECK_INT(interpolate(deep.text, &env, &a, &result, &e), -1);
	CHECK_STR(e.message, "${...} nested deeper than 32 levels");

	char *value = arena_alloc(&a, 70000);
	memset(value, 'x', 69999);
	const char *name = "A", *values[] = {value};
	env = (struct environment){.names = &name, .values = values, .count = 1};
	CHECK_INT(interpolate("$A$A", &env, &a, &result, &e), -1);
	CHECK_STR(e.message, "becomes longer than 128 KiB with the variables' values in it");
}

static void scalars(void)
{
	static const struct {
		const char *plain;
		enum scalar_type type;
		const char *text;
	} rows[] = {
		{"true", SCALAR_BOOL, "true"}, {"True", SCALAR_BOOL, "true"}, {"FALSE", SCALAR_BOOL, "false"},
		{"yes", SCALAR_STRING, "yes"}, {"no", SCALAR_STRING, "no"}, {"on", SCALAR_STRING, "on"}, {"y", SCALAR_STRING, "y"},
		{"", SCALAR_NULL, ""}, {"~", SCALAR_NULL, ""}, {"null", SCALAR_NULL, ""}, {"NULL", SCALAR_NULL, ""},
		{"nULL", SCALAR_STRING, "nULL"}, {"22:22", SCALAR_STRING, "22:22"}, {"1:30:00", SCALAR_STRING, "1:30:00"},
		{"0", SCALAR_INT, "0"}, {"022", SCALAR_INT, "18"}, {"0o22", SCALAR_INT, "18"}, {"0x1F", SCALAR_INT, "31"},
		{"0b11", SCALAR_INT, "3"}, {"1_000", SCALAR_INT, "1000"}, {"+1", SCALAR_INT, "1"}, {"-0", SCALAR_INT, "0"},
		{"-17", SCALAR_INT, "-17"}, {"08", SCALAR_FLOAT, "8"}, {"0x", SCALAR_STRING, "0x"}, {"-", SCALAR_STRING, "-"},
		{"18446744073709551615", SCALAR_INT, "18446744073709551615"},
		{"12345678901234567890123", SCALAR_FLOAT, "1.2345678901234568e+22"},
		{"1.10", SCALAR_FLOAT, "1.1"}, {"1.0", SCALAR_FLOAT, "1"}, {"1e3", SCALAR_FLOAT, "1000"}, {".5", SCALAR_FLOAT, "0.5"},
		{"1e5", SCALAR_FLOAT, "100000"}, {"123456.0", SCALAR_FLOAT, "123456"}, {"999999.5", SCALAR_FLOAT, "999999.5"},
		{"1e6", SCALAR_FLOAT, "1e+06"}, {"1000000.0", SCALAR_FLOAT, "1e+06"}, {"1234567.0", SCALAR_FLOAT, "1.234567e+06"},
		{"123456789.123", SCALAR_FLOAT, "1.23456789123e+08"}, {"0.0001", SCALAR_FLOAT, "0.0001"},
		{"0.00001", SCALAR_FLOAT, "1e-05"}, {"0.00001234", SCALAR_FLOAT, "1.234e-05"}, {"5e-324", SCALAR_FLOAT, "5e-324"},
		{"-1.5", SCALAR_FLOAT, "-1.5"}, {"1.5.2", SCALAR_STRING, "1.5.2"}, {"1e", SCALAR_STRING, "1e"}, {".", SCALAR_STRING, "."},
		{".inf", SCALAR_FLOAT, "+Inf"}, {"-.inf", SCALAR_FLOAT, "-Inf"}, {".nan", SCALAR_FLOAT, "NaN"},
		{"2020-01-01", SCALAR_DATE, "2020-01-01"}, {"2020-01-01T10:00:00Z", SCALAR_DATE, "2020-01-01T10:00:00Z"},
		{"2020-13-01", SCALAR_STRING, "2020-13-01"}, {"2020-01-01-rc1", SCALAR_STRING, "2020-01-01-rc1"},
		{"1.2.3.4", SCALAR_STRING, "1.2.3.4"}, {"512m", SCALAR_STRING, "512m"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		const char *text = NULL;
		enum scalar_type type = scalar_resolve(rows[i].plain, &a, &text);
		CHECK_STR(text, rows[i].text);
		if (type != rows[i].type)
			fprintf(stderr, "'%s':\n", rows[i].plain);
		CHECK_INT(type, rows[i].type);
	}
}

static const char *at(const struct node *root, const char *a, const char *b)
{
	const struct node *n = node_get(root, a);
	n = b ? node_get(n, b) : n;
	return n && n->kind == NODE_SCALAR ? n->text : "(none)";
}

static void anchors_and_merges(void)
{
	static const char text[] =
		"a: &a {k: 1, only_a: x}\n"
		"b: &b {k: 2, only_b: y}\n"
		"one: {<<: *a, k: own}\n"
		"late: {k: own, <<: *a}\n"
		"list: {<<: [*b, *a]}\n"
		"quoted: {\"<<\": z}\n"
		"s: &s first\nuse1: *s\nt: &s second\nuse2: *s\n"
		"str: !!str 022\nnum: 022\n";
	CLEANUP(arena_done) struct arena a = {0};
	struct node *root;
	struct err e = {0};
	CHECK_INT(yaml_read("f", text, strlen(text), &a, &root, &e), 0);
	CHECK_STR(at(root, "one", "k"), "own");
	CHECK_STR(at(root, "one", "only_a"), "x");
	CHECK_STR(at(root, "late", "k"), "own");
	CHECK_STR(at(root, "list", "k"), "2");
	CHECK_STR(at(root, "list", "only_a"), "x");
	CHECK_STR(at(root, "quoted", "<<"), "z");
	CHECK_STR(at(root, "use1", NULL), "first");
	CHECK_STR(at(root, "use2", NULL), "second");
	CHECK_STR(at(root, "str", NULL), "022");
	CHECK_STR(at(root, "num", NULL), "18");
	CHECK_INT(node_get(node_get(root, "list"), "only_b")->mark.line, 2);
	CHECK_INT(node_get(node_get(root, "list"), "only_b")->mark.column, 22);
}

static void sizes(void)
{
	static const struct {
		const char *text;
		long long bytes; /* -1: none */
	} rows[] = {
		{"512m", 536870912}, {"512M", 536870912}, {"512mb", 536870912}, {"512MiB", 536870912}, {"536870912", 536870912},
		{"512 m", 536870912}, {"1.5g", 1610612736}, {".5g", 536870912}, {"1k", 1024}, {"1t", 1099511627776},
		{"1p", 1125899906842624}, {"7b", 7}, {"7B", 7}, {"0", 0}, {"9007199254740993", 9007199254740993},
		{"", -1}, {"g", -1}, {" 1g", -1}, {"1gbb", -1}, {"1bb", -1}, {"-1", -1}, {"5OO", -1}, {"1x", -1}, {"1g ", -1},
		{"1  g", -1}, {".", -1}, {"99999999p", -1}, {"1e3", -1}, {"1ib", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t bytes = -1;
		if (!units_bytes(rows[i].text, &bytes))
			bytes = -1;
		CHECK_INT(bytes, rows[i].bytes);
	}
}

static void durations(void)
{
	static const struct {
		const char *text;
		long long ns; /* -1: none */
	} rows[] = {
		{"30s", 30000000000}, {"1m30s", 90000000000}, {"1.5h", 5400000000000}, {"250ms", 250000000}, {"1us", 1000},
		{"1\xc2\xb5s", 1000}, {"1\xce\xbcs", 1000}, {"10ns", 10}, {"1d", 86400000000000}, {"1w", 604800000000000}, {"0s", 0},
		{".5s", 500000000}, {"1m1ms", 60001000000},
		{"", -1}, {"30", -1}, {"0", -1}, {"-1s", -1}, {"1 s", -1}, {"1S", -1}, {"s", -1}, {"1s ", -1}, {"99999999w", -1}, {"1s1", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t ns = -1;
		if (!units_duration_ns(rows[i].text, &ns))
			ns = -1;
		CHECK_INT(ns, rows[i].ns);
	}
	int64_t nano = 0;
	CHECK(units_nano_cpus("0.5", &nano) && nano == 500000000);
	CHECK(units_nano_cpus("1.1", &nano) && nano == 1100000000);
	CHECK(units_nano_cpus("2", &nano) && nano == 2000000000);
	CHECK(!units_nano_cpus("2x", &nano) && !units_nano_cpus("", &nano) && !units_nano_cpus("-1", &nano));
}

static void words(void)
{
	static const struct {
		const char *text, *list;
		char dropped;
	} rows[] = {
		{"a b  c", "[\"a\",\"b\",\"c\"]"}, {"a\nb\tc ", "[\"a\",\"b\",\"c\"]"}, {"'a b' \"c d\"", "[\"a b\",\"c d\"]"},
		{"a'b'\"c\"d", "[\"abcd\"]"}, {"\"\\n\"", "[\"n\"]"}, {"a\\ b", "[\"a b\"]"}, {"'a\\n'", "[\"a\\\\n\"]"},
		{"a \"\" b", "[\"a\",\"\",\"b\"]"}, {"a # c", "[\"a\"]"}, {"a#c", "[\"a#c\"]"}, {"{a,b} *", "[\"{a,b}\",\"*\"]"},
		{"a && b", "[\"a\"]", '&'}, {"a; b", "[\"a\"]", ';'}, {"a | b", "[\"a\"]", '|'}, {"a>b", "[\"a\"]", '>'},
		{"'a && b'", "[\"a && b\"]"}, {"`a b` c", "[\"`a b`\",\"c\"]"}, {"$(a b) c", "[\"$(a b)\",\"c\"]"}, {"", "[]"},
		{"(a)", NULL}, {"'a", NULL}, {"\"a", NULL}, {"`a", NULL}, {"$(a", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
		struct value list = {0};
		const char *dropped;
		struct err e = {0};
		int result = shellwords(rows[i].text, &a, &list, &dropped, &e);
		CHECK_INT(result, rows[i].list ? 0 : -1);
		if (result < 0)
			continue;
		value_print(&out, &list, false);
		CHECK_STR(out.text, rows[i].list);
		CHECK_INT(dropped ? *dropped : 0, rows[i].dropped);
	}
}

static void env_files(void)
{
	static const struct {
		const char *text, *result; /* "NAME=value;..." or the error behind the path */
	} rows[] = {
		{"A=1\nB=2\n", "A=1;B=2;"}, {"A=1\r\nB=2\r\n", "A=1;B=2;"}, {"\xef\xbb\xbf" "A=1", "A=1;"}, {"export A=1", "A=1;"},
		{"A: 1", "A=1;"}, {"A = 1 ", "A=1;"}, {"# c\n\n  A=1 # c\n", "A=1;"}, {"A=1#2", "A=1#2;"}, {"A=", "A=;"}, {"A= # c", "A=;"},
		{"A=022\nB=yes\nC=~", "A=022;B=yes;C=~;"}, {"A=a\\nb", "A=a\\nb;"}, {"A=\"a\\nb\"", "A=a\nb;"},
		{"A='a\\nb$X'", "A=a\\nb$X;"}, {"A='it\\'s'", "A=it's;"}, {"A=\"x\ny\"\nB=1", "A=x\ny;B=1;"},
		{"A=\"q\\\"\\\\\\$B\"", "A=q\"\\$B;"}, {"A=\"\\0101\"", "A=A;"}, {"A=1\nB=${A}2\nC='$A'", "A=1;B=12;C=$A;"},
		{"A=${NOWHERE_TO_BE_SEEN:-d}", "A=d;"}, {"A=1\nA=2", "A=2;"}, {"NOWHERE_TO_BE_SEEN", ""}, {"A.b-c[0]=1", "A.b-c[0]=1;"},
		{"A=\"v\" # c\nB=1", "A=v;B=1;"},
		{"A=1\nK A=v", ":2: no '=' behind K; write NAME=value"}, {"K!=v", ":1: no '=' behind K; write NAME=value"},
		{"\n=v", ":2: no variable's name here; write NAME=value, and '#' in front of a comment"},
		{"K # c", ":1: no '=' behind K; write NAME=value"}, {"A=1\nK=\"v\nw", ":2: the quote \" is never closed"},
		{"K='v", ":1: the quote ' is never closed"},
		{"K=${", ":1: invalid interpolation format '${'; write ${NAME}, ${NAME:-default} or ${NAME:?message}, and $$ for a $"},
	};
	char path[] = "/tmp/desired-env-XXXXXX";
	int fd = mkstemp(path);
	CHECK(fd >= 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
		struct environment env;
		struct err e = {0};
		CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, rows[i].text, strlen(rows[i].text), 0) >= 0);
		if (environment_read(path, &a, &env, &e) < 0)
			buf_puts(&got, e.message + strlen(path));
		else
			for (size_t j = 0; j < env.count; j++)
				buf_printf(&got, "%s=%s;", env.names[j], env.values[j]);
		CHECK_STR(got.text, rows[i].result);
	}
	close(fd);
	unlink(path);
	CLEANUP(arena_done) struct arena a = {0};
	struct environment env;
	struct err e = {0};
	CHECK_INT(environment_read(path, &a, &env, &e), -1);
	CHECK_INT(e.kind, ERR_NOT_FOUND);
}

static void every_row_of_the_table_is_whole(void)
{
	size_t count, shown, public_count;
	const struct field_row *rows = fields_table(&count, &shown);
	const struct field *const *fields = fields_rows(&public_count);
	CHECK_INT(public_count, shown);
	CHECK(shown > 25 && shown < count);
	for (size_t i = 0; i < count; i++) {
		const struct field_row *row = &rows[i];
		CHECK(row->doc && strlen(row->doc) > 10 && row->doc[strlen(row->doc) - 1] == '.');
		/* What no manifest says follows from what it says; and of what is not sent, only that makes a revision. */
		CHECK(row->parse != NULL || (i < shown && row->field.change == CHANGE_REPLACE));
		CHECK((row->field.engine != NULL) == (row->field.form != ENGINE_NONE));
		CHECK(row->field.form != ENGINE_NONE || row->field.change == CHANGE_NONE || !row->parse);
		CHECK((row->same_as != NULL) == (i >= shown));
		if (row->same_as)
			CHECK(field_index(row->same_as) < shown && rows[field_index(row->same_as)].parse == row->parse);
		if (i < shown)
			CHECK(fields[i] == &row->field);
		CHECK_INT(field_index(row->field.path), i);
		for (size_t j = 0; j < i; j++) {
			size_t n = strlen(rows[j].field.path);
			CHECK(strcmp(rows[j].field.path, row->field.path) != 0);
			CHECK(strncmp(rows[j].field.path, row->field.path, n) != 0 || row->field.path[n] != '.');
			CHECK(!row->field.engine || !rows[j].field.engine || strcmp(row->field.engine, rows[j].field.engine) != 0);
			CHECK(row->member == MEMBER_NONE || rows[j].member == MEMBER_NONE || row->offset != rows[j].offset);
		}
	}
}

/* UPDATE_SCHEMA=1 writes it anew. */
static void the_schema_is_fresh(void)
{
	static const char path[] = "schema/compose.schema.json";
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf text = BUF_INIT(1024 * 1024);
	char *kept = NULL;
	struct err e = {0};
	schema_print(&text);
	if (getenv("UPDATE_SCHEMA"))
		CHECK_INT(fs_write(path, text.text, text.length, 0644, &e), 0);
	CHECK_INT(fs_read(path, 1024 * 1024, &a, &kept, NULL, &e), 0);
	CHECK(kept && strcmp(kept, text.text) == 0);
	size_t count, shown;
	const struct field_row *rows = fields_table(&count, &shown);
	for (size_t i = 0; i < count; i++) {
		const char *said = rows[i].fallback ? arena_printf(&a, "%s Default: %s.\"", rows[i].doc, rows[i].fallback) : rows[i].doc;
		CHECK((strstr(text.text, said) != NULL) == (rows[i].parse != NULL));
	}
}

static const struct test tests[] = {
	TEST(interpolation), TEST(interpolation_is_bounded), TEST(scalars), TEST(anchors_and_merges), TEST(sizes),
	TEST(durations), TEST(words), TEST(env_files), TEST(every_row_of_the_table_is_whole), TEST(the_schema_is_fresh),
};
TESTS_MAIN(tests)
