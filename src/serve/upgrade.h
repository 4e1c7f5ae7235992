/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a handshake request to a session, or to a rejection (RFC 6455, section
 * 4.2). The backend is started before the 101: a client never gets a WebSocket
 * without a running program, or a connected socket.
 */
#ifndef SERVE_UPGRADE_H
#define SERVE_UPGRADE_H

#include "http/exchange.h"
#include "serve/opening.h"

#include <stdbool.h>

/* True when the client asks for a WebSocket: an Upgrade field names it (RFC 9110, section 7.8).
 */
bool upgrade_is_wanted(const struct head *head);

/* The checks of such a request alone, before it is authenticated: its form and its origin.
 * False: it has been rejected. */
bool upgrade_accept(const struct opening_context *context, struct endpoint *endpoint,
    struct exchange *exchange);

/*
 * Replies to such a request for the decoded PATH, or opens a session by ENDPOINT, which it then
 * refers to; later, if the backend must be connected first.
 */
void upgrade_serve(const struct opening_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path);

#endif
