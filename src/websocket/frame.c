/* SPDX-License-Identifier: BSD-2-Clause */
/* Frame headers (RFC 6455, section 5.2). */
#include "websocket/frame.h"

#include <string.h>

/* The top bits of the first two bytes, and the values of the 7-bit length. */
enum {
	FRAME_FIN = 0x80,
	FRAME_MASKED = 0x80,
	FRAME_LEN_BITS = 0x7f,
	FRAME_LEN_SHORT_MAX = 125, /* length in the 7 bits themselves */
	FRAME_LEN_16 = 126, /* length in the next 2 bytes */
	FRAME_LEN_64 = 127, /* length in the next 8 bytes */
};

static uint64_t
frame_read_number(const uint8_t *bytes, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Reads the payload length; returns like frame_read_header(), without the mask. */
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

bool
frame_close_code_valid(unsigned int code)
{
	/* 1004 to 1006 and 1015 are never sent, 1016 to 2999 are reserved. */
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}
