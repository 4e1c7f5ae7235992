/* SPDX-License-Identifier: BSD-2-Clause */
/* The choice of instructions. */
#include "simd/simd.h"

const struct simd *simd = &simd_scalar;

void
simd_init(void)
{
	const struct simd *list[SIMD_LIST_MAX];

	(void)simd_list(list);
	simd = list[0];
}
