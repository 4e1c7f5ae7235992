/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Relays between a client's stream and that of the worker that serves it, with backpressure,
 * until the worker ends its side.
 */
#ifndef NET_RELAY_H
#define NET_RELAY_H

#include "base/list.h"
#include "net/loop.h"
#include "net/stream.h"

/* Starts a relay. Takes both streams, even on failure. If the server ends without sending a
 * byte, the client gets APOLOGY, which is borrowed. The relay is in LIST until it ends. Returns
 * false if a stream has failed or memory runs out. */
bool relay_start_take(struct loop *loop, struct list *list, struct stream *client,
    struct stream *server, struct span apology) __attribute__((warn_unused_result));

/* Ends all relays of a list immediately. */
void relay_abort_all(struct list *list);

#endif
