/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Responds to plain HTTP requests where only WebSocket is served: 426 (RFC 9110, section
 * 15.5.22) with a text that explains how to connect.
 */
#ifndef SERVE_PLAIN_H
#define SERVE_PLAIN_H

#include "http/exchange.h"
#include "serve/endpoint.h"

/* Returns true for a handshake that lost its Upgrade field, as happens in a proxy that is not
 * configured for WebSocket. */
bool plain_is_handshake(const struct head *head);

/*
 * Responds to a request for the decoded PATH, whose Host has been checked. HEADERS are
 * additional header lines.
 */
void plain_serve(const struct endpoint *endpoint, struct exchange *exchange, const char *path,
    const char *headers);

/* Reports whether the terminals of ENDPOINT speak ttyd's protocol. */
bool plain_speaks_tty(const struct endpoint *endpoint);

/* Responds to the token request of ttyd's page; no token is needed here. Returns false for any
 * other request. */
bool plain_serve_token(
    const struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
