/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages and the end of a session as the records of peer/events.h. */
#ifndef PEER_EVENT_RECORDS_H
#define PEER_EVENT_RECORDS_H

#include "base/batch.h"
#include "base/message.h"
#include "peer/replay.h"

#include <stdbool.h>

enum {
	EVENTS_ID_LEN = 32,
};

enum events_form {
	EVENTS_STREAM,
	EVENTS_POLL,
};

struct event_records {
	enum events_form form;
	bool ended; /* the last record is the end */
	uint8_t start_len;
	char start[EVENTS_ID_LEN + 32]; /* of the next record: the session, and its number */
	struct replay replay;
};

/* ID has EVENTS_ID_LEN characters. */
void event_records_init(struct event_records *r, enum events_form form, const char *id);

/* Add a record. False without memory: nothing was added. */
bool event_records_put(struct event_records *r, const struct message *message)
    __attribute__((warn_unused_result));

/* Adds those at the front of BATCH, which has a separator and is UTF-8 if it is text, and takes
 * them off it; returns how many. Fewer than all: there is no memory. *BYTES is increased by
 * their lengths. */
size_t event_records_put_batch(struct event_records *r, struct batch *batch, uint64_t *bytes)
    __attribute__((warn_unused_result));

bool event_records_end(struct event_records *r, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

#endif
