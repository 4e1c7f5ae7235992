/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A batch: the unit in which messages are passed between a peer and a backend. It is one of
 *
 *	whole messages in one block of memory, each followed by the same separator byte,
 *	whole messages without separators, for a backend without message boundaries,
 *	one message, or a part of one,
 *	whole messages for many peers, already encoded (struct broadcast).
 *
 * This way many short messages cost one call, and one loop converts them all.
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
	/* Readable bytes after DATA, because the loops of simd work in steps. */
	BATCH_SLACK = 64,
};

/* What a backend accepts from a peer. */
struct batch_format {
	bool text; /* accepts text messages */
	bool binary;
	bool joins; /* accepts many messages per batch, each followed by SEPARATOR */
	int separator; /* ASCII, or BATCH_NO_SEPARATOR */
	bool parts; /* accepts parts of messages: boundaries do not matter */
};

struct broadcast;

struct batch {
	enum message_type type;
	/* Borrowed until the sender's next call; writable. May be in the loop's read buffer,
	 * and then stays valid until the sender has finished the read. */
	uint8_t *data;
	size_t len;
	size_t room; /* writable bytes before DATA */
	union {
		/* A buffer that contains only DATA and may be moved; or NULL. */
		struct buffer *owner;
		/* BATCH_BROADCAST, borrowed: websocket/broadcast. LEN is what remains to be
		 * sent, as counted by the peer, initially SIZE_MAX; the other fields are
		 * unused. */
		struct broadcast *broadcast;
	};
	int separator; /* follows each message; or BATCH_NO_SEPARATOR */
	bool cr; /* a '\r' before a separator is not part of the message either */
	bool first; /* without a separator: DATA begins, or ends, a message */
	bool last;
	size_t messages; /* number of whole messages; set by the receiver if it counts them */
	/* Payload bytes without separators; set by the receiver if it counts them. */
	uint64_t bytes;
	uint64_t wire; /* payload bytes as received, perhaps compressed */
	bool fleeting; /* DATA is only valid until the receiver returns */
	size_t careful; /* set by the receiver: bytes at the front that are not all valid */
};

/* Removes the first message from a non-empty batch with a separator. */
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
