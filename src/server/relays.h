/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that another worker must serve, since it has the session that they are for
 * (serve/streams.h). The worker that has accepted the connection gives the other one a socket
 * in its place, with what it knows of the client, and relays the bytes. The sockets for that
 * are made before the workers start, and only they have them.
 */
#ifndef SERVER_RELAYS_H
#define SERVER_RELAYS_H

#include "http/exchange.h"

struct server;

/* In the parent, before it starts workers. False with errno. */
bool server_relays_open(struct server *server) __attribute__((warn_unused_result));

/* In a worker: it takes what others give it. False without memory. */
bool server_relays_start(struct server *server) __attribute__((warn_unused_result));

/* In the parent, of a WORKER that has exited and is not started again: the clients of requests
 * that it was given and has not accepted get the apology, and nothing more is given to it. */
void server_relays_refuse(struct server *server, size_t worker);

void server_relays_clear(struct server *server);

/* Gives the connection of EXCHANGE to WORKER. SERVER is a struct server. False: it is not
 * possible, and the exchange is still the caller's. */
bool server_relay(void *server, size_t worker, struct exchange *exchange)
    __attribute__((warn_unused_result));

#endif
