// SPDX-License-Identifier: BSD-2-Clause
// A server of the Model Context Protocol on standard input and output, as its SDK makes them: one tool, which gives
// back what it gets.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const server = new McpServer({ name: "echo", version: "1" });

server.registerTool("echo", { inputSchema: { text: z.string() } }, async ({ text }) => ({
    content: [{ type: "text", text }],
}));
await server.connect(new StdioServerTransport());
