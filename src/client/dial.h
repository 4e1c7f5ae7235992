/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a URL to a WebSocket: connects, through a proxy if there is one, over TLS with wss, and
 * carries out the opening handshake.
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
	DIAL_TEXT_MS = 1000, /* for the first line of another response's body */
	DIAL_TEXT_MAX = 4 * 1024, /* bytes of it that are read */
};

/* All borrowed, for longer than any attempt. */
struct dial_settings {
	struct loop *loop;
	struct lookup *lookup; /* NULL: the target is an address */
	struct handshake_offer offer;
	struct connect_target target; /* the server, or the proxy */
	const struct url *proxy; /* NULL: none */
	const char *proxy_authorization; /* a header line; NULL: none */
	struct tls_client *tls; /* NULL: plain text */
	int64_t connect_ms;
	int64_t handshake_ms; /* from the connection to the 101 */
};

struct dial_result {
	struct stream *stream; /* given to the handler; NULL: it failed */
	const char *why; /* on failure: valid during the call, as the next ones */
	bool retries; /* it may succeed later */
	struct span rest; /* what came after the response */
	const struct handshake_agreed *agreed;
	struct sockaddr_storage address; /* of the other side */
};

struct dial;
typedef void dial_handler(void *arg, const struct dial_result *result);

/* Calls HANDLER once, later, unless it is cancelled. NULL without memory. */
struct dial *dial_start(const struct dial_settings *settings, dial_handler *handler, void *arg)
    __attribute__((warn_unused_result));

/* Closes what is open and frees; the handler is not called. Accepts NULL. */
void dial_cancel(struct dial *dial);

#endif
