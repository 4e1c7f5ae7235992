/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a handshake request to a session, or to a rejection (RFC 6455, section
 * 4.2). The program is started before the 101: a client never gets a WebSocket
 * without a running program.
 */
#ifndef SERVE_UPGRADE_H
#define SERVE_UPGRADE_H

#include "http/connection.h"
#include "http/uri.h"
#include "process/child.h"
#include "serve/endpoint.h"

#include <stdbool.h>
#include <stdint.h>

/* What upgrades need from the server; all borrowed for longer than this lives. */
struct upgrade_context {
	struct loop *loop;
	struct children *children;
	struct list *sessions;
	struct limit *limit;
	_Atomic uint64_t *last_id; /* of the last session, of all processes that serve */
	const struct endpoint *endpoint;
};

/* True when the client asks for a WebSocket: an Upgrade field names it (RFC 9110, section 7.8).
 */
bool upgrade_is_wanted(const struct head *head);

/*
 * Replies to such a request, or opens a session. URI, HOST (the authority that it was sent to)
 * and the decoded PATH are the request's.
 */
void upgrade_serve(const struct upgrade_context *context, struct connection *connection,
    const struct head *head, const struct uri *uri, struct span host, const char *path);

#endif
