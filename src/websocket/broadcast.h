/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for many clients, encoded once: whole frames of a server, which are not masked (RFC
 * 6455, section 5.1) and thus the same for all. Immutable except for the compressed form, which
 * is generated for all clients when the first one needs it (RFC 7692, section 7.1.1.1: without
 * context takeover a message does not depend on previous ones).
 */
#ifndef WEBSOCKET_BROADCAST_H
#define WEBSOCKET_BROADCAST_H

#include "base/batch.h"
#include "simd/simd.h"
#include "websocket/deflate.h"

enum {
	BROADCAST_FRAME_MAX =
	    64 * 1024, /* payload bytes per frame: longer messages are fragmented */
	BROADCAST_RECORDS_MAX = 64 * 1024, /* bytes of records encoded together */
	BROADCAST_SCRATCH = SIMD_FRAMES_ROOM(BROADCAST_RECORDS_MAX) + SIMD_SLACK,
	BROADCAST_JOINED_MAX = 16 * 1024, /* bytes of joined frames */
	BROADCAST_PIECE_MAX = BROADCAST_SCRATCH, /* bytes sent at once */
};

/* One of its two encodings. */
struct broadcast_form {
	const uint8_t *bytes;
	size_t len;
	uint64_t payload; /* payload bytes in the frames */
};

struct broadcast {
	size_t refs;
	size_t messages;
	uint64_t bytes; /* bytes in these messages */
	struct buffer deflated; /* owned; empty: no compressed form */
	uint64_t deflated_payload;
	bool deflate_tried;
	size_t len; /* length of the frames */
	uint8_t frames[];
};

/* Encodes one whole message. Returns it with one reference, or NULL if memory runs out. */
struct broadcast *broadcast_of_message(enum message_type type, const uint8_t *data, size_t len)
    __attribute__((warn_unused_result));

/*
 * Encodes the records at the front of BATCH, which has a separator, as text messages and
 * removes them. SCRATCH has BROADCAST_SCRATCH bytes. Returns NULL, without removing any, if the
 * first record is long or not UTF-8, or memory runs out.
 */
struct broadcast *broadcast_of_records(struct batch *batch, uint8_t *scratch)
    __attribute__((warn_unused_result));

/* Wraps whole frames of whole messages that another process has encoded. Returns NULL if they
 * are invalid or memory runs out. */
struct broadcast *broadcast_of_frames(const uint8_t *frames, size_t len)
    __attribute__((warn_unused_result));

/* Returns the last COUNT of more messages, or NULL if memory runs out. */
struct broadcast *broadcast_tail(const struct broadcast *b, size_t count)
    __attribute__((warn_unused_result));

/* Appends the messages of MORE to *B, a reference that is replaced if there are others. Returns
 * false, without a change, if they are long or memory runs out. */
bool broadcast_join(struct broadcast **b, const struct broadcast *more)
    __attribute__((warn_unused_result));

/* Adds a reference. */
struct broadcast *broadcast_ref(struct broadcast *b);

/* Releases a reference; the last release frees it. Accepts NULL. */
void broadcast_unref(struct broadcast *b);

/* Returns the uncompressed form. */
struct broadcast_form broadcast_plain(const struct broadcast *b);

/* Returns the form with messages of at least MIN bytes compressed by D, which must have no
 * context takeover and be the same for all clients that get this form. Returns the uncompressed
 * form if memory runs out. */
struct broadcast_form broadcast_deflated(struct broadcast *b, struct deflater *d, size_t min);

/* Returns the length of the frames to send at once, from the front of the last LEFT bytes of
 * FORM. */
size_t broadcast_piece(const struct broadcast_form *form, size_t left);

#endif
