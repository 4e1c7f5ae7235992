/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An MCP server over stdio as an endpoint of the Streamable HTTP transport, in both versions of
 * it:
 *
 * 2025-11-25 and earlier: POST of initialize starts a session and its program. MCP-Session-Id
 * names the session in all later requests: POST sends messages, GET opens a stream, DELETE ends
 * it.
 *
 * 2026-07-28: each POST stands alone; one program serves all clients.
 *
 * The program speaks lines of JSON-RPC. Messages pass as they are but for IDs
 * (serve/mcp_peer.h).
 */
#ifndef SERVE_MCP_H
#define SERVE_MCP_H

#include "serve/mcp_session.h"

/* Responds to a CORS preflight request (Fetch standard) for the decoded PATH, which carries no
 * credentials. False: it is not one, or not for MCP. */
bool mcp_preflight(struct endpoint *endpoint, struct exchange *exchange, const char *path);

/* Whether mcp_serve() responds to a request for the decoded PATH. */
bool mcp_covers(
    const struct endpoint *endpoint, const struct exchange *exchange, const char *path);

/* Sees that the worker that has the session, or the program of all clients, serves such a
 * request. False: it is this one. */
bool mcp_relay(const struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange);

/* Responds to a request for the decoded PATH, now or later. False: it is not for MCP. */
bool mcp_serve(
    struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
