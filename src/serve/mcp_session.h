/* SPDX-License-Identifier: BSD-2-Clause */
/* MCP sessions, each with its own program, and the shared programs of stateless clients. */
#ifndef SERVE_MCP_SESSION_H
#define SERVE_MCP_SESSION_H

#include "serve/affinity.h"
#include "serve/mcp_peer.h"
#include "serve/opening.h"
#include "serve/session_table.h"

/* The MCP sessions and programs of a process. */
struct mcp {
	const struct opening_context *context; /* borrowed, as AFFINITY */
	const struct affinity *affinity;
	struct session_table table;
	struct list programs; /* struct session_entry without an ID: the shared programs */
	size_t posted; /* bytes of requests being read */
	size_t kept; /* bytes of messages kept by streams */
	bool finishes; /* no new sessions or programs */
};

void mcp_init(
    struct mcp *mcp, const struct opening_context *context, const struct affinity *affinity);

/* Stops accepting requests because the server shuts down gracefully: each session ends with its
 * last connection. */
void mcp_finish(struct mcp *mcp);

/* Starts a session and its program for an initialize request. Returns NULL with the error
 * response in *REJECT. */
struct session_entry *mcp_session_open(struct mcp *mcp, struct endpoint *endpoint,
    struct exchange *exchange, struct reject *reject) __attribute__((warn_unused_result));

/* Returns the shared program of ENDPOINT, started if necessary. Returns NULL with the error
 * response in *REJECT. */
struct session_entry *mcp_session_shared(struct mcp *mcp, struct endpoint *endpoint,
    struct reject *reject) __attribute__((warn_unused_result));

#endif
