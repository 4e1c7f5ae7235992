/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Relays requests to the worker that has their session (serve/streams.h). The worker that
 * accepted the connection passes a socket and what it knows about the client to the other
 * worker, and relays the bytes. The sockets between workers are created before the workers
 * start, and no other process has them.
 */
#ifndef SERVER_RELAYS_H
#define SERVER_RELAYS_H

#include "http/exchange.h"

struct server;

/* In the parent, before it starts workers: creates the sockets. Returns false with errno. */
bool server_relays_open(struct server *server) __attribute__((warn_unused_result));

/* In a worker: starts accepting relayed requests. Returns false if memory runs out. */
bool server_relays_start(struct server *server) __attribute__((warn_unused_result));

/* In the parent, after WORKER has exited and will not be restarted: rejects the requests
 * relayed to it that it has not accepted, with the prepared error response, and any further
 * ones. */
void server_relays_refuse(struct server *server, size_t worker);

void server_relays_clear(struct server *server);

/* Relays the connection of EXCHANGE to WORKER. SERVER is a struct server. Returns false if that
 * is not possible; the caller then keeps the exchange. */
bool server_relay(void *server, size_t worker, struct exchange *exchange)
    __attribute__((warn_unused_result));

#endif
