/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for many clients, encoded once: whole frames of a server, which are not masked (RFC
 * 6455, section 5.1) and thus the same for all. It is immutable but for its compressed form,
 * which the first client that needs it makes for all (RFC 7692, section 7.1.1.1: without
 * context takeover a message does not depend on those before it).
 */
#ifndef WEBSOCKET_BROADCAST_H
#define WEBSOCKET_BROADCAST_H

#include "base/batch.h"
#include "simd/simd.h"
#include "websocket/deflate.h"

enum {
	BROADCAST_FRAME_MAX =
	    64 * 1024, /* payload of a frame: longer messages are fragmented */
	BROADCAST_RECORDS_MAX = 64 * 1024, /* bytes of records that are encoded together */
	BROADCAST_SCRATCH = SIMD_FRAMES_ROOM(BROADCAST_RECORDS_MAX) + SIMD_SLACK,
	BROADCAST_JOINED_MAX = 16 * 1024, /* bytes of frames that are joined */
	BROADCAST_PIECE_MAX = BROADCAST_SCRATCH, /* bytes that are sent at once */
};

/* One of its two encodings. */
struct broadcast_form {
	const uint8_t *bytes;
	size_t len;
	uint64_t payload; /* bytes in the frames */
};

struct broadcast {
	size_t refs;
	size_t messages;
	uint64_t bytes; /* in these messages */
	struct buffer deflated; /* owned; empty: there is no compressed form */
	uint64_t deflated_payload;
	bool deflate_tried;
	size_t len; /* of the frames */
	uint8_t frames[];
};

/* One whole message, with one reference. NULL without memory. */
struct broadcast *broadcast_of_message(enum message_type type, const uint8_t *data, size_t len)
    __attribute__((warn_unused_result));

/*
 * The records at the front of BATCH, which has a separator, as text messages; they are taken
 * off it. SCRATCH has BROADCAST_SCRATCH bytes. NULL, and nothing is taken: the first record is
 * long or not UTF-8, or there is no memory.
 */
struct broadcast *broadcast_of_records(struct batch *batch, uint8_t *scratch)
    __attribute__((warn_unused_result));

/* Whole frames of whole messages that another process has encoded. NULL: they are not, or
 * without memory. */
struct broadcast *broadcast_of_frames(const uint8_t *frames, size_t len)
    __attribute__((warn_unused_result));

/* The last COUNT of its messages, of which there are more. NULL without memory. */
struct broadcast *broadcast_tail(const struct broadcast *b, size_t count)
    __attribute__((warn_unused_result));

/* Appends the messages of MORE to *B, a reference that is replaced if there are others. False,
 * and nothing is done: they are long, or there is no memory. */
bool broadcast_join(struct broadcast **b, const struct broadcast *more)
    __attribute__((warn_unused_result));

/* Adds a reference. */
struct broadcast *broadcast_ref(struct broadcast *b);

/* Releases a reference; the last release frees it. Accepts NULL. */
void broadcast_unref(struct broadcast *b);

/* As it is. */
struct broadcast_form broadcast_plain(const struct broadcast *b);

/* With messages of at least MIN bytes compressed by D, which has no context takeover and is the
 * same for all clients that get this form. Without memory as it is. */
struct broadcast_form broadcast_deflated(struct broadcast *b, struct deflater *d, size_t min);

/* The length of the frames at the front of the last LEFT bytes of FORM that are sent at once.
 */
size_t broadcast_piece(const struct broadcast_form *form, size_t left);

#endif
