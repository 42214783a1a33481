/*
 * What nginx's own log says of the requests of each rollout, as model/evidence.h has it.
 *
 * While a rollout is under way its locations write a line for each request to <directory>/requests.log (render.c):
 *   1763716493.123;shop/web/r1;10.0.0.4:8080, 10.0.0.2:8080;502, 200;-, 0.004;0.012
 * time of its end, rollout, and for each attempt the address, the status and the seconds to the first byte; last the
 * seconds that all of it took. Which side an attempt was on follows from its address, also where one side stood in for
 * the other; which weight it belongs to from when its request began. What began less than a second from a shift is left
 * out. An answer that breaks off after its first byte looks like a client that left, and counts as answered.
 *
 * The sums, and how far the log was read, are in <directory>/requests.seen, so that a run goes on where the one before
 * stopped, killed or not: sums and place are one file, replaced whole. What was read is cut out of the log on disk
 * (a hole at its start); nginx is not told and loses no line. Where something is lost all the same (a file that was
 * removed, cut or exchanged), what was counted stays, and a new row begins: nothing says that it was watched in between.
 */
#ifndef NGINX_ACCESS_LOG_H
#define NGINX_ACCESS_LOG_H

#include "model/evidence.h"
#include "nginx/nginx.h"

#define ATTEMPTS_MAX 16 /* of one request; the rest is not counted */

/* One line. Its texts are within the line. */
struct attempt {
	const char *address;
	size_t address_length;
	int status;         /* 0: none, the client left */
	double header_ms;   /* -1: no answer came */
};

struct logged {
	int64_t ended_ms, took_ms;
	const char *rollout;
	size_t rollout_length;
	struct attempt attempts[ATTEMPTS_MAX];
	size_t count;
};

/* False when it is no line of ours; never reads past `length`. */
bool logged_read(const char *line, size_t length, struct logged *out);
/* Counts one attempt. */
void seen_attempt(struct seen *to, const struct attempt *at, bool is_warm);

struct access_row;

/* What this process knows; zero but for its first two at first. */
struct access_log {
	const struct nginx_settings *settings;
	struct arena *arena;      /* lives as long as this does */
	struct access_row **rows; /* of one rollout, oldest first */
	size_t rows_count;
	bool is_loaded, is_missing, is_changed, has_rollout;
	uint64_t inode;           /* 0: no file yet */
	int64_t offset, began_ms; /* read up to here, without a gap since then */
	int64_t punched;          /* freed up to here */
	int64_t kept_ms;          /* when it was last written down */
	int64_t broken_lines;
};

/* Reads what is new, for the rollouts of the topology. Never changes anything on disk. *out, in `a`, is valid until the
 * next call. */
void access_log_read(struct access_log *l, const struct topology *t, int64_t now_ms, struct arena *a, struct evidence **out,
                     size_t *count);
/* Writes down what was read, every few seconds, and frees the place of it. A log that is gone is opened anew by nginx.
 * What fails here is told and tried again: neither nginx nor a rollout waits for it. */
void access_log_keep(struct access_log *l, int64_t now_ms);

#endif
