/* The command line: a table of commands, and one of options that the settings' table completes. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/log.h"
#include "cycle.h"
#include "desired/manifest.h"
#include "desired/settings.h"
#include "operate.h"
#include "watch.h"

struct line {
	const struct command *command;
	const char *config;
	struct operation operation;
	bool is_plan;     /* --plan */
	bool is_watch;    /* --watch */
	struct cycle_options options;
	struct setting_flag flags[32];
	size_t flags_count;
	const char *targets[32]; /* --target */
	size_t targets_count;
};

/* Options that only some commands take. */
enum { TAKES_JSON = 1, TAKES_TARGET = 2, TAKES_FULL = 4, TAKES_UNTIL = 8, TAKES_REASON = 16, NEEDS_NAME = 32 };

struct command {
	const char *name;      /* "": without a word */
	const char *argument;  /* of the help, NULL: takes none */
	const char *doc;
	int takes;
	int (*run)(const struct settings *s, const struct line *l);
};

static int do_run(const struct settings *s, const struct line *l)
{
	if (l->is_watch)
		return watch(s, &l->options, &(struct watch_source){l->config, l->flags, l->flags_count});
	return cycle_run(s, &l->options);
}

static int do_plan(const struct settings *s, const struct line *l)
{
	return cycle_plan(s, &l->options);
}

static int do_status(const struct settings *s, const struct line *l)
{
	return cycle_status(s, &l->options);
}

static int do_validate(const struct settings *s, const struct line *l)
{
	return cycle_validate(s, &l->options);
}

static int do_promote(const struct settings *s, const struct line *l)
{
	return operate_promote(s, &l->operation);
}

static int do_abort(const struct settings *s, const struct line *l)
{
	return operate_abort(s, &l->operation);
}

static int do_pause(const struct settings *s, const struct line *l)
{
	return operate_pause(s, &l->operation);
}

static int do_resume(const struct settings *s, const struct line *l)
{
	return operate_resume(s, &l->operation);
}

static int do_retry(const struct settings *s, const struct line *l)
{
	return operate_retry(s, &l->operation);
}

static int do_schema(const struct settings *s, const struct line *l)
{
	(void)s;
	(void)l;
	CLEANUP(buf_done) struct buf out = BUF_INIT(4 * 1024 * 1024);
	schema_print(&out);
	fputs(out.text, stdout);
	return 0;
}

/* The settings file that an installation begins with: sections together, each row with its words and its default. */
static int do_settings(const struct settings *s, const struct line *l)
{
	(void)s;
	(void)l;
	CLEANUP(buf_done) struct buf out = BUF_INIT(64 * 1024);
	settings_print(&out);
	fputs(out.text, stdout);
	return 0;
}

static const struct command commands[] = {
	{"", NULL, "make the host match what Git says", TAKES_JSON | TAKES_TARGET, do_run},
	{"plan", NULL, "show what a run would do, and change nothing (the same as --plan)", TAKES_JSON | TAKES_TARGET, do_plan},
	{"status", NULL, "show where each service stands", TAKES_JSON | TAKES_TARGET, do_status},
	{"validate", NULL, "check the manifest; needs neither Docker nor nginx", TAKES_JSON, do_validate},
	{"promote", "PROJECT/SERVICE", "let a rollout go on that waits", TAKES_FULL | NEEDS_NAME, do_promote},
	{"abort", "PROJECT/SERVICE", "call a rollout off: back to the last good revision", TAKES_REASON | NEEDS_NAME, do_abort},
	{"pause", "[PROJECT[/SERVICE]]", "begin nothing new; what serves is kept up, what fails goes back", TAKES_UNTIL | TAKES_REASON, do_pause},
	{"resume", "[PROJECT[/SERVICE]]", "the end of a pause", 0, do_resume},
	{"retry", "[PROJECT[/SERVICE]]", "try quarantined or aborted revisions again; go on after the notes were lost", 0, do_retry},
	{"settings", NULL, "print a settings file with every setting, commented out", 0, do_settings},
	{"schema", NULL, "print the JSON Schema of manifests", 0, do_schema},
};

/* Options that are no settings. */
enum option_id { OPTION_PLAN, OPTION_WATCH, OPTION_JSON, OPTION_TARGET, OPTION_FULL, OPTION_UNTIL, OPTION_REASON, OPTION_WHAT_IF, OPTION_DETAILED, OPTION_CONFIG, OPTION_VERBOSE, OPTION_VERSION, OPTION_HELP };
static const struct option_row {
	const char *flag, *argument, *doc;
	enum option_id id;
} options[] = {
	{"--plan", NULL, "show what a run would do, and change nothing", OPTION_PLAN},
	{"--watch", NULL, "stay, and do the same again every interval (SIGHUP: settings again, SIGUSR1: now)", OPTION_WATCH},
	{"--detailed-exitcode", NULL, "with --plan: exit 2 when changes are pending", OPTION_DETAILED},
	{"--what-if", "WHAT", "with --plan: fail:SERVICE, fail:SERVICE@STEP, crash:STEP or memory:SIZE", OPTION_WHAT_IF},
	{"--target", "NAME", "only this PROJECT or PROJECT/SERVICE and what it depends on; may be given again", OPTION_TARGET},
	{"--json", NULL, "for machines: one document, or for a run a line for each thing that happens", OPTION_JSON},
	{"--full", NULL, "with promote: all steps that are left, not only this one", OPTION_FULL},
	{"--until", "TIME", "with pause: 2h, or 2030-12-31T08:00:00Z (default: until resume)", OPTION_UNTIL},
	{"--reason", "TEXT", "with pause and abort: shown wherever it matters", OPTION_REASON},
	{"--config", "FILE", "settings (default /etc/reconcile/reconcile.yaml, if it is there)", OPTION_CONFIG},
	{"--verbose", NULL, "log more", OPTION_VERBOSE},
	{"--version", NULL, "print the version", OPTION_VERSION},
	{"--help", NULL, "print this", OPTION_HELP},
};

static const struct { int code; const char *meaning; } exit_codes[] = {
	{0, "the host matches (plan: no error)"},
	{1, "failed; the message says what"},
	{2, "changes are pending (only with --plan --detailed-exitcode)"},
	{3, "rolled back: the old revision serves"},
	{4, "waits for an operator: a hold that only promote ends, or a pause"},
	{64, "wrong usage"},
	{65, "wrong manifest or settings"},
	{69, "Docker or nginx cannot be reached"},
	{75, "try again: another run holds the lock, Git or a registry is away, or the run was stopped"},
};

static void print_help(void)
{
	size_t count;
	const struct setting *rows = settings_rows(&count);
	printf("reconcile: one Docker host, made to match a Git repository\n\nusage: reconcile [COMMAND] [OPTION...]\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("  %-9s%-21s %s\n", commands[i].name, commands[i].argument ? commands[i].argument : "", commands[i].doc);
	printf("\noptions:\n");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		printf("  %-20s %-9s %s\n", options[i].flag, options[i].argument ? options[i].argument : "", options[i].doc);
	printf("\nsettings: as an option, as an environment variable, or in the settings file, in this order; [default]:\n");
	for (size_t i = 0; i < count; i++)
		printf("  %-14s %-28s %-18s %s%s%s%s\n", rows[i].flag ? rows[i].flag : "-", rows[i].variable, rows[i].key, rows[i].doc,
		       rows[i].fallback ? " [" : "", rows[i].fallback ? rows[i].fallback : "", rows[i].fallback ? "]" : "");
	printf("\nexit codes:\n");
	for (size_t i = 0; i < ARRAY_LEN(exit_codes); i++)
		printf("  %2d  %s\n", exit_codes[i].code, exit_codes[i].meaning);
}

static int usage(const char *fmt, const char *what)
{
	char text[512];
	snprintf(text, sizeof text, "%s '%s'; see reconcile --help", fmt, what);
	log_error("%s", text);
	return 64;
}

/* The value of an option: after "=" or the next word. NULL: there is none. The next option is no value: `--path --plan`
 * must not become a run that was meant as a plan. */
static const char *value_of(const char *flag, int argc, char **argv, int *at)
{
	size_t n = strlen(flag);
	if (argv[*at][n] == '=')
		return argv[*at] + n + 1;
	return *at + 1 < argc && argv[*at + 1][0] != '-' ? argv[++*at] : NULL;
}

static bool is_flag(const char *word, const char *flag)
{
	size_t n = strlen(flag);
	return strncmp(word, flag, n) == 0 && (word[n] == 0 || word[n] == '=');
}

/* Returns -1 to go on, or an exit code. */
static int take_option(struct line *l, const struct option_row *o, const char *value)
{
	switch (o->id) {
	case OPTION_PLAN: l->is_plan = true; break;
	case OPTION_WATCH: l->is_watch = l->options.is_round = true; break;
	case OPTION_JSON: l->options.is_json = true; break;
	case OPTION_TARGET:
		if (l->targets_count == ARRAY_LEN(l->targets))
			return usage("too many targets at", value);
		l->targets[l->targets_count++] = value;
		break;
	case OPTION_WHAT_IF: l->options.what_if = value; break;
	case OPTION_FULL: l->operation.is_full = true; break;
	case OPTION_UNTIL: l->operation.until = value; break;
	case OPTION_REASON: l->operation.reason = value; break;
	case OPTION_DETAILED: l->options.detailed_exitcode = true; break;
	case OPTION_CONFIG: l->config = value; break;
	case OPTION_VERBOSE: log_set_level(LOG_DEBUG); break;
	case OPTION_VERSION: printf("reconcile %s\n", RECONCILE_VERSION); return 0;
	case OPTION_HELP: print_help(); return 0;
	}
	return -1;
}

static int parse_flag(struct line *l, int argc, char **argv, int *at)
{
	size_t count;
	const struct setting *rows = settings_rows(&count);
	const char *word = argv[*at];
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (!is_flag(word, options[i].flag))
			continue;
		const char *value = options[i].argument ? value_of(options[i].flag, argc, argv, at) : NULL;
		if (options[i].argument && !value)
			return usage("no value for", word);
		if (!options[i].argument && word[strlen(options[i].flag)] == '=')
			return usage("no value is taken by", options[i].flag);
		return take_option(l, &options[i], value);
	}
	for (size_t i = 0; i < count; i++) {
		if (!rows[i].flag || !is_flag(word, rows[i].flag))
			continue;
		const char *value = value_of(rows[i].flag, argc, argv, at);
		if (!value)
			return usage("no value for", word);
		if (l->flags_count == ARRAY_LEN(l->flags))
			return usage("too many options at", word);
		l->flags[l->flags_count++] = (struct setting_flag){&rows[i], value};
		return -1;
	}
	return usage("unknown option", word);
}

static int parse_word(struct line *l, const char *word)
{
	if (l->command == &commands[0])
		for (size_t i = 1; i < ARRAY_LEN(commands); i++)
			if (strcmp(commands[i].name, word) == 0) {
				l->command = &commands[i];
				return -1;
			}
	if (l->command->argument && !l->operation.name) {
		l->operation.name = word;
		return -1;
	}
	return usage(l->command == &commands[0] ? "unknown command" : "too many words at", word);
}

/* What was given must fit together. Returns -1 to go on, or an exit code. */
static int check_line(struct line *l)
{
	if (l->is_plan && l->command == &commands[0])
		l->command = &commands[1];
	bool plans = l->command == &commands[1];
	if (l->is_plan && !plans)
		return usage("--plan does not go with", l->command->name);
	if (l->is_watch && l->command != &commands[0])
		return usage("--watch does not go with", plans ? "--plan" : l->command->name);
	if (l->options.is_json && !(l->command->takes & TAKES_JSON))
		return usage("--json does not go with", l->command->name);
	if (l->targets_count && !(l->command->takes & TAKES_TARGET))
		return usage("--target does not go with", l->command->name);
	if (l->operation.is_full && !(l->command->takes & TAKES_FULL))
		return usage("--full does not go with", l->command->name);
	if (l->operation.until && !(l->command->takes & TAKES_UNTIL))
		return usage("--until does not go with", l->command->name);
	if (l->operation.reason && !(l->command->takes & TAKES_REASON))
		return usage("--reason does not go with", l->command->name);
	if ((l->command->takes & NEEDS_NAME) && !l->operation.name)
		return usage("which service? write PROJECT/SERVICE after", l->command->name);
	if (l->options.what_if && !plans)
		return usage("only a plan takes", "--what-if");
	if (l->options.detailed_exitcode && !plans)
		return usage("only a plan takes", "--detailed-exitcode");
	return -1;
}

int main(int argc, char **argv)
{
	/* Workers of nginx must pass our folders; a chmod after a mkdir comes too late for a run that is killed in between. */
	umask(022);
	struct line l = {.command = &commands[0]};
	for (int i = 1; i < argc; i++) {
		int code = argv[i][0] == '-' ? parse_flag(&l, argc, argv, &i) : parse_word(&l, argv[i]);
		if (code >= 0)
			return code;
	}
	int code = check_line(&l);
	if (code >= 0)
		return code;
	CLEANUP(arena_done) struct arena a = {0};
	struct settings s;
	struct err e;
	if (settings_load(l.config, l.flags, l.flags_count, &a, &s, &e) < 0) {
		log_error("%s", e.message);
		return err_info(e.kind)->exit_code;
	}
	s.targets = l.targets;
	s.targets_count = l.targets_count;
	return l.command->run(&s, &l);
}
