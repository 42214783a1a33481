/*
 * A build's context as a tar archive. The one thing to know: one entry at a time is in memory. Owner 0, time 0: what is
 * built from equal files is to be equal, and the engine's cache thinks so, too.
 */
#include "docker/tar.h"

#include <stdio.h>
#include <string.h>

#define BLOCK 512
#define NAME_MAX_BYTES 100

/* POSIX.1-1988 (ustar); numbers are octal text. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static void pad(struct buf *out)
{
	static const char zeros[BLOCK];
	if (out->length % BLOCK)
		buf_add(out, zeros, BLOCK - out->length % BLOCK);
}

static void octal(char *field, size_t size, unsigned long long n)
{
	char text[32];
	snprintf(text, sizeof text, "%0*llo", (int)size - 1, n);
	memcpy(field, text, size);
}

static void add_entry(struct buf *out, char type, const char *name, const char *link, unsigned mode, const char *bytes,
                      size_t length)
{
	struct header h = {.type = type, .magic = "ustar", .version = {'0', '0'}};
	size_t n = strlen(name), m = strlen(link);
	memcpy(h.name, name, n < sizeof h.name ? n : sizeof h.name);
	memcpy(h.link, link, m < sizeof h.link ? m : sizeof h.link);
	octal(h.mode, sizeof h.mode, mode);
	octal(h.uid, sizeof h.uid, 0);
	octal(h.gid, sizeof h.gid, 0);
	octal(h.size, sizeof h.size, length);
	octal(h.mtime, sizeof h.mtime, 0);
	memset(h.checksum, ' ', sizeof h.checksum);
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof h; i++)
		sum += ((const unsigned char *)&h)[i];
	octal(h.checksum, sizeof h.checksum - 1, sum);
	buf_add(out, &h, sizeof h);
	buf_add(out, bytes, length);
	pad(out);
}

/* "27 path=a/long/name\n": the length counts its own digits. */
static void add_record(struct buf *out, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, length = rest;
	for (char digits[24]; ;) {
		size_t whole = rest + (size_t)snprintf(digits, sizeof digits, "%zu", length);
		if (whole == length)
			break;
		length = whole;
	}
	buf_printf(out, "%zu %s=%s\n", length, key, value);
}

static void add_long_names(struct buf *out, const char *name, const char *link)
{
	CLEANUP(buf_done) struct buf records = BUF_INIT(64 * 1024);
	if (strlen(name) > NAME_MAX_BYTES)
		add_record(&records, "path", name);
	if (strlen(link) > NAME_MAX_BYTES)
		add_record(&records, "linkpath", link);
	if (records.length)
		add_entry(out, 'x', "pax", "", 0644, records.text, records.length);
}

static int add_file(struct tar *t, const struct build_file *f)
{
	static const struct { char type; unsigned mode; } kinds[] = {
		[BUILD_FILE] = {'0', 0644}, [BUILD_PROGRAM] = {'0', 0755}, [BUILD_LINK] = {'2', 0777}, [BUILD_FOLDER] = {'5', 0755},
	};
	CLEANUP(arena_done) struct arena a = {0};
	bool has_bytes = f->kind == BUILD_FILE || f->kind == BUILD_PROGRAM;
	const char *link = f->kind == BUILD_LINK ? f->text : "";
	char *bytes = NULL;
	size_t length = 0;
	if (has_bytes && t->content(t->build, f, &a, &bytes, &length, &t->err) < 0)
		return -1;
	add_long_names(&t->chunk, f->path, link);
	add_entry(&t->chunk, kinds[f->kind].type, f->path, link, kinds[f->kind].mode, bytes ? bytes : "", length);
	return t->chunk.overflowed ? err_set(&t->err, ERR_INVALID, "%s: larger than %zu bytes", f->path, t->chunk.max) : 0;
}

static int make_chunk(struct tar *t)
{
	static const char zeros[2 * BLOCK];
	if (!t->chunk.text)
		t->chunk = BUF_INIT(TAR_FILE_MAX_BYTES + 4096);
	buf_clear(&t->chunk);
	t->given = 0;
	if (t->next < t->build->files_count)
		return add_file(t, &t->build->files[t->next++]);
	if (!t->is_ended)
		buf_add(&t->chunk, zeros, sizeof zeros);
	t->is_ended = true;
	return 0;
}

size_t tar_read(void *tar, char *out, size_t max)
{
	struct tar *t = tar;
	if (t->given == t->chunk.length && make_chunk(t) < 0)
		return (size_t)-1;
	size_t left = t->chunk.length - t->given, n = left < max ? left : max;
	memcpy(out, t->chunk.text + t->given, n);
	t->given += n;
	return n;
}

void tar_done(struct tar *t)
{
	if (t->chunk.text)
		buf_done(&t->chunk);
}
