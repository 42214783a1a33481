/* nginx/: what is read from the log of requests, and the logs that our servers inherit. Without nginx itself. */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "nginx/access_log.h"
#include "nginx/internal.h"

#define T0 1763716000000LL /* when the weight was set */

/* --- one line --- */

static struct logged line_of(const char *text)
{
	struct logged l = {0};
	CHECK(logged_read(text, strlen(text), &l));
	return l;
}

static void a_line(void)
{
	struct logged l = line_of("1763716493.123;shop/web/r1;10.0.0.4:8080, 10.0.0.2:8080 : 10.0.0.3:8080;502, 200 : -;-, 0.004 : -;0.012");
	CHECK(l.ended_ms == 1763716493123);
	CHECK_INT(l.took_ms, 12);
	CHECK(l.rollout_length == 11 && strncmp(l.rollout, "shop/web/r1", 11) == 0);
	CHECK_INT(l.count, 3);
	CHECK(l.attempts[0].address_length == 13 && strncmp(l.attempts[0].address, "10.0.0.4:8080", 13) == 0);
	CHECK(l.attempts[0].status == 502 && l.attempts[0].header_ms < 0);
	CHECK(l.attempts[1].status == 200 && l.attempts[1].header_ms == 4);
	CHECK(l.attempts[2].status == 0 && l.attempts[2].header_ms < 0);
	CHECK_INT(line_of("1763716493.123;shop/web/r1;-;-;-;0.000").count, 0);
}

static void broken_lines(void)
{
	static const char *const broken[] = {
		"", ";", ";;;;;", "x", "1763716493.123", "1763716493.123;shop/web/r1;10.0.0.4:8080;200;0.004",
		"1763716493.123;shop/web/r1;10.0.0.4:8080;200;0.004;0.012;", "1763716493123;shop/web/r1;10.0.0.4:8080;200;0.004;0.012",
		"-1763716493.123;shop/web/r1;10.0.0.4:8080;200;0.004;0.012", "1763716493.123;a;10.0.0.4:8080;20;0.004;0.012",
		"1763716493.123;a;10.0.0.4:8080;2000;0.004;0.012", "1763716493.123;a;10.0.0.4:8080;2x0;0.004;0.012",
		"1763716493.123;a;10.0.0.4:8080, 10.0.0.2:8080;200;0.004;0.012", "1763716493.123;a;10.0.0.4:8080;200, 200;0.004;0.012",
		"1763716493.123;a;10.0.0.4:8080,;200,;0.004,;0.012", "1763716493.123;a;10.0.0.4:8080, ;200, ;0.004, ;0.012",
		"1763716493.123;a;10.0.0.4:8080;200;0.00;0.012", "1763716493.123;a;10.0.0.4:8080;200;0.004;",
		"1763716493.123;a;10.0.0.4:8080;200;0.004;99999999999999999.000", "1763716493.123;a;;;;0.000",
		"1763716493.123;a;10.0.0.4:8080 10.0.0.5:80;200 200;0.004 0.004;0.012",
	};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct logged l;
		bool is_read = logged_read(broken[i], strlen(broken[i]), &l);
		if (is_read)
			fprintf(stderr, "taken for a line: %s\n", broken[i]);
		CHECK(!is_read);
	}
}

static uint32_t seed = 20250101;
static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Whatever stands there: nothing outside is read (each text is its own allocation), and what is said to be read is sound. */
static void any_bytes(void)
{
	static const char good[] = "1763716493.123;shop/web/r1;10.0.0.4:8080, 10.0.0.2:8080;502, 200;-, 0.004;0.012";
	static const char likely[] = "0123456789.,;: -/ab\0\xff";
	for (int round = 0; round < 200000; round++) {
		size_t length = draw(8) ? sizeof good - 1 : draw(120);
		char *text = malloc(length ? length : 1);
		for (size_t i = 0; i < length; i++)
			text[i] = length == sizeof good - 1 ? good[i] : likely[draw(sizeof likely - 1)];
		for (uint32_t n = draw(4); n > 0 && length; n--)
			text[draw((uint32_t)length)] = likely[draw(sizeof likely - 1)];
		struct logged l;
		if (logged_read(text, draw(10) ? length : draw((uint32_t)length + 1), &l)) {
			CHECK(l.ended_ms >= 0 && l.took_ms >= 0 && l.count <= ATTEMPTS_MAX);
			for (size_t i = 0; i < l.count; i++) {
				CHECK(l.attempts[i].status == 0 || (l.attempts[i].status >= 100 && l.attempts[i].status <= 999));
				CHECK(l.attempts[i].address >= text && l.attempts[i].address + l.attempts[i].address_length <= text + length);
			}
		}
		free(text);
	}
}

static void more_attempts_than_are_kept(void)
{
	char text[4096];
	int n = snprintf(text, sizeof text, "1763716493.123;shop/web/r1;");
	static const char *const items[] = {"10.0.0.4:8080", "502", "-"};
	for (size_t list = 0; list < 3; list++)
		for (int i = 0; i < ATTEMPTS_MAX + 5; i++)
			n += snprintf(text + n, sizeof text - (size_t)n, "%s%s", items[list], i < ATTEMPTS_MAX + 4 ? ", " : ";");
	snprintf(text + n, sizeof text - (size_t)n, "0.012");
	CHECK_INT(line_of(text).count, ATTEMPTS_MAX);
}

static void what_an_attempt_is(void)
{
	static const struct {
		struct attempt at;
		int attempts, errors, failed, answered;
	} cases[] = {
		{{.status = 200, .header_ms = 4}, 1, 0, 0, 1},
		{{.status = 404, .header_ms = 4}, 1, 0, 0, 1},
		{{.status = 500, .header_ms = 4}, 1, 1, 0, 1},
		{{.status = 502, .header_ms = 4}, 1, 1, 0, 1},  /* the application's own */
		{{.status = 502, .header_ms = -1}, 1, 1, 1, 0}, /* nginx's */
		{{.status = 504, .header_ms = -1}, 1, 1, 1, 0},
		{{.status = 101, .header_ms = 4}, 0, 0, 0, 0},
		{{.status = 499, .header_ms = -1}, 0, 0, 0, 0},
		{{.status = 0, .header_ms = -1}, 0, 0, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct seen s = {0};
		seen_attempt(&s, &cases[i].at, true);
		CHECK_INT(s.attempts, cases[i].attempts);
		CHECK_INT(s.errors, cases[i].errors);
		CHECK_INT(s.failed, cases[i].failed);
		CHECK_INT(s.latency[evidence_bucket_of(4)], cases[i].answered);
		seen_attempt(&s, &cases[i].at, false);
		CHECK_INT(s.attempts, 2 * cases[i].attempts);
		CHECK_INT(s.latency[evidence_bucket_of(4)], cases[i].answered);
	}
}

/* --- a log that grows --- */

struct room {
	struct arena arena;
	char folder[64];
	struct nginx_settings settings;
	struct traffic service;
	struct topology topology;
	struct access_log log;
	struct evidence *rows;
	size_t count;
	int64_t now_ms;
};

static const char *stable[] = {"10.0.0.2", "10.0.0.3"}, *next[] = {"10.0.0.4"};

static void room_open(struct room *r)
{
	*r = (struct room){.folder = "/tmp/rec-log-XXXXXX", .now_ms = T0};
	CHECK(mkdtemp(r->folder));
	r->settings = (struct nginx_settings){.directory = r->folder, .pid_file = "/nonexistent", .config = "/etc/nginx/nginx.conf"};
	r->service = (struct traffic){.project = "shop", .service = "web", .rollout = "r1", .stable = {"aaaa", stable, 2},
		.next = {"bbbb", next, 1}, .weight = 50, .weight_since_ms = T0};
	r->topology = (struct topology){.services = &r->service, .services_count = 1};
	r->log = (struct access_log){.settings = &r->settings, .arena = &r->arena};
}

static void room_close(struct room *r)
{
	struct err e;
	CHECK_INT(fs_remove_tree(r->folder, &e), 0);
	arena_done(&r->arena);
}

static const char *in_room(struct room *r, const char *name)
{
	return arena_printf(&r->arena, "%s/%s", r->folder, name);
}

static void append(struct room *r, const char *text)
{
	CLEANUP(fd_close) int fd = open(in_room(r, ACCESS_LOG_NAME), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* A request that began so long after T0, and took a second. */
static void asked(struct room *r, double after_s, const char *address, int status)
{
	append(r, arena_printf(&r->arena, "%.3f;shop/web/r1;%s;%d;0.100;1.000\n", (double)T0 / 1000 + after_s + 1, address, status));
}

static void look(struct room *r, int64_t after_ms)
{
	r->now_ms = T0 + after_ms;
	access_log_read(&r->log, &r->topology, r->now_ms, &r->arena, &r->rows, &r->count);
}

/* Another process, which knows what is on disk. */
static void start_again(struct room *r)
{
	r->log = (struct access_log){.settings = &r->settings, .arena = &r->arena};
}

#define NEXT_OF(r, i) ((i) < (r)->count ? (r)->rows[i].next.attempts : -1)
#define STABLE_OF(r, i) ((i) < (r)->count ? (r)->rows[i].stable.attempts : -1)

static void sides_by_address(void)
{
	struct room r;
	room_open(&r);
	append(&r, "");
	look(&r, 0);
	asked(&r, 2, "10.0.0.4:8080", 500);
	asked(&r, 2, "10.0.0.2:8080", 200);
	asked(&r, 2, "10.0.0.3:8080", 503);
	asked(&r, 2, "10.0.0.30:8080", 200); /* nobody's */
	append(&r, "1763716010.000;shop/web/r1;10.0.0.4:8080, 10.0.0.2:8080;502, 200;-, 0.004;0.012\n"
	           "1763716010.000;shop/web/r2;10.0.0.4:8080;502;-;0.012\n1763716010.000;shop/web;10.0.0.4:8080;502;-;0.012\n"
	           "1763716010.000;shop/web/r1x;10.0.0.4:8080;502;-;0.012\n");
	look(&r, 20000);
	CHECK_INT(r.count, 1);
	CHECK(r.rows[0].from_ms == T0 && r.rows[0].to_ms == T0 + 20000);
	CHECK_INT(r.rows[0].weight, 50);
	CHECK_STR(r.rows[0].revision, "bbbb");
	CHECK_INT(r.rows[0].next.attempts, 2);
	CHECK_INT(r.rows[0].next.errors, 2);
	CHECK_INT(r.rows[0].next.failed, 1);
	CHECK_INT(r.rows[0].stable.attempts, 3);
	CHECK_INT(r.rows[0].stable.errors, 1);
	room_close(&r);
}

/* Published ports: the address has its port already, and another one's may begin with it. */
static void sides_by_port(void)
{
	struct room r;
	room_open(&r);
	static const char *port[] = {"127.0.0.1:4000"};
	r.service.next.addresses = port;
	append(&r, "");
	look(&r, 0);
	asked(&r, 2, "127.0.0.1:4000", 200);
	asked(&r, 2, "127.0.0.1:40001", 200);
	look(&r, 20000);
	CHECK_INT(NEXT_OF(&r, 0), 1);
	room_close(&r);
}

static void weights_by_time(void)
{
	struct room r;
	room_open(&r);
	append(&r, "");
	look(&r, 0);
	asked(&r, 0.5, "10.0.0.4:8080", 200);  /* less than a second after the shift */
	asked(&r, 1.5, "10.0.0.4:8080", 200);
	look(&r, 5000);
	CHECK_INT(NEXT_OF(&r, 0), 1);
	r.service.weight = 250;
	r.service.weight_since_ms = T0 + 60000;
	asked(&r, 58, "10.0.0.4:8080", 500);
	asked(&r, 59.5, "10.0.0.4:8080", 200); /* less than a second before the next one */
	asked(&r, 60.5, "10.0.0.4:8080", 200);
	look(&r, 62000);
	asked(&r, 62, "10.0.0.4:8080", 200);
	asked(&r, 57, "10.0.0.4:8080", 200);   /* written late */
	look(&r, 65000);
	CHECK_INT(r.count, 2);
	CHECK_INT(NEXT_OF(&r, 0), 3);
	CHECK_INT(NEXT_OF(&r, 1), 1);
	CHECK_INT(r.rows[0].weight, 50);
	CHECK_INT(r.rows[1].weight, 250);
	CHECK(r.rows[0].to_ms == T0 + 60000 && r.rows[1].from_ms == T0 + 60000);
	/* Another rollout knows nothing of this one. */
	r.service.rollout = "r2";
	r.service.weight_since_ms = T0 + 70000;
	look(&r, 71000);
	CHECK_INT(r.count, 1);
	CHECK_INT(NEXT_OF(&r, 0), 0);
	room_close(&r);
}

static void latency_is_of_warm_ones(void)
{
	struct room r;
	room_open(&r);
	append(&r, "");
	look(&r, 0);
	asked(&r, 9, "10.0.0.4:8080", 200);
	asked(&r, 11, "10.0.0.4:8080", 200);
	look(&r, 20000);
	CHECK_INT(NEXT_OF(&r, 0), 2);
	CHECK_INT(r.rows[0].next.latency[evidence_bucket_of(100)], 1);
	room_close(&r);
}

static void half_lines_wait_and_broken_ones_are_skipped(void)
{
	struct room r;
	room_open(&r);
	append(&r, "");
	look(&r, 0);
	append(&r, "1763716010.000;shop/web/r1;10.0.0.4:80");
	look(&r, 10500);
	CHECK_INT(NEXT_OF(&r, 0), 0);
	append(&r, "80;200;0.004;0.012\nnonsense\n1763716010.000;shop/web/r1;10.0.0.4:8080;200;0.004;0.012\n");
	look(&r, 11000);
	CHECK_INT(NEXT_OF(&r, 0), 2);
	CHECK_INT(r.log.broken_lines, 1);
	char *endless = arena_alloc(&r.arena, 40001);
	memset(endless, 'x', 40000);
	append(&r, endless);
	look(&r, 11200);
	append(&r, "\n1763716011.000;shop/web/r1;10.0.0.4:8080;200;0.004;0.012\n");
	look(&r, 12000);
	CHECK_INT(NEXT_OF(&r, 0), 3);
	room_close(&r);
}

static void a_new_process_goes_on(void)
{
	struct room r;
	room_open(&r);
	append(&r, "");
	look(&r, 0);
	access_log_keep(&r.log, r.now_ms);
	asked(&r, 2, "10.0.0.4:8080", 500);
	look(&r, 10000);
	access_log_keep(&r.log, r.now_ms);
	asked(&r, 12, "10.0.0.4:8080", 200);
	look(&r, 14000);
	access_log_keep(&r.log, r.now_ms); /* too soon: killed before it is written down */
	start_again(&r);
	asked(&r, 20, "10.0.0.2:8080", 200);
	look(&r, 400000);
	CHECK_INT(r.count, 1);
	CHECK_INT(NEXT_OF(&r, 0), 2);
	CHECK_INT(r.rows[0].next.errors, 1);
	CHECK_INT(r.rows[0].next.latency[evidence_bucket_of(100)], 1);
	CHECK_INT(STABLE_OF(&r, 0), 1);
	CHECK(r.rows[0].from_ms == T0);
	room_close(&r);
}

static void reading_changes_nothing(void)
{
	struct room r;
	room_open(&r);
	append(&r, "");
	look(&r, 0);
	asked(&r, 2, "10.0.0.4:8080", 500);
	look(&r, 10000);
	CHECK(!fs_exists(in_room(&r, "requests.seen")));
	room_close(&r);
}

static void what_was_read_is_freed(void)
{
	struct room r;
	struct stat before, after;
	room_open(&r);
	append(&r, "");
	look(&r, 0);
	for (int i = 0; i < 20000; i++)
		append(&r, "1763716010.000;shop/web/r1;10.0.0.4:8080;200;0.004;0.012\n");
	CHECK_INT(stat(in_room(&r, ACCESS_LOG_NAME), &before), 0);
	look(&r, 11000);
	access_log_keep(&r.log, r.now_ms);
	CHECK_INT(stat(in_room(&r, ACCESS_LOG_NAME), &after), 0);
	CHECK(after.st_size == before.st_size);
	CHECK(before.st_blocks > 1000 && after.st_blocks <= 16);
	append(&r, "1763716011.000;shop/web/r1;10.0.0.4:8080;200;0.004;0.012\n");
	look(&r, 12000);
	CHECK_INT(NEXT_OF(&r, 0), 20001);
	start_again(&r); /* from the sums */
	look(&r, 13000);
	CHECK_INT(NEXT_OF(&r, 0), 20001);
	/* Over: nothing stays. */
	r.service.next.addresses_count = 0;
	look(&r, 14000);
	access_log_keep(&r.log, r.now_ms);
	CHECK_INT(r.count, 0);
	CHECK(!fs_exists(in_room(&r, "requests.seen")));
	CHECK_INT(stat(in_room(&r, ACCESS_LOG_NAME), &after), 0);
	CHECK_INT(after.st_size, 0);
	room_close(&r);
}

/* What was counted stays, but nothing says that it was watched since. */
static void check_gap(struct room *r, int64_t at_ms)
{
	CHECK_INT(r->count, 2);
	CHECK_INT(NEXT_OF(r, 0), 1);
	CHECK(r->rows[0].to_ms == T0 + 10000);
	CHECK(r->rows[1].from_ms == T0 + at_ms);
	CHECK_INT(NEXT_OF(r, 1), 0);
	CHECK_INT(r->rows[1].weight, 50);
}

static void room_with_one(struct room *r)
{
	room_open(r);
	append(r, "");
	look(r, 0);
	asked(r, 2, "10.0.0.4:8080", 200);
	look(r, 10000);
	access_log_keep(&r->log, r->now_ms);
}

static void a_lost_log_is_a_gap(void)
{
	struct room r;
	struct err e;
	room_with_one(&r);
	CHECK_INT(truncate(in_room(&r, ACCESS_LOG_NAME), 3), 0);
	look(&r, 20000);
	check_gap(&r, 20000);
	room_close(&r);

	room_with_one(&r);
	CHECK_INT(unlink(in_room(&r, ACCESS_LOG_NAME)), 0);
	look(&r, 20000);
	check_gap(&r, 20000);
	asked(&r, 22, "10.0.0.4:8080", 200); /* brought back */
	look(&r, 24000);
	CHECK_INT(NEXT_OF(&r, 1), 1);
	room_close(&r);

	room_with_one(&r);
	CHECK_INT(fs_write(in_room(&r, ACCESS_LOG_NAME), "", 0, 0644, &e), 0);
	look(&r, 20000);
	check_gap(&r, 20000);
	room_close(&r);
}

static void sums_that_cannot_be_read(void)
{
	static const char *const texts[] = {"", "reconcile requests 1\n", "reconcile requests 1\n1 2 3\nrow shop web r1 bbbb 50\n",
		"reconcile requests 1\n1 2 3\nrow shop web r1 bbbb 50 0 0 0 0 1 1 1 999:1 .\n0 0 0 .\nend\n",
		"reconcile requests 1\n1 -2 3\nend\n", "reconcile requests 2\n1 2 3\nend\n", "\n\n\n\n"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct room r;
		struct err e;
		room_with_one(&r);
		CHECK_INT(fs_write(in_room(&r, "requests.seen"), texts[i], strlen(texts[i]), 0600, &e), 0);
		start_again(&r);
		look(&r, 20000);
		CHECK_INT(r.count, 1);
		CHECK_INT(NEXT_OF(&r, 0), 0); /* and not the line from before a second time */
		CHECK(r.rows[0].from_ms == T0 + 20000);
		room_close(&r);
	}
}

/* Any text: a crash, or numbers that cannot be, would be found here. */
static void any_sums(void)
{
	struct room r;
	struct err e;
	char *text;
	size_t length;
	room_with_one(&r);
	CHECK_INT(fs_read(in_room(&r, "requests.seen"), 1 << 20, &r.arena, &text, &length, &e), 0);
	log_set_level(LOG_ERROR);
	for (int round = 0; round < 3000; round++) {
		char *other = arena_strdup(&r.arena, text);
		for (uint32_t n = 1 + draw(3); n > 0; n--)
			other[draw((uint32_t)length)] = " \n0123456789:.-rowend"[draw(21)];
		CLEANUP(fd_close) int fd = open(in_room(&r, "requests.seen"), O_WRONLY | O_TRUNC | O_CLOEXEC);
		size_t kept = draw(3) ? length : draw((uint32_t)length);
		CHECK(write(fd, other, kept) == (ssize_t)kept);
		start_again(&r);
		look(&r, 20000);
		CHECK(r.count >= 1 && r.count <= 4);
		for (size_t i = 0; i < r.count; i++)
			CHECK(r.rows[i].next.attempts >= 0 && r.rows[i].weight <= PERMILLE);
	}
	room_close(&r);
}

static void a_long_hold_has_rows(void)
{
	struct room r;
	room_open(&r);
	append(&r, "");
	for (int64_t hour = 0; hour < 100; hour++) {
		look(&r, hour * 3600000);
		asked(&r, (double)hour * 3600 + 5, "10.0.0.4:8080", 200);
	}
	look(&r, 100 * 3600000LL - 1);
	CHECK(r.count > 40 && r.count <= 48);
	int64_t sum = 0;
	for (size_t i = 0; i < r.count; i++) {
		sum += r.rows[i].next.attempts;
		CHECK(i == 0 || r.rows[i].from_ms == r.rows[i - 1].to_ms);
	}
	CHECK_INT(sum, 100);
	room_close(&r);
}

/* --- logs of the user's own --- */

static const char *inherited_of(struct arena *a, const char *dump, bool *is_off)
{
	static const struct nginx_settings s = {.config = "/etc/nginx/nginx.conf", .directory = "/var/lib/reconcile/nginx"};
	struct inherited own;
	char *out = arena_strdup(a, "");
	inherited_read(&s, dump, a, &own);
	for (size_t i = 0; i < own.logs_count; i++)
		out = arena_printf(a, "%s%s|", out, own.logs[i]);
	*is_off = own.is_off;
	return out;
}

static void logs_of_the_http_block(void)
{
	static const struct {
		const char *dump, *want;
		bool is_off;
	} cases[] = {
		{"nginx: ok\n# configuration file /etc/nginx/nginx.conf:\nuser www;\nhttp {\n\taccess_log /var/log/a.log;\n}\n", "access_log /var/log/a.log|", false},
		{"# configuration file /etc/nginx/nginx.conf:\nhttp { server { access_log /var/log/a.log; } }\n", "", false},
		{"# configuration file /etc/nginx/nginx.conf:\nhttp { access_log off; }\n", "", true},
		{"# configuration file /etc/nginx/nginx.conf:\nhttp { # access_log /x;\n access_log  \"/var/log/a b;{.log\"\n  main buffer=4k; "
		 "log_format x '{$a;}'; map $a $b { default ''; } access_log /c; }\n",
		 "access_log  \"/var/log/a b;{.log\"   main buffer=4k|access_log /c|", false},
		{"# configuration file /etc/nginx/nginx.conf:\nhttp { include conf.d/*.conf; include /else; }\n"
		 "# configuration file /etc/nginx/conf.d/a.conf:\naccess_log /a;\nserver { access_log /no; }\n"
		 "# configuration file /etc/nginx/conf.d/deep/a.conf:\naccess_log /no;\n# configuration file /else:\naccess_log /b;\n",
		 "access_log /a|access_log /b|", false},
		{"# configuration file /etc/nginx/nginx.conf:\ninclude m.conf;\n# configuration file /etc/nginx/m.conf:\nhttp { access_log /a; }\nstream { access_log /no; }\n",
		 "access_log /a|", false},
		/* A format that is not known yet where ours is included. */
		{"# configuration file /etc/nginx/nginx.conf:\nhttp { access_log /a x; include /var/lib/reconcile/nginx/live/http*.conf; access_log /b y; access_log /c; }\n"
		 "# configuration file /var/lib/reconcile/nginx/live/http.conf:\nserver { access_log /no; }\n", "access_log /a x|access_log /c|", false},
		{"# configuration file /etc/nginx/nginx.conf:\nhttp { access_log /${host}.log; access_log /d", "access_log /${host}.log|", false},
		{"# configuration file /etc/nginx/nginx.conf:\nhttp { include nginx.conf; access_log /a; }\n", NULL, false}, /* only ends */
		{"", "", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(arena_done) struct arena a = {0};
		bool is_off;
		const char *got = inherited_of(&a, cases[i].dump, &is_off);
		if (cases[i].want)
			CHECK_STR(got, cases[i].want);
		CHECK_INT(is_off, cases[i].is_off);
	}
}

static void any_configuration(void)
{
	static const char *const words[] = {"http", "{", "}", ";", " ", "access_log", "include", "*", "nginx.conf", "\"", "'", "#", "\n", "\\", "$",
		"\n# configuration file /etc/nginx/nginx.conf:\n"};
	log_set_level(LOG_ERROR);
	for (int round = 0; round < 20000; round++) {
		CLEANUP(arena_done) struct arena a = {0};
		CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);
		bool is_off;
		buf_puts(&text, "# configuration file /etc/nginx/nginx.conf:\nhttp {");
		for (uint32_t n = draw(40); n > 0; n--)
			buf_puts(&text, words[draw(draw(4) ? ARRAY_LEN(words) - 1 : ARRAY_LEN(words))]);
		CHECK(inherited_of(&a, text.text, &is_off));
	}
}

static const struct test tests[] = {
	TEST(a_line), TEST(broken_lines), TEST(any_bytes), TEST(more_attempts_than_are_kept), TEST(what_an_attempt_is),
	TEST(sides_by_address), TEST(sides_by_port), TEST(weights_by_time), TEST(latency_is_of_warm_ones),
	TEST(half_lines_wait_and_broken_ones_are_skipped), TEST(a_new_process_goes_on), TEST(reading_changes_nothing),
	TEST(what_was_read_is_freed), TEST(a_lost_log_is_a_gap), TEST(sums_that_cannot_be_read), TEST(any_sums),
	TEST(a_long_hold_has_rows), TEST(logs_of_the_http_block), TEST(any_configuration),
};
TESTS_MAIN(tests)
