/*
 * What was seen of the requests of a rollout: both sides, in the same minutes and under the same weight, so that what
 * struck both is not held against one. Read from nginx's log by nginx/access_log, or drawn by the simulation; judged by
 * decide/verdict. All counts are of attempts (an upstream was asked), not of clients' requests: a retry must not hide a
 * bad instance. Model: Wald's sequential test needs the sums alone, so nothing but sums is kept.
 */
#ifndef MODEL_EVIDENCE_H
#define MODEL_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Latency (the time to the first byte of the answer) in logarithmic buckets: number i holds what took longer than
 * bucket i - 1 and at most evidence_bucket_ms(i); the first holds all up to 1 ms, the last all that is longer. The steps
 * are of 6 %, up to more than 10 minutes.
 */
#define LATENCY_BUCKETS 232
double evidence_bucket_ms(int bucket);        /* upper bound, in ms */
int evidence_bucket_of(double milliseconds);  /* where it belongs: 0 .. LATENCY_BUCKETS - 1 */

/* What one side did. */
struct seen {
	int64_t attempts;  /* all but the neutral ones: upgraded connections, and those that the client gave up (499) */
	int64_t errors;    /* of them, answered with 500 to 599, or failed */
	int64_t failed;    /* of the errors, refused, reset, cut short or timed out: the application did not answer */
	int64_t latency[LATENCY_BUCKETS]; /* of those that were answered, but for the first LATENCY_WARM_MS under a weight */
};

/* A cold cache or a compiler that has yet to warm up is no verdict. Errors count from the first one on. */
#define LATENCY_WARM_MS 10000

/*
 * Under one weight of one rollout; under weight 0 it says what stable did shortly before, which is all that there is to
 * compare with where next has everything. Of one weight there may be several in a row, later ones after earlier ones:
 * what has gone well for a day does not then weigh against what begins to go wrong.
 */
struct evidence {
	const char *project, *service;
	const char *revision; /* of next */
	int weight;           /* permille of next while this was seen */
	int64_t from_ms, to_ms; /* ms since 1970: between them it was watched without a gap */
	struct seen stable, next;
};

/* Adds what another part of the log had. */
void seen_add(struct seen *to, const struct seen *from);

#endif
