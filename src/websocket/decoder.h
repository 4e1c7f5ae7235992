/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes from a client -> messages and control events. A pull parser, which calls nothing back:
 *
 *	decoder_feed(d, bytes, len);
 *	while ((event = decoder_next(d, &item)) != DECODER_MORE) ...
 *
 * A message that lies in one piece in the bytes that were fed is unmasked and emitted in place;
 * one that comes in pieces (reads or fragments) is assembled in a buffer, which grows with what
 * really came and never by what a header announces.
 *
 * What breaks RFC 6455 fails at the first byte that shows it: a header from the header alone,
 * text that is not UTF-8 at the first impossible byte (section 8.1), also in the middle of a
 * fragment. Only the body of a CLOSE is checked as a whole.
 *
 * With permessage-deflate (RFC 7692) a message may come compressed. It is then always
 * assembled: what is decompressed is checked, and compared with the limit, as it comes out.
 *
 * In parts nothing is assembled: what has come of a message and is valid is emitted, so that a
 * message may be of any size. It may turn out to be invalid later.
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
	DECODER_MORE, /* all that was fed is used up; feed again */
	DECODER_MESSAGE, /* item.message: a message, or its last part */
	DECODER_PART, /* item.message: a part of a message that is not the last, not empty */
	DECODER_PING, /* item.payload: to be sent back as a PONG */
	DECODER_PONG, /* item.payload */
	/* The last event is one of these. */
	DECODER_CLOSE, /* item.code (CLOSE_NO_STATUS for none), item.payload: the reason */
	DECODER_FAIL, /* item.code, item.reason: fail the connection */
};

struct decoder_item {
	struct message message;
	struct {
		uint8_t *data;
		size_t len;
	} payload; /* of a control frame, at most FRAME_CONTROL_MAX bytes */
	uint16_t code;
	const char *reason; /* of a failure; constant */
	/*
	 * True when message.data lies within the bytes that were fed, false when it
	 * lies in the decoder's buffer. In the first case ROOM bytes before it (its header: at
	 * least 6, or 2 in a client) are free to be overwritten.
	 */
	bool in_place;
	size_t room;
	bool first; /* the message begins with it */
};

struct decoder {
	struct decoder_rules rules; /* may be set before the first byte is fed */
	struct decoder_begun begun; /* the begun message */
	uint8_t *bytes; /* borrowed: what was fed and not used up */
	size_t len;
	struct frame_header frame;
	uint64_t frame_done; /* bytes of FRAME's payload that were used up */
	struct buffer partial; /* what is kept of the begun message; owned */
	struct buffer control; /* the payload of a control frame that was cut; owned */
	struct utf8 utf8; /* of the begun text message */
	uint8_t header[FRAME_HEADER_MAX]; /* the begun header, when a read cut it */
	uint8_t header_len;
	bool in_payload; /* FRAME holds a header whose payload is not complete */
	bool header_near; /* that header stands right before BYTES, in what was fed */
	bool over; /* CLOSE or FAIL was emitted */
	bool partial_out; /* the last message emitted lies in PARTIAL: the next call frees it */
	bool in_parts; /* a part was emitted, and the last one was not */
	bool inflating; /* a part is full, and more comes out of what the inflater was fed */
};

void decoder_init(struct decoder *d, uint64_t max_message);

/*
 * Its user can take no more for now: moves what was fed and not used up to the empty buffer
 * REST, to be fed again before anything else. What decoder_next() gave is no longer valid.
 * False without memory: as after decoder_end().
 */
bool decoder_stop(struct decoder *d, struct buffer *rest) __attribute__((warn_unused_result));

/*
 * Its user has seen enough: nothing of what comes from now on is looked at, and what
 * decoder_next() gave is no longer valid.
 */
void decoder_end(struct decoder *d);

/* Frees what the decoder holds. It may be called twice. */
void decoder_clear(struct decoder *d);

/*
 * Gives it the next LEN bytes, which it borrows and changes until decoder_next() returns
 * DECODER_MORE. After a CLOSE or a FAIL it takes no notice of them.
 */
void decoder_feed(struct decoder *d, uint8_t *bytes, size_t len);

/*
 * The next event. What ITEM points to is valid until the next call; the payload of an empty
 * message or control frame has an address too.
 */
enum decoder_event decoder_next(struct decoder *d, struct decoder_item *item);

/* True after DECODER_MORE when a part of a message or of a frame has come, and its rest is to.
 */
static inline bool
decoder_is_within(const struct decoder *d)
{
	return !d->over && (d->begun.opcode != 0 || d->in_payload || d->header_len > 0);
}

/* Bytes that are kept of the begun message. */
static inline size_t
decoder_assembled(const struct decoder *d)
{
	return buffer_len(&d->partial);
}

/*
 * Before decoder_next(), and optional: decodes as many of the next messages as possible on the
 * fast path (websocket/decoder_batch.h). DECODER_MORE: continue with decoder_next();
 * DECODER_FAIL as there. No such message was compressed.
 */
enum decoder_event decoder_next_batch(
    struct decoder *d, struct decoder_batch *batch, struct decoder_item *item);

/*
 * After a DECODER_MESSAGE: the bytes of its frames' payload, which are fewer than its own when
 * it came compressed. In parts those of ITEM alone, but of a compressed message 0 after a
 * DECODER_PART, and of all of it with the last.
 */
uint64_t decoder_wire_len(
    const struct decoder *d, enum decoder_event event, const struct decoder_item *item);

/*
 * After a DECODER_MESSAGE or DECODER_PART that is not in place: moves the buffer that holds
 * it to the empty buffer TO, so that a large message need not be copied.
 */
void decoder_take(struct decoder *d, struct buffer *to);

#endif
