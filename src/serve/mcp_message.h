/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JSON-RPC 2.0 message of MCP as a value: what a gateway has to know of it, and how what it
 * has to change is changed. Pure. All else of a message is passed on as it is.
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
	MCP_ID_MAX = 1024, /* bytes of an ID or a token that is replaced */
	/* Codes of errors: of JSON-RPC, and of MCP (basic/index, "Error Codes"). */
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

/* Its members as spans of its text, with the quotes of a string; empty: missing. */
struct mcp_message {
	enum mcp_kind kind;
	struct span text;
	struct span id; /* a string or a number; of a RESPONSE to no request also null */
	struct span method;
	struct span result; /* of a RESPONSE, or the next one */
	struct span error;
	struct span params; /* an object or an array */
	struct span name; /* params.name */
	struct span uri; /* params.uri */
	struct span request_id; /* params.requestId */
	/* params.progressToken of notifications/progress, else that of _meta, which is a member
	 * of params or of result. */
	struct span token;
	struct span version; /* _meta: io.modelcontextprotocol/protocolVersion, and so on */
	struct span capabilities; /* clientCapabilities */
	struct span log_level;
	struct span subscription; /* subscriptionId */
};

/* Reads TEXT, to which the spans of *MESSAGE point. 0, or the code of an error, and *WHY is a
 * sentence about it; message->id is set if it is known even then. */
int mcp_message_read(struct span text, struct mcp_message *message, const char **why)
    __attribute__((warn_unused_result));

bool mcp_message_is(const struct mcp_message *message, const char *method);

/* The number that ID is, if it is one of ours (mcp_message_put()); 0: it is not. */
uint64_t mcp_message_number(struct span id);

/* The code of an error response; 0: it is none, or has none. */
int mcp_message_code(const struct mcp_message *message);

/* A span of a message, and the text in its place. */
struct mcp_edit {
	struct span at; /* empty: nothing is replaced */
	struct span by;
};

/* Appends the message in one line, without its end, as edited: its spans don't overlap. False
 * without memory. */
bool mcp_message_put(struct buffer *out, const struct mcp_message *message,
    const struct mcp_edit *edits, size_t count) __attribute__((warn_unused_result));

/* Appends an error response to the request ID, which may be empty. DATA is NULL or JSON. False
 * without memory. */
bool mcp_message_put_error(struct buffer *out, struct span id, int code, const char *text,
    const char *data) __attribute__((warn_unused_result));

#endif
