/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens sockets on all addresses. */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "server/server.h"

/* Also records whether all addresses are loopback. 0, or the exit status. */
int server_listen(struct server *server);

#endif
