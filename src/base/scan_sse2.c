/* SPDX-License-Identifier: BSD-2-Clause */
/* Sixteen bytes are compared at once, and one instruction makes bits of them. */
#include "base/scan.h"

#include <emmintrin.h>

static uint64_t
scan_sixteen(const uint8_t *bytes, __m128i wanted)
{
	__m128i lane = _mm_loadu_si128((const __m128i *)(const void *)bytes);

	return (uint64_t)(unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(lane, wanted));
}

uint64_t
scan_block(const uint8_t *bytes, uint8_t c)
{
	__m128i wanted = _mm_set1_epi8((char)c);

	return scan_sixteen(bytes, wanted) | scan_sixteen(bytes + 16, wanted) << 16 |
	       scan_sixteen(bytes + 32, wanted) << 32 | scan_sixteen(bytes + 48, wanted) << 48;
}
