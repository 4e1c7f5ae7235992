/* SPDX-License-Identifier: BSD-2-Clause */
/* The sessions of MCP, each with its program, and the programs for all clients. */
#ifndef SERVE_MCP_SESSION_H
#define SERVE_MCP_SESSION_H

#include "serve/affinity.h"
#include "serve/mcp_peer.h"
#include "serve/opening.h"
#include "serve/session_table.h"

/* The sessions and programs of a process. */
struct mcp {
	const struct opening_context *context; /* borrowed, as AFFINITY */
	const struct affinity *affinity;
	struct session_table table;
	struct list programs; /* struct session_entry: those for all clients, without an ID */
	size_t posted; /* bytes of requests that are being read */
	size_t kept; /* bytes of messages that streams keep */
	bool finishes; /* no more of both */
};

void mcp_init(
    struct mcp *mcp, const struct opening_context *context, const struct affinity *affinity);

/* The server accepts no more connections: each ends with its last one. */
void mcp_finish(struct mcp *mcp);

/* Starts a session and its program for the request initialize. NULL: *REJECT is the response.
 */
struct session_entry *mcp_session_open(struct mcp *mcp, struct endpoint *endpoint,
    struct exchange *exchange, struct reject *reject) __attribute__((warn_unused_result));

/* The one program of an endpoint, which is started if need be. Likewise. */
struct session_entry *mcp_session_shared(struct mcp *mcp, struct endpoint *endpoint,
    struct reject *reject) __attribute__((warn_unused_result));

#endif
