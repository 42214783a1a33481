/*
 * Building an image: the context goes out as it is made, the engine's report comes back as a stream. The one thing to
 * know: what the engine says about a Dockerfile is a verdict; only what smells of a network or a full disk is tried again.
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "docker/credentials.h"
#include "docker/job.h"
#include "docker/tar.h"

#define BUILD_TIMEOUT_MS (60 * 60 * 1000)
#define BUILD_MAX_STREAM (256u << 20)

/* Of a step of the build, of the base image's registry, and of the engine itself. The first wins. */
static enum err_kind kind_of_build(const char *said)
{
	static const struct { const char *words; enum err_kind kind; } meanings[] = {
		{"returned a non-zero code", ERR_INVALID}, {"toomanyrequests", ERR_TRANSIENT}, {"i/o timeout", ERR_TRANSIENT},
		{"no such host", ERR_TRANSIENT}, {"server misbehaving", ERR_TRANSIENT}, {"connection refused", ERR_TRANSIENT},
		{"connection reset", ERR_TRANSIENT}, {"TLS handshake", ERR_TRANSIENT}, {"unexpected EOF", ERR_TRANSIENT},
		{"Client.Timeout", ERR_TRANSIENT}, {"deadline exceeded", ERR_TRANSIENT}, {"no space left", ERR_TRANSIENT},
		{"network is unreachable", ERR_TRANSIENT}, {"HTTP status: 5", ERR_TRANSIENT}, {"context canceled", ERR_TRANSIENT},
		{"access denied", ERR_DENIED}, {"unauthorized", ERR_DENIED}, {"manifest unknown", ERR_NOT_FOUND},
	};
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (strcasestr(said, meanings[i].words))
			return meanings[i].kind;
	return ERR_INVALID;
}

/* The end of what the build said, whole lines. */
static void keep_log(struct outcome *o, const struct buf *log)
{
	size_t room = sizeof o->log - 1, skip = log->length > room ? log->length - room : 0;
	const char *text = log->text + skip;
	if (skip && strchr(text, '\n'))
		text = strchr(text, '\n') + 1;
	size_t n = strlen(text);
	memcpy(o->log, text, n - (n && text[n - 1] == '\n'));
}

/* One JSON object after another. false: the job has ended. */
static bool read_stream(struct job *j, const struct buf *stream, struct buf *log)
{
	const char *p = stream->text, *end = p + stream->length;
	while (p < end) {
		const char *next = p;
		cJSON *line = cJSON_ParseWithLengthOpts(p, (size_t)(end - p), &next, false);
		const char *text = json_string(line, "stream"), *said = json_string(line, "errorDetail.message");
		said = said ? said : json_string(line, "error");
		if (text)
			buf_puts(log, text);
		if (said)
			job_fail(j, kind_of_build(said), "the build failed: %s", said);
		else if (!line)
			job_fail(j, ERR_TRANSIENT, "the engine's report of the build broke off");
		cJSON_Delete(line);
		if (j->state == JOB_ENDED)
			return false;
		for (p = next; p < end && strchr(" \t\r\n", *p); p++)
			;
	}
	return true;
}

static void built(struct job *j)
{
	const struct call *c = j->answer;
	CLEANUP(buf_done) struct buf log = BUF_INIT(BUILD_MAX_STREAM);
	struct err *e = &j->outcome->err;
	bool is_broken = j->tar->err.kind != ERR_NONE;
	tar_done(j->tar);
	if (is_broken) {
		job_fail(j, j->tar->err.kind, "%s", j->tar->err.message);
	} else if (!job_answered_well(j)) {
		job_fail_as_answered(j);
		/* The engine makes a 500 of much that is wrong with a Dockerfile. */
		if (c->status >= 500 && kind_of_build(e->message) != ERR_TRANSIENT)
			e->kind = kind_of_build(e->message);
	} else if (read_stream(j, &c->text, &log)) {
		job_identify_image(j);
	} else {
		keep_log(j->outcome, &log);
	}
	for (char *at = e->message; *at; at++)
		*at = *at == '\n' || *at == '\r' ? ' ' : *at;
}

/* --- what is asked --- */

/* The images that a Dockerfile begins with. Those whose name is only known while it is built may be pulled by anybody, or
 * not at all. */
static const char **bases_of(struct arena *a, const char *dockerfile, size_t *count)
{
	const char **out = NULL;
	*count = 0;
	for (const char *line = dockerfile; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *word = line + strspn(line, " \t\r");
		if (strncasecmp(word, "FROM", 4) != 0 || !strchr(" \t", word[4]))
			continue;
		for (word += 4, word += strspn(word, " \t"); strncmp(word, "--", 2) == 0; word += strspn(word, " \t"))
			word += strcspn(word, " \t\r\n");
		const char *name = arena_strndup(a, word, strcspn(word, " \t\r\n"));
		if (*name && !strchr(name, '$') && strcmp(name, "scratch") != 0)
			*ARENA_PUSH(a, out, *count) = name;
	}
	return out;
}

static const struct build_file *dockerfile_of(const struct build *b)
{
	for (size_t i = 0; i < b->files_count; i++)
		if (strcmp(b->files[i].path, b->dockerfile) == 0)
			return &b->files[i];
	return NULL;
}

static int find_credentials(struct job *j, const char **header)
{
	const struct build *b = j->action->spec->build;
	const struct build_file *f = dockerfile_of(b);
	char *text = NULL;
	size_t length, count;
	*header = NULL;
	if (!f || j->docker->settings.content(b, f, j->arena, &text, &length, &j->outcome->err) < 0)
		return f ? -1 : err_set(&j->outcome->err, ERR_INTERNAL, "the context has no %s", b->dockerfile);
	const char **bases = bases_of(j->arena, text, &count);
	return credentials_for_build(j->credentials, bases, count, header, &j->outcome->err);
}

static const char *parameter(struct arena *a, const char *name, const struct value *v)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
	if (v->kind == VALUE_STRING)
		buf_puts(&text, v->string);
	else if (v->kind == VALUE_BOOL)
		buf_puts(&text, v->boolean ? "1" : "0");
	else
		value_print(&text, v, false);
	return arena_printf(a, "&%s=%s", name, url_escape(a, text.text));
}

static const char *query_of(struct arena *a, const struct service *s)
{
	const struct build *b = s->build;
	const char *out = arena_printf(a, "/build?t=%s&dockerfile=%s&rm=1&forcerm=1", url_escape(a, s->image),
	                               url_escape(a, b->dockerfile));
	for (size_t i = 0; i < b->also.count; i++)
		out = arena_printf(a, "%s%s", out, parameter(a, "t", &b->also.items[i]));
	for (size_t i = 0; i < b->options.count; i++) {
		const struct value *v = &b->options.items[i];
		bool is_repeated = strcmp(b->options.keys[i], "extrahosts") == 0;
		for (size_t k = 0; is_repeated && k < v->count; k++)
			out = arena_printf(a, "%s%s", out, parameter(a, "extrahosts", &v->items[k]));
		if (!is_repeated)
			out = arena_printf(a, "%s%s", out, parameter(a, b->options.keys[i], v));
	}
	return out;
}

static void ask_build(struct job *j)
{
	const struct service *s = j->action->spec;
	const char *credentials;
	if (find_credentials(j, &credentials) < 0) {
		j->outcome->result = -1;
		j->state = JOB_ENDED;
		return;
	}
	j->tar = arena_alloc(j->arena, sizeof *j->tar);
	*j->tar = (struct tar){.build = s->build, .content = j->docker->settings.content};
	job_ask_slowly(j, &(struct call){.method = "POST", .path = query_of(j->arena, s), .is_raw = true, .read_body = tar_read,
	                                 .body_context = j->tar, .registry_config = credentials,
	                                 .timeout_ms = BUILD_TIMEOUT_MS, .max_answer = BUILD_MAX_STREAM}, built);
}

void begin_build(struct job *j)
{
	if (j->action->spec->build && j->docker->settings.content)
		job_with_room(j, ask_build);
	else
		job_fail(j, ERR_INTERNAL, "nobody knows what to build %s from", j->action->spec->image);
}
