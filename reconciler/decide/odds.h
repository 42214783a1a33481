/*
 * How strongly counts speak against an assumption: the statistics under decide/verdict.
 *
 * The one question: of so many events `hits` were of a kind that, as assumed, at most that share of them is of. Asked of
 * attempts ("failed; at most 1 % do") it is an absolute test. Asked of errors ("of next; at most 5 % are, because next
 * has 5 % of the attempts") it compares two sides and needs no rate: what strikes both leaves the shares as they are,
 * whatever it does to the rates.
 *
 * The answer is a bet's gain (an e-process): as long as the assumption holds it is 1 on average, whenever one looks, and
 * reaches 200 at any time with a probability of at most 1 in 200 (Ville). So it may be looked at every second, and nothing
 * but sums need be kept. Model: Wald's likelihood ratio, of hits that are R times as likely, over several R at once;
 * Ramdas, Grünwald, Vovk, Shafer: Game-theoretic statistics and safe anytime-valid inference, 2023.
 */
#ifndef DECIDE_ODDS_H
#define DECIDE_ODDS_H

#include <stddef.h>
#include <stdint.h>

/* What was counted in one piece of time. */
struct tally {
	int64_t events, hits;
	double share; /* of hits among the events, at most, as assumed: 0 < share; 1 and more say nothing */
};

/*
 * The natural logarithm of the gain over consecutive pieces, oldest first; 0 without any. It bets on each piece as the
 * one where hits began, so that what went well before does not weigh against what goes wrong now; *from (may be NULL)
 * says which of them it is.
 */
double odds_against(const struct tally *pieces, size_t count, size_t *from);

/* log(exp(a) + exp(b)) */
double odds_add(double a, double b);

/* The largest share of hits that is still easy to believe after those events (Wilson's bound at three deviations). */
double odds_most(int64_t events, int64_t hits);

#endif
