/* SPDX-License-Identifier: BSD-2-Clause */
/* 16 bytes at a time, on 64-bit ARM with NEON. */
#include <arm_neon.h>
#include <stdbool.h>
#include <stddef.h>
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
lane_repeat(uint32_t word)
{
	return (lane)vdupq_n_u32(word);
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
lane_subtract(lane v, uint8_t n)
{
	return (lane)vqsubq_u8((uint8x16_t)v, vdupq_n_u8(n));
}

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

/* Of the 16 bytes in V, those that are C: one bit each, by its place among eight. */
static inline uint8x16_t
lane_same(lane v, uint8_t c)
{
	static const uint8_t bits[16] = {
	    1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};

	return vandq_u8(vceqq_u8((uint8x16_t)v, vdupq_n_u8(c)), vld1q_u8(bits));
}

/* No instruction does this: three rounds of adding neighbours put eight bits in a byte. */
static inline uint64_t
lane_find(const uint8_t *p, uint8_t c, lane *seen)
{
	lane v0 = lane_load(p);
	lane v1 = lane_load(p + 16);
	lane v2 = lane_load(p + 32);
	lane v3 = lane_load(p + 48);
	uint8x16_t low = vpaddq_u8(lane_same(v0, c), lane_same(v1, c));
	uint8x16_t high = vpaddq_u8(lane_same(v2, c), lane_same(v3, c));
	uint8x16_t all = vpaddq_u8(low, high);

	*seen |= v0 | v1 | v2 | v3;
	return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}

#include "simd/loops.h"
#include "simd/utf8_lookup.h"

const struct simd simd_neon = {
    "neon", lookup_valid, loop_unmask, loop_frames_to_records, loop_records_to_frames};
