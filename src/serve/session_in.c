/* SPDX-License-Identifier: BSD-2-Clause */
/* From the peer to the program. */
#include "serve/session_in.h"

#include "child/framing_json.h"
#include "net/loop.h"
#include "serve/session_out.h"
#include "websocket/decoder.h"

#include <assert.h>
#include <string.h>

/*
 * The records of one read, so that they leave in one write. They lie in the read buffer, where
 * what stands around a message takes the place of its frame header; those for which that has no
 * room, or which are another text, are put together in RECORDS.
 */
struct session_in_batch {
	struct buffer cut; /* owned: a short record that was gathered, before the others */
	uint8_t *start; /* NULL: none lie in the read buffer */
	uint8_t *end;
	struct span
	    tail; /* of the last message, not written yet: its place may be the next header's */
	struct buffer records; /* owned */
};

static void
session_in_batch_put_tail(struct session_in_batch *batch)
{
	if (batch->tail.len > 0)
		memcpy(batch->end, batch->tail.data, batch->tail.len);
	batch->end += batch->tail.len;
	batch->tail.len = 0;
}

static void
session_in_batch_flush(struct session *s, struct session_in_batch *batch)
{
	struct iovec parts[2];
	int count = 0;

	if (buffer_len(&batch->cut) > 0)
		parts[count++] =
		    (struct iovec){buffer_data(&batch->cut), buffer_len(&batch->cut)};
	if (batch->start) {
		session_in_batch_put_tail(batch);
		parts[count++] =
		    (struct iovec){batch->start, (size_t)(batch->end - batch->start)};
		batch->start = NULL;
	}
	if (count > 0)
		child_write(s->child, parts, count);
	buffer_clear(&batch->cut);
	if (buffer_len(&batch->records) > 0)
		child_write_take(s->child, &batch->records);
	buffer_clear(&batch->records);
}

/* A message that lies in the read buffer stays there, moved down to the one before it. */
static void
session_in_batch_put(
    struct session_in_batch *batch, const struct message *m, const struct framing_wrapped *w)
{
	/* The header before M is longer than a tail and a head, so END never passes what comes
	 * next. */
	if (!batch->start)
		batch->start = batch->end = m->data - w->head_len;
	else
		session_in_batch_put_tail(batch);
	assert(batch->end + w->head_len <= m->data);
	if (w->head_len > 0)
		memcpy(batch->end, w->head, w->head_len);
	batch->end += w->head_len;
	if (batch->end != m->data)
		memmove(batch->end, m->data, m->len);
	batch->end += m->len;
	batch->tail = w->tail;
}

/* A message that the decoder gathered is moved, not copied, to the queue. A short one, which a
 * read has cut, waits for those that come behind it. */
static bool
session_in_write_gathered(
    struct session *s, const struct framing_wrapped *w, struct session_in_batch *batch)
{
	struct buffer gathered = {0};
	struct iovec head = {(void *)(uintptr_t)w->head, w->head_len};

	decoder_take(&s->decoder, &gathered);
	if (!buffer_append(&gathered, w->tail.data, w->tail.len)) {
		buffer_clear(&gathered);
		return false;
	}
	if (w->head_len > 0)
		child_write(s->child, &head, 1);
	if (w->head_len == 0 && buffer_len(&gathered) <= SESSION_IN_CUT_MAX)
		buffer_move(&batch->cut, &gathered);
	else
		child_write_take(s->child, &gathered);
	return true;
}

/* Passes on a message with what stands around it. */
static bool
session_in_put(struct session *s, const struct decoder_item *item,
    const struct framing_wrapped *w, struct session_in_batch *batch)
{
	const struct message *m = &item->message;

	if (!item->in_place) {
		session_in_batch_flush(s, batch);
		return session_in_write_gathered(s, w, batch);
	}
	if (w->head_len + w->tail.len > FRAMING_IN_PLACE_MAX)
		return buffer_append(&batch->records, w->head, w->head_len) &&
		       buffer_append(&batch->records, m->data, m->len) &&
		       buffer_append(&batch->records, w->tail.data, w->tail.len);
	session_in_batch_put(batch, m, w);
	return true;
}

/* Whether the program takes messages of this type; ends the session when it does not. */
static bool
session_in_accepts(struct session *s, enum message_type type)
{
	const struct framing *framing = &s->endpoint->to_program;
	bool compat = s->endpoint->compat;

	/* To websocketd a message of the other type is none. */
	if (compat && framing->kind == FRAMING_STREAM && type == MESSAGE_TEXT)
		return false;
	if (framing_takes(framing, type))
		return true;
	/* RFC 6455, section 7.4.1: "it has received a type of data it cannot accept". */
	if (!compat)
		session_fault(s, CLOSE_TYPE,
		    "binary messages are not accepted: the program reads text (see --binary, "
		    "--framing)");
	return false;
}

/* Passes on a message, or a part of one. */
static void
session_in_message(struct session *s, enum decoder_event event, struct decoder_item *item,
    struct session_in_batch *batch)
{
	struct message *m = &item->message;
	struct framing framing = s->endpoint->to_program;
	struct framing_wrapped wrapped;
	size_t len = m->len;
	uint64_t wire = s->inflater ? decoder_wire_len(&s->decoder, event, item) : 0;
	bool ok = true;

	if (s->close_wanted != 0 || !session_in_accepts(s, m->type))
		return;
	framing.null_process_id = framing.null_process_id && !s->initialized;
	switch (framing_wrap(&framing, m, &wrapped, &batch->records)) {
	case FRAMING_AROUND:
		ok = session_in_put(s, item, &wrapped, batch);
		break;
	case FRAMING_APPENDED:
		break;
	case FRAMING_REFUSED:
		session_fault(s, CLOSE_POLICY, wrapped.reason);
		return;
	case FRAMING_NO_ROOM:
		ok = false;
		break;
	}
	if (!ok) {
		/* What was begun must not reach the program. */
		buffer_clear(&batch->records);
		session_want_close(s, CLOSE_INTERNAL, "out of memory");
		return;
	}
	s->initialized = s->initialized || wrapped.initialize;
	s->in.messages += event == DECODER_MESSAGE;
	s->in.bytes += len;
	s->in.wire += wire;
}

/* The loop's read buffer has the memory that a batch may touch around the input. */
_Static_assert(LOOP_HEAD >= (int)DECODER_BATCH_GAP && LOOP_SLACK >= (int)DECODER_BATCH_SLACK,
    "a batch needs room around the input");

/* Passes on what the fast path decodes: no step here is for a single message. */
static void
session_in_run(struct session *s, struct session_in_batch *batch)
{
	const struct framing *framing = &s->endpoint->to_program;
	struct decoder_item item;
	struct decoder_batch run = {
	    .text = framing_takes(framing, MESSAGE_TEXT) &&
		    !(s->endpoint->compat && framing->kind == FRAMING_STREAM),
	    .binary = framing_takes(framing, MESSAGE_BINARY),
	};

	if (s->decoder.len == 0 || s->inflater || s->close_wanted != 0 ||
	    !framing_is_plain(framing, &run.separator))
		return;
	if (batch->start && batch->tail.len > 0)
		session_in_batch_flush(s, batch);
	if (!batch->start)
		batch->start = batch->end = s->decoder.bytes - DECODER_BATCH_GAP;
	run.to = batch->end;
	if (decoder_next_batch(&s->decoder, &run, &item) == DECODER_FAIL)
		session_fault(s, item.code, item.reason);
	batch->end = run.to;
	if (batch->end == batch->start)
		batch->start = NULL;
	s->in.messages += run.messages;
	s->in.bytes += run.bytes;
}

/* What the peer does not take is not answered one by one: RFC 6455, section 5.5.3, asks for the
 * most recent alone. */
static void
session_in_keep_pong(struct session *s, const struct decoder_item *item)
{
	uint8_t frame[FRAME_SERVER_HEADER_MAX + FRAME_CONTROL_MAX];
	size_t len = encoder_control(frame, FRAME_PONG, item->payload.data, item->payload.len);

	buffer_clear(&s->pong);
	if (s->close_sent == 0 && !buffer_append(&s->pong, frame, len))
		session_want_close(s, CLOSE_INTERNAL, "out of memory");
}

void
session_in_put_pong(struct session *s)
{
	if (s->peer && !stream_write_take(s->peer, &s->pong))
		session_lose_peer(s, "connection lost");
	buffer_clear(&s->pong);
}

/* Each PING has its PONG (RFC 6455, section 5.5.2), as long as they leave and are for looking
 * whether we live. */
static void
session_in_ping(struct session *s, const struct decoder_item *item)
{
	uint16_t second = (uint16_t)(s->heard_ms / 1000);

	if (s->ping_second != second)
		s->ping_count = 0;
	s->ping_second = second;
	if (s->endpoint->max_pings != 0 && s->ping_count++ >= s->endpoint->max_pings)
		session_fault(s, CLOSE_POLICY, s->endpoint->reasons.pings);
	else if (s->peer && stream_queued(s->peer) > 0)
		session_in_keep_pong(s, item);
	else
		session_out_control(s, FRAME_PONG, item->payload.data, item->payload.len);
	if (s->out_len >= SESSION_IN_PONGS)
		session_out_flush(s);
}

/* A rule that has an option is named with it. */
static void
session_in_fail(struct session *s, const struct decoder_item *item)
{
	const struct endpoint_reasons *reasons = &s->endpoint->reasons;

	/* Without memory the fault is ours, and there is none to wait with. */
	if (item->code == CLOSE_INTERNAL)
		session_want_close(s, item->code, item->reason);
	else if (item->code == CLOSE_TOO_BIG)
		session_fault(s, item->code, reasons->message);
	else if (item->code == CLOSE_POLICY)
		session_fault(s, item->code, reasons->empty_fragments);
	else
		session_fault(s, item->code, item->reason);
}

/* Notes whether a part of a message is kept, after all that came. */
static void
session_in_note_begun(struct session *s)
{
	if (s->endpoint->input_in_parts || !decoder_is_within(&s->decoder))
		s->begun_ms = 0;
	else if (s->begun_ms == 0)
		s->begun_ms = s->heard_ms;
}

/*
 * What is decompressed, or rewritten by the framing, may be many times as long as what was
 * read: the rest of that waits while the queue to the program is above its mark.
 */
static bool
session_in_is_full(struct session *s, struct session_in_batch *batch)
{
	int tail;

	if (!s->inflater && framing_is_plain(&s->endpoint->to_program, &tail))
		return false;
	if (buffer_len(&batch->records) >= LOOP_BATCH)
		session_in_batch_flush(s, batch);
	return child_queued(s->child) > BUFFER_HIGH;
}

static void
session_in_decode(struct session *s, uint8_t *bytes, size_t len)
{
	struct decoder_item item;
	struct session_in_batch batch = {0};
	bool relay = s->peer_state == PEER_OPEN && s->child_state == CHILD_RUN;
	bool full = false;
	enum decoder_event event;

	decoder_feed(&s->decoder, bytes, len);
	while (!full) {
		if (relay)
			session_in_run(s, &batch);
		event = decoder_next(&s->decoder, &item);
		if (event == DECODER_MORE)
			break;
		switch (event) {
		case DECODER_MORE:
		case DECODER_PONG:
			break;
		case DECODER_PART:
		case DECODER_MESSAGE:
			s->begun_ms = 0;
			if (relay) {
				session_in_message(s, event, &item, &batch);
				full = session_in_is_full(s, &batch);
			}
			break;
		case DECODER_PING:
			session_in_ping(s, &item);
			break;
		case DECODER_CLOSE:
			s->close_received = item.code;
			session_in_batch_flush(s, &batch);
			session_in_tell_close(s, item.code,
			    (struct span){(char *)item.payload.data, item.payload.len});
			session_set_peer(s, PEER_LEFT);
			break;
		case DECODER_FAIL:
			session_in_fail(s, &item);
			break;
		}
	}
	if (full && !decoder_stop(&s->decoder, &s->undecoded))
		session_want_close(s, CLOSE_INTERNAL, "out of memory");
	session_in_note_begun(s);
	session_in_batch_flush(s, &batch);
	session_out_flush(s);
	if (s->inflater)
		inflater_rest(s->inflater);
}

void
session_in_take(struct session *s, uint8_t *bytes, size_t len)
{
	s->heard_ms = util_clock_ms();
	s->pings = 0;
	session_in_decode(s, bytes, len);
}

void
session_in_resume(struct session *s)
{
	size_t len = buffer_len(&s->undecoded);

	memcpy(s->loop->in, buffer_data(&s->undecoded), len);
	buffer_clear(&s->undecoded);
	session_in_decode(s, s->loop->in, len);
}

size_t
session_in_capacity(const struct session *s)
{
	if (s->inflater)
		return SESSION_DEFLATE_BATCH;
	return s->endpoint->input_in_parts ? LOOP_BATCH : SESSION_IN_BATCH;
}

/* Writes an event, if there was memory for it; takes EVENT. */
static void
session_in_write_event(struct session *s, struct buffer *event, bool ok)
{
	if (ok)
		child_write_take(s->child, event);
	else
		session_want_close(s, CLOSE_INTERNAL, "out of memory");
	buffer_clear(event);
}

void
session_in_tell_open(struct session *s, const struct session_spec *spec)
{
	struct buffer event = {0};
	const struct framing_json_open open = {
	    .id = s->id,
	    .path = spec->path,
	    .query = spec->query,
	    .remote = span_of(s->remote),
	    .subprotocol = spec->subprotocol,
	};

	if (s->endpoint->events)
		session_in_write_event(s, &event, framing_json_put_open(&event, &open));
}

void
session_in_tell_close(struct session *s, uint16_t code, struct span reason)
{
	struct buffer event = {0};

	if (!s->endpoint->events || s->close_told)
		return;
	s->close_told = true;
	session_in_write_event(s, &event, framing_json_put_close(&event, code, reason));
}
