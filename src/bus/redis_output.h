/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output of a program on its way to a Redis server. Messages are packed into records, which are
 * published on a channel or appended to a stream, and kept until that is confirmed. If another
 * program uses the key of the stream, records are published instead.
 */
#ifndef BUS_REDIS_OUTPUT_H
#define BUS_REDIS_OUTPUT_H

#include "bus/record.h"
#include "bus/redis_lease.h"

struct redis_output_rules {
	const char *channel; /* borrowed; the name of a channel or the key of a stream */
	/* Approximate number of entries that the stream keeps; 0: a channel. */
	uint64_t stream_max;
	struct redis_lease *lease; /* borrowed: required for delivery; NULL: no lease needed */
	uint64_t node;
	/* Called once for each record before it is sent, with the ARG of the output. May be
	 * NULL. */
	void (*on_record)(void *arg, struct span header, struct span body);
};

/* Embedded in its user. */
struct redis_output {
	struct redis_context *context; /* borrowed */
	struct redis_output_rules rules;
	/* Called when a record was confirmed, or the lease or commands were lost. */
	void (*on_changed)(void *arg);
	void *arg;
	struct buffer body; /* owned: body of the partial record */
	size_t last; /* for record_put_batch() */
	uint32_t messages; /* number of messages in BODY */
	uint64_t seq; /* of the last record */
	struct outbox outbox;
	size_t pending; /* number of pending replies */
};

void redis_output_init(struct redis_output *output, struct redis_context *context,
    const struct redis_output_rules *rules, void (*on_changed)(void *arg), void *arg);

/* Frees what the output owns. No reply may be pending, unless commands were lost. */
void redis_output_clear(struct redis_output *output);

/* Adds whole messages to the partial record. Call redis_output_flush() afterwards. */
void redis_output_put(struct redis_output *output, const struct batch *batch);

/* Completes the record and sends what can be sent. */
void redis_output_flush(struct redis_output *output);

/* Drops everything that was not confirmed, because the lease is lost. */
void redis_output_fence(struct redis_output *output);

/* Handles the loss of commands: redis_output_flush() will send unconfirmed records again. */
void redis_output_on_down(struct redis_output *output);

/* Returns true if nothing is unconfirmed and no reply is pending. */
bool redis_output_is_idle(const struct redis_output *output);

/* Returns the number of unconfirmed bytes above OUTBOX_WINDOW; 0 while the link is down,
 * because the oldest records are dropped then. */
size_t redis_output_queued(const struct redis_output *output);

#endif
