/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages for many clients, encoded once. */
#include "websocket/broadcast.h"

#include "websocket/encoder.h"
#include "websocket/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Bytes of records per run: still cached when they are validated. */
	BROADCAST_RUN = 16 * 1024,
	BROADCAST_ROOM = 1024, /* growth of the memory for joined messages */
};

static struct broadcast *
broadcast_new(size_t len, size_t messages, uint64_t bytes)
{
	struct broadcast *b = malloc(sizeof(*b) + len);

	if (!b)
		return NULL;
	*b = (struct broadcast){.refs = 1, .messages = messages, .bytes = bytes, .len = len};
	return b;
}

struct broadcast *
broadcast_of_message(enum message_type type, const uint8_t *data, size_t len)
{
	size_t frames = len / BROADCAST_FRAME_MAX + 1;
	struct broadcast *b =
	    len <= SIZE_MAX / 2 ? broadcast_new(len + frames * FRAME_SERVER_HEADER_MAX, 1, len)
				: NULL;
	struct encoder encoder = {.in_message = false};
	uint8_t *to;

	if (!b)
		return NULL;
	to = b->frames;
	do {
		size_t n = len < BROADCAST_FRAME_MAX ? len : BROADCAST_FRAME_MAX;

		to += encoder_header(&encoder, to, type, n == len, n);
		if (n > 0)
			memcpy(to, data, n);
		to += n;
		data += n;
		len -= n;
	} while (encoder.in_message);
	b->len = (size_t)(to - b->frames);
	return b;
}

struct broadcast *
broadcast_of_records(struct batch *batch, uint8_t *scratch)
{
	uint8_t *to = scratch;
	struct broadcast *b;
	size_t done = 0, messages = 0;
	uint64_t bytes = 0;

	while (done < batch->len && done < BROADCAST_RECORDS_MAX) {
		struct simd_frames frames = {
		    .separator = (uint8_t)batch->separator, .cr = batch->cr, .to = to};
		size_t len = batch->len - done < BROADCAST_RUN ? batch->len - done
							       : (size_t)BROADCAST_RUN;
		bool not_utf8;
		size_t used;

		if (len > BROADCAST_RECORDS_MAX - done)
			len = BROADCAST_RECORDS_MAX - done;
		used = encoder_batch(&frames, batch->data + done, len, &not_utf8);
		if (used == 0 || not_utf8)
			break;
		done += used;
		to = frames.to;
		messages += frames.count;
		bytes += frames.bytes;
	}
	if (done == 0)
		return NULL;
	b = broadcast_new((size_t)(to - scratch), messages, bytes);
	if (!b)
		return NULL;
	memcpy(b->frames, scratch, b->len);
	batch->data += done;
	batch->len -= done;
	return b;
}

struct broadcast *
broadcast_of_frames(const uint8_t *frames, size_t len)
{
	struct frame_header header = {.fin = true};
	struct broadcast *b = broadcast_new(len, 0, 0);

	for (size_t offset = 0; b && offset < len; offset += (size_t)header.len) {
		bool begins = header.fin;
		int n = frame_read_header(frames + offset, len - offset, &header);

		offset += n > 0 ? (size_t)n : 0;
		if (n <= 0 || header.masked || header.len > len - offset ||
		    (begins ? header.opcode != FRAME_TEXT && header.opcode != FRAME_BINARY
			    : header.opcode != FRAME_CONTINUATION)) {
			broadcast_unref(b);
			return NULL;
		}
		b->messages += header.fin;
		b->bytes += header.len;
	}
	if (b && (b->messages == 0 || !header.fin)) {
		broadcast_unref(b);
		return NULL;
	}
	if (b)
		memcpy(b->frames, frames, len);
	return b;
}

/* Reads the header of the frame at the front of BYTES, which are whole frames. Returns the
 * frame's length. */
static size_t
broadcast_frame(const uint8_t *bytes, size_t len, struct frame_header *header)
{
	int n = frame_read_header(bytes, len, header);

	assert(n > 0 && header->len <= len - (size_t)n);
	return (size_t)n + (size_t)header->len;
}

struct broadcast *
broadcast_tail(const struct broadcast *b, size_t count)
{
	size_t skipped = 0, offset = 0;
	struct frame_header header;
	struct broadcast *tail;
	uint64_t bytes = b->bytes;

	while (skipped < b->messages - count) {
		offset += broadcast_frame(b->frames + offset, b->len - offset, &header);
		bytes -= header.len;
		skipped += header.fin;
	}
	tail = broadcast_new(b->len - offset, count, bytes);
	if (tail)
		memcpy(tail->frames, b->frames + offset, tail->len);
	return tail;
}

bool
broadcast_join(struct broadcast **b, const struct broadcast *more)
{
	bool owned = (*b)->refs == 1;
	size_t len = (*b)->len + more->len;
	struct broadcast *joined;

	if (len > BROADCAST_JOINED_MAX)
		return false;
	assert(!(*b)->deflate_tried);
	joined = realloc(owned ? *b : NULL, sizeof(*joined) + (len | (BROADCAST_ROOM - 1)));
	if (!joined)
		return false;
	if (!owned) {
		memcpy(joined, *b, sizeof(**b) + (*b)->len);
		joined->refs = 1;
		broadcast_unref(*b);
	}
	memcpy(joined->frames + joined->len, more->frames, more->len);
	joined->len = len;
	joined->messages += more->messages;
	joined->bytes += more->bytes;
	*b = joined;
	return true;
}

struct broadcast *
broadcast_ref(struct broadcast *b)
{
	b->refs++;
	return b;
}

void
broadcast_unref(struct broadcast *b)
{
	if (!b || --b->refs > 0)
		return;
	buffer_clear(&b->deflated);
	free(b);
}

struct broadcast_form
broadcast_plain(const struct broadcast *b)
{
	return (struct broadcast_form){b->frames, b->len, b->bytes};
}

/* Appends one frame with LEN bytes of a message, compressed unless that saves nothing. */
static bool
broadcast_put_deflated(struct broadcast *b, struct deflater *d, struct encoder *encoder,
    const struct frame_header *header, const uint8_t *payload)
{
	size_t len = (size_t)header->len;
	bool whole = header->fin && !encoder->in_message;
	uint8_t head[FRAME_HEADER_MAX];
	size_t room = deflater_bound(len);
	uint8_t *to = malloc(room);
	bool ok;
	size_t n;

	if (!to)
		return false;
	n = deflater_put(d, payload, len, header->fin, to);
	if (whole && n >= len)
		encoder->compressed = false;
	if (!encoder->compressed)
		memcpy(to, payload, n = len);
	ok = n > 0 || len == 0;
	/* The first frame has the type; the others are continuations. */
	ok = ok &&
	     buffer_append(&b->deflated, head,
		 encoder_header(encoder, head,
		     header->opcode == FRAME_BINARY ? MESSAGE_BINARY : MESSAGE_TEXT,
		     header->fin, n)) &&
	     buffer_append(&b->deflated, to, n);
	b->deflated_payload += n;
	free(to);
	return ok;
}

/* Generates the compressed form. */
static bool
broadcast_deflate(struct broadcast *b, struct deflater *d, size_t min)
{
	struct encoder encoder = {.in_message = false};
	bool ok = true;
	size_t used;

	for (size_t offset = 0; offset < b->len && ok; offset += used) {
		const uint8_t *frame = b->frames + offset;
		struct frame_header header;

		used = broadcast_frame(frame, b->len - offset, &header);
		if (!encoder.in_message)
			encoder.compressed = !header.fin || header.len >= min;
		if (encoder.compressed) {
			ok = broadcast_put_deflated(
			    b, d, &encoder, &header, frame + used - header.len);
		} else {
			ok = buffer_append(&b->deflated, frame, used);
			b->deflated_payload += header.len;
		}
	}
	deflater_rest(d);
	return ok;
}

struct broadcast_form
broadcast_deflated(struct broadcast *b, struct deflater *d, size_t min)
{
	if (!b->deflate_tried && !broadcast_deflate(b, d, min))
		buffer_clear(&b->deflated);
	b->deflate_tried = true;
	if (buffer_len(&b->deflated) == 0)
		return broadcast_plain(b);
	return (struct broadcast_form){
	    buffer_data(&b->deflated), buffer_len(&b->deflated), b->deflated_payload};
}

size_t
broadcast_piece(const struct broadcast_form *form, size_t left)
{
	const uint8_t *bytes = form->bytes + form->len - left;
	struct frame_header header;
	size_t len = 0, next;

	if (left <= BROADCAST_PIECE_MAX)
		return left;
	while ((next = broadcast_frame(bytes + len, left - len, &header)) &&
	       (len == 0 || len + next <= BROADCAST_PIECE_MAX))
		len += next;
	return len;
}
