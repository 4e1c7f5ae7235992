/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reloads of workers. The parent reloads first and then passes its sockets and the files it has
 * read to each worker, so that all workers get the same result.
 */
#ifndef SERVER_RELOAD_ORDERS_H
#define SERVER_RELOAD_ORDERS_H

#include "server/server.h"

/* In the parent: reloads the options and the certificates of all workers. CHANNELS are COUNT
 * sockets, one per worker (-1: none). */
void server_reload_workers(struct server *server, const int *channels, size_t count);

/* In a worker: starts following the parent's reload orders; retries a failed reload until it
 * succeeds. Returns false with errno. */
bool server_reload_follow(struct server *server) __attribute__((warn_unused_result));

/* In a worker: stops following orders and closes the socket. */
void server_reload_unfollow(struct server *server);

#endif
