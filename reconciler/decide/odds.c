/* Bets against an assumption about shares. Everything is in natural logarithms: gains grow beyond what a double holds. */
#include "decide/odds.h"

#include <math.h>

/* Hits are so many times as likely as assumed: an equal part of the stake on each. What is less than twice as likely
 * would take thousands of hits to tell; 100 is what catches a failing side by its third or fourth. */
static const double ratios[] = {2, 5, 20, 100};
#define RATIOS (sizeof ratios / sizeof ratios[0])

double odds_add(double a, double b)
{
	double larger = a > b ? a : b, smaller = a > b ? b : a;
	return isinf(larger) ? larger : larger + log1p(exp(smaller - larger));
}

/* A hit is `ratio` times as likely beside the other events: its share is ratio * share / (1 + (ratio - 1) * share). */
static double gain(const struct tally *t, double ratio)
{
	double share = t->share < 1 ? t->share : 1;
	return (double)t->hits * log(ratio) - (double)t->events * log1p((ratio - 1) * share);
}

/* Three quarters on the first piece, and the rest so that it lasts however many there will be: 1/(1*2), 1/(2*3), ... of it. */
static double stake_on(size_t piece)
{
	double n = (double)piece;
	return piece ? 0.25 / (n * (n + 1)) : 0.75;
}

double odds_against(const struct tally *pieces, size_t count, size_t *from)
{
	double all = -INFINITY, best = -INFINITY, since[RATIOS] = {0};
	if (from)
		*from = 0;
	if (count)
		all = -log(4.0 * (double)count); /* what is not bet yet */
	for (size_t i = count; i-- > 0; ) {
		double here = -INFINITY;
		for (size_t k = 0; k < RATIOS; k++) {
			since[k] += gain(&pieces[i], ratios[k]);
			here = odds_add(here, since[k] - log(RATIOS));
		}
		here += log(stake_on(i));
		all = odds_add(all, here);
		if (here > best && from)
			*from = i;
		best = here > best ? here : best;
	}
	return count ? all : 0;
}

double odds_most(int64_t events, int64_t hits)
{
	if (events <= 0)
		return 1;
	double n = (double)events, p = (double)hits / n, z2 = 9;
	return (p + z2 / (2 * n) + sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n)))) / (1 + z2 / n);
}
