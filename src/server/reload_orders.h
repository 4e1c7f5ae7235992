/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reloads of workers. The parent reloads first; then it passes its sockets, and what it has
 * read, to each worker, which thus comes to the same result.
 */
#ifndef SERVER_RELOAD_ORDERS_H
#define SERVER_RELOAD_ORDERS_H

#include "server/server.h"

/* In the parent: reloads the options and the certificates of all workers, whose CHANNELS are
 * COUNT sockets (-1: none). */
void server_reload_workers(struct server *server, const int *channels, size_t count);

/* In a worker: reloads when the parent wants it, again and again if it fails. False with errno.
 */
bool server_reload_follow(struct server *server) __attribute__((warn_unused_result));

/* In a worker: ends that, and closes its socket. */
void server_reload_unfollow(struct server *server);

#endif
