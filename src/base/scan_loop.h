/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of scan_places(), built once for each kind of machine (scan_*.c), which differ in
 * how they look at a block of SCAN_BLOCK bytes.
 */
#ifndef BASE_SCAN_LOOP_H
#define BASE_SCAN_LOOP_H

#include "base/scan.h"

#include <stdbool.h>
#include <string.h>

enum { SCAN_BLOCK = 64 };

/* Bit N of the result is set where BYTES[N] is C. All SCAN_BLOCK bytes are read. */
typedef uint64_t scan_block(const uint8_t *bytes, uint8_t c);

static inline __attribute__((always_inline)) size_t
scan_loop(const uint8_t *bytes, size_t len, uint8_t c, uint32_t places[], size_t max,
    scan_block *block)
{
	size_t at = 0;
	size_t n = 0;

	while (n < max) {
		const uint8_t *next;
		bool empty = false; /* the last block was */

		while (len - at >= SCAN_BLOCK) {
			uint64_t found = block(bytes + at, c);

			if (found == 0 && empty)
				break; /* they stand apart: memchr()'s affair */
			empty = found == 0;
			for (; found != 0 && n < max; found &= found - 1)
				places[n++] = (uint32_t)at + (uint32_t)__builtin_ctzll(found);
			if (n == max)
				return n;
			at += SCAN_BLOCK;
		}
		next = memchr(bytes + at, c, len - at);
		if (!next)
			break;
		at = (size_t)(next - bytes);
		places[n++] = (uint32_t)at++;
	}
	return n;
}

#endif
