/*
 * desired/git from a shell: git-driver sync|last|peek URL BRANCH MIRROR [FILE]. Prints "ID SUBJECT", then the file.
 * BRANCH "-" is the remote's HEAD. The exit code is the error's own, its name and message go to stderr. GIT_MS bounds
 * what the remote may take; GIT_REV, GIT_USER_NAME, GIT_TOKEN, GIT_CA, GIT_KEY and GIT_KNOWN are the settings of that
 * name, GIT_REFUSE refuses force-pushes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "desired/git.h"

int main(int argc, char **argv)
{
	CLEANUP(arena_done) struct arena a = {0};
	static const struct {
		const char *name;
		int (*run)(const struct git_settings *, struct arena *, struct git_commit *, struct err *);
	} commands[] = {{"sync", git_sync}, {"last", git_last}, {"peek", git_peek}};
	struct err e = {0};
	struct git_commit c = {0};
	if (argc < 5)
		return 64;
	const char *bound = getenv("GIT_MS");
	struct git_settings s = {.url = argv[2], .branch = strcmp(argv[3], "-") ? argv[3] : NULL, .mirror = argv[4]};
	s.rev = getenv("GIT_REV");
	s.user = getenv("GIT_USER_NAME");
	s.token_file = getenv("GIT_TOKEN");
	s.ca_file = getenv("GIT_CA");
	s.key_file = getenv("GIT_KEY");
	s.known_hosts = getenv("GIT_KNOWN");
	s.refuses_force_push = getenv("GIT_REFUSE") != NULL;
	s.ask_ms = s.fetch_ms = bound ? strtoll(bound, NULL, 10) : 0;
	int rc = -1;
	err_set(&e, ERR_USAGE, "%s", argv[1]);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			rc = commands[i].run(&s, &a, &c, &e);
	if (rc == 0)
		printf("%s %s%s%s\n", c.id, c.subject, c.forced[0] ? " forced from " : "", c.forced);
	char *text;
	if (rc == 0 && argc > 5 && (rc = git_read(&c, argv[5], &a, &text, NULL, &e)) == 0)
		fputs(text, stdout);
	git_peek_done(&s, &c);
	if (rc < 0)
		fprintf(stderr, "%s: %s\n", err_info(e.kind)->name, e.message);
	return rc < 0 ? err_info(e.kind)->exit_code : 0;
}
