/*
 * A topology as nginx's language. A way in is one of ours (a server for its host), or the user's own: an upstream of
 * that name leads to a loopback address where we choose between revisions and services, and the same locations are
 * written to a file that a server can include instead. The one thing to know: two draws, each with its own salt, decide
 * where a request goes: which service by literal percentages, and inside it which revision by flags.
 */
#include <string.h>

#include "base/sha256.h"
#include "nginx/render.h"

#define ROLLOUT "$reconcile_rollout"

/* A service that can take requests, as one route to it sees it. */
struct pool {
	const struct route *route;
	const struct traffic *t;
	bool has_stable, has_next;
};

/* The routes with the same way in. */
struct way {
	const struct route *first;
	size_t number;      /* of the first: stands in the names of what belongs to this way */
	struct pool *pools; /* those that share its requests */
	size_t count;
};

bool render_has_address(const struct side *side)
{
	for (size_t i = 0; i < side->addresses_count; i++)
		if (config_is_address(side->addresses[i]))
			return true;
	return false;
}

bool topology_has_next(const struct topology *t)
{
	for (size_t i = 0; i < t->services_count; i++)
		if (config_is_service(&t->services[i]) && render_has_address(&t->services[i].next) && *t->services[i].rollout)
			return true;
	return false;
}

static struct pool pool_of(const struct render *c, const struct route *r)
{
	const struct traffic *t = topology_service(c->t, r->project, r->service);
	if (!t || !config_is_service(t))
		return (struct pool){.route = r};
	return (struct pool){r, t, render_has_address(&t->stable), render_has_address(&t->next) && *t->rollout};
}

bool render_is_first(const struct render *c, size_t number, bool (*is_same)(const struct route *, const struct route *))
{
	const struct route *r = &c->t->routes[number];
	for (size_t i = 0; i < number; i++)
		if (config_is_route(&c->t->routes[i]) && is_same(&c->t->routes[i], r))
			return false;
	return config_is_route(r);
}

/* Who shares it: services with something proven; only when there is none, those with something that may become so. */
static struct way way_of(const struct render *c, size_t number)
{
	struct way w = {.first = &c->t->routes[number], .number = number};
	for (int proven = 1; proven >= 0 && w.count == 0; proven--)
		for (size_t i = number; i < c->t->routes_count; i++) {
			const struct route *r = &c->t->routes[i];
			if (!config_is_route(r) || !route_is_same_way(r, w.first) || r->weight == 0)
				continue;
			struct pool p = pool_of(c, r);
			if (proven ? p.has_stable : p.has_next)
				*ARENA_PUSH(c->a, w.pools, w.count) = p;
		}
	return w;
}

/* --- what all servers share --- */

/* Nothing that a client wrote may stand in our log. */
#define LOG_FORMAT "$msec;" ROLLOUT ";$upstream_addr;$upstream_status;$upstream_header_time;$request_time"

static void print_shared(struct buf *out, const struct render *c)
{
	buf_puts(out, "\nmap $http_upgrade $reconcile_connection { default upgrade; '' close; }\n"
	              "map $http_host $reconcile_port { default ''; \"~(:[0-9]+)$\" $1; }\n");
	render_draws(out, c);
	if (topology_has_next(c->t))
		buf_puts(out, "log_format reconcile '" LOG_FORMAT "';\n");
}

void render_side(struct buf *out, const struct side *side, int port, const char *role)
{
	char inside[16];
	snprintf(inside, sizeof inside, ":%d", port); /* a published port stands in the address */
	for (size_t i = 0; i < side->addresses_count; i++)
		if (config_is_address(side->addresses[i]))
			buf_printf(out, " server %s%s max_fails=0%s;", side->addresses[i], strchr(side->addresses[i], ':') ? "" : inside, role);
}

const char *render_target(const struct render *c, const struct route *r)
{
	const char *name = arena_printf(c->a, "%s.%s.%d", r->project, r->service, r->port);
	return r->next_port ? arena_printf(c->a, "%s-%d", name, r->next_port) : name;
}

/* A side as one route asks it. */
struct asked {
	const struct side *side;
	int port;
};

/* One upstream: `first`, with `second` standing in for it, or alone when `first` has nobody. */
static void print_pool(struct buf *out, const struct render *c, const struct pool *p, const char *name, struct asked first,
                       struct asked second)
{
	bool alone = !render_has_address(first.side);
	if (alone && !(second.side && render_has_address(second.side)))
		return;
	buf_printf(out, "upstream %s.%s {", render_target(c, p->route), name);
	render_side(out, first.side, first.port, "");
	if (second.side)
		render_side(out, second.side, second.port, alone ? "" : " backup");
	buf_puts(out, " }\n");
}

static bool is_same_target(const struct route *a, const struct route *b)
{
	return a->port == b->port && a->next_port == b->next_port && strcmp(a->project, b->project) == 0 && strcmp(a->service, b->service) == 0;
}

static void print_pools(struct buf *out, const struct render *c)
{
	for (size_t i = 0; i < c->t->routes_count; i++) {
		struct pool p = render_is_first(c, i, is_same_target) ? pool_of(c, &c->t->routes[i]) : (struct pool){0};
		if (!p.has_stable && !p.has_next)
			continue;
		const struct route *r = p.route;
		struct asked nobody = {0}, stable = {&p.t->stable, r->port}, next = {&p.t->next, r->next_port ? r->next_port : r->port};
		print_pool(out, c, &p, "stable", stable, nobody);
		if (!p.has_next)
			continue;
		print_pool(out, c, &p, "next", next, nobody);
		print_pool(out, c, &p, "stable_both", stable, next);
		print_pool(out, c, &p, "next_both", next, stable);
	}
}

/* --- the draw between services --- */

/* In hundredths of a percent of those that are there; the last takes what rounding leaves. */
static void print_split(struct buf *out, const struct render *c, const struct way *w)
{
	int sum = 0;
	for (size_t i = 0; i < w->count; i++)
		sum += w->pools[i].route->weight;
	buf_printf(out, "split_clients \"to %s\" $reconcile_to_%zu {", render_key(c, w->first), w->number);
	for (size_t i = 0; i + 1 < w->count; i++) {
		int share = w->pools[i].route->weight * 10000 / sum;
		buf_printf(out, " %d.%02d%% %zu;", share / 100, share % 100, i);
	}
	buf_printf(out, " * %zu; }\n", w->count - 1);
}

/* Below traffic/. One that holds no flags for a service that has only one side. */
static const char *rollout_path(const struct render *c, const struct pool *p)
{
	return p->has_next ? arena_printf(c->a, "%s/%s/%s", p->t->project, p->t->service, p->t->rollout) : "-";
}

/* Sets $reconcile_side from the flags. Nothing else but these lines may decide it: routes and /side share them. The log
 * names the rollout. */
static void print_draw(struct buf *out, const struct nginx_settings *s, const char *rollout, const char *bucket)
{
	if (strcmp(rollout, ROLLOUT) != 0)
		buf_printf(out, "\t\tset " ROLLOUT " %s;\n", rollout);
	buf_puts(out, "\t\tset $reconcile_side stable;\n");
	buf_printf(out, "\t\tif (-f %s/traffic/%s/now/%s) { set $reconcile_side next; }\n", s->directory, rollout, bucket);
}

static bool has_next(const struct way *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->pools[i].has_next)
			return true;
	return false;
}

static bool is_drawn(const struct way *w)
{
	return w->count > 1 || has_next(w);
}

/* Which pool a request goes to. Returns what proxy_pass names. */
static const char *print_choice(struct buf *out, const struct render *c, const struct way *w)
{
	const char *service = render_target(c, w->pools->route), *rollout = rollout_path(c, w->pools);
	if (w->count > 1) {
		buf_printf(out, "\t\tset $reconcile_service %s;\n\t\tset " ROLLOUT " %s;\n", service, rollout);
		for (size_t i = 1; i < w->count; i++) {
			const struct pool *p = &w->pools[i];
			buf_printf(out, "\t\tif ($reconcile_to_%zu = %zu) { set $reconcile_service %s; set " ROLLOUT " %s; }\n",
			           w->number, i, render_target(c, p->route), rollout_path(c, p));
		}
		service = "$reconcile_service";
		rollout = ROLLOUT;
	}
	if (!has_next(w))
		return arena_printf(c->a, "%s.stable", service);
	print_draw(out, c->s, rollout, render_bucket(c, w->first));
	buf_printf(out, "\t\tif (-f %s/traffic/%s/both) { set $reconcile_side \"${reconcile_side}_both\"; }\n",
	           c->s->directory, rollout);
	if (!w->pools[0].has_stable)
		buf_printf(out, "\t\tif ($reconcile_side = stable) { %s }\n", render_away(c, w->first, w->number));
	return arena_printf(c->a, "%s.$reconcile_side", service);
}

/* --- locations --- */

/* Ours, beside those that would hold here without it: a location that has one inherits none. */
static void print_logs(struct buf *out, const struct render *c, enum frame frame)
{
	buf_printf(out, "\t\taccess_log %s/" ACCESS_LOG_NAME " reconcile buffer=64k flush=1s;\n", c->s->directory);
	for (size_t i = 0; frame == FRAME_HOST && i < c->t->logs_count; i++)
		buf_printf(out, "\t\t%s;\n", c->t->logs[i]);
}

/* For a client that is drawn without a key of its own; the same whichever location answers. */
static void print_cookie(struct buf *out, const struct render *c, const struct way *w)
{
	const char *cookie = is_drawn(w) ? render_cookie(c, w->first) : NULL;
	if (cookie)
		buf_printf(out, "\t\tadd_header Set-Cookie %s always;%s\n", cookie, render_hsts(c, w->first));
}

/*
 * One location of a way; `pool` gets what its proxy_pass names. While a rollout is under way, one that is included goes
 * by our hop: the server around it has logs of its own, and here nobody knows which. So it does with a key, which is the
 * same there as for who comes by proxy_pass, and whose cookie would keep out the add_header lines of that server.
 */
static void print_location(struct buf *out, const struct render *c, const struct way *w, enum frame frame,
                           const char *where, const char **pool)
{
	bool is_logged = has_next(w), goes_by_hop = frame == FRAME_INCLUDE && (is_logged || (w->first->in.split && is_drawn(w)));
	buf_printf(out, "\tlocation %s {\n", where);
	if (frame == FRAME_INCLUDE)
		render_settings(out, "\t\t", frame);
	render_limits(out, "\t\t", w->first);
	if (is_logged && !goes_by_hop)
		print_logs(out, c, frame);
	if (frame != FRAME_INCLUDE)
		print_cookie(out, c, w);
	*pool = goes_by_hop ? w->first->host : print_choice(out, c, w);
	/* error_page stands inside the `if`, so that the user's own error pages hold at all other times. */
	if (frame != FRAME_HOP)
		buf_printf(out, "\t\tif (-f %s/close) { error_page 418 = @reconcile_%zu; return 418; }\n", c->s->directory, w->number);
	buf_printf(out, "\t\tproxy_pass http://%s;\n\t}\n", *pool);
}

/* A path is whole segments: /api is /api and all below /api/, but not /apix. */
static void print_way(struct buf *out, const struct render *c, size_t number, enum frame frame)
{
	struct way w = way_of(c, number);
	const char *path = w.first->path, *pool = NULL;
	bool is_root = strcmp(path, "/") == 0;
	const char *const places[] = {is_root ? "/" : arena_printf(c->a, "= %s", path), arena_printf(c->a, "%s/", path)};
	for (size_t i = 0; i < (is_root ? 1 : ARRAY_LEN(places)); i++) {
		if (w.count)
			print_location(out, c, &w, frame, places[i], &pool);
		else
			buf_printf(out, "\tlocation %s { %s }\n", places[i], render_away(c, w.first, number));
	}
	render_page(out, c, w.first, number);
	if (!pool || frame == FRAME_HOP)
		return;
	buf_printf(out, "\tlocation @reconcile_%zu {\n\t\tkeepalive_timeout 0;\n", w.number);
	if (frame == FRAME_INCLUDE)
		render_settings(out, "\t\t", frame);
	else if (has_next(&w))
		print_logs(out, c, frame);
	if (frame != FRAME_INCLUDE)
		print_cookie(out, c, &w);
	render_limits(out, "\t\t", w.first);
	buf_printf(out, "\t\tproxy_pass http://%s;\n\t}\n", pool);
}

bool render_ways(struct buf *out, const struct render *c, size_t number, enum frame frame)
{
	bool has_root = false;
	for (size_t i = number; i < c->t->routes_count; i++) {
		const struct route *r = &c->t->routes[i];
		if (!route_is_same_server(r, &c->t->routes[number]) || !render_is_first(c, i, route_is_same_way))
			continue;
		print_way(out, c, i, frame);
		has_root |= strcmp(r->path, "/") == 0;
	}
	return has_root;
}

static void print_private(struct buf *out, const struct render *c)
{
	buf_printf(out, "server {\n\tlisten 127.0.0.1:%d;\n\tserver_name reconcile;\n\taccess_log off;\n"
	                "\topen_file_cache off;\n\tdisable_symlinks off;\n\tkeepalive_timeout 0;\n"
	                "\tdefault_type text/plain;\n"
	                "\tlocation = /generation { return 200 \"" CONFIG_NO_ID "\\n\"; }\n", c->s->status_port);
	for (size_t i = 0; i < c->t->services_count; i++) {
		const struct traffic *t = &c->t->services[i];
		if (!config_is_service(t))
			continue;
		buf_printf(out, "\tlocation = /side/%s/%s {\n", t->project, t->service);
		if (render_has_address(&t->next) && *t->rollout) {
			buf_puts(out, "\t\tif ($arg_bucket !~ \"^(" TRAFFIC_TESTERS "|[0-9][0-9]?[0-9]?)$\") { return 400; }\n");
			print_draw(out, c->s, arena_printf(c->a, "%s/%s/%s", t->project, t->service, t->rollout), "$arg_bucket");
			buf_puts(out, "\t\treturn 200 \"$reconcile_side\\n\";\n\t}\n");
		} else {
			buf_puts(out, "\t\treturn 200 \"stable\\n\";\n\t}\n");
		}
	}
	buf_puts(out, "\tlocation / { return 404; }\n}\n");
}

/* --- the files --- */

/* One more file; its hash goes into http.conf, so that the id of that speaks for it, too. */
static void keep(const struct render *c, const struct buf *text, const char *name, struct buf *head, struct config *out)
{
	const char *kept = arena_strndup(c->a, text->text, text->length);
	char hex[SHA256_HEX_SIZE];
	*ARENA_PUSH(c->a, out->files, out->count) = (struct config_file){name, kept};
	sha256_hex(kept, text->length, hex);
	buf_printf(head, "# file %s %.*s\n", name, NGINX_ID_LENGTH, hex);
}

/* The locations of each upstream. */
static bool render_locations(const struct render *c, struct buf *head, struct config *out)
{
	for (size_t i = 0; i < c->t->routes_count; i++) {
		const struct route *r = &c->t->routes[i];
		CLEANUP(buf_done) struct buf text = BUF_INIT(NGINX_TEXT_MAX);
		if (!r->is_upstream || !render_is_first(c, i, route_is_same_server))
			continue;
		buf_puts(&text, "# Written by reconcile, for a server of your own. Do not edit: it is written again.\n");
		render_ways(&text, c, i, FRAME_INCLUDE);
		if (text.overflowed)
			return false;
		keep(c, &text, arena_printf(c->a, "location-%s.conf", r->host), head, out);
	}
	return true;
}

static void print_http(struct buf *out, const struct render *c)
{
	print_shared(out, c);
	print_pools(out, c);
	for (size_t i = 0; i < c->t->routes_count; i++) {
		if (!render_is_first(c, i, route_is_same_way))
			continue;
		struct way w = way_of(c, i);
		if (w.count > 1)
			print_split(out, c, &w);
	}
	render_servers(out, c);
	print_private(out, c);
}

/* Those of one kind; the services are for all. */
static struct topology routes_of(const struct topology *t, struct arena *a, bool are_streams)
{
	struct topology out = *t;
	out.routes = NULL;
	out.routes_count = 0;
	for (size_t i = 0; i < t->routes_count; i++)
		if ((t->routes[i].transport != TRANSPORT_HTTP) == are_streams)
			*ARENA_PUSH(a, out.routes, out.routes_count) = t->routes[i];
	return out;
}

static bool render_stream(const struct render *c, struct buf *head, struct config *out)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(NGINX_TEXT_MAX);
	if (c->t->routes_count == 0)
		return true;
	buf_puts(&text, CONFIG_STREAM_HEAD "\n");
	render_streams(&text, c);
	if (text.overflowed)
		return false;
	keep(c, &text, "stream.conf", head, out);
	return true;
}

int config_render(const struct nginx_settings *s, const struct topology *t, struct arena *a, struct config *out,
                  struct err *e)
{
	const struct topology http = routes_of(t, a, false), streams = routes_of(t, a, true);
	const struct render c = {s, &http, a}, stream = {s, &streams, a};
	CLEANUP(buf_done) struct buf text = BUF_INIT(NGINX_TEXT_MAX);
	*out = (struct config){0};
	if (config_check_settings(s, e) < 0)
		return -1;
	*ARENA_PUSH(a, out->files, out->count) = (struct config_file){.name = "http.conf"};
	config_head(&text, t);
	bool is_whole = render_locations(&c, &text, out) && render_stream(&stream, &text, out);
	print_http(&text, &c);
	if (!is_whole || text.overflowed)
		return err_set(e, ERR_INVALID, "the nginx configuration is larger than %zu bytes", NGINX_TEXT_MAX);
	if (!config_seal(text.text))
		return err_set(e, ERR_INTERNAL, "the nginx configuration has no place for its id");
	out->files[0].text = arena_strndup(a, text.text, text.length);
	out->id = config_generation(text.text, a);
	out->has_streams = streams.routes_count > 0;
	return 0;
}
