/*
 * From a repository to desired state: several projects in one, what is wrong with one of them, and the files that they
 * mount.
 */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/process.h"
#include "desired/load.h"
#include "desired/sources.h"
#include "desired/targets.h"

static struct arena a;
static char top[64];
static struct settings settings;
static struct loaded got;
static struct problems problems;
static struct err e;

/* Runs a shell line in the repository; all that it says. */
static const char *sh(const char *line)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(64 * 1024);
	const char *argv[] = {"sh", "-ec", arena_printf(&a, "cd %s/repo; %s", top, line), NULL};
	int status = -1;
	if (process_run(&(struct process){.argv = argv, .timeout_ms = 60000}, &out, &status, &e) < 0 || status != 0) {
		fprintf(stderr, "%s: %d: %s\n", line, status, out.text);
		CHECK(!"the shell line works");
	}
	while (out.length && out.text[out.length - 1] == '\n')
		out.text[--out.length] = 0;
	return arena_strdup(&a, out.text);
}

static void begin(const char *line)
{
	snprintf(top, sizeof top, "/tmp/reconcile-sources-XXXXXX");
	CHECK(mkdtemp(top));
	setenv("HOME", top, 1);
	setenv("TMPDIR", top, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	static const char *const who[] = {"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"};
	for (size_t i = 0; i < ARRAY_LEN(who); i++)
		setenv(who[i], "t@example.com", 1);
	CHECK_INT(mkdir(arena_printf(&a, "%s/repo", top), 0755), 0);
	settings = (struct settings){.repo = arena_printf(&a, "file://%s/repo", top), .path = ".", .subnet = "10.231.0.0/16",
	                             .state_dir = arena_printf(&a, "%s/state", top)};
	sh("git init -q -b main .");
	sh(line);
	sh("git add -A; git commit -qm one");
}

static void end(void)
{
	CHECK_STR(sh("ls $TMPDIR | grep peek || echo none"), "none");
	CHECK_INT(fs_remove_tree(top, &e), 0);
	problems_done(&problems);
	problems = (struct problems)PROBLEMS_INIT;
	arena_done(&a);
}

static int load(enum load_mode mode)
{
	problems_done(&problems);
	problems = (struct problems)PROBLEMS_INIT;
	e = (struct err){0};
	return desired_load(&settings, mode, &a, &got, &problems, &e);
}

static void commit(const char *line)
{
	sh(line);
	sh("git add -A; git commit -qm more");
}

/* "a b": the names of the projects that are desired. */
static const char *names(void)
{
	const char *all = "";
	for (size_t i = 0; i < got.desired.projects_count; i++)
		all = arena_printf(&a, "%s%s%s", all, *all ? " " : "", got.desired.projects[i].name);
	return all;
}

static const char *disk(const char *path)
{
	return arena_printf(&a, "%s/state/projects/%s", top, path);
}

#define WRITE "w() { mkdir -p $1; printf '%s\\n' \"$2\" > $1/compose.yaml; }; "
#define ROUTED(host) "{services: {web: {image: a}}, x-reconcile: {routes: [{host: " host ", to: \"web:80\"}]}}"

static void several_projects(void)
{
	begin(WRITE "w b '{services: {web: {image: a}}}'; w a '{services: {web: {image: a}}}'; w .c '{'; mkdir d e; echo x > d/x;"
	            "echo '{name: other, services: {web: {image: a}}}' > e/docker-compose.yml");
	CHECK_INT(load(LOAD_PEEK), 0);
	CHECK_STR(names(), "a b other");
	CHECK_STR(problems.text.text, "");
	CHECK_INT(got.manifests, 3);
	CHECK_INT(got.left_out, 0);
	CHECK_STR(got.desired.projects[0].file, "a/compose.yaml");
	CHECK_STR(got.desired.projects[0].directory, disk("a"));
	/* The same from the disk. */
	settings.repo = NULL;
	settings.path = arena_printf(&a, "%s/repo", top);
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(names(), "a b other");
	settings.path = arena_printf(&a, "%s/repo/d", top);
	CHECK_INT(load(LOAD_SYNC), -1);
	CHECK_INT(e.kind, ERR_INVALID);
	CHECK_STR(e.message, arena_printf(&a, "no compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml in %s/repo/d, "
	                                      "nor in a folder in it; nothing was changed", top));
	end();
}

static void a_manifest_of_its_own_goes_first(void)
{
	begin(WRITE "w b '{services: {web: {image: a}}}'; w . '{name: top, services: {web: {image: a}}}'");
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(names(), "top");
	settings.path = "b";
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(names(), "b");
	settings.path = "b/compose.yaml";
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(names(), "b");
	settings.path = "nothing";
	CHECK_INT(load(LOAD_SYNC), -1);
	CHECK_INT(e.kind, ERR_INVALID);
	end();
}

static void one_bad_manifest_is_left_out(void)
{
	begin(WRITE "w a '{services: {web: {imag: a}}}'; w b '{services: {web: {image: a}}}'; w c '{'; w d ''; w e "
	            "'{services: {web: {image: a, depends_on: [x]}}}'; mkdir f; ln -s ../b/compose.yaml f/compose.yaml");
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(names(), "b");
	CHECK_INT(got.manifests, 6);
	CHECK_INT(got.left_out, 5);
	CHECK_CONTAINS(problems.text.text, "a/compose.yaml:1:19: services.web: unknown key 'imag'; did you mean 'image'?\n");
	CHECK_CONTAINS(problems.text.text, "\nc/compose.yaml:2:1: ");
	CHECK_CONTAINS(problems.text.text, "\nd/compose.yaml: empty compose file\n");
	CHECK_CONTAINS(problems.text.text, "\ne/compose.yaml:1:42: services.web.depends_on: there is no service 'x'\n");
	CHECK_CONTAINS(problems.text.text, "\nf/compose.yaml: git: 'f/compose.yaml' in commit ");
	/* None left: then nothing is desired at all. */
	commit("rm -r b");
	CHECK_INT(load(LOAD_SYNC), -1);
	CHECK_INT(e.kind, ERR_INVALID);
	CHECK_STR(e.message, "5 problems in 5 manifests; nothing was changed");
	end();
}

static void what_contradicts_is_left_out(void)
{
	begin(WRITE "w a '{name: shop, services: {}}'; w b '{services: {}}'; w c '{services: {}, name: shop}'; w d '" ROUTED("x.test")
	      "'; w e '" ROUTED("x.test") "'; w f '" ROUTED("y.test") "'");
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(names(), "b f");
	CHECK_INT(got.left_out, 4);
	CHECK_INT(got.desired.routes_count, 1);
	CHECK_STR(problems.text.text,
	          "c/compose.yaml:1:22: name: the project 'shop' stands in a/compose.yaml:1:8, too; give one of them another name\n"
	          "e/compose.yaml:1:61: x-reconcile.routes: the host 'x.test' has a route already, at d/compose.yaml:1:61; remove one of "
	          "them\n");
	end();
}

#define MOUNTS "w . '{name: shop, services: {web: {image: a, volumes: [./conf/a.conf:/a:ro, ./conf:/c:ro, ./data:/d]}}}'; "

static const char *revision(enum load_mode mode)
{
	if (load(mode) < 0 || got.desired.projects_count != 1) {
		fprintf(stderr, "%s%s\n", problems.text.text, e.message);
		CHECK(!"it loads");
		return "";
	}
	return got.desired.projects[0].services[0].revision;
}

static void files_are_written_and_stay(void)
{
	struct stat st, again;
	begin(WRITE MOUNTS "mkdir -p conf/deep; echo 1 > conf/a.conf; echo b > conf/deep/b; echo run > run.sh; chmod 755 run.sh;"
	                   "ln -s a.conf conf/link; : > empty");
	const char *first = revision(LOAD_PEEK);
	CHECK(!fs_exists(arena_printf(&a, "%s/state", top)));
	CHECK_STR(revision(LOAD_SYNC), first);
	CHECK_STR(sh("cd ../state/projects; stat -c '%a' .; cd shop; find . -mindepth 1 -printf '%P %y %m %l\\n' | sort; cat conf/a.conf"),
	          "700\ncompose.yaml f 644 \nconf d 755 \nconf/a.conf f 644 \nconf/deep d 755 \nconf/deep/b f 644 \n"
	          "conf/link l 777 a.conf\nempty f 644 \nrun.sh f 755 \n1");
	/* What is equal stays, what is not Git's stays, what differs is put right. */
	CHECK_INT(stat(disk("shop/conf/a.conf"), &st), 0);
	sh("cd ../state/projects/shop; mkdir data; echo d > data/d; echo mine > conf/mine; echo x > run.sh; rm empty; chmod 755 conf/deep/b;"
	   "chmod 600 conf/a.conf; ln -sf /etc/passwd conf/link");
	CHECK_STR(revision(LOAD_SYNC), first);
	CHECK_INT(stat(disk("shop/conf/a.conf"), &again), 0);
	CHECK(st.st_ino == again.st_ino && (again.st_mode & 0777) == 0600);
	CHECK_STR(sh("cd ../state/projects/shop; cat run.sh conf/mine data/d; readlink conf/link; stat -c '%a' empty conf/deep/b"),
	          "run\nmine\nd\na.conf\n644\n644");
	/* Another content of a mounted file is another revision, of any other file it is none. */
	commit("echo 2 > conf/a.conf");
	const char *second = revision(LOAD_PEEK);
	CHECK(strcmp(second, first) != 0);
	CHECK_STR(sh("cat ../state/projects/shop/conf/a.conf"), "1");
	CHECK_STR(revision(LOAD_SYNC), second);
	CHECK_STR(sh("cat ../state/projects/shop/conf/a.conf"), "2");
	CHECK_INT(stat(disk("shop/conf/a.conf"), &again), 0);
	CHECK(st.st_ino != again.st_ino);
	/* What Git removes goes, the folder and what is not Git's stays. */
	commit("rm -r conf/deep run.sh; echo 3 > empty");
	CHECK_STR(revision(LOAD_SYNC), second);
	CHECK_STR(sh("cd ../state/projects/shop; find . -mindepth 1 -printf '%P\\n' | sort | tr '\\n' ' '"),
	          "compose.yaml conf conf/a.conf conf/deep conf/link conf/mine data data/d empty ");
	sh("git revert --no-edit HEAD HEAD~ 2>&1");
	CHECK_STR(revision(LOAD_SYNC), first);
	end();
}

/* A container with the folder mounted may have put anything there. */
static void nothing_leads_out(void)
{
	begin(WRITE MOUNTS "mkdir -p conf/deep; echo 1 > conf/a.conf; echo 2 > conf/deep/b; ln -s /etc/passwd conf/abs; ln -s ../../x conf/up;"
	                   "ln -s . here; ln -s here/../../y sly; ln -s ../conf/a.conf conf/fine; mkdir ../out; echo o > ../out/b;"
	                   "echo o > ../out/a.conf");
	revision(LOAD_SYNC);
	CHECK_STR(problems.warnings.text, "conf/abs: the link may lead out of the project's folder, and is left out\n"
	                                  "conf/up: the link may lead out of the project's folder, and is left out\n"
	                                  "sly: the link may lead out of the project's folder, and is left out\n");
	CHECK_STR(sh("cd ../state/projects/shop; find . -type l | sort | tr '\\n' ' '"), "./conf/fine ./here ");
	sh("cd ../state/projects/shop; rm -r conf/deep; ln -s ../../../../out conf/deep; rm conf/a.conf; ln -s ../../../../out/a.conf conf");
	revision(LOAD_SYNC);
	CHECK_STR(sh("cat ../out/b ../out/a.conf; cd ../state/projects/shop; stat -c '%F' conf/deep conf/a.conf; cat conf/deep/b"),
	          "o\no\ndirectory\nregular file\n2");
	/* Also not to remove something. */
	sh("cd ../state/projects/shop; rm -r conf/deep; ln -s ../../../../out conf/deep");
	commit("rm conf/deep/b");
	revision(LOAD_SYNC);
	CHECK_STR(sh("cat ../out/b"), "o");
	end();
}

static void a_folder_in_the_way(void)
{
	begin(WRITE MOUNTS);
	revision(LOAD_SYNC);
	/* The engine makes a folder of a source that is not there. */
	sh("mkdir -p ../state/projects/shop/conf/a.conf/empty");
	commit("mkdir conf; echo 1 > conf/a.conf");
	revision(LOAD_SYNC);
	CHECK_INT(got.files.kind, ERR_NONE);
	CHECK_STR(sh("cat ../state/projects/shop/conf/a.conf"), "1");
	sh("cd ../state/projects/shop; mkdir -p in/the; echo x > in/the/way");
	commit("echo 1 > in");
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(names(), "");
	CHECK_INT(got.files.kind, ERR_CONFLICT);
	CHECK_STR(got.files.message, arena_printf(&a, "the files of project shop: %s: is a folder that is not from Git, and Git has a "
	                                              "file of that name; move it away", disk("shop/in")));
	CHECK_STR(sh("cat ../state/projects/shop/in/the/way"), "x");
	end();
}

static void what_is_beside_the_folder_is_not_mounted(void)
{
	begin(WRITE "w shop '{services: {web: {image: a, volumes: [../other/a:/a:ro]}}}'; w two '{services: {web: {image: a, volumes: "
	            "[/etc/hosts:/h:ro, \"../../x:/x\"]}}}'; mkdir other; echo 1 > other/a");
	CHECK_INT(load(LOAD_PEEK), -1);
	CHECK_CONTAINS(problems.text.text, "shop/compose.yaml:1:39: services.web.volumes: '../other/a:/a:ro' leads out of the "
	                                   "project's folder, and nothing else of the repository is on the host; move it in there\n");
	CHECK_CONTAINS(problems.text.text, "\ntwo/compose.yaml:1:");
	CHECK_INT(problems.count, 2);
	commit("sed -i 's/, \"[^]]*//' two/compose.yaml");
	CHECK_INT(load(LOAD_PEEK), 0);
	CHECK_STR(names(), "two");
	end();
}

/* A content that comes by a link is the content; and only what Git has counts. */
static void hashes_of_what_is_mounted(void)
{
	begin(WRITE "w . '{name: shop, services: {web: {image: a, volumes: [./link:/a:ro, ./none:/n, ./conf:/c:ro, vol:/v]}}, volumes: "
	            "{vol: {}}}'; mkdir conf; echo 1 > conf/a; ln -s conf/a link");
	const char *first = revision(LOAD_SYNC);
	const struct value *content = spec_value(&got.desired.projects[0].services[0].spec, "volume_content");
	CHECK_INT(content->count, 1);
	CHECK_STR(content->keys[0], "link");
	CHECK_STR(content->items[0].string, arena_strndup(&a, sh("git rev-parse HEAD:conf/a"), 16));
	commit("echo 2 > conf/a");
	CHECK(strcmp(revision(LOAD_SYNC), first) != 0);
	/* It lives in the notes, too. */
	CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
	struct service back;
	service_print(&text, &got.desired.projects[0].services[0]);
	CHECK_INT(service_parse(text.text, &a, &back, &e), 0);
	CHECK(value_equal(spec_value(&back.spec, "volume_content"),
	                  spec_value(&got.desired.projects[0].services[0].spec, "volume_content")));
	end();
}

static void a_revision_is_pinned(void)
{
	char newer[GIT_ID_SIZE];
	begin(WRITE "w . '{name: shop, services: {web: {image: \"a:1\"}}}'");
	const char *first = sh("git rev-parse --short HEAD");
	commit(WRITE "w . '{name: shop, services: {web: {image: \"a:2\"}}}'");
	settings.rev = first;
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(got.desired.projects[0].services[0].image, "a:1");
	CHECK(!desired_moved(&settings, got.commit.id, newer));
	settings.rev = NULL;
	CHECK(desired_moved(&settings, got.commit.id, newer));
	CHECK_STR(newer, sh("git rev-parse HEAD"));
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(got.desired.projects[0].services[0].image, "a:2");
	settings.rev = "v9";
	CHECK_INT(load(LOAD_SYNC), -1);
	CHECK_INT(e.kind, ERR_NOT_FOUND);
	settings.rev = first;
	settings.repo = NULL;
	CHECK_INT(load(LOAD_SYNC), -1);
	CHECK_INT(e.kind, ERR_USAGE);
	end();
}

static void secrets_that_others_can_read(void)
{
	begin(WRITE "w . '{name: shop, services: {}}'; echo secret > ../token; chmod 640 ../token; : > ../key; chmod 600 ../key");
	settings.git_token_file = arena_printf(&a, "%s/token", top);
	settings.git_key_file = arena_printf(&a, "%s/key", top);
	CHECK_INT(load(LOAD_PEEK), 0);
	CHECK_STR(problems.warnings.text, arena_printf(&a, "git.token_file: %s can be read by others (mode 640); chmod 600 %s\n",
	                                               settings.git_token_file, settings.git_token_file));
	end();
}

/* What a target is, and that files of projects without any are not touched. */
static void targets(void)
{
	static const struct { const char *names[2]; size_t count; const char *marks; } cases[] = {
		{{NULL}, 0, "shop:job shop:db shop:web blog:web "},
		{{"shop"}, 1, "shop:job shop:db shop:web "},
		{{"shop/web"}, 1, "shop:db shop:web -shop "}, /* with what it depends on */
		{{"shop/db", "blog"}, 2, "shop:db -shop blog:web "},
	};
	begin("mkdir shop blog; echo 1 >shop/f; echo 1 >blog/f;"
	      "printf 'name: shop\nservices:\n  web: { image: a, depends_on: [db] }\n  job: { image: a }\n"
	      "  db: { image: a, volumes: [\"./f:/f\"] }\n' >shop/compose.yaml;"
	      "printf 'name: blog\nservices: { web: { image: a, volumes: [\"./f:/f\"] } }\n' >blog/compose.yaml");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
		settings.targets = cases[i].names;
		settings.targets_count = cases[i].count;
		CHECK_INT(load(LOAD_PEEK), 0);
		CHECK_INT(got.is_partial, cases[i].count > 0);
		for (size_t k = got.desired.projects_count; k-- > 0;) {
			const struct project *p = &got.desired.projects[k];
			bool is_any = false;
			for (size_t n = 0; n < p->services_count; n++)
				if (!p->services[n].is_left_alone) {
					buf_printf(&out, "%s:%s ", p->name, p->services[n].name);
					is_any = true;
				}
			if (is_any && p->keeps_gone)
				buf_printf(&out, "-%s ", p->name);
		}
		CHECK_STR(out.text, cases[i].marks);
	}
	settings.targets = (const char *[]){"blog"};
	settings.targets_count = 1;
	CHECK_INT(load(LOAD_SYNC), 0);
	CHECK_STR(sh("ls ../state/projects"), "blog");
	static const struct { const char *name, *error; } wrong[] = {
		{"shop/wed", "--target shop/wed: there is no such project or service; did you mean 'shop/web'?"},
		{"bloc", "--target bloc: there is no such project or service; did you mean 'blog'?"},
		{"shop/", "--target shop/: there is no such project or service; did you mean 'shop'?"},
		{"sho", "--target sho: there is no such project or service; did you mean 'shop'?"},
		{"shop/web/1", "--target shop/web/1: there is no such project or service; did you mean 'shop/web'?"},
		{"zzzzzzz", "--target zzzzzzz: there is no such project or service; write PROJECT or PROJECT/SERVICE, as `reconcile status` shows them"},
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		settings.targets = &wrong[i].name;
		CHECK_INT(load(LOAD_PEEK), -1);
		CHECK_INT(e.kind, ERR_USAGE);
		CHECK_STR(e.message, wrong[i].error);
	}
	/* It may be in a manifest that cannot be read. */
	commit("echo 'name: shop\nservices: {' >shop/compose.yaml");
	settings.targets = (const char *[]){"shop"};
	CHECK_INT(load(LOAD_PEEK), -1);
	CHECK_INT(e.kind, ERR_INVALID);
	end();
}

static void an_atomic_project_is_one_target(void)
{
	struct service services[] = {{.project = "shop", .name = "db"}, {.project = "shop", .name = "web"}, {.project = "blog", .name = "web"}};
	struct project projects[] = {{.name = "shop", .is_atomic = true, .services = services, .services_count = 2},
	                             {.name = "blog", .is_atomic = true, .services = services + 2, .services_count = 1}};
	struct desired d = {.projects = projects, .projects_count = 2};
	struct settings one = {.targets = (const char *[]){"shop/web"}, .targets_count = 1};
	CHECK_INT(targets_mark(&one, &d, 0, &e), 0);
	CHECK(!services[0].is_left_alone && !services[1].is_left_alone && services[2].is_left_alone);
	CHECK(!targets_spare(&projects[0]) && targets_spare(&projects[1]));
}

static void where_a_link_leads(void)
{
	static const struct { const char *link, *target, *want; } rows[] = {
		{"a", "b", "b"}, {"c/a", "b", "c/b"}, {"c/a", "../b", "b"}, {"c/d/a", "../.././b//e", "b/e"}, {"c/a", "..", ""},
		{"a", "..", NULL}, {"a", "../b", NULL}, {"c/a", "../../b", NULL}, {"a", "/b", NULL}, {"a", "", NULL},
		{"a", "b/../c", NULL}, {"c/a", "./../b", "b"}, {"a", ".", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *where = source_beside(&a, rows[i].link, rows[i].target);
		CHECK((where != NULL) == (rows[i].want != NULL));
		if (where && rows[i].want)
			CHECK_STR(where, rows[i].want);
	}
	arena_done(&a);
}

static const struct test tests[] = {
	TEST(several_projects), TEST(a_manifest_of_its_own_goes_first), TEST(one_bad_manifest_is_left_out),
	TEST(what_contradicts_is_left_out), TEST(files_are_written_and_stay), TEST(nothing_leads_out), TEST(a_folder_in_the_way),
	TEST(what_is_beside_the_folder_is_not_mounted), TEST(hashes_of_what_is_mounted), TEST(a_revision_is_pinned),
	TEST(secrets_that_others_can_read), TEST(targets), TEST(an_atomic_project_is_one_target), TEST(where_a_link_leads),
};
TESTS_MAIN(tests)
