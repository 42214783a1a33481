/*
 * Random manifests, from their text to what nginx says of the configuration. Many values in them are attempts to get out of
 * their place; what is valid in spite of that must pass nginx's own test, and hold no directive that we do not write.
 *
 *   nginx-fuzz FOLDER CASES [SEED]    FOLDER has cert.pem and key.pem
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/process.h"
#include "desired/manifest.h"
#include "desired/projects.h"
#include "nginx/internal.h"

static unsigned seed;
static unsigned draw(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % below;
}

static const char *const tricks[] = {
	"a;b", "a{b", "}", "a b", "$host", "$${host}", "$$request_uri", "a\"b", "a'b", "a\nb", "#a", "a\\b", "..", ".", "a\tb", "~^a", "%0a",
	"a; } server { listen 1; ", "';", "\";", "*", "*.a", "_", "", "/", "//", "/a;", "/a{", "/../a", "/a b", "/$uri", "a/b", "\xc3\xa4", "443 ssl",
	"80;", "0", "-1", "99999", "[::1]:443", "[::1", "127.0.0.2:81", "1.2.3:80", "unix:/x", "*:80", "localhost:80", "1G", "-1k", "0s", "366d",
	"cookie:", "cookie:a-b", "cookie:a;b", "cookie:a b", "cookie:$host", "header:a_b", "header:a}", "header:\"", "header:a\nb", "Header:a", "adress",
	"/etc/passwd", "true", "null", "https://a", "x\r\ny", "a=b", "a,10.0.0.9", "key=1", " hsts=1",
};

#define SMALL_NAME "abcdefghijklmnopqrstuvwxyz0123456789"
#define SMALL SMALL_NAME "-"

static const char *word(struct arena *a, const char *letters, unsigned longest)
{
	size_t n = 1 + draw(longest);
	char *s = arena_alloc(a, n + 1);
	for (size_t i = 0; i < n; i++)
		s[i] = letters[draw((unsigned)strlen(letters))];
	return s;
}

/* As a YAML string in double quotes: `good` nearly always, otherwise something that should not get through. */
static const char *quoted(struct arena *a, const char *good)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
	const char *text = draw(40) ? good : tricks[draw(ARRAY_LEN(tricks))];
	buf_puts(&out, "\"");
	for (const char *c = text; *c; c++)
		buf_printf(&out, *c == '"' || *c == '\\' ? "\\%c" : (unsigned char)*c < 32 ? "\\x%02x" : "%c", (unsigned char)*c);
	buf_puts(&out, "\"");
	return arena_strdup(a, out.text);
}

static const char *host(struct arena *a)
{
	static const char *const few[] = {"shop.test", "_", "*.shop.test", "a-name-that-is-as-long-as-some-clouds-make-them.eu-central-1.compute.test"};
	return draw(3) ? few[draw(ARRAY_LEN(few))] : arena_printf(a, "%s.%s.test", word(a, SMALL, 60), word(a, "abc", 63));
}

static const char *path(struct arena *a)
{
	return draw(2) ? "/" : arena_printf(a, "/%s%s%s", word(a, SMALL "._~ABC", 20), draw(2) ? "/" : "", draw(2) ? word(a, SMALL, 90) : "x");
}

static const char *place(struct arena *a)
{
	static const char *const addresses[] = {"", "10.0.0.1:", "[::1]:", "127.0.0.1:"};
	return arena_printf(a, "%s%u", addresses[draw(ARRAY_LEN(addresses))], 1 + draw(3) * 4000 + draw(2));
}

static const char *target(struct arena *a, unsigned services)
{
	return arena_printf(a, "s%u:%u", draw(services), 1 + draw(3));
}

static void print_tls(struct buf *out, struct arena *a, const char *folder)
{
	buf_printf(out, ", listen: %s, tls: {certificate: %s, key: %s", quoted(a, arena_printf(a, "%u", 443 + draw(2))),
	           quoted(a, arena_printf(a, "%s/cert.pem", folder)), quoted(a, arena_printf(a, "%s/key.pem", folder)));
	if (!draw(3))
		buf_printf(out, ", http2: %s", draw(2) ? "true" : "false");
	if (!draw(3))
		buf_printf(out, ", hsts: %s", quoted(a, "365d"));
	buf_puts(out, "}");
	if (!draw(2))
		buf_printf(out, ", redirect: %s", draw(2) ? "true" : quoted(a, "8080"));
}

static void print_limits(struct buf *out, struct arena *a, const char *folder)
{
	static const struct {
		const char *key, *value;
	} limits[] = {{"client_max_body_size", "10m"}, {"proxy_connect_timeout", "500ms"}, {"proxy_send_timeout", "1m"}, {"proxy_read_timeout", "2h"}};
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (!draw(4))
			buf_printf(out, ", %s: %s", limits[i].key, quoted(a, limits[i].value));
	if (!draw(4))
		buf_printf(out, ", maintenance: %s", quoted(a, arena_printf(a, "%s/cert.pem", folder)));
}

/* A few, so that routes share some; and names as long as they may be. */
static const char *part(struct arena *a)
{
	static const char *const few[] = {"cookie:ab", "header:X-User"};
	if (draw(3))
		return few[draw(ARRAY_LEN(few))];
	return draw(2) ? arena_printf(a, "cookie:%s", word(a, SMALL_NAME "_", 64)) : arena_printf(a, "header:%s", word(a, SMALL_NAME "-", 64));
}

static void print_draws(struct buf *out, struct arena *a, bool is_upstream)
{
	if (!draw(2))
		buf_printf(out, ", split: %s", quoted(a, draw(3) ? part(a) : draw(2) && !is_upstream ? "address" : "random"));
	if (!draw(2))
		buf_printf(out, ", testers: %s", quoted(a, part(a)));
}

static void print_route(struct buf *out, struct arena *a, const char *folder, unsigned services)
{
	unsigned kind = draw(8);
	if (kind < 2) {
		buf_printf(out, "    - {%s: %s, to: %s%s}\n", kind ? "tcp" : "udp", quoted(a, place(a)), quoted(a, target(a, services)),
		           draw(3) ? "" : ", proxy_timeout: 1h");
		return;
	}
	buf_printf(out, "    - {%s: %s", kind == 2 ? "upstream" : "host",
	           quoted(a, kind == 2 ? arena_printf(a, "u%s", word(a, SMALL "_", 30)) : host(a)));
	if (draw(2))
		buf_printf(out, ", path: %s", quoted(a, path(a)));
	if (kind > 5)
		print_tls(out, a, folder);
	else if (kind > 2 && !draw(3))
		buf_printf(out, ", listen: %s", quoted(a, place(a)));
	if (kind > 2)
		print_limits(out, a, folder);
	print_draws(out, a, kind == 2);
	if (draw(4))
		buf_printf(out, ", to: %s}\n", quoted(a, target(a, services)));
	else
		buf_printf(out, ", to: [{service: \"s0:1\", weight: 30}, {service: %s, weight: 70}]}\n", quoted(a, target(a, services)));
}

static const char *manifest(struct arena *a, const char *folder)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
	unsigned services = 1 + draw(3);
	buf_printf(&out, "name: %s\nservices:\n", quoted(a, word(a, "abc0_-", 20)));
	for (unsigned i = 0; i < services; i++)
		buf_printf(&out, "  %s: {image: a}\n", quoted(a, arena_printf(a, "s%u", i)));
	buf_puts(&out, "x-reconcile:\n  routes:\n");
	for (unsigned i = 1 + draw(5); i > 0; i--)
		print_route(&out, a, folder, services);
	return arena_strdup(a, out.text);
}

static struct side side(struct arena *a, unsigned from, unsigned most)
{
	struct side s = {.revision = "aaaa"};
	for (unsigned i = draw(most + 1); i > 0; i--)
		*ARENA_PUSH(a, s.addresses, s.addresses_count) = arena_printf(a, "10.0.%u.%u", from, i);
	return s;
}

static void topology_of(const struct desired *d, struct arena *a, struct topology *out)
{
	*out = (struct topology){.routes = d->routes, .routes_count = d->routes_count};
	for (size_t i = 0; i < d->projects[0].services_count; i++) {
		struct traffic t = {.project = d->projects[0].name, .service = d->projects[0].services[i].name};
		if (!d->projects[0].services[i].is_routed)
			continue;
		t.rollout = draw(2) ? "r1" : "";
		t.stable = side(a, 1, 2);
		t.next = side(a, 2, *t.rollout ? 2 : 0);
		t.weight = draw(3) ? (int)draw(2) * PERMILLE : 500;
		*ARENA_PUSH(a, out->services, out->services_count) = t;
	}
}

/* --- what we write --- */

static const char *const ours[] = {
	"access_log", "add_header", "alias", "allow", "auth_basic", "client_body_timeout", "client_max_body_size", "default_type", "deny",
	"disable_symlinks", "error_page", "gzip", "if", "ignore_invalid_headers", "internal", "keepalive_timeout", "large_client_header_buffers",
	"listen", "location", "log_format", "map", "open_file_cache", "proxy_buffer_size", "proxy_buffering", "proxy_buffers", "proxy_busy_buffers_size",
	"proxy_cache", "proxy_connect_timeout", "proxy_hide_header", "proxy_http_version", "proxy_ignore_headers", "proxy_intercept_errors",
	"proxy_next_upstream", "proxy_pass", "proxy_pass_header", "proxy_read_timeout", "proxy_send_timeout", "proxy_set_header",
	"proxy_socket_keepalive", "proxy_temp_file_write_size", "proxy_timeout", "return", "send_timeout", "server", "server_name", "set",
	"split_clients", "ssl_certificate", "ssl_certificate_key", "ssl_protocols", "types", "underscores_in_headers", "upstream",
};

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(ours[i], name) == 0)
			return true;
	return false;
}

static bool is_table(const char *name)
{
	return strcmp(name, "map") == 0 || strcmp(name, "split_clients") == 0;
}

/* The next word of nginx's language; "" at the end. */
static const char *next_word(struct arena *a, const char **at)
{
	while (**at && (strchr(" \t\r\n", **at) || **at == '#'))
		*at += **at == '#' ? strcspn(*at, "\n") : 1;
	const char *start = *at;
	if (*start == '"' || *start == '\'') {
		for ((*at)++; **at && **at != *start; (*at)++)
			*at += **at == '\\' && (*at)[1];
		*at += **at != 0;
	} else if (*start && strchr(";{}", *start)) {
		(*at)++;
	} else {
		while (**at && (!strchr(" \t\r\n;{}", **at) || (**at == '{' && *at > start && (*at)[-1] == '$')))
			*at += **at == '$' && (*at)[1] == '{' ? strcspn(*at, "}") : 1;
	}
	return arena_strndup(a, start, (size_t)(*at - start));
}

/* The names of all directives; those at the top into *servers, when they are servers. What is not ours is said. */
static bool check_text(struct arena *a, const char *text, size_t *servers)
{
	int depth = 0, table = -1;
	bool is_start = true, is_good = true;
	const char *name = "";
	*servers = 0;
	for (const char *w; *(w = next_word(a, &text));) {
		if (strcmp(w, ";") == 0 || strcmp(w, "{") == 0 || strcmp(w, "}") == 0) {
			if (*w == '{' && is_table(name) && table < 0)
				table = depth;
			depth += *w == '{' ? 1 : *w == '}' ? -1 : 0;
			if (*w == '}' && depth == table)
				table = -1;
			is_start = true;
			continue;
		}
		if (is_start && table < 0) {
			name = w;
			*servers += depth == 0 && strcmp(w, "server") == 0;
			if (!is_ours(w)) {
				fprintf(stderr, "a directive that is not ours: %s\n", w);
				is_good = false;
			}
		}
		is_start = false;
	}
	return is_good && depth == 0;
}

static const char *place_of(const struct route *r)
{
	return r->transport == TRANSPORT_HTTP ? intake_listen(&r->in) : transport_names[r->transport];
}

/* How many servers there should be, counted another way than they are written. */
static size_t servers_of(struct arena *a, const struct topology *t, bool are_streams)
{
	const char **names = NULL;
	size_t count = 0;
	for (size_t i = 0; i < t->routes_count; i++) {
		const struct route *r = &t->routes[i];
		const struct traffic *s = topology_service(t, r->project, r->service);
		bool has_next = s->next.addresses_count && *s->rollout;
		bool has_anybody = (s->stable.addresses_count && !(has_next && s->weight == PERMILLE)) || (has_next && s->weight);
		const char *redirect = r->in.redirect ? arena_printf(a, "%s %s", r->host, r->in.redirect) : NULL;
		const char *both[] = {arena_printf(a, "%s%s %s", r->is_upstream ? "upstream " : "", r->host, place_of(r)), redirect};
		if ((r->transport != TRANSPORT_HTTP) != are_streams || (are_streams && !has_anybody))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(both) && both[k]; k++) {
			size_t n = 0;
			while (n < count && strcmp(names[n], both[k]) != 0)
				n++;
			if (n == count)
				*ARENA_PUSH(a, names, count) = both[k];
		}
	}
	return count + !are_streams; /* and the private one */
}

static bool check_nginx(const char *folder)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
	CLEANUP(arena_done) struct arena a = {0};
	struct process p = {.argv = (const char *const[]){"nginx", "-t", "-c", arena_printf(&a, "%s/nginx.conf", folder), NULL}, .timeout_ms = 60000};
	struct err e;
	int status = -1;
	if (process_run(&p, &out, &status, &e) == 0 && status == 0 && !strstr(out.text, "[warn]"))
		return true;
	fprintf(stderr, "nginx says %d: %s\n", status, out.text);
	return false;
}

/* 1: good; 0: refused, as it should be; -1: not good. */
static int try(const char *folder, struct arena *a, const char *text)
{
	static const struct environment env = {0};
	struct manifest_source from = {.file = "compose.yaml", .text = text, .length = strlen(text), .directory = "/srv/shop", .listen = "80"};
	struct problems problems = PROBLEMS_INIT;
	struct nginx_settings s = {.directory = folder, .listen = "80", .status_port = 9180};
	struct desired part = {0}, d = {0};
	struct topology t;
	struct config c;
	struct err e;
	bool is_out = false;
	size_t servers;
	int result = manifest_load(&from, &env, a, &part, &problems, &e);
	if (result == 0)
		result = projects_join(&part, 1, &is_out, a, &d, &problems) ? -1 : 0;
	bool is_told = problems.count > 0;
	problems_done(&problems);
	if (result < 0)
		return is_told ? 0 : -1;
	topology_of(&d, a, &t);
	if (config_render(&s, &t, a, &c, &e) < 0 || assets_write(&s, a, &t, &e) < 0) {
		fprintf(stderr, "%s\n", e.message);
		return -1;
	}
	if (fs_write(arena_printf(a, "%s/stream.conf", folder), "", 0, 0644, &e) < 0)
		return -1;
	for (size_t i = 0; i < c.count; i++) {
		bool is_location = strncmp(c.files[i].name, "location-", 9) == 0, is_stream = strcmp(c.files[i].name, "stream.conf") == 0;
		if (fs_write(arena_printf(a, "%s/%s", folder, c.files[i].name), c.files[i].text, strlen(c.files[i].text), 0644, &e) < 0 ||
		    !check_text(a, c.files[i].text, &servers))
			return -1;
		if (!is_location && servers != servers_of(a, &t, is_stream)) {
			fprintf(stderr, "%s has %zu servers, wanted %zu\n", c.files[i].name, servers, servers_of(a, &t, is_stream));
			return -1;
		}
	}
	struct topology back;
	config_read(c.files[0].text, a, &back);
	if (back.routes_count != t.routes_count || back.services_count != t.services_count) {
		fprintf(stderr, "%zu of %zu routes come back\n", back.routes_count, t.routes_count);
		return -1;
	}
	return check_nginx(folder) ? 1 : -1;
}

int main(int argc, char **argv)
{
	int good = 0, refused = 0, cases = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
	unsigned first = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
	for (int i = 0; i < cases; i++) {
		CLEANUP(arena_done) struct arena a = {0};
		seed = (first + (unsigned)i) * 2654435761u;
		const char *text = manifest(&a, argv[1]);
		int result = try(argv[1], &a, text);
		good += result > 0;
		refused += result == 0;
		if (result < 0) {
			fprintf(stderr, "seed %u:\n%s", first + (unsigned)i, text);
			return 1;
		}
	}
	printf("%d manifests: nginx accepts all %d that are valid, %d are refused\n", cases, good, refused);
	/* Where nearly all were refused, nothing was tried. */
	return cases > 0 && good > cases / 5 && refused > cases / 20 ? 0 : 1;
}
