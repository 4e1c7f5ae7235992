/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program writes, on its way to a Redis server: messages become records, which are
 * published on a channel or appended to a stream, and kept until that is confirmed. While the
 * key of the stream is another program's, they are published.
 */
#ifndef BUS_REDIS_OUTPUT_H
#define BUS_REDIS_OUTPUT_H

#include "bus/record.h"
#include "bus/redis_lease.h"

struct redis_output_rules {
	const char *channel; /* borrowed; or the key of a stream */
	uint64_t stream_max; /* entries of the stream that are kept, about; 0: a channel */
	struct redis_lease *lease; /* borrowed: without it nothing is delivered; NULL: none */
	uint64_t node;
	/* Each record once, before it is sent, with the ARG of the output; NULL: none. */
	void (*on_record)(void *arg, struct span header, struct span body);
};

/* Embedded in its user. */
struct redis_output {
	struct redis_context *context; /* borrowed */
	struct redis_output_rules rules;
	/* A record was confirmed, or the server has none of what was sent. */
	void (*on_changed)(void *arg);
	void *arg;
	struct buffer body; /* owned: of the record that is begun */
	size_t last; /* of record_put_batch() */
	uint32_t messages; /* in it */
	uint64_t seq; /* of the last record */
	struct outbox outbox;
	size_t pending; /* replies */
};

void redis_output_init(struct redis_output *output, struct redis_context *context,
    const struct redis_output_rules *rules, void (*on_changed)(void *arg), void *arg);

/* No reply is pending, or commands are lost. */
void redis_output_clear(struct redis_output *output);

/* Adds whole messages to the record that is begun; redis_output_flush() follows. */
void redis_output_put(struct redis_output *output, const struct batch *batch);

/* Ends the record, and sends what can be sent. */
void redis_output_flush(struct redis_output *output);

/* The lease is lost: nothing of what waits may be delivered any more. */
void redis_output_fence(struct redis_output *output);

/* Commands were lost: all that was not confirmed is sent again by redis_output_flush(). */
void redis_output_on_down(struct redis_output *output);

/* Whether nothing is left to send, and no reply is to come. */
bool redis_output_is_idle(const struct redis_output *output);

/* Unconfirmed bytes beyond OUTBOX_WINDOW. 0 while the link is down, when the oldest are dropped
 * instead. */
size_t redis_output_queued(const struct redis_output *output);

#endif
