/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts batches of messages to numbered records. */
#include "peer/event_output.h"

#include "base/utf8.h"
#include "websocket/broadcast.h"
#include "websocket/frame.h"

static enum event_output_result
event_output_put(struct event_output *o, enum message_type type, uint8_t *data, size_t len)
{
	if (!event_records_put(&o->records, &(struct message){type, data, len}))
		return EVENT_OUTPUT_NO_MEMORY;
	o->sent->messages++;
	o->sent->bytes += len;
	return EVENT_OUTPUT_SENT;
}

/* Keeps the parts of a message until it is complete, because clients can't resume
 * within one. */
static enum event_output_result
event_output_put_part(struct event_output *o, const struct batch *batch)
{
	enum event_output_result result = EVENT_OUTPUT_SENT;

	if (batch->first)
		buffer_clear(&o->partial);
	if (buffer_len(&o->partial) + batch->len > o->max_message)
		return EVENT_OUTPUT_TOO_BIG;
	if (!buffer_append(&o->partial, batch->data, batch->len))
		return EVENT_OUTPUT_NO_MEMORY;
	if (batch->last) {
		result = event_output_put(
		    o, batch->type, buffer_data(&o->partial), buffer_len(&o->partial));
		buffer_clear(&o->partial);
	}
	return result;
}

/* Puts one message, or a part of one. */
static enum event_output_result
event_output_put_one(struct event_output *o, const struct batch *batch)
{
	return batch->first && batch->last
		   ? event_output_put(o, batch->type, batch->data, batch->len)
		   : event_output_put_part(o, batch);
}

/* Puts messages for many clients, which are already encoded as frames. */
static enum event_output_result
event_output_put_broadcast(struct event_output *o, struct batch *batch)
{
	struct broadcast_form form = broadcast_plain(batch->broadcast);
	struct batch part = {.separator = BATCH_NO_SEPARATOR};
	enum event_output_result result = EVENT_OUTPUT_SENT;
	struct frame_header header;

	batch->len = 0;
	for (size_t at = 0; at < form.len && result == EVENT_OUTPUT_SENT; at += part.len) {
		at += (size_t)frame_read_header(form.bytes + at, form.len - at, &header);
		part.first = header.opcode != FRAME_CONTINUATION;
		part.last = header.fin;
		if (part.first)
			part.type = header.opcode == FRAME_TEXT ? MESSAGE_TEXT : MESSAGE_BINARY;
		part.data = (uint8_t *)(uintptr_t)(form.bytes + at);
		part.len = (size_t)header.len;
		result = event_output_put_one(o, &part);
	}
	return result;
}

/* Puts messages up to the first one that is not valid UTF-8. */
static enum event_output_result
event_output_put_valid(struct event_output *o, struct batch *batch)
{
	enum event_output_result result = EVENT_OUTPUT_SENT;

	while (batch->len > 0 && result == EVENT_OUTPUT_SENT) {
		struct batch rest = *batch;
		struct batch one = batch_next(&rest);

		if (!utf8_valid(one.data, one.len))
			break;
		result = event_output_put(o, one.type, one.data, one.len);
		*batch = rest;
	}
	return result;
}

enum event_output_result
event_output_send(struct event_output *o, struct batch *batch)
{
	if (batch->broadcast)
		return event_output_put_broadcast(o, batch);
	if (batch->separator == BATCH_NO_SEPARATOR)
		return event_output_put_one(o, batch);
	if (batch->type == MESSAGE_TEXT && !utf8_valid(batch->data, batch->len))
		return event_output_put_valid(o, batch);
	o->sent->messages += event_records_put_batch(&o->records, batch, &o->sent->bytes);
	return batch->len > 0 ? EVENT_OUTPUT_NO_MEMORY : EVENT_OUTPUT_SENT;
}
