/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens a WebSocket: connects, through a proxy if there is one, over TLS for wss, and performs
 * the opening handshake.
 */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include "client/handshake.h"
#include "net/connect.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls_client.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	DIAL_TEXT_MS = 1000, /* time limit for the first line of an error response's body */
	DIAL_TEXT_MAX = 4 * 1024, /* bytes read of that body */
};

/* All borrowed; outlives every attempt. */
struct dial_settings {
	struct loop *loop;
	struct lookup *lookup; /* NULL: the target is an address */
	struct handshake_offer offer;
	struct connect_target target; /* the server or the proxy */
	const struct url *proxy; /* NULL: none */
	const char *proxy_authorization; /* a header line; NULL: none */
	struct tls_client *tls; /* NULL: plain text */
	int64_t connect_ms;
	int64_t handshake_ms; /* time limit from the connection to the 101 */
};

struct dial_result {
	struct stream *stream; /* the handler takes it; NULL: failure */
	const char *why; /* on failure; valid during the call, as the following fields */
	bool retries; /* a later attempt may succeed */
	struct span rest; /* bytes received after the response */
	const struct handshake_agreed *agreed;
	struct sockaddr_storage address; /* peer address */
};

struct dial;
typedef void dial_handler(void *arg, const struct dial_result *result);

/* Starts an attempt. Calls HANDLER once, later, unless the attempt is cancelled. Returns NULL
 * if memory runs out. */
struct dial *dial_start(const struct dial_settings *settings, dial_handler *handler, void *arg)
    __attribute__((warn_unused_result));

/* Cancels the attempt and frees it; the handler is not called. Accepts NULL. */
void dial_cancel(struct dial *dial);

#endif
