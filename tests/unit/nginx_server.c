/* nginx/: servers with TLS, redirects and limits, pages, tcp and udp; as text, and back from it. Without nginx itself. */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/sha256.h"
#include "nginx/internal.h"

#define GOLDEN "tests/golden/nginx-servers.conf"

static struct nginx_settings settings = {
	.binary = "nginx", .config = "/etc/nginx/nginx.conf", .pid_file = "/nonexistent/nginx.pid",
	.directory = "/var/lib/reconcile/nginx", .listen = "80", .status_port = 8999, .version = 1022001,
};

static const char *one[] = {"10.0.0.2"}, *two[] = {"10.0.0.3", "10.0.0.4"};

static struct traffic service(const char *name, int weight)
{
	return (struct traffic){.project = "shop", .service = name, .rollout = "r1", .stable = {"aaaa", one, 1}, .next = {"bbbb", two, 2}, .weight = weight};
}

static struct route route_to(const char *host, const char *name, int port)
{
	return (struct route){.host = host, .path = "/", .project = "shop", .service = name, .port = port, .weight = 100};
}

static struct asset asset(struct arena *a, const char *bytes)
{
	char hex[SHA256_HEX_SIZE];
	sha256_hex(bytes, strlen(bytes), hex);
	return (struct asset){arena_strdup(a, hex), bytes, strlen(bytes)};
}

/* A file of the generation; "" when there is none. */
static const char *render(struct arena *a, const struct topology *t, const char *name)
{
	struct config c;
	struct err e;
	CHECK_INT(config_render(&settings, t, a, &c, &e), 0);
	for (size_t i = 0; i < c.count; i++)
		if (strcmp(c.files[i].name, name) == 0)
			return c.files[i].text;
	return "";
}

/* From the first server on: what stands before it is in the other golden file. */
static const char *servers(struct arena *a, const struct topology *t)
{
	const char *text = render(a, t, "http.conf"), *at = strstr(text, "\nserver {");
	CHECK(at);
	return at ? at + 1 : "";
}

static struct topology everything(struct arena *a)
{
	struct topology t = {0};
	struct route secure = route_to("shop.test", "web", 8080), deep = route_to("shop.test", "gone", 80), plain = route_to("shop.test", "web", 8080);
	struct route db = route_to("5432", "db", 5432), names = route_to("[::1]:53", "names", 53), own = route_to("backend", "web", 8080);
	secure.in = (struct intake){.listen = "443", .redirect = INTAKE_USUAL, .certificate = asset(a, "c"), .key = asset(a, "k"), .http2 = 1,
	                            .hsts_s = 60, .body_bytes = -1};
	deep.in = secure.in;
	deep.path = "/deep";
	deep.in.page = asset(a, "p");
	deep.in.read_ms = 90000;
	plain.path = "/.well-known";
	plain.in.connect_ms = 500;
	db.transport = TRANSPORT_TCP;
	names.transport = TRANSPORT_UDP;
	names.in.idle_ms = 2000;
	own.is_upstream = true;
	own.in.split = "cookie:ab";
	own.in.testers = "header:X-Canary";
	struct route other = route_to("other.test", "web", 8080);
	other.in = secure.in;
	other.in.listen = "10.0.0.1:8443";
	other.in.redirect = "8080";
	other.in.http2 = other.in.hsts_s = 0;
	const struct route routes[] = {secure, deep, plain, db, names, own, other};
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		*ARENA_PUSH(a, t.routes, t.routes_count) = routes[i];
	const struct traffic services[] = {service("web", 0), service("db", 0), service("names", PERMILLE)};
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		*ARENA_PUSH(a, t.services, t.services_count) = services[i];
	*ARENA_PUSH(a, t.logs, t.logs_count) = "access_log /var/log/nginx/access.log";
	return t;
}

static void golden(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct topology t = everything(&a);
	const char *text = arena_printf(&a, "%s\n%s", servers(&a, &t), render(&a, &t, "stream.conf"));
	struct err e;
	char *want;
	if (getenv("UPDATE_GOLDEN"))
		CHECK_INT(fs_write(GOLDEN, text, strlen(text), 0644, &e), 0);
	CHECK_INT(fs_read(GOLDEN, NGINX_TEXT_MAX, &a, &want, NULL, &e), 0);
	CHECK_STR(text, want);
}

static void it_comes_back_from_its_text(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct topology t = everything(&a), back;
	const char *text = render(&a, &t, "http.conf");
	config_read(text, &a, &back);
	CHECK_INT(back.routes_count, t.routes_count);
	for (size_t i = 0; i < back.routes_count && i < t.routes_count; i++) {
		CHECK(route_is_same_way(&back.routes[i], &t.routes[i]));
		CHECK(intake_equal(&back.routes[i].in, &t.routes[i].in));
	}
	for (size_t i = 0; i < back.services_count; i++)
		back.services[i].weight = t.services[i].weight;
	CHECK_STR(render(&a, &back, "http.conf"), text);
}

static void http2_by_version(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct topology t = everything(&a);
	CHECK_CONTAINS(servers(&a, &t), "\tlisten 443 ssl http2;\n\tserver_name shop.test;\n\tssl_certificate ");
	settings.version = 1025001;
	CHECK_CONTAINS(servers(&a, &t), "\tlisten 443 ssl;\n\tserver_name shop.test;\n\thttp2 on;\n\tssl_certificate ");
	settings.version = 1022001;
}

/* One side, the other, or any instance of both; never one that is unproven. */
static void streams_by_weight(void)
{
	static const struct {
		int weight;
		const char *servers;
	} cases[] = {
		{0, "{ server 10.0.0.2:5432 max_fails=0; }\n"},
		{500, "{ server 10.0.0.2:5432 max_fails=0; server 10.0.0.3:5432 max_fails=0; server 10.0.0.4:5432 max_fails=0; }\n"},
		{PERMILLE, "{ server 10.0.0.3:5432 max_fails=0; server 10.0.0.4:5432 max_fails=0; }\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct route r = route_to("5432", "db", 5432);
		struct traffic s = service("db", cases[i].weight);
		struct topology t = {&r, 1, &s, 1};
		r.transport = TRANSPORT_TCP;
		CHECK_CONTAINS(render(&a, &t, "stream.conf"), arena_printf(&a, "upstream shop.db.5432 %s", cases[i].servers));
		CHECK(!strstr(render(&a, &t, "http.conf"), "upstream "));
		const char *id = arena_strndup(&a, strstr(render(&a, &t, "http.conf"), "# generation ") + 13, 16);
		s.weight = cases[(i + 1) % ARRAY_LEN(cases)].weight;
		CHECK(!strstr(render(&a, &t, "http.conf"), id)); /* the other file is part of the id */
		s.stable.addresses_count = 0;
		s.weight = 0;
		CHECK_STR(render(&a, &t, "stream.conf"), CONFIG_STREAM_HEAD "\n");
	}
}

/* What a client is drawn by, and what a route sends for it. */
static void keys_of_the_draws(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct traffic services[] = {service("web", 0), service("api", 0)};
	struct route r[] = {route_to("a", "web", 80), route_to("a", "api", 80), route_to("b", "web", 80), route_to("c", "web", 80),
		route_to("d", "web", 80), route_to("e", "web", 80)};
	struct topology t = {r, ARRAY_LEN(r), services, ARRAY_LEN(services)};
	r[0].weight = 90;
	r[1].weight = 10;
	r[0].in.split = r[1].in.split = r[2].in.split = "cookie:ab_Test";
	r[3].in.split = "address";
	r[4].in.split = "header:X-User";
	r[1].in.testers = r[0].in.testers = r[3].in.testers = r[5].in.testers = "header:X-Canary";
	r[2].in.certificate = r[2].in.key = asset(&a, "c");
	r[2].in.listen = "443";
	r[2].in.hsts_s = 60;
	const char *text = render(&a, &t, "http.conf");
	static const char *const lines[] = {
		"# route a shop web 80 / 90 split=cookie:ab_Test testers=header:X-Canary\n",
		"\nmap $request_id $reconcile_draw { \"~^(.....)\" $1; }\nmap $https $reconcile_secure { on '; Secure'; default ''; }\n",
		"\nmap $cookie_ab_Test $reconcile_key_0 { '' $reconcile_draw; default $cookie_ab_Test; }\n"
		"map $cookie_ab_Test $reconcile_cookie_0 { '' \"ab_Test=$reconcile_draw; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
		"$reconcile_secure\"; default ''; }\nsplit_clients \"$reconcile_key_0\" $reconcile_bucket_0 {\n",
		"\nsplit_clients \"$remote_addr\" $reconcile_bucket_3 {\n",
		"\nmap $http_X_User $reconcile_key_4 { '' $request_id; default $http_X_User; }\n"
		"split_clients \"$reconcile_key_4\" $reconcile_bucket_4 {\n",
		"\nmap $http_X_Canary $reconcile_asked_0 { always testers; never 618; default $reconcile_bucket_0; }\n"
		"map $http_X_Canary $reconcile_asked_3 { always testers; never 618; default $reconcile_bucket_3; }\n"
		"map $http_X_Canary $reconcile_asked_5 { always testers; never 618; default $reconcile_bucket; }\n",
		"\nsplit_clients \"to $reconcile_key_0\" $reconcile_to_0 { 90.00% 0; * 1; }\n",
		"/now/$reconcile_asked_0) {", "/now/$reconcile_bucket_0) {", "/now/$reconcile_asked_3) {", "/now/$reconcile_bucket_4) {",
		"/now/$reconcile_asked_5) {",
		"\t\tadd_header Set-Cookie $reconcile_cookie_0 always;\n",
		"\t\tadd_header Set-Cookie $reconcile_cookie_0 always; add_header Strict-Transport-Security \"max-age=60\" always;\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		CHECK_CONTAINS(text, lines[i]);
	CHECK_INT(traffic_bucket(0), 7);
	CHECK_INT(traffic_bucket(PERMILLE - 1), 618);
	/* With nothing to be drawn no cookie is set. */
	services[0].next.addresses_count = 0;
	t.routes = &r[2];
	t.routes_count = 1;
	CHECK(!strstr(render(&a, &t, "http.conf"), "Set-Cookie $"));
}

/* The locations for a server of the user's own leave every draw by a key to the hop, which knows one whoever leads there. */
static void keys_behind_a_server_of_ones_own(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct traffic services[] = {service("web", 0), service("api", 0)};
	struct route r[] = {route_to("own", "web", 80), route_to("own", "api", 80)};
	struct topology t = {r, ARRAY_LEN(r), services, ARRAY_LEN(services)};
	services[0].next.addresses_count = services[1].next.addresses_count = 0;
	r[0].is_upstream = r[1].is_upstream = true;
	r[0].weight = r[1].weight = 50;
	CHECK_CONTAINS(render(&a, &t, "location-own.conf"), "if ($reconcile_to_0 = 1) {");
	r[0].in.split = r[1].in.split = "cookie:ab";
	const char *text = render(&a, &t, "location-own.conf");
	CHECK_CONTAINS(text, "\t\tproxy_pass http://own;\n");
	CHECK(!strstr(text, "reconcile_to_") && !strstr(text, "Set-Cookie"));
	CHECK_CONTAINS(render(&a, &t, "http.conf"), "\t\tadd_header Set-Cookie $reconcile_cookie_0 always;\n");
}

static void long_names_are_patterns(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct route r = route_to("*.a-name-that-is-as-long-as-some-clouds.test", "web", 80);
	struct traffic s = service("web", 0);
	struct topology t = {&r, 1, &s, 1};
	CHECK_CONTAINS(servers(&a, &t), "\tserver_name ~^.+\\.a-name-that-is-as-long-as-some-clouds\\.test$;\n");
}

/* What is evil in a place of the intake makes the route as if it were not there. */
static void nothing_escapes(void)
{
	static const char *const evil[] = {"80;", "80 ssl", "a", "", "80\n", "1.2.3.4", "[::1]:80;", "$x", "default_server", "99999", "0"};
	for (size_t i = 0; i < ARRAY_LEN(evil); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct traffic s = service("web", 0);
		struct route good = route_to("a", "web", 80), bad[8] = {good, good, good, good, good, good, good, good};
		struct topology nothing = {NULL, 0, &s, 1};
		const char *want = servers(&a, &nothing);
		bad[0].in.listen = bad[1].in.redirect = bad[2].in.page.hash = evil[i];
		bad[3].in.certificate.hash = bad[3].in.key.hash = evil[i];
		bad[4].in.certificate = asset(&a, "c"); /* without a key */
		bad[5].transport = TRANSPORT_TCP;
		bad[5].host = evil[i];
		bad[6].in.split = bad[7].in.testers = evil[i];
		for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
			struct topology t = {&bad[k], 1, &s, 1};
			/* but for the id */
			CHECK_STR(arena_strndup(&a, servers(&a, &t), 200), arena_strndup(&a, want, 200));
			CHECK_STR(render(&a, &t, "stream.conf"), bad[k].transport ? CONFIG_STREAM_HEAD "\n" : "");
		}
	}
}

static void assets_are_kept_and_swept(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	char folder[] = "/tmp/reconcile-assets-XXXXXX";
	struct topology t = everything(&a), none = {0}, back;
	struct nginx_settings s = settings;
	struct stat st;
	struct err e;
	CHECK(mkdtemp(folder));
	s.directory = folder;
	CHECK_STR(assets_problem(&s, &a, &t), "the certificate of shop.test was changed by hand or is gone");
	CHECK_INT(assets_write(&s, &a, &t, &e), 0);
	CHECK(!assets_problem(&s, &a, &t));
	CHECK_INT(stat(asset_path(&s, &a, &t.routes[0].in.key), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(stat(asset_path(&s, &a, &t.routes[0].in.certificate), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0644);
	/* What was read back has no bytes: nothing is lost by writing it again. */
	config_read(render(&a, &t, "http.conf"), &a, &back);
	CHECK_INT(assets_write(&s, &a, &back, &e), 0);
	CHECK(!assets_problem(&s, &a, &back));
	CHECK_INT(fs_write(asset_path(&s, &a, &t.routes[1].in.page), "q", 1, 0644, &e), 0);
	CHECK_STR(assets_problem(&s, &a, &back), "the maintenance of shop.test was changed by hand or is gone");
	CHECK_INT(assets_write(&s, &a, &t, &e), 0);
	CHECK(!assets_problem(&s, &a, &t));
	assets_sweep(&s, &a, &back, &none);
	CHECK(!assets_problem(&s, &a, &t));
	assets_sweep(&s, &a, &none, &none);
	CHECK(!fs_exists(asset_path(&s, &a, &t.routes[0].in.key)));
	CHECK_INT(fs_remove_tree(folder, &e), 0);
}

static const struct test tests[] = {
	TEST(golden), TEST(it_comes_back_from_its_text), TEST(http2_by_version), TEST(streams_by_weight), TEST(keys_of_the_draws),
	TEST(keys_behind_a_server_of_ones_own), TEST(long_names_are_patterns),
	TEST(nothing_escapes), TEST(assets_are_kept_and_swept),
};
TESTS_MAIN(tests)
