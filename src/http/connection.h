/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An HTTP/1.1 connection: reads request heads within deadlines and passes each request to the
 * handler as an exchange, one after the other, so that pipelined requests are answered in
 * order. The connection persists (RFC 9112, section 9.3) until it is idle for too long, has
 * served too many requests, or one side wants to close it.
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
	CONNECTION_IDLE_MS = 60 * 1000, /* idle timeout between two requests */
	CONNECTION_REQUESTS_MAX = 1000,
};

/* All connections of a server. */
struct connections {
	struct list list;
	atomic_size_t *count; /* borrowed: number of connections, for others to read */
	/* Absolute time limit from the accept, or from the first byte of a further request, to
	 * a complete head; includes the TLS handshake. May change at any time, as the last
	 * field. */
	int64_t head_ms;
	_Atomic uint64_t *handshakes; /* borrowed: exchange_spec.handshakes */
	bool draining; /* set by connection_drain_all() and connection_finish_all() */
	struct client_rules clients; /* owned by the caller that sets it */
};

/* Handles a request; see http/exchange.h. */
typedef void connection_handler(void *arg, struct exchange *exchange);

/* Opens a connection over STREAM. Takes STREAM, even on failure. The connection is in
 * CONNECTIONS until it ends. Returns false if memory runs out. */
bool connection_open_take(struct loop *loop, struct connections *connections,
    struct stream *stream, connection_handler *handler, void *arg)
    __attribute__((warn_unused_result));

/* Closes the connections waiting for a request, and the others after their response. */
void connection_drain_all(struct connections *connections);

/* Closes each connection after the response to its current or first request. */
void connection_finish_all(struct connections *connections);

/* Closes all connections at once, without a response. */
void connection_abort_all(struct connections *connections);

#endif
