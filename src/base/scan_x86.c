/* SPDX-License-Identifier: BSD-2-Clause */
/* One instruction compares 16 or, with AVX2, 32 bytes, and another makes bits of them. */
#include "base/scan_loop.h"

#include <immintrin.h>

static inline __attribute__((always_inline)) uint64_t
scan_sixteen(const uint8_t *bytes, uint8_t c)
{
	__m128i lane = _mm_loadu_si128((const __m128i *)(const void *)bytes);
	__m128i same = _mm_cmpeq_epi8(lane, _mm_set1_epi8((char)c));

	return (unsigned int)_mm_movemask_epi8(same);
}

static inline __attribute__((always_inline)) uint64_t
scan_block_sse2(const uint8_t *bytes, uint8_t c)
{
	return scan_sixteen(bytes, c) | scan_sixteen(bytes + 16, c) << 16 |
	       scan_sixteen(bytes + 32, c) << 32 | scan_sixteen(bytes + 48, c) << 48;
}

__attribute__((target("avx2"))) static inline __attribute__((always_inline)) uint64_t
scan_block_avx2(const uint8_t *bytes, uint8_t c)
{
	__m256i wanted = _mm256_set1_epi8((char)c);
	__m256i low = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
	__m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32));

	return (unsigned int)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) |
	       (uint64_t)(unsigned int)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted))
		   << 32;
}

__attribute__((target("avx2,bmi"))) static size_t
scan_places_avx2(const uint8_t *bytes, size_t len, uint8_t c, uint32_t places[], size_t max)
{
	return scan_loop(bytes, len, c, places, max, scan_block_avx2);
}

size_t
scan_places(const uint8_t *bytes, size_t len, uint8_t c, uint32_t places[], size_t max)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
		return scan_places_avx2(bytes, len, c, places, max);
	return scan_loop(bytes, len, c, places, max, scan_block_sse2);
}
