/* SPDX-License-Identifier: BSD-2-Clause */
/* Output of a shared program on its way to the members: whole messages, each encoded once. */
#ifndef BACKEND_SHARED_OUTPUT_H
#define BACKEND_SHARED_OUTPUT_H

#include "backend/members.h"
#include "framing/address.h"

/* How messages are addressed. */
enum shared_addresses {
	SHARED_TO_ALL, /* each message is for all clients */
	SHARED_LINES, /* framing/address.h */
	SHARED_EVENTS, /* framing/address.h, with events */
	SHARED_JSON, /* framing/framing_json.h */
};

struct shared_output_rules {
	enum shared_addresses addresses;
	uint64_t max_message; /* in bytes; longer messages are dropped; 0: no limit */
	/* Send text that is not UTF-8 as binary instead of repairing it. */
	bool invalid_is_binary;
};

/* Initialize with zero bytes ({0}) and the borrowed fields. */
struct shared_output {
	const struct shared_output_rules *rules; /* borrowed, as the next three */
	const char *name; /* for the log */
	struct members *members;
	uint8_t *scratch; /* BROADCAST_SCRATCH bytes, used during a call */
	/* For other processes with members; ARG is their argument. */
	/* Publishes whole messages, as written. Returns false if nobody may get them. */
	bool (*publish)(void *arg, const struct batch *batch);
	/* Returns true if another process may have the client. */
	bool (*is_elsewhere)(void *arg, uint64_t id);
	void *arg;
	bool publishes; /* call PUBLISH */
	bool receives; /* inside shared_output_receive() */
	struct buffer message; /* owned: the parts of a partial message */
	struct address address; /* owned */
	bool too_long; /* skipping the rest of a partial message */
	bool warned_not_utf8; /* logged already, as the next one: once per program */
	bool warned_bad;
	uint64_t dropped; /* messages for disconnected clients, and malformed messages */
};

/* As shared_output_send(), for a batch that another process has published. */
void shared_output_receive(struct shared_output *o, struct batch *batch);

/* QUIET: do not warn about the next program's output; the process that runs it does. */
void shared_output_set_quiet(struct shared_output *o, bool quiet);

/* Queues the messages of a batch for members. Call members_flush() afterwards. */
void shared_output_send(struct shared_output *o, struct batch *batch);

/* Handles the end of the program: drops a partial message and resets counters and warnings. */
void shared_output_end(struct shared_output *o);

#endif
