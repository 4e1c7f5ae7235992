/* SPDX-License-Identifier: BSD-2-Clause */
/* Eight bytes at a time, in an integer. */
#include "websocket/split_loop.h"

#include <endian.h>

/* One bit for each of eight bytes that is zero. */
static uint64_t
split_zeros(uint64_t word)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
	/* The top bit of each byte that is zero, and no other: the sum never carries over. */
	uint64_t tops = ~(((word & low) + low) | word | low);

	/* Bit 8N + 7 goes to bit N: the multiplication gathers all in the top byte. */
	return (tops >> 7) * 0x0102040810204080u >> 56;
}

static inline uint64_t
split_block_words(const uint8_t *bytes, uint8_t c, uint64_t *tops)
{
	uint64_t found = 0;

	for (unsigned int i = 0; i < SPLIT_BLOCK / 8; i++) {
		uint64_t word;

		memcpy(&word, bytes + 8 * (size_t)i, sizeof(word));
		*tops |= word & 0x8080808080808080u;
		found |= split_zeros(le64toh(word) ^ 0x0101010101010101u * c) << 8 * i;
	}
	return found;
}

/* The library's way is faster where they stand apart. */
static inline size_t
split_skip_words(const uint8_t *bytes, size_t len, uint8_t c, uint64_t *tops)
{
	const uint8_t *next = memchr(bytes, c, len);

	*tops = 1;
	return next ? (size_t)(next - bytes) : len;
}

size_t
split_take(struct split *s, const uint8_t *bytes, size_t len)
{
	return split_loop(s, bytes, len, split_block_words, split_skip_words);
}
