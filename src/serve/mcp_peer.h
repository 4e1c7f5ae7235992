/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients of an MCP program, as the peer of a session. Replaces the ID of each request by a
 * unique number and restores the client's ID in the response; progress tokens and subscription
 * IDs are replaced the same way. These numbers map a message of the program to its stream
 * (serve/mcp_stream.h).
 *
 * There are two kinds. The peer of an MCP session (up to 2025-11-25) has one client, whose
 * streams are resumable. The stateless peer (2026-07-28) has many unrelated clients: when one
 * disconnects, the program receives notifications/cancelled. The stateless peer first queries
 * the program (serve/mcp_ask.h).
 */
#ifndef SERVE_MCP_PEER_H
#define SERVE_MCP_PEER_H

#include "base/log.h"
#include "peer/peer.h"
#include "serve/mcp_message.h"
#include "serve/mcp_stream.h"

enum {
	MCP_PENDING_MAX = 1024, /* pending requests of a session */
	MCP_STATELESS_PENDING_MAX = 8192, /* pending requests of all clients */
	MCP_INPUT_MAX =
	    1 << 20, /* bytes queued for the program; beyond that, messages are rejected */
	MCP_LINE_MAX = 64 << 20, /* bytes in one message from the program */
	MCP_DISCOVER_MS = 60 * 1000, /* time limit for the responses to the initial queries */
};

struct mcp_peer_spec {
	struct loop *loop; /* borrowed */
	struct peer_counts *sent; /* counters of struct peer */
	size_t *room; /* borrowed: bytes kept by all streams of the process */
	uint64_t log_id;
	int64_t idle_ms;
	bool stateless;
	char session[64]; /* session peers: a header line with the session ID */
	/* The peer ends or is freed, and must get no further requests. Called once. */
	void (*on_over)(void *owner);
	void *owner; /* borrowed */
};

/* Returns a new peer, or NULL if memory runs out. HANDLERS and ARG are borrowed until the peer
 * is finished or freed. */
struct peer *mcp_peer_new(const struct mcp_peer_spec *spec,
    const struct peer_handlers *handlers, void *arg) __attribute__((warn_unused_result));

enum mcp_posted {
	MCP_POSTED, /* success; after a request the peer owns the exchange */
	MCP_BUSY, /* the program's queue is full */
	MCP_MISMATCH, /* header fields and arguments differ: see *WHY */
	MCP_UNSUPPORTED, /* the program does not speak the stateless protocol */
	MCP_OVER,
	MCP_NO_MEMORY,
};

/* Forwards a request. FIELDS are header lines for the response. Like all functions below, this
 * may call handlers. */
enum mcp_posted mcp_peer_request(struct peer *peer, const struct mcp_message *message,
    struct exchange *exchange, const char *fields, const char **why);

/* Forwards a notification or a response. */
enum mcp_posted mcp_peer_post(struct peer *peer, const struct mcp_message *message);

/* Session peers: resumes stream NUMBER after event AFTER, or opens stream 0. Returns false if
 * there is no such stream or, with MCP_STREAM_CONTINUE, if another connection has it. */
bool mcp_peer_listen(struct peer *peer, struct exchange *exchange, const char *fields,
    uint64_t number, uint64_t after);

/* Accepts no more requests: the peer ends after the response to the last pending one. */
void mcp_peer_finish(struct peer *peer);

/* Ends the session at the client's request. */
void mcp_peer_leave(struct peer *peer);

#endif
