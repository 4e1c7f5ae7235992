/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joins a client's stream and the stream of the worker that serves it: what comes from one of
 * them is written to the other, with backpressure, until the worker ends its side.
 */
#ifndef NET_RELAY_H
#define NET_RELAY_H

#include "base/list.h"
#include "net/loop.h"
#include "net/stream.h"

/* Takes both streams, even on failure. A client whose server ends without any byte gets
 * APOLOGY, which is borrowed. The relay is in LIST until it ends. False: a stream has failed,
 * or there is no memory. */
bool relay_start_take(struct loop *loop, struct list *list, struct stream *client,
    struct stream *server, struct span apology) __attribute__((warn_unused_result));

/* Ends all of a list at once. */
void relay_abort_all(struct list *list);

#endif
