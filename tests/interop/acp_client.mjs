// SPDX-License-Identifier: BSD-2-Clause
// The client of the official SDK, unchanged, with its transport for WebSocket. The URL is the argument.
import assert from "node:assert/strict";

import * as acp from "@agentclientprotocol/sdk";
import { createWebSocketStream } from "@agentclientprotocol/sdk/experimental/ws-client";
import { WebSocket } from "ws";

let connectionId;

class Socket extends WebSocket {
    constructor(...args) {
        super(...args);
        this.on("upgrade", (response) => {
            connectionId = response.headers["acp-connection-id"];
        });
    }
}

let chunks = "";
const client = acp.client({ name: "wspipe-interop-test" });

client.onNotification(acp.methods.client.session.update, async ({ params }) => {
    chunks += params.update.content.text;
});
await client.connectWith(createWebSocketStream(process.argv[2], { WebSocket: Socket }), async (agent) => {
    const { agentInfo } = await agent.request(acp.methods.agent.initialize, {
        protocolVersion: acp.PROTOCOL_VERSION,
        clientCapabilities: {},
    });
    const { sessionId } = await agent.request(acp.methods.agent.session.new, { cwd: "/", mcpServers: [] });
    const text = "a\nb\r\n grüße €😀";

    // The transport's description asks for this header field; here it is also what the agent sees.
    assert.match(connectionId, /^[0-9a-f]{32}$/);
    assert.equal(agentInfo.name, connectionId);
    const { stopReason } = await agent.request(acp.methods.agent.session.prompt, {
        sessionId,
        prompt: [{ type: "text", text }],
    });
    assert.equal(stopReason, "end_turn");
    assert.equal(chunks, text);
});
