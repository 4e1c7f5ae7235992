/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports at startup what is served, and at which addresses. */
#ifndef SERVER_ANNOUNCE_H
#define SERVER_ANNOUNCE_H

#include "server/server.h"

void server_announce(const struct server *server);

#endif
