/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 by looking up nibbles: the idea is that of J. Keiser and D. Lemire, "Validating UTF-8
 * in less than one instruction per byte" (2021). The high and the low nibble of a byte and the
 * high nibble of the next one reveal every error of two neighbours: each of the three has a
 * table of the errors it does not rule out, and what all three leave is the error. It remains
 * to check that the third and the fourth byte of a character are where the first requires.
 *
 * A file that includes this has defined:
 *
 *	LANE_TARGET          the attribute that its instructions need, or nothing
 *	lane                 a vector type of LANE_SIZE uint8_t
 *	lane_load(p)         from any address
 *	lane_table(t)        the table of 16 bytes in the form that lane_lookup() takes
 *	lane_lookup(t, v)    t[n] for each byte n of V
 *	lane_subtract(v, n)  v - n of each byte, or 0 where that is negative
 *	lane_has_top(v)      true when a byte has its top bit
 *	lane_has_bit(v)      true when a byte is not 0
 */
#ifndef SIMD_UTF8_LOOKUP_H
#define SIMD_UTF8_LOOKUP_H

#include <string.h>

enum { LOOKUP_BACK = 3 }; /* bytes before a lane that matter to it */

/* Errors of two neighbours; FIRST is the byte before the one they are found at. */
enum {
	LOOKUP_SHORT = 0x01, /* first c0..ff, but no continuation follows */
	LOOKUP_LONE = 0x02, /* first ASCII, but a continuation follows */
	LOOKUP_OVERLONG_2 = 0x04, /* c0, c1 */
	LOOKUP_OVERLONG_3 = 0x08, /* e0, then 80..9f */
	LOOKUP_SURROGATE = 0x10, /* ed, then a0..bf */
	LOOKUP_LARGE = 0x20, /* f4..ff, then 90..bf */
	LOOKUP_EDGE = 0x40, /* f0 or f5..ff, then 80..8f: overlong, or too large */
	/* Two continuations: no error if the second is the third or fourth byte of a character,
	 * and an error to be missing if a character wants it. */
	LOOKUP_PAIR = 0x80,
};

#define LOOKUP_CONTINUATION (LOOKUP_LONE | LOOKUP_OVERLONG_2 | LOOKUP_PAIR)
/* What the low nibble of the first can't rule out. */
#define LOOKUP_ANY_LOW (LOOKUP_SHORT | LOOKUP_LONE | LOOKUP_PAIR)

static const uint8_t lookup_first_high[16] = {
    [0x0 ... 0x7] = LOOKUP_LONE,
    [0x8 ... 0xb] = LOOKUP_PAIR,
    [0xc] = LOOKUP_SHORT | LOOKUP_OVERLONG_2,
    [0xd] = LOOKUP_SHORT,
    [0xe] = LOOKUP_SHORT | LOOKUP_OVERLONG_3 | LOOKUP_SURROGATE,
    [0xf] = LOOKUP_SHORT | LOOKUP_LARGE | LOOKUP_EDGE,
};

static const uint8_t lookup_first_low[16] = {
    [0x0] = LOOKUP_ANY_LOW | LOOKUP_OVERLONG_2 | LOOKUP_OVERLONG_3 | LOOKUP_EDGE,
    [0x1] = LOOKUP_ANY_LOW | LOOKUP_OVERLONG_2,
    [0x2 ... 0x3] = LOOKUP_ANY_LOW,
    [0x4] = LOOKUP_ANY_LOW | LOOKUP_LARGE,
    [0x5 ... 0xc] = LOOKUP_ANY_LOW | LOOKUP_LARGE | LOOKUP_EDGE,
    [0xd] = LOOKUP_ANY_LOW | LOOKUP_LARGE | LOOKUP_EDGE | LOOKUP_SURROGATE,
    [0xe ... 0xf] = LOOKUP_ANY_LOW | LOOKUP_LARGE | LOOKUP_EDGE,
};

static const uint8_t lookup_second_high[16] = {
    [0x0 ... 0x7] = LOOKUP_SHORT,
    [0x8] = LOOKUP_CONTINUATION | LOOKUP_OVERLONG_3 | LOOKUP_EDGE,
    [0x9] = LOOKUP_CONTINUATION | LOOKUP_OVERLONG_3 | LOOKUP_LARGE,
    [0xa ... 0xb] = LOOKUP_CONTINUATION | LOOKUP_SURROGATE | LOOKUP_LARGE,
    [0xc ... 0xf] = LOOKUP_SHORT,
};

/* The errors of the lane at P; LOOKUP_BACK bytes before it are read too. */
LANE_TARGET static inline lane
lookup_errors(const uint8_t *p)
{
	lane v = lane_load(p);
	lane before_1 = lane_load(p - 1);
	lane pair = lane_lookup(lane_table(lookup_first_high), before_1 >> 4) &
		    lane_lookup(lane_table(lookup_first_low), before_1 & 0xf) &
		    lane_lookup(lane_table(lookup_second_high), v >> 4);
	/* The top bit stays where the first byte of three or four is 2 before, or of four 3. */
	lane wanted = lane_subtract(lane_load(p - 2), 0xe0 - 0x80) |
		      lane_subtract(lane_load(p - 3), 0xf0 - 0x80);

	return pair ^ (wanted & LOOKUP_PAIR);
}

/* True when the lane at P and what matters to it are ASCII: then nothing in it is wrong. */
LANE_TARGET static inline bool
lookup_is_ascii(const uint8_t *p)
{
	return !lane_has_top(lane_load(p - LOOKUP_BACK) | lane_load(p));
}

/* Likewise for four lanes. */
LANE_TARGET static inline bool
lookup_is_ascii_4(const uint8_t *p)
{
	lane low = lane_load(p) | lane_load(p + LANE_SIZE);
	lane high = lane_load(p + 2 * LANE_SIZE) | lane_load(p + 3 * LANE_SIZE);

	return !lane_has_top(lane_load(p - LOOKUP_BACK) | low | high);
}

/* The errors of a text of at most LANE_SIZE + LOOKUP_BACK bytes, as if ASCII were around it. */
LANE_TARGET static lane
lookup_short(const uint8_t *bytes, size_t len)
{
	uint8_t block[LOOKUP_BACK + 2 * LANE_SIZE] = {0};

	if (len > 0)
		memcpy(block + LOOKUP_BACK, bytes, len);
	return lookup_errors(block + LOOKUP_BACK) |
	       lookup_errors(block + LOOKUP_BACK + LANE_SIZE);
}

/* The errors of the first lane of a longer text. */
LANE_TARGET static lane
lookup_first(const uint8_t *bytes)
{
	uint8_t block[LOOKUP_BACK + LANE_SIZE] = {0};

	memcpy(block + LOOKUP_BACK, bytes, LANE_SIZE);
	return lookup_errors(block + LOOKUP_BACK);
}

/* True when the text does not end inside a character, if all before is valid. */
static inline bool
lookup_ends_whole(const uint8_t *end)
{
	return end[-1] < 0xc0 && end[-2] < 0xe0 && end[-3] < 0xf0;
}

LANE_TARGET static bool
lookup_valid(const uint8_t *bytes, size_t len)
{
	enum { BLOCK = 4 * LANE_SIZE };
	lane errors = {0};
	size_t i;

	if (len <= LANE_SIZE + LOOKUP_BACK)
		return !lane_has_bit(lookup_short(bytes, len));
	if (lane_has_top(lane_load(bytes)))
		errors = lookup_first(bytes);
	for (i = LANE_SIZE; len - i >= BLOCK; i += BLOCK) {
		if (lookup_is_ascii_4(bytes + i))
			continue;
		for (size_t k = 0; k < BLOCK; k += LANE_SIZE)
			errors |= lookup_errors(bytes + i + k);
	}
	for (; i < len; i += LANE_SIZE) {
		/* The last lane overlaps the one before it. */
		const uint8_t *p = bytes + (len - i < LANE_SIZE ? len - LANE_SIZE : i);

		if (!lookup_is_ascii(p))
			errors |= lookup_errors(p);
	}
	return !lane_has_bit(errors) && lookup_ends_whole(bytes + len);
}

#endif
