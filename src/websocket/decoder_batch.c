/* SPDX-License-Identifier: BSD-2-Clause */
/* The fast path of the decoder. */
#include "websocket/decoder_batch.h"

#include "base/utf8.h"
#include "websocket/frame.h"

/* Returns true if all records from TEXT on are UTF-8; else drops the first one that is not, and
 * the rest. */
static bool
decoder_batch_check(struct simd_records *r, uint8_t *text)
{
	/* No character extends across a separator, which is ASCII: one check for all. */
	if (r->ascii || (r->separated && utf8_valid(text, (size_t)(r->to - text))))
		return true;
	for (size_t i = 0; i < r->count; i++) {
		if (!utf8_valid(text, r->lens[i])) {
			r->to = text;
			r->count = i;
			return false;
		}
		text += r->lens[i] + r->separated;
	}
	return true;
}

/* Returns the opcode of the next frame if its type is accepted, else 0. */
static uint8_t
decoder_batch_opcode(const struct decoder_batch *b, const uint8_t *frame)
{
	uint8_t opcode = *frame & 0xf;

	return (opcode == FRAME_TEXT && b->text) || (opcode == FRAME_BINARY && b->binary)
		   ? opcode
		   : 0;
}

size_t
decoder_batch_take(struct decoder_batch *b, const uint8_t *bytes, size_t len, bool *not_utf8)
{
	struct simd_records r;
	size_t used = 0;

	r.separated = b->separator != DECODER_NO_SEPARATOR;
	r.separator = (uint8_t)b->separator;
	r.max_record = b->max_message;
	r.to = b->to;
	*not_utf8 = false;
	while (used < len && !*not_utf8 && bytes + used - r.to >= DECODER_BATCH_GAP) {
		size_t n;

		r.opcode = decoder_batch_opcode(b, bytes + used);
		if (r.opcode == 0)
			break;
		n = simd->frames_to_records(&r, bytes + used, len - used);
		if (n == 0)
			break;
		used += n;
		*not_utf8 = r.opcode == FRAME_TEXT && !decoder_batch_check(&r, b->to);
		b->messages += r.count;
		b->bytes += (size_t)(r.to - b->to) - (r.separated ? r.count : 0);
		b->to = r.to;
	}
	return used;
}
