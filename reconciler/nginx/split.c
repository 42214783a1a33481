/*
 * What requests are drawn by: the key of a client, the bucket that it gives, and whoever asks for another one. The one
 * thing to know: a key is only ever hashed, so that nothing a client sends can stand anywhere else.
 */
#include <string.h>

#include "nginx/render.h"

#define RANDOM_KEY "$request_id"
#define COOKIE_LIFE_S 31536000 /* a year; browsers keep none for much longer */

/* Variables of ours are numbered: the table that nginx keeps them in has no room for long names. */
static size_t number_of(const struct render *c, const struct route *r, bool (*is_same)(const struct route *, const struct route *))
{
	size_t number = 0;
	while (!config_is_route(&c->t->routes[number]) || !is_same(&c->t->routes[number], r))
		number++;
	return number;
}

static bool is_same_word(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_same_split(const struct route *a, const struct route *b)
{
	return is_same_word(a->in.split, b->in.split);
}

static bool is_same_asked(const struct route *a, const struct route *b)
{
	return is_same_split(a, b) && is_same_word(a->in.testers, b->in.testers);
}

/* nginx's variable for "cookie:NAME" or "header:NAME". */
static const char *part_of(const struct render *c, const char *word)
{
	if (strncmp(word, INTAKE_COOKIE, strlen(INTAKE_COOKIE)) == 0)
		return arena_printf(c->a, "$cookie_%s", word + strlen(INTAKE_COOKIE));
	char *part = arena_printf(c->a, "$http_%s", word + strlen(INTAKE_HEADER));
	for (char *at = part; *at; at++)
		*at = *at == '-' ? '_' : *at;
	return part;
}

/* NULL: clients get none. */
static const char *cookie_name(const struct route *r)
{
	bool is_cookie = r->in.split && strncmp(r->in.split, INTAKE_COOKIE, strlen(INTAKE_COOKIE)) == 0;
	return is_cookie ? r->in.split + strlen(INTAKE_COOKIE) : NULL;
}

const char *render_key(const struct render *c, const struct route *r)
{
	if (!r->in.split)
		return RANDOM_KEY;
	return strcmp(r->in.split, INTAKE_SPLIT_ADDRESS) == 0 ? "$remote_addr"
	                                                      : arena_printf(c->a, "$reconcile_key_%zu", number_of(c, r, is_same_split));
}

static const char *drawn_bucket(const struct render *c, const struct route *r)
{
	return r->in.split ? arena_printf(c->a, "$reconcile_bucket_%zu", number_of(c, r, is_same_split)) : "$reconcile_bucket";
}

const char *render_bucket(const struct render *c, const struct route *r)
{
	return r->in.testers ? arena_printf(c->a, "$reconcile_asked_%zu", number_of(c, r, is_same_asked)) : drawn_bucket(c, r);
}

const char *render_cookie(const struct render *c, const struct route *r)
{
	return cookie_name(r) ? arena_printf(c->a, "$reconcile_cookie_%zu", number_of(c, r, is_same_split)) : NULL;
}

/* Buckets are thousandths; the last takes what rounding leaves. */
static void print_buckets(struct buf *out, const char *key, const char *bucket)
{
	buf_printf(out, "split_clients \"%s\" %s {", key, bucket);
	for (int i = 0; i < PERMILLE - 1; i++)
		buf_printf(out, "%s0.1%% %d;", i % 10 ? " " : "\n\t", i);
	buf_printf(out, " * %d;\n}\n", PERMILLE - 1);
}

/* The cookie holds what is drawn and never a side: one of a million numbers, which many clients share, so it tells nobody
 * apart. */
static void print_key(struct buf *out, const struct render *c, const struct route *r)
{
	const char *part = part_of(c, r->in.split), *name = cookie_name(r);
	buf_printf(out, "map %s %s { '' %s; default %s; }\n", part, render_key(c, r), name ? "$reconcile_draw" : RANDOM_KEY, part);
	if (name)
		buf_printf(out, "map %s %s { '' \"%s=$reconcile_draw; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax$reconcile_secure\"; default ''; }\n",
		           part, render_cookie(c, r), name, COOKIE_LIFE_S);
}

/* Whoever asks is in a bucket of its own, which comes in with the first one or before, or in the one that comes in last: a
 * side that is not to be seen has nobody to offer, and cannot be asked for. */
static void print_asked(struct buf *out, const struct render *c, const struct route *r)
{
	buf_printf(out, "map %s %s { always " TRAFFIC_TESTERS "; never %d; default %s; }\n", part_of(c, r->in.testers), render_bucket(c, r),
	           traffic_bucket(PERMILLE - 1), drawn_bucket(c, r));
}

void render_draws(struct buf *out, const struct render *c)
{
	bool has_cookie = false;
	for (size_t i = 0; i < c->t->routes_count; i++)
		has_cookie |= config_is_route(&c->t->routes[i]) && cookie_name(&c->t->routes[i]);
	if (has_cookie)
		buf_puts(out, "map " RANDOM_KEY " $reconcile_draw { \"~^(.....)\" $1; }\n"
		              "map $https $reconcile_secure { on '; Secure'; default ''; }\n");
	print_buckets(out, RANDOM_KEY, "$reconcile_bucket");
	for (size_t i = 0; i < c->t->routes_count; i++) {
		const struct route *r = &c->t->routes[i];
		if (!r->in.split || !render_is_first(c, i, is_same_split))
			continue;
		if (strcmp(r->in.split, INTAKE_SPLIT_ADDRESS) != 0)
			print_key(out, c, r);
		print_buckets(out, render_key(c, r), drawn_bucket(c, r));
	}
	for (size_t i = 0; i < c->t->routes_count; i++)
		if (c->t->routes[i].in.testers && render_is_first(c, i, is_same_asked))
			print_asked(out, c, &c->t->routes[i]);
}
