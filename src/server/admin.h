/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves --admin in each worker, on separate sockets that stay open until the process ends,
 * with connections and descriptors of their own. All reported data is in memory shared by the
 * workers, so any of them can answer.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "server/server.h"

enum {
	SERVER_ADMIN_HEAD_MS = 10 * 1000, /* time limit for a complete request */
	SERVER_ADMIN_CONNECTIONS = 16, /* concurrent connections per process */
	/* The connections, and one file of the system being read. */
	SERVER_ADMIN_FDS = SERVER_ADMIN_CONNECTIONS + 1,
};

/* Listens on --admin and opens the registry of sessions. Returns 0 or the exit status. */
int server_admin_open(struct server *server);

/* Checks whether server_admin_open() would succeed, apart from a port in use. Returns 0 or the
 * exit status. */
int server_admin_check(struct server *server);

/* Reloads the tokens into server->admin.admin.tokens. Returns 0 or the exit status. */
int server_admin_reload(struct server *server);

/* In a serving process: starts accepting connections. Returns false if memory runs out. */
bool server_admin_start(struct server *server) __attribute__((warn_unused_result));

/* In the parent: handles the death of a worker. */
void server_admin_lost(struct server *server, size_t worker);

void server_admin_clear(struct server *server);

#endif
