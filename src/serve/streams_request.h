/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses requests of clients without a WebSocket (serve/streams.h), and sends responses to
 * them. */
#ifndef SERVE_STREAMS_REQUEST_H
#define SERVE_STREAMS_REQUEST_H

#include "http/exchange.h"
#include "peer/event_input.h"
#include "peer/event_records.h"

/* Proxies must not cache, transform or buffer the response. */
#define STREAMS_NO_STORE "Cache-Control: no-store, no-transform\r\n"

/* The parameters of a request, as spans of it. */
struct streams_request {
	struct span session;
	struct span after; /* a number */
	bool stream; /* the client accepts an event stream */
	bool poll;
};

struct streams_request streams_request_read(const struct request *request);

bool streams_request_is(const struct request *request, const char *method);

/* Reports whether REQUEST is a request for such a session. */
bool streams_request_wants(const struct request *request, const struct streams_request *asked);

/* Sets *KIND to the type of the body according to Content-Type; text without one. Returns false
 * for an unsupported type. */
bool streams_request_kind(const struct head *head, enum events_kind *kind);

/* Returns the header lines of a response: the CORS fields for a page that may read it, and
 * OTHERS. The caller owns the result. Returns NULL if memory runs out. */
char *streams_request_fields(const struct exchange *exchange, const char *others);

/* Like exchange_reply_status(), with the lines of streams_request_fields(); OTHERS may be
 * NULL. */
void streams_request_reply(
    struct exchange *exchange, int status, const char *others, const char *reason);

#endif
