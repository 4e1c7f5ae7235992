/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the tool arguments that a client repeats in header fields (2026-07-28,
 * basic/transports/streamable-http, "Custom Headers from Tool Parameters"). The inputSchema of
 * a tool marks them with x-mcp-header; header and argument must agree. Pure.
 */
#ifndef SERVE_MCP_TOOLS_H
#define SERVE_MCP_TOOLS_H

#include "base/list.h"
#include "http/head.h"
#include "serve/mcp_message.h"

/* The tools that mark at least one argument. */
struct mcp_tools {
	struct list list; /* private to mcp_tools.c */
};

void mcp_tools_init(struct mcp_tools *tools);
void mcp_tools_clear(struct mcp_tools *tools);

/* Adds or replaces the tools defined in RESULT, a result of tools/list; other tools stay. If
 * memory runs out, a tool stays unknown. */
void mcp_tools_learn(struct mcp_tools *tools, struct span result);

/* Checks the header of REQUEST against its arguments; a call of an unknown tool, or no call,
 * passes. Returns 0, or an error code with a sentence in *WHY. */
int mcp_tools_check(const struct mcp_tools *tools, const struct head *head,
    const struct mcp_message *request, const char **why);

#endif
