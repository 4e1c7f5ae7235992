/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses and checks the HTTP header fields that describe the MCP message in the body. Pure.
 *
 * In the stateless protocol header and body must agree (2026-07-28,
 * basic/transports/streamable-http, "Request Metadata"), so that a proxy that only reads the
 * header is not misled.
 */
#ifndef SERVE_MCP_HEADERS_H
#define SERVE_MCP_HEADERS_H

#include "http/head.h"
#include "serve/mcp_message.h"

enum mcp_protocol {
	MCP_PROTOCOL_SESSION,
	MCP_PROTOCOL_STATELESS,
	MCP_PROTOCOL_UNKNOWN, /* a version unknown to this server */
};

/* Returns the protocol that a request uses. */
enum mcp_protocol mcp_headers_protocol(const struct head *head, const struct mcp_message *m);

/* Reports whether the client accepts the media type TYPE, e.g. "text/event-stream". */
bool mcp_headers_accept(const struct head *head, const char *type);

/* Reports whether Content-Type is JSON. */
bool mcp_headers_are_json(const struct head *head);

/* Checks a request of the stateless protocol. Returns 0, or an error code with a sentence in
 * *WHY; MCP_INTERNAL_ERROR if memory runs out. */
int mcp_headers_check(const struct head *head, const struct mcp_message *m, const char **why);

/* Appends the decoded value of FIELD, which is plain ASCII or =?base64?...?= ("Value
 * Encoding"). Returns 0 or an error code. */
int mcp_headers_decode(struct buffer *text, struct span field);

/* Parses the stream and event number in Last-Event-ID. Returns false if this server did not
 * generate it. */
bool mcp_headers_event(struct span last, uint64_t *stream, uint64_t *event);

#endif
