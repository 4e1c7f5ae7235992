/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns a handshake request into a session, or rejects it (RFC 6455, section 4.2). The backend
 * is started before the 101 is sent: a client never gets a WebSocket without a running program
 * or a connected socket.
 */
#ifndef SERVE_UPGRADE_H
#define SERVE_UPGRADE_H

#include "http/exchange.h"
#include "serve/opening.h"

#include <stdbool.h>

/* Returns true if the client requests a WebSocket: an Upgrade field names it (RFC 9110, section
 * 7.8). */
bool upgrade_is_wanted(const struct head *head);

/* Checks the form and the origin of a handshake, before authentication. Returns false if it
 * rejected the request. */
bool upgrade_accept(const struct opening_context *context, struct endpoint *endpoint,
    struct exchange *exchange);

/*
 * Responds to a handshake for the decoded PATH, or opens a session at ENDPOINT and takes a
 * reference to it. The response may be sent later if the backend must be connected first.
 */
void upgrade_serve(const struct opening_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path);

#endif
