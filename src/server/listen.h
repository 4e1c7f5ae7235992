/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens sockets on all addresses. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "server/server.h"

/* At the start, when sockets may have been inherited. 0, or the exit status. */
int server_listen_at_start(struct server *server);

/* 0, or the exit status. */
int server_listen(struct server *server);

/* Part of it: what follows from the sockets. */
void server_set_listening(struct server *server);

/* Whether a Unix socket is listened on. */
bool server_has_unix_socket(const struct server *server);

/* For a check of the options: opens the addresses at any port, and closes nothing. 0, or the
 * exit status. */
int server_listen_to_check(struct server *server);

#endif
