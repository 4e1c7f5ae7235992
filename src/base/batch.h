/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A batch: how messages travel between a peer and a backend. It is one of
 *
 *	whole messages in one piece of memory, each followed by the same separator byte,
 *	whole messages without anything between them, for a backend that has no boundaries,
 *	one message, or a part of one,
 *	whole messages for many peers, encoded before (struct broadcast).
 *
 * So many short messages cost one call, and the loops that convert them run over all of them.
 */
#ifndef BASE_BATCH_H
#define BASE_BATCH_H

#include "base/buffer.h"
#include "base/message.h"

#include <stdbool.h>
#include <string.h>

enum {
	BATCH_NO_SEPARATOR = -1,
	BATCH_BROADCAST = -2, /* as SEPARATOR: messages for many peers */
	/* Bytes after DATA that may be read: the loops of simd work in steps. */
	BATCH_SLACK = 64,
};

/* What a backend accepts from a peer. */
struct batch_format {
	bool text; /* messages of this type */
	bool binary;
	bool joins; /* many messages in a batch, each followed by SEPARATOR */
	int separator; /* ASCII, or BATCH_NO_SEPARATOR: nothing between them */
	bool parts; /* parts of messages: their boundaries mean nothing */
};

struct broadcast;

struct batch {
	enum message_type type;
	/* Borrowed until the sender's next call; writable. It may lie in the loop's read
	 * buffer, and then stays there until the sender has finished the read. */
	uint8_t *data;
	size_t len;
	size_t room; /* bytes before DATA that may be overwritten */
	union {
		struct buffer
		    *owner; /* the buffer that contains DATA alone and may be moved; or NULL */
		/* BATCH_BROADCAST, borrowed: websocket/broadcast. LEN is what of it is still to
		 * be sent, as the peer counts, SIZE_MAX at first; all else means nothing. */
		struct broadcast *broadcast;
	};
	int separator; /* follows each message; or BATCH_NO_SEPARATOR */
	bool cr; /* one '\r' before a separator does not belong to the message either */
	bool first; /* without a separator: a message begins with it, and one ends with it */
	bool last;
	size_t messages; /* whole messages in it; if the receiver counts them, set by it */
	uint64_t bytes; /* payload, without separators; likewise */
	uint64_t wire; /* payload as it came, maybe compressed */
	bool fleeting; /* DATA lasts only until the receiver returns */
	size_t careful; /* of the receiver: bytes at the front that are not all valid */
};

/* Takes the first message off a batch with a separator, which is not empty. */
static inline struct batch
batch_next(struct batch *rest)
{
	uint8_t *end = memchr(rest->data, rest->separator, rest->len);
	size_t used = (size_t)(end - rest->data) + 1;
	struct batch one = {
	    .type = rest->type,
	    .data = rest->data,
	    .len = used - 1,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true,
	};

	if (rest->cr && one.len > 0 && one.data[one.len - 1] == '\r')
		one.len--;
	rest->data += used;
	rest->len -= used;
	rest->careful -= used < rest->careful ? used : rest->careful;
	return one;
}

#endif
