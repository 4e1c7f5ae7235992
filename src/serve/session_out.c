/* SPDX-License-Identifier: BSD-2-Clause */
/* From the program to the peer. */
#include "serve/session_out.h"

#include "base/log.h"
#include "serve/session_log.h"

#include <stdlib.h>
#include <string.h>

void
session_out_flush(struct session *s)
{
	size_t len = s->out_len;

	s->out_len = 0;
	if (len > 0 && s->peer && !io_write(s->peer, s->loop->out, len))
		session_lose_peer(s, "the connection was lost");
}

void
session_out_control(struct session *s, enum frame_opcode opcode, const uint8_t *payload, size_t len)
{
	if (s->close_sent != 0)
		return; /* RFC 6455, section 5.5.1: nothing follows a CLOSE */
	if (LOOP_OUT - s->out_len < FRAME_SERVER_HEADER_MAX + FRAME_CONTROL_MAX)
		session_out_flush(s);
	s->out_len += encoder_control(s->loop->out + s->out_len, opcode, payload, len);
}

enum { SESSION_OUT_COPY_MAX = 4096 }; /* bytes of a payload that is cheaper to copy than to point to */

static void
session_out_frame(struct session *s, enum message_type type, bool last, uint8_t *data, size_t len)
{
	struct iovec parts[2];
	bool copy = len <= SESSION_OUT_COPY_MAX;

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
	if (s->peer && !io_writev(s->peer, parts, 2))
		session_lose_peer(s, "the connection was lost");
}

/* RFC 6455, section 8.1: what is called text must be UTF-8. The child's is repaired where it is not. */
static void
session_out_repaired(struct session *s, const struct message *m, bool last)
{
	uint8_t *fixed = malloc(UTF8_REPAIR_MAX(m->len));
	size_t before = s->repaired;
	size_t len;

	if (!fixed) {
		session_want_close(s, CLOSE_INTERNAL, "no memory for a message");
		return;
	}
	len = utf8_repair(&s->repair, m->data, m->len, last, fixed, &s->repaired);
	session_out_frame(s, m->type, last, fixed, len);
	free(fixed);
	if (before == 0 && s->repaired > 0 &&
	    session_log_begin(s, LOG_ERROR, "session",
		SPAN("the program's output is not UTF-8: repaired with U+FFFD; --binary passes bytes on")))
		log_end();
}

static void
session_out_message(struct session *s, const struct message *m, bool last)
{
	bool clean = m->type == MESSAGE_BINARY ||
	    (s->repair.state.need == 0 && utf8_valid(m->data, m->len));

	if (s->peer_state != PEER_OPEN || s->close_wanted != 0)
		return;
	if (clean)
		session_out_frame(s, m->type, last, m->data, m->len);
	else
		session_out_repaired(s, m, last);
}

bool
session_out_take(struct session *s)
{
	struct message m;
	enum framing_event event;
	size_t n;

	switch (child_read(s->child, s->loop->in, LOOP_BATCH, &n)) {
	case IO_OK:
		framing_feed(&s->framing, s->loop->in, n);
		while ((event = framing_next(&s->framing, &m)) != FRAMING_MORE && event != FRAMING_NOMEM)
			session_out_message(s, &m, event == FRAMING_MESSAGE);
		if (event == FRAMING_NOMEM)
			session_want_close(s, CLOSE_INTERNAL, "no memory for a line");
		session_out_flush(s);
		return true;
	case IO_AGAIN:
		return false;
	case IO_EOF:
	case IO_FAILED:
		break;
	}
	/* The last line counts also without its end. */
	if (framing_end(&s->framing, &m) == FRAMING_MESSAGE)
		session_out_message(s, &m, true);
	framing_clear(&s->framing);
	session_out_flush(s);
	session_set_child(s);
	return false;
}
