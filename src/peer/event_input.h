/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages from a request body, queued until the user accepts them. Pure. */
#ifndef PEER_EVENT_INPUT_H
#define PEER_EVENT_INPUT_H

#include "base/batch.h"
#include "base/util.h"

enum events_kind {
	EVENTS_TEXT,
	EVENTS_BINARY,
	EVENTS_LINES, /* one or more JSON objects, as with --framing=json */
};

enum events_posted {
	EVENTS_POSTED, /* all messages are queued */
	EVENTS_BUSY, /* rejected: the peer is not being read */
	EVENTS_ENDED, /* rejected: the session has ended */
	EVENTS_TOO_BIG, /* rejected: a message exceeds the limit */
	EVENTS_WRONG_TYPE, /* rejected: messages of this type are not accepted */
	EVENTS_BAD, /* rejected: malformed; *WHY is set */
	EVENTS_NO_MEMORY,
};

/* A batch of messages, or the end of the session. */
struct event_input {
	struct batch batch; /* the messages, or the close reason */
	uint16_t code; /* close code; 0: BATCH contains messages */
};

/*
 * Appends the messages of BODY to the empty buffer KEPT: all of them, or none. BODY is
 * modified. FORMAT says which types are accepted, and whether lines are joined into batches.
 * MAX is the limit of a message in bytes. Sets *WHY with EVENTS_BAD.
 */
enum events_posted event_input_read(struct buffer *kept, const struct batch_format *format,
    uint64_t max, enum events_kind kind, struct buffer *body, const char **why);

/* Returns the first batch of KEPT, which must not be empty, or the end of the session. The
 * result is valid until it is removed with event_input_take(), or KEPT is changed. */
struct event_input event_input_first(const struct buffer *kept);
void event_input_take(struct buffer *kept);

#endif
