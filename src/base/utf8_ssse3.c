/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 by 16 bytes a step, on x86-64 with SSSE3. */
#include <immintrin.h>
#include <stdbool.h>
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
lane_above(lane v, int n)
{
	return (lane)_mm_subs_epu8((__m128i)v, _mm_set1_epi8((char)n));
}

#define lane_back(v, n) ((lane)_mm_slli_si128((__m128i)(v), (n)))

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

#include "base/utf8_lookup.h"

bool
utf8_ssse3_supported(void)
{
	return __builtin_cpu_supports("ssse3");
}

LANE_TARGET bool
utf8_ssse3_valid(const uint8_t *bytes, size_t len)
{
	return lookup_valid(bytes, len);
}
