/* SPDX-License-Identifier: BSD-2-Clause */
/* The frame of RFC 6455, section 5.2: headers and masking. */
#include "websocket/frame.h"

#include <endian.h>
#include <string.h>

/* The top bits of the first two bytes, and the seven that say where the length stands. */
enum {
	FRAME_FIN = 0x80,
	FRAME_MASKED = 0x80,
	FRAME_LEN_BITS = 0x7f,
	FRAME_LEN_SHORT_MAX = 125, /* it stands in the seven bits themselves */
	FRAME_LEN_16 = 126, /* in the two bytes behind them */
	FRAME_LEN_64 = 127, /* in the eight bytes behind them */
};

/* Sixteen bytes, in one register where the machine has one: thrice as fast as two words. */
typedef uint64_t frame_lane __attribute__((vector_size(16)));

static uint64_t
frame_read_number(const uint8_t *bytes, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Reads the length of the payload; returns as frame_read_header() does, without the mask. */
static int
frame_read_len(const uint8_t *bytes, size_t len, uint64_t *out)
{
	uint8_t bits = bytes[1] & FRAME_LEN_BITS;
	uint64_t value;

	if (bits == FRAME_LEN_64) {
		/* "the most significant bit MUST be 0" */
		if (len > 2 && bytes[2] & 0x80)
			return -1;
		if (len < 10)
			return 0;
		value = frame_read_number(bytes + 2, 8);
		if (value <= UINT16_MAX)
			return -1;
		*out = value;
		return 10;
	}
	if (bits == FRAME_LEN_16) {
		if (len < 4)
			return 0;
		value = frame_read_number(bytes + 2, 2);
		/* "the minimal number of bytes MUST be used to encode the length" */
		if (value <= FRAME_LEN_SHORT_MAX)
			return -1;
		*out = value;
		return 4;
	}
	*out = bits;
	return 2;
}

int
frame_read_header(const uint8_t *bytes, size_t len, struct frame_header *out)
{
	int size;

	memset(out, 0, sizeof(*out));
	if (len < 1)
		return 0;
	out->fin = bytes[0] & FRAME_FIN;
	out->rsv = bytes[0] >> 4 & 7;
	out->opcode = bytes[0] & 0xf;
	if (len < 2)
		return 0;
	out->masked = bytes[1] & FRAME_MASKED;
	size = frame_read_len(bytes, len, &out->len);
	if (size <= 0 || !out->masked)
		return size;
	if (len - (size_t)size < sizeof(out->mask))
		return 0;
	memcpy(out->mask, bytes + size, sizeof(out->mask));
	return size + (int)sizeof(out->mask);
}

size_t
frame_write_header(uint8_t *out, bool fin, uint8_t rsv1, enum frame_opcode opcode, uint64_t len)
{
	size_t extra = len <= FRAME_LEN_SHORT_MAX ? 0 : len <= UINT16_MAX ? 2 : 8;

	out[0] = (uint8_t)((fin ? FRAME_FIN : 0) | (rsv1 ? 0x40 : 0) | opcode);
	if (extra == 0) {
		out[1] = (uint8_t)len;
		return 2;
	}
	out[1] = extra == 2 ? FRAME_LEN_16 : FRAME_LEN_64;
	for (size_t i = extra; i > 0; i--) {
		out[1 + i] = (uint8_t)len;
		len >>= 8;
	}
	return 2 + extra;
}

/* The key as it stands OFFSET bytes further on; a copy by memory would stall. */
static uint64_t
frame_turn(uint64_t key, size_t offset)
{
	uint64_t value = le64toh(key);
	unsigned int bits = 8 * (offset & 3);

	return htole64(value >> bits | value << (-bits & 63));
}

/* The mask as it stands at OFFSET, twice: in memory it is what eight bytes are masked with. */
static uint64_t
frame_mask_key(const uint8_t mask[4], uint64_t offset)
{
	uint32_t half;

	memcpy(&half, mask, sizeof(half));
	return frame_turn((uint64_t)half << 32 | half, (size_t)(offset & 3));
}

void
frame_mask(uint8_t *to, const uint8_t *from, size_t len, const uint8_t mask[4], uint64_t offset)
{
	uint64_t key = frame_mask_key(mask, offset);
	frame_lane keys = {key, key};
	frame_lane a, b;
	uint64_t word;
	uint8_t tail[8];
	size_t i = 0;

	/* Each step reads all that it needs before it writes, so TO may lie just below FROM. */
	for (; len - i >= 2 * sizeof(a); i += 2 * sizeof(a)) {
		memcpy(&a, from + i, sizeof(a));
		memcpy(&b, from + i + sizeof(a), sizeof(b));
		a ^= keys;
		b ^= keys;
		memcpy(to + i, &a, sizeof(a));
		memcpy(to + i + sizeof(a), &b, sizeof(b));
	}
	for (; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, from + i, sizeof(word));
		word ^= key;
		memcpy(to + i, &word, sizeof(word));
	}
	memcpy(tail, &key, sizeof(tail));
	for (size_t k = 0; i < len; i++, k++)
		to[i] = from[i] ^ tail[k];
}

/*
 * A block of 16, 8 or 4 bytes that ends with the payload is read first and written last, so
 * that no loop over single bytes is left: what it has in common with the blocks before it is
 * written twice. KEY is eight bytes of the mask in memory.
 */
static bool
frame_unmask_short(uint8_t *to, const uint8_t *from, size_t len, uint64_t key)
{
	uint64_t first, last, turned;
	uint32_t half[2];
	uint8_t byte = 0;

	if (len >= 8) {
		memcpy(&last, from + len - 8, 8);
		memcpy(&first, from, 8);
		turned = frame_turn(key, len);
		first ^= key;
		last ^= turned;
		memcpy(to, &first, 8);
		memcpy(to + len - 8, &last, 8);
		return ((first | last) & 0x8080808080808080u) == 0;
	}
	if (len >= 4) {
		memcpy(&half[1], from + len - 4, 4);
		memcpy(&half[0], from, 4);
		half[0] ^= (uint32_t)key;
		half[1] ^= (uint32_t)frame_turn(key, len);
		memcpy(to, &half[0], 4);
		memcpy(to + len - 4, &half[1], 4);
		return ((half[0] | half[1]) & 0x80808080u) == 0;
	}
	for (size_t i = 0; i < len; i++) {
		to[i] = from[i] ^ ((const uint8_t *)&key)[i];
		byte |= to[i];
	}
	return byte < 0x80;
}

bool
frame_unmask(uint8_t *to, const uint8_t *from, size_t len, const uint8_t mask[4])
{
	uint64_t key = frame_mask_key(mask, 0);
	uint64_t turned;
	frame_lane keys = {key, key};
	frame_lane last, a, b, seen;
	size_t i = 0;

	if (len < sizeof(frame_lane))
		return frame_unmask_short(to, from, len, key);
	turned = frame_turn(key, len);
	memcpy(&last, from + len - sizeof(last), sizeof(last));
	last ^= (frame_lane){turned, turned};
	seen = last;
	for (; len - i >= 2 * sizeof(a); i += 2 * sizeof(a)) {
		memcpy(&a, from + i, sizeof(a));
		memcpy(&b, from + i + sizeof(a), sizeof(b));
		a ^= keys;
		b ^= keys;
		seen |= a | b;
		memcpy(to + i, &a, sizeof(a));
		memcpy(to + i + sizeof(a), &b, sizeof(b));
	}
	if (len - i >= sizeof(a)) {
		memcpy(&a, from + i, sizeof(a));
		a ^= keys;
		seen |= a;
		memcpy(to + i, &a, sizeof(a));
	}
	memcpy(to + len - sizeof(last), &last, sizeof(last));
	return ((seen[0] | seen[1]) & 0x8080808080808080u) == 0;
}

bool
frame_close_code_valid(unsigned int code)
{
	/* 1004 to 1006 and 1015 never stand on the wire, 1016 to 2999 mean nothing yet. */
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}
