/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the header of a request says about the MCP message in its body. Pure.
 *
 * In the stateless protocol both must agree (2026-07-28, basic/transports/streamable-http,
 * "Request Metadata"), so that a proxy that reads the header alone is not misled.
 */
#ifndef SERVE_MCP_HEADERS_H
#define SERVE_MCP_HEADERS_H

#include "http/head.h"
#include "serve/mcp_message.h"

enum mcp_protocol {
	MCP_PROTOCOL_SESSION,
	MCP_PROTOCOL_STATELESS,
	MCP_PROTOCOL_UNKNOWN, /* a version that this server does not know */
};

/* Which protocol a request is to be served by. */
enum mcp_protocol mcp_headers_protocol(const struct head *head, const struct mcp_message *m);

/* Whether TYPE, as "text/event-stream", is accepted. */
bool mcp_headers_accept(const struct head *head, const char *type);

/* Whether its content is JSON. */
bool mcp_headers_are_json(const struct head *head);

/* Whether a request that is not of a session is valid. 0, or the code of an error; *WHY is a
 * sentence about it. OUT of memory is MCP_INTERNAL_ERROR. */
int mcp_headers_check(const struct head *head, const struct mcp_message *m, const char **why);

/* Appends what FIELD stands for: it is plain ASCII, or =?base64?...?= ("Value Encoding"). 0, or
 * the code of an error. */
int mcp_headers_decode(struct buffer *text, struct span field);

/* The stream and the event in Last-Event-ID. False: it is none of ours. */
bool mcp_headers_event(struct span last, uint64_t *stream, uint64_t *event);

#endif
