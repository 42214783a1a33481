/*
 * One line of the log of requests. The one thing to know: the lists of addresses, of states and of times go in step, one
 * item for each attempt, and a line in which they do not is none of ours.
 */
#include <string.h>

#include "nginx/access_log.h"

struct field_of_line {
	const char *at, *end;
};

/* The text up to the next ';', or to the end of the line. */
static bool next_field(const char **at, const char *end, struct field_of_line *out)
{
	if (!*at)
		return false;
	const char *stop = memchr(*at, ';', (size_t)(end - *at));
	*out = (struct field_of_line){*at, stop ? stop : end};
	*at = stop ? stop + 1 : NULL;
	return true;
}

/* The next of a list: ", " stands between two servers, " : " between two pools. */
static bool next_item(struct field_of_line *list, struct field_of_line *out)
{
	if (!list->at)
		return false;
	const char *c = list->at;
	while (c < list->end && *c != ' ' && *c != ',')
		c++;
	*out = (struct field_of_line){list->at, c};
	size_t left = (size_t)(list->end - c);
	list->at = left > 2 && memcmp(c, ", ", 2) == 0 ? c + 2 : left > 3 && memcmp(c, " : ", 3) == 0 ? c + 3 : NULL;
	return c > out->at && (list->at || left == 0);
}

/* "12.345" to thousandths. */
static bool read_seconds(const struct field_of_line *f, int64_t *ms)
{
	size_t length = (size_t)(f->end - f->at);
	if (length < 5 || length > 16 || f->end[-4] != '.')
		return false;
	*ms = 0;
	for (const char *c = f->at; c < f->end; c++) {
		if (c == f->end - 4)
			continue;
		if (*c < '0' || *c > '9')
			return false;
		*ms = *ms * 10 + (*c - '0');
	}
	return true;
}

static bool is_dash(const struct field_of_line *f)
{
	return f->end - f->at == 1 && *f->at == '-';
}

static bool read_status(const struct field_of_line *f, int *status)
{
	*status = 0;
	if (is_dash(f))
		return true;
	for (const char *c = f->at; c < f->end; c++) {
		if (*c < '0' || *c > '9' || f->end - f->at != 3)
			return false;
		*status = *status * 10 + (*c - '0');
	}
	return *status >= 100;
}

static bool read_attempts(struct field_of_line lists[3], struct logged *out)
{
	struct field_of_line address, status, header;
	if (is_dash(&lists[0])) /* answered without asking anybody */
		return true;
	while (lists[0].at) {
		struct attempt at = {.header_ms = -1};
		int64_t ms = 0;
		if (!next_item(&lists[0], &address) || !next_item(&lists[1], &status) || !next_item(&lists[2], &header))
			return false;
		if (!read_status(&status, &at.status) || !(is_dash(&header) || read_seconds(&header, &ms)))
			return false;
		at.address = address.at;
		at.address_length = (size_t)(address.end - address.at);
		if (!is_dash(&header))
			at.header_ms = (double)ms;
		if (out->count < ATTEMPTS_MAX)
			out->attempts[out->count++] = at;
	}
	return !lists[1].at && !lists[2].at;
}

bool logged_read(const char *line, size_t length, struct logged *out)
{
	const char *at = line, *end = line + length;
	struct field_of_line ended, rollout, lists[3], took;
	*out = (struct logged){0};
	if (!next_field(&at, end, &ended) || !next_field(&at, end, &rollout) || !next_field(&at, end, &lists[0]) ||
	    !next_field(&at, end, &lists[1]) || !next_field(&at, end, &lists[2]) || !next_field(&at, end, &took) || at)
		return false;
	out->rollout = rollout.at;
	out->rollout_length = (size_t)(rollout.end - rollout.at);
	return read_seconds(&ended, &out->ended_ms) && read_seconds(&took, &out->took_ms) && read_attempts(lists, out);
}

/* Neutral are those that the client gave up, and connections that became something else than a request: their time is
 * the client's own. */
void seen_attempt(struct seen *to, const struct attempt *at, bool is_warm)
{
	bool is_answered = at->header_ms >= 0;
	if (at->status == 0 || at->status == 101 || at->status == 499)
		return;
	to->attempts++;
	to->errors += at->status >= 500;
	to->failed += at->status >= 500 && !is_answered;
	if (is_answered && is_warm)
		to->latency[evidence_bucket_of(at->header_ms)]++;
}
