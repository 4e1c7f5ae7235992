/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Closing a connection so that the last bytes arrive. close() with unread
 * input makes the kernel send a reset, and the reset throws away what the other side
 * has not read yet: a Close frame, an error page. So: flush the queue, send a FIN, read and
 * discard until the other side's FIN, and only then close. All of it within deadlines.
 */
#ifndef NET_LINGER_H
#define NET_LINGER_H

#include "net/loop.h"
#include "net/stream.h"

enum {
	LINGER_CREDIT_MS = 60 * 1000, /* for the last messages of a session: net/rate.h */
	LINGER_DRAIN_MS = 2 * 1000, /* after our FIN, until theirs */
};

/* Takes STREAM and closes it in this way; its owner is not notified. What is left must arrive
 * at the minimum rate, with a credit of CREDIT_MS (net/rate.h). Accepts NULL. */
void linger_take(struct stream *stream, struct loop *loop, int64_t credit_ms);

/* Closes all that linger at once. */
void linger_abort_all(struct loop *loop);

#endif
