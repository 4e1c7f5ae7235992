/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reloads the configuration file while the server runs. The whole new state is built first and
 * then replaces the old one at once. If that fails, the errors are logged and nothing changes.
 * Sessions keep the endpoint that started them. Sockets on unchanged addresses are reused, so
 * queued connections are not lost.
 */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "net/descriptors.h"
#include "server/server.h"

/* A message of the parent, followed by a file with the store, and the sockets. */
struct reload_message {
	uint64_t endpoint_number; /* number of the first endpoint */
	size_t listeners;
	size_t redirect_listeners;
};

/* A message with its descriptors. */
struct reload_order {
	struct reload_message message;
	int fds[DESCRIPTORS_MAX];
	size_t count;
};

/* Reports whether a reload reads the options again, because they come from a file or refer to
 * credential files. Otherwise it only reloads the certificates. */
bool server_reloads_options(const struct server *server);

/* Reloads the options and the certificates on SIGHUP. */
void server_reload(struct server *server);

/* Reloads everything, or nothing on failure. Files are read from STORE, or added to it; ORDER
 * is what the parent has passed. Both may be NULL. Returns false after logging the reason. */
bool server_reload_run(struct server *server, struct config_store *store,
    struct reload_order *order) __attribute__((warn_unused_result));

void server_reload_clear(struct server *server);

#endif
