/* SPDX-License-Identifier: BSD-2-Clause */
/* Eight bytes at a time, in an integer. */
#include "base/scan_loop.h"

#include <endian.h>

/* One bit for each of eight bytes that is zero. */
static uint64_t
scan_zeros(uint64_t word)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
	/* The top bit of each byte that is zero, and no other: the sum never carries over. */
	uint64_t tops = ~(((word & low) + low) | word | low);

	/* Bit 8N + 7 goes to bit N: the multiplication gathers all in the top byte. */
	return (tops >> 7) * 0x0102040810204080u >> 56;
}

static inline uint64_t
scan_block_words(const uint8_t *bytes, uint8_t c, uint64_t *tops)
{
	uint64_t found = 0;

	for (unsigned int i = 0; i < SCAN_BLOCK / 8; i++) {
		uint64_t word;

		memcpy(&word, bytes + 8 * (size_t)i, sizeof(word));
		*tops |= word & 0x8080808080808080u;
		found |= scan_zeros(le64toh(word) ^ 0x0101010101010101u * c) << 8 * i;
	}
	return found;
}

/* The library's way is faster where they stand apart. */
static inline size_t
scan_skip_words(const uint8_t *bytes, size_t len, uint8_t c, uint64_t *tops)
{
	const uint8_t *next = memchr(bytes, c, len);

	*tops = 1;
	return next ? (size_t)(next - bytes) : len;
}

size_t
scan_places(
    const uint8_t *bytes, size_t len, uint8_t c, uint32_t places[], size_t max, bool *ascii)
{
	return scan_loop(bytes, len, c, places, max, ascii, scan_block_words, scan_skip_words);
}
