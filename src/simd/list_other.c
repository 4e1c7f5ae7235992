/* SPDX-License-Identifier: BSD-2-Clause */
/* What an architecture supports that has no file of its own. */
#include "simd/simd.h"

size_t
simd_list(const struct simd *list[SIMD_LIST_MAX])
{
	list[0] = &simd_scalar;
	return 1;
}
