/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user that the server runs as. When started by root, the server listens, reads keys and
 * opens directories, and then drops its privileges permanently, before it has workers, threads
 * or programs. Later reloads are limited to that user's permissions.
 */
#ifndef SERVER_PRIVILEGES_H
#define SERVER_PRIVILEGES_H

#include "server/server.h"

/* Looks up --user and --group, and sets the environment accordingly. Returns 0 or the exit
 * status. */
int server_find_account(struct server *server) __attribute__((warn_unused_result));

/* Drops the privileges if --user is given, and verifies that none remain. Returns 0 or the exit
 * status, on which the process must exit. */
int server_drop_privileges(struct server *server) __attribute__((warn_unused_result));

#endif
