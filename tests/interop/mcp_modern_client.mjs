// SPDX-License-Identifier: BSD-2-Clause
// The client of version 2 of the official SDK, unchanged, in both versions of the protocol. The URL is the argument.
import assert from "node:assert/strict";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

for (const [versionNegotiation, version] of [[undefined, "2025-11-25"], [{ mode: "auto" }, "2026-07-28"]]) {
    const client = new Client({ name: "wspipe-interop-test", version: "1" }, { versionNegotiation });
    const call = (name, options) => client.callTool({ name, arguments: {} }, options);

    await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2].replace(/^ws/, "http"))));
    assert.equal(client.getNegotiatedProtocolVersion(), version);
    assert.equal(client.getServerVersion().name, "conformance");
    assert.ok((await client.listTools()).tools.some(({ name }) => name === "test_simple_text"));
    const progress = [];
    await call("test_tool_with_progress", { onprogress: (p) => progress.push(p.progress) });
    assert.deepEqual(progress, [0, 50, 100]);
    const results = await Promise.all(Array.from({ length: 50 }, () => call("test_simple_text")));
    assert.ok(results.every(({ content }) => content[0].text.startsWith("This is a simple text response")));
    assert.equal((await client.readResource({ uri: "test://static-text" })).contents.length, 1);
    await client.close();
}
