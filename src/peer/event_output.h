/* SPDX-License-Identifier: BSD-2-Clause */
/* Batches of messages as numbered records: the way to a client without a WebSocket. */
#ifndef PEER_EVENT_OUTPUT_H
#define PEER_EVENT_OUTPUT_H

#include "base/batch.h"
#include "peer/event_records.h"
#include "peer/peer.h"

struct event_output {
	struct event_records records;
	struct buffer partial; /* owned: the message that was begun */
	struct peer_counts *sent; /* borrowed */
	size_t max_message; /* bytes of one in parts */
};

enum event_output_result {
	EVENT_OUTPUT_SENT,
	EVENT_OUTPUT_TOO_BIG,
	EVENT_OUTPUT_NO_MEMORY,
};

/* Adds the messages of a batch, and counts them; what is left in BATCH is as after peer_send().
 */
enum event_output_result event_output_send(struct event_output *output, struct batch *batch);

#endif
