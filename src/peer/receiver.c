/* SPDX-License-Identifier: BSD-2-Clause */
/* Decodes bytes to messages and control frames. */
#include "peer/receiver.h"

#include "net/loop.h"

#include <string.h>

/* The loop's read buffer provides the memory that a batch may touch around the input. */
_Static_assert(LOOP_HEAD >= (int)DECODER_BATCH_GAP && LOOP_SLACK >= (int)DECODER_BATCH_SLACK &&
		   LOOP_SLACK >= (int)BATCH_SLACK,
    "a batch needs room around the input");

/* The handlers of one call of receiver_decode(). */
struct receiver_call {
	const struct receiver_handlers *handlers;
	void *arg;
};

static bool
receiver_emit(struct receiver *r, const struct receiver_call *call, struct batch *batch)
{
	bool more = call->handlers->on_messages(call->arg, batch);

	/* Unless its output may be much longer (decompressed, or rewritten by a framing), one
	 * read is processed completely. */
	return more || (!r->inflater && r->format->joins);
}

/* Emits what the fast path of the decoder accepts; there is no work per message here. The
 * records are moved down to *FREE, below the frames that contained them. */
static bool
receiver_emit_batch(struct receiver *r, const struct receiver_call *call, uint8_t **free)
{
	struct decoder *d = &r->decoder;
	struct decoder_item item;
	struct decoder_batch run = {
	    .text = r->format->text,
	    .binary = r->format->binary,
	    .separator = r->format->separator,
	    .to = *free,
	};
	struct batch batch = {.separator = r->format->separator, .first = true, .last = true};
	bool more = true;
	bool failed;

	if (d->len == 0 || r->inflater || !r->format->joins || d->rules.client ||
	    d->bytes - *free < (ptrdiff_t)DECODER_BATCH_GAP)
		return true;
	failed = decoder_next_batch(d, &run, &item) == DECODER_FAIL;
	batch.type = run.text ? MESSAGE_TEXT : MESSAGE_BINARY;
	batch.data = *free;
	batch.len = (size_t)(run.to - *free);
	batch.messages = run.messages;
	batch.bytes = run.bytes;
	*free = run.to;
	if (run.messages > 0)
		more = receiver_emit(r, call, &batch);
	if (failed)
		call->handlers->on_fail(call->arg, item.code, item.reason);
	return more;
}

static bool
receiver_emit_item(struct receiver *r, const struct receiver_call *call,
    enum decoder_event event, struct decoder_item *item, uint8_t **free)
{
	struct message *m = &item->message;
	struct buffer own = {0};
	struct batch batch = {
	    .type = m->type,
	    .data = m->data,
	    .len = m->len,
	    .room = item->room,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = item->first,
	    .last = event == DECODER_MESSAGE,
	    .messages = event == DECODER_MESSAGE,
	    .bytes = m->len,
	    .wire = r->inflater ? decoder_wire_len(&r->decoder, event, item) : 0,
	};
	bool more;

	if (!item->in_place) {
		decoder_take(&r->decoder, &own);
		batch.owner = &own;
	} else if (r->format->joins && r->decoder.len > 0) {
		/* Move the message down: makes room for a batch of the following ones. */
		memmove(*free, m->data, m->len);
		batch.data = *free;
		batch.room = 0;
		*free += m->len;
	}
	more = receiver_emit(r, call, &batch);
	buffer_clear(&own);
	return more;
}

void
receiver_decode(struct receiver *r, uint8_t *bytes, size_t len,
    const struct receiver_handlers *handlers, void *arg)
{
	const struct receiver_call call = {handlers, arg};
	uint8_t *free = bytes - DECODER_BATCH_GAP;
	struct decoder_item item;
	bool more = true;

	decoder_feed(&r->decoder, bytes, len);
	while (more) {
		enum decoder_event event;
		struct span payload;

		more = receiver_emit_batch(r, &call, &free);
		event = decoder_next(&r->decoder, &item);
		if (event == DECODER_MORE)
			break;
		payload = (struct span){(char *)item.payload.data, item.payload.len};
		switch (event) {
		case DECODER_MORE:
		case DECODER_PONG:
			break;
		case DECODER_PART:
		case DECODER_MESSAGE:
			more = receiver_emit_item(r, &call, event, &item, &free);
			break;
		case DECODER_PING:
			handlers->on_ping(arg, payload);
			break;
		case DECODER_CLOSE:
			handlers->on_close(arg, item.code, payload);
			break;
		case DECODER_FAIL:
			handlers->on_fail(arg, item.code, item.reason);
			break;
		}
	}
	if (!more && !decoder_stop(&r->decoder, &r->rest))
		handlers->on_fail(arg, CLOSE_INTERNAL, "out of memory");
	if (r->inflater)
		inflater_rest(r->inflater);
}

void
receiver_stop(struct receiver *r)
{
	decoder_end(&r->decoder);
	decoder_clear(&r->decoder);
	inflater_drop(r->inflater);
	buffer_clear(&r->rest);
}
