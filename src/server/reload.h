/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reloads the configuration file while the server runs: all that the new options come to is
 * made first, and then takes the place of the old one as a whole. If that fails, the errors are
 * logged and nothing has changed. Sessions keep the endpoint that they were started by.
 *
 * Sockets on addresses that stay are used again, so connections that are queued are not lost.
 * Of several workers the parent reloads first; then it passes its sockets, and what it has
 * read, to each worker, which thus comes to the same result.
 */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "server/server.h"

/* Whether a reload reads the options again: they come from a file, or need one of credentials.
 * Otherwise it is one of the certificates alone. */
bool server_reloads_options(const struct server *server);

/* Reloads the options and the certificates, because of SIGHUP. */
void server_reload(struct server *server);

/* In the parent: the same for all workers, whose CHANNELS are COUNT sockets (-1: none). */
void server_reload_workers(struct server *server, const int *channels, size_t count);

/* In a worker: reloads when the parent wants it, again and again if it fails. False with errno.
 */
bool server_reload_follow(struct server *server) __attribute__((warn_unused_result));

void server_reload_clear(struct server *server);

#endif
