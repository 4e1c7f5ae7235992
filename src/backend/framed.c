/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to and from a byte stream. */
#include "backend/framed.h"

#include "framing/address.h"
#include "net/loop.h"

#include <assert.h>
#include <string.h>

static struct framed *
framed_of(const struct backend *backend)
{
	return (struct framed *)(uintptr_t)backend;
}

struct batch_format
framed_format(const struct framed_rules *rules)
{
	const struct framing *framing = &rules->to_program;
	struct batch_format format = {
	    /* websocketd does not send text to a program that reads bytes. */
	    .text = framing_takes(framing, MESSAGE_TEXT) &&
		    !(rules->drops_wrong_type && framing->kind == FRAMING_STREAM),
	    .binary = framing_takes(framing, MESSAGE_BINARY),
	    .parts = !framing_has_boundaries(framing),
	};
	int tail = FRAMING_NO_TAIL;

	format.joins = framing_is_plain(framing, &tail);
	format.separator = tail == FRAMING_NO_TAIL ? BATCH_NO_SEPARATOR : tail;
	return format;
}

void
framed_init(struct framed *f, const struct framed_rules *rules, const struct records_sink *sink,
    void *sink_arg)
{
	f->rules = rules;
	f->records.sink = sink;
	f->records.arg = sink_arg;
	framing_init(&f->reader, &rules->from_program);
}

void
framed_restart(struct framed *f)
{
	f->skips = f->skips || f->reader.in_message;
	f->finished = false;
	f->initialized = false;
}

void
framed_clear(struct framed *f)
{
	framing_clear(&f->reader);
	buffer_clear(&f->records.assembled);
}

/* To the stream */

void
framed_flush(struct backend *backend)
{
	records_flush(&framed_of(backend)->records);
}

/* Flushes early, so that the queue shows in time whether the program is slow. */
static void
framed_flush_full(struct framed *f)
{
	if (buffer_len(&f->records.assembled) >= LOOP_BATCH)
		framed_flush(&f->backend);
}

/* Writes one message, or a part of one. */
static enum backend_result
framed_write_one(struct framed *f, struct batch *b)
{
	struct framing framing = f->rules->to_program;
	struct message m = {.type = b->type, .data = b->data, .len = b->len};
	struct framing_envelope wrapped;

	framing.null_process_id = framing.null_process_id && !f->initialized;
	switch (framing_wrap(&framing, &m, &wrapped, &f->records.assembled)) {
	case FRAMING_AROUND:
		if (records_put(&f->records, b, &wrapped))
			break;
		/* fallthrough */
	case FRAMING_NO_ROOM:
		/* An incomplete record must not reach the program. */
		buffer_clear(&f->records.assembled);
		return BACKEND_WRITE_NO_MEMORY;
	case FRAMING_APPENDED:
		break;
	case FRAMING_REFUSED:
		f->backend.why = wrapped.reason;
		return BACKEND_REJECTED;
	}
	f->initialized = f->initialized || wrapped.initialize;
	framed_flush_full(f);
	return BACKEND_OK;
}

enum backend_result
framed_write(struct backend *backend, struct batch *b)
{
	static const struct framing_envelope none = {.tail = {"", 0}};
	struct framed *f = framed_of(backend);
	struct batch_format format = framed_format(f->rules);

	if (f->rules->drops_all)
		return BACKEND_DROPPED;
	if (b->type == MESSAGE_TEXT ? !format.text : !format.binary)
		return f->rules->drops_wrong_type ? BACKEND_DROPPED : BACKEND_WRONG_TYPE;
	if (b->messages <= 1 && b->separator == BATCH_NO_SEPARATOR)
		return framed_write_one(f, b);
	assert(format.joins && b->separator == format.separator);
	if (!records_put(&f->records, b, &none))
		return BACKEND_WRITE_NO_MEMORY;
	framed_flush_full(f);
	return BACKEND_OK;
}

enum backend_result
framed_wrap(const struct framed_rules *rules, const struct batch *b, uint64_t sender,
    struct buffer *out, const char **why)
{
	struct framing framing = rules->to_program;
	struct message m = {.type = b->type, .data = b->data, .len = b->len};
	struct framing_envelope e = {.tail = {"", 0}};
	struct batch_format format = framed_format(rules);
	size_t before = buffer_len(out);
	enum framing_wrap_result result = FRAMING_AROUND;

	framing.sender = sender;
	framing.events = rules->events;
	if (b->type == MESSAGE_TEXT ? !format.text : !format.binary)
		return BACKEND_WRONG_TYPE;
	if (b->messages <= 1 && b->separator == BATCH_NO_SEPARATOR)
		result = framing_wrap(&framing, &m, &e, out);
	if (result == FRAMING_REFUSED) {
		*why = e.reason;
		return BACKEND_REJECTED;
	}
	if (result == FRAMING_APPENDED ||
	    (result == FRAMING_AROUND && buffer_append(out, e.head, e.head_len) &&
		buffer_append(out, m.data, m.len) &&
		buffer_append(out, e.tail.data, e.tail.len)))
		return BACKEND_OK;
	buffer_cut(out, before);
	return BACKEND_WRITE_NO_MEMORY;
}

void
framed_write_take(struct backend *backend, struct buffer *records)
{
	struct framed *f = framed_of(backend);

	records_flush(&f->records);
	f->records.sink->write_take(f->records.arg, records);
}

bool
framed_put_open(
    const struct framed_rules *rules, const struct framed_client *client, struct buffer *event)
{
	const struct framing_json_open open = {
	    .id = client->id,
	    .path = client->url_path,
	    .query = client->query,
	    .remote = client->remote,
	    .user = client->user,
	    .subprotocol = client->subprotocol,
	    .has_headers = rules->event_headers,
	    .headers = client->headers,
	    .header_count = client->header_count,
	};

	if (!rules->events)
		return true;
	return rules->to_program.kind == FRAMING_JSON
		   ? framing_json_put_open(event, &open)
		   : address_put_open(event, client->id, client->target);
}

bool
framed_put_close(const struct framed_rules *rules, uint64_t id, uint16_t code,
    struct span reason, struct buffer *event)
{
	if (!rules->events)
		return true;
	return rules->to_program.kind == FRAMING_JSON
		   ? framing_json_put_close(event, id, code, reason)
		   : address_put_close(event, id, code, reason);
}

bool
framed_finish(struct framed *f, uint16_t code, struct span reason)
{
	struct buffer event = {0};

	if (f->finished)
		return false;
	f->finished = true;
	records_flush(&f->records);
	/* No close event after the output has ended: the program is no longer interested. If
	 * out of memory, its input ends without this event. */
	if (f->backend.state == BACKEND_RUNNING &&
	    framed_put_close(f->rules, 0, code, reason, &event))
		f->records.sink->write_take(f->records.arg, &event);
	buffer_clear(&event);
	return true;
}

/* From the stream */

size_t
framed_capacity(const struct framed *f)
{
	return f->rules->reads_little ? FRAMED_READ_LITTLE : LOOP_BATCH;
}

static void
framed_emit_batch(struct framed *f, struct batch *batch)
{
	if (f->skips)
		f->skips = !batch->last;
	else
		f->backend.handlers->on_messages(f->backend.arg, batch);
}

/* Fast path: emits the complete records at the front of the input, if records are messages
 * without conversion. */
static void
framed_emit_records(struct framed *f)
{
	struct batch batch = {.type = MESSAGE_TEXT, .first = true, .last = true};
	char separator;
	uint8_t *end;

	if (!framing_splits(&f->reader, &separator, &batch.cr))
		return;
	end = memrchr(f->reader.bytes, separator, f->reader.len);
	if (!end)
		return;
	batch.separator = (unsigned char)separator;
	batch.data = f->reader.bytes;
	batch.len = (size_t)(end - batch.data) + 1;
	framing_take(&f->reader, batch.len);
	framed_emit_batch(f, &batch);
}

/* Emits what the framing found. Returns false if it needs more input. */
static bool
framed_emit_item(
    struct framed *f, enum framing_event event, const struct framing_item *item, bool first)
{
	const struct message *m = &item->message;
	struct batch batch = {.type = m->type,
	    .data = m->data,
	    .len = m->len,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = first,
	    .last = event == FRAMING_MESSAGE};
	struct backend_event note = {.code = item->code, .why = item->why};

	switch (event) {
	case FRAMING_MORE:
		return false;
	case FRAMING_MESSAGE:
	case FRAMING_PART:
		framed_emit_batch(f, &batch);
		return true;
	case FRAMING_CLOSE:
		note.kind = BACKEND_CLOSE;
		note.text = (struct span){(const char *)m->data, m->len};
		note.shown = (struct span){(const char *)item->shown, item->shown_len};
		break;
	case FRAMING_BAD:
		note.kind = BACKEND_MALFORMED;
		note.shown = (struct span){(const char *)m->data, m->len};
		break;
	case FRAMING_TOO_BIG:
		note.kind = BACKEND_TOO_BIG;
		break;
	case FRAMING_NOMEM:
		note.kind = BACKEND_NO_MEMORY;
		break;
	}
	f->backend.handlers->on_event(f->backend.arg, &note);
	return true;
}

void
framed_emit(struct framed *f, uint8_t *bytes, size_t len)
{
	struct framing_item item;
	bool first;

	framing_feed(&f->reader, bytes, len);
	do {
		framed_emit_records(f);
		first = !f->reader.in_message;
	} while (framed_emit_item(f, framing_next(&f->reader, &item), &item, first));
}

void
framed_emit_end(struct framed *f)
{
	struct framing_item item;
	bool first = !f->reader.in_message;

	(void)framed_emit_item(f, framing_end(&f->reader, &item), &item, first);
	framing_clear(&f->reader);
}

void
framed_lose(struct framed *f)
{
	framing_clear(&f->reader);
}
