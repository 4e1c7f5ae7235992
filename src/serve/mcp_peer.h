/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients of an MCP program as the peer of a session. It gives each request a number of its
 * own and restores the client's ID in the response, and likewise progress tokens and
 * subscription IDs; by these numbers it knows which stream (serve/mcp_stream.h) a message of
 * the program belongs to.
 *
 * It is one of two kinds. That of a session of MCP (up to 2025-11-25) has one client, whose
 * streams are resumable. The stateless one (2026-07-28) has many clients that do not know each
 * other: if one of them disconnects, the program receives notifications/cancelled. It first
 * asks the program (serve/mcp_ask.h).
 */
#ifndef SERVE_MCP_PEER_H
#define SERVE_MCP_PEER_H

#include "base/log.h"
#include "peer/peer.h"
#include "serve/mcp_message.h"
#include "serve/mcp_stream.h"

enum {
	MCP_PENDING_MAX = 1024, /* requests of a session that wait for their responses */
	MCP_STATELESS_PENDING_MAX = 8192, /* likewise, of all clients */
	MCP_INPUT_MAX =
	    1 << 20, /* bytes queued for the program: above it, messages are rejected */
	MCP_LINE_MAX = 64 << 20, /* bytes of a message of the program */
	MCP_DISCOVER_MS = 60 * 1000, /* for the responses to what it is asked first */
};

struct mcp_peer_spec {
	struct loop *loop; /* borrowed */
	struct peer_counts *sent; /* for struct peer */
	size_t *room; /* borrowed: bytes that all streams of the process keep */
	uint64_t log_id;
	int64_t idle_ms;
	bool stateless;
	char session[64]; /* of a session: a header line with its ID */
	/* It is freed, or ends: no request may come any more. Called once. */
	void (*on_over)(void *owner);
	void *owner; /* borrowed */
};

/* HANDLERS and ARG are borrowed until it is finished or freed. NULL without memory. */
struct peer *mcp_peer_new(const struct mcp_peer_spec *spec,
    const struct peer_handlers *handlers, void *arg) __attribute__((warn_unused_result));

enum mcp_posted {
	MCP_POSTED, /* a request: the exchange is the peer's */
	MCP_BUSY, /* too much waits for the program */
	MCP_MISMATCH, /* the header does not agree with the arguments: *WHY */
	MCP_UNSUPPORTED, /* the program does not speak the stateless protocol */
	MCP_OVER,
	MCP_NO_MEMORY,
};

/* For all of these: handlers may be called. FIELDS are header lines of the response. */
enum mcp_posted mcp_peer_request(struct peer *peer, const struct mcp_message *message,
    struct exchange *exchange, const char *fields, const char **why);

/* A notification or a response. */
enum mcp_posted mcp_peer_post(struct peer *peer, const struct mcp_message *message);

/* Of a session: continues stream NUMBER, or begins stream 0. False: there is no such stream;
 * or, with MCP_STREAM_CONTINUE, another connection has it. */
bool mcp_peer_listen(struct peer *peer, struct exchange *exchange, const char *fields,
    uint64_t number, uint64_t after);

/* No request can come any more: it ends once those that are pending have got their responses.
 */
void mcp_peer_finish(struct peer *peer);

/* The client ends its session. */
void mcp_peer_leave(struct peer *peer);

#endif
