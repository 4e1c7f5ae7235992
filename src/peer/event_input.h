/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that came in the body of a request, kept until they are passed on. Pure. */
#ifndef PEER_EVENT_INPUT_H
#define PEER_EVENT_INPUT_H

#include "base/batch.h"
#include "base/util.h"

enum events_kind {
	EVENTS_TEXT,
	EVENTS_BINARY,
	EVENTS_LINES, /* objects as with --framing=json, one or more */
};

enum events_posted {
	EVENTS_POSTED, /* all of them are messages now, or will be */
	EVENTS_BUSY, /* none: it is not read now */
	EVENTS_ENDED, /* none: the session has ended */
	EVENTS_TOO_BIG, /* none: a message is larger than the limit */
	EVENTS_WRONG_TYPE, /* none: such messages are not accepted */
	EVENTS_BAD, /* none: *WHY is what is wrong */
	EVENTS_NO_MEMORY,
};

/* Messages, or the end of the session. */
struct event_input {
	struct batch batch; /* or the reason */
	uint16_t code; /* of the end; 0: they are messages */
};

/* Appends the messages of BODY, which is changed, to the empty buffer KEPT: all of them, or
 * none. FORMAT is what they are to be, with at most MAX bytes each; lines become batches where
 * it joins. *WHY is set with BAD. */
enum events_posted event_input_read(struct buffer *kept, const struct batch_format *format,
    uint64_t max, enum events_kind kind, struct buffer *body, const char **why);

/* The first batch of KEPT, which is not empty, or the end. It is valid until it is taken, or
 * KEPT is changed. */
struct event_input event_input_first(const struct buffer *kept);
void event_input_take(struct buffer *kept);

#endif
