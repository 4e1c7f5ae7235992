/* SPDX-License-Identifier: BSD-2-Clause */
/* What a shared program writes, on its way to the members: whole messages, each encoded once.
 */
#ifndef BACKEND_SHARED_OUTPUT_H
#define BACKEND_SHARED_OUTPUT_H

#include "backend/members.h"
#include "framing/address.h"

/* How its messages are addressed. */
enum shared_addresses {
	SHARED_TO_ALL, /* each message is for all */
	SHARED_LINES, /* framing/address.h */
	SHARED_EVENTS, /* the same with events */
	SHARED_JSON, /* framing/framing_json.h */
};

struct shared_output_rules {
	enum shared_addresses addresses;
	uint64_t max_message; /* bytes; a longer one is dropped; 0: no limit */
	bool invalid_is_binary; /* text that is not UTF-8 is sent as binary, not repaired */
};

/* Zero bytes ({0}) but for what is borrowed are its beginning. */
struct shared_output {
	const struct shared_output_rules *rules; /* borrowed, as the next three */
	const char *name; /* for the log */
	struct members *members;
	uint8_t *scratch; /* BROADCAST_SCRATCH bytes, during a call */
	/* Other processes that have members, too; ARG is theirs. */
	/* Whole messages, as written. False: nobody may get them. */
	bool (*publish)(void *arg, const struct batch *batch);
	bool (*is_elsewhere)(void *arg, uint64_t id); /* whether one of them has a client */
	void *arg;
	bool publishes; /* PUBLISH is to be called */
	bool receives; /* within shared_output_receive() */
	struct buffer message; /* owned: the parts of one that has begun */
	struct address address; /* owned */
	bool too_long; /* the begun message: its rest is dropped */
	bool warned_not_utf8; /* each is logged once in the life of a program */
	bool warned_bad;
	uint64_t dropped; /* messages for clients that have disconnected, and bad ones */
};

/* As shared_output_send(), for a batch that another process has published. */
void shared_output_receive(struct shared_output *o, struct batch *batch);

/* QUIET: do not warn about the next program's output; the process that runs it does. */
void shared_output_set_quiet(struct shared_output *o, bool quiet);

/* Queues the messages of a batch for members; members_flush() follows. */
void shared_output_send(struct shared_output *o, struct batch *batch);

/* The program has ended, with what it has begun: frees what is kept. */
void shared_output_end(struct shared_output *o);

#endif
