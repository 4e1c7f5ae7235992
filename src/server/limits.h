/* SPDX-License-Identifier: BSD-2-Clause */
/* The system's limit on open files. */
#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

#include "server/server.h"

/* Raises the limit as far as possible. */
void server_lift_limit(const struct server *server);

/*
 * Divides it up, once for all processes: each has as many descriptors. What is short is
 * reported now, not found out under load. 0, or the exit status.
 */
int server_divide_limit(struct server *server);

#endif
