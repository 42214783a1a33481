/*
 * Topology <-> text of http.conf. The comment lines at the top carry the topology, so that what is installed can be
 * read back without parsing nginx's language; the id is the hash of the whole text with the id's own places blanked.
 * The one thing to know: names were validated long before, and are checked here again; what could end a word of
 * nginx's language or climb out of a folder is left out of the text.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "nginx/internal.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define NO_ID "0000000000000000"

/* What stands before the id. A blank, '#' and '"' occur in no name, so no name can look like these. */
static const char *const id_places[] = {"\n# generation ", "location = /generation { return 200 \""};

/* --- what may stand in the text --- */

static bool only(const char *s, const char *allowed)
{
	return s && *s && strlen(s) < 256 && strspn(s, allowed) == strlen(s);
}

bool config_is_name(const char *s)
{
	return only(s, LETTERS "._-") && s[0] != '.';
}

bool config_is_rollout(const char *s)
{
	return only(s, "abcdefghijklmnopqrstuvwxyz0123456789");
}

static bool is_host(const char *s)
{
	return only(s, LETTERS "._*-");
}

static bool is_ipv4(const char *s)
{
	struct in_addr address;
	return only(s, "0123456789.") && inet_pton(AF_INET, s, &address) == 1;
}

static bool is_name_or_empty(const char *s)
{
	return s && (*s == 0 || config_is_name(s));
}

static bool is_service(const struct traffic *t)
{
	return config_is_name(t->project) && config_is_name(t->service) && is_name_or_empty(t->stable.revision) &&
	       is_name_or_empty(t->next.revision) && t->rollout && (*t->rollout == 0 || config_is_rollout(t->rollout));
}

static bool is_route(const struct route *r)
{
	return is_host(r->host) && config_is_name(r->project) && config_is_name(r->service) && r->port > 0 && r->port < 65536;
}

int config_check_settings(const struct nginx_settings *s, struct err *e)
{
	if (!only(s->directory, LETTERS "._/-") || s->directory[0] != '/')
		return err_set(e, ERR_INVALID, "nginx directory '%s': wanted an absolute path of letters, digits, '.', '_', '-'",
		               s->directory);
	if (!only(s->listen, LETTERS ".:[]-"))
		return err_set(e, ERR_INVALID, "nginx listen '%s': wanted a port or address:port", s->listen);
	if (s->status_port <= 0 || s->status_port > 65535)
		return err_set(e, ERR_INVALID, "nginx status port %d: wanted 1 to 65535", s->status_port);
	return 0;
}

/* --- topology -> text --- */

/* The rendered view of one service: which sides can take requests. */
struct pools {
	const struct traffic *t;
	bool has_stable, has_next;
};

static bool has_address(const struct side *side)
{
	for (size_t i = 0; i < side->addresses_count; i++)
		if (is_ipv4(side->addresses[i]))
			return true;
	return false;
}

static struct pools pools_of(const struct topology *topology, const struct route *r)
{
	const struct traffic *t = topology_service(topology, r->project, r->service);
	if (!t || !is_service(t))
		return (struct pools){0};
	return (struct pools){t, has_address(&t->stable), has_address(&t->next) && *t->rollout};
}

static void print_side(struct buf *out, const char *name, const struct side *side)
{
	buf_printf(out, " %s=%s", name, side->revision);
	for (size_t i = 0; i < side->addresses_count; i++)
		if (is_ipv4(side->addresses[i]))
			buf_printf(out, ",%s", side->addresses[i]);
}

static void print_header(struct buf *out, const struct topology *t)
{
	buf_puts(out, "# Written by reconcile. Do not edit: a change is noticed and the file is written again.\n");
	buf_puts(out, "# generation " NO_ID "\n");
	for (size_t i = 0; i < t->services_count; i++) {
		const struct traffic *s = &t->services[i];
		if (!is_service(s))
			continue;
		buf_printf(out, "# service %s %s rollout=%s", s->project, s->service, s->rollout);
		print_side(out, "stable", &s->stable);
		print_side(out, "next", &s->next);
		buf_puts(out, "\n");
	}
	for (size_t i = 0; i < t->routes_count; i++) {
		const struct route *r = &t->routes[i];
		if (is_route(r))
			buf_printf(out, "# route %s %s %s %d\n", r->host, r->project, r->service, r->port);
	}
}

/* Buckets are thousandths; the last takes what rounding leaves. */
static void print_shared(struct buf *out)
{
	buf_puts(out, "\nmap $http_upgrade $reconcile_connection { default upgrade; '' close; }\n"
	              "split_clients \"$request_id\" $reconcile_bucket {");
	for (int i = 0; i < PERMILLE - 1; i++)
		buf_printf(out, "%s0.1%% %d;", i % 10 ? " " : "\n\t", i);
	buf_printf(out, " * %d;\n}\n", PERMILLE - 1);
}

static void print_servers(struct buf *out, const struct side *side, int port, const char *role)
{
	for (size_t i = 0; i < side->addresses_count; i++)
		if (is_ipv4(side->addresses[i]))
			buf_printf(out, " server %s:%d max_fails=0%s;", side->addresses[i], port, role);
}

/* One upstream: `first`, with `second` standing in for it, or alone when `first` has nobody. */
static void print_pool(struct buf *out, const struct traffic *t, int port, const char *name, const struct side *first,
                       const struct side *second)
{
	bool alone = !has_address(first);
	if (alone && !(second && has_address(second)))
		return;
	buf_printf(out, "upstream %s.%s.%d.%s {", t->project, t->service, port, name);
	print_servers(out, first, port, "");
	if (second)
		print_servers(out, second, port, alone ? "" : " backup");
	buf_puts(out, " }\n");
}

static void print_pools(struct buf *out, const struct topology *topology)
{
	for (size_t i = 0; i < topology->routes_count; i++) {
		const struct route *r = &topology->routes[i];
		bool is_seen = !is_route(r);
		for (size_t k = 0; k < i && !is_seen; k++) {
			const struct route *before = &topology->routes[k];
			is_seen = is_route(before) && before->port == r->port && strcmp(before->project, r->project) == 0 &&
			          strcmp(before->service, r->service) == 0;
		}
		if (is_seen)
			continue;
		struct pools p = pools_of(topology, r);
		if (!p.has_stable && !p.has_next)
			continue;
		print_pool(out, p.t, r->port, "stable", &p.t->stable, NULL);
		if (!p.has_next)
			continue;
		print_pool(out, p.t, r->port, "next", &p.t->next, NULL);
		print_pool(out, p.t, r->port, "stable_both", &p.t->stable, &p.t->next);
		print_pool(out, p.t, r->port, "next_both", &p.t->next, &p.t->stable);
	}
}

/* Sets $reconcile_side from the flags. Nothing else but these lines may decide it: routes and /side share them. */
static void print_draw(struct buf *out, const struct nginx_settings *s, const struct traffic *t, const char *bucket)
{
	buf_puts(out, "\t\tset $reconcile_side stable;\n");
	buf_printf(out, "\t\tif (-f %s/traffic/%s/%s/%s/now/%s) { set $reconcile_side next; }\n", s->directory, t->project,
	           t->service, t->rollout, bucket);
}

static void print_route(struct buf *out, const struct nginx_settings *s, const struct topology *topology,
                        const struct route *r)
{
	struct pools p = pools_of(topology, r);
	buf_printf(out, "server {\n\tlisten %s%s;\n\tserver_name %s;\n", s->listen,
	           strcmp(r->host, "_") == 0 ? " default_server" : "", r->host);
	if (!p.has_stable && !p.has_next) {
		buf_puts(out, "\tlocation / { add_header Retry-After 5 always; return 503; }\n}\n");
		return;
	}
	/* A cache of file lookups would go on with the old weight for its `valid` time; a ban on symbolic links would
	 * hide every flag. */
	buf_puts(out, "\topen_file_cache off;\n\tdisable_symlinks off;\n"
	              "\tproxy_http_version 1.1;\n"
	              "\tproxy_set_header Host $host;\n"
	              "\tproxy_set_header X-Real-IP $remote_addr;\n"
	              "\tproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
	              "\tproxy_set_header X-Forwarded-Proto $scheme;\n"
	              "\tproxy_set_header Upgrade $http_upgrade;\n"
	              "\tproxy_set_header Connection $reconcile_connection;\n"
	              "\tproxy_connect_timeout 1s;\n"
	              "\tproxy_next_upstream error timeout;\n"
	              "\tlocation / {\n");
	if (p.has_next) {
		print_draw(out, s, p.t, "$reconcile_bucket");
		buf_printf(out, "\t\tif (-f %s/traffic/%s/%s/%s/both) { set $reconcile_side \"${reconcile_side}_both\"; }\n",
		           s->directory, p.t->project, p.t->service, p.t->rollout);
		if (!p.has_stable)
			buf_puts(out, "\t\tif ($reconcile_side = stable) { add_header Retry-After 5 always; return 503; }\n");
	}
	const char *side = p.has_next ? "$reconcile_side" : "stable";
	/* error_page stands inside the `if`, so that the user's own error pages hold at all other times. */
	buf_printf(out, "\t\tif (-f %s/close) { error_page 418 = @close; return 418; }\n"
	                "\t\tproxy_pass http://%s.%s.%d.%s;\n\t}\n", s->directory, r->project, r->service, r->port, side);
	buf_printf(out, "\tlocation @close {\n\t\tkeepalive_timeout 0;\n\t\tproxy_pass http://%s.%s.%d.%s;\n\t}\n}\n",
	           r->project, r->service, r->port, side);
}

static void print_private(struct buf *out, const struct nginx_settings *s, const struct topology *t)
{
	buf_printf(out, "server {\n\tlisten 127.0.0.1:%d;\n\tserver_name reconcile;\n\taccess_log off;\n"
	                "\topen_file_cache off;\n\tdisable_symlinks off;\n\tkeepalive_timeout 0;\n"
	                "\tdefault_type text/plain;\n"
	                "\tlocation = /generation { return 200 \"" NO_ID "\\n\"; }\n", s->status_port);
	for (size_t i = 0; i < t->services_count; i++) {
		const struct traffic *service = &t->services[i];
		if (!is_service(service))
			continue;
		buf_printf(out, "\tlocation = /side/%s/%s {\n", service->project, service->service);
		if (has_address(&service->next) && *service->rollout) {
			buf_puts(out, "\t\tif ($arg_bucket !~ \"^[0-9][0-9]?[0-9]?$\") { return 400; }\n");
			print_draw(out, s, service, "$arg_bucket");
			buf_puts(out, "\t\treturn 200 \"$reconcile_side\\n\";\n\t}\n");
		} else {
			buf_puts(out, "\t\treturn 200 \"stable\\n\";\n\t}\n");
		}
	}
	buf_puts(out, "\tlocation / { return 404; }\n}\n");
}

/* Writes id over the 16 characters at each of the id's places. False when one of them is not there. */
static bool place_id(char *text, const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(id_places); i++) {
		char *at = strstr(text, id_places[i]);
		if (!at || strlen(at) < strlen(id_places[i]) + NGINX_ID_LENGTH)
			return false;
		memcpy(at + strlen(id_places[i]), id, NGINX_ID_LENGTH);
	}
	return true;
}

void config_render(struct buf *out, const struct nginx_settings *s, const struct topology *t)
{
	struct err e;
	CLEANUP(buf_done) struct buf text = BUF_INIT(NGINX_TEXT_MAX);
	if (config_check_settings(s, &e) < 0)
		return;
	print_header(&text, t);
	print_shared(&text);
	print_pools(&text, t);
	for (size_t i = 0; i < t->routes_count; i++)
		if (is_route(&t->routes[i]))
			print_route(&text, s, t, &t->routes[i]);
	print_private(&text, s, t);
	char hex[SHA256_HEX_SIZE];
	sha256_hex(text.text, text.length, hex);
	if (text.overflowed || !place_id(text.text, hex)) {
		out->overflowed = true;
		return;
	}
	buf_add(out, text.text, text.length);
}

/* --- text -> topology --- */

/* The next word of the line at *at, which ends at `end`; "" at its end. */
static char *next_word(struct arena *a, const char **at, const char *end)
{
	const char *start = *at;
	while (*at < end && **at != ' ')
		(*at)++;
	char *word = arena_strndup(a, start, (size_t)(*at - start));
	if (*at < end)
		(*at)++;
	return word;
}

/* "stable=REVISION,ADDRESS,ADDRESS" */
static void read_side(struct arena *a, char *word, struct side *side)
{
	char *at = strchr(word, '=');
	side->revision = "";
	if (!at)
		return;
	char *comma = strchr(++at, ',');
	side->revision = comma ? arena_strndup(a, at, (size_t)(comma - at)) : at;
	while (comma) {
		at = comma + 1;
		comma = strchr(at, ',');
		const char *address = comma ? arena_strndup(a, at, (size_t)(comma - at)) : at;
		*ARENA_PUSH(a, side->addresses, side->addresses_count) = address;
	}
}

static void read_service(struct arena *a, const char *at, const char *end, struct topology *t)
{
	struct traffic s = {0};
	s.project = next_word(a, &at, end);
	s.service = next_word(a, &at, end);
	const char *rollout = strchr(next_word(a, &at, end), '=');
	s.rollout = rollout ? rollout + 1 : "";
	read_side(a, next_word(a, &at, end), &s.stable);
	read_side(a, next_word(a, &at, end), &s.next);
	if (is_service(&s))
		*ARENA_PUSH(a, t->services, t->services_count) = s;
}

static void read_route(struct arena *a, const char *at, const char *end, struct topology *t)
{
	struct route r = {.where = ""};
	r.host = next_word(a, &at, end);
	r.project = next_word(a, &at, end);
	r.service = next_word(a, &at, end);
	r.port = (int)strtol(next_word(a, &at, end), NULL, 10);
	if (is_route(&r))
		*ARENA_PUSH(a, t->routes, t->routes_count) = r;
}

void config_read(const char *text, struct arena *a, struct topology *t)
{
	static const struct {
		const char *start;
		void (*read)(struct arena *a, const char *at, const char *end, struct topology *t);
	} kinds[] = {{"# service ", read_service}, {"# route ", read_route}};

	*t = (struct topology){0};
	while (*text == '#') {
		const char *end = text + strcspn(text, "\n");
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
			if (strncmp(text, kinds[i].start, strlen(kinds[i].start)) == 0)
				kinds[i].read(a, text + strlen(kinds[i].start), end, t);
		text = *end ? end + 1 : end;
	}
}

const char *config_generation(const char *text, struct arena *a)
{
	const char *at = strstr(text, id_places[0]);
	if (!at)
		return NULL;
	at += strlen(id_places[0]);
	if (strspn(at, "0123456789abcdef") != NGINX_ID_LENGTH || at[NGINX_ID_LENGTH] != '\n')
		return NULL;
	return arena_strndup(a, at, NGINX_ID_LENGTH);
}

int config_parse(const char *text, struct arena *a, struct topology *t, struct err *e)
{
	const char *id = config_generation(text, a);
	char *blank = arena_strdup(a, text);
	if (!id || !place_id(blank, NO_ID))
		return err_set(e, ERR_INVALID, "the generated nginx configuration was changed by hand: it has no generation id");
	char hex[SHA256_HEX_SIZE];
	sha256_hex(blank, strlen(blank), hex);
	CLEANUP(arena_done) struct arena check = {0};
	char *whole = arena_strdup(&check, blank);
	place_id(whole, id);
	if (strncmp(hex, id, NGINX_ID_LENGTH) != 0 || strcmp(whole, text) != 0)
		return err_set(e, ERR_INVALID, "the generated nginx configuration %s was changed by hand", id);
	config_read(text, a, t);
	return 0;
}
