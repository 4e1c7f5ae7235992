/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 by 32 bytes a step, on x86-64 with AVX2. */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define LANE_TARGET __attribute__((target("avx2")))
enum { LANE_SIZE = 32 };
typedef uint8_t lane __attribute__((vector_size(32)));

LANE_TARGET static inline lane
lane_load(const uint8_t *p)
{
	return (lane)_mm256_loadu_si256((const __m256i *)p);
}

/* The lookup stays within each half of the vector: both have the table. */
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
lane_above(lane v, int n)
{
	return (lane)_mm256_subs_epu8((__m256i)v, _mm256_set1_epi8((char)n));
}

/* Takes what moves into the upper half from the lower half, and zeros into that. */
#define lane_back(v, n)                                                                        \
	((lane)_mm256_alignr_epi8((__m256i)(v),                                                \
	    _mm256_permute2x128_si256((__m256i)(v), (__m256i)(v), 0x08), 16 - (n)))

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

#include "base/utf8_lookup.h"

bool
utf8_avx2_supported(void)
{
	return __builtin_cpu_supports("avx2");
}

LANE_TARGET bool
utf8_avx2_valid(const uint8_t *bytes, size_t len)
{
	return lookup_valid(bytes, len);
}
