/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP response that carries records to a client without a WebSocket: a stream that lasts
 * until it is ended or replaced, or the response to one poll. Records are opaque bytes here. */
#ifndef PEER_EVENT_RESPONSE_H
#define PEER_EVENT_RESPONSE_H

#include "http/exchange.h"
#include "peer/event_records.h"

enum {
	EVENT_RESPONSE_COMMENT_MS = 15 * 1000, /* silence after which a stream gets a comment */
	EVENT_RESPONSE_POLL_MS = 25 * 1000, /* how long a poll waits for records */
};

/* Initialize with {.form}. Users may read EXCHANGE and SINCE_MS. */
struct event_response {
	struct exchange *exchange; /* borrowed; NULL: no connection */
	int64_t since_ms; /* when the exchange was attached, last written to, or detached */
	enum events_form form;
};

/* Attaches EXCHANGE, whose handlers are the caller's. A stream starts with header lines FIELDS
 * and an event that names the session ID. A poll waits for records. */
void event_response_begin(
    struct event_response *r, struct exchange *exchange, const char *id, const char *fields);

/* Sends one or more records. Completes a poll. */
void event_response_send(struct event_response *r, struct span records);

/* Keeps the connection alive after a timeout: sends a comment on a stream, answers a poll with
 * 204. */
void event_response_refresh(struct event_response *r);

/* Completes the stream. */
void event_response_end(struct event_response *r);

/* Ends the exchange, if there is one, because the client has another connection. The client may
 * not know yet that the old connection is dead. */
void event_response_replace(struct event_response *r);

/* Detaches the exchange, which has ended or is about to end. */
void event_response_detach(struct event_response *r);

/* Returns when event_response_refresh() is due; without a connection, when RESUME_MS
 * expires. */
int64_t event_response_due(const struct event_response *r, int64_t resume_ms);

/* Returns the number of bytes queued in the exchange. */
size_t event_response_queued(const struct event_response *r);

#endif
