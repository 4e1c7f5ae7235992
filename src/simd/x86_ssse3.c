/* SPDX-License-Identifier: BSD-2-Clause */
/* 16 bytes at a time, on x86-64 with SSSE3. */
#include <immintrin.h>

#define LANE_TARGET __attribute__((target("ssse3")))
#define X86_VECTOR __m128i
#define X86(name) _mm_##name
enum { LANE_SIZE = 16 };

#include "simd/x86.h"

#include "simd/loops.h"
#include "simd/utf8_lookup.h"

const struct simd simd_ssse3 = {
    "ssse3", lookup_valid, loop_unmask, loop_frames_to_records, loop_records_to_frames};
