/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses to MCP clients that are not messages of the program. */
#ifndef SERVE_MCP_REPLY_H
#define SERVE_MCP_REPLY_H

#include "http/exchange.h"
#include "serve/endpoint.h"
#include "serve/mcp_message.h"

/* The header lines of a response: those for a page that may read it, and OTHERS. NULL without
 * memory. Owned by the caller. */
char *mcp_reply_fields(const struct endpoint *endpoint, const struct exchange *exchange,
    const char *others) __attribute__((warn_unused_result));

/* A response without a message. */
void mcp_reply(
    const struct endpoint *endpoint, struct exchange *exchange, int status, const char *others);

/* An error response of JSON-RPC to the request ID, which may be empty. DATA is NULL or JSON. */
void mcp_reply_error(const struct endpoint *endpoint, struct exchange *exchange, int status,
    const char *others, struct span id, int code, const char *text, const char *data);

/* The same to no request, because of one that is invalid. */
void mcp_reply_invalid(
    const struct endpoint *endpoint, struct exchange *exchange, int status, const char *text);

#endif
