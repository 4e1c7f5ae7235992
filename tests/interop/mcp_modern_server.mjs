// SPDX-License-Identifier: BSD-2-Clause
// A server of the Model Context Protocol in its versions 2025-11-25 and 2026-07-28, with some of the tools, prompts and
// resources that the conformance package asks for: over HTTP on PORT, or on standard input and output.
import { McpServer, createMcpHandler } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createServer } from "node:http";
import * as z from "zod";

const factory = () => {
    const s = new McpServer({ name: "conformance", version: "1.0.0" }, { capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true, subscribe: true }, logging: {}, completions: {} } });
    const text = (t) => ({ content: [{ type: "text", text: t }] });
    s.registerTool("test_simple_text", { description: "d", inputSchema: z.object({}) }, async () => text("This is a simple text response for testing."));
    const marked = z.object({ region: z.string().meta({ "x-mcp-header": "Region" }), count: z.number().int().meta({ "x-mcp-header": "Count" }).optional() });
    s.registerTool("test_header", { description: "d", inputSchema: marked }, async (a) => text(a.region));
    s.registerTool("test_error_handling", { description: "d", inputSchema: z.object({}) }, async () => ({ isError: true, content: [{ type: "text", text: "This tool intentionally returns an error for testing" }] }));
    s.registerTool("test_image_content", { description: "d", inputSchema: z.object({}) }, async () => ({ content: [{ type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" }] }));
    s.registerTool("test_logging_tool", { description: "d", inputSchema: z.object({}) }, async () => text("x"));
    s.registerTool("test_tool_with_progress", { description: "d", inputSchema: z.object({}) }, async (_a, ctx) => {
        const t = ctx.mcpReq?._meta?.progressToken ?? ctx._meta?.progressToken;
        for (const p of [0, 50, 100]) { await ctx.mcpReq.notify({ method: "notifications/progress", params: { progressToken: t, progress: p, total: 100 } }); await new Promise(r => setTimeout(r, 20)); }
        return text("done");
    });
    s.registerTool("test_trigger_tool_change", { description: "d", inputSchema: z.object({}) }, async () => { s.sendToolListChanged(); return text("ok"); });
    s.registerTool("test_trigger_prompt_change", { description: "d", inputSchema: z.object({}) }, async () => { s.sendPromptListChanged(); return text("ok"); });
    s.registerPrompt("test_simple_prompt", { description: "d" }, async () => ({ messages: [{ role: "user", content: { type: "text", text: "This is a simple prompt for testing." } }] }));
    s.registerResource("t", "test://static-text", { mimeType: "text/plain" }, async (uri) => ({ contents: [{ uri: uri.href, mimeType: "text/plain", text: "This is the content of the static text resource." }] }));
    return s;
};
if (process.env.PORT) { const h = toNodeHandler(createMcpHandler(factory)); createServer((q, r) => h(q, r)).listen(+process.env.PORT); } else serveStdio(factory);
