/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves --admin: in each worker, on sockets of its own, which stay open until the process
 * ends, and with connections and descriptors of its own. What there is to report lies in memory
 * that all workers share, so whichever accepts a connection has the whole answer.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "server/server.h"

enum {
	SERVER_ADMIN_HEAD_MS = 10 * 1000, /* for a request to be complete */
	SERVER_ADMIN_CONNECTIONS = 16, /* at a time, in each process */
	/* Those, and what is read of the system. */
	SERVER_ADMIN_FDS = SERVER_ADMIN_CONNECTIONS + 1,
};

/* Listens, and opens the registry of sessions. 0, or the exit status. */
int server_admin_open(struct server *server);

/* Whether that would work, but for a port that is in use. 0, or the exit status. */
int server_admin_check(struct server *server);

/* Reads the tokens again, into ADMIN.TOKENS of the server's. 0, or the exit status. */
int server_admin_reload(struct server *server);

/* In a process that serves: accepts connections. False without memory. */
bool server_admin_start(struct server *server) __attribute__((warn_unused_result));

/* In the parent: a worker died. */
void server_admin_lost(struct server *server, size_t worker);

void server_admin_clear(struct server *server);

#endif
