/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arguments of tools that a client repeats in its header (2026-07-28,
 * basic/transports/streamable-http, "Custom Headers from Tool Parameters"): the inputSchema of
 * a tool marks them by x-mcp-header. Both must agree. Pure.
 */
#ifndef SERVE_MCP_TOOLS_H
#define SERVE_MCP_TOOLS_H

#include "base/list.h"
#include "http/head.h"
#include "serve/mcp_message.h"

/* The tools that mark an argument. */
struct mcp_tools {
	struct list list; /* only mcp_tools.c looks inside */
};

void mcp_tools_init(struct mcp_tools *tools);
void mcp_tools_clear(struct mcp_tools *tools);

/* Takes over what RESULT, that of tools/list, defines; other tools stay as they are. Without
 * memory, a tool is not known. */
void mcp_tools_learn(struct mcp_tools *tools, struct span result);

/* Whether the header of the request agrees with its arguments; also if it calls none of these
 * tools. 0, or the code of an error; *WHY is a sentence about it. */
int mcp_tools_check(const struct mcp_tools *tools, const struct head *head,
    const struct mcp_message *request, const char **why);

#endif
