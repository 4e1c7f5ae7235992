/* SPDX-License-Identifier: BSD-2-Clause */
/* 16 bytes at a time, on x86-64 with SSSE3. */
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANE_TARGET __attribute__((target("ssse3")))
enum { LANE_SIZE = 16 };
typedef uint8_t lane __attribute__((vector_size(16)));

LANE_TARGET static inline lane
lane_load(const uint8_t *p)
{
	return (lane)_mm_loadu_si128((const __m128i *)p);
}

LANE_TARGET static inline lane
lane_repeat(uint32_t word)
{
	return (lane)_mm_set1_epi32((int)word);
}

LANE_TARGET static inline lane
lane_table(const uint8_t table[16])
{
	return lane_load(table);
}

LANE_TARGET static inline lane
lane_lookup(lane table, lane nibbles)
{
	return (lane)_mm_shuffle_epi8((__m128i)table, (__m128i)nibbles);
}

LANE_TARGET static inline lane
lane_subtract(lane v, uint8_t n)
{
	return (lane)_mm_subs_epu8((__m128i)v, _mm_set1_epi8((char)n));
}

LANE_TARGET static inline bool
lane_has_top(lane v)
{
	return _mm_movemask_epi8((__m128i)v) != 0;
}

LANE_TARGET static inline bool
lane_has_bit(lane v)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8((__m128i)v, _mm_setzero_si128())) != 0xffff;
}

LANE_TARGET static inline uint64_t
lane_find(const uint8_t *bytes, uint8_t c, lane *seen)
{
	uint64_t found = 0;

	for (size_t i = 0; i < 64; i += LANE_SIZE) {
		lane v = lane_load(bytes + i);
		__m128i same = _mm_cmpeq_epi8((__m128i)v, _mm_set1_epi8((char)c));

		*seen |= v;
		found |= (uint64_t)(uint32_t)_mm_movemask_epi8(same) << i;
	}
	return found;
}

#include "simd/loops.h"
#include "simd/utf8_lookup.h"

const struct simd simd_ssse3 = {
    "ssse3", lookup_valid, loop_unmask, loop_frames_to_records, loop_records_to_frames};
