/*
 * The servers around the locations: where they listen, how they speak TLS, what they send on from http, and what all
 * locations in them share. The one thing to know: certificates and pages are copies of ours under the hash of their content,
 * so that a configuration that passed its test stays good whatever happens to the files that they were read from.
 */
#include <string.h>

#include "nginx/render.h"

/* --- what their locations share --- */

/*
 * A cache of file lookups would go on with the old weight for its `valid` time; a ban on symbolic links would hide every
 * flag.
 */
#define FLAGS "open_file_cache off;", "disable_symlinks off;"
/* $host has been checked by nginx and has no port; one that the client named belongs to the application's own links. */
static const char *const as_proxy[] = {
	FLAGS,
	"proxy_http_version 1.1;",
	"proxy_set_header Host $host$reconcile_port;",
	"proxy_set_header X-Real-IP $remote_addr;",
	"proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
	"proxy_set_header X-Forwarded-Proto $scheme;",
	"proxy_set_header Upgrade $http_upgrade;",
	"proxy_set_header Connection $reconcile_connection;",
	"proxy_connect_timeout 1s;",
	"proxy_next_upstream error timeout;",
};

/*
 * Behind a server of the user's own: what that says must arrive as it is, and limits, time-outs and caches are its
 * business, so that none of the http block may take hold here a second time. An empty add_header keeps inherited ones
 * out; a connection is for one request, so that a reload can cut none that waits.
 */
static const char *const as_hop[] = {
	FLAGS,
	"access_log off;", "allow 127.0.0.0/8;", "deny all;", "auth_basic off;", "add_header X-Reconcile '';", "gzip off;",
	"keepalive_timeout 0;", "client_max_body_size 0;", "client_body_timeout 1d;", "send_timeout 1d;",
	"large_client_header_buffers 4 64k;", "ignore_invalid_headers off;", "underscores_in_headers on;",
	"proxy_http_version 1.1;",
	"proxy_set_header Host $http_host;",
	"proxy_set_header Upgrade $http_upgrade;",
	"proxy_set_header Connection $reconcile_connection;",
	"proxy_connect_timeout 1s;", "proxy_send_timeout 1d;", "proxy_read_timeout 1d;",
	"proxy_next_upstream error timeout;",
	"proxy_cache off;", "proxy_intercept_errors off;", "proxy_buffering off;",
	"proxy_buffer_size 32k;", "proxy_buffers 4 32k;", "proxy_busy_buffers_size 64k;", "proxy_temp_file_write_size 64k;",
	"proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;",
	"proxy_pass_header X-Accel-Redirect;", "proxy_pass_header X-Accel-Expires;", "proxy_pass_header X-Accel-Limit-Rate;",
	"proxy_pass_header X-Accel-Buffering;", "proxy_pass_header X-Accel-Charset;",
};

void render_settings(struct buf *out, const char *indent, enum frame frame)
{
	const char *const *lines = frame == FRAME_HOP ? as_hop : as_proxy;
	size_t count = frame == FRAME_HOP ? ARRAY_LEN(as_hop) : ARRAY_LEN(as_proxy);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%s\n", indent, lines[i]);
}

void render_limits(struct buf *out, const char *indent, const struct route *r)
{
	struct intake in = r->in;
	for (size_t i = 0; i < INTAKE_ROWS; i++) {
		int64_t value = intake_rows[i].unit ? *intake_number(&in, &intake_rows[i]) : 0;
		if (value)
			buf_printf(out, "%s%s %lld%s;\n", indent, intake_rows[i].word, (long long)(value < 0 ? 0 : value), intake_rows[i].unit);
	}
}

const char *render_hsts(const struct render *c, const struct route *r)
{
	return r->in.hsts_s ? arena_printf(c->a, " add_header Strict-Transport-Security \"max-age=%lld\" always;",
	                                   (long long)(r->in.hsts_s < 0 ? 0 : r->in.hsts_s))
	                    : "";
}

#define RETRY "add_header Retry-After 5 always;"

const char *render_away(const struct render *c, const struct route *r, size_t number)
{
	if (r->in.page.hash)
		return arena_printf(c->a, "error_page 503 /reconcile-away-%zu; return 503;", number);
	return arena_printf(c->a, RETRY "%s return 503;", render_hsts(c, r));
}

void render_page(struct buf *out, const struct render *c, const struct route *r, size_t number)
{
	if (r->in.page.hash)
		buf_printf(out, "\tlocation = /reconcile-away-%zu { internal; types { } default_type text/html; " RETRY
		           " add_header Cache-Control no-store always;%s alias %s; }\n", number, render_hsts(c, r), asset_path(c->s, c->a, &r->in.page));
}

/* --- the servers --- */

static const char *address_of(const struct render *c, const char *listen)
{
	return strcmp(listen, INTAKE_USUAL) == 0 ? c->s->listen : listen;
}

static bool is_host(const struct route *r)
{
	return config_is_route(r) && !r->is_upstream;
}

/* The route of this host that wants plain http from `listen` sent on to itself. */
static const struct route *redirected(const struct render *c, const char *host, const char *listen)
{
	for (size_t i = 0; i < c->t->routes_count; i++) {
		const struct route *r = &c->t->routes[i];
		if (is_host(r) && r->in.redirect && strcmp(r->host, host) == 0 && strcmp(r->in.redirect, listen) == 0)
			return r;
	}
	return NULL;
}

static bool has_server(const struct render *c, const char *host, const char *listen)
{
	for (size_t i = 0; i < c->t->routes_count; i++)
		if (is_host(&c->t->routes[i]) && strcmp(c->t->routes[i].host, host) == 0 &&
		    strcmp(intake_listen(&c->t->routes[i].in), listen) == 0)
			return true;
	return false;
}

#define NAME_MAX_IN_TABLE 40 /* of nginx's table of names, in the size that it has on every machine without a word of the user */

/* A name that is too long for that is a pattern: the whole configuration would be refused for it. */
static const char *server_name(const struct render *c, const char *host)
{
	if (strlen(host) <= NAME_MAX_IN_TABLE)
		return host;
	CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
	buf_puts(&out, "~^");
	for (; *host; host++)
		buf_printf(&out, *host == '.' ? "\\%c" : *host == '*' ? ".+" : "%c", *host);
	buf_puts(&out, "$");
	return arena_strdup(c->a, out.text);
}

static void print_start(struct buf *out, const struct render *c, const char *host, const char *listen, const char *how)
{
	buf_printf(out, "server {\n\tlisten %s%s%s;\n\tserver_name %s;\n", address_of(c, listen), how,
	           strcmp(host, "_") == 0 ? " default_server" : "", server_name(c, host));
}

/* 308 keeps the method and the body. Whoever is sent on needs this connection no more, so that a reload cuts none. */
static void print_redirect(struct buf *out, const struct render *c, const struct route *to)
{
	const char *address = address_of(c, intake_listen(&to->in)), *colon = strrchr(address, ':');
	const char *port = colon ? colon + 1 : address;
	bool is_known = strcmp(port, "443") == 0;
	buf_printf(out, "\tlocation / { keepalive_timeout 0; return 308 https://$host%s%s$request_uri; }\n", is_known ? "" : ":",
	           is_known ? "" : port);
}

#define HTTP2_DIRECTIVE 1025001 /* since this version it is no word of `listen` any more */

static void print_tls(struct buf *out, const struct render *c, const struct route *r)
{
	if (r->in.http2 && c->s->version >= HTTP2_DIRECTIVE)
		buf_puts(out, "\thttp2 on;\n");
	if (!r->in.certificate.hash)
		return;
	buf_printf(out, "\tssl_certificate %s;\n\tssl_certificate_key %s;\n\tssl_protocols TLSv1.2 TLSv1.3;\n",
	           asset_path(c->s, c->a, &r->in.certificate), asset_path(c->s, c->a, &r->in.key));
	if (r->in.hsts_s)
		buf_printf(out, "\tproxy_hide_header Strict-Transport-Security;\n\t%s\n", render_hsts(c, r) + 1);
}

static void print_host(struct buf *out, const struct render *c, size_t number)
{
	const struct route *r = &c->t->routes[number];
	const char *how = !r->in.certificate.hash                             ? ""
	                  : r->in.http2 && c->s->version < HTTP2_DIRECTIVE ? " ssl http2"
	                                                                      : " ssl";
	const struct route *to = redirected(c, r->host, intake_listen(&r->in));
	print_start(out, c, r->host, intake_listen(&r->in), how);
	print_tls(out, c, r);
	render_settings(out, "\t", FRAME_HOST);
	bool has_root = render_ways(out, c, number, FRAME_HOST);
	if (!has_root && to)
		print_redirect(out, c, to);
	else if (!has_root) /* without it nginx would look for files */
		buf_puts(out, "\tlocation / { return 404; }\n");
	buf_puts(out, "}\n");
}

static void print_hop(struct buf *out, const struct render *c, size_t number)
{
	const struct route *r = &c->t->routes[number];
	char hop[16];
	route_hop(r->host, hop);
	buf_printf(out, "upstream %s { server %s:%d; }\nserver {\n\tlisten %s:%d;\n\tserver_name _;\n", r->host, hop,
	           c->s->status_port, hop, c->s->status_port);
	render_settings(out, "\t", FRAME_HOP);
	if (!render_ways(out, c, number, FRAME_HOP))
		buf_puts(out, "\tlocation / { return 404; }\n");
	buf_puts(out, "}\n");
}

void render_servers(struct buf *out, const struct render *c)
{
	for (size_t i = 0; i < c->t->routes_count; i++)
		if (render_is_first(c, i, route_is_same_server))
			(c->t->routes[i].is_upstream ? print_hop : print_host)(out, c, i);
	for (size_t i = 0; i < c->t->routes_count; i++) {
		const struct route *r = &c->t->routes[i];
		if (!is_host(r) || !r->in.redirect || redirected(c, r->host, r->in.redirect) != r || has_server(c, r->host, r->in.redirect))
			continue;
		print_start(out, c, r->host, r->in.redirect, "");
		print_redirect(out, c, r);
		buf_puts(out, "}\n");
	}
}
