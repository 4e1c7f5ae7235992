/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eight bytes at a time in an integer, on any machine. UTF-8 is checked by an automaton whose
 * step is one load and one shift: a state is the position of six bits in a word, and each byte
 * has a word that holds, at the position of each state, the next state. A word of zeros leads
 * to the state BAD, which nothing leaves.
 */
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANE_TARGET
enum { LANE_SIZE = 8 };
typedef uint64_t lane;

static inline lane
lane_load(const uint8_t *p)
{
	lane v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline lane
lane_repeat(uint32_t word)
{
	return (lane)word << 32 | word;
}

static inline bool
lane_has_top(lane v)
{
	return (v & 0x8080808080808080u) != 0;
}

/* One bit for each byte of WORD that is zero. */
static inline uint64_t
lane_zeros(uint64_t word)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
	/* The top bit of each byte that is zero, and no other: the sum never carries over. */
	uint64_t tops = ~(((word & low) + low) | word | low);

	/* Bit 8N + 7 goes to bit N: the multiplication puts them all in the top byte. */
	return (tops >> 7) * 0x0102040810204080u >> 56;
}

static inline uint64_t
lane_find(const uint8_t *bytes, uint8_t c, lane *seen)
{
	uint64_t found = 0;

	for (size_t i = 0; i < 64; i += LANE_SIZE) {
		lane v = lane_load(bytes + i);

		*seen |= v;
		found |= lane_zeros(le64toh(v) ^ 0x0101010101010101u * c) << i;
	}
	return found;
}

#include "simd/loops.h"

/* The positions. After the first byte of a character: what its next byte must be. */
enum {
	BAD = 0,
	WHOLE = 6, /* between two characters */
	LAST = 12, /* one more byte, 80..bf */
	LAST_TWO = 18,
	LAST_THREE = 24,
	AFTER_E0 = 30, /* a0..bf, then one more: else it is overlong */
	AFTER_ED = 36, /* 80..9f, then one more: else it is a surrogate */
	AFTER_F0 = 42, /* 90..bf, then two more: else it is overlong */
	AFTER_F4 = 48, /* 80..8f, then two more: else it is above U+10FFFF */
};

#define FROM(state, next) ((uint64_t)(next) << (state))
#define ANY_CONTINUATION (FROM(LAST, WHOLE) | FROM(LAST_TWO, LAST) | FROM(LAST_THREE, LAST_TWO))

/* The table of RFC 3629, section 4; c0, c1 and f5..ff are in no text. */
static const uint64_t scalar_steps[256] = {
    [0x00 ... 0x7f] = FROM(WHOLE, WHOLE),
    [0x80 ... 0x8f] = ANY_CONTINUATION | FROM(AFTER_ED, LAST) | FROM(AFTER_F4, LAST_TWO),
    [0x90 ... 0x9f] = ANY_CONTINUATION | FROM(AFTER_ED, LAST) | FROM(AFTER_F0, LAST_TWO),
    [0xa0 ... 0xbf] = ANY_CONTINUATION | FROM(AFTER_E0, LAST) | FROM(AFTER_F0, LAST_TWO),
    [0xc2 ... 0xdf] = FROM(WHOLE, LAST),
    [0xe0] = FROM(WHOLE, AFTER_E0),
    [0xe1 ... 0xec] = FROM(WHOLE, LAST_TWO),
    [0xed] = FROM(WHOLE, AFTER_ED),
    [0xee ... 0xef] = FROM(WHOLE, LAST_TWO),
    [0xf0] = FROM(WHOLE, AFTER_F0),
    [0xf1 ... 0xf3] = FROM(WHOLE, LAST_THREE),
    [0xf4] = FROM(WHOLE, AFTER_F4),
};

static bool
scalar_utf8_valid(const uint8_t *bytes, size_t len)
{
	uint64_t state = WHOLE; /* only the low six bits have a meaning */

	for (; len >= LANE_SIZE; bytes += LANE_SIZE, len -= LANE_SIZE) {
		if ((state & 63) == WHOLE && !lane_has_top(lane_load(bytes)))
			continue;
		for (size_t i = 0; i < LANE_SIZE; i++)
			state = scalar_steps[bytes[i]] >> (state & 63);
	}
	for (size_t i = 0; i < len; i++)
		state = scalar_steps[bytes[i]] >> (state & 63);
	return (state & 63) == WHOLE;
}

bool
simd_utf8_step(uint8_t *state, uint8_t byte)
{
	/* Outside, 0 is between two characters. */
	*state = (scalar_steps[byte] >> (*state ^ WHOLE) & 63) ^ WHOLE;
	return *state != (BAD ^ WHOLE);
}

const struct simd simd_scalar = {
    "scalar", scalar_utf8_valid, loop_unmask, loop_frames_to_records, loop_records_to_frames};
