/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a handshake request to a session, or to a rejection (RFC 6455, section
 * 4.2). The backend is started before the 101: a client never gets a WebSocket
 * without a running program, or a connected socket.
 */
#ifndef SERVE_UPGRADE_H
#define SERVE_UPGRADE_H

#include "http/exchange.h"
#include "serve/launch.h"

#include <stdbool.h>

/* What upgrades need from the server; all borrowed for longer than this lives. */
struct upgrade_context {
	struct launcher launcher;
	struct list *sessions;
	struct list *upgrades; /* those whose backend is being connected */
};

/* True when the client asks for a WebSocket: an Upgrade field names it (RFC 9110, section 7.8).
 */
bool upgrade_is_wanted(const struct head *head);

/* The checks of such a request alone, before it is authenticated: its form and its origin.
 * False: it has been rejected. */
bool upgrade_accept(const struct upgrade_context *context, struct endpoint *endpoint,
    struct exchange *exchange);

/*
 * Replies to such a request for the decoded PATH, or opens a session by ENDPOINT, which it then
 * refers to; later, if the backend must be connected first.
 */
void upgrade_serve(const struct upgrade_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path);

/* Rejects those whose backend is being connected: the server goes away. */
void upgrade_drain_all(const struct upgrade_context *context);

#endif
