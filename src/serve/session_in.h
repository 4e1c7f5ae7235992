/* SPDX-License-Identifier: BSD-2-Clause */
/* From the peer to the program: bytes become messages, and these what the program reads. */
#ifndef SERVE_SESSION_IN_H
#define SERVE_SESSION_IN_H

#include "serve/session_inner.h"

enum {
	SESSION_IN_CUT_MAX =
	    4 * 1024, /* bytes of a record, cut by a read, that waits for those behind it */
	/* What is read at once. With a cut record before it that still fits into an empty pipe,
	 * whose 64 KiB are a batch too: nothing need wait then. */
	SESSION_IN_BATCH = LOOP_BATCH - SESSION_IN_CUT_MAX,
	SESSION_IN_PONGS = 1024, /* bytes of them that are put together before they leave */
};

/* How much to read from the peer at once. */
size_t session_in_capacity(const struct session *s);

/* Takes what the peer has sent: all messages in it, and the end of them. BYTES are changed.
 * What would exceed the queue to the program stays in S->undecoded. */
void session_in_take(struct session *s, uint8_t *bytes, size_t len);

/* Goes on with S->undecoded, before anything else is read. */
void session_in_resume(struct session *s);

/* The queue to the peer has left, or a CLOSE comes behind it: puts the PONG that waited, if
 * there is one. */
void session_in_put_pong(struct session *s);

/*
 * Where the endpoint asks for events: the first record says who came, the last one how
 * the peer left; a second call of session_in_tell_close() does nothing.
 */
void session_in_tell_open(struct session *s, const struct session_spec *spec);
void session_in_tell_close(struct session *s, uint16_t code, struct span reason);

#endif
