/* SPDX-License-Identifier: BSD-2-Clause */
/* What a 64-bit ARM processor supports: all of them have NEON. */
#include "simd/simd.h"

size_t
simd_list(const struct simd *list[SIMD_LIST_MAX])
{
	list[0] = &simd_neon;
	list[1] = &simd_scalar;
	return 2;
}
