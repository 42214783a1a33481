/* How ways in are taken: what the keys of a route come to, and every way to say them wrong. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "desired_load.h"
#include "pair_pem.h"

#define TOP "services: {web: {image: a}, api: {image: a}}\nx-reconcile:\n  routes:\n    - "

static char folder[] = "/tmp/reconcile-intake-XXXXXX";

static void file(const char *name, const char *text)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	CHECK_INT(fs_write(arena_printf(&a, "%s/%s", folder, name), text, strlen(text), 0600, &e), 0);
}

static void make_files(void)
{
	CHECK(mkdtemp(folder));
	file("c.pem", PAIR_CERTIFICATE);
	file("d.pem", PAIR_CERTIFICATE "other\n");
	file("k.pem", PAIR_KEY);
	file("other.pem", PAIR_OTHER_KEY);
	file("damaged.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	file("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
	file("page.html", "<p>soon</p>");
}

/* "@" stands for the folder of the files above. */
static const char *with_folder(struct arena *a, const char *text)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(65536);
	for (; *text; text++)
		buf_printf(&out, *text == '@' ? "%s" : "%.1s", *text == '@' ? folder : text);
	return arena_strdup(a, out.text);
}

#define TLS "tls: {certificate: @/c.pem, key: @/k.pem"

static const struct {
	const char *entries, *rows; /* what is set, in the words of the table; of an asset its length */
} good[] = {
	{"{host: a, to: web:80}", "host a:\n"},
	{"{host: a, listen: 8080, to: web:80}", "host a: listen=8080\n"},
	{"{host: a, listen: '127.0.0.1:8080', to: web:80}\n    - {host: a, listen: '[::1]:80', to: web:80}", "host a: listen=127.0.0.1:8080\nhost a: listen=[::1]:80\n"},
	{"{host: a, " TLS "}, to: web:80}", "host a: listen=443 certificate=558 key=241 http2=1\n"},
	{"{host: a, " TLS ", http2: false, hsts: 365d}, redirect: true, to: web:80}",
	 "host a: listen=443 redirect=default certificate=558 key=241 hsts=31536000\n"},
	{"{host: a, listen: 8443, " TLS ", hsts: 0s}, redirect: 8080, to: web:80}",
	 "host a: listen=8443 redirect=8080 certificate=558 key=241 http2=1 hsts=-1\n"},
	{"{host: a, client_max_body_size: 10m, proxy_connect_timeout: 500ms, proxy_send_timeout: 1m, proxy_read_timeout: 1h, to: web:80}",
	 "host a: client_max_body_size=10485760 proxy_connect_timeout=500 proxy_send_timeout=60000 proxy_read_timeout=3600000\n"},
	{"{host: a, client_max_body_size: 0, maintenance: @/page.html, to: web:80}", "host a: client_max_body_size=-1 maintenance=11\n"},
	{"{tcp: 5432, to: web:80}\n    - {udp: '10.0.0.1:53', to: api:53, proxy_timeout: 10s}", "tcp 5432:\nudp 10.0.0.1:53: proxy_timeout=10000\n"},
	{"{tcp: 53, to: web:80}\n    - {udp: 53, to: web:80}", "tcp 53:\nudp 53:\n"},
	{"{host: a, split: random, to: web:80}\n    - {host: b, split: address, to: web:80}", "host a:\nhost b: split=address\n"},
	{"{host: a, split: 'cookie:_a1', testers: header:X-Canary, to: web:80}", "host a: split=cookie:_a1 testers=header:X-Canary\n"},
	{"{upstream: a, split: header:X-Real-IP, testers: cookie:canary, to: web:80}",
	 "host a: split=header:X-Real-IP testers=cookie:canary\n"},

	/* One host at two places; and a path that stays on http while the rest is sent on. */
	{"{host: a, to: web:80}\n    - {host: a, " TLS "}, to: web:80}", "host a:\nhost a: listen=443 certificate=558 key=241 http2=1\n"},
	{"{host: a, path: /.well-known, to: web:80}\n    - {host: a, " TLS "}, redirect: true, to: web:80}",
	 "host a:\nhost a: listen=443 redirect=default certificate=558 key=241 http2=1\n"},
};

static void print_intake(struct buf *out, const struct route *r)
{
	struct intake in = r->in;
	buf_printf(out, "%s %s:", transport_names[r->transport], r->host);
	for (size_t i = 0; i < INTAKE_ROWS; i++) {
		const struct intake_row *row = &intake_rows[i];
		if (row->kind == INTAKE_TEXT && *intake_text(&in, row))
			buf_printf(out, " %s=%s", row->word, *intake_text(&in, row));
		if (row->kind == INTAKE_NUMBER && *intake_number(&in, row))
			buf_printf(out, " %s=%lld", row->word, (long long)*intake_number(&in, row));
		if (row->kind == INTAKE_ASSET && intake_asset(&in, row)->hash)
			buf_printf(out, " %s=%zu", row->word, intake_asset(&in, row)->length);
	}
	buf_puts(out, "\n");
}

static void keys_are_read(void)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		CLEANUP(buf_done) struct buf rows = BUF_INIT(65536);
		struct loaded l;
		load(&l, with_folder(&a, arena_printf(&a, TOP "%s\n", good[i].entries)));
		CHECK_STR(l.problems.text.text, "");
		for (size_t k = 0; k < l.desired.routes_count; k++)
			print_intake(&rows, &l.desired.routes[k]);
		CHECK_STR(rows.text, good[i].rows);
		loaded_done(&l);
	}
}

#define AGREE "; they must agree\n"
#define PART_NAME "NAME has letters and digits, in a cookie also '_' and in a header '-'\n"
#define NO_SPLIT " is no split; write random, address, cookie:NAME or header:NAME; " PART_NAME
#define NO_TESTERS " is nothing that testers send; write header:NAME or cookie:NAME; " PART_NAME

static const struct {
	const char *entries, *problems; /* each line after "compose.yaml:" */
} bad[] = {
	{"{host: a, listen: 99999, to: web:80}",
	 "4:25: x-reconcile.routes: '99999' is no port; write one like 443, 10.0.0.1:443 or \"[::1]:443\"\n"},
	{"{host: a, listen: '80; x', to: web:80}",
	 "4:25: x-reconcile.routes: '80; x' is no port; write one like 443, 10.0.0.1:443 or \"[::1]:443\"\n"},
	{"{tcp: localhost:80, to: web:80}",
	 "4:13: x-reconcile.routes: 'localhost:80' is no port; write one like 443, 10.0.0.1:443 or \"[::1]:443\"\n"},
	{"{host: a, tls: yes, to: web:80}",
	 "4:22: x-reconcile.routes: tls must be a map, like {certificate: /etc/ssl/shop.pem, key: /etc/ssl/shop.key}\n"},
	{"{host: a, tls: {certificate: @/c.pem}, to: web:80}",
	 "4:22: x-reconcile.routes: tls must have a certificate and a key, like {certificate: /etc/ssl/shop.pem, key: /etc/ssl/shop.key}\n"},
	{"{host: a, tls: {certificate: c.pem, key: @/k.pem}, to: web:80}",
	 "4:36: x-reconcile.routes: tls.certificate: 'c.pem' is no whole path of the host; write one like "
	 "/etc/letsencrypt/live/shop.example.com/fullchain.pem\n"},
	{"{host: a, tls: {certificate: @/none.pem, key: @/k.pem}, to: web:80}",
	 "4:36: x-reconcile.routes: tls.certificate: there is no file '@/none.pem' on the host; make it first\n"},
	{"{host: a, tls: {certificate: @/k.pem, key: @/c.pem}, to: web:80}",
	 "4:36: x-reconcile.routes: tls.certificate: '@/k.pem' holds no certificate in PEM\n"
	 "4:77: x-reconcile.routes: tls.key: '@/c.pem' holds no private key in PEM\n"},
	{"{host: a, tls: {certificate: @/c.pem, key: @/locked.pem}, to: web:80}",
	 "4:77: x-reconcile.routes: tls.key: '@/locked.pem' holds a key with a passphrase, and nobody is there to type it\n"},
	{"{host: a, " TLS ", htp2: true}, to: web:80}", "4:113: x-reconcile.routes: unknown key 'htp2'; did you mean 'http2'?\n"},
	{"{host: a, redirect: true, to: web:80}",
	 "4:27: x-reconcile.routes: redirect leads from http to https, and there is no tls; add it, or remove redirect\n"},
	{"{host: a, " TLS "}, redirect: 443, to: web:80}",
	 "4:124: x-reconcile.routes: redirect is where the route itself listens; give one of them another port\n"},
	{"{host: a, proxy_read_timeout: 0s, to: web:80}", "4:37: x-reconcile.routes: '0s' is no time-out; write one from 1ms to 366d\n"},
	{"{host: a, proxy_read_timeout: '1s; x', to: web:80}",
	 "4:37: x-reconcile.routes: '1s; x' is no duration; write a number with ms, s, m or h, like 30s or 1m30s\n"},
	{"{host: a, client_max_body_size: lots, to: web:80}",
	 "4:39: x-reconcile.routes: 'lots' is no size; write a number with b, k, m or g, like 512m\n"},
	{"{host: a, maintenance: @/none.html, to: web:80}",
	 "4:30: x-reconcile.routes: '@/none.html': there is no such file; make it, or remove maintenance\n"},
	{"{host: a, split: adress, to: web:80}", "4:24: x-reconcile.routes: 'adress'" NO_SPLIT},
	{"{host: a, split: [address], to: web:80}", "4:24: x-reconcile.routes: must be text, not a list\n"},
	{"{host: a, split: '', to: web:80}", "4:24: x-reconcile.routes: ''" NO_SPLIT},
	{"{host: a, split: 'cookie:', to: web:80}", "4:24: x-reconcile.routes: 'cookie:'" NO_SPLIT},
	{"{host: a, split: 'cookie:a-b', to: web:80}", "4:24: x-reconcile.routes: 'cookie:a-b'" NO_SPLIT},
	{"{host: a, split: 'header:a_b', to: web:80}", "4:24: x-reconcile.routes: 'header:a_b'" NO_SPLIT},
	{"{host: a, split: 'header:X; return 200', to: web:80}", "4:24: x-reconcile.routes: 'header:X; return 200'" NO_SPLIT},
	{"{host: a, split: 'cookie:$$host', to: web:80}", "4:24: x-reconcile.routes: 'cookie:$$host'" NO_SPLIT},
	{"{host: a, split: 'Cookie:a', to: web:80}", "4:24: x-reconcile.routes: 'Cookie:a'" NO_SPLIT},
	{"{host: a, testers: address, to: web:80}", "4:26: x-reconcile.routes: 'address'" NO_TESTERS},
	{"{host: a, testers: \"cookie:a\\n\", to: web:80}", "4:26: x-reconcile.routes: 'cookie:a '" NO_TESTERS},
	{"{upstream: a, split: address, to: web:80}",
	 "4:28: x-reconcile.routes: split: address has no place with 'upstream': all requests come from your own server; write "
	 "header:X-Real-IP, and let it set that\n"},
	{"{tcp: 80, split: address, to: web:80}",
	 "4:17: x-reconcile.routes: 'split' has no place with 'tcp' and 'udp': nginx sees no requests there\n"},
	{"{udp: 80, testers: cookie:a, to: web:80}",
	 "4:17: x-reconcile.routes: 'testers' has no place with 'tcp' and 'udp': nginx sees no requests there\n"},
	{"{host: a, splits: address, to: web:80}", "4:17: x-reconcile.routes: unknown key 'splits'; did you mean 'split'?\n"},
	{"{host: a, proxy_timeout: 1s, to: web:80}", "4:17: x-reconcile.routes: 'proxy_timeout' is for tcp and udp\n"},
	{"{upstream: a, listen: 80, to: web:80}",
	 "4:21: x-reconcile.routes: 'listen' has no place with 'upstream': the server is your own, and says it itself\n"},
	{"{tcp: 80, path: /, to: web:80}",
	 "4:17: x-reconcile.routes: 'path' has no place with 'tcp' and 'udp': nginx sees no requests there\n"},
	{"{tcp: 80, udp: 80, to: web:80}", "4:7: x-reconcile.routes: has 'tcp' and 'udp'; write two routes\n"},
	{"{tcp: 80, to: [{service: web:80, weight: 50}, {service: api:80, weight: 50}]}",
	 "4:21: x-reconcile.routes: a tcp or udp route leads to one service, like db:5432: there are no shares of connections\n"},
	{"{tcp: 5432, to: web:80}\n    - {tcp: 5432, to: api:80}",
	 "5:13: x-reconcile.routes: the tcp port 5432 has a route already, at compose.yaml:4:13; remove one of them\n"},

	/* Two that cannot both be. */
	{"{host: a, " TLS "}, to: web:80}\n    - {host: b, listen: 443, to: web:80}",
	 "5:14: x-reconcile.routes: has no tls on port 443, and the route at compose.yaml:4:14 has it; a port has one or the other\n"},
	{"{host: a, " TLS "}, to: web:80}\n    - {host: b, " TLS ", http2: false}, to: web:80}",
	 "5:14: x-reconcile.routes: has http2: false on port 443, and the route at compose.yaml:4:14 has the opposite" AGREE},
	{"{host: a, " TLS "}, to: web:80}\n    - {host: a, path: /b, tls: {certificate: @/d.pem, key: @/k.pem}, to: web:80}",
	 "5:14: x-reconcile.routes: has another tls or redirect than the route of the same host at compose.yaml:4:14" AGREE},
	{"{host: a, " TLS "}, redirect: 80, to: web:80}\n    - {host: a, listen: 80, to: api:80}",
	 "5:14: x-reconcile.routes: http is redirected for a, and there is a route for it without tls, see compose.yaml:4:14; remove one of "
	 "them\n"},
	{"{host: a, " TLS "}, redirect: 8443, to: web:80}\n    - {host: b, listen: 8443, " TLS "}, to: api:80}",
	 "5:14: x-reconcile.routes: http is redirected from a port that has tls, see the route at compose.yaml:4:14; give redirect another "
	 "port\n"},
	{"{host: a, listen: 81, to: web:80}\n    - {tcp: '10.0.0.1:81', to: api:80}",
	 "5:13: x-reconcile.routes: the port 10.0.0.1:81 is taken by the route at compose.yaml:4:14; give one of them another\n"},
};

static void every_message_is_literal(void)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		CLEANUP(buf_done) struct buf want = BUF_INIT(65536);
		struct loaded l;
		load(&l, with_folder(&a, arena_printf(&a, TOP "%s\n", bad[i].entries)));
		char *lines = arena_strdup(&a, with_folder(&a, bad[i].problems));
		for (char *line; (line = strsep(&lines, "\n")) && *line;)
			buf_printf(&want, "compose.yaml:%s\n", line);
		CHECK_STR(l.problems.text.text, want.text);
		CHECK_INT(l.err.kind, ERR_INVALID);
		loaded_done(&l);
	}
}

/* The end of the message is the TLS library's. */
static void a_pair_that_does_not_belong_together(void)
{
	static const struct { const char *certificate, *key, *problem; } rows[] = {
		{"c.pem", "k.pem", NULL}, {"d.pem", "k.pem", NULL},
		{"c.pem", "other.pem", "compose.yaml:4:77: x-reconcile.routes: tls.key: '@/other.pem' does not belong to the certificate '@/c.pem', or one "
		 "of the two is damaged ("},
		{"damaged.pem", "k.pem", "compose.yaml:4:83: x-reconcile.routes: tls.key: '@/k.pem' does not belong to the certificate '@/damaged.pem', or "
		 "one of the two is damaged ("},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct loaded l;
		load(&l, with_folder(&a, arena_printf(&a, TOP "{host: a, tls: {certificate: @/%s, key: @/%s}, to: web:80}\n", rows[i].certificate,
		                                      rows[i].key)));
		CHECK_INT(l.result, rows[i].problem ? -1 : 0);
		CHECK_CONTAINS(l.problems.text.text, rows[i].problem ? with_folder(&a, rows[i].problem) : "");
		CHECK_INT(l.problems.count, rows[i].problem != NULL);
		loaded_done(&l);
	}
}

static void streams_and_strategies(void)
{
	struct loaded l;
	load(&l, "services: {web: {image: a, x-reconcile: {strategy: canary, steps: [10]}}}\nx-reconcile: {routes: [{tcp: 80, to: web:80}]}\n");
	CHECK_CONTAINS(l.problems.text.text, "compose.yaml:2:30: x-reconcile.routes: web is brought in by canary, and a tcp route has no shares of "
	               "requests; write strategy: blue-green, rolling or in-place\n");
	loaded_done(&l);
	/* Nobody can knock at a port of udp; but it belongs to the revision. */
	load(&l, "services: {web: {image: a}}\nx-reconcile: {routes: [{udp: 53, to: web:53}]}\n");
	CHECK_INT(l.result, 0);
	const struct service *web = desired_service(&l.desired, "shop", "web");
	CHECK(web && web->is_routed);
	CHECK_INT(web ? web->ready.tcp_port : -1, 0);
	CHECK_INT(web ? service_ports(web)->count : 9, 0);
	CHECK(web && ports_have(service_udp_ports(web), 53));
	char revision[sizeof web->revision];
	snprintf(revision, sizeof revision, "%s", web ? web->revision : "");
	loaded_done(&l);
	load(&l, "services: {web: {image: a}}\nx-reconcile: {routes: [{udp: 53, to: web:54}]}\n");
	web = desired_service(&l.desired, "shop", "web");
	CHECK(web && strcmp(web->revision, revision) != 0);
	loaded_done(&l);
	load(&l, "services: {.web: {image: a}}\nx-reconcile: {routes: [{host: a, to: .web:80}]}\n");
	CHECK_STR(l.problems.text.text, "compose.yaml:2:38: x-reconcile.routes: '.web:80': a service with a route must have a name that does not "
	          "begin with a dot\n");
	loaded_done(&l);
}

/* What the settings say need not be said again, and is the same when it is. */
static void the_usual_place(void)
{
	static const struct environment env = {0};
	static const char text[] = "services: {web: {image: a}}\nx-reconcile: {routes: [{host: a, listen: '127.0.0.1:80', to: web:80}, "
	                           "{host: a, to: web:81}]}\n";
	CLEANUP(arena_done) struct arena a = {0};
	struct problems problems = PROBLEMS_INIT;
	struct desired d = {0};
	struct err e;
	struct manifest_source s = {.file = "compose.yaml", .text = text, .length = strlen(text), .directory = "/srv/shop", .listen = "127.0.0.1:80"};
	CHECK_INT(manifest_load(&s, &env, &a, &d, &problems, &e), -1);
	CHECK_STR(problems.text.text, "compose.yaml:2:78: x-reconcile.routes: the host 'a' has a route already, at compose.yaml:2:31; remove one of "
	          "them\n");
	problems_done(&problems);
}

static void another_content_is_another_structure(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct loaded one, other;
	load(&one, with_folder(&a, TOP "{host: a, " TLS "}, to: web:80}\n"));
	load(&other, with_folder(&a, TOP "{host: a, tls: {certificate: @/d.pem, key: @/k.pem}, to: web:80}\n"));
	const struct intake *x = &one.desired.routes[0].in, *y = &other.desired.routes[0].in;
	CHECK(intake_equal(x, x) && !intake_equal(x, y) && !intake_is_same_server(x, y) && intake_is_renewed(x, y) && !intake_is_renewed(x, x));
	struct intake limited = *y;
	limited.read_ms = 1;
	CHECK(!intake_is_renewed(x, &limited) && intake_is_same_server(y, &limited) && !intake_equal(y, &limited));
	loaded_done(&one);
	loaded_done(&other);
}

static void files_are_removed(void)
{
	struct err e;
	CHECK_INT(fs_remove_tree(folder, &e), 0);
}

static const struct test tests[] = {
	TEST(make_files), TEST(keys_are_read), TEST(every_message_is_literal), TEST(a_pair_that_does_not_belong_together), TEST(streams_and_strategies), TEST(the_usual_place),
	TEST(another_content_is_another_structure), TEST(files_are_removed),
};
TESTS_MAIN(tests)
