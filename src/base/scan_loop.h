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

/*
 * How a kind of machine looks. Both set bits of *TOPS when a byte that they went over has its
 * top bit, or when they did not look for that.
 */

/* Bit N of the result is set where BYTES[N] is C. All SCAN_BLOCK bytes are read. */
typedef uint64_t scan_block(const uint8_t *bytes, uint8_t c, uint64_t *tops);
/* How many bytes at the front have no C: as many as are gone over fast, maybe none. */
typedef size_t scan_skip(const uint8_t *bytes, size_t len, uint8_t c, uint64_t *tops);

static inline __attribute__((always_inline)) size_t
scan_loop(const uint8_t *bytes, size_t len, uint8_t c, uint32_t places[], size_t max,
    bool *ascii, scan_block *block, scan_skip *skip)
{
	uint64_t tops = 0;
	uint8_t rest[SCAN_BLOCK];
	size_t at = 0;
	size_t n = 0;

	while (at < len && n < max) {
		const uint8_t *from = bytes + at;
		uint64_t found;
		bool empty;

		if (len - at < SCAN_BLOCK) {
			memset(rest, (c + 1) & 0x7f, sizeof(rest));
			memcpy(rest, from, len - at);
			from = rest;
		}
		found = block(from, c, &tops);
		empty = found == 0;
		for (; found != 0 && n < max; found &= found - 1)
			places[n++] = (uint32_t)at + (uint32_t)__builtin_ctzll(found);
		at += SCAN_BLOCK;
		if (empty && at < len)
			at += skip(bytes + at, len - at, c, &tops);
	}
	*ascii = tops == 0;
	return n;
}

#endif
