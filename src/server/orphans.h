/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reaps children that are not our programs: orphans, which are reparented to process 1 or to a
 * subreaper, and children of a shell that became this process by exec.
 */
#ifndef SERVER_ORPHANS_H
#define SERVER_ORPHANS_H

#include "server/server.h"

/* Returns true if there may be such children. Must be called before any other child exists. */
bool server_adopts(void);

/* Starts reaping such children. Returns false with errno. */
bool server_orphans_start(struct server *server) __attribute__((warn_unused_result));

void server_orphans_clear(struct server *server);

#endif
