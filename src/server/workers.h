/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parent of several workers (--workers). It serves nobody: it starts them,
 * starts another one for each that dies, passes signals on, and sees to it that
 * nothing of a dead worker is left: its programs are killed, and what they
 * counted for --maxforks is given back when they are gone.
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
