/* SPDX-License-Identifier: BSD-2-Clause */
/* The random numbers of a seed (xorshift64*): all that a run decides comes from here. */
#ifndef TESTS_SIM_RANDOM_H
#define TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern uint64_t random_state;

/* Neighbouring seeds begin with unlike states (splitmix64). */
static inline void
random_seed(uint64_t seed)
{
	uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	random_state = (z ^ (z >> 31)) | 1;
}

static inline uint64_t
random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717);
}

/* 0 to N - 1. */
static inline size_t
random_below(size_t n)
{
	return (size_t)((random_next() >> 11) % n);
}

/* MIN to MAX. */
static inline size_t
random_between(size_t min, size_t max)
{
	return min + random_below(max - min + 1);
}

/* True once in N. */
static inline bool
random_one_in(size_t n)
{
	return random_below(n) == 0;
}

/* One of the values of an array. */
#define RANDOM_OF(array) ((array)[random_below(sizeof(array) / sizeof((array)[0]))])

#endif
