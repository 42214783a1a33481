/* The text of /etc/fstab, line by line (fstab(5)). The one thing to know: a line is ours by an option in it, so it stays
 * ours wherever somebody moves it. */
#include "host/fstab.h"

#include <string.h>

#define BLANKS " \t\r"
#define MARK "x-reconcile="

/* One line: from..next, with its newline if it has one. */
struct line {
	const char *text;
	size_t length;
};

static bool line_next(const char **at, struct line *out)
{
	if (!**at)
		return false;
	out->text = *at;
	out->length = strcspn(*at, "\n");
	out->length += (*at)[out->length] == '\n';
	*at += out->length;
	return true;
}

/* The n-th field, from 0; its length is 0 when there is none, or when the line is a comment. */
static struct line field(const struct line *l, int n)
{
	struct line f = {l->text, 0};
	const char *end = l->text + l->length - (l->length && l->text[l->length - 1] == '\n');
	for (int i = 0; i <= n; i++) {
		f.text += f.length;
		while (f.text < end && strchr(BLANKS, *f.text))
			f.text++;
		f.length = 0;
		while (f.text + f.length < end && !strchr(BLANKS, f.text[f.length]))
			f.length++;
		if (i == 0 && *f.text == '#')
			return (struct line){end, 0};
	}
	return f;
}

static bool is_text(const struct line *f, const char *text, size_t length)
{
	return f->length == length && memcmp(f->text, text, length) == 0;
}

static bool names(const struct line *l, const char *file)
{
	struct line f = field(l, 0);
	return is_text(&f, file, strlen(file));
}

static bool is_ours(const struct line *l, const char *instance)
{
	struct line options = field(l, 3);
	const char *end = options.text + options.length;
	for (const char *at = options.text; at < end;) {
		size_t length = strcspn(at, ", \t\r\n"), mark = strlen(MARK);
		if (length == mark + strlen(instance) && memcmp(at, MARK, mark) == 0 &&
		    memcmp(at + mark, instance, strlen(instance)) == 0)
			return true;
		at += length + 1;
	}
	return false;
}

static void put_line(struct buf *out, const char *instance, const char *file)
{
	buf_printf(out, "%s none swap nofail," MARK "%s 0 0\n", file, instance);
}

enum swap_line fstab_look(const char *text, const char *instance, const char *file)
{
	CLEANUP(buf_done) struct buf right = BUF_INIT(4096);
	enum swap_line found = SWAP_LINE_NONE;
	struct line l;
	put_line(&right, instance, file);
	while (line_next(&text, &l)) {
		if (!names(&l, file))
			continue;
		if (!is_ours(&l, instance))
			return SWAP_LINE_FOREIGN;
		found = found == SWAP_LINE_NONE && is_text(&l, right.text, right.length) ? SWAP_LINE_OURS : SWAP_LINE_CHANGED;
	}
	return found;
}

size_t fstab_ours(const char *text, const char *instance, struct arena *a, const char ***files)
{
	size_t count = 0;
	struct line l;
	*files = NULL;
	while (line_next(&text, &l)) {
		struct line file = field(&l, 0);
		if (is_ours(&l, instance))
			*ARENA_PUSH(a, *files, count) = arena_strndup(a, file.text, file.length);
	}
	return count;
}

/* Before a last line without an end: after it there would have to be a newline that was not there. */
void fstab_put(struct buf *out, const char *text, const char *instance, const char *file)
{
	bool is_put = false;
	struct line l;
	while (line_next(&text, &l)) {
		bool is_mine = names(&l, file) && is_ours(&l, instance);
		if (!is_put && (is_mine || l.text[l.length - 1] != '\n')) {
			put_line(out, instance, file);
			is_put = true;
		}
		if (!is_mine)
			buf_add(out, l.text, l.length);
	}
	if (!is_put)
		put_line(out, instance, file);
}

void fstab_drop(struct buf *out, const char *text, const char *instance, const char *file)
{
	struct line l;
	while (line_next(&text, &l))
		if (!names(&l, file) || !is_ours(&l, instance))
			buf_add(out, l.text, l.length);
}
