/*
 * A small web application to deploy: one process, one poll loop, no dependencies. It says which version it is, can be
 * told to be slow, ill or rude at its end, and as PID 1 of a container it answers SIGTERM itself: it stops accepting,
 * finishes the requests in flight, and leaves with 0.
 *
 *   PORT 8080 · VERSION 1 · HEALTH ok|fail · SMOKE ok|fail · START_DELAY_MS · EXIT_AFTER_MS · EXIT_AFTER_REQUESTS
 *   ON_TERM graceful|exit · BIND 0.0.0.0 · FAIL_PERCENT 0 · WRONG_PERCENT 0 · DELAY_MS 0 (all three: of GET /)
 *   GET / · GET /health · GET /smoke · GET /metrics · GET /version · GET /slow?ms=N · POST /echo · WebSocket /socket
 *
 * The WebSocket sends back what it is sent, up to 125 bytes at a time.
 * What is wrong by WRONG_PERCENT is a 200 like any other; only the metrics, for a Prometheus, tell of it.
 * EXIT_AFTER_MS ends it by itself, with 1, in the way that ON_TERM says, and so does EXIT_AFTER_REQUESTS, for which
 * /health and /metrics do not count. `web --probe http://127.0.0.1:8080/health` asks
 * and ends with 0 when the answer is 200: a health check for an image that holds nothing else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1024
#define HEAD_MAX 8192
#define IDLE_MS 30000

struct connection {
	int fd;
	char head[HEAD_MAX + 1]; /* what has come and is not yet used */
	size_t have;
	bool in_body;
	uint64_t body_left, body_length;
	uint32_t sum;            /* FNV-1a of the body */
	bool keep;
	int64_t answer_at;       /* GET /slow: when, 0: not waiting */
	bool is_socket;          /* a WebSocket: frames are what comes */
	int64_t last_ms;
	char out[4096];
	size_t out_length, out_sent;
};

static struct connection *connections[MAX_CONNECTIONS];
static volatile sig_atomic_t term;
static const char *version;
static char hostname[65];
static bool is_ill, is_broken; /* /health and /smoke say so */
static long requests; /* but for /health and /metrics */
static long fail_percent, wrong_percent, delay_ms;
static unsigned long asked, wrong; /* of GET / */
static unsigned long smokes;       /* GET /smoke */

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_term(int number)
{
	(void)number;
	term = 1;
}

static const char *setting(const char *name, const char *fallback)
{
	const char *value = getenv(name);
	return value && *value ? value : fallback;
}

__attribute__((format(printf, 4, 5)))
static void answer(struct connection *c, int status, const char *type, const char *fmt, ...)
{
	char body[2048];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(body, sizeof body, fmt, ap);
	va_end(ap);
	if (term)
		c->keep = false;
	c->out_length = (size_t)snprintf(c->out, sizeof c->out,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nX-Version: %s\r\nCache-Control: no-store\r\n"
		"Connection: %s\r\n\r\n%s", status, status == 200 ? "OK" : status == 404 ? "Not Found" : status == 503 ?
		"Service Unavailable" : status == 500 ? "Internal Server Error" : "Bad Request", type, n, version, c->keep ? "keep-alive" : "close", body);
	c->out_sent = 0;
}

static void answer_page(struct connection *c)
{
	answer(c, 200, "text/html; charset=utf-8",
		"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n"
		"<title>Version %s</title>\n<style>\n"
		"body{margin:0;min-height:100vh;display:grid;place-content:center;text-align:center;background:#f6f4ef;color:#1d2730;"
		"font:17px/1.5 system-ui,sans-serif}\nh1{margin:0;font-size:5rem;font-weight:300;letter-spacing:-.03em}\n"
		"p{margin:.2rem;color:#5b6770}code{color:#1f6f5c}\n"
		"@media(prefers-color-scheme:dark){body{background:#14191d;color:#e8e6e1}p{color:#93a0a9}code{color:#6fcfb4}}\n"
		"</style>\n<h1>%s</h1><p>is the version that answers</p><p>from <code>%s</code></p></html>\n",
		version, version, hostname);
}

/* The value of a header; NULL when there is none. */
static const char *header(const char *head, const char *name)
{
	size_t n = strlen(name);
	for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':')
			return line + 3 + n + strspn(line + 3 + n, " ");
	return NULL;
}

static uint32_t turn(uint32_t x, int bits)
{
	return x << bits | x >> (32 - bits);
}

/* SHA-1 (FIPS 180-4), which RFC 6455 asks for, of less than 120 bytes. */
static void sha1(const char *text, size_t length, unsigned char out[20])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, w[80];
	unsigned char block[128] = {0};
	size_t blocks = length < 56 ? 1 : 2;
	memcpy(block, text, length);
	block[length] = 0x80;
	block[blocks * 64 - 2] = (unsigned char)(length >> 5);
	block[blocks * 64 - 1] = (unsigned char)(length << 3);
	for (const unsigned char *at = block; at < block + blocks * 64; at += 64) {
		uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
		for (int i = 0; i < 80; i++) {
			w[i] = i < 16 ? (uint32_t)at[4 * i] << 24 | (uint32_t)at[4 * i + 1] << 16 | (uint32_t)at[4 * i + 2] << 8 | at[4 * i + 3]
			              : turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
			uint32_t f = i < 20 ? ((b & c) | (~b & d)) + 0x5a827999 : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1 :
			             i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6;
			uint32_t next = turn(a, 5) + f + e + w[i];
			e = d, d = c, c = turn(b, 30), b = a, a = next;
		}
		h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
	}
	for (int i = 0; i < 20; i++)
		out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* RFC 6455, 4.2.2: says yes. */
static void open_socket(struct connection *c, const char *key)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[64], accept[29] = {0};
	unsigned char sum[21] = {0};
	int n = snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	sha1(text, (size_t)n, sum);
	for (int i = 0; i < 27; i++) /* base64, six bits at a time */
		accept[i] = digits[(sum[i * 6 / 8] << 8 | sum[i * 6 / 8 + (i * 6 / 8 < 20)]) >> (10 - i * 6 % 8) & 63];
	accept[27] = '=';
	c->is_socket = c->keep = true;
	c->out_length = (size_t)snprintf(c->out, sizeof c->out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	                                 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nX-Version: %s\r\n\r\n", accept, version);
	c->out_sent = 0;
}

/* One frame (RFC 6455, 5.2), masked as a client's is, goes back as it came; a close ends it. False: it is no such thing. */
static bool send_back(struct connection *c)
{
	const unsigned char *frame = (const unsigned char *)c->head;
	size_t n = c->have < 2 ? 0 : frame[1] & 0x7f;
	if (c->have >= 2 && (!(frame[1] & 0x80) || n > 125))
		return false;
	if (c->have < 6 + n)
		return true;
	c->keep = (frame[0] & 0xf) != 8;
	c->out[0] = c->head[0];
	c->out[1] = (char)n;
	for (size_t i = 0; i < n; i++)
		c->out[2 + i] = (char)(frame[6 + i] ^ frame[2 + i % 4]);
	c->out_length = 2 + n;
	c->out_sent = 0;
	c->have -= 6 + n;
	memmove(c->head, c->head + 6 + n, c->have + 1);
	return true;
}

static bool has_path(const char *head, const char *start)
{
	return strncmp(head, start, strlen(start)) == 0 && strchr(" ?", head[strlen(start)]);
}

static void route(struct connection *c, const char *head)
{
	const char *ms = strstr(head, "ms="), *key = header(head, "Sec-WebSocket-Key");
	bool is_root = has_path(head, "GET /");
	long draw = (long)(asked * 37 % 100); /* each hundred has all percents once */
	requests += !has_path(head, "GET /health") && !has_path(head, "GET /metrics");
	asked += is_root;
	wrong += is_root && draw < wrong_percent;
	smokes += has_path(head, "GET /smoke");
	if (is_root && draw < fail_percent)
		answer(c, 500, "text/plain", "failed\n");
	else if (is_root && delay_ms)
		c->answer_at = now_ms() + delay_ms;
	else if (has_path(head, "GET /health"))
		answer(c, is_ill ? 503 : 200, "text/plain", is_ill ? "DOWN\n" : "UP\n");
	else if (has_path(head, "GET /smoke"))
		answer(c, is_broken ? 500 : 200, "text/plain", is_broken ? "the orders cannot be read\n" : "ok\n");
	else if (has_path(head, "GET /metrics"))
		answer(c, 200, "text/plain; version=0.0.4", "# TYPE web_asked_total counter\nweb_asked_total %lu\n"
		       "# TYPE web_wrong_total counter\nweb_wrong_total %lu\n# TYPE web_smoke_total counter\nweb_smoke_total %lu\n",
		       asked, wrong, smokes);
	else if (has_path(head, "GET /version"))
		answer(c, 200, "text/plain", "%s\n", version);
	else if (has_path(head, "GET /slow"))
		c->answer_at = now_ms() + (ms ? strtol(ms + 3, NULL, 10) : 1000);
	else if (has_path(head, "GET /socket") && key)
		open_socket(c, key);
	else if (has_path(head, "POST /echo"))
		c->in_body = true;
	else if (has_path(head, "GET /"))
		answer_page(c);
	else
		answer(c, 404, "text/plain", "nothing here\n");
}

/* Takes what has arrived as far as it goes. False: the connection is to be closed. */
static bool advance(struct connection *c)
{
	if (c->out_length || c->answer_at)
		return true;
	if (c->is_socket)
		return send_back(c);
	if (!c->in_body) {
		char *end = strstr(c->head, "\r\n\r\n");
		if (!end)
			return c->have < HEAD_MAX;
		char head[HEAD_MAX + 1];
		size_t used = (size_t)(end + 4 - c->head);
		memcpy(head, c->head, used);
		head[used] = 0;
		memmove(c->head, c->head + used, c->have - used + 1);
		c->have -= used;
		const char *length = header(head, "Content-Length"), *close = header(head, "Connection");
		c->body_length = c->body_left = length ? strtoull(length, NULL, 10) : 0;
		c->sum = 2166136261u;
		c->keep = !strstr(head, " HTTP/1.0\r\n") && !(close && strncasecmp(close, "close", 5) == 0);
		if (header(head, "Transfer-Encoding"))
			return false; /* nginx in front of us sends Content-Length */
		if (header(head, "Expect") && write(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25) < 0)
			return false;
		route(c, head);
		if (!c->in_body && c->body_left)
			c->keep = false; /* a body that nobody asked for is not read */
	}
	if (c->in_body) {
		size_t n = c->have < c->body_left ? c->have : (size_t)c->body_left;
		for (size_t i = 0; i < n; i++)
			c->sum = (c->sum ^ (unsigned char)c->head[i]) * 16777619u;
		memmove(c->head, c->head + n, c->have - n + 1);
		c->have -= n;
		c->body_left -= n;
		if (c->body_left == 0) {
			c->in_body = false;
			answer(c, 200, "text/plain", "%llu %08x\n", (unsigned long long)c->body_length, c->sum);
		}
	}
	return true;
}

static bool receive(struct connection *c)
{
	ssize_t n = recv(c->fd, c->head + c->have, HEAD_MAX - c->have, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return false;
	if (n > 0) {
		c->have += (size_t)n;
		c->head[c->have] = 0;
		c->last_ms = now_ms();
	}
	return advance(c);
}

static bool send_out(struct connection *c)
{
	ssize_t n = send(c->fd, c->out + c->out_sent, c->out_length - c->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if ((c->out_sent += (size_t)n) < c->out_length)
		return true;
	c->out_length = 0;
	return c->keep && advance(c);
}

static void drop(int i)
{
	close(connections[i]->fd);
	free(connections[i]);
	connections[i] = NULL;
}

static void take(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), i = 0;
	while (i < MAX_CONNECTIONS && connections[i])
		i++;
	struct connection *c = fd >= 0 && i < MAX_CONNECTIONS ? calloc(1, sizeof *c) : NULL;
	if (c) {
		c->fd = fd;
		c->last_ms = now_ms();
		connections[i] = c;
	} else if (fd >= 0) {
		close(fd);
	}
}

static int open_listener(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(setting("PORT", "8080"), NULL, 10))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
	if (fd < 0 || inet_pton(AF_INET, setting("BIND", "0.0.0.0"), &at.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1024) < 0) {
		perror("web: listen");
		exit(1);
	}
	return fd;
}

/* One connection after poll. */
static void step(int i, short events, int64_t now)
{
	struct connection *c = connections[i];
	bool is_kept = true;
	if (c->answer_at && now >= c->answer_at) {
		c->answer_at = 0;
		answer(c, 200, "text/plain", "slow\n");
	}
	if (events & (POLLIN | POLLHUP | POLLERR))
		is_kept = receive(c);
	if (is_kept && c->out_length)
		is_kept = send_out(c);
	bool is_idle = !c->out_length && !c->answer_at && !c->in_body && c->have == 0;
	if (!is_kept || (is_idle && now - c->last_ms > (term ? 200 : IDLE_MS)))
		drop(i);
}

/* One round; returns how many connections are open. */
static int round_once(int listener, int64_t timeout_ms)
{
	struct pollfd fds[MAX_CONNECTIONS + 1] = {{.fd = listener, .events = POLLIN}};
	int index[MAX_CONNECTIONS + 1], count = 1, alive = 0;
	int64_t now = now_ms();
	for (int i = 0; i < MAX_CONNECTIONS; i++) {
		struct connection *c = connections[i];
		if (!c)
			continue;
		if (c->answer_at && c->answer_at - now < timeout_ms)
			timeout_ms = c->answer_at > now ? c->answer_at - now : 0;
		index[count] = i;
		fds[count++] = (struct pollfd){.fd = c->fd, .events = (c->have < HEAD_MAX ? POLLIN : 0) | (c->out_length ? POLLOUT : 0)};
	}
	poll(fds, (nfds_t)count, (int)timeout_ms);
	now = now_ms();
	for (int i = 1; i < count; i++)
		step(index[i], fds[i].revents, now);
	if (fds[0].fd >= 0 && fds[0].revents)
		take(listener);
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		alive += connections[i] != NULL;
	return alive;
}

/* A health check: 0 when http://A.B.C.D:PORT/PATH answers 200 within two seconds. */
static int probe(const char *url)
{
	char address[16], said[16] = "", question[512];
	const char *path = strncmp(url, "http://", 7) == 0 ? strchr(url + 7, '/') : NULL;
	int port = 0;
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct timeval patience = {.tv_sec = 2};
	if (!path || sscanf(url, "http://%15[0-9.]:%d/", address, &port) != 2 || inet_pton(AF_INET, address, &at.sin_addr) != 1) {
		fprintf(stderr, "web: --probe needs http://A.B.C.D:PORT/PATH\n");
		return 64;
	}
	at.sin_port = htons((uint16_t)port);
	int n = snprintf(question, sizeof question, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || n >= (int)sizeof question || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
	    connect(fd, (struct sockaddr *)&at, sizeof at) < 0 || send(fd, question, (size_t)n, MSG_NOSIGNAL) != n ||
	    recv(fd, said, 12, MSG_WAITALL) != 12)
		return 1;
	close(fd);
	return strcmp(said, "HTTP/1.1 200") == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--probe") == 0)
		return probe(argv[2]);
	struct sigaction act = {.sa_handler = on_term};
	sigaction(SIGTERM, &act, NULL);
	version = setting("VERSION", "1");
	is_ill = strcmp(setting("HEALTH", "ok"), "fail") == 0;
	is_broken = strcmp(setting("SMOKE", "ok"), "fail") == 0;
	fail_percent = strtol(setting("FAIL_PERCENT", "0"), NULL, 10);
	wrong_percent = strtol(setting("WRONG_PERCENT", "0"), NULL, 10);
	delay_ms = strtol(setting("DELAY_MS", "0"), NULL, 10);
	int64_t exit_after = strtol(setting("EXIT_AFTER_MS", "0"), NULL, 10), start = now_ms();
	long requests_max = strtol(setting("EXIT_AFTER_REQUESTS", "0"), NULL, 10);
	gethostname(hostname, sizeof hostname - 1);
	for (int64_t until = start + strtol(setting("START_DELAY_MS", "0"), NULL, 10); now_ms() < until && !term;)
		poll(NULL, 0, (int)(until - now_ms()));
	if (term)
		return 0;
	int listener = open_listener(), code = 0;
	for (int64_t left; !term; round_once(listener, left < 1000 ? left : 1000))
		if ((left = exit_after ? start + exit_after - now_ms() : 1000) <= 0 || (requests_max && requests >= requests_max))
			term = code = 1;
	if (strcmp(setting("ON_TERM", "graceful"), "exit") == 0)
		return code;
	/* What the kernel has accepted for us already is a request too. */
	for (struct pollfd waiting = {.fd = listener, .events = POLLIN}; poll(&waiting, 1, 0) > 0;)
		round_once(listener, 0);
	close(listener);
	while (round_once(-1, 100) > 0)
		;
	return code;
}
