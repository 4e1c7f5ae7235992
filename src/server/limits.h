/* SPDX-License-Identifier: BSD-2-Clause */
/* The system's limit on open files. */
#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

#include "server/server.h"

/* Raises the soft limit to the hard limit. */
void server_lift_limit(const struct server *server);

/*
 * Divides the descriptors; called once for all processes, as each gets the same number. Reports
 * shortages at startup instead of under load. Returns 0 or the exit status.
 */
int server_divide_limit(struct server *server);

#endif
