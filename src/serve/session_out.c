/* SPDX-License-Identifier: BSD-2-Clause */
/* From the program to the peer. */
#include "serve/session_out.h"

#include "base/log.h"
#include "base/quote.h"
#include "serve/session_log.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* What is read at once: what a pipe holds, so that a busy program need not be asked
	 * twice for it. In the shortest lines of which there are many, `yes`, it would become
	 * 96 KiB of frames, which may all have to be kept for a peer that does not read. */
	SESSION_OUT_BATCH = LOOP_BATCH,
	SESSION_OUT_BATCH_OF_SHORT = 60 * 1024,
	/* With --passstderr: an empty line becomes a message of 31 bytes. */
	SESSION_OUT_BATCH_OF_TAGGED = 8 * 1024,
	SESSION_OUT_SHORT = 3, /* bytes that a record has, on average, to be one of these */
	SESSION_OUT_COPY_MAX = 4096, /* bytes of a message; a longer one is not copied */
	SESSION_OUT_RUN = 16 * 1024, /* bytes of a batch: still cached when it is validated */
	/* Bytes of the queue to the peer above which lines of stderr are dropped: only the last of
	 * a dead program can exceed the watermark so far. */
	SESSION_OUT_STDERR_MAX = 256 * 1024,
	SESSION_OUT_WAITING_MAX =
	    64 * 1024, /* bytes of lines of stderr that wait for the end of a message */
};

void
session_out_flush(struct session *s)
{
	size_t len = s->out_len;

	s->out_len = 0;
	if (len > 0 && s->peer && !stream_write(s->peer, s->loop->out, len))
		session_lose_peer(s, "connection lost");
}

void
session_out_control(
    struct session *s, enum frame_opcode opcode, const uint8_t *payload, size_t len)
{
	if (s->close_sent != 0)
		return; /* RFC 6455, section 5.5.1: nothing follows a CLOSE */
	if (LOOP_OUT - s->out_len < FRAME_SERVER_HEADER_MAX + FRAME_CONTROL_MAX)
		session_out_flush(s);
	s->out_len += encoder_control(s->loop->out + s->out_len, opcode, payload, len);
}

/* One frame of a compressed message, put together in loop->out: first the payload, then the
 * header before it. */
static void
session_out_deflated(
    struct session *s, enum message_type type, bool last, const uint8_t *data, size_t len)
{
	bool whole = last && !s->encoder.in_message;
	uint8_t *frame;
	size_t wire;
	size_t header;

	if (LOOP_OUT - s->out_len < FRAME_SERVER_HEADER_MAX + deflater_bound(len))
		session_out_flush(s);
	if (!s->peer)
		return;
	frame = s->loop->out + s->out_len;
	wire = deflater_put(s->deflater, data, len, last, frame + FRAME_SERVER_HEADER_MAX);
	if (wire == 0) {
		/* The peer could not read on: what it has of this message can't be completed.
		 */
		session_lose_peer(s, "out of memory");
		return;
	}
	/* Nothing was gained, and nothing will refer to it: it may as well leave as it is. */
	if (whole && wire >= len && deflater_is_fresh(s->deflater)) {
		s->encoder.compressed = false;
		wire = len;
		if (len > 0)
			memcpy(frame + FRAME_SERVER_HEADER_MAX, data, len);
	}
	header = encoder_header(&s->encoder, frame, type, last, wire);
	memmove(frame + header, frame + FRAME_SERVER_HEADER_MAX, wire);
	s->out_len += header + wire;
	s->out.wire += wire;
}

/* False when the message leaves as it is. That is decided at its first part: one of several
 * parts is long. */
static bool
session_out_compressed(
    struct session *s, enum message_type type, bool last, const uint8_t *data, size_t len)
{
	if (!s->encoder.in_message)
		s->encoder.compressed = !last || len >= (size_t)s->endpoint->deflate.min;
	if (!s->encoder.compressed) {
		s->out.wire += len;
		return false;
	}
	s->out.bytes += len;
	s->out.messages += last;
	/* Repaired text can be longer than a batch; what is not the end and empty is nothing.
	 */
	for (; len > LOOP_BATCH; data += LOOP_BATCH, len -= LOOP_BATCH)
		session_out_deflated(s, type, false, data, LOOP_BATCH);
	if (last || len > 0)
		session_out_deflated(s, type, last, data, len);
	return true;
}

static void
session_out_frame(
    struct session *s, enum message_type type, bool last, uint8_t *data, size_t len)
{
	struct iovec parts[2];
	bool copy = len <= SESSION_OUT_COPY_MAX;

	if (s->deflater && session_out_compressed(s, type, last, data, len))
		return;
	if (LOOP_OUT - s->out_len < FRAME_SERVER_HEADER_MAX + (copy ? len : 0))
		session_out_flush(s);
	s->out_len += encoder_header(&s->encoder, s->loop->out + s->out_len, type, last, len);
	s->out.bytes += len;
	s->out.messages += last;
	if (copy) {
		if (len > 0)
			memcpy(s->loop->out + s->out_len, data, len);
		s->out_len += len;
		return;
	}
	parts[0] = (struct iovec){s->loop->out, s->out_len};
	parts[1] = (struct iovec){data, len};
	s->out_len = 0;
	if (s->peer && !stream_writev(s->peer, parts, 2))
		session_lose_peer(s, "connection lost");
}

/* Says once in a session that the output is not UTF-8, and what becomes of it. */
static void
session_out_say_not_utf8(struct session *s, enum log_level level, struct span what)
{
	if (s->said_not_utf8)
		return;
	s->said_not_utf8 = true;
	if (session_log_begin(s, level, "session", what))
		log_end();
}

/* With --passstderr: what stands before and behind the text of a stream's line. */
static const char *
session_out_tag(const struct session *s, bool from_stderr)
{
	if (s->endpoint->from_program.kind == FRAMING_JSON)
		return from_stderr ? "{\"type\":\"stderr\",\"data\":\"" : NULL;
	if (!s->endpoint->pass_stderr)
		return NULL;
	return from_stderr ? "{\"stream\":\"stderr\",\"data\":\""
			   : "{\"stream\":\"stdout\",\"data\":\"";
}

/* Puts a text, or a part of one, that is UTF-8; behind TAG it is a JSON string. */
static void
session_out_text(struct session *s, const char *tag, uint8_t *text, size_t len, bool last)
{
	struct buffer tagged = {0};
	bool first = !s->encoder.in_message;

	if (!tag) {
		session_out_frame(s, MESSAGE_TEXT, last, text, len);
		return;
	}
	if ((!first || buffer_append(&tagged, tag, strlen(tag))) &&
	    quote_json(&tagged, text, len, QUOTE_FOR_PAGES) &&
	    (!last || buffer_append(&tagged, "\"}", 2)))
		session_out_frame(
		    s, MESSAGE_TEXT, last, buffer_data(&tagged), buffer_len(&tagged));
	else
		session_want_close(s, CLOSE_INTERNAL, "out of memory");
	buffer_clear(&tagged);
}

/* RFC 6455, section 8.1: what is called text must be UTF-8. The program's is repaired, or the
 * session ends. */
static void
session_out_repaired(struct session *s, const struct message *m, bool last)
{
	uint8_t *fixed = malloc(UTF8_REPAIR_MAX(m->len));
	size_t repaired = 0;
	size_t len;

	if (!fixed) {
		session_want_close(s, CLOSE_INTERNAL, "out of memory");
		return;
	}
	len = utf8_repair(&s->repair, m->data, m->len, last, fixed, &repaired);
	if (repaired > 0 && s->endpoint->not_utf8 == ENDPOINT_CLOSE) {
		session_out_say_not_utf8(s, LOG_ERROR,
		    SPAN("the program's output is not UTF-8: closing the session "
			 "(--invalid-utf8=close)"));
		session_want_close(s, CLOSE_INTERNAL, "the program's output is not UTF-8");
	} else {
		session_out_text(s, session_out_tag(s, false), fixed, len, last);
	}
	free(fixed);
	if (repaired > 0)
		session_out_say_not_utf8(s, LOG_WARN,
		    SPAN("the program's output is not UTF-8: invalid bytes are replaced with "
			 "U+FFFD; use --binary to send bytes unchanged"));
}

/* Whether a text begins with UTF-8; a character may be cut where it does not end. */
static bool
session_out_begins_well(const struct message *m, bool last)
{
	struct utf8 state = {0};

	return utf8_feed(&state, m->data, m->len) && (!last || utf8_complete(&state));
}

/* The lines of stderr that could not be put within a message of stdout. */
static void
session_out_waiting(struct session *s)
{
	struct buffer waiting = {0};

	buffer_move(&waiting, &s->waiting);
	while (buffer_len(&waiting) > 0) {
		size_t len;

		memcpy(&len, buffer_data(&waiting), sizeof(len));
		buffer_consume(&waiting, sizeof(len));
		session_out_frame(s, MESSAGE_TEXT, true, buffer_data(&waiting), len);
		buffer_consume(&waiting, len);
	}
}

static void
session_out_message(struct session *s, const struct message *m, bool last)
{
	if (!session_wants_output(s))
		return;
	/* The first part decides on the type of all. */
	if (!s->encoder.in_message)
		s->out_type = m->type;
	if (!s->encoder.in_message && m->type == MESSAGE_TEXT &&
	    s->endpoint->not_utf8 == ENDPOINT_BINARY && !session_out_begins_well(m, last)) {
		s->out_type = MESSAGE_BINARY;
		session_out_say_not_utf8(s, LOG_WARN,
		    SPAN("the program's output is not UTF-8: sent as a binary message "
			 "(--invalid-utf8=binary)"));
	}
	if (s->out_type == MESSAGE_TEXT &&
	    (s->repair.state.need > 0 || !utf8_valid(m->data, m->len)))
		session_out_repaired(s, m, last);
	else if (s->out_type == MESSAGE_TEXT && s->endpoint->pass_stderr)
		session_out_text(s, session_out_tag(s, false), m->data, m->len, last);
	else
		session_out_frame(s, s->out_type, last, m->data, m->len);
	if (last && buffer_len(&s->waiting) > 0)
		session_out_waiting(s);
}

/* The program's output can't be taken any further: the line of the log, and the CLOSE. */
static void
session_out_broken(struct session *s, const char *why, struct span bytes)
{
	if (s->peer_state != PEER_OPEN || s->close_wanted != 0)
		return; /* a program that is being ended may well end within a record */
	if (session_log_begin(
		s, LOG_ERROR, "session", SPAN("the program's output is malformed"))) {
		log_text("reason", span_of(why));
		log_text("bytes", bytes);
		log_end();
	}
	session_want_close(s, CLOSE_INTERNAL, "the program's output is malformed");
}

/* The program ends the session. */
static void
session_out_close(struct session *s, const struct framing_item *item)
{
	const struct message *m = &item->message;
	struct span reason = {(const char *)m->data, m->len};

	if (!frame_close_code_valid(item->code)) {
		session_out_broken(s, "close with a code that can't be sent",
		    (struct span){(const char *)item->shown, item->shown_len});
		return;
	}
	if (s->close_wanted != 0)
		return;
	session_want_close(s, item->code, "");
	s->close_words = span_dup(reason);
	if (s->close_words)
		s->reason = (struct span){s->close_words, reason.len};
}

/* Takes what the framing found; false when that is all for now. */
static bool
session_out_event(struct session *s, enum framing_event event, const struct framing_item *item)
{
	const struct message *m = &item->message;

	switch (event) {
	case FRAMING_MORE:
		return false;
	case FRAMING_MESSAGE:
	case FRAMING_PART:
		session_out_message(s, m, event == FRAMING_MESSAGE);
		break;
	case FRAMING_CLOSE:
		session_out_close(s, item);
		break;
	case FRAMING_BAD:
		session_out_broken(s, item->why, (struct span){(const char *)m->data, m->len});
		break;
	case FRAMING_TOO_BIG:
		if (s->peer_state == PEER_OPEN && s->close_wanted == 0 &&
		    session_log_begin(
			s, LOG_ERROR, "session", span_of(s->endpoint->reasons.output)))
			log_end();
		session_want_close(s, CLOSE_INTERNAL, s->endpoint->reasons.output);
		break;
	case FRAMING_NOMEM:
		session_want_close(s, CLOSE_INTERNAL, "out of memory");
		break;
	}
	return true;
}

/* Whether records leave as they are, each as a text message. */
static bool
session_out_is_plain(const struct session *s)
{
	return !s->deflater && !s->endpoint->pass_stderr && s->peer_state == PEER_OPEN &&
	       s->close_wanted == 0;
}

/* The records of the next LEN bytes, each for itself. */
static void
session_out_one_by_one(struct session *s, size_t len)
{
	size_t left = s->framing.len - len;
	struct framing_item item;

	while (s->framing.len > left &&
	       session_out_event(s, framing_next(&s->framing, &item), &item))
		;
}

/* Sends what the fast path converts: no step here is for a single record. */
static void
session_out_run(struct session *s)
{
	struct simd_frames batch = {0};
	bool not_utf8;
	char separator;

	while (session_out_is_plain(s) && framing_splits(&s->framing, &separator, &batch.cr)) {
		const uint8_t *bytes = s->framing.bytes;
		size_t len =
		    s->framing.len < SESSION_OUT_RUN ? s->framing.len : SESSION_OUT_RUN;
		size_t used;

		if (LOOP_OUT - s->out_len < SIMD_FRAMES_ROOM(len) + SIMD_SLACK)
			session_out_flush(s);
		batch = (struct simd_frames){.separator = (uint8_t)separator,
		    .cr = batch.cr,
		    .to = s->loop->out + s->out_len};
		used = encoder_batch(&batch, bytes, len, &not_utf8);
		if (used == 0)
			break;
		if (not_utf8) {
			session_out_one_by_one(s, used);
			continue;
		}
		framing_take(&s->framing, used);
		s->out_len = (size_t)(batch.to - s->loop->out);
		s->out.messages += batch.count;
		s->out.bytes += batch.bytes;
	}
}

void
session_out_end(struct session *s)
{
	session_out_flush(s);
	if (s->deflater)
		deflater_rest(s->deflater);
}

/* How much is read at once: all of it may have to be queued for a peer that does not read. */
static size_t
session_out_batch(const struct session *s)
{
	if (session_out_tag(s, false))
		return SESSION_OUT_BATCH_OF_TAGGED;
	return s->out_in_short ? SESSION_OUT_BATCH_OF_SHORT : SESSION_OUT_BATCH;
}

bool
session_out_take(struct session *s)
{
	uint64_t before = s->out.messages;
	struct framing_item item;
	size_t n;

	switch (child_read(s->child, s->loop->in, session_out_batch(s), &n)) {
	case STREAM_OK:
		/* Else it is read so that the program can end, and nothing of it is kept. */
		if (!session_wants_output(s))
			return true;
		framing_feed(&s->framing, s->loop->in, n);
		do
			session_out_run(s);
		while (session_out_event(s, framing_next(&s->framing, &item), &item));
		s->out_in_short = (s->out.messages - before) * SESSION_OUT_SHORT > n;
		session_out_end(s);
		return true;
	case STREAM_AGAIN:
		return false;
	case STREAM_EOF:
	case STREAM_FAILED:
		break;
	}
	/* The last line counts also without its end. */
	if (session_wants_output(s))
		(void)session_out_event(s, framing_end(&s->framing, &item), &item);
	framing_clear(&s->framing);
	session_out_end(s);
	session_set_child(s);
	return false;
}

void
session_out_drop(struct session *s)
{
	framing_clear(&s->framing);
	buffer_clear(&s->waiting);
	deflater_drop(s->deflater);
}

/* Keeps a message until the one of stdout that was begun is whole. */
static bool
session_out_wait(struct session *s, const struct buffer *message)
{
	size_t len = buffer_len(message);

	if (buffer_len(&s->waiting) + len > SESSION_OUT_WAITING_MAX)
		return false;
	if (!buffer_append(&s->waiting, &len, sizeof(len)))
		return false;
	if (!buffer_append(&s->waiting, buffer_data(message), len)) {
		buffer_cut(&s->waiting, buffer_len(&s->waiting) - sizeof(len));
		return false;
	}
	return true;
}

/* Says once in a session that not all lines of stderr reach the client. */
static void
session_out_say_dropped(struct session *s, struct span why)
{
	if (s->said_dropped)
		return;
	s->said_dropped = true;
	if (session_log_begin(s, LOG_WARN, "session",
		SPAN("some lines of stderr are not sent to the client"))) {
		log_text("reason", why);
		log_end();
	}
}

void
session_out_stderr(struct session *s, const char *line, size_t len)
{
	const char *tag = session_out_tag(s, true);
	struct buffer message = {0};

	if (!s->endpoint->pass_stderr || s->peer_state != PEER_OPEN || s->close_wanted != 0)
		return;
	if (stream_queued(s->peer) > SESSION_OUT_STDERR_MAX) {
		session_out_say_dropped(
		    s, SPAN("the client does not read, and the program has exited"));
		return;
	}
	if (!buffer_append(&message, tag, strlen(tag)) ||
	    !quote_json(&message, (const uint8_t *)line, len, QUOTE_FOR_PAGES) ||
	    !buffer_append(&message, "\"}", 2))
		session_want_close(s, CLOSE_INTERNAL, "out of memory");
	else if (!s->encoder.in_message)
		session_out_frame(
		    s, MESSAGE_TEXT, true, buffer_data(&message), buffer_len(&message));
	else if (!session_out_wait(s, &message))
		session_out_say_dropped(s, SPAN("a long line of stdout is still being sent"));
	buffer_clear(&message);
}
