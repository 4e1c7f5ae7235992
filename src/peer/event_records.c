/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodes messages as events of a stream, or as JSON objects. */
#include "peer/event_records.h"

#include "base/base64.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

void
event_records_init(struct event_records *r, enum events_form form, const char *id)
{
	bool stream = form == EVENTS_STREAM;
	int len;

	*r = (struct event_records){.form = form};
	len = snprintf(r->start, sizeof(r->start), stream ? "id: %s-" : "{\"id\":", id);
	r->replay.number_at = (size_t)len;
	r->replay.terminator = stream ? "\n\n" : ",\n";
	r->start[len] = '1';
	r->start_len = (uint8_t)(len + 1);
}

/* Counts a complete record and increments the number in START. */
static void
event_records_count(struct event_records *r)
{
	size_t at = r->start_len;

	replay_add(&r->replay);
	while (at > r->replay.number_at && r->start[at - 1] == '9')
		r->start[--at] = '0';
	if (at > r->replay.number_at) {
		r->start[at - 1]++;
		return;
	}
	r->start[at] = '1'; /* followed by zeros */
	r->start[r->start_len++] = '0';
}

static bool
event_records_text(struct event_records *r, const char *text)
{
	return buffer_append(&r->replay.bytes, text, strlen(text));
}

/* Writes text as the lines of an event, each with its own "data: ". */
static bool
event_records_lines(struct event_records *r, const struct message *message)
{
	struct buffer *out = &r->replay.bytes;
	const uint8_t *from = message->data;
	size_t left = message->len;

	for (;;) {
		const uint8_t *end = left > 0 ? memchr(from, '\n', left) : NULL;
		size_t n = end ? (size_t)(end - from) : left;

		if (!buffer_append(out, "data: ", 6) || !buffer_append(out, from, n) ||
		    !buffer_append(out, "\n", 1))
			return false;
		if (!end)
			return true;
		from += n + 1;
		left -= n + 1;
	}
}

static bool
event_records_event(struct event_records *r, const struct message *message)
{
	bool text = message->type == MESSAGE_TEXT;

	if (text && (message->len == 0 || !memchr(message->data, '\r', message->len)))
		return event_records_lines(r, message);
	return event_records_text(
		   r, text ? "event: text-base64\ndata: " : "event: binary\ndata: ") &&
	       base64_put(&r->replay.bytes, message->data, message->len) &&
	       event_records_text(r, "\n");
}

static bool
event_records_object(struct event_records *r, const struct message *message)
{
	struct buffer *out = &r->replay.bytes;
	bool text = message->type == MESSAGE_TEXT;

	return event_records_text(r, text ? ",\"type\":\"text\",\"data\":\""
					  : ",\"type\":\"binary\",\"data\":\"") &&
	       (text ? json_escape(out, message->data, message->len, JSON_ESCAPE_MINIMAL)
		     : base64_put(out, message->data, message->len)) &&
	       event_records_text(r, "\"");
}

/* Writes the start of a record. */
static bool
event_records_begin(struct event_records *r)
{
	return buffer_append(&r->replay.bytes, r->start, r->start_len) &&
	       (r->form != EVENTS_STREAM || event_records_text(r, "\n"));
}

/* Completes the record that begins at offset BEFORE, or removes it unless OK. */
static bool
event_records_complete(struct event_records *r, size_t before, bool ok)
{
	if (ok && event_records_text(r, r->form == EVENTS_STREAM ? "\n" : "},\n")) {
		event_records_count(r);
		return true;
	}
	buffer_cut(&r->replay.bytes, before);
	return false;
}

bool
event_records_put(struct event_records *r, const struct message *message)
{
	size_t before = buffer_len(&r->replay.bytes);
	bool ok = event_records_begin(r) &&
		  (r->form == EVENTS_STREAM ? event_records_event(r, message)
					    : event_records_object(r, message));

	return event_records_complete(r, before, ok);
}

/* Fast path: writes one line of text as an event. */
static bool
event_records_put_line(struct event_records *r, const uint8_t *line, size_t len)
{
	static const char data[] = "\ndata: ", end[] = "\n\n";
	size_t size = r->start_len + (sizeof(data) - 1) + len + (sizeof(end) - 1);
	uint8_t *to = buffer_reserve(&r->replay.bytes, size);

	if (!to)
		return false;
	to = mempcpy(to, r->start, r->start_len);
	to = mempcpy(to, data, sizeof(data) - 1);
	to = mempcpy(to, line, len);
	memcpy(to, end, sizeof(end) - 1);
	buffer_commit(&r->replay.bytes, size);
	event_records_count(r);
	return true;
}

size_t
event_records_put_batch(struct event_records *r, struct batch *batch, uint64_t *bytes)
{
	bool lines = r->form == EVENTS_STREAM && batch->type == MESSAGE_TEXT &&
		     batch->separator == '\n' && !memchr(batch->data, '\r', batch->len);
	size_t count = 0;

	while (batch->len > 0) {
		struct batch rest = *batch;
		struct batch one = batch_next(&rest);

		if (lines
			? !event_records_put_line(r, one.data, one.len)
			: !event_records_put(r, &(struct message){one.type, one.data, one.len}))
			break;
		*bytes += one.len;
		count++;
		*batch = rest;
	}
	return count;
}

bool
event_records_end(struct event_records *r, uint16_t code, struct span reason)
{
	size_t before = buffer_len(&r->replay.bytes);
	char start[64];
	bool ok;

	snprintf(start, sizeof(start),
	    r->form == EVENTS_STREAM ? "event: close\ndata: {\"code\":%u,\"reason\":\""
				     : ",\"type\":\"close\",\"code\":%u,\"reason\":\"",
	    code);
	ok = event_records_begin(r) && event_records_text(r, start) &&
	     json_escape(&r->replay.bytes, (const uint8_t *)reason.data, reason.len,
		 JSON_ESCAPE_MINIMAL) &&
	     event_records_text(r, r->form == EVENTS_STREAM ? "\"}\n" : "\"");
	r->ended = true;
	return event_records_complete(r, before, ok);
}
