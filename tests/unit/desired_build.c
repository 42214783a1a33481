/* What an image is built from: which files, and that its tag says all of it. */
#include "desired_folder.h"

#include <unistd.h>

#include "base/process.h"
#include "desired/context.h"
#include "desired/ignore.h"
#include "docker/tar.h"

static void patterns_are_dockers(void)
{
	static const struct { const char *patterns, *path; bool is_ignored; } rows[] = {
		{"", "a", false}, {"# a\n", "# a", false}, {"a", "a", true}, {"a", "b/a", false}, {"a", "a/b", true}, {"/a/", "a", true},
		{"*.key", "x.key", true}, {"*.key", "x/x.key", false}, {"**/*.key", "x.key", true}, {"**/*.key", "x/y/x.key", true},
		{"*", "a/b", true}, {"*\n!a", "a/b", false}, {"*\n!a\na/b", "a/b", true}, {"!a\n*", "a", true}, {"a?", "ab", true}, {"a?", "a/", false},
		{"[a-c]x", "bx", true}, {"[^a-c]x", "bx", false}, {"[]x]", "]", true}, {"\\*", "*", true}, {"\\*", "a", false},
		{"a/**", "a/b/c", true}, {"a/**/c", "a/c", true}, {"a/**/c", "a/b/b/c", true}, {"  a \r\n", "a", true}, {"a//./b", "a/b", true},
		{"node_modules\n!node_modules/keep", "node_modules/keep/x", false}, {"[", "[", false}, {"a**b", "axxb", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct ignore ignore;
		ignore_read(rows[i].patterns, &a, &ignore);
		if (ignore_has(&ignore, rows[i].path) != rows[i].is_ignored)
			fprintf(stderr, "'%s' and %s\n", rows[i].patterns, rows[i].path);
		CHECK_INT(ignore_has(&ignore, rows[i].path), rows[i].is_ignored);
	}
}

/* `keys` stand below Web. */
static void load_keys(struct loaded *l, const char *keys)
{
	char text[2000];
	snprintf(text, sizeof text, "name: shop\nservices:\n  Web:\n    %s\n", keys);
	load_here(l, text, NULL);
}

static void tag_of(const char *keys, char out[64])
{
	struct loaded l;
	load_keys(&l, keys);
	CHECK_STR(l.problems.text.text, "");
	snprintf(out, 64, "%s", l.result == 0 ? l.desired.projects[0].services[0].image : "");
	loaded_done(&l);
}

static void the_tag_says_all_of_it(void)
{
	char first[64], now[64];
	put("app/Dockerfile", "FROM scratch\n");
	put("app/a", "1");
	tag_of("build: app", first);
	CHECK(strncmp(first, "shop-web:", 9) == 0 && strlen(first) == 9 + 16);
	static const char *const same[] = {
		"build: ./app/", "build: {context: app, dockerfile: Dockerfile}", "build: {context: ../NAME/app}", "build: {context: app, cache_to: [x]}",
		"image: other:1\n    build: app", "build: app\n    restart: always",
	};
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		const char *at = strstr(same[i], "NAME");
		tag_of(at ? arena_printf(&a, "%.*s%s%s", (int)(at - same[i]), same[i], strrchr(folder, '/') + 1, at + 4) : same[i], now);
		CHECK_STR(now, first);
	}
	static const char *const others[] = {
		"build: {context: app, args: [A=1]}", "build: {context: app, args: {A: 2}}", "build: {context: app, target: x}", "build: {context: app, labels: {a: b}}",
		"build: {context: app, network: host}", "build: {context: app, dockerfile_inline: FROM a}", "build: {context: app, args: {A: \"${SECRET}\"}}",
		"build: {context: app, dockerfile: ../Dockerfile.other}", "platform: linux/arm64\n    build: app",
	};
	put("Dockerfile.other", "FROM other\n");
	char seen[ARRAY_LEN(others)][64];
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		tag_of(others[i], seen[i]);
		CHECK(strcmp(seen[i], first) != 0);
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(seen[i], seen[k]) != 0);
	}
	put("app/a", "2");
	tag_of("build: app", now);
	CHECK(strcmp(now, first) != 0);
	put("app/a", "1");
	put("app/.dockerignore", "b\n");
	tag_of("build: app", first);
	put("app/b", "ignored");
	tag_of("build: app", now);
	CHECK_STR(now, first);
	CHECK_INT(chmod(folder, 0755), 0);
}

static void mistakes_are_told(void)
{
	static const struct { const char *keys, *problem; } rows[] = {
		{"build: nowhere", "compose.yaml:4:12: services.Web.build: there is no folder nowhere; the context is relative to the manifest\n"},
		{"build: {context: app, dockerfile: Dockerfil}",
		 "compose.yaml:4:39: services.Web.build: there is no Dockerfil in app; add it, or name another one under dockerfile\n"},
		{"build: {context: app, dockerfile: a, dockerfile_inline: FROM x}",
		 "compose.yaml:4:61: services.Web.build: stands beside dockerfile; remove one of them\n"},
		{"build: {contxt: app}", "compose.yaml:4:13: services.Web.build: unknown key 'contxt'; did you mean 'context'?\n"},
		{"build: {context: app, ssh: [default]}", "compose.yaml:4:27: services.Web.build: 'ssh' is not supported yet; remove it\n"},
		{"build: {context: app, target: [x]}", "compose.yaml:4:35: services.Web.build.target: must be text, not a list\n"},
		{"build: https://example.com/x.git",
		 "compose.yaml:4:12: services.Web.build: a context that is not a folder beside the manifest is not supported yet; write a folder, like .\n"},
		{"build: [app]", "compose.yaml:4:12: services.Web.build: must be a map, not a list\n"},
		{"bulid: app", "compose.yaml:4:5: services.Web: unknown key 'bulid'; did you mean 'build'?\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loaded l;
		load_keys(&l, rows[i].keys);
		CHECK_STR(l.problems.text.text, rows[i].problem);
		loaded_done(&l);
	}
}

static void who_names_the_image_has_it(void)
{
	struct loaded l;
	load_keys(&l, "build: app\n    image: team/web:1\n  twin: {image: \"team/web:1\"}\n  other: {image: \"team/web:2\"}");
	CHECK_STR(l.problems.text.text, "");
	const struct service *s = l.desired.projects[0].services;
	CHECK_STR(s[1].image, s[0].image);
	CHECK_STR(s[1].revision, s[0].revision);
	CHECK(s[1].build == s[0].build && s[0].build && !s[2].build);
	CHECK_STR(s[2].image, "team/web:2");
	CHECK_INT(s[0].pull, PULL_NEVER);
	CHECK_INT(s[2].pull, PULL_MISSING);
	loaded_done(&l);
}

/* As tar(1) reads it. */
static void an_archive_is_one_for_others(void)
{
	struct loaded l;
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(1 << 20);
	char chunk[100], name[201] = {0};
	memset(name, 'n', 200);
	put("app/sub/x", "hello");
	put(name, "outside");
	CLEANUP(arena_done) struct arena a = {0};
	put(arena_printf(&a, "app/%s", name), "long");
	CHECK_INT(symlink(name, arena_printf(&a, "%s/app/link", folder)), 0);
	load_keys(&l, "build: {context: app, dockerfile_inline: FROM scratch}");
	CHECK_INT(l.result, 0);
	struct tar t = {.build = l.desired.projects[0].services[0].build, .content = context_content};
	for (size_t n; (n = tar_read(&t, chunk, sizeof chunk)) != 0 && n != (size_t)-1;)
		buf_add(&bytes, chunk, n);
	tar_done(&t);
	CHECK_INT(bytes.length % 512, 0);
	struct err e;
	CHECK_INT(fs_write(arena_printf(&a, "%s/t.tar", folder), bytes.text, bytes.length, 0644, &e), 0);
	const char *script = arena_printf(&a, "cd %s; mkdir out; tar xf t.tar -C out || exit 1\n"
		"cmp app/sub/x out/sub/x && cmp app/%s out/%s && [ \"$(readlink out/link)\" = %s ] && [ ! -e out/b ] &&\n"
		"[ \"$(cat out/.reconcile.dockerfile)\" = 'FROM scratch' ] && grep -qx .reconcile.dockerfile out/.dockerignore\n",
		folder, name, name, name);
	CLEANUP(buf_done) struct buf said = BUF_INIT(4096);
	int status = -1;
	CHECK_INT(process_run(&(struct process){.argv = (const char *const[]){"sh", "-c", script, NULL}, .timeout_ms = 20000}, &said, &status, &e), 0);
	CHECK_STR(said.text, "");
	CHECK_INT(status, 0);
	/* A file that cannot be had ends it. */
	CHECK_INT(unlink(arena_printf(&a, "%s/app/a", folder)), 0);
	struct tar broken = {.build = t.build, .content = context_content};
	size_t n;
	while ((n = tar_read(&broken, chunk, sizeof chunk)) != 0 && n != (size_t)-1)
		;
	CHECK(n == (size_t)-1);
	CHECK_INT(broken.err.kind, ERR_NOT_FOUND);
	tar_done(&broken);
	loaded_done(&l);
}

static const struct test tests[] = {
	TEST(patterns_are_dockers), TEST(the_tag_says_all_of_it), TEST(mistakes_are_told), TEST(who_names_the_image_has_it),
	TEST(an_archive_is_one_for_others),
};

FOLDER_TESTS_MAIN(tests)
