/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP response that a client without a WebSocket gets its records in: a stream that lasts
 * until it is ended or replaced, or the answer to one poll. It knows records as bytes.
 */
#ifndef PEER_EVENT_RESPONSE_H
#define PEER_EVENT_RESPONSE_H

#include "http/exchange.h"
#include "peer/event_records.h"

enum {
	EVENT_RESPONSE_COMMENT_MS = 15 * 1000, /* silence until a stream gets a comment */
	EVENT_RESPONSE_POLL_MS = 25 * 1000, /* how long a poll waits */
};

/* {.form} at first. EXCHANGE, and SINCE_MS, are read by others. */
struct event_response {
	struct exchange *exchange; /* borrowed; NULL: there is no connection */
	int64_t since_ms; /* when it came, was last written to, or went */
	enum events_form form;
};

/* An exchange, whose handlers are the caller's. A stream begins with the event that names the
 * session ID, and with the header lines FIELDS; a poll waits for records. */
void event_response_begin(
    struct event_response *r, struct exchange *exchange, const char *id, const char *fields);

/* Sends records, at least one. A poll ends with that. */
void event_response_send(struct event_response *r, struct span records);

/* Nothing was sent for so long: a stream gets a comment, a poll a 204. */
void event_response_refresh(struct event_response *r);

/* The stream is complete. */
void event_response_end(struct event_response *r);

/* Its client has another connection, and maybe does not know yet that this one, if there is
 * one, is dead. */
void event_response_replace(struct event_response *r);

/* The exchange is over, or is so soon. */
void event_response_detach(struct event_response *r);

/* When it is refreshed, or without a connection when RESUME_MS are over. */
int64_t event_response_due(const struct event_response *r, int64_t resume_ms);

/* Bytes that were sent and have not left. */
size_t event_response_queued(const struct event_response *r);

#endif
