/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds an endpoint from its options: what it runs and serves, with which settings. */
#ifndef SERVER_SETUP_ENDPOINT_H
#define SERVER_SETUP_ENDPOINT_H

#include "server/setup_access.h"

/*
 * Builds endpoint I (options_served()) of the server's options. It has its own copy of them, so
 * that it outlives a reload. FILES has the files of access control that were read for endpoints
 * before it. NULL: the error is logged, *STATUS is the exit status, and nothing is left of it.
 * What the parent process has warned of (server->parent), a worker does not repeat.
 */
struct endpoint *setup_endpoint(const struct server *server, struct setup_files *files,
    size_t i, int *status) __attribute__((warn_unused_result));

#endif
