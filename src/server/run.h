/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server: owns the event loop, the listeners and every connection, session and program;
 * handles signals and the shutdown.
 */
#ifndef SERVER_RUN_H
#define SERVER_RUN_H

#include "options/options.h"

/* Runs until a signal stops it, and returns the process's exit status. Errors are logged. */
int server_run(const struct options *options);

#endif
