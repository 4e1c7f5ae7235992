/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parent of several workers (--workers). It serves no connections: it starts the
 * workers, replaces those that die, forwards signals, and cleans up after a dead worker: it
 * kills its programs, and releases their slots of --maxforks once they have exited.
 */
#ifndef SERVER_WORKERS_H
#define SERVER_WORKERS_H

#include "server/server.h"

/*
 * SERVER is set up and its sockets are open; it has no event loop yet. Returns in each worker
 * at once, with 0 and *SERVES true: it has all signals blocked and serves. In the parent it
 * returns when the server has stopped, with the exit status and *SERVES false.
 */
int server_work(struct server *server, bool *serves);

#endif
