/* Sums of what was seen, and the buckets of its latencies. */
#include "model/evidence.h"

#include <math.h>

#define STEP 1.06

double evidence_bucket_ms(int bucket)
{
	return pow(STEP, bucket);
}

int evidence_bucket_of(double milliseconds)
{
	if (!(milliseconds > 1))
		return 0;
	int bucket = (int)ceil(log(milliseconds) / log(STEP) - 1e-9);
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

void seen_add(struct seen *to, const struct seen *from)
{
	to->attempts += from->attempts;
	to->errors += from->errors;
	to->failed += from->failed;
	for (int i = 0; i < LATENCY_BUCKETS; i++)
		to->latency[i] += from->latency[i];
}
