/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds an endpoint from its options: what it runs and serves, and its settings. */
#ifndef SERVER_SETUP_ENDPOINT_H
#define SERVER_SETUP_ENDPOINT_H

#include "server/setup_access.h"

/*
 * Builds endpoint I (options_served()) of the server's options. The endpoint gets its own copy
 * of them, so that it can outlive a reload. FILES caches the access control files read for
 * previous endpoints. Returns NULL after logging the error, with the exit status in *STATUS and
 * everything freed. A worker does not repeat warnings that its parent (server->parent) has
 * logged.
 */
struct endpoint *setup_endpoint(const struct server *server, struct setup_files *files,
    size_t i, int *status) __attribute__((warn_unused_result));

#endif
