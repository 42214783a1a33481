/*
 * The strict client: it never stops asking, and forgives nothing. Every answer that is not 2xx, every reset, early
 * end, wrong checksum and ten seconds of silence is a failed request; nothing is ever retried. What a careful client
 * may do it does: before it uses an open connection again it looks whether the server has closed it.
 *
 *   strict-client --url http://127.0.0.1:P/ [--host NAME[,NAME...]] [--connections 16] [--seconds N] [--requests N]
 *                 [--pause MS] [--mix] [--long]
 *
 * Of several hosts each gets as many connections. Half of them (with --long three of eight) are kept alive, the others are
 * new for each request; two of three requests are GET, the third is POST /echo; between two of them a connection rests for
 * some 25 ms, or --pause. With --mix every eighth uploads slowly (2 s) and every eighth is opened early and silent for 1 to
 * 2 s before its request. With --long every eighth asks for answers that take 2 s, and every eighth is a WebSocket for 1 to
 * 2 s, whose texts must come back: each counts as a request. So long an old worker of nginx stays, and no longer, or each
 * change takes as long. Without --seconds and --requests it goes on until SIGTERM, at most an hour.
 * Ends with one line: requests=N failed=N versions=1:N,2:N, and with --long waited=N sockets=N, those that came to their
 * proper end; exits 0 only when nothing failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 256
#define MAX_HOSTS 32
#define LONGEST_RUN_MS (60 * 60 * 1000)
#define SILENCE_MS 10000
#define SMALL_BODY 700
#define SLOW_BODY 60000
#define SLOW_CHUNK 3000
/* RFC 6455, 1.3: what its own example says is answered so. */
#define SOCKET_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define SOCKET_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum state { THINKING, CONNECTING, SILENT, SENDING, READING };

struct connection {
	int fd; /* -1: none */
	enum state state;
	const char *host;
	bool keeps, is_slow, is_silent, is_patient, is_socket, is_post, is_reused;
	int64_t closes_ms; /* an open WebSocket: when it has had enough; 0: it is none */
	int64_t wake_ms, progress_ms;
	char *out;
	size_t out_length, out_sent, head_length;
	char in[16384];
	size_t in_length;
	uint32_t sum;
	size_t body_length;
};

static struct {
	struct sockaddr_in at;
	char *hosts[MAX_HOSTS];
	const char *path;
	int hosts_count, connections, pause_ms;
	int64_t seconds, requests;
	bool mix, is_long;
} options = { .path = "/", .connections = 16, .pause_ms = 25};

static struct connection all[MAX_CONNECTIONS];
static struct {
	char name[32];
	long count;
} versions[32];
static long started, ended, failed, waited, sockets;
static volatile sig_atomic_t stop;
static unsigned seed = 1;

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_stop(int number)
{
	(void)number;
	stop = 1;
}

/* From low to high, both included. */
static int between(int low, int high)
{
	seed = seed * 1103515245u + 12345u;
	return low + (int)((seed >> 8) % (unsigned)(high - low + 1));
}

static void hang_up(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->closes_ms = 0;
}

static void rest(struct connection *c)
{
	c->state = THINKING;
	c->wake_ms = now_ms() + (c->closes_ms ? between(100, 300) : between(options.pause_ms / 2 + 1, options.pause_ms * 3 / 2));
}

static void fail(struct connection *c, const char *kind, const char *more)
{
	struct timespec t;
	struct tm tm;
	char clock[32];
	failed++;
	ended++;
	clock_gettime(CLOCK_REALTIME, &t);
	strftime(clock, sizeof clock, "%H:%M:%S", gmtime_r(&t.tv_sec, &tm));
	if (failed <= 20)
		fprintf(stderr, "%s.%03ld connection %d %s (%s, %s%s): %s%s%s\n", clock, t.tv_nsec / 1000000, (int)(c - all), kind,
		        c->is_post ? "POST" : c->is_socket ? "WebSocket" : "GET", c->is_reused ? "reused" : "new",
		        c->is_slow || c->is_patient ? ", slow" : "", more ? more : "",
		        errno ? " " : "", errno ? strerror(errno) : "");
	hang_up(c);
	rest(c);
}

static void count_version(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		if (!versions[i].count)
			snprintf(versions[i].name, sizeof versions[i].name, "%.*s", (int)n, name);
		if (strlen(versions[i].name) == n && strncmp(versions[i].name, name, n) == 0) {
			versions[i].count++;
			return;
		}
	}
}

static const char *header(const char *head, const char *name)
{
	size_t n = strlen(name);
	for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':')
			return line + 3 + n + strspn(line + 3 + n, " ");
	return NULL;
}

static bool has_stayed(const struct connection *c)
{
	return now_ms() >= c->closes_ms;
}

/* A text, or the word that all is said: RFC 6455, 5.2. */
static void compose_frame(struct connection *c)
{
	bool is_last = has_stayed(c);
	c->body_length = is_last ? 0 : (size_t)between(1, 125);
	c->out[0] = (char)(is_last ? 0x88 : 0x81);
	c->out[1] = (char)(0x80 | c->body_length);
	for (size_t i = 2; i < 6 + c->body_length; i++)
		c->out[i] = (char)between(0, 255);
	c->head_length = 6;
	c->out_length = 6 + c->body_length;
	c->out_sent = c->in_length = 0;
}

static void compose(struct connection *c)
{
	const char *path = c->is_socket ? "/socket" : c->is_patient ? "/slow?ms=2000" : options.path;
	const char *connection = c->keeps ? "keep-alive" : "close";
	bool is_plain = !c->is_socket && !c->is_patient;
	if (c->closes_ms) {
		compose_frame(c);
		return;
	}
	if (c->is_socket)
		connection = "Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " SOCKET_KEY;
	c->is_post = c->is_slow || (is_plain && between(0, 2) == 0);
	c->body_length = !c->is_post ? 0 : c->is_slow ? SLOW_BODY : (size_t)between(1, SMALL_BODY);
	free(c->out);
	c->out = malloc(1024 + c->body_length);
	if (!c->out)
		abort();
	c->head_length = (size_t)snprintf(c->out, 1024, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: %s\r\n",
		c->is_post ? "POST" : "GET", c->is_post ? "/echo" : path, c->host, connection);
	if (c->is_post)
		c->head_length += (size_t)snprintf(c->out + c->head_length, 1024 - c->head_length, "Content-Length: %zu\r\n", c->body_length);
	memcpy(c->out + c->head_length, "\r\n", 2);
	c->head_length += 2;
	c->sum = 2166136261u;
	for (size_t i = 0; i < c->body_length; i++) {
		char byte = (char)between(0, 255);
		c->out[c->head_length + i] = byte;
		c->sum = (c->sum ^ (unsigned char)byte) * 16777619u;
	}
	c->out_length = c->head_length + c->body_length;
	c->out_sent = c->in_length = 0;
	c->in[0] = 0;
}

static void start_request(struct connection *c)
{
	started++;
	compose(c);
	c->state = SENDING;
	c->progress_ms = c->wake_ms = now_ms();
}

/* Silent connections are opened now and used much later. */
static void open_connection(struct connection *c)
{
	errno = 0;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	c->is_reused = false;
	c->state = CONNECTING;
	c->progress_ms = now_ms();
	if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&options.at, sizeof options.at) < 0 && errno != EINPROGRESS)) {
		started++;
		fail(c, "connect", NULL);
	}
}

static void think_over(struct connection *c)
{
	char byte;
	if (c->fd < 0) {
		open_connection(c);
		return;
	}
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		start_request(c);
		return;
	}
	if (c->closes_ms) {
		started++;
		fail(c, "closed", n == 0 ? "before its time" : NULL);
		return;
	}
	hang_up(c); /* the server has closed it between two requests, as it may */
	open_connection(c);
}

static void connected(struct connection *c)
{
	int error = 0;
	socklen_t size = sizeof error;
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		started++;
		errno = error;
		fail(c, "connect", NULL);
	} else if (c->is_silent) {
		c->state = SILENT;
		c->wake_ms = now_ms() + between(1000, 2000);
	} else {
		start_request(c);
	}
}

static void send_more(struct connection *c)
{
	size_t n = c->out_length - c->out_sent;
	if (c->is_slow && c->out_sent >= c->head_length && n > SLOW_CHUNK)
		n = SLOW_CHUNK;
	else if (c->is_slow && c->out_sent < c->head_length)
		n = c->head_length - c->out_sent;
	errno = 0;
	ssize_t w = send(c->fd, c->out + c->out_sent, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (w < 0 && errno != EAGAIN && errno != EINTR) {
		fail(c, "send", NULL);
		return;
	}
	if (w > 0) {
		c->out_sent += (size_t)w;
		c->progress_ms = now_ms();
		c->wake_ms = c->progress_ms + (c->is_slow ? between(50, 150) : 0);
	}
	if (c->out_sent == c->out_length)
		c->state = READING;
}

/* The whole answer is there: head of `head` bytes, then `length` bytes. */
static void judge(struct connection *c, size_t head, size_t length)
{
	char want[64];
	const char *version = header(c->in, "X-Version"), *close = header(c->in, "Connection");
	c->in[head + length] = 0;
	int status = (int)strtol(c->in + 9, NULL, 10);
	errno = 0;
	snprintf(want, sizeof want, "%zu %08x\n", c->body_length, c->sum);
	if (status < 200 || status > 299) {
		fail(c, "status", strndup(c->in + 9, 3));
	} else if (c->is_post && strcmp(c->in + head, want) != 0) {
		fail(c, "checksum", NULL);
	} else if (c->in_length > head + length) {
		fail(c, "more than the answer", NULL);
	} else if (c->out_sent < c->out_length) {
		fail(c, "answer before the body was sent", NULL);
	} else {
		ended++;
		waited += c->is_patient;
		count_version(version ? version : "none", version ? strcspn(version, "\r\n ") : 4);
		if (!c->keeps || c->is_silent || (close && strncasecmp(close, "close", 5) == 0))
			hang_up(c);
		c->is_reused = c->fd >= 0;
		rest(c);
	}
}

/* What has come of an answer to a frame. */
static void judge_frame(struct connection *c)
{
	if (c->in_length < 2 || c->in_length < 2 + c->body_length)
		return;
	bool is_same = c->in_length == 2 + c->body_length && c->in[0] == c->out[0] && (size_t)c->in[1] == c->body_length;
	for (size_t i = 0; is_same && i < c->body_length; i++)
		is_same = c->in[2 + i] == (char)(c->out[6 + i] ^ c->out[2 + i % 4]);
	errno = 0;
	if (!is_same) {
		fail(c, "frame", "is not what was sent");
		return;
	}
	ended++;
	if (c->body_length == 0) {
		sockets++;
		hang_up(c);
	}
	rest(c);
}

/* The head of the answer to an upgrade. */
static void judge_upgrade(struct connection *c, size_t head)
{
	const char *accept = header(c->in, "Sec-WebSocket-Accept");
	errno = 0;
	if (strncmp(c->in + 9, "101", 3) != 0) {
		fail(c, "status", strndup(c->in + 9, 3));
	} else if (!accept || strncmp(accept, SOCKET_ACCEPT, strlen(SOCKET_ACCEPT)) != 0 || c->in_length > head) {
		fail(c, "handshake", NULL);
	} else {
		ended++;
		c->closes_ms = now_ms() + between(1000, 2000);
		rest(c);
	}
}

static void read_more(struct connection *c)
{
	errno = 0;
	ssize_t n = recv(c->fd, c->in + c->in_length, sizeof c->in - 1 - c->in_length, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		fail(c, "receive", NULL);
		return;
	}
	if (n == 0) {
		fail(c, c->in_length ? "end inside the answer" : "closed without an answer", NULL);
		return;
	}
	c->in_length += (size_t)n;
	c->in[c->in_length] = 0;
	c->progress_ms = now_ms();
	if (c->closes_ms) {
		judge_frame(c);
		return;
	}
	char *end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return;
	if (c->is_socket) {
		judge_upgrade(c, (size_t)(end + 4 - c->in));
		return;
	}
	const char *length = header(c->in, "Content-Length");
	size_t head = (size_t)(end + 4 - c->in), body = length ? strtoul(length, NULL, 10) : 0;
	if (!length || head + body > sizeof c->in - 1)
		fail(c, "answer without a sensible length", NULL);
	else if (c->in_length >= head + body)
		judge(c, head, body);
}

static void step(struct connection *c, short events, int64_t now, bool is_ending)
{
	bool is_readable = events & (POLLIN | POLLHUP | POLLERR);
	switch (c->state) {
	case THINKING:
		if (now >= c->wake_ms && !is_ending)
			think_over(c);
		break;
	case CONNECTING:
		if (events)
			connected(c);
		break;
	case SILENT:
		if (now >= c->wake_ms && !is_ending)
			think_over(c);
		break;
	case SENDING:
		if (is_readable)
			read_more(c);
		if (c->state == SENDING && now >= c->wake_ms)
			send_more(c);
		break;
	case READING:
		if (is_readable)
			read_more(c);
		break;
	}
	if ((c->state == CONNECTING || c->state == SENDING || c->state == READING) && now - c->progress_ms > SILENCE_MS) {
		started += c->state == CONNECTING;
		errno = 0;
		fail(c, "silence", "10 s");
	}
}

static bool is_busy(const struct connection *c)
{
	return c->state == CONNECTING || c->state == SENDING || c->state == READING;
}

/* One round over all connections; false when an ending run has nothing left in flight. */
static bool round_once(bool is_ending)
{
	struct pollfd fds[MAX_CONNECTIONS];
	int64_t now = now_ms(), wait = 100;
	bool any = false;
	for (int i = 0; i < options.connections; i++) {
		struct connection *c = &all[i];
		bool waits_for_time = c->state == THINKING || c->state == SILENT || (c->state == SENDING && c->wake_ms > now);
		short events = c->state == CONNECTING || (c->state == SENDING && c->wake_ms <= now) ? POLLOUT : 0;
		if (c->state == SENDING || c->state == READING)
			events |= POLLIN;
		fds[i] = (struct pollfd){.fd = is_busy(c) ? c->fd : -1, .events = events};
		if (waits_for_time && !(is_ending && !is_busy(c)) && c->wake_ms - now < wait)
			wait = c->wake_ms > now ? c->wake_ms - now : 0;
		any |= is_busy(c);
	}
	if (is_ending && !any)
		return false;
	poll(fds, (nfds_t)options.connections, (int)wait);
	now = now_ms();
	for (int i = 0; i < options.connections; i++)
		step(&all[i], fds[i].fd >= 0 ? fds[i].revents : 0, now, is_ending);
	return true;
}

static int usage(const char *why)
{
	fprintf(stderr, "strict-client: %s\nusage: strict-client --url http://127.0.0.1:PORT/ [--host NAME[,NAME...]] "
	        "[--connections N] [--seconds N] [--requests N] [--pause MS] [--mix] [--long]\n", why);
	return 64;
}

static bool read_url(const char *url)
{
	char address[64] = "";
	unsigned port = 80;
	if (!url || strncmp(url, "http://", 7) != 0)
		return false;
	size_t n = strcspn(url + 7, ":/");
	if (n == 0 || n >= sizeof address)
		return false;
	memcpy(address, url + 7, n);
	const char *rest_of_it = url + 7 + n;
	if (*rest_of_it == ':')
		port = (unsigned)strtoul(rest_of_it + 1, (char **)&rest_of_it, 10);
	if (*rest_of_it == '/')
		options.path = rest_of_it;
	options.at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	if (inet_pton(AF_INET, address, &options.at.sin_addr) != 1)
		return false;
	if (!options.hosts_count)
		options.hosts[options.hosts_count++] = strndup(url + 7, strcspn(url + 7, "/"));
	return ntohl(options.at.sin_addr.s_addr) >> 24 == 127;
}

static void report(void)
{
	printf("requests=%ld failed=%ld versions=", ended, failed);
	for (size_t i = 0; i < sizeof versions / sizeof versions[0] && versions[i].count; i++)
		printf("%s%s:%ld", i ? "," : "", versions[i].name, versions[i].count);
	if (options.is_long)
		printf(" waited=%ld sockets=%ld", waited, sockets);
	printf("\n");
}

static void read_hosts(const char *names)
{
	char *rest_of_it = strdup(names), *name;
	while ((name = strsep(&rest_of_it, ",")) && options.hosts_count < MAX_HOSTS)
		options.hosts[options.hosts_count++] = name;
}

int main(int argc, char **argv)
{
	const char *url = NULL;
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--mix") == 0) {
			options.mix = true;
			continue;
		}
		if (strcmp(argv[i], "--long") == 0) {
			options.is_long = true;
			continue;
		}
		if (!value)
			return usage("an option without its value, or an unknown one");
		i++;
		if (strcmp(argv[i - 1], "--url") == 0)
			url = value;
		else if (strcmp(argv[i - 1], "--host") == 0)
			read_hosts(value);
		else if (strcmp(argv[i - 1], "--connections") == 0)
			options.connections = (int)strtol(value, NULL, 10);
		else if (strcmp(argv[i - 1], "--pause") == 0)
			options.pause_ms = (int)strtol(value, NULL, 10);
		else if (strcmp(argv[i - 1], "--seconds") == 0)
			options.seconds = strtoll(value, NULL, 10);
		else if (strcmp(argv[i - 1], "--requests") == 0)
			options.requests = strtoll(value, NULL, 10);
		else
			return usage(argv[i - 1]);
	}
	if (!read_url(url))
		return usage("only http:// to 127.0.0.0/8 is asked");
	if (options.connections < 1 || options.connections > MAX_CONNECTIONS)
		return usage("1 to 256 connections");
	if (options.pause_ms < 1 || options.pause_ms > SILENCE_MS)
		return usage("a pause of 1 to 10000 ms");
	signal(SIGTERM, on_stop);
	signal(SIGINT, on_stop);
	int64_t start = now_ms(), end = start + LONGEST_RUN_MS;
	if (options.seconds && options.seconds * 1000 < LONGEST_RUN_MS)
		end = start + options.seconds * 1000;
	for (int i = 0; i < options.connections; i++)
		all[i] = (struct connection){.fd = -1, .host = options.hosts[i / 8 % options.hosts_count], .keeps = i % 2 == 0 && !(options.is_long && i % 8 == 6),
			.is_slow = options.mix && i % 8 == 3, .is_silent = options.mix && i % 8 == 5,
			.is_patient = options.is_long && i % 8 == 1, .is_socket = options.is_long && i % 8 == 7,
			.wake_ms = start + between(0, 20)};
	for (bool is_ending = false; round_once(is_ending);)
		is_ending |= stop || now_ms() >= end || (options.requests && started >= options.requests);
	report();
	return failed ? 1 : 0;
}
