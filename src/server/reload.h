/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reloads the configuration file while the server runs: all that the new options come to is
 * made first, and then takes the place of the old one as a whole. If that fails, the errors are
 * logged and nothing has changed. Sessions keep the endpoint that they were started by.
 *
 * Sockets on addresses that stay are used again, so connections that are queued are not lost.
 */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "net/descriptors.h"
#include "server/server.h"

/* A message of the parent. It is followed by a file with the store, and the sockets. */
struct reload_message {
	uint64_t endpoint_number; /* of the first endpoint */
	size_t listeners;
	size_t redirect_listeners;
};

/* The message with what follows it. */
struct reload_order {
	struct reload_message message;
	int fds[DESCRIPTORS_MAX];
	size_t count;
};

/* Whether a reload reads the options again: they come from a file, or need one of credentials.
 * Otherwise it is one of the certificates alone. */
bool server_reloads_options(const struct server *server);

/* Reloads the options and the certificates, because of SIGHUP. */
void server_reload(struct server *server);

/* Reloads all of it, or nothing. STORE is what is read from, or added to, and ORDER what the
 * parent has passed; both may be NULL. False: the reason was logged. */
bool server_reload_run(struct server *server, struct config_store *store,
    struct reload_order *order) __attribute__((warn_unused_result));

void server_reload_clear(struct server *server);

#endif
