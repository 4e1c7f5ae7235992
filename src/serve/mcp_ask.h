/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an MCP program is asked before the first request of a client without a session gets to
 * it: by server/discover whether it speaks the stateless protocol, and by tools/list which
 * arguments a client repeats in its header.
 */
#ifndef SERVE_MCP_ASK_H
#define SERVE_MCP_ASK_H

#include "serve/mcp_tools.h"

enum { MCP_PAGES_MAX = 256 }; /* of tools/list */

/* Zero bytes and mcp_tools_init() are its beginning. */
struct mcp_ask {
	struct buffer lines; /* owned: for the program, before those of clients */
	uint64_t number; /* of the request that waits for its response; 0: none */
	/* Of tools/list, and one for server/discover; 0: it does not speak the stateless
	 * protocol, as far as is known. */
	unsigned int pages;
	struct mcp_tools tools;
};

/* Asks by server/discover, as request NUMBER. False without memory. */
bool mcp_ask_begin(struct mcp_ask *ask, uint64_t number) __attribute__((warn_unused_result));

/* Uses the response to what was asked. True: another request was added, as number NEXT. */
bool mcp_ask_take(struct mcp_ask *ask, const struct mcp_message *m, uint64_t next);

void mcp_ask_clear(struct mcp_ask *ask);

#endif
