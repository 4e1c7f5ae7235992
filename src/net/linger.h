/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Closes a connection without losing the last bytes. If there is unread input, close() makes
 * the kernel send a RST, which discards what the peer has not read yet: a Close frame or an
 * error page. So: flush the queue, send a FIN, read and discard until the peer's FIN, and only
 * then close. All within deadlines.
 */
#ifndef NET_LINGER_H
#define NET_LINGER_H

#include "net/loop.h"
#include "net/stream.h"

enum {
	LINGER_CREDIT_MS = 60 * 1000, /* for the last messages of a session; see net/rate.h */
	LINGER_DRAIN_MS = 2 * 1000, /* from our FIN to the peer's */
};

/* Takes STREAM and closes it in this way; its owner is not notified. The remaining output must
 * be confirmed at the minimum rate, with a credit of CREDIT_MS (net/rate.h). Accepts NULL. */
void linger_take(struct stream *stream, struct loop *loop, int64_t credit_ms);

/* Closes all lingering connections immediately. */
void linger_abort_all(struct loop *loop);

#endif
