/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server: owns the event loop, the listeners and every connection, session and program;
 * takes the signals; drains.
 */
#ifndef SERVER_H
#define SERVER_H

#include "options/options.h"

enum {
	SERVER_DRAIN_MS = 25 * 1000, /* from the first SIGTERM until what is left is killed */
	SERVER_KILL_MS = 2 * 1000, /* how long the killed may take to be reaped */
};

/* Called first: until there are handlers, the signals that never stop the server wait. */
void server_hold_signals(void);

/* Runs until a signal stops it, and returns the process's exit status. Errors are logged. */
int server_run(const struct options *options);

#endif
