/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP response that carries records to a client without a WebSocket. */
#include "peer/event_response.h"

#include "base/util.h"

#include <stdio.h>

#define EVENT_RESPONSE_UNCACHED "Cache-Control: no-store\r\n"

void
event_response_begin(
    struct event_response *r, struct exchange *exchange, const char *id, const char *fields)
{
	char open[128];
	struct reply reply = {.status = 200,
	    .type = "text/event-stream",
	    .length = REPLY_LENGTH_UNKNOWN,
	    .fields = fields};
	int len;

	r->exchange = exchange;
	r->since_ms = util_clock_ms();
	exchange_set_logged(exchange);
	if (r->form != EVENTS_STREAM)
		return;
	len = snprintf(open, sizeof(open), "event: open\ndata: {\"session\":\"%s\"}\n\n", id);
	exchange_begin(exchange, &reply, (struct span){open, (size_t)len});
}

void
event_response_detach(struct event_response *r)
{
	r->exchange = NULL;
	r->since_ms = util_clock_ms();
}

/* Writes to a stream. A stream may be silent for any time, so its rate is only measured while
 * data is queued. */
static void
event_response_write(struct event_response *r, struct span bytes)
{
	if (exchange_queued(r->exchange) == 0)
		exchange_resume_rate(r->exchange);
	exchange_write(r->exchange, bytes.data, bytes.len);
	r->since_ms = util_clock_ms();
}

void
event_response_send(struct event_response *r, struct span records)
{
	struct exchange *exchange = r->exchange;
	struct reply reply = {.status = 200,
	    .type = "application/json",
	    .length = (int64_t)records.len,
	    .fields = EVENT_RESPONSE_UNCACHED};

	if (r->form == EVENTS_STREAM) {
		event_response_write(r, records);
		return;
	}
	/* "[" first, and "]" in place of the ",\n" after the last record. */
	event_response_detach(r);
	exchange_begin(exchange, &reply, SPAN("["));
	exchange_write(exchange, records.data, records.len - 2);
	exchange_write(exchange, "]", 1);
	exchange_end(exchange);
}

void
event_response_refresh(struct event_response *r)
{
	if (r->form == EVENTS_STREAM)
		event_response_write(r, SPAN(":\n\n"));
	else
		event_response_replace(r);
}

void
event_response_end(struct event_response *r)
{
	struct exchange *exchange = r->exchange;

	event_response_detach(r);
	exchange_end(exchange);
}

void
event_response_replace(struct event_response *r)
{
	struct exchange *exchange = r->exchange;

	if (!exchange)
		return;
	event_response_detach(r);
	if (r->form == EVENTS_STREAM)
		exchange_abort(exchange, NULL);
	else
		exchange_reply_status(exchange, 204, EVENT_RESPONSE_UNCACHED, NULL);
}

int64_t
event_response_due(const struct event_response *r, int64_t resume_ms)
{
	return r->since_ms + (!r->exchange		    ? resume_ms
				 : r->form == EVENTS_STREAM ? EVENT_RESPONSE_COMMENT_MS
							    : EVENT_RESPONSE_POLL_MS);
}

size_t
event_response_queued(const struct event_response *r)
{
	return r->exchange ? exchange_queued(r->exchange) : 0;
}
