/* SPDX-License-Identifier: BSD-2-Clause */
/* From the peer to the program. */
#include "serve/session_in.h"

#include "serve/session_out.h"
#include "websocket/decoder.h"

#include <string.h>

/* A row of messages that lie in the read buffer, pushed together so that they leave in one write. */
struct session_in_batch {
	uint8_t *start;	   /* NULL: empty */
	uint8_t *end;
	bool wants_suffix; /* the last message's suffix is not written yet: its place may be the next header's */
};

static void
session_in_batch_finish_message(struct session_in_batch *batch, struct span suffix)
{
	if (batch->wants_suffix) {
		memcpy(batch->end, suffix.data, suffix.len);
		batch->end += suffix.len;
	}
	batch->wants_suffix = false;
}

static void
session_in_batch_flush(struct session *s, struct session_in_batch *batch, struct span suffix)
{
	struct iovec part;

	session_in_batch_finish_message(batch, suffix);
	if (!batch->start)
		return;
	part.iov_base = batch->start;
	part.iov_len = (size_t)(batch->end - batch->start);
	child_write(s->child, &part, 1);
	batch->start = NULL;
}

/* Whether the child takes messages of this type; ends the session when it does not. */
static bool
session_in_accepts(struct session *s, enum message_type type)
{
	bool lines = s->endpoint->framing == FRAMING_LINES;

	if (lines ? type == MESSAGE_TEXT : (type == MESSAGE_BINARY || !s->endpoint->compat))
		return true;
	/* RFC 6455, section 7.4.1: "it has received a type of data it cannot accept". */
	if (!s->endpoint->compat)
		session_want_close(s, CLOSE_TYPE, "a binary message, and the program reads lines");
	return false;
}

static void
session_in_message(struct session *s, struct decoder_item *item, struct session_in_batch *batch)
{
	struct message *m = &item->message;
	struct span suffix = framing_suffix(s->endpoint->framing);
	struct buffer gathered = {0};

	if (s->close_wanted != 0 || !session_in_accepts(s, m->type))
		return;
	s->in.messages++;
	s->in.bytes += m->len;
	if (item->in_place) {
		/* A frame's header is longer than a suffix, so END never passes the place of what comes next. */
		session_in_batch_finish_message(batch, suffix);
		if (!batch->start)
			batch->start = batch->end = m->data;
		if (batch->end != m->data)
			memmove(batch->end, m->data, m->len);
		batch->end += m->len;
		batch->wants_suffix = true;
		return;
	}
	session_in_batch_flush(s, batch, suffix);
	decoder_take(&s->decoder, &gathered);
	if (buffer_append(&gathered, suffix.data, suffix.len)) {
		child_write_take(s->child, &gathered);
	} else {
		buffer_clear(&gathered);
		session_want_close(s, CLOSE_INTERNAL, "no memory for a message");
	}
}

void
session_in_take(struct session *s, uint8_t *bytes, size_t len)
{
	struct decoder_item item;
	struct session_in_batch batch = {0};
	bool relay = s->peer_state == PEER_OPEN && s->child_state == CHILD_RUN;
	enum decoder_event event;

	s->heard_ms = util_clock_ms();
	s->pings = 0;
	decoder_feed(&s->decoder, bytes, len);
	while ((event = decoder_next(&s->decoder, &item)) != DECODER_MORE) {
		switch (event) {
		case DECODER_MORE:
		case DECODER_PONG:
			break;
		case DECODER_MESSAGE:
			if (relay)
				session_in_message(s, &item, &batch);
			break;
		case DECODER_PING:
			session_out_control(s, FRAME_PONG, item.payload.data, item.payload.len);
			break;
		case DECODER_CLOSE:
			s->close_received = item.code;
			session_set_peer(s, PEER_LEFT);
			break;
		case DECODER_FAIL:
			session_want_close(s, item.code, item.reason);
			break;
		}
	}
	session_in_batch_flush(s, &batch, framing_suffix(s->endpoint->framing));
	session_out_flush(s);
}
