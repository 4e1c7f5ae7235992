/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes bytes from a client into messages and control events. A pull parser without
 *callbacks:
 *
 *	decoder_feed(d, bytes, len);
 *	while ((event = decoder_next(d, &item)) != DECODER_MORE) ...
 *
 * A message that is contiguous in the fed bytes is unmasked and emitted in place; one that
 *comes in pieces (reads or fragments) is assembled in a buffer, which grows with the bytes
 *received, never by the length that a header announces.
 *
 * A violation of RFC 6455 is reported at the first byte that shows it: a bad header from the
 * header alone, text that is not UTF-8 at the first impossible byte (section 8.1), even in the
 * middle of a fragment. Only the body of a CLOSE is checked as a whole.
 *
 * With permessage-deflate (RFC 7692) a message may be compressed. It is then always assembled:
 * the decompressed data is checked, and compared with the limit, as it is produced.
 *
 * With rules.parts, nothing is assembled: the valid part of a message received so far is
 * emitted, so that a message may have any size. It may still turn out to be invalid later.
 */
#ifndef WEBSOCKET_DECODER_H
#define WEBSOCKET_DECODER_H

#include "base/buffer.h"
#include "base/message.h"
#include "base/utf8.h"
#include "websocket/decoder_batch.h"
#include "websocket/decoder_check.h"
#include "websocket/deflate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum decoder_event {
	DECODER_MORE, /* all fed bytes were consumed; feed again */
	DECODER_MESSAGE, /* item.message: a message, or its last part */
	DECODER_PART, /* item.message: a non-empty part of a message, but not the last */
	DECODER_PING, /* item.payload: must be sent back as a PONG */
	DECODER_PONG, /* item.payload */
	/* Final events. */
	DECODER_CLOSE, /* item.code (CLOSE_NO_STATUS for none), item.payload: the reason */
	DECODER_FAIL, /* item.code, item.reason: fail the connection */
};

struct decoder_item {
	struct message message;
	struct {
		uint8_t *data;
		size_t len;
	} payload; /* payload of a control frame, at most FRAME_CONTROL_MAX bytes */
	uint16_t code;
	const char *reason; /* reason of a failure; constant */
	/*
	 * True if message.data is within the fed bytes, false if it is in the decoder's buffer.
	 * If true, ROOM bytes before it (its header: at least 6, or 2 in a client) may be
	 * overwritten.
	 */
	bool in_place;
	size_t room;
	bool first; /* the first part of the message */
};

struct decoder {
	struct decoder_rules rules; /* may be set before the first byte is fed */
	struct decoder_begun begun; /* the message being received */
	uint8_t *bytes; /* borrowed: fed bytes not consumed yet */
	size_t len;
	struct frame_header frame;
	uint64_t frame_done; /* consumed bytes of FRAME's payload */
	struct buffer partial; /* buffered bytes of the message; owned */
	struct buffer control; /* partial payload of a control frame; owned */
	struct utf8 utf8; /* state of the current text message */
	uint8_t header[FRAME_HEADER_MAX]; /* a partial header */
	uint8_t header_len;
	bool in_payload; /* FRAME is a header whose payload is incomplete */
	bool header_near; /* that header directly precedes BYTES in the fed bytes */
	bool over; /* CLOSE or FAIL was emitted */
	bool partial_out; /* the last message emitted is in PARTIAL: the next call frees it */
	bool in_parts; /* a part was emitted, but not the last one */
	bool inflating; /* a part is full, and the inflater has more output for its input */
};

void decoder_init(struct decoder *d, uint64_t max_message);

/*
 * Stops decoding for now: moves the fed bytes not consumed yet to the empty buffer REST, which
 * must be fed before anything else. Results of decoder_next() become invalid. Returns false if
 * memory runs out, and the decoder is then as after decoder_end().
 */
bool decoder_stop(struct decoder *d, struct buffer *rest) __attribute__((warn_unused_result));

/*
 * Stops decoding permanently: further input is ignored, and results of decoder_next() become
 * invalid.
 */
void decoder_end(struct decoder *d);

/* Frees the memory of the decoder. May be called twice. */
void decoder_clear(struct decoder *d);

/*
 * Feeds the next LEN bytes, which are borrowed and modified until decoder_next() returns
 * DECODER_MORE. Ignored after a CLOSE or a FAIL.
 */
void decoder_feed(struct decoder *d, uint8_t *bytes, size_t len);

/*
 * Returns the next event. What ITEM points to is valid until the next call; the payload of an
 * empty message or control frame also has a valid address.
 */
enum decoder_event decoder_next(struct decoder *d, struct decoder_item *item);

/* Returns true after DECODER_MORE if a message or frame is incomplete. */
static inline bool
decoder_is_within(const struct decoder *d)
{
	return !d->over && (d->begun.opcode != 0 || d->in_payload || d->header_len > 0);
}

/* Returns the buffered bytes of the current message. */
static inline size_t
decoder_assembled(const struct decoder *d)
{
	return buffer_len(&d->partial);
}

/*
 * Optional before decoder_next(): decodes as many of the next messages as possible on the fast
 * path (websocket/decoder_batch.h). DECODER_MORE: continue with decoder_next(); DECODER_FAIL as
 * there. None of these messages was compressed.
 */
enum decoder_event decoder_next_batch(
    struct decoder *d, struct decoder_batch *batch, struct decoder_item *item);

/*
 * After a DECODER_MESSAGE: returns the payload bytes of its frames, which are fewer than its
 * own if it was compressed. In parts: those of ITEM only, but for a compressed message 0 after
 * a DECODER_PART, and those of the whole message with the last part.
 */
uint64_t decoder_wire_len(
    const struct decoder *d, enum decoder_event event, const struct decoder_item *item);

/*
 * After a DECODER_MESSAGE or DECODER_PART that is not in place: moves the buffer that contains
 * it to the empty buffer TO, so that a large message need not be copied.
 */
void decoder_take(struct decoder *d, struct buffer *to);

#endif
