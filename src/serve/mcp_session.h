/* SPDX-License-Identifier: BSD-2-Clause */
/* The sessions of MCP, each with its program, and the programs for all clients. */
#ifndef SERVE_MCP_SESSION_H
#define SERVE_MCP_SESSION_H

#include "serve/affinity.h"
#include "serve/mcp_peer.h"
#include "serve/opening.h"

/* The sessions and programs of a process. */
enum { MCP_BUCKETS = 256 };
struct mcp {
	const struct opening_context *context; /* borrowed, as AFFINITY */
	const struct affinity *affinity;
	struct list buckets[MCP_BUCKETS]; /* of struct mcp_session, by ID */
	struct list programs; /* struct mcp_session: those for all clients */
	size_t posted; /* bytes of requests that are being read */
	size_t kept; /* bytes of messages that streams keep */
	bool finishes; /* no more of both */
};

void mcp_init(
    struct mcp *mcp, const struct opening_context *context, const struct affinity *affinity);

/* The server accepts no more connections: each ends with its last one. */
void mcp_finish(struct mcp *mcp);

struct mcp_session {
	struct list node; /* in a bucket, or in mcp->programs */
	struct endpoint *endpoint; /* a reference */
	char *user; /* owned: who began it; NULL: it was not authenticated */
	/* Owned: a session counts as a connection of its client, whether it has one or not. */
	struct limit_slot *slot;
	struct peer *peer; /* borrowed until it is over */
	char id[ENV_UNIQUE_ID_LEN + 1]; /* empty: for all clients */
};

/* The session that ID names, if the request of EXCHANGE may use it; NULL: there is none. */
struct mcp_session *mcp_session_find(struct mcp *mcp, const struct endpoint *endpoint,
    const struct exchange *exchange, struct span id);

/* Starts a session and its program for the request initialize. NULL: *REJECT is the response.
 */
struct mcp_session *mcp_session_open(struct mcp *mcp, struct endpoint *endpoint,
    struct exchange *exchange, struct reject *reject) __attribute__((warn_unused_result));

/* The one program of an endpoint, which is started if need be. Likewise. */
struct mcp_session *mcp_session_shared(struct mcp *mcp, struct endpoint *endpoint,
    struct reject *reject) __attribute__((warn_unused_result));

#endif
