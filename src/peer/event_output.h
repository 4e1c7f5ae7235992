/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts batches of messages to numbered records, for clients without a WebSocket. */
#ifndef PEER_EVENT_OUTPUT_H
#define PEER_EVENT_OUTPUT_H

#include "base/batch.h"
#include "peer/event_records.h"
#include "peer/peer.h"

struct event_output {
	struct event_records records;
	struct buffer partial; /* owned: the partial message */
	struct peer_counts *sent; /* borrowed */
	size_t max_message; /* limit of a message that is sent in parts, in bytes */
};

enum event_output_result {
	EVENT_OUTPUT_SENT,
	EVENT_OUTPUT_TOO_BIG,
	EVENT_OUTPUT_NO_MEMORY,
};

/* Appends the messages of a batch as records and counts them. What remains in BATCH is as after
 * peer_send(). */
enum event_output_result event_output_send(struct event_output *output, struct batch *batch);

#endif
