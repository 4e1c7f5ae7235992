/* SPDX-License-Identifier: BSD-2-Clause */
/* What an x86-64 processor supports. */
#include "simd/simd.h"

size_t
simd_list(const struct simd *list[SIMD_LIST_MAX])
{
	size_t n = 0;

	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
		list[n++] = &simd_avx2;
	if (__builtin_cpu_supports("ssse3"))
		list[n++] = &simd_ssse3;
	list[n++] = &simd_scalar;
	return n;
}
