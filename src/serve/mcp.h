/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves an MCP program that speaks stdio over the Streamable HTTP transport, in both versions
 * of it:
 *
 * 2025-11-25 and earlier: POST of initialize starts a session and its program. MCP-Session-Id
 * names the session in all later requests: POST sends messages, GET opens a stream, DELETE ends
 * the session.
 *
 * 2026-07-28: each POST is independent; one program serves all clients.
 *
 * The program speaks JSON-RPC, one message per line. Messages are forwarded unchanged except
 * for IDs (serve/mcp_peer.h).
 */
#ifndef SERVE_MCP_H
#define SERVE_MCP_H

#include "serve/mcp_session.h"

/* Responds to a CORS preflight request (Fetch standard), which carries no credentials, for the
 * decoded PATH. Returns false if it is not a preflight, or not for MCP. */
bool mcp_preflight(struct endpoint *endpoint, struct exchange *exchange, const char *path);

/* Reports whether mcp_serve() handles a request for the decoded PATH. */
bool mcp_covers(
    const struct endpoint *endpoint, const struct exchange *exchange, const char *path);

/* Relays an MCP request to the worker that owns its session or shared program. Returns false if
 * this process must serve it. */
bool mcp_relay(const struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange);

/* Responds to a request for the decoded PATH, now or later. Returns false if it is not for
 * MCP. */
bool mcp_serve(
    struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange, const char *path);

#endif
