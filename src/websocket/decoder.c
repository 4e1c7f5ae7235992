/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes bytes from a client into messages and control events. Two steps alternate: read and
 * check a header, then consume its payload; either may stop at the end of the fed bytes. The
 * output depends only on the bytes, never on how reads split them.
 */
#include "websocket/decoder.h"

#include <assert.h>
#include <string.h>

enum {
	DECODER_INFLATE_MIN = 256, /* room for decompressed data */
	DECODER_INFLATE_MAX = 16 * 1024,
	/* Bytes of a decompressed part: with the next step it fits in 64 KiB. */
	DECODER_PART_MAX = 48 * 1024,
};

void
decoder_init(struct decoder *d, uint64_t max_message)
{
	memset(d, 0, sizeof(*d));
	d->rules.max_message = max_message;
	d->rules.max_empty_fragments = DECODER_EMPTY_FRAGMENTS_INITIAL;
}

void
decoder_clear(struct decoder *d)
{
	buffer_clear(&d->partial);
	buffer_clear(&d->control);
	d->partial_out = false;
	d->bytes = NULL;
	d->len = 0;
}

void
decoder_feed(struct decoder *d, uint8_t *bytes, size_t len)
{
	assert(d->len == 0);
	d->bytes = bytes;
	d->len = d->over ? 0 : len;
}

void
decoder_take(struct decoder *d, struct buffer *to)
{
	assert(d->partial_out);
	buffer_move(to, &d->partial);
}

uint64_t
decoder_wire_len(
    const struct decoder *d, enum decoder_event event, const struct decoder_item *item)
{
	if (!d->begun.compressed)
		return item->message.len;
	return event == DECODER_MESSAGE ? d->begun.wire : 0;
}

static void
decoder_skip(struct decoder *d, size_t len)
{
	d->bytes += len;
	d->len -= len;
}

/* Starts the payload after a complete, valid header. */
static void
decoder_begin_payload(struct decoder *d, bool near)
{
	d->header_len = 0;
	/* Compressed data is never emitted in place. */
	d->header_near = near && d->frame.rsv == 0;
	d->in_payload = true;
	d->frame_done = 0;
	if (decoder_is_control(d->frame.opcode))
		return;
	if (d->frame.opcode != FRAME_CONTINUATION) {
		d->begun = (struct decoder_begun){
		    .opcode = d->frame.opcode, .compressed = d->frame.rsv != 0};
		memset(&d->utf8, 0, sizeof(d->utf8));
	}
	d->begun.empty_fragments += d->frame.len == 0;
	if (d->begun.compressed)
		d->begun.wire += d->frame.len;
}

/* Reads a header; a partial one is kept until it is complete. */
static enum violation
decoder_read_header(struct decoder *d)
{
	const uint8_t *bytes = d->bytes;
	size_t had = d->header_len;
	size_t have = d->len;
	enum violation violation;
	int size;

	if (had > 0) {
		size_t n = FRAME_HEADER_MAX - had < d->len ? FRAME_HEADER_MAX - had : d->len;

		memcpy(d->header + had, d->bytes, n);
		bytes = d->header;
		have = had + n;
	}
	size = frame_read_header(bytes, have, &d->frame);
	violation = decoder_check(&d->rules, &d->begun, bytes, have, size, &d->frame);
	if (violation)
		return violation;
	if (size > 0) {
		decoder_skip(d, (size_t)size - had);
		decoder_begin_payload(d, had == 0);
		return VIOLATION_NONE;
	}
	if (had == 0)
		memcpy(d->header, bytes, have);
	d->header_len = (uint8_t)have;
	decoder_skip(d, have - had);
	return VIOLATION_NONE;
}

/* Returns the bytes of the frame's payload available now. */
static size_t
decoder_payload_here(const struct decoder *d)
{
	uint64_t missing = d->frame.len - d->frame_done;

	return missing < d->len ? (size_t)missing : d->len;
}

/*
 * Moves the available payload to TO, unmasked. TO may be its current place. Returns true if it
 * is ASCII, which saves another scan.
 */
static bool
decoder_unmask(struct decoder *d, uint8_t *to, size_t len)
{
	bool ascii = simd->unmask(to, d->bytes, len, d->frame.mask, d->frame_done);

	d->frame_done += len;
	decoder_skip(d, len);
	return ascii;
}

bool
decoder_stop(struct decoder *d, struct buffer *rest)
{
	size_t back = d->inflating ? inflater_take_back(d->rules.inflater) : 0;

	if (d->partial_out)
		buffer_clear(&d->partial);
	d->partial_out = false;
	if (back > 0) {
		/* Not consumed: masking it again restores it. */
		d->bytes -= back;
		d->len += back;
		d->frame_done -= back;
		(void)simd->unmask(d->bytes, d->bytes, back, d->frame.mask, d->frame_done);
	}
	if (!buffer_append(rest, d->bytes, d->len)) {
		decoder_end(d); /* the rest of the stream can't be decoded any more */
		return false;
	}
	d->bytes = NULL;
	d->len = 0;
	d->header_near = false;
	return true;
}

/* Input after a CLOSE (section 5.5.1) or a failure (7.1.7) is ignored. */
void
decoder_end(struct decoder *d)
{
	d->over = true;
	d->len = 0;
	d->inflating = false;
	buffer_clear(&d->partial);
}

static enum decoder_event
decoder_fail(struct decoder *d, enum violation violation, struct decoder_item *item)
{
	decoder_violation(violation, &item->code, &item->reason);
	decoder_end(d);
	return DECODER_FAIL;
}

static enum decoder_event
decoder_emit(struct decoder *d, uint8_t *data, size_t len, bool last, struct decoder_item *item)
{
	item->message.type = d->begun.opcode == FRAME_TEXT ? MESSAGE_TEXT : MESSAGE_BINARY;
	item->message.data = data;
	item->message.len = len;
	item->first = !d->in_parts;
	d->in_parts = !last;
	if (!last)
		return DECODER_PART;
	d->begun.opcode = 0;
	d->begun.len = 0;
	d->in_payload = false;
	return DECODER_MESSAGE;
}

/* Emits a message in one frame that is complete in the input. */
static enum decoder_event
decoder_message_in_place(struct decoder *d, struct decoder_item *item)
{
	uint8_t *data = d->bytes;
	size_t len = (size_t)d->frame.len;

	if (!decoder_unmask(d, data, len) && d->begun.opcode == FRAME_TEXT &&
	    !utf8_valid(data, len))
		return decoder_fail(d, VIOLATION_TEXT, item);
	item->in_place = true;
	item->room = d->rules.client ? 2 : 2 + FRAME_MASK_LEN;
	return decoder_emit(d, data, len, true, item);
}

/* Returns true if the frame, and what it decompresses to, is complete. */
static bool
decoder_frame_is_done(const struct decoder *d)
{
	return d->frame_done == d->frame.len && !d->inflating;
}

/* Emits the message, or its next part, in the buffer, which the next call frees. */
static enum decoder_event
decoder_message_assembled(struct decoder *d, struct decoder_item *item)
{
	/* An empty message has no block, but needs an address valid for memcpy(). */
	static uint8_t nothing[1];
	uint8_t *data;

	if (buffer_len(&d->partial) == 0)
		buffer_clear(&d->partial);
	data = buffer_len(&d->partial) > 0 ? buffer_data(&d->partial) : nothing;
	d->partial_out = true;
	return decoder_emit(
	    d, data, buffer_len(&d->partial), d->frame.fin && decoder_frame_is_done(d), item);
}

/* Emits the available payload of a message in place. */
static enum decoder_event
decoder_part_in_place(struct decoder *d, struct decoder_item *item)
{
	uint8_t *data = d->bytes;
	size_t len = decoder_payload_here(d);
	bool ascii = decoder_unmask(d, data, len);
	bool done = decoder_frame_is_done(d);
	bool last = done && d->frame.fin;

	if (d->begun.opcode == FRAME_TEXT && !(ascii && utf8_complete(&d->utf8)) &&
	    !utf8_feed(&d->utf8, data, len))
		return decoder_fail(d, VIOLATION_TEXT, item);
	if (last && !utf8_complete(&d->utf8))
		return decoder_fail(d, VIOLATION_TEXT, item);
	d->begun.len += len;
	if (done)
		d->in_payload = false;
	if (len == 0 && !last)
		return DECODER_MORE;
	item->in_place = true;
	return decoder_emit(d, data, len, last, item);
}

/* Returns the room for one step: what the input promises, but at most one byte beyond the
 * limit. */
static size_t
decoder_inflate_room(const struct decoder *d, size_t input)
{
	size_t room =
	    input < DECODER_INFLATE_MAX / 4 && !d->inflating ? 4 * input : DECODER_INFLATE_MAX;
	uint64_t left = d->rules.max_message - d->begun.len;

	if (room < DECODER_INFLATE_MIN)
		room = DECODER_INFLATE_MIN;
	return d->rules.max_message && left < room ? (size_t)left + 1 : room;
}

/*
 * Decompresses the next LEN bytes of the payload into the buffer, or continues with the
 * previous ones, until a part is full. Violations are reported in the order of the text,
 * wherever a step ends: what exceeds the limit is not checked, while output before damaged data
 * is.
 */
static enum violation
decoder_inflate(struct decoder *d, size_t len)
{
	enum inflater_result result;
	uint8_t *from = d->bytes;

	if (!d->inflating) {
		(void)decoder_unmask(d, from, len);
		inflater_feed(d->rules.inflater, from, len);
	}
	do {
		size_t room = decoder_inflate_room(d, len);
		uint64_t left = d->rules.max_message - d->begun.len;
		uint8_t *to = buffer_reserve(&d->partial, room);
		bool beyond;
		size_t n;

		if (!to)
			return VIOLATION_MEMORY;
		result = inflater_next(d->rules.inflater, to, room, &n);
		beyond = d->rules.max_message && n > left;
		if (beyond)
			n = (size_t)left;
		buffer_commit(&d->partial, n);
		d->begun.len += n;
		if (d->begun.opcode == FRAME_TEXT && !utf8_feed(&d->utf8, to, n))
			return VIOLATION_TEXT;
		if (beyond)
			return VIOLATION_TOO_BIG;
		d->inflating = d->rules.parts && result == INFLATER_FULL;
	} while (result == INFLATER_FULL &&
		 !(d->inflating && buffer_len(&d->partial) >= DECODER_PART_MAX));
	switch (result) {
	case INFLATER_MORE:
	case INFLATER_FULL:
		break;
	case INFLATER_BAD:
		return VIOLATION_DEFLATE;
	case INFLATER_NOMEM:
		return VIOLATION_MEMORY;
	}
	return VIOLATION_NONE;
}

/* Like decoder_assemble(), for a compressed message. */
static enum violation
decoder_assemble_compressed(struct decoder *d)
{
	size_t n = decoder_payload_here(d);
	enum violation violation = VIOLATION_NONE;

	if (d->frame.opcode != FRAME_CONTINUATION && d->frame_done == 0 &&
	    !inflater_begin(d->rules.inflater))
		return VIOLATION_MEMORY;
	if (n > 0 || d->inflating)
		violation = decoder_inflate(d, n);
	if (violation)
		return violation;
	if (!d->frame.fin || !decoder_frame_is_done(d))
		return VIOLATION_NONE;
	if (!inflater_end(d->rules.inflater))
		return VIOLATION_DEFLATE;
	return utf8_complete(&d->utf8) ? VIOLATION_NONE : VIOLATION_TEXT;
}

/* Appends the available payload to the buffer, which grows by that, not by frame.len. */
static enum violation
decoder_assemble(struct decoder *d)
{
	size_t n = decoder_payload_here(d);
	uint8_t *to;
	bool ascii;

	if (d->begun.compressed)
		return decoder_assemble_compressed(d);
	if (n > 0) {
		to = buffer_reserve(&d->partial, n);
		if (!to)
			return VIOLATION_MEMORY;
		ascii = decoder_unmask(d, to, n);
		buffer_commit(&d->partial, n);
		d->begun.len += n;
		/* Section 8.1; a character may be split between frames (section 5.6). */
		if (d->begun.opcode == FRAME_TEXT && !(ascii && utf8_complete(&d->utf8)) &&
		    !utf8_feed(&d->utf8, to, n))
			return VIOLATION_TEXT;
	}
	if (d->frame.fin && d->frame_done == d->frame.len && !utf8_complete(&d->utf8))
		return VIOLATION_TEXT;
	return VIOLATION_NONE;
}

/* DECODER_MORE: all bytes were consumed if in_payload; otherwise this fragment is done. */
static enum decoder_event
decoder_data(struct decoder *d, struct decoder_item *item)
{
	enum violation violation;

	bool done;

	if (d->header_near && d->frame.fin && d->frame.opcode != FRAME_CONTINUATION &&
	    d->frame.len <= d->len)
		return decoder_message_in_place(d, item);
	if (d->rules.parts && !d->begun.compressed)
		return decoder_part_in_place(d, item);
	violation = decoder_assemble(d);
	if (violation)
		return decoder_fail(d, violation, item);
	done = decoder_frame_is_done(d);
	if (done && !d->frame.fin)
		d->in_payload = false;
	if ((done && d->frame.fin) || (d->rules.parts && buffer_len(&d->partial) > 0))
		return decoder_message_assembled(d, item);
	return DECODER_MORE;
}

/* Emits a CLOSE (section 5.5.1): empty, or a code in two bytes and a reason in UTF-8. */
static enum decoder_event
decoder_close(struct decoder *d, struct decoder_item *item)
{
	const uint8_t *body = item->payload.data;

	if (item->payload.len == 0) {
		item->code = CLOSE_NO_STATUS;
	} else {
		item->code = (uint16_t)(body[0] << 8 | body[1]);
		item->payload.data += 2;
		item->payload.len -= 2;
		if (!frame_close_code_valid(item->code))
			return decoder_fail(d, VIOLATION_CLOSE_CODE, item);
		if (!utf8_valid(item->payload.data, item->payload.len))
			return decoder_fail(d, VIOLATION_CLOSE_REASON, item);
	}
	decoder_end(d);
	return DECODER_CLOSE;
}

/* Handles a control frame, perhaps between the fragments of a message (section 5.4). */
static enum decoder_event
decoder_control(struct decoder *d, struct decoder_item *item)
{
	size_t n = decoder_payload_here(d);
	bool whole = n == d->frame.len;
	uint8_t *to = d->bytes;

	if (!whole) {
		if (n == 0)
			return DECODER_MORE;
		to = buffer_reserve(&d->control, n);
		if (!to)
			return decoder_fail(d, VIOLATION_MEMORY, item);
		buffer_commit(&d->control, n);
	}
	(void)decoder_unmask(d, to, n);
	item->payload.data = whole ? to : buffer_data(&d->control);
	item->payload.len = (size_t)d->frame.len;
	if (d->frame_done < d->frame.len)
		return DECODER_MORE;
	d->in_payload = false;
	switch (d->frame.opcode) {
	case FRAME_PING:
		return DECODER_PING;
	case FRAME_PONG:
		return DECODER_PONG;
	default:
		return decoder_close(d, item);
	}
}

enum decoder_event
decoder_next(struct decoder *d, struct decoder_item *item)
{
	memset(item, 0, sizeof(*item));
	if (d->partial_out) {
		buffer_clear(&d->partial);
		d->partial_out = false;
	}
	if (d->control.block && !d->in_payload)
		buffer_clear(&d->control);
	while (d->len > 0 || d->inflating) {
		enum decoder_event event;

		if (!d->in_payload) {
			enum violation violation = decoder_read_header(d);

			if (violation)
				return decoder_fail(d, violation, item);
			if (!d->in_payload)
				break;
		}
		/* Even if no byte is left: an empty payload is complete with its header. */
		if (decoder_is_control(d->frame.opcode))
			event = decoder_control(d, item);
		else
			event = decoder_data(d, item);
		if (event != DECODER_MORE)
			return event;
	}
	d->bytes = NULL;
	d->header_near = false;
	return DECODER_MORE;
}

enum decoder_event
decoder_next_batch(struct decoder *d, struct decoder_batch *batch, struct decoder_item *item)
{
	bool not_utf8;

	/* The next byte must be the first one of a message. */
	if (d->in_payload || d->header_len > 0 || d->begun.opcode)
		return DECODER_MORE;
	batch->max_message = d->rules.max_message ? d->rules.max_message : UINT64_MAX;
	decoder_skip(d, decoder_batch_take(batch, d->bytes, d->len, &not_utf8));
	return not_utf8 ? decoder_fail(d, VIOLATION_TEXT, item) : DECODER_MORE;
}
