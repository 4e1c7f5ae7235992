/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages as events of a stream, or as objects of JSON. */
#include "peer/event_records.h"

#include "base/base64.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
event_records_init(struct event_records *r, enum events_form form, const char *id)
{
	*r = (struct event_records){.form = form};
	snprintf(r->id, sizeof(r->id), "%s", id);
	r->replay.terminator = form == EVENTS_STREAM ? "\n\n" : ",\n";
}

static bool
event_records_text(struct event_records *r, const char *text)
{
	return buffer_append(&r->replay.bytes, text, strlen(text));
}

/* A text as lines of an event: each has its own "data: ". */
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

/* What precedes each record. */
static bool
event_records_begin(struct event_records *r)
{
	char start[EVENTS_ID_LEN + 32];
	uint64_t number = r->replay.last + 1;

	if (r->form == EVENTS_STREAM)
		snprintf(start, sizeof(start), "id: %s-%" PRIu64 "\n", r->id, number);
	else
		snprintf(start, sizeof(start), "{\"id\":%" PRIu64, number);
	return event_records_text(r, start);
}

/* Completes the record that begins at BEFORE if its parts are there, or removes them. */
static bool
event_records_complete(struct event_records *r, size_t before, bool ok)
{
	if (ok && event_records_text(r, r->form == EVENTS_STREAM ? "\n" : "},\n")) {
		replay_add(&r->replay);
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
