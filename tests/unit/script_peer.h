/* SPDX-License-Identifier: BSD-2-Clause */
/* A scripted peer: a test calls its handlers and sets its state; what is done with it is kept.
 */
#ifndef TESTS_UNIT_SCRIPT_PEER_H
#define TESTS_UNIT_SCRIPT_PEER_H

#include "peer/peer.h"

struct script_peer {
	struct peer peer; /* first */
	struct peer_counts counts;
	struct buffer sent; /* each message with a bar after it, a part with a plus sign */
	size_t queued;
	unsigned int flushes;
	unsigned int violations;
	unsigned int closes;
	uint16_t code; /* of the Close */
	char reason[128];
	bool finished;
	bool freed;
};

void script_peer_init(struct script_peer *p, const struct peer_handlers *handlers, void *arg);

/* The peer sends a message. */
bool script_peer_message(struct script_peer *p, const char *text);

/* Changes its state, and reports that. */
void script_peer_enter(struct script_peer *p, enum peer_state state);

#endif
