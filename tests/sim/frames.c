/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of RFC 6455, and UTF-8, written from the RFCs alone. */
#include "frames.h"

#include "random.h"

#include <string.h>

void
frames_unmask(uint8_t *payload, size_t len, const uint8_t mask[4])
{
	for (size_t i = 0; i < len; i++)
		payload[i] ^= mask[i % 4];
}

void
frames_put(
    struct bytes *out, uint8_t first, bool masked, const uint8_t *payload, size_t len, int form)
{
	uint8_t bit = masked ? 0x80 : 0;
	uint8_t mask[4];
	uint8_t *to;
	int bytes = form / 8;

	bytes_append_byte(out, first);
	if (form == 0)
		bytes = len < 126 ? 0 : len < 65536 ? 2 : 8;
	bytes_append_byte(out, bit | (bytes == 0 ? (uint8_t)len : bytes == 2 ? 126 : 127));
	for (int i = bytes - 1; i >= 0; i--)
		bytes_append_byte(out, (uint8_t)((uint64_t)len >> (8 * i)));
	for (int i = 0; i < 4 && masked; i++) {
		mask[i] = random_one_in(8) ? 0 : (uint8_t)random_next();
		bytes_append_byte(out, mask[i]);
	}
	to = bytes_add(out, len);
	if (len > 0)
		memcpy(to, payload, len);
	if (masked)
		frames_unmask(to, len, mask);
}

bool
frames_header(const uint8_t *bytes, size_t len, struct frame_seen *out)
{
	size_t extended = 0;

	if (len < 2)
		return false;
	*out = (struct frame_seen){.fin = bytes[0] >> 7,
	    .rsv = bytes[0] >> 4 & 7,
	    .opcode = bytes[0] & 15,
	    .masked = bytes[1] >> 7,
	    .shortest = true,
	    .len = bytes[1] & 127};
	if (out->len >= 126) {
		extended = out->len == 126 ? 2 : 8;
		out->len = 0;
	}
	out->header = 2 + extended + (out->masked ? 4 : 0);
	if (len < out->header)
		return false;
	for (size_t i = 0; i < extended; i++)
		out->len = out->len << 8 | bytes[2 + i];
	if (extended > 0)
		out->shortest = out->len >= (extended == 2 ? 126 : 65536);
	return true;
}

/* The table 3-7 of the Unicode Standard. */
bool
frames_utf8(const uint8_t *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint8_t c = s[i++];
		uint8_t low = 0x80;
		uint8_t high = 0xbf;
		int more;

		if (c < 0x80)
			continue;
		if (c < 0xc2 || c > 0xf4)
			return false;
		more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		if (c == 0xe0)
			low = 0xa0;
		if (c == 0xed)
			high = 0x9f;
		if (c == 0xf0)
			low = 0x90;
		if (c == 0xf4)
			high = 0x8f;
		for (; more > 0; more--) {
			if (i == len || s[i] < low || s[i] > high)
				return false;
			i++;
			low = 0x80;
			high = 0xbf;
		}
	}
	return true;
}
