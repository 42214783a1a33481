/*
 * x-reconcile.host.swap. The one thing to know: there is one host, so projects may say it more than once, but not
 * differently.
 */
#include "desired/swap.h"

#include <string.h>

#define SIZE_LEAST (1024 * 1024) /* less would be a slip of the pen; the kernel takes ten pages */
#define PAGE 4096
#define PATH_LONGEST 200
#define FILE_DEFAULT "/swapfile"
#define FILE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"

static int parse_swap_size(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	if (parse_size(p, n, path, out) < 0)
		return -1;
	if (out->integer < SIZE_LEAST || out->integer > INT64_MAX - PAGE)
		return parse_error(p, n->mark, path, "%s is no size for swap; write at least 1m, or remove host.swap to have none",
		                   node_shown(p, n));
	out->integer = (out->integer + PAGE - 1) / PAGE * PAGE;
	return 0;
}

static int parse_swap_file(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	const char *text;
	if (parse_text(p, n, path, &text) < 0)
		return -1;
	size_t length = strlen(text);
	if (*text != '/' || length > PATH_LONGEST || text[strspn(text, FILE_CHARS)] || text[length - 1] == '/' ||
	    strcmp(clean_path(p->a, text), text) != 0)
		return parse_error(p, n->mark, path, "%s is no place for a swap file; write a whole path of letters, digits, '.', '_' "
		                                     "and '-', like /swapfile", node_shown(p, n));
	return give(out, n, value_string(text));
}

static int parse_swappiness_of_host(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	int64_t number;
	return parse_integer(p, n, path, 0, 200, &number) < 0 ? -1 : give(out, n, value_int(number));
}

static const struct key_row swap_keys[] = {
	{"size", "size", parse_swap_size}, {"file", "file", parse_swap_file}, {"swappiness", "swappiness", parse_swappiness_of_host},
};

static int parse_swap(struct parse *p, const struct node *n, const char *path, struct value *out)
{
	if (parse_keys(p, n, path, path, swap_keys, ARRAY_LEN(swap_keys), out) < 0)
		return -1;
	if (!value_get(out, "size"))
		return parse_error(p, n->mark, path, "has no size; write one, like swap: {size: 2G}");
	return 0;
}

static const struct key_row host_keys[] = {{"swap", "swap", parse_swap}};

const struct swap_want *swap_read(struct parse *p, const struct node *section)
{
	static const char path[] = "x-reconcile.host";
	struct node *n = node_get(section, "host");
	struct value host = {0};
	if (!n || parse_evaluate(p, n, path) < 0 || parse_keys(p, n, path, path, host_keys, ARRAY_LEN(host_keys), &host) < 0)
		return NULL;
	const struct value *swap = value_get(&host, "swap");
	if (!swap) {
		parse_error(p, n->mark, path, "is empty; write something into it, like swap: {size: 2G}, or remove it");
		return NULL;
	}
	const struct value *file = value_get(swap, "file"), *swappiness = value_get(swap, "swappiness");
	struct mark at = node_get(n, "swap")->mark;
	struct swap_want *want = arena_alloc(p->a, sizeof *want);
	*want = (struct swap_want){
		.file = file ? file->string : FILE_DEFAULT, .size_bytes = value_get(swap, "size")->integer,
		.swappiness = swappiness ? (int)swappiness->integer : -1,
		.where = arena_printf(p->a, "%s:%d:%d", p->file, at.line, at.column)};
	return want;
}

static bool is_same(const struct swap_want *a, const struct swap_want *b)
{
	return strcmp(a->file, b->file) == 0 && a->size_bytes == b->size_bytes && a->swappiness == b->swappiness;
}

void swap_conflicts(const struct desired *d, struct problems *p, bool *is_bad)
{
	size_t first = 0;
	while (first < d->projects_count && !d->projects[first].swap)
		first++;
	for (size_t i = first + 1; i < d->projects_count; i++) {
		const struct project *one = &d->projects[first], *other = &d->projects[i];
		if (!other->swap || is_same(one->swap, other->swap))
			continue;
		is_bad[first] = is_bad[i] = true;
		p->count++;
		buf_printf(&p->text, "%s: x-reconcile.host.swap: differs from what %s says; there is one host, write the same in both, or "
		                     "remove one\n", other->swap->where, one->swap->where);
	}
}
