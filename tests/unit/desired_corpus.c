/*
 * Whole manifests as people write them. Each begins with its verdict, as "#= " lines: every problem and warning, or, for
 * a valid one, what each service comes to. UPDATE_CORPUS=1 writes the verdicts anew, to be read before they are kept.
 */
#include "check.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "desired/projects.h"

#define CORPUS "tests/unit/corpus"


/* Where the corpus lies is nobody's business: its folder reads "FOLDER". */
static void add_lines(struct buf *to, const char *word, const char *lines, const char *folder)
{
	while (*lines) {
		buf_printf(to, "#= %s", word);
		for (; *lines && *lines != '\n'; lines++) {
			bool is_folder = strncmp(lines, folder, strlen(folder)) == 0;
			if (is_folder)
				buf_puts(to, "FOLDER");
			else
				buf_add(to, lines, 1);
			lines += is_folder ? strlen(folder) - 1 : 0;
		}
		buf_puts(to, "\n");
		lines += *lines == '\n';
	}
}

static void judge(const char *file, const char *text, struct buf *verdict)
{
	static const char *names[] = {"DB_PASSWORD", "TAG"}, *values[] = {"hunter2", "1.0.3"};
	static const struct environment env = {.names = names, .values = values, .count = 2};
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(problems_done) struct problems p = PROBLEMS_INIT;
	struct err e = {0};
	char folder[PATH_MAX];
	CHECK(realpath(CORPUS, folder) != NULL);
	struct manifest_source s = {.file = file, .text = text, .length = strlen(text), .directory = folder};
	struct desired alone = {0}, d = {0};
	bool is_out = false;
	int result = manifest_load(&s, &env, &a, &alone, &p, &e);
	if (result == 0)
		result = projects_join(&alone, 1, &is_out, &a, &d, &p) ? -1 : 0;
	CHECK((result == 0) == (p.count == 0));
	add_lines(verdict, "", p.text.text, folder);
	add_lines(verdict, "warning: ", p.warnings.text, folder);
	for (size_t i = 0; result == 0 && i < d.projects[0].services_count; i++) {
		const struct service *service = &d.projects[0].services[i];
		buf_printf(verdict, "#= %s: %s (%s)\n", service->name, strategy_names[service->strategy], service->strategy_reason);
	}
	CHECK(!strstr(verdict->text, "hunter2"));
}

static void try_file(const char *name)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf verdict = BUF_INIT(65536), kept = BUF_INIT(65536), file = BUF_INIT(65536);
	char *text;
	struct err e = {0};
	const char *path = arena_printf(&a, CORPUS "/%s", name);
	CHECK_INT(fs_read(path, 65536, &a, &text, NULL, &e), 0);
	/* Line numbers are those of the manifest below its verdict. */
	const char *manifest = text;
	while (strncmp(manifest, "#= ", 3) == 0) {
		size_t length = strcspn(manifest, "\n") + 1;
		buf_add(&kept, manifest, length);
		manifest += length;
	}
	judge(name, manifest, &verdict);
	if (getenv("UPDATE_CORPUS")) {
		buf_printf(&file, "%s%s", verdict.text, manifest);
		CHECK_INT(fs_write(path, file.text, file.length, 0644, &e), 0);
	} else {
		CHECK_STR(kept.text, verdict.text);
	}
}

static void each_verdict_is_as_written(void)
{
	DIR *folder = opendir(CORPUS);
	size_t count = 0;
	CHECK(folder != NULL);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		const char *dot = strrchr(entry->d_name, '.');
		if (!dot || strcmp(dot, ".yaml") != 0)
			continue;
		try_file(entry->d_name);
		count++;
	}
	if (folder)
		closedir(folder);
	CHECK(count >= 15);
}

static const struct test tests[] = {TEST(each_verdict_is_as_written)};
TESTS_MAIN(tests)
