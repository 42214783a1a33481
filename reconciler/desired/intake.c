/*
 * The keys of a route that say how nginx takes its requests in; those that nginx knows are called as it calls them. The
 * one thing to know: a certificate is read here, because its content is what is desired, and its absence an error of the
 * one project that names it.
 */
#include "desired/intake.h"

#include <string.h>

#include "base/fs.h"
#include "base/sha256.h"
#include "net/pair.h"

#define PATH "x-reconcile.routes"
#define ASSET_MAX_BYTES (1024 * 1024)
#define YEAR_MS (366LL * 86400 * 1000)
#define PORT_OF_TLS "443"

int intake_read_address(struct parse *p, const struct node *n, const char **out)
{
	const char *text;
	if (parse_scalar(p, n, PATH, &text) < 0)
		return -1;
	if (!intake_is_address(text))
		return parse_error(p, n->mark, PATH, "%s is no port; write one like 443, 10.0.0.1:443 or \"[::1]:443\"", node_shown(p, n));
	*out = p->listen && strcmp(p->listen, text) == 0 ? INTAKE_USUAL : arena_strdup(p->a, text);
	return 0;
}

static int read_listen(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	return intake_read_address(p, n, intake_text(out, row));
}

static int read_redirect(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	bool is_wanted;
	if (n->type != SCALAR_BOOL)
		return intake_read_address(p, n, intake_text(out, row));
	if (parse_yes_no(p, n, PATH, &is_wanted) < 0)
		return -1;
	*intake_text(out, row) = is_wanted ? INTAKE_USUAL : NULL;
	return 0;
}

static int read_duration(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	struct value v = {0};
	if (parse_milliseconds(p, n, PATH, &v) < 0)
		return -1;
	if (v.integer < 1 || v.integer > YEAR_MS)
		return parse_error(p, n->mark, PATH, "%s is no time-out; write one from 1ms to 366d", node_shown(p, n));
	*intake_number(out, row) = v.integer;
	return 0;
}

/* As nginx has it, 0 is any size. */
static int read_size(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	struct value v = {0};
	if (parse_size(p, n, PATH, &v) < 0)
		return -1;
	*intake_number(out, row) = v.integer ? v.integer : -1;
	return 0;
}

static void take_asset(struct parse *p, char *bytes, size_t length, struct asset *out)
{
	char hex[SHA256_HEX_SIZE];
	sha256_hex(bytes, length, hex);
	*out = (struct asset){arena_strdup(p->a, hex), bytes, length};
}

static int read_page(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	const char *text, *whole;
	char *bytes;
	size_t length;
	struct err e;
	if (parse_text(p, n, PATH, &text) < 0 || parse_host_path(p, n, PATH, text, &whole) < 0)
		return -1;
	if (parse_file(p, whole, ASSET_MAX_BYTES, &bytes, &length, &e) < 0) {
		if (e.kind == ERR_NOT_FOUND)
			return parse_error(p, n->mark, PATH, "%s: there is no such file; make it, or remove maintenance", node_shown(p, n));
		return parse_error(p, n->mark, PATH, "maintenance: %s", e.message);
	}
	take_asset(p, bytes, length, intake_asset(out, row));
	return 0;
}

/* --- who is drawn by what --- */

#define NAME "NAME has letters and digits, in a cookie also '_' and in a header '-'"

/* `what`, for people: what it is not, and what to write. */
static int read_part(struct parse *p, const struct node *n, const struct intake_row *row, const char *what, struct intake *out)
{
	const char *text;
	if (parse_text(p, n, PATH, &text) < 0)
		return -1;
	if (!row->is_good(text))
		return parse_error(p, n->mark, PATH, "%s is %s; " NAME, node_shown(p, n), what);
	*intake_text(out, row) = arena_strdup(p->a, text);
	return 0;
}

static int read_split(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	if (n->kind == NODE_SCALAR && strcmp(n->text, "random") == 0)
		return 0;
	return read_part(p, n, row, "no split; write random, address, cookie:NAME or header:NAME", out);
}

static int read_testers(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	return read_part(p, n, row, "nothing that testers send; write header:NAME or cookie:NAME", out);
}

/* --- tls --- */

/* What nginx would refuse for everybody is found out here, for the one project that it is of. */
static const char *wrong_with(const struct intake_row *row, const char *bytes)
{
	if (strcmp(row->word, "certificate") == 0)
		return strstr(bytes, "-----BEGIN CERTIFICATE-----") ? NULL : "holds no certificate in PEM";
	if (!strstr(bytes, "PRIVATE KEY-----"))
		return "holds no private key in PEM";
	return strstr(bytes, "ENCRYPTED") ? "holds a key with a passphrase, and nobody is there to type it" : NULL;
}

static int read_pem(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	const char *text;
	char *bytes;
	size_t length;
	struct err e;
	if (parse_text(p, n, PATH, &text) < 0)
		return -1;
	if (*text != '/')
		return parse_error(p, n->mark, PATH, "tls.%s: %s is no whole path of the host; write one like "
		                   "/etc/letsencrypt/live/shop.example.com/%s", row->word, node_shown(p, n),
		                   strcmp(row->word, "key") == 0 ? "privkey.pem" : "fullchain.pem");
	if (fs_read(text, ASSET_MAX_BYTES, p->a, &bytes, &length, &e) < 0) {
		if (p->is_elsewhere) {
			parse_warning(p, n->mark, PATH, "tls.%s: %s is not here; the host must have it", row->word, node_shown(p, n));
			*intake_asset(out, row) = (struct asset){.hash = ""};
			return 0;
		}
		return e.kind == ERR_NOT_FOUND ? parse_error(p, n->mark, PATH, "tls.%s: there is no file %s on the host; make it first",
		                                             row->word, node_shown(p, n))
		                               : parse_error(p, n->mark, PATH, "tls.%s: %s", row->word, e.message);
	}
	const char *wrong = wrong_with(row, bytes);
	if (wrong)
		return parse_error(p, n->mark, PATH, "tls.%s: %s %s", row->word, node_shown(p, n), wrong);
	take_asset(p, bytes, length, intake_asset(out, row));
	return 0;
}

static int read_http2(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	bool is_wanted;
	if (parse_yes_no(p, n, PATH, &is_wanted) < 0)
		return -1;
	*intake_number(out, row) = is_wanted;
	return 0;
}

/* 0 is a word, too: browsers forget it. */
static int read_hsts(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	struct value v = {0};
	if (parse_milliseconds(p, n, PATH, &v) < 0)
		return -1;
	*intake_number(out, row) = v.integer ? (v.integer + 999) / 1000 : -1;
	return 0;
}

/* Routes of one host say the same; and one of the two may be elsewhere. */
static int check_pair(struct parse *p, const struct node *n, const struct intake *in)
{
	const struct asset *certificate = &in->certificate, *key = &in->key;
	struct err e;
	if (!certificate->bytes || !key->bytes)
		return 0;
	const char *pair = arena_printf(p->a, "%s %s", certificate->hash, key->hash);
	for (size_t i = 0; i < p->pairs_count; i++)
		if (strcmp(p->pairs[i], pair) == 0)
			return 0;
	if (pair_check(certificate->bytes, certificate->length, key->bytes, key->length, &e) < 0) {
		const struct node *place = node_get(n, "key");
		return parse_error(p, place->mark, PATH, "tls.key: %s does not belong to the certificate %s, or one of the two is damaged (%s)",
		                   node_shown(p, place), node_shown(p, node_get(n, "certificate")), e.message);
	}
	*ARENA_PUSH(p->a, p->pairs, p->pairs_count) = pair;
	return 0;
}

static const struct intake_key tls_keys[] = {
	{"certificate", read_pem, WAY_HOST}, {"key", read_pem, WAY_HOST}, {"http2", read_http2, WAY_HOST}, {"hsts", read_hsts, WAY_HOST},
};

static int read_tls(struct parse *p, const struct node *n, const struct intake_row *row, struct intake *out)
{
	const char *names[ARRAY_LEN(tls_keys)];
	int result = 0;
	(void)row;
	out->http2 = 1;
	if (n->kind != NODE_MAP)
		return parse_error(p, n->mark, PATH, "tls must be a map, like {certificate: /etc/ssl/shop.pem, key: /etc/ssl/shop.key}");
	for (size_t i = 0; i < ARRAY_LEN(tls_keys); i++)
		names[i] = tls_keys[i].key;
	for (size_t i = 0; i < n->count; i++) {
		size_t k = 0;
		while (k < ARRAY_LEN(tls_keys) && strcmp(tls_keys[k].key, n->pairs[i].key) != 0)
			k++;
		if (k == ARRAY_LEN(tls_keys))
			result = parse_unknown_key(p, n->pairs[i].mark, PATH, PATH ".*.tls", n->pairs[i].key, names, ARRAY_LEN(names));
		else if (intake_read(p, n->pairs[i].value, &tls_keys[k], out) < 0)
			result = -1;
	}
	if (!node_get(n, "certificate") || !node_get(n, "key"))
		return parse_error(p, n->mark, PATH, "tls must have a certificate and a key, like {certificate: /etc/ssl/shop.pem, key: "
		                   "/etc/ssl/shop.key}");
	return result < 0 ? -1 : check_pair(p, n, out);
}

/* --- all of them --- */

const struct intake_key intake_keys[] = {
	{"listen", read_listen, WAY_HOST},
	{"tls", read_tls, WAY_HOST},
	{"redirect", read_redirect, WAY_HOST},
	{"split", read_split, WAY_HOST | WAY_UPSTREAM},
	{"testers", read_testers, WAY_HOST | WAY_UPSTREAM},
	{"client_max_body_size", read_size, WAY_HOST},
	{"proxy_connect_timeout", read_duration, WAY_HOST | WAY_STREAM},
	{"proxy_send_timeout", read_duration, WAY_HOST},
	{"proxy_read_timeout", read_duration, WAY_HOST},
	{"proxy_timeout", read_duration, WAY_STREAM},
	{"maintenance", read_page, WAY_HOST},
};
const size_t intake_keys_count = ARRAY_LEN(intake_keys);

int intake_read(struct parse *p, const struct node *n, const struct intake_key *key, struct intake *out)
{
	const struct intake_row *row = NULL;
	for (size_t i = 0; i < INTAKE_ROWS; i++)
		if (strcmp(intake_rows[i].word, key->key) == 0)
			row = &intake_rows[i];
	return key->read(p, n, row, out);
}

int intake_settle(struct parse *p, const struct node *n, struct intake *out)
{
	bool has_tls = node_get(n, "tls");
	if (has_tls && !out->listen)
		out->listen = p->listen && strcmp(p->listen, PORT_OF_TLS) == 0 ? INTAKE_USUAL : PORT_OF_TLS;
	if (out->redirect && !has_tls)
		return parse_error(p, node_get(n, "redirect")->mark, PATH, "redirect leads from http to https, and there is no tls; add it, or "
		                   "remove redirect");
	if (out->redirect && strcmp(out->redirect, intake_listen(out)) == 0)
		return parse_error(p, node_get(n, "redirect")->mark, PATH, "redirect is where the route itself listens; give one of them "
		                   "another port");
	if (node_get(n, "upstream") && out->split && strcmp(out->split, INTAKE_SPLIT_ADDRESS) == 0)
		return parse_error(p, node_get(n, "split")->mark, PATH, "split: address has no place with 'upstream': all requests come from "
		                   "your own server; write header:X-Real-IP, and let it set that");
	if (out->listen && strcmp(out->listen, INTAKE_USUAL) == 0)
		out->listen = NULL;
	return 0;
}
