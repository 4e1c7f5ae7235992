// SPDX-License-Identifier: BSD-2-Clause
// The client of the official SDK, unchanged, with its transport for Streamable HTTP. The URL is the argument.
import assert from "node:assert/strict";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const client = new Client({ name: "wspipe-interop-test", version: "1" });
const transport = new StreamableHTTPClientTransport(new URL(process.argv[2].replace(/^ws/, "http")));

await client.connect(transport);
assert.equal(transport.protocolVersion, "2025-11-25");
assert.deepEqual(client.getServerVersion(), { name: "echo", version: "1" });
for (const text of ["", "a\nb\r\n", "grüße €😀", "x".repeat(300_000)]) {
    const { content } = await client.callTool({ name: "echo", arguments: { text } });
    assert.deepEqual(content, [{ type: "text", text }]);
}
const calls = Array.from({ length: 50 }, (_, i) => client.callTool({ name: "echo", arguments: { text: `${i}` } }));
assert.deepEqual((await Promise.all(calls)).map(({ content }) => content[0].text), calls.map((_, i) => `${i}`));
await transport.terminateSession();
await client.close();
