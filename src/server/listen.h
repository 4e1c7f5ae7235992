/* SPDX-License-Identifier: BSD-2-Clause */
/* Listens on all addresses. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "server/server.h"

/* Listens at startup, when sockets may be inherited. Returns 0 or the exit status. */
int server_listen_at_start(struct server *server);

/* Listens on all addresses of the options. Returns 0 or the exit status. */
int server_listen(struct server *server);

/* Updates the state that depends on the sockets; part of server_listen(). */
void server_set_listening(struct server *server);

/* Reports whether the server listens on a Unix socket. */
bool server_has_unix_socket(const struct server *server);

/* For --check-config: opens the addresses at any port and leaves them open. Returns 0 or the
 * exit status. */
int server_listen_to_check(struct server *server);

#endif
