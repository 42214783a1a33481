/*
 * What was read of the log, on disk: the place and the sums in one file, replaced whole. The one thing to know: the log
 * is freed only up to a place that is written down, so a kill at any instant counts nothing twice and loses nothing.
 */
#include "nginx/access_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "nginx/internal.h"

#define STATE_NAME "requests.seen"
#define STATE_MAX ((size_t)16 << 20)
#define HEAD "reconcile requests 1"
#define KEEP_MS 5000                     /* between two writings */
#define PAGE 4096
#define UNFREED_MAX ((int64_t)256 << 20) /* where the file system cannot free the start of a file */

/* --- text -> rows --- */

/* The next word of the text; NULL at its end. */
static char *next_word(char **text)
{
	char *word = *text + strspn(*text, " \n"), *end = word + strcspn(word, " \n");
	if (word == end)
		return NULL;
	*text = *end ? end + 1 : end;
	*end = 0;
	return word;
}

static bool read_number(char **text, int64_t *out)
{
	const char *word = next_word(text);
	char *end;
	if (!word || *word < '0' || *word > '9')
		return false;
	errno = 0;
	*out = strtoll(word, &end, 10);
	return *end == 0 && errno == 0;
}

/* "ATTEMPTS ERRORS FAILED bucket:count ... ." */
static bool read_seen(char **text, struct seen *out)
{
	if (!read_number(text, &out->attempts) || !read_number(text, &out->errors) || !read_number(text, &out->failed))
		return false;
	for (char *word; (word = next_word(text));) {
		int bucket;
		long long count;
		if (strcmp(word, ".") == 0)
			return true;
		if (sscanf(word, "%3d:%18lld", &bucket, &count) != 2 || bucket < 0 || bucket >= LATENCY_BUCKETS || count < 0)
			return false;
		out->latency[bucket] = count;
	}
	return false;
}

static bool read_row(struct access_log *l, char **text)
{
	struct access_row *row = arena_alloc(l->arena, sizeof *row);
	struct evidence *e = &row->seen;
	int64_t weight;
	e->project = next_word(text);
	e->service = next_word(text);
	row->rollout = next_word(text);
	e->revision = next_word(text);
	if (!e->revision || !read_number(text, &weight) || weight > PERMILLE || !read_number(text, &row->since_ms) ||
	    !read_number(text, &row->until_ms) || !read_number(text, &e->from_ms) || !read_number(text, &e->to_ms) ||
	    !read_seen(text, &e->stable) || !read_seen(text, &e->next))
		return false;
	e->weight = (int)weight;
	*ARENA_PUSH(l->arena, l->rows, l->rows_count) = row;
	return true;
}

static bool read_text(struct access_log *l, char *text)
{
	int64_t inode;
	if (strncmp(text, HEAD "\n", strlen(HEAD "\n")) != 0)
		return false;
	text += strlen(HEAD "\n");
	if (!read_number(&text, &inode) || !read_number(&text, &l->offset) || !read_number(&text, &l->began_ms))
		return false;
	l->inode = (uint64_t)inode;
	for (char *word; (word = next_word(&text));) {
		if (strcmp(word, "end") == 0)
			return true;
		if (strcmp(word, "row") != 0 || !read_row(l, &text))
			return false;
	}
	return false;
}

bool access_state_read(struct access_log *l)
{
	struct err e;
	char *text;
	const char *path = arena_printf(l->arena, "%s/" STATE_NAME, l->settings->directory);
	bool is_there = fs_read(path, STATE_MAX, l->arena, &text, NULL, &e) == 0;
	if (is_there && read_text(l, text)) {
		l->punched = l->offset;
		return true;
	}
	if (is_there || e.kind != ERR_NOT_FOUND)
		log_warning("nginx: what was seen of the requests is lost, and is counted anew: %s",
		            is_there ? arena_printf(l->arena, "%s is not as it was written", path) : e.message);
	l->rows_count = 0;
	l->inode = 0;
	l->offset = l->punched = 0;
	return false;
}

/* --- rows -> text --- */

static void print_seen(struct buf *out, const struct seen *s)
{
	buf_printf(out, "%" PRId64 " %" PRId64 " %" PRId64, s->attempts, s->errors, s->failed);
	for (int i = 0; i < LATENCY_BUCKETS; i++)
		if (s->latency[i])
			buf_printf(out, " %d:%" PRId64, i, s->latency[i]);
	buf_puts(out, " .\n");
}

static void print_state(struct buf *out, const struct access_log *l)
{
	buf_printf(out, HEAD "\n%" PRIu64 " %" PRId64 " %" PRId64 "\n", l->inode, l->offset, l->began_ms);
	for (size_t i = 0; i < l->rows_count; i++) {
		const struct access_row *row = l->rows[i];
		const struct evidence *e = &row->seen;
		buf_printf(out, "row %s %s %s %s %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", e->project, e->service,
		           row->rollout, e->revision, e->weight, row->since_ms, row->until_ms, e->from_ms, e->to_ms);
		print_seen(out, &e->stable);
		print_seen(out, &e->next);
	}
	buf_puts(out, "end\n");
}

/* --- the log on disk --- */

/* Frees what was read and written down. */
static void free_start(struct access_log *l)
{
	CLEANUP(arena_done) struct arena a = {0};
	const char *path = arena_printf(&a, "%s/" ACCESS_LOG_NAME, l->settings->directory);
	CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
	struct stat st;
	int64_t from = l->punched / PAGE * PAGE, to = l->offset / PAGE * PAGE;
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_ino != l->inode || to <= from)
		return;
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from) == 0)
		l->punched = l->offset;
	else if (l->offset > UNFREED_MAX && ftruncate(fd, 0) < 0) /* the next reading finds it cut, and says so */
		log_warning("%s: %s", path, strerror(errno));
}

/* Nobody writes to it any more. */
static void clear(struct access_log *l)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct stat st;
	const char *path = arena_printf(&a, "%s/" ACCESS_LOG_NAME, l->settings->directory);
	if (stat(path, &st) == 0 && st.st_size > 0 && truncate(path, 0) < 0)
		log_warning("%s: %s", path, strerror(errno));
	unlink(arena_printf(&a, "%s/" STATE_NAME, l->settings->directory));
	*l = (struct access_log){.settings = l->settings, .arena = l->arena};
}

/* nginx goes on writing to a file that has no name any more, until it is told to open its logs anew. */
static void bring_back(const struct access_log *l)
{
	struct err e;
	pid_t master = master_find(l->settings, &e);
	if (master > 0 && kill(master, SIGUSR1) < 0)
		log_warning("nginx master %d: SIGUSR1: %s", (int)master, strerror(errno));
}

void access_log_keep(struct access_log *l, int64_t now_ms)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(buf_done) struct buf out = BUF_INIT(STATE_MAX);
	struct err e;
	if (!l->is_loaded)
		return;
	if (!l->has_rollout) {
		clear(l);
		return;
	}
	if (!l->is_changed || (l->kept_ms && now_ms >= l->kept_ms && now_ms - l->kept_ms < KEEP_MS))
		return;
	l->kept_ms = now_ms;
	if (l->is_missing)
		bring_back(l);
	print_state(&out, l);
	if (fs_write(arena_printf(&a, "%s/" STATE_NAME, l->settings->directory), out.text, out.length, 0600, &e) < 0) {
		log_warning("nginx: what was seen of the requests is not written down: %s", e.message);
		return;
	}
	l->is_changed = false;
	free_start(l);
}
