/* Numbers from a seed: splitmix64, so that seed 1 and seed 2 have nothing in common. */
#ifndef SIMULATION_DRAW_H
#define SIMULATION_DRAW_H

#include <stdint.h>

static inline uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 .. sides - 1 */
static inline unsigned roll(uint64_t *state, unsigned sides)
{
	return (unsigned)(draw(state) >> 33) % sides;
}

/* 0 <= x < 1 */
static inline double draw_part(uint64_t *state)
{
	return (double)(draw(state) >> 11) * 0x1p-53;
}

#endif
