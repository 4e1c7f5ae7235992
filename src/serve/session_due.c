/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session waits for, and for how long. */
#include "serve/session_due.h"

#include "base/util.h"
#include "net/io.h"
#include "serve/session_out.h"

bool
session_due_close(struct session *s, int64_t now)
{
	if (s->peer_state != PEER_CLOSING || io_queued(s->peer) > 0)
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
	if (s->begun_ms == 0 || s->peer_state != PEER_OPEN || !io_is_reading(s->peer))
		return 0;
	return s->begun_ms + SESSION_BEGUN_MS + (int64_t)decoder_gathered(&s->decoder);
}

int64_t
session_due_ms(const struct session *s)
{
	int64_t due = 0;
	int64_t begun_due;

	if (!s->peer)
		return 0;
	if (session_in_fault(s))
		return s->fault_ms + SESSION_FAULT_MS;
	if (io_queued(s->peer) > 0)
		due = io_progress_ms(s->peer) + SESSION_STALL_MS;
	else if (s->peer_state == PEER_CLOSING)
		due = s->closed_ms + SESSION_CLOSE_MS;
	else if (s->endpoint->ping_ms > 0)
		due = s->heard_ms + s->endpoint->ping_ms;
	begun_due = session_due_begun(s);
	return begun_due != 0 && (due == 0 || begun_due < due) ? begun_due : due;
}

void
session_due_act(struct session *s)
{
	int64_t now = util_clock_ms();
	int64_t begun_due = session_due_begun(s);

	if (begun_due != 0 && now >= begun_due)
		session_fault(s, CLOSE_POLICY, "the message took too long to come");
	if (s->peer && io_queued(s->peer) > 0) {
		if (now >= io_progress_ms(s->peer) + SESSION_STALL_MS)
			session_lose_peer(s, "the peer took no data for too long");
	} else if (s->peer_state == PEER_OPEN && s->endpoint->ping_ms > 0 &&
		   now >= s->heard_ms + s->endpoint->ping_ms) {
		if (!io_is_reading(s->peer)) {
			s->heard_ms = now;
		} else if (s->pings >= SESSION_PINGS) {
			session_lose_peer(s, "the peer did not answer pings");
		} else {
			s->pings++;
			s->heard_ms = now;
			session_out_control(s, FRAME_PING, NULL, 0);
			session_out_flush(s);
		}
	}
}
