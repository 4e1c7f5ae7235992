/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user that the server runs as. Started by root, it listens, reads keys and opens
 * directories, and then drops its privileges for good, before it has workers, threads or
 * programs. What a reload needs from then on, it can only do as that user.
 */
#ifndef SERVER_PRIVILEGES_H
#define SERVER_PRIVILEGES_H

#include "server/server.h"

/* Finds --user and --group in the system, and lets our environment say so. 0, or the exit
 * status. */
int server_find_account(struct server *server) __attribute__((warn_unused_result));

/* Drops the privileges, if --user is given, and verifies that none is left. 0, or the exit
 * status; then the process must end. */
int server_drop_privileges(struct server *server) __attribute__((warn_unused_result));

#endif
