/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses a JSON-RPC 2.0 message of MCP as far as a gateway needs, and rewrites the parts a
 * gateway must change. Everything else is passed through unchanged. Pure.
 */
#ifndef SERVE_MCP_MESSAGE_H
#define SERVE_MCP_MESSAGE_H

#include "base/buffer.h"
#include "base/util.h"

#define MCP_STATELESS "2026-07-28"
#define MCP_NOT_STATELESS                                                                      \
	"the MCP program does not support version " MCP_STATELESS                              \
	"; begin a session with initialize"

enum {
	MCP_ID_MAX = 1024, /* bytes of an ID or token to be replaced */
	/* Error codes of JSON-RPC and of MCP (basic/index, "Error Codes"). */
	MCP_PARSE_ERROR = -32700,
	MCP_INVALID_REQUEST = -32600,
	MCP_METHOD_NOT_FOUND = -32601,
	MCP_INVALID_PARAMS = -32602,
	MCP_INTERNAL_ERROR = -32603,
	MCP_HEADER_MISMATCH = -32020,
	MCP_MISSING_CAPABILITY = -32021,
	MCP_UNSUPPORTED_VERSION = -32022,
};

enum mcp_kind {
	MCP_REQUEST,
	MCP_NOTIFICATION,
	MCP_RESPONSE,
};

/* The members as spans of TEXT, including the quotes of strings; empty: missing. */
struct mcp_message {
	enum mcp_kind kind;
	struct span text;
	/* A string or a number; in a RESPONSE to an invalid request also null. */
	struct span id;
	struct span method;
	struct span result; /* RESPONSE: this one or the next one */
	struct span error;
	struct span params; /* an object or an array */
	struct span name; /* params.name */
	struct span uri; /* params.uri */
	struct span request_id; /* params.requestId */
	/* params.progressToken of notifications/progress, otherwise _meta.progressToken; _meta
	 * is a member of params or of result. */
	struct span token;
	struct span version; /* _meta: io.modelcontextprotocol/protocolVersion, and so on */
	struct span capabilities; /* clientCapabilities */
	struct span log_level;
	struct span subscription; /* subscriptionId */
};

/* Parses TEXT; the spans of *MESSAGE point into it. Returns 0, or an error code with a sentence
 * in *WHY; message->id is then set if it could be parsed. */
int mcp_message_read(struct span text, struct mcp_message *message, const char **why)
    __attribute__((warn_unused_result));

bool mcp_message_is(const struct mcp_message *message, const char *method);

/* Returns the number in ID if this server generated it (mcp_message_put()), else 0. */
uint64_t mcp_message_number(struct span id);

/* Returns the code of an error response; 0: not an error response, or no code. */
int mcp_message_code(const struct mcp_message *message);

/* Replaces a span of a message. */
struct mcp_edit {
	struct span at; /* empty: replace nothing */
	struct span by;
};

/* Appends the message as one line, without the newline, with EDITS applied; their spans must
 * not overlap. Returns false if memory runs out. */
bool mcp_message_put(struct buffer *out, const struct mcp_message *message,
    const struct mcp_edit *edits, size_t count) __attribute__((warn_unused_result));

/* Appends an error response to the request ID, which may be empty. DATA is NULL or JSON.
 * Returns false if memory runs out. */
bool mcp_message_put_error(struct buffer *out, struct span id, int code, const char *text,
    const char *data) __attribute__((warn_unused_result));

#endif
