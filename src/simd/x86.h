/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lanes of x86-64, for simd/loops.h and simd/utf8_lookup.h. A file that includes this has
 * defined:
 *
 *	LANE_TARGET     the attribute that its instructions need
 *	LANE_SIZE       16 or 32
 *	X86_VECTOR      the type of its intrinsics
 *	X86(name)       the intrinsic of that name
 */
#ifndef SIMD_X86_H
#define SIMD_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t lane __attribute__((vector_size(LANE_SIZE)));

LANE_TARGET static inline lane
lane_load(const uint8_t *p)
{
	lane v;

	memcpy(&v, p, sizeof(v));
	return v;
}

LANE_TARGET static inline lane
lane_repeat(uint32_t word)
{
	return (lane)X86(set1_epi32)((int)word);
}

/* A lookup stays within 16 bytes: each part of the vector has the table. */
LANE_TARGET static inline lane
lane_table(const uint8_t table[16])
{
	lane v;

	for (size_t i = 0; i < LANE_SIZE; i += 16)
		memcpy((uint8_t *)&v + i, table, 16);
	return v;
}

LANE_TARGET static inline lane
lane_lookup(lane table, lane nibbles)
{
	return (lane)X86(shuffle_epi8)((X86_VECTOR)table, (X86_VECTOR)nibbles);
}

LANE_TARGET static inline lane
lane_subtract(lane v, uint8_t n)
{
	return (lane)X86(subs_epu8)((X86_VECTOR)v, X86(set1_epi8)((char)n));
}

/* One bit for each byte of V: its top bit. */
LANE_TARGET static inline uint32_t
lane_tops(lane v)
{
	return (uint32_t)X86(movemask_epi8)((X86_VECTOR)v);
}

LANE_TARGET static inline bool
lane_has_top(lane v)
{
	return lane_tops(v) != 0;
}

LANE_TARGET static inline bool
lane_has_bit(lane v)
{
	return lane_tops((lane)(v != 0)) != 0;
}

LANE_TARGET static inline uint64_t
lane_find(const uint8_t *bytes, uint8_t c, lane *seen)
{
	uint64_t found = 0;

	for (size_t i = 0; i < 64; i += LANE_SIZE) {
		lane v = lane_load(bytes + i);

		*seen |= v;
		found |= (uint64_t)lane_tops((lane)(v == c)) << i;
	}
	return found;
}

#endif
