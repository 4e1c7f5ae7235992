/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session waits for, and for how long. */
#include "serve/session_due.h"

#include "base/util.h"
#include "net/stream.h"
#include "serve/session_out.h"

bool
session_due_close(struct session *s, int64_t now)
{
	if (s->peer_state != PEER_CLOSING || stream_queued(s->peer) > 0)
		return false;
	if (s->decoder.over)
		return true;
	if (s->closed_ms == 0)
		s->closed_ms = now;
	return now >= s->closed_ms + SESSION_CLOSE_MS;
}

/* When the begun message is to be whole; 0: there is none, or we do not read. */
static int64_t
session_due_begun(const struct session *s)
{
	if (s->begun_ms == 0 || s->peer_state != PEER_OPEN || !stream_is_reading(s->peer))
		return 0;
	return s->begun_ms + SESSION_BEGUN_MS + (int64_t)decoder_gathered(&s->decoder);
}

/* When to see whether the peer is still there. */
static int64_t
session_due_check(const struct session *s)
{
	if (s->endpoint->ping_ms == 0 || s->peer_state != PEER_OPEN)
		return 0;
	return s->heard_ms + s->endpoint->ping_ms;
}

/* The earlier of two deadlines; 0: none. */
static int64_t
session_due_first(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

int64_t
session_due_ms(const struct session *s)
{
	int64_t due = 0;

	if (!s->peer)
		return 0;
	if (session_in_fault(s))
		return s->fault_ms + SESSION_FAULT_MS;
	if (stream_queued(s->peer) > 0)
		due = stream_progress_ms(s->peer) + SESSION_STALL_MS;
	else if (s->peer_state == PEER_CLOSING)
		due = s->closed_ms + SESSION_CLOSE_MS;
	due = session_due_first(due, session_due_check(s));
	return session_due_first(due, session_due_begun(s));
}

/*
 * A ping interval has passed in which nothing was heard. A client that we listen to must answer.
 * While its input is paused, or a PING would wait in the queue, no answer can be asked for, but
 * its system must confirm what was sent; and if the client has disconnected, its system answers
 * any byte with a RST, even while its FIN waits for our window to open.
 */
static void
session_due_ping(struct session *s)
{
	bool queued = stream_queued(s->peer) > 0;
	bool answers = !queued && stream_is_reading(s->peer);
	struct stream_contact contact = {0};

	if (answers && s->pings >= SESSION_PINGS) {
		session_lose_peer(s, "no answer to pings");
		return;
	}
	if (!answers)
		contact = stream_contact(s->peer);
	if (s->awaited && contact.awaited && contact.silent_ms >= s->endpoint->ping_ms) {
		session_lose_peer(s, "the client's system does not respond");
		return;
	}
	if (!queued) {
		session_out_control(s, FRAME_PING, NULL, 0);
		session_out_flush(s);
	}
	s->pings += answers;
	s->awaited = !answers && s->peer && stream_contact(s->peer).awaited;
}

void
session_due_act(struct session *s)
{
	int64_t now = util_clock_ms();
	int64_t begun = session_due_begun(s);
	int64_t check = session_due_check(s);

	if (begun != 0 && now >= begun)
		session_fault(s, CLOSE_POLICY, "message timeout");
	if (s->peer && stream_queued(s->peer) > 0 &&
	    now >= stream_progress_ms(s->peer) + SESSION_STALL_MS)
		session_lose_peer(s, "write timeout");
	if (s->peer && check != 0 && now >= check) {
		s->heard_ms = now;
		session_due_ping(s);
	}
}
