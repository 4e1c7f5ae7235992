/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Children that are not programs of ours: orphans, which are reparented to process 1 or to a
 * subreaper, and those of a shell that became this process by exec. They are only reaped.
 */
#ifndef SERVER_ORPHANS_H
#define SERVER_ORPHANS_H

#include "server/server.h"

/* True if there may be such children. To be called before there are any others. */
bool server_adopts(void);

/* Reaps them from now on. False with errno. */
bool server_orphans_start(struct server *server) __attribute__((warn_unused_result));

void server_orphans_clear(struct server *server);

#endif
