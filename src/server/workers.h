/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parent of several workers (--workers). It serves no connections: it starts the workers,
 * restarts those that die, and forwards signals. After a worker died, it kills the worker's
 * programs and releases their --maxforks slots once they have exited.
 */
#ifndef SERVER_WORKERS_H
#define SERVER_WORKERS_H

#include "server/server.h"

/*
 * SERVER must be set up, with open sockets and no event loop yet. In each worker, returns at
 * once with 0, *SERVES true and all signals blocked; the worker then serves. In the parent,
 * returns the exit status with *SERVES false when the server has stopped.
 */
int server_work(struct server *server, bool *serves);

#endif
