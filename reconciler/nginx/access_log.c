/*
 * The log is read from where the last pass stopped, into rows: one for each weight of each rollout. The one thing to
 * know: a row that is open says what the weight is now, and a line belongs to the row in whose time its request began.
 */
#include "nginx/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "nginx/access_state.h"
#include "nginx/internal.h"

#define CHUNK (256 << 10)
#define LINE_MAX_BYTES (16 << 10)
#define READ_MAX ((int64_t)64 << 20)     /* in one call: others wait meanwhile */
#define BACKLOG_MAX ((int64_t)512 << 20) /* older than that is left out */
#define SHIFT_MARGIN_MS 1000
#define ROW_MS (3600 * 1000)
#define ROWS_MAX 48                      /* of one rollout */

/* --- the rows --- */

static bool is_of(const struct access_row *row, const struct traffic *t)
{
	return strcmp(row->seen.project, t->project) == 0 && strcmp(row->seen.service, t->service) == 0 &&
	       strcmp(row->rollout, t->rollout) == 0 && strcmp(row->seen.revision, t->next.revision) == 0;
}

static struct access_row *last_row(const struct access_log *l, const struct traffic *t)
{
	for (size_t i = l->rows_count; i-- > 0;)
		if (is_of(l->rows[i], t))
			return l->rows[i];
	return NULL;
}

static void add_row(struct access_log *l, const struct traffic *t, int64_t from_ms)
{
	struct access_row *row = arena_alloc(l->arena, sizeof *row);
	row->rollout = arena_strdup(l->arena, t->rollout);
	row->since_ms = t->weight_since_ms;
	row->seen = (struct evidence){arena_strdup(l->arena, t->project), arena_strdup(l->arena, t->service),
	                              arena_strdup(l->arena, t->next.revision), t->weight, .from_ms = from_ms};
	*ARENA_PUSH(l->arena, l->rows, l->rows_count) = row;
	l->is_changed = true;
}

static void close_row(struct access_row *row, int64_t at_ms)
{
	row->until_ms = at_ms > row->seen.from_ms ? at_ms : row->seen.from_ms;
	row->seen.to_ms = row->until_ms;
}

static void drop_row(struct access_log *l, size_t number)
{
	memmove(&l->rows[number], &l->rows[number + 1], (l->rows_count - number - 1) * sizeof *l->rows);
	l->rows_count--;
}

/* When there are many, one is made of the oldest two that follow each other under one weight. */
static void merge_rows(struct access_log *l, const struct traffic *t)
{
	struct access_row *before = NULL;
	size_t count = 0;
	for (size_t i = 0; i < l->rows_count; i++)
		count += is_of(l->rows[i], t);
	for (size_t i = 0; i < l->rows_count && count > ROWS_MAX; i++) {
		struct access_row *row = l->rows[i];
		if (!is_of(row, t))
			continue;
		if (before && before->seen.weight == row->seen.weight) {
			seen_add(&before->seen.stable, &row->seen.stable);
			seen_add(&before->seen.next, &row->seen.next);
			before->until_ms = before->seen.to_ms = row->until_ms;
			drop_row(l, i);
			return;
		}
		before = row;
	}
}

static bool is_rolled_out(const struct traffic *t)
{
	return *t->rollout && t->next.addresses_count > 0;
}

/* The row that is open says what the weight is now. */
static void follow(struct access_log *l, const struct traffic *t, int64_t now_ms)
{
	struct access_row *last = last_row(l, t);
	bool is_same = last && !last->until_ms && last->seen.weight == t->weight && last->since_ms == t->weight_since_ms;
	bool is_old = is_same && now_ms - last->seen.from_ms >= ROW_MS;
	int64_t since_ms = is_old || !t->weight_since_ms ? now_ms : t->weight_since_ms;
	if (is_same && !is_old)
		return;
	if (last && !last->until_ms)
		close_row(last, since_ms);
	add_row(l, t, since_ms > l->began_ms ? since_ms : l->began_ms);
	merge_rows(l, t);
}

static void follow_all(struct access_log *l, const struct topology *t, int64_t now_ms)
{
	l->has_rollout = false;
	for (size_t i = l->rows_count; i-- > 0;) {
		const struct evidence *e = &l->rows[i]->seen;
		const struct traffic *own = topology_service(t, e->project, e->service);
		if (!own || !is_rolled_out(own) || !is_of(l->rows[i], own)) {
			drop_row(l, i);
			l->is_changed = true;
		}
	}
	for (size_t i = 0; i < t->services_count; i++) {
		if (!is_rolled_out(&t->services[i]))
			continue;
		l->has_rollout = true;
		follow(l, &t->services[i], now_ms);
	}
}

/* Something is missing from here back to the last reading. */
static void gap(struct access_log *l, int64_t now_ms, const char *why)
{
	if (l->rows_count)
		log_warning("nginx: what was seen of the requests has a gap: %s/" ACCESS_LOG_NAME " %s; counted anew from now on",
		            l->settings->directory, why);
	l->began_ms = now_ms;
	for (size_t i = 0; i < l->rows_count; i++)
		if (!l->rows[i]->until_ms)
			close_row(l->rows[i], l->rows[i]->seen.to_ms);
	l->is_changed = true;
}

/* --- lines to rows --- */

static const struct traffic *service_of(const struct topology *t, const struct logged *line)
{
	for (size_t i = 0; i < t->services_count; i++) {
		const struct traffic *s = &t->services[i];
		const char *const parts[] = {s->project, "/", s->service, "/", s->rollout};
		size_t at = 0;
		for (size_t k = 0; k < ARRAY_LEN(parts) && at <= line->rollout_length; k++) {
			size_t n = strlen(parts[k]);
			at = line->rollout_length - at >= n && memcmp(line->rollout + at, parts[k], n) == 0 ? at + n : SIZE_MAX;
		}
		if (at == line->rollout_length)
			return s;
	}
	return NULL;
}

/* An address of ours has the routed port behind it in the log, one of a published port has its own. */
static bool is_on(const struct side *side, const struct attempt *at)
{
	for (size_t i = 0; i < side->addresses_count; i++) {
		const char *address = side->addresses[i];
		size_t n = strlen(address);
		if (at->address_length < n || memcmp(at->address, address, n) != 0)
			continue;
		if (at->address_length == n || (at->address[n] == ':' && !strchr(address, ':')))
			return true;
	}
	return false;
}

static struct access_row *row_at(const struct access_log *l, const struct traffic *t, int64_t began_ms)
{
	for (size_t i = 0; i < l->rows_count; i++) {
		struct access_row *row = l->rows[i];
		bool is_in = began_ms >= row->seen.from_ms + SHIFT_MARGIN_MS && (!row->until_ms || began_ms < row->until_ms - SHIFT_MARGIN_MS);
		if (is_in && is_of(row, t))
			return row;
	}
	return NULL;
}

static void count_line(struct access_log *l, const struct topology *t, const char *line, size_t length)
{
	struct logged read;
	if (!logged_read(line, length, &read)) {
		l->broken_lines++;
		return;
	}
	const struct traffic *s = service_of(t, &read);
	int64_t began_ms = read.ended_ms - read.took_ms;
	struct access_row *row = s ? row_at(l, s, began_ms) : NULL;
	if (!row)
		return;
	bool is_warm = row->seen.weight == 0 || began_ms - row->since_ms >= LATENCY_WARM_MS;
	for (size_t i = 0; i < read.count; i++) {
		const struct attempt *at = &read.attempts[i];
		if (is_on(&s->next, at))
			seen_attempt(&row->seen.next, at, is_warm);
		else if (is_on(&s->stable, at))
			seen_attempt(&row->seen.stable, at, is_warm);
	}
	l->is_changed = true;
}

/* --- the file --- */

/* All whole lines of the chunk. Returns how much of it is done with. */
static size_t count_lines(struct access_log *l, const struct topology *t, const char *chunk, size_t length)
{
	const char *at = chunk, *end = chunk + length;
	for (const char *stop; (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1)
		count_line(l, t, at, (size_t)(stop - at));
	if (end - at < LINE_MAX_BYTES)
		return (size_t)(at - chunk); /* the rest of this line is on its way */
	l->broken_lines++;
	return length;
}

static int open_log(struct access_log *l, int64_t now_ms, struct stat *st)
{
	CLEANUP(arena_done) struct arena a = {0};
	int fd = open(arena_printf(&a, "%s/" ACCESS_LOG_NAME, l->settings->directory), O_RDONLY | O_CLOEXEC);
	l->is_missing = fd < 0 && errno == ENOENT;
	if (fd < 0 || fstat(fd, st) < 0) {
		if (l->inode)
			gap(l, now_ms, "is gone");
		l->inode = 0;
		l->offset = l->punched = 0;
		fd_close(&fd);
		return -1;
	}
	return fd;
}

/* Where to go on in it. */
static void settle_offset(struct access_log *l, const struct stat *st, int64_t now_ms)
{
	const char *why = l->inode && l->inode != st->st_ino ? "was exchanged" : st->st_size < l->offset ? "was cut" : NULL;
	if (why || !l->inode)
		l->offset = l->punched = 0;
	l->inode = st->st_ino;
	if (!why && st->st_size - l->offset > BACKLOG_MAX) {
		l->offset = st->st_size;
		why = "was not read for too long";
	}
	if (why)
		gap(l, now_ms, why);
}

static void read_new(struct access_log *l, const struct topology *t, int64_t now_ms)
{
	struct stat st;
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(fd_close) int fd = open_log(l, now_ms, &st);
	int64_t before = l->broken_lines;
	if (fd >= 0)
		settle_offset(l, &st, now_ms);
	follow_all(l, t, now_ms); /* a gap has closed rows */
	if (fd < 0)
		return;
	char *chunk = arena_alloc(&a, CHUNK);
	for (int64_t done = 0; done < READ_MAX;) {
		ssize_t n = pread(fd, chunk, CHUNK, l->offset);
		size_t used = n > 0 ? count_lines(l, t, chunk, (size_t)n) : 0;
		if (used == 0)
			break;
		l->offset += (int64_t)used;
		done += (int64_t)used;
	}
	if (before == 0 && l->broken_lines)
		log_warning("nginx: %lld lines of %s/" ACCESS_LOG_NAME " are none of ours, and are not counted",
		            (long long)l->broken_lines, l->settings->directory);
}

static void load(struct access_log *l, int64_t now_ms)
{
	struct stat st;
	CLEANUP(arena_done) struct arena a = {0};
	bool has_state = access_state_read(l);
	l->is_loaded = true;
	if (has_state)
		return;
	l->began_ms = now_ms;
	/* What stands there belongs to nobody any more. */
	if (stat(arena_printf(&a, "%s/" ACCESS_LOG_NAME, l->settings->directory), &st) == 0) {
		l->inode = st.st_ino;
		l->offset = l->punched = st.st_size;
	}
}

void access_log_read(struct access_log *l, const struct topology *t, int64_t now_ms, struct arena *a, struct evidence **out,
                     size_t *count)
{
	*out = NULL;
	*count = 0;
	if (!l->is_loaded)
		load(l, now_ms);
	follow_all(l, t, now_ms);
	if (!l->has_rollout)
		return;
	read_new(l, t, now_ms);
	for (size_t i = 0; i < l->rows_count; i++) {
		if (!l->rows[i]->until_ms)
			l->rows[i]->seen.to_ms = now_ms;
		*ARENA_PUSH(a, *out, *count) = l->rows[i]->seen;
	}
}
