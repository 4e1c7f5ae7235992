/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the process as a client, from the options to its exit status. */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include "options/options.h"

/* Connects stdin and stdout, or a program, to a server. Returns the exit status, or kills the
 * process with the signal that ended it. */
int client_run(const struct options *options);

#endif
