/* SPDX-License-Identifier: BSD-2-Clause */
/* 32 bytes at a time, on x86-64 with AVX2. */
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANE_TARGET __attribute__((target("avx2,bmi")))
enum { LANE_SIZE = 32 };
typedef uint8_t lane __attribute__((vector_size(32)));

LANE_TARGET static inline lane
lane_load(const uint8_t *p)
{
	return (lane)_mm256_loadu_si256((const __m256i *)p);
}

LANE_TARGET static inline lane
lane_repeat(uint32_t word)
{
	return (lane)_mm256_set1_epi32((int)word);
}

/* A lookup stays within each half of the vector: both have the table. */
LANE_TARGET static inline lane
lane_table(const uint8_t table[16])
{
	return (lane)_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
}

LANE_TARGET static inline lane
lane_lookup(lane table, lane nibbles)
{
	return (lane)_mm256_shuffle_epi8((__m256i)table, (__m256i)nibbles);
}

LANE_TARGET static inline lane
lane_subtract(lane v, uint8_t n)
{
	return (lane)_mm256_subs_epu8((__m256i)v, _mm256_set1_epi8((char)n));
}

LANE_TARGET static inline bool
lane_has_top(lane v)
{
	return _mm256_movemask_epi8((__m256i)v) != 0;
}

LANE_TARGET static inline bool
lane_has_bit(lane v)
{
	return !_mm256_testz_si256((__m256i)v, (__m256i)v);
}

LANE_TARGET static inline uint64_t
lane_find(const uint8_t *bytes, uint8_t c, lane *seen)
{
	uint64_t found = 0;

	for (size_t i = 0; i < 64; i += LANE_SIZE) {
		lane v = lane_load(bytes + i);
		__m256i same = _mm256_cmpeq_epi8((__m256i)v, _mm256_set1_epi8((char)c));

		*seen |= v;
		found |= (uint64_t)(uint32_t)_mm256_movemask_epi8(same) << i;
	}
	return found;
}

#include "simd/loops.h"
#include "simd/utf8_lookup.h"

const struct simd simd_avx2 = {
    "avx2", lookup_valid, loop_unmask, loop_frames_to_records, loop_records_to_frames};
