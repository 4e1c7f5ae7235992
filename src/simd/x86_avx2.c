/* SPDX-License-Identifier: BSD-2-Clause */
/* 32 bytes at a time, on x86-64 with AVX2. */
#include <immintrin.h>

#define LANE_TARGET __attribute__((target("avx2,bmi")))
#define X86_VECTOR __m256i
#define X86(name) _mm256_##name
enum { LANE_SIZE = 32 };

#include "simd/x86.h"

#include "simd/loops.h"
#include "simd/utf8_lookup.h"

const struct simd simd_avx2 = {
    "avx2", lookup_valid, loop_unmask, loop_frames_to_records, loop_records_to_frames};
