/* SPDX-License-Identifier: BSD-2-Clause */
/* A run of whole messages. */
#include "websocket/run.h"

#include "base/utf8.h"
#include "websocket/frame.h"

#include <string.h>

/* The first two bytes of a frame (RFC 6455, section 5.2) and what they mean here. */
enum {
	RUN_TEXT = 0x80 | FRAME_TEXT, /* FIN, no RSV, the opcode */
	RUN_BINARY = 0x80 | FRAME_BINARY,
	RUN_MASKED = 0x80,
	RUN_SHORT_MAX = 125, /* a length that stands in the second byte */
	RUN_LEN_16 = 126, /* it stands in the next two bytes */
	RUN_HEADER_SHORT = 6, /* bytes, the mask among them */
	RUN_HEADER_16 = 8,
};

size_t
run_take(struct run *r, uint8_t *bytes, size_t len, bool *not_utf8)
{
	uint8_t *at = bytes;
	uint8_t *end = bytes + len;
	uint8_t *to = r->to;

	*not_utf8 = false;
	while (end - at >= RUN_HEADER_SHORT) {
		bool text = at[0] == RUN_TEXT;
		size_t size = at[1] & 0x7f;
		size_t header = RUN_HEADER_SHORT;
		bool ascii;

		if (!(text ? r->text : at[0] == RUN_BINARY && r->binary) ||
		    !(at[1] & RUN_MASKED))
			break;
		if (size > RUN_SHORT_MAX) {
			if (size != RUN_LEN_16 || end - at < RUN_HEADER_16)
				break;
			size = (size_t)at[2] << 8 | at[3];
			header = RUN_HEADER_16;
			if (size <= RUN_SHORT_MAX)
				break;
		}
		if (size > (size_t)(end - at) - header || size > r->max_message)
			break;
		ascii =
		    frame_mask_ascii(to, at + header, size, at + header - FRAME_MASK_LEN, 0);
		at += header + size;
		if (text && !ascii && !utf8_valid(to, size)) {
			*not_utf8 = true;
			break;
		}
		to += size;
		if (r->tail != RUN_NO_TAIL)
			*to++ = (uint8_t)r->tail;
		r->messages++;
		r->bytes += size;
	}
	r->to = to;
	return (size_t)(at - bytes);
}
