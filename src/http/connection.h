/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An HTTP/1.1 connection: reads request heads within deadlines and hands each request over as
 * an exchange, one after the other, so that pipelined requests are answered in order. It
 * persists between them (RFC 9112, section 9.3) until it is idle for too long, has served many,
 * or one of the two sides wants to close it.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "http/client.h"
#include "http/exchange.h"
#include "net/loop.h"
#include "net/stream.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	CONNECTION_IDLE_MS = 60 * 1000, /* between two requests */
	CONNECTION_REQUESTS_MAX = 1000,
};

/* All connections of a server. */
struct connections {
	struct list list;
	atomic_size_t *count; /* borrowed: how many there are, for whoever looks */
	/* From the accept, or the first byte of a further request, to a complete head; the
	 * handshake of TLS within; absolute. It may change at any time, as the last one. */
	int64_t head_ms;
	_Atomic uint64_t *handshakes; /* borrowed: exchange_spec.handshakes */
	bool draining; /* set by connection_drain_all() and connection_finish_all() */
	struct client_rules clients; /* owned by the caller that sets it */
};

/* Handles a request, see http/exchange.h. */
typedef void connection_handler(void *arg, struct exchange *exchange);

/* A connection over STREAM, which is taken even on failure. It is one of CONNECTIONS until it
 * ends. False without memory. */
bool connection_open_take(struct loop *loop, struct connections *connections,
    struct stream *stream, connection_handler *handler, void *arg)
    __attribute__((warn_unused_result));

/* Closes those that wait for a request, and the others after their response. */
void connection_drain_all(struct connections *connections);

/* Lets each connection have the response to its current or its first request, and ends it
 * then. */
void connection_finish_all(struct connections *connections);

/* Closes all at once, without a response. */
void connection_abort_all(struct connections *connections);

#endif
