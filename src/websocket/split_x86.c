/* SPDX-License-Identifier: BSD-2-Clause */
/* One instruction compares 16 or, with AVX2, 32 bytes, and another makes bits of them. */
#include "websocket/split_loop.h"

#include <immintrin.h>

static inline __attribute__((always_inline)) uint64_t
split_sixteen(__m128i lane, uint8_t c)
{
	return (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(lane, _mm_set1_epi8((char)c)));
}

static inline __attribute__((always_inline)) uint64_t
split_block_sse2(const uint8_t *bytes, uint8_t c, uint64_t *tops)
{
	const __m128i *from = (const __m128i *)(const void *)bytes;
	__m128i a = _mm_loadu_si128(from);
	__m128i b = _mm_loadu_si128(from + 1);
	__m128i d = _mm_loadu_si128(from + 2);
	__m128i e = _mm_loadu_si128(from + 3);
	__m128i all = _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(d, e));

	*tops |= (unsigned int)_mm_movemask_epi8(all);
	return split_sixteen(a, c) | split_sixteen(b, c) << 16 | split_sixteen(d, c) << 32 |
	       split_sixteen(e, c) << 48;
}

__attribute__((target("avx2"))) static inline __attribute__((always_inline)) uint64_t
split_block_avx2(const uint8_t *bytes, uint8_t c, uint64_t *tops)
{
	__m256i wanted = _mm256_set1_epi8((char)c);
	__m256i low = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
	__m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32));

	*tops |= (unsigned int)_mm256_movemask_epi8(_mm256_or_si256(low, high));
	return (unsigned int)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) |
	       (uint64_t)(unsigned int)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted))
		   << 32;
}

static inline __attribute__((always_inline)) size_t
split_skip_sse2(const uint8_t *bytes, size_t len, uint8_t c, uint64_t *tops)
{
	size_t at = 0;

	while (len - at >= SPLIT_BLOCK && split_block_sse2(bytes + at, c, tops) == 0)
		at += SPLIT_BLOCK;
	return at;
}

__attribute__((target("avx2"))) static inline __attribute__((always_inline)) size_t
split_skip_avx2(const uint8_t *bytes, size_t len, uint8_t c, uint64_t *tops)
{
	enum { STEP = 4 * sizeof(__m256i) };
	__m256i wanted = _mm256_set1_epi8((char)c);
	__m256i all = _mm256_setzero_si256();
	size_t at = 0;

	for (; len - at >= STEP; at += STEP) {
		const __m256i *from = (const __m256i *)(const void *)(bytes + at);
		__m256i v0 = _mm256_loadu_si256(from);
		__m256i v1 = _mm256_loadu_si256(from + 1);
		__m256i v2 = _mm256_loadu_si256(from + 2);
		__m256i v3 = _mm256_loadu_si256(from + 3);
		__m256i same01 = _mm256_or_si256(
		    _mm256_cmpeq_epi8(v0, wanted), _mm256_cmpeq_epi8(v1, wanted));
		__m256i same23 = _mm256_or_si256(
		    _mm256_cmpeq_epi8(v2, wanted), _mm256_cmpeq_epi8(v3, wanted));
		__m256i same = _mm256_or_si256(same01, same23);

		if (!_mm256_testz_si256(same, same))
			break;
		all = _mm256_or_si256(
		    all, _mm256_or_si256(_mm256_or_si256(v0, v1), _mm256_or_si256(v2, v3)));
	}
	*tops |= (unsigned int)_mm256_movemask_epi8(all);
	return at;
}

__attribute__((target("avx2,bmi"))) static size_t
split_take_avx2(struct split *s, const uint8_t *bytes, size_t len)
{
	return split_loop(s, bytes, len, split_block_avx2, split_skip_avx2);
}

size_t
split_take(struct split *s, const uint8_t *bytes, size_t len)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
		return split_take_avx2(s, bytes, len);
	return split_loop(s, bytes, len, split_block_sse2, split_skip_sse2);
}
