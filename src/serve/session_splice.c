/* SPDX-License-Identifier: BSD-2-Clause */
/* Large blocks from the program to the peer, without reading them. */
#include "serve/session_splice.h"

/* What is read would be a binary message as it is, and nothing of ours stands before it. */
static bool
session_splice_may(const struct session *s)
{
	return s->endpoint->from_program.kind == FRAMING_STREAM && !s->deflater &&
	       s->out_len == 0 && session_wants_output(s);
}

bool
session_splice_take(struct session *s)
{
	uint8_t header[FRAME_SERVER_HEADER_MAX];
	struct span head = {(const char *)header, 0};
	size_t n;

	if (!session_splice_may(s))
		return false;
	n = child_spliceable(s->child, s->peer);
	if (n < SESSION_SPLICE_MIN)
		return false;
	head.len = encoder_header(&s->encoder, header, MESSAGE_BINARY, true, n);
	switch (child_splice(s->child, s->peer, head, n)) {
	case IO_OK:
		s->out.messages++;
		s->out.bytes += n;
		break;
	case IO_AGAIN:
		return false;
	case IO_EOF:
	case IO_FAILED:
		session_lose_peer(s, "the connection was lost");
		break;
	}
	return true;
}
