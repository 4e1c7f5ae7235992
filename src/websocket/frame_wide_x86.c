/* SPDX-License-Identifier: BSD-2-Clause */
/* Masking by 64 bytes a step, on x86-64 with AVX2. */
#include "websocket/frame_wide.h"

#include <string.h>

typedef uint64_t frame_lane __attribute__((vector_size(32)));

__attribute__((target("avx2"))) static size_t
frame_mask_avx2(uint8_t *to, const uint8_t *from, size_t len, uint64_t key, uint64_t *seen)
{
	const frame_lane keys = {key, key, key, key};
	frame_lane a, b, all = {0};
	size_t i = 0;

	for (; len - i >= 2 * sizeof(a); i += 2 * sizeof(a)) {
		memcpy(&a, from + i, sizeof(a));
		memcpy(&b, from + i + sizeof(a), sizeof(b));
		a ^= keys;
		b ^= keys;
		all |= a | b;
		memcpy(to + i, &a, sizeof(a));
		memcpy(to + i + sizeof(a), &b, sizeof(b));
	}
	*seen |= all[0] | all[1] | all[2] | all[3];
	return i;
}

size_t
frame_mask_wide(uint8_t *to, const uint8_t *from, size_t len, uint64_t key, uint64_t *seen)
{
	return __builtin_cpu_supports("avx2") ? frame_mask_avx2(to, from, len, key, seen) : 0;
}
