/* nginx/: the text and what can be read back from it, the weights on disk. Without nginx itself. */
#include "check.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "nginx/internal.h"

#define GOLDEN "tests/golden/nginx"

static const struct nginx_settings settings = {
	.binary = "nginx", .config = "/etc/nginx/nginx.conf", .pid_file = "/nonexistent/nginx.pid",
	.directory = "/var/lib/reconcile/nginx", .listen = "80", .status_port = 8999, .announce_ms = 400, .confirm_ms = 10000,
};

static const char *two[] = {"10.0.0.2", "10.0.0.3"}, *one[] = {"10.0.0.4"};

static struct traffic service(const char *project, const char *name, const char *rollout)
{
	return (struct traffic){.project = project, .service = name, .rollout = rollout,
		.stable = {"aaaa", two, 2}, .next = {"bbbb", one, 1}};
}

/* http.conf, or with a name another file of the generation; "" when there is none. */
static struct buf render_file(const struct topology *t, const char *name)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct buf out = BUF_INIT(NGINX_TEXT_MAX);
	struct config c;
	struct err e;
	CHECK_INT(config_render(&settings, t, &a, &c, &e), 0);
	for (size_t i = 0; i < c.count; i++)
		if (strcmp(c.files[i].name, name) == 0)
			buf_puts(&out, c.files[i].text);
	return out;
}

static struct buf render(const struct topology *t)
{
	return render_file(t, "http.conf");
}

/* All requests of a host to one service. */
static struct route route_to(const char *host, const char *project, const char *name, int port)
{
	return (struct route){.host = host, .path = "/", .project = project, .service = name, .port = port, .weight = 100};
}

/* --- the text --- */

static void golden(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct traffic services[] = {service("shop", "web", "r1"), service("shop", "api", "")};
	services[1].next = (struct side){.revision = ""};
	struct route api = route_to("shop.example.com", "shop", "api", 80), deep = route_to("shop.example.com", "shop", "web", 8080);
	struct route split[] = {route_to("split.example.com", "shop", "web", 8080), route_to("split.example.com", "shop", "api", 80)};
	struct route own = route_to("backend", "shop", "web", 8080), own_api = route_to("backend", "shop", "api", 80);
	api.path = "/api";
	deep.path = "/api/v2";
	split[0].weight = 75;
	split[1].weight = 25;
	own.is_upstream = own_api.is_upstream = true;
	own_api.path = "/api";
	struct route routes[] = {route_to("shop.example.com", "shop", "web", 8080), route_to("_", "shop", "api", 80),
		route_to("gone.example.com", "shop", "gone", 80), api, deep, split[0], split[1], own, own_api};
	struct topology t = {routes, ARRAY_LEN(routes), services, ARRAY_LEN(services)};
	static const char *const names[] = {"http.conf", "location-backend.conf"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(buf_done) struct buf text = render_file(&t, names[i]);
		const char *golden_file = arena_printf(&a, "%s-%s", GOLDEN, names[i]);
		struct err e;
		char *want;
		if (getenv("UPDATE_GOLDEN"))
			CHECK_INT(fs_write(golden_file, text.text, text.length, 0644, &e), 0);
		CHECK_INT(fs_read(golden_file, NGINX_TEXT_MAX, &a, &want, NULL, &e), 0);
		CHECK_STR(text.text, want);
	}
}

static void upstreams_are_shared_by_routes(void)
{
	struct traffic s = service("shop", "web", "r1");
	struct route routes[] = {route_to("a", "shop", "web", 80),
		route_to("b", "shop", "web", 80),
		route_to("c", "shop", "web", 81)};
	struct topology t = {routes, 3, &s, 1};
	CLEANUP(buf_done) struct buf text = render(&t);
	int count = 0;
	for (const char *at = text.text; (at = strstr(at, "\nupstream ")); at++)
		count++;
	CHECK_INT(count, 8);
	CHECK_CONTAINS(text.text, "upstream shop.web.81.stable_both { server 10.0.0.2:81 max_fails=0; server 10.0.0.3:81 "
	               "max_fails=0; server 10.0.0.4:81 max_fails=0 backup; }\n");
}

/* Each side at its own port, also where it stands in for the other; a port in the address is the one that counts. */
static void sides_have_their_own_ports(void)
{
	const char *published[] = {"127.0.0.1:20000"};
	struct traffic s = service("shop", "web", "r1");
	struct route routes[] = {route_to("a", "shop", "web", 8080), route_to("b", "shop", "web", 8080), route_to("c", "shop", "web", 8080)};
	struct topology t = {routes, ARRAY_LEN(routes), &s, 1};
	routes[0].next_port = routes[1].next_port = 9090;
	CLEANUP(buf_done) struct buf text = render(&t);
	CHECK_CONTAINS(text.text, "# route a shop web 8080/9090 / 100\n");
	CHECK_CONTAINS(text.text, "upstream shop.web.8080-9090.stable { server 10.0.0.2:8080 max_fails=0; server 10.0.0.3:8080 max_fails=0; }\n"
	               "upstream shop.web.8080-9090.next { server 10.0.0.4:9090 max_fails=0; }\n"
	               "upstream shop.web.8080-9090.stable_both { server 10.0.0.2:8080 max_fails=0; server 10.0.0.3:8080 max_fails=0; "
	               "server 10.0.0.4:9090 max_fails=0 backup; }\n"
	               "upstream shop.web.8080-9090.next_both { server 10.0.0.4:9090 max_fails=0; server 10.0.0.2:8080 max_fails=0 backup; "
	               "server 10.0.0.3:8080 max_fails=0 backup; }\n");
	CHECK_CONTAINS(text.text, "proxy_pass http://shop.web.8080-9090.$reconcile_side;");
	CHECK_CONTAINS(text.text, "upstream shop.web.8080.next { server 10.0.0.4:8080 max_fails=0; }\n");
	s.next = (struct side){"bbbb", published, 1};
	CLEANUP(buf_done) struct buf loopback = render(&t);
	CHECK_CONTAINS(loopback.text, "upstream shop.web.8080-9090.next { server 127.0.0.1:20000 max_fails=0; }\n");
}

static void empty_sides(void)
{
	struct traffic s = service("shop", "web", "r1");
	struct route r = route_to("a", "shop", "web", 80);
	struct topology t = {&r, 1, &s, 1};
	s.stable = (struct side){.revision = ""};
	CLEANUP(buf_done) struct buf no_stable = render(&t);
	CHECK(!strstr(no_stable.text, "upstream shop.web.80.stable {"));
	CHECK_CONTAINS(no_stable.text, "upstream shop.web.80.stable_both { server 10.0.0.4:80 max_fails=0; }\n");
	CHECK_CONTAINS(no_stable.text, "if ($reconcile_side = stable) { add_header Retry-After 5 always; return 503; }");
	s = service("shop", "web", "r1");
	s.next.addresses_count = 0; /* announced, nobody there yet: it cannot be reached, whatever the flags say */
	CLEANUP(buf_done) struct buf no_next = render(&t);
	CHECK(!strstr(no_next.text, ".next"));
	CHECK(!strstr(no_next.text, "-f /var/lib/reconcile/nginx/traffic"));
	CHECK_CONTAINS(no_next.text, "proxy_pass http://shop.web.80.stable;");
	s.stable.addresses_count = 0;
	CLEANUP(buf_done) struct buf nobody = render(&t);
	CHECK(!strstr(nobody.text, "\nupstream "));
	CHECK_CONTAINS(nobody.text, "location / { add_header Retry-After 5 always; return 503; }");
}

/* --- back from the text --- */

static unsigned seed;
static unsigned draw(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % below;
}

static const char *random_word(struct arena *a, const char *letters, unsigned longest)
{
	size_t n = 1 + draw(longest);
	char *s = arena_alloc(a, n + 1);
	for (size_t i = 0; i < n; i++)
		s[i] = letters[draw((unsigned)strlen(letters))];
	return s;
}

static struct side random_side(struct arena *a)
{
	struct side side = {.revision = draw(4) ? random_word(a, "0123456789abcdef", 16) : ""};
	for (unsigned i = draw(5); i > 0; i--) {
		const char *address = arena_printf(a, "10.%u.%u.%u", draw(256), draw(256), draw(256));
		*ARENA_PUSH(a, side.addresses, side.addresses_count) = address;
	}
	return side;
}

static void random_topology(struct arena *a, struct topology *t)
{
	*t = (struct topology){0};
	for (unsigned i = draw(6); i > 0; i--) {
		struct traffic s = {.project = random_word(a, "abcdefghijklmnopqrstuvwxyz0123456789_-", 12),
			.service = random_word(a, "abcXYZ0123456789_-", 12),
			.rollout = draw(3) ? random_word(a, "abcdefghijklmnopqrstuvwxyz0123456789", 16) : ""};
		s.stable = random_side(a);
		s.next = random_side(a);
		*ARENA_PUSH(a, t->services, t->services_count) = s;
	}
	for (unsigned i = draw(8); i > 0 && t->services_count; i--) {
		const struct traffic *s = &t->services[draw((unsigned)t->services_count)];
		struct route r = {.host = draw(9) ? random_word(a, "abcdefgh0123456789.-", 30) : "_", .path = "/",
			.project = s->project, .service = s->service, .port = 1 + (int)draw(65535), .weight = (int)draw(101)};
		if (draw(2))
			r.path = arena_printf(a, "/%s/%s", random_word(a, "abc0~_-", 5), random_word(a, "xyz", 5));
		r.next_port = draw(3) ? 0 : 1 + (int)draw(65535);
		r.in.split = draw(2) ? NULL : draw(3) ? arena_printf(a, "cookie:%s", random_word(a, "abAB01_", 64)) : "address";
		r.in.testers = draw(2) ? NULL : arena_printf(a, "header:%s", random_word(a, "abAB01-", 64));
		r.is_upstream = draw(4) == 0;
		if (r.is_upstream)
			r.host = arena_printf(a, "u%s", random_word(a, "abcXYZ0123456789_-", 10));
		*ARENA_PUSH(a, t->routes, t->routes_count) = r;
	}
}

static bool same_side(const struct side *x, const struct side *y)
{
	if (strcmp(x->revision, y->revision) != 0 || x->addresses_count != y->addresses_count)
		return false;
	for (size_t i = 0; i < x->addresses_count; i++)
		if (strcmp(x->addresses[i], y->addresses[i]) != 0)
			return false;
	return true;
}

static bool same_topology(const struct topology *x, const struct topology *y)
{
	if (x->services_count != y->services_count || x->routes_count != y->routes_count)
		return false;
	for (size_t i = 0; i < x->services_count; i++) {
		const struct traffic *s = &x->services[i], *o = &y->services[i];
		if (strcmp(s->project, o->project) != 0 || strcmp(s->service, o->service) != 0 ||
		    strcmp(s->rollout, o->rollout) != 0 || !same_side(&s->stable, &o->stable) || !same_side(&s->next, &o->next))
			return false;
	}
	for (size_t i = 0; i < x->routes_count; i++) {
		const struct route *r = &x->routes[i], *o = &y->routes[i];
		if (!route_is_same_way(r, o) || r->weight != o->weight || strcmp(r->project, o->project) != 0 || strcmp(r->service, o->service) != 0 ||
		    r->port != o->port || r->next_port != o->next_port || !intake_equal(&r->in, &o->in))
			return false;
	}
	return true;
}

static void every_topology_comes_back(void)
{
	seed = 20250101;
	for (int i = 0; i < 300; i++) {
		CLEANUP(arena_done) struct arena a = {0};
		struct topology t, back;
		random_topology(&a, &t);
		CLEANUP(buf_done) struct buf text = render(&t);
		CHECK(config_is_intact(text.text));
		config_read(text.text, &a, &back);
		CHECK(same_topology(&t, &back));
		CLEANUP(buf_done) struct buf again = render(&back);
		CHECK_STR(again.text, text.text);
	}
}

static void a_changed_text_is_noticed(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct traffic s = service("shop", "web", "r1");
	struct route r = route_to("shop.example.com", "shop", "web", 80);
	struct topology t = {&r, 1, &s, 1}, back;
	CLEANUP(buf_done) struct buf text = render(&t);
	CHECK(config_is_intact(text.text));
	/* Any one byte anywhere. */
	for (size_t i = 0; i < text.length; i += 61) {
		CLEANUP(arena_done) struct arena scratch = {0};
		char *changed = arena_strdup(&scratch, text.text);
		changed[i] ^= 1;
		CHECK(!config_is_intact(changed));
	}
	char *longer = arena_printf(&a, "%s# more\n", text.text);
	CHECK(!config_is_intact(longer));
	/* The id that nginx would answer counts too. */
	char *other = arena_strdup(&a, text.text);
	memcpy(strstr(other, "return 200 \"") + 12, "0123456789abcdef", 16);
	CHECK(!config_is_intact(other));
	CHECK(!config_is_intact("events {}\n"));
	CHECK(!config_is_intact(""));
	/* What it carries can be told all the same. */
	config_read(longer, &a, &back);
	CHECK(same_topology(&t, &back));
}

/* --- nothing escapes --- */

static const char *const evil[] = {
	"x;", "x}", "x{", "x y", "x\ny", "x\"", "x'", "x$host", "x\\", "x#", "../x", "..", ".", "x/y", "", "x\t", "x\r",
	"a; } server { listen 1; }", "x(", "x|", "x,10.0.0.9", "x=y", "\xc3\xa4", "~^(.*)$", "x%0a", NULL,
};

/* With what is evil in one place, the text is as if what carries it were not there. */
static void nothing_escapes(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	for (size_t i = 0; i < ARRAY_LEN(evil); i++) {
		const char *bad = evil[i];
		struct traffic good = service("shop", "web", "r1");
		struct route route = route_to("a", "shop", "web", 80);
		struct topology empty = {0}, routed = {&route, 1, NULL, 0};
		CLEANUP(buf_done) struct buf nothing = render(&empty);
		CLEANUP(buf_done) struct buf only_route = render(&routed);
		struct traffic services[] = {good, good, good, good, good};
		services[0].project = services[1].service = services[2].rollout = bad;
		services[3].stable.revision = services[4].next.revision = bad;
		for (size_t k = 0; k < ARRAY_LEN(services); k++) {
			if (k >= 2 && bad && !*bad)
				continue; /* no rollout and no revision are fine */
			struct topology t = {&route, 1, &services[k], 1};
			CLEANUP(buf_done) struct buf text = render(&t);
			CHECK_STR(text.text, only_route.text);
		}
		struct route routes[] = {route, route, route, route, route, route};
		routes[0].host = routes[1].project = routes[2].service = routes[3].path = routes[4].host = bad;
		routes[4].is_upstream = true;
		routes[5].path = bad ? arena_printf(&a, "/%s", bad) : bad;
		for (size_t k = 0; k < ARRAY_LEN(routes); k++) {
			if (k == 0 && bad && (strcmp(bad, ".") == 0 || strcmp(bad, "..") == 0))
				continue; /* dots are no path in a host */
			if (k == 5 && bad && (!*bad || strcmp(bad, "x/y") == 0))
				continue; /* good paths */
			struct topology t = {&routes[k], 1, NULL, 0};
			CLEANUP(buf_done) struct buf text = render(&t);
			CHECK_STR(text.text, nothing.text);
		}
		const char *addresses[] = {"10.0.0.2", bad ? bad : "", "10.0.0.3"};
		struct traffic mixed = good;
		mixed.stable.addresses = addresses;
		mixed.stable.addresses_count = 3;
		struct topology t = {&route, 1, &mixed, 1}, want = {&route, 1, &good, 1};
		CLEANUP(buf_done) struct buf text = render(&t);
		CLEANUP(buf_done) struct buf wanted = render(&want);
		CHECK_STR(text.text, wanted.text);
	}
}

static void settings_are_checked(void)
{
	struct err e;
	CLEANUP(arena_done) struct arena a = {0};
	struct config out;
	struct topology t = {0};
	struct nginx_settings s = settings;
	s.directory = "/var/lib/re concile";
	CHECK_INT(config_check_settings(&s, &e), -1);
	CHECK_STR(e.message, "nginx directory '/var/lib/re concile': wanted an absolute path of letters, digits, '.', '_', '-'");
	CHECK_INT(config_render(&s, &t, &a, &out, &e), -1);
	CHECK_INT(e.kind, ERR_INVALID);
	s = settings;
	s.listen = "80; include /etc/shadow";
	CHECK_INT(config_check_settings(&s, &e), -1);
	CHECK_STR(e.message, "nginx listen '80; include /etc/shadow': wanted a port or address:port");
	s = settings;
	s.status_port = 0;
	CHECK_INT(config_check_settings(&s, &e), -1);
	CHECK_STR(e.message, "nginx status port 0: wanted 1 to 65535");
	CHECK_INT(config_check_settings(&settings, &e), 0);
}

/* --- weights --- */

static void buckets_are_a_permutation(void)
{
	bool seen[PERMILLE] = {0};
	for (int rank = 0; rank < PERMILLE; rank++) {
		int bucket = traffic_bucket(rank);
		CHECK(bucket >= 0 && bucket < PERMILLE && !seen[bucket]);
		if (bucket >= 0 && bucket < PERMILLE)
			seen[bucket] = true;
	}
}

static char folder[64];

static struct nginx_settings in_folder(void)
{
	struct nginx_settings s = settings;
	snprintf(folder, sizeof folder, "/tmp/reconcile-nginx-XXXXXX");
	CHECK(mkdtemp(folder));
	s.directory = folder;
	return s;
}

static void done_with_folder(void)
{
	struct err e;
	CHECK_INT(fs_remove_tree(folder, &e), 0);
}

static int count_entries(const char *path)
{
	int n = 0;
	DIR *d = opendir(path);
	for (struct dirent *entry; d && (entry = readdir(d));)
		n += entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static void weights_grow_and_fall(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct nginx_settings s = in_folder();
	struct traffic t = service("shop", "web", "r1");
	struct err e;
	static const struct {
		int weight;
		bool to_testers;
	} rows[] = {{0, false}, {0, true}, {1, false}, {50, false}, {250, false}, {1000, false}, {250, false}, {0, true}, {0, false}};
	CHECK_INT(nginx_prepare(&s, &e), 0);
	traffic_read(&s, &a, &t);
	CHECK_INT(t.weight, 0);
	CHECK_INT(t.weight_since_ms, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int weight = rows[i].weight;
		bool has_testers = weight > 0 || rows[i].to_testers;
		CHECK_INT(traffic_write(&s, &a, &t, weight, rows[i].to_testers, &e), 0);
		traffic_read(&s, &a, &t);
		CHECK_INT(t.weight, weight);
		CHECK_INT(t.to_testers, rows[i].to_testers);
		CHECK(!t.is_damaged);
		CHECK(t.weight_since_ms > 0);
		CHECK_INT(count_entries(traffic_path(&s, &a, &t, "/now")), weight + has_testers);
		CHECK_INT(fs_exists(traffic_path(&s, &a, &t, "/now/testers")), has_testers);
		CHECK_INT(fs_exists(traffic_path(&s, &a, &t, "/both")), weight > 0);
		for (int rank = 0; rank < weight; rank++) /* who is in at a small weight is in at every larger one */
			CHECK(fs_exists(arena_printf(&a, "%s/%d", traffic_path(&s, &a, &t, "/now"), traffic_bucket(rank))));
	}
	done_with_folder();
}

static void a_damaged_set_is_built_again(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct nginx_settings s = in_folder();
	struct traffic t = service("shop", "web", "r1");
	struct err e;
	CHECK_INT(nginx_prepare(&s, &e), 0);
	CHECK_INT(traffic_write(&s, &a, &t, 10, false, &e), 0);
	const char *now = traffic_path(&s, &a, &t, "/now");
	CHECK_INT(unlink(arena_printf(&a, "%s/%d", now, traffic_bucket(3))), 0);
	CHECK_INT(fs_write(arena_printf(&a, "%s/stranger", now), "", 0, 0644, &e), 0);
	CHECK_INT(traffic_write(&s, &a, &t, 10, false, &e), 0);
	CHECK_INT(count_entries(now), 11);
	CHECK(fs_exists(arena_printf(&a, "%s/%d", now, traffic_bucket(3))));
	CHECK_INT(count_entries(arena_printf(&a, "%s/sets", s.directory)), 1);
	done_with_folder();
}

/* Each is what somebody might do by hand; written again, it is as it was. */
static void changed_flags_are_noticed(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct nginx_settings s = in_folder();
	struct traffic t = service("shop", "web", "r1");
	struct err e;
	CHECK_INT(nginx_prepare(&s, &e), 0);
	traffic_read(&s, &a, &t);
	CHECK(!t.is_damaged); /* never anything */
	const char *now = traffic_path(&s, &a, &t, "/now"), *both = traffic_path(&s, &a, &t, "/both");
	for (int row = 0; row < 7; row++) {
		CHECK_INT(traffic_write(&s, &a, &t, 10, false, &e), 0);
		traffic_read(&s, &a, &t);
		CHECK(!t.is_damaged);
		int64_t since_ms = t.weight_since_ms;
		switch (row) {
		case 0: CHECK_INT(unlink(arena_printf(&a, "%s/%d", now, traffic_bucket(3))), 0); break;
		case 1: CHECK_INT(fs_write(arena_printf(&a, "%s/%d", now, traffic_bucket(10)), "", 0, 0644, &e), 0); break;
		case 2: CHECK_INT(fs_write(arena_printf(&a, "%s/stranger", now), "", 0, 0644, &e), 0); break;
		case 3: CHECK_INT(unlink(both), 0); break;
		case 4: CHECK_INT(unlink(arena_printf(&a, "%s/testers", now)), 0); break; /* as a version before there was that file */
		case 5: CHECK_INT(unlink(now), 0); break;
		case 6: CHECK(unlink(now) == 0 && fs_mkdir(now, 0755, &e) == 0); break;
		}
		traffic_read(&s, &a, &t);
		CHECK(t.is_damaged);
		CHECK_INT(t.weight, row < 5 ? 10 : 0);
		CHECK_INT(traffic_write(&s, &a, &t, 10, false, &e), 0);
		traffic_read(&s, &a, &t);
		CHECK(!t.is_damaged && t.weight == 10);
		CHECK(row >= 5 || t.weight_since_ms == since_ms); /* a repair is no change of the weight */
	}
	CHECK_INT(traffic_write(&s, &a, &t, 0, false, &e), 0);
	CHECK_INT(fs_write(both, "", 0, 0644, &e), 0);
	traffic_read(&s, &a, &t);
	CHECK(t.is_damaged);
	done_with_folder();
}

static void links_that_are_not_ours_weigh_nothing(void)
{
	static const char *const targets[] = {"../../../../sets/abc", "../../../../sets/", "../../../../sets/1001", "/etc", "250",
		"../../../../sets/25x", "../../../../sets/-1"};
	CLEANUP(arena_done) struct arena a = {0};
	struct nginx_settings s = in_folder();
	struct traffic t = service("shop", "web", "r1");
	struct err e;
	CHECK_INT(nginx_prepare(&s, &e), 0);
	CHECK_INT(fs_mkdir(traffic_path(&s, &a, &t, ""), 0755, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		t.weight = 7;
		CHECK_INT(fs_symlink(targets[i], traffic_path(&s, &a, &t, "/now"), &e), 0);
		traffic_read(&s, &a, &t);
		CHECK_INT(t.weight, 0);
	}
	done_with_folder();
}

static void dead_rollouts_are_swept(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct nginx_settings s = in_folder();
	struct traffic old = service("shop", "web", "r1"), live = service("shop", "web", "r2"), other = service("blog", "web", "r1");
	struct topology installed = {NULL, 0, &live, 1}, none = {0};
	struct err e;
	CHECK_INT(nginx_prepare(&s, &e), 0);
	CHECK_INT(traffic_write(&s, &a, &old, 1000, false, &e), 0);
	CHECK_INT(traffic_write(&s, &a, &live, 1000, false, &e), 0);
	CHECK_INT(traffic_write(&s, &a, &other, 1000, false, &e), 0);
	CHECK_INT(traffic_sweep(&s, &a, &installed, &none, &e), 0);
	CHECK(!fs_exists(traffic_path(&s, &a, &old, "")));
	CHECK(!fs_exists(arena_printf(&a, "%s/traffic/blog", s.directory)));
	traffic_read(&s, &a, &live);
	CHECK_INT(live.weight, 1000);
	CHECK_INT(count_entries(arena_printf(&a, "%s/sets/1000", s.directory)), 1001); /* the set was only linked */
	CHECK_INT(traffic_forget(&s, &a, &live, &e), 0);
	traffic_read(&s, &a, &live);
	CHECK_INT(live.weight, 0);
	done_with_folder();
}

/* --- with nginx down --- */

/* Nothing can be written: the way back still works, the way forward says so. */
static void traffic_goes_back_on_a_full_disk(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct nginx_settings s = in_folder();
	struct traffic t = service("shop", "web", "r1");
	struct err e;
	CHECK_INT(nginx_prepare(&s, &e), 0);
	CHECK_INT(traffic_write(&s, &a, &t, PERMILLE, false, &e), 0);
	/* Sets that cannot be made stand for a disk without room: root may write anywhere else. */
	const char *sets = arena_printf(&a, "%s/sets", s.directory);
	CHECK_INT(rename(sets, arena_printf(&a, "%s/aside", s.directory)), 0);
	CHECK_INT(fs_write(sets, "", 0, 0644, &e), 0);
	CHECK_INT(traffic_write(&s, &a, &t, 500, false, &e), -1);
	CHECK_INT(traffic_write(&s, &a, &t, 0, false, &e), 0);
	traffic_read(&s, &a, &t);
	CHECK_INT(t.weight, 0);
	CHECK(!fs_exists(traffic_path(&s, &a, &t, "/now")) && !fs_exists(traffic_path(&s, &a, &t, "/both")));
	done_with_folder();
}

static void what_a_kill_left_is_swept(void)
{
	struct nginx_settings s = in_folder();
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	static const char *const names[] = {"live.tmp-123", "close.tmp-4", "close.tmp-", "mine.tmp-4x"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		CHECK_INT(fs_write(arena_printf(&a, "%s/%s", s.directory, names[i]), "", 0, 0644, &e), 0);
	CHECK_INT(nginx_prepare(&s, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		CHECK_INT(fs_exists(arena_printf(&a, "%s/%s", s.directory, names[i])), i >= 2);
	/* A configuration that was to be tested, and that nobody wants any more. */
	const char *candidate = arena_printf(&a, "%s/generations/.candidate", s.directory);
	CHECK_INT(fs_mkdir(candidate, 0755, &e), 0);
	CHECK_INT(fs_write(arena_printf(&a, "%s/http.conf.tmp-5", candidate), "", 0, 0644, &e), 0);
	CHECK_INT(nginx_prepare(&s, &e), 0);
	CHECK(!fs_exists(candidate));
	done_with_folder();
}

static void a_missing_nginx_is_told(void)
{
	CLEANUP(arena_done) struct arena a = {0};
	CLEANUP(http_freep) struct http *http = NULL;
	struct nginx_settings s = in_folder();
	struct traffic t = service("shop", "web", "r1");
	struct topology topology = {NULL, 0, &t, 1};
	struct action publish = {.kind = ACTION_PUBLISH, .topology = &topology};
	struct action stop = {.kind = ACTION_STOP};
	struct nginx seen;
	struct err e;
	CHECK_INT(http_open(&http, &e), 0);
	CHECK_INT(nginx_act(&s, http, &publish, &e), -1);
	CHECK_INT(e.kind, ERR_UNREACHABLE);
	CHECK_STR(e.message, "nginx is not running: /nonexistent/nginx.pid: No such file or directory");
	CHECK_INT(count_entries(s.directory), 0); /* nothing was changed */
	CHECK_INT(nginx_act(&s, http, &stop, &e), -1);
	CHECK_STR(e.message, "nginx cannot stop");
	CHECK_INT(nginx_prepare(&s, &e), 0);
	CHECK_INT(nginx_observe(&s, http, &a, &seen, &e), 0);
	CHECK(!seen.is_up && !seen.is_current && !seen.is_announcing && seen.installed_ms > 0);
	CHECK_STR(seen.problem, "nginx is not running: /nonexistent/nginx.pid: No such file or directory");
	/* A stale pid file that names somebody else: us. */
	char pid[32];
	int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	s.pid_file = arena_printf(&a, "%s/nginx.pid", folder);
	CHECK_INT(fs_write(s.pid_file, pid, (size_t)n, 0644, &e), 0);
	CHECK_INT(master_find(&s, &e), -1);
	CHECK_STR(e.message, arena_printf(&a, "nginx is not running: %s names process %d, which is no nginx master",
	                                  s.pid_file, (int)getpid()));
	done_with_folder();
}

static const struct test tests[] = {
	TEST(golden), TEST(upstreams_are_shared_by_routes), TEST(sides_have_their_own_ports), TEST(empty_sides), TEST(every_topology_comes_back),
	TEST(a_changed_text_is_noticed), TEST(nothing_escapes), TEST(settings_are_checked), TEST(buckets_are_a_permutation),
	TEST(weights_grow_and_fall), TEST(a_damaged_set_is_built_again), TEST(changed_flags_are_noticed),
	TEST(links_that_are_not_ours_weigh_nothing),
	TEST(dead_rollouts_are_swept), TEST(traffic_goes_back_on_a_full_disk), TEST(what_a_kill_left_is_swept),
	TEST(a_missing_nginx_is_told),
};
TESTS_MAIN(tests)
