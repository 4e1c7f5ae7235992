/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodes messages as frames and writes them to a stream. Frames are assembled in loop->out,
 * which is shared, so that the output of one backend read leaves in one write. Callers must
 * flush before they return to the loop.
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
	struct stream *stream; /* NULL: frames are dropped */
	struct deflater *deflater; /* owned; NULL: compression was not negotiated */
	struct peer_counts *counts; /* borrowed */
	uint32_t deflate_min; /* minimum size in bytes of a message that is compressed */
	/* It can use the compressed form of a broadcast, which all clients share. */
	bool deflates_broadcasts;
	uint32_t out_len; /* bytes in loop->out */
	struct encoder encoder;
	struct buffer pong; /* owned: the latest pong, waiting for the queue to empty */
	enum sender_failure failed : 8; /* the stream is unusable */
};

/* Returns the number of bytes queued in the stream. */
static inline size_t
sender_queued(const struct sender *s)
{
	return s->stream ? stream_queued(s->stream) : 0;
}

/* As peer_send(). */
void sender_send(struct sender *s, struct batch *batch);

/* Appends a control frame to loop->out. */
void sender_control(
    struct sender *s, enum frame_opcode opcode, const uint8_t *payload, size_t len);

/* Writes a Close frame. With LAST, a FIN follows. */
void sender_close(struct sender *s, uint16_t code, struct span reason, bool last);

/* Appends a pong to loop->out. While the stream has a queue, only the latest pong is kept, for
 * sender_put_pong() (RFC 6455, section 5.5.3). Returns false if out of memory. */
bool sender_pong(struct sender *s, struct span payload) __attribute__((warn_unused_result));
void sender_put_pong(struct sender *s);

/* Writes the assembled frames, and frees memory that is not needed until the next message. */
void sender_flush(struct sender *s);

/* Returns the reason for a failure; constant. */
const char *sender_reason(const struct sender *s);

/* Stops sending: drops what was not written. */
void sender_stop(struct sender *s);

#endif
