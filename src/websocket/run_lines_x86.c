/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop of a run on x86-64: by 32 bytes where there is AVX2, else by 16. */
#include "websocket/run_loop.h"

__attribute__((target("avx2"))) static size_t
run_lines_avx2(struct run_lines *r, const uint8_t *bytes, size_t len)
{
	return run_loop(r, bytes, len);
}

size_t
run_lines(struct run_lines *r, const uint8_t *bytes, size_t len)
{
	return __builtin_cpu_supports("avx2") ? run_lines_avx2(r, bytes, len)
					      : run_loop(r, bytes, len);
}
