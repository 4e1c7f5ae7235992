/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodes messages and the end of a session as the records of peer/events.h. */
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
	bool ended; /* the last record is the end of the session */
	uint8_t start_len;
	/* Start of the next record: session ID and record number. */
	char start[EVENTS_ID_LEN + 32];
	struct replay replay;
};

/* ID has EVENTS_ID_LEN characters and is copied. */
void event_records_init(struct event_records *r, enum events_form form, const char *id);

/* Appends a message as a record. Returns false and appends nothing if out of memory. */
bool event_records_put(struct event_records *r, const struct message *message)
    __attribute__((warn_unused_result));

/*
 * Appends the messages of BATCH as records and removes them from BATCH, which has a separator;
 * text must be UTF-8. Adds their lengths to *BYTES. Returns the number of records; what remains
 * in BATCH did not fit into memory.
 */
size_t event_records_put_batch(struct event_records *r, struct batch *batch, uint64_t *bytes)
    __attribute__((warn_unused_result));

bool event_records_end(struct event_records *r, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

#endif
