/* SPDX-License-Identifier: BSD-2-Clause */
/* The CLOSE of a session. */
#include "serve/session_close.h"

#include "serve/session_in.h"

#include <stdio.h>

/* The close code and the reason that tell how the program ended. */
static uint16_t
session_close_of_exit(struct session *s, char *reason, size_t size)
{
	struct child_exit end = child_exit(s->child);

	if (end.by_signal) {
		snprintf(reason, size, "signal %s", util_signal_name(end.value));
		return (uint16_t)(4256 + end.value);
	}
	snprintf(reason, size, "exit %d", end.value);
	return end.value == 0 ? CLOSE_NORMAL : (uint16_t)(4000 + end.value);
}

void
session_close_send(struct session *s)
{
	char words[FRAME_CONTROL_MAX];
	struct span reason = {0};
	uint8_t frame[FRAME_SERVER_HEADER_MAX + FRAME_CONTROL_MAX];
	uint16_t code;
	size_t len;

	if (s->peer_state == PEER_LEFT) {
		code = s->close_received; /* section 5.5.1: "typically echos the status code" */
	} else if (s->close_wanted != 0) {
		code = s->close_wanted;
		reason = s->reason;
	} else {
		code = session_close_of_exit(s, words, sizeof(words));
		reason = span_of(words);
	}
	if (s->peer_state == PEER_OPEN)
		session_in_put_pong(s);
	buffer_clear(&s->pong);
	s->close_sent = code;
	if (!s->peer)
		return;
	len = encoder_close(frame, code, reason);
	/* Nothing follows the answer to a CLOSE. */
	if (s->peer_state == PEER_LEFT ? !stream_write_last(s->peer, frame, len)
				       : !stream_write(s->peer, frame, len))
		session_lose_peer(s, "connection lost");
	else if (s->peer_state == PEER_OPEN)
		session_set_peer(s, PEER_CLOSING);
}
