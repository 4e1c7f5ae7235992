/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 a vector at a time, by looking up nibbles: the idea is that of J. Keiser and D. Lemire,
 * "Validating UTF-8 in less than one instruction per byte" (2021). The high and the low nibble
 * of a byte and the high nibble of the next one tell every fault of two neighbours: each of the
 * three has a table of the faults it does not rule out, and what all three leave is the fault.
 * What is then left to see is whether the third and the fourth byte of a character stand where
 * its first byte wants them.
 *
 * A file that includes this has defined before, for its instructions:
 *   LANE_TARGET                 the attribute that its functions need, or nothing
 *   lane                        a vector type of LANE_SIZE uint8_t
 *   lane_load(p)                from any address
 *   lane_table(t)               the table of 16 bytes, so that lane_lookup() can take it
 *   lane_lookup(table, nibbles) table[nibble] of each byte
 *   lane_above(v, n)            v - n of each byte, or 0 where that is negative
 *   lane_back(v, n)             moved up by the constant n; zeros at the n lowest places
 *   lane_has_top(v)             true when a byte has its top bit
 *   lane_has_bit(v)             true when a byte is not 0
 */
#ifndef BASE_UTF8_LOOKUP_H
#define BASE_UTF8_LOOKUP_H

#include "base/utf8_vector.h"

/* Faults of two neighbours; FIRST is the byte before the one they are found at. */
enum {
	LOOKUP_SHORT = 0x01, /* first c0..ff, but no continuation follows */
	LOOKUP_LONE = 0x02, /* first ASCII, but a continuation follows */
	LOOKUP_OVERLONG_2 = 0x04, /* c0, c1 */
	LOOKUP_OVERLONG_3 = 0x08, /* e0, then 80..9f */
	LOOKUP_SURROGATE = 0x10, /* ed, then a0..bf */
	LOOKUP_LARGE = 0x20, /* f4..ff, then 90..bf */
	LOOKUP_EDGE = 0x40, /* f0 or f5..ff, then 80..8f: overlong, or too large */
	/* Two continuations: no fault if the second is the third or fourth byte of a character,
	 * and a fault not to be there if a character wants it. */
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

/* Bits where V is at fault, given the bytes that stand 1, 2 and 3 before each of it. */
LANE_TARGET static inline lane
lookup_faults(lane v, lane before_1, lane before_2, lane before_3)
{
	lane pair = lane_lookup(lane_table(lookup_first_high), before_1 >> 4) &
		    lane_lookup(lane_table(lookup_first_low), before_1 & 0xf) &
		    lane_lookup(lane_table(lookup_second_high), v >> 4);
	/* The top bit stays where the first byte of three or four is 2 before, or of four 3. */
	lane wanted = lane_above(before_2, 0xe0 - 0x80) | lane_above(before_3, 0xf0 - 0x80);

	return pair ^ (wanted & LOOKUP_PAIR);
}

/* The faults of the vector at P, of which three bytes before can be read. */
LANE_TARGET static inline lane
lookup_faults_at(const uint8_t *p)
{
	return lookup_faults(
	    lane_load(p), lane_load(p - 1), lane_load(p - 2), lane_load(p - 3));
}

/* True when all of the vector is ASCII, and so are the three bytes before it: then nothing in
 * it can be at fault. */
LANE_TARGET static inline bool
lookup_is_ascii_at(const uint8_t *p)
{
	return !lane_has_top(lane_load(p - 3) | lane_load(p));
}

/* Four vectors at P. */
LANE_TARGET static inline lane
lookup_union(const uint8_t *p)
{
	return (lane_load(p) | lane_load(p + LANE_SIZE)) |
	       (lane_load(p + 2 * LANE_SIZE) | lane_load(p + 3 * LANE_SIZE));
}

/* True when the text does not end inside a character, if all before is well. */
static inline bool
lookup_ends_whole(const uint8_t *end)
{
	return end[-1] < 0xc0 && end[-2] < 0xe0 && end[-3] < 0xf0;
}

/* As utf8_valid(). What is shorter than a vector and what that looks back at is left to the
 * portable way. */
LANE_TARGET static inline bool
lookup_valid(const uint8_t *bytes, size_t len)
{
	size_t i = 0;
	lane bad = {0};

	if (len < LANE_SIZE + 3)
		return utf8_portable_valid(bytes, len);
	while (len - i >= 4 * LANE_SIZE && !lane_has_top(lookup_union(bytes + i)))
		i += 4 * LANE_SIZE;
	if (i == 0) {
		lane v = lane_load(bytes);

		if (lane_has_top(v))
			bad =
			    lookup_faults(v, lane_back(v, 1), lane_back(v, 2), lane_back(v, 3));
		i = LANE_SIZE;
	}
	for (; len - i >= 4 * LANE_SIZE; i += 4 * LANE_SIZE) {
		const uint8_t *p = bytes + i;

		if (!lane_has_top(lane_load(p - 3) | lookup_union(p)))
			continue;
		for (size_t k = 0; k < 4 * LANE_SIZE; k += LANE_SIZE)
			bad |= lookup_faults_at(p + k);
	}
	for (; len - i >= LANE_SIZE; i += LANE_SIZE) {
		if (!lookup_is_ascii_at(bytes + i))
			bad |= lookup_faults_at(bytes + i);
	}
	/* The last vector overlaps the one before it. */
	if (i < len && !lookup_is_ascii_at(bytes + len - LANE_SIZE))
		bad |= lookup_faults_at(bytes + len - LANE_SIZE);
	return !lane_has_bit(bad) && lookup_ends_whole(bytes + len);
}

#endif
