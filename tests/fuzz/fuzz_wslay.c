/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder against libwslay, an independent reader of RFC 6455. The input is what a client
 * sends after the handshake. Both must deliver the same messages, pings and pongs, then the
 * same CLOSE, or fail with the same code at the same event.
 *
 * Where they may differ, and the standard allows both:
 *
 * - When: the decoder checks a header byte by byte, wslay once it is complete. So when the
 *   decoder has failed, wslay is given zeros until it has seen a whole header. wslay checks the
 *   reason of a CLOSE byte by byte, the decoder once it is complete: then the decoder is given
 *   zeros.
 * - Which: a frame that is wrong twice has two right codes, and wslay checks in another order.
 *   See wrong_twice().
 * - Close codes: wslay 1.1.1 refuses 1012 to 1014, which were registered after RFC 6455
 *   (section 7.4.2 leaves room for that), and takes a CLOSE of one byte for one without a
 *   code, where section 5.5.1 wants two.
 * - Fragments: wslay does not count them.
 */
#include "require.h"
#include "websocket/decoder.h"

#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

enum { LIMIT = 300 }; /* low, so that few bytes pass it */

/* What a side said: its events as bytes, and how it ended. */
struct trace {
	struct buffer text;
	bool closed;
	bool failed;
	uint16_t code; /* of the CLOSE or the failure */
	const char *reason; /* of our failure */
};

struct oracle {
	struct trace trace;
	const uint8_t *data; /* borrowed */
	size_t size;
};

static void
trace_add(struct trace *trace, uint8_t opcode, const uint8_t *data, size_t len)
{
	CHECK(buffer_append(&trace->text, &opcode, sizeof(opcode)));
	CHECK(buffer_append(&trace->text, &len, sizeof(len)));
	CHECK(len == 0 || buffer_append(&trace->text, data, len));
}

/* Our side. */

static void
take_event(struct trace *trace, enum decoder_event event, const struct decoder_item *item)
{
	const struct message *m = &item->message;

	switch (event) {
	case DECODER_MORE:
		return;
	case DECODER_PART:
		CHECK(false); /* not asked for */
		return;
	case DECODER_MESSAGE:
		trace_add(trace, m->type == MESSAGE_TEXT ? FRAME_TEXT : FRAME_BINARY, m->data,
		    m->len);
		return;
	case DECODER_PING:
		trace_add(trace, FRAME_PING, item->payload.data, item->payload.len);
		return;
	case DECODER_PONG:
		trace_add(trace, FRAME_PONG, item->payload.data, item->payload.len);
		return;
	case DECODER_CLOSE:
		trace_add(trace, FRAME_CLOSE, item->payload.data, item->payload.len);
		trace->closed = true;
		trace->code = item->code;
		return;
	case DECODER_FAIL:
		trace->failed = true;
		trace->code = item->code;
		trace->reason = item->reason;
		return;
	}
}

static void
feed(struct decoder *d, struct trace *trace, const uint8_t *data, size_t size)
{
	struct decoder_item item;
	enum decoder_event event;
	uint8_t *block = malloc(size);

	CHECK(block);
	memcpy(block, data, size);
	decoder_feed(d, block, size);
	while ((event = decoder_next(d, &item)) != DECODER_MORE)
		take_event(trace, event, &item);
	free(block);
}

/* END_CLOSE: a CLOSE frame whose payload is not complete is filled up. */
static struct trace
run_decoder(const uint8_t *data, size_t size, bool end_close)
{
	static const uint8_t zeros[FRAME_CONTROL_MAX];
	struct trace trace = {0};
	struct decoder d;

	decoder_init(&d, LIMIT);
	feed(&d, &trace, data, size);
	if (end_close && d.in_payload && d.frame.opcode == FRAME_CLOSE)
		feed(&d, &trace, zeros, sizeof(zeros));
	decoder_clear(&d);
	return trace;
}

/* Its side. */

static ssize_t
on_recv(wslay_event_context_ptr context, uint8_t *to, size_t len, int flags, void *user_data)
{
	struct oracle *o = user_data;

	(void)flags;
	if (o->size == 0) {
		wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (len > o->size)
		len = o->size;
	memcpy(to, o->data, len);
	o->data += len;
	o->size -= len;
	return (ssize_t)len;
}

/* What it sends is of no interest, but only afterwards it tells the code of its CLOSE. */
static ssize_t
on_send(wslay_event_context_ptr context, const uint8_t *data, size_t len, int flags,
    void *user_data)
{
	(void)context;
	(void)data;
	(void)flags;
	(void)user_data;
	return (ssize_t)len;
}

static void
on_message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *arg,
    void *user_data)
{
	struct oracle *o = user_data;

	(void)context;
	if (arg->opcode != WSLAY_CONNECTION_CLOSE) {
		trace_add(&o->trace, arg->opcode, arg->msg, arg->msg_length);
	} else if (arg->msg_length == 1) {
		o->trace.failed = true;
		o->trace.code = CLOSE_PROTOCOL;
	} else {
		o->trace.closed = true;
		o->trace.code = arg->status_code ? arg->status_code : CLOSE_NO_STATUS;
		if (arg->msg_length > 0)
			trace_add(&o->trace, FRAME_CLOSE, arg->msg + 2, arg->msg_length - 2);
		else
			trace_add(&o->trace, FRAME_CLOSE, NULL, 0);
	}
}

static void
oracle_feed(struct oracle *o, wslay_event_context_ptr context, const uint8_t *data, size_t size)
{
	int result;

	o->data = data;
	o->size = size;
	result = wslay_event_recv(context);
	if (o->trace.closed || o->trace.failed)
		return;
	if (result != 0) {
		/* So it calls what its frame layer refuses, without a code. */
		CHECK(result == WSLAY_ERR_CALLBACK_FAILURE);
		o->trace.failed = true;
		o->trace.code = CLOSE_PROTOCOL;
	} else if (!wslay_event_get_read_enabled(context)) {
		CHECK(wslay_event_send(context) == 0);
		o->trace.failed = true;
		o->trace.code = wslay_event_get_status_code_sent(context);
	}
}

static struct trace
run_wslay(const uint8_t *data, size_t size, bool must_end)
{
	static const struct wslay_event_callbacks callbacks = {
	    .recv_callback = on_recv,
	    .send_callback = on_send,
	    .on_msg_recv_callback = on_message,
	};
	static const uint8_t zeros[FRAME_HEADER_MAX];
	struct oracle o = {.size = 0};
	wslay_event_context_ptr context;

	CHECK(wslay_event_context_server_init(&context, &callbacks, &o) == 0);
	wslay_event_config_set_max_recv_msg_length(context, LIMIT);
	oracle_feed(&o, context, data, size);
	if (must_end && !o.trace.failed && !o.trace.closed)
		oracle_feed(&o, context, zeros, sizeof(zeros));
	wslay_event_context_free(context);
	return o.trace;
}

/* The same events; the last one may be a CLOSE that wslay refused. */
static bool
same_events(const struct trace *ours, const struct trace *theirs)
{
	size_t len = buffer_len(&theirs->text);

	if (ours->closed == theirs->closed && buffer_len(&ours->text) != len)
		return false;
	return len <= buffer_len(&ours->text) &&
	       (len == 0 ||
		   memcmp(buffer_data(&ours->text), buffer_data(&theirs->text), len) == 0);
}

/* A frame in which each side names another violation. */
static bool
wrong_twice(const struct trace *ours, const struct trace *theirs)
{
	/* A CLOSE with a bad code and a bad reason: wslay checks the reason while it comes. */
	return strcmp(ours->reason, "invalid close code") == 0 &&
	       theirs->code == CLOSE_INVALID_DATA;
}

/* Both ended in the same way, but for the differences that are explained above. */
static bool
same_end(const struct trace *ours, const struct trace *theirs)
{
	if (ours->failed && ours->code == CLOSE_POLICY)
		return true;
	if (ours->closed && ours->code >= 1012 && ours->code <= 1014)
		return theirs->failed && theirs->code == CLOSE_PROTOCOL;
	if (ours->closed != theirs->closed || ours->failed != theirs->failed)
		return false;
	if (!ours->failed || ours->code == theirs->code)
		return ours->code == theirs->code;
	return wrong_twice(ours, theirs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace ours;
	struct trace theirs;

	if (size == 0)
		return 0;
	ours = run_decoder(data, size, false);
	theirs = run_wslay(data, size, ours.failed);
	if (theirs.failed && !ours.failed && !ours.closed) {
		buffer_clear(&ours.text);
		ours = run_decoder(data, size, true);
	}
	CHECK(same_end(&ours, &theirs));
	CHECK(same_events(&ours, &theirs));
	buffer_clear(&ours.text);
	buffer_clear(&theirs.text);
	return 0;
}
