/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages -> frames -> a stream. Frames are put together in loop->out, so that what one read
 * of a backend gave leaves in one write: whoever puts something flushes before the return to
 * the loop.
 */
#ifndef PEER_SENDER_H
#define PEER_SENDER_H

#include "net/loop.h"
#include "net/stream.h"
#include "peer/peer.h"
#include "websocket/deflate.h"
#include "websocket/encoder.h"

enum sender_failure { SENDER_OK, SENDER_LOST, SENDER_NO_MEMORY, SENDER_NO_RANDOM };

struct sender {
	struct loop *loop; /* borrowed, as the next one */
	struct stream *stream; /* NULL: what is sent is dropped */
	struct deflater *deflater; /* owned; NULL: no compression was agreed on */
	struct peer_counts *counts; /* borrowed */
	uint32_t deflate_min; /* bytes: a smaller message is not compressed */
	bool deflates_broadcasts; /* its compressed form is that of all clients */
	uint32_t out_len; /* bytes in loop->out */
	struct encoder encoder;
	struct buffer pong; /* owned: the frame that is kept until the queue is empty */
	enum sender_failure failed : 8; /* then the stream can't be used any more */
};

/* Bytes that the stream has not sent yet. */
static inline size_t
sender_queued(const struct sender *s)
{
	return s->stream ? stream_queued(s->stream) : 0;
}

/* As peer_send(). */
void sender_send(struct sender *s, struct batch *batch);

/* Puts a control frame. */
void sender_control(
    struct sender *s, enum frame_opcode opcode, const uint8_t *payload, size_t len);

/* Writes a Close frame, with LAST as the end of the stream. */
void sender_close(struct sender *s, uint16_t code, struct span reason, bool last);

/*
 * Puts a pong. While anything is queued only the most recent one is kept, until
 * sender_put_pong() (RFC 6455, section 5.5.3). False without memory.
 */
bool sender_pong(struct sender *s, struct span payload) __attribute__((warn_unused_result));
void sender_put_pong(struct sender *s);

/* Writes what was put, and frees what is not needed until the next message. */
void sender_flush(struct sender *s);

/* The reason of a failure; constant. */
const char *sender_reason(const struct sender *s);

/* Nothing more is sent. */
void sender_stop(struct sender *s);

#endif
