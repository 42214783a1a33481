/*
 * A small HTTP server in a child process that plays a script: for each request the first rule that fits and is not
 * used up answers. What was asked is recorded, one "METHOD path [X-Registry-Auth: value] body" line each, for the test to look at.
 *
 *   static const struct fake_rule rules[] = {{.match = "GET /_ping", .body = "OK"}};
 *   struct fake_server s;
 *   fake_start(&s, rules, 1, true);      // true: a unix socket (s.path), false: TCP on 127.0.0.1 (s.port)
 *   ... fake_recorded(&s, text, size) ...
 *   fake_stop(&s);
 */
#ifndef TESTS_FAKE_SERVER_H
#define TESTS_FAKE_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum fake_manner {
	FAKE_WHOLE,  /* one write */
	FAKE_PIECES, /* some bytes at a time */
	FAKE_HALF,   /* half of the body, then the connection closes */
	FAKE_SILENT, /* nothing, ever */
	FAKE_DROP,   /* closes without an answer */
	FAKE_HUGE,   /* 1 MiB of "x", whatever `body` says */
	FAKE_CLOSE,  /* a whole answer that promises to keep the connection, which then closes */
};

struct fake_rule {
	const char *match;   /* "GET /path": how "METHOD path" begins */
	int status;          /* 0: 200 */
	const char *headers; /* "Name: value\r\n...", may be NULL */
	const char *body;    /* may be NULL */
	size_t body_length;  /* 0: strlen(body) */
	enum fake_manner manner;
	int times;           /* how often it fits; 0: always */
};

struct fake_server {
	pid_t pid;
	int port;
	char path[64], record[64], folder[48];
};

struct fake_connection {
	int fd;
	size_t length;
	char bytes[65536];
};

static inline void fake_write(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t w = send(fd, bytes, n, MSG_NOSIGNAL);
		if (w <= 0)
			return;
		bytes += w;
		n -= (size_t)w;
	}
}

/* Returns false when the connection is to be closed. */
static inline bool fake_answer(int fd, const struct fake_rule *r)
{
	static char huge[1 << 20];
	const char *body = r->body ? r->body : "";
	size_t length = r->body_length ? r->body_length : strlen(body);
	if (r->manner == FAKE_SILENT)
		return true;
	if (r->manner == FAKE_DROP)
		return false;
	if (r->manner == FAKE_HUGE) {
		memset(huge, 'x', sizeof huge);
		body = huge;
		length = sizeof huge;
	}
	char head[1024];
	int status = r->status ? r->status : 200;
	int n = snprintf(head, sizeof head, "HTTP/1.1 %d Said\r\n%s", status, r->headers ? r->headers : "");
	if (status != 204 && status != 304)
		n += snprintf(head + n, sizeof head - (size_t)n, "Content-Length: %zu\r\n", length);
	n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
	if (r->manner == FAKE_PIECES) {
		for (int i = 0; i < n; i += 7)
			fake_write(fd, head + i, (size_t)(n - i < 7 ? n - i : 7));
		for (size_t i = 0; i < length; i += 3) {
			fake_write(fd, body + i, length - i < 3 ? length - i : 3);
			nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
		}
		return true;
	}
	fake_write(fd, head, (size_t)n);
	fake_write(fd, body, r->manner == FAKE_HALF ? length / 2 : length);
	return r->manner != FAKE_HALF && r->manner != FAKE_CLOSE;
}

static inline void fake_note(int record, const char *request, const char *head_end, size_t body_length)
{
	const char *auth = strcasestr(request, "\r\nX-Registry-Auth:");
	if (auth > head_end)
		auth = NULL;
	char line[70000];
	int n = snprintf(line, sizeof line, "%.*s%s%.*s%s%.*s\n", (int)(strstr(request, " HTTP/") - request), request,
	                 auth ? " " : "", auth ? (int)strcspn(auth + 2, "\r") : 0, auth ? auth + 2 : "",
	                 body_length ? " " : "", (int)body_length, head_end + 4);
	if (write(record, line, (size_t)n) < 0)
		_exit(1);
}

/* One request, if it is complete. Returns false when the connection is to be closed. */
static inline bool fake_serve(struct fake_connection *c, int record, const struct fake_rule *rules, int *used, size_t count)
{
	static const struct fake_rule missing = {.status = 404, .body = "{\"message\":\"the script has no rule for this\"}"};
	for (;;) {
		c->bytes[c->length] = 0;
		char *head_end = strstr(c->bytes, "\r\n\r\n");
		if (!head_end)
			return true;
		char *field = strcasestr(c->bytes, "\r\nContent-Length:");
		size_t body = field && field < head_end ? strtoul(field + 17, NULL, 10) : 0;
		size_t whole = (size_t)(head_end + 4 - c->bytes) + body;
		if (c->length < whole)
			return true;
		fake_note(record, c->bytes, head_end, body);
		const struct fake_rule *rule = &missing;
		for (size_t i = 0; i < count; i++)
			if (strncmp(c->bytes, rules[i].match, strlen(rules[i].match)) == 0 &&
			    (!rules[i].times || used[i] < rules[i].times)) {
				used[i]++;
				rule = &rules[i];
				break;
			}
		if (!fake_answer(c->fd, rule))
			return false;
		memmove(c->bytes, c->bytes + whole, c->length - whole);
		c->length -= whole;
	}
}

static inline void fake_loop(int listener, int record, const struct fake_rule *rules, size_t count)
{
	static struct fake_connection *connections[256];
	static int used[256];
	for (;;) {
		struct pollfd fds[257] = {{.fd = listener, .events = POLLIN}};
		for (size_t i = 0; i < 256; i++)
			fds[i + 1] = (struct pollfd){.fd = connections[i] ? connections[i]->fd : -1, .events = POLLIN};
		if (poll(fds, 257, -1) < 0)
			_exit(1);
		for (size_t i = 0; i < 256; i++) {
			struct fake_connection *c = connections[i];
			if (!c || !fds[i + 1].revents)
				continue;
			ssize_t n = read(c->fd, c->bytes + c->length, sizeof c->bytes - 1 - c->length);
			c->length += n > 0 ? (size_t)n : 0;
			if (n <= 0 || !fake_serve(c, record, rules, used, count)) {
				close(c->fd);
				free(c);
				connections[i] = NULL;
			}
		}
		if (!fds[0].revents)
			continue;
		int fd = accept(listener, NULL, NULL);
		for (size_t i = 0; fd >= 0 && i < 256; i++)
			if (!connections[i]) {
				connections[i] = calloc(1, sizeof *connections[i]);
				connections[i]->fd = fd;
				break;
			}
	}
}

static inline int fake_listen(struct fake_server *s, bool unix_socket)
{
	int fd = socket(unix_socket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof in;
	snprintf(un.sun_path, sizeof un.sun_path, "%s", s->path);
	if ((unix_socket ? bind(fd, (struct sockaddr *)&un, sizeof un) : bind(fd, (struct sockaddr *)&in, sizeof in)) < 0 ||
	    listen(fd, 256) < 0) {
		perror("fake_listen");
		exit(1);
	}
	if (!unix_socket && getsockname(fd, (struct sockaddr *)&in, &length) == 0)
		s->port = ntohs(in.sin_port);
	return fd;
}

static inline void fake_start(struct fake_server *s, const struct fake_rule *rules, size_t count, bool unix_socket)
{
	*s = (struct fake_server){.folder = "/tmp/reconcile-fake-XXXXXX"};
	if (!mkdtemp(s->folder)) {
		perror("mkdtemp");
		exit(1);
	}
	snprintf(s->path, sizeof s->path, "%s/s", s->folder);
	snprintf(s->record, sizeof s->record, "%s/r", s->folder);
	int listener = fake_listen(s, unix_socket);
	int record = open(s->record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves nobody behind */
		fake_loop(listener, record, rules, count);
		_exit(1);
	}
	close(listener);
	close(record);
}

/* Everything asked so far. */
static inline const char *fake_recorded(const struct fake_server *s, char *text, size_t size)
{
	int fd = open(s->record, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return text;
}

/* How often `line` begins one of the recorded lines. */
static inline int fake_count(const struct fake_server *s, const char *line)
{
	static char text[1 << 18];
	int found = 0;
	fake_recorded(s, text, sizeof text);
	for (char *p = text; *p; p += strcspn(p, "\n") + 1)
		if (strncmp(p, line, strlen(line)) == 0)
			found++;
	return found;
}

static inline void fake_stop(struct fake_server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	unlink(s->path);
	unlink(s->record);
	rmdir(s->folder);
}

#endif
