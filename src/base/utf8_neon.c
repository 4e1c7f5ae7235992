/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 by 16 bytes a step, on 64-bit ARM, all of which has NEON. */
#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>

#define LANE_TARGET
enum { LANE_SIZE = 16 };
typedef uint8_t lane __attribute__((vector_size(16)));

static inline lane
lane_load(const uint8_t *p)
{
	return (lane)vld1q_u8(p);
}

static inline lane
lane_table(const uint8_t table[16])
{
	return lane_load(table);
}

static inline lane
lane_lookup(lane table, lane nibbles)
{
	return (lane)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)nibbles);
}

static inline lane
lane_above(lane v, uint8_t n)
{
	return (lane)vqsubq_u8((uint8x16_t)v, vdupq_n_u8(n));
}

#define lane_back(v, n) ((lane)vextq_u8(vdupq_n_u8(0), (uint8x16_t)(v), 16 - (n)))

static inline bool
lane_has_top(lane v)
{
	return vmaxvq_u8((uint8x16_t)v) >= 0x80;
}

static inline bool
lane_has_bit(lane v)
{
	return vmaxvq_u8((uint8x16_t)v) != 0;
}

#include "base/utf8_lookup.h"

bool
utf8_neon_supported(void)
{
	return true;
}

bool
utf8_neon_valid(const uint8_t *bytes, size_t len)
{
	return lookup_valid(bytes, len);
}
