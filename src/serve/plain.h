/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain HTTP request where only WebSocket is served: 426 (RFC 9110, section
 * 15.5.22) with a text that shows how to connect.
 */
#ifndef SERVE_PLAIN_H
#define SERVE_PLAIN_H

#include "http/exchange.h"
#include "serve/endpoint.h"

/* True for a handshake that lost its Upgrade field, as in a proxy that was not configured for
 * WebSocket. */
bool plain_is_handshake(const struct head *head);

/*
 * Replies to a request for the decoded PATH, whose host was checked. HEADERS are whole lines to
 * add.
 */
void plain_serve(const struct endpoint *endpoint, struct exchange *exchange, const char *path,
    const char *headers);

/* Whether the terminals of an endpoint speak ttyd's protocol. */
bool plain_speaks_tty(const struct endpoint *endpoint);

/* Responds to a plain request if ttyd's page sends it, for a token that is not needed here.
 * False: it is another one. */
bool plain_serve_token(
    const struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
