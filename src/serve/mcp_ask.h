/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries an MCP program before the first request of a client without a session is forwarded:
 * server/discover tells whether it supports the stateless protocol, tools/list which arguments
 * clients must repeat in header fields.
 */
#ifndef SERVE_MCP_ASK_H
#define SERVE_MCP_ASK_H

#include "serve/mcp_tools.h"

enum { MCP_PAGES_MAX = 256 }; /* pages of tools/list */

/* Initialize with zero bytes and mcp_tools_init(). */
struct mcp_ask {
	struct buffer lines; /* owned: requests for the program, sent before those of clients */
	uint64_t number; /* the pending request; 0: none */
	/* Pages of tools/list requested, plus one for server/discover; 0: the program is not
	 * known to speak the stateless protocol. */
	unsigned int pages;
	struct mcp_tools tools;
};

/* Queues server/discover as request NUMBER. Returns false if memory runs out. */
bool mcp_ask_begin(struct mcp_ask *ask, uint64_t number) __attribute__((warn_unused_result));

/* Handles the response to the pending request. Returns true if it queued another request, with
 * number NEXT. */
bool mcp_ask_take(struct mcp_ask *ask, const struct mcp_message *m, uint64_t next);

void mcp_ask_clear(struct mcp_ask *ask);

#endif
