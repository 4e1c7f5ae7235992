/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages and the end of a session as the records of peer/events.h. */
#ifndef PEER_EVENT_RECORDS_H
#define PEER_EVENT_RECORDS_H

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
	char id[EVENTS_ID_LEN + 1]; /* of the session */
	bool ended; /* the last record is the end */
	struct replay replay;
};

/* ID has EVENTS_ID_LEN characters. */
void event_records_init(struct event_records *r, enum events_form form, const char *id);

/* Add a record. False without memory: nothing was added. */
bool event_records_put(struct event_records *r, const struct message *message)
    __attribute__((warn_unused_result));
bool event_records_end(struct event_records *r, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

#endif
