/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodes messages into bytes for the peer. */
#include "websocket/encoder.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

/* Bytes available in a CLOSE after its code. */
enum { ENCODER_REASON_MAX = FRAME_CONTROL_MAX - 2 };

size_t
encoder_header(struct encoder *e, uint8_t *out, enum message_type type, bool last, size_t len)
{
	enum frame_opcode opcode = type == MESSAGE_TEXT ? FRAME_TEXT : FRAME_BINARY;
	bool first = !e->in_message;
	size_t header;

	e->in_message = !last;
	header = frame_write_header(
	    out, last, first && e->compressed, first ? opcode : FRAME_CONTINUATION, len);
	if (!e->masks)
		return header;
	out[1] |= FRAME_MASK_BIT;
	memcpy(out + header, e->mask, FRAME_MASK_LEN);
	return header + FRAME_MASK_LEN;
}

size_t
encoder_mask_control(const struct encoder *e, uint8_t *out, size_t len)
{
	const size_t header = 2;

	memmove(out + header + FRAME_MASK_LEN, out + header, len - header);
	out[1] |= FRAME_MASK_BIT;
	memcpy(out + header, e->mask, FRAME_MASK_LEN);
	(void)simd->unmask(out + header + FRAME_MASK_LEN, out + header + FRAME_MASK_LEN,
	    len - header, e->mask, 0);
	return len + FRAME_MASK_LEN;
}

size_t
encoder_control(uint8_t *out, enum frame_opcode opcode, const uint8_t *payload, size_t len)
{
	size_t header;

	assert(len <= FRAME_CONTROL_MAX);
	header = frame_write_header(out, true, 0, opcode, len);
	if (len > 0)
		memcpy(out + header, payload, len);
	return header + len;
}

/* Returns the length of REASON up to the last whole character that fits. */
static size_t
encoder_reason_len(struct span reason)
{
	const uint8_t *bytes = (const uint8_t *)reason.data;
	size_t len = reason.len < ENCODER_REASON_MAX ? reason.len : ENCODER_REASON_MAX;
	size_t end = 0;
	size_t n;

	while ((n = utf8_char_len(bytes + end, len - end)) > 0)
		end += n;
	return end;
}

size_t
encoder_close(uint8_t *out, unsigned int code, struct span reason)
{
	uint8_t body[FRAME_CONTROL_MAX];
	size_t len;

	if (!frame_close_code_valid(code))
		return encoder_control(out, FRAME_CLOSE, NULL, 0);
	len = encoder_reason_len(reason);
	body[0] = (uint8_t)(code >> 8);
	body[1] = (uint8_t)code;
	if (len > 0)
		memcpy(body + 2, reason.data, len);
	return encoder_control(out, FRAME_CLOSE, body, 2 + len);
}

size_t
encoder_batch(struct simd_frames *batch, const uint8_t *bytes, size_t len, bool *not_utf8)
{
	size_t used = simd->records_to_frames(batch, bytes, len);

	/* No character extends across a separator, which is ASCII: one check for all. */
	*not_utf8 = !batch->ascii && !utf8_valid(bytes, used);
	return used;
}
