/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses to MCP clients that the server itself generates. */
#ifndef SERVE_MCP_REPLY_H
#define SERVE_MCP_REPLY_H

#include "http/exchange.h"
#include "serve/endpoint.h"
#include "serve/mcp_message.h"

/* Returns the header lines of a response: the CORS fields for a page that may read it, and
 * OTHERS. The caller owns the result. Returns NULL if memory runs out. */
char *mcp_reply_fields(const struct endpoint *endpoint, const struct exchange *exchange,
    const char *others) __attribute__((warn_unused_result));

/* Sends a response without a body. */
void mcp_reply(
    const struct endpoint *endpoint, struct exchange *exchange, int status, const char *others);

/* Sends a JSON-RPC error response to the request ID, which may be empty. DATA is NULL or
 * JSON. */
void mcp_reply_error(const struct endpoint *endpoint, struct exchange *exchange, int status,
    const char *others, struct span id, int code, const char *text, const char *data);

/* Sends a JSON-RPC error response without an ID, because the request is invalid. */
void mcp_reply_invalid(
    const struct endpoint *endpoint, struct exchange *exchange, int status, const char *text);

#endif
