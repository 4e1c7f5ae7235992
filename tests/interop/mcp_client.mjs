// SPDX-License-Identifier: BSD-2-Clause
// The client of the official SDK, unchanged, with its transport for WebSocket. The URL is the argument.
import assert from "node:assert/strict";
import { once } from "node:events";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js";
import { WebSocket } from "ws";

globalThis.WebSocket ??= WebSocket; // node has one since version 22

const url = new URL(process.argv[2]);
const client = new Client({ name: "wspipe-interop-test", version: "1" });

await client.connect(new WebSocketClientTransport(url));
assert.deepEqual(client.getServerVersion(), { name: "echo", version: "1" });
assert.deepEqual((await client.listTools()).tools.map((tool) => tool.name), ["echo"]);
for (const text of ["", "a\nb\r\n", "grüße €😀", "x".repeat(300_000)]) {
    const { content } = await client.callTool({ name: "echo", arguments: { text } });
    assert.deepEqual(content, [{ type: "text", text }]);
}
const calls = Array.from({ length: 50 }, (_, i) => client.callTool({ name: "echo", arguments: { text: `${i}` } }));
assert.deepEqual((await Promise.all(calls)).map(({ content }) => content[0].text), calls.map((_, i) => `${i}`));
await client.close();

// A client may send JSON with newlines between its tokens; to a program that reads lines they are blanks.
const socket = new WebSocket(url, "mcp");
await once(socket, "open");
socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }, null, 4));
const [answer] = await once(socket, "message");
assert.deepEqual(JSON.parse(answer), { jsonrpc: "2.0", id: 1, result: {} });
socket.close();
