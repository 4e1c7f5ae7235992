/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of clients without a WebSocket (serve/streams.h), and the responses to them. */
#ifndef SERVE_STREAMS_REQUEST_H
#define SERVE_STREAMS_REQUEST_H

#include "http/exchange.h"
#include "peer/event_input.h"
#include "peer/event_records.h"

/* Proxies must not keep, change or buffer what is sent. */
#define STREAMS_NO_STORE "Cache-Control: no-store, no-transform\r\n"

/* What a request asks for, as spans of it. */
struct streams_request {
	struct span session;
	struct span after; /* a number */
	bool stream; /* it accepts one */
	bool poll;
};

struct streams_request streams_request_read(const struct request *request);

bool streams_request_is(const struct request *request, const char *method);

/* Whether it is one of those requests. */
bool streams_request_wants(const struct request *request, const struct streams_request *asked);

/* What its body is, by its Content-Type; without one it is text. False: none of these. */
bool streams_request_kind(const struct head *head, enum events_kind *kind);

/* Header lines for a response: those for a page that may read it, and OTHERS. NULL without
 * memory. Owned by the caller. */
char *streams_request_fields(const struct exchange *exchange, const char *others);

/* As exchange_reply_status(), with such header lines; OTHERS is NULL for those of all. */
void streams_request_reply(
    struct exchange *exchange, int status, const char *others, const char *reason);

#endif
