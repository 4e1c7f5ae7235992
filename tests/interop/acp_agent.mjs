// SPDX-License-Identifier: BSD-2-Clause
// An agent of the Agent Client Protocol on standard input and output, as its SDK makes them: it gives each prompt back
// in chunks of a character.
import { Readable, Writable } from "node:stream";

import * as acp from "@agentclientprotocol/sdk";

acp.agent({ name: "echo" })
    .onRequest(acp.methods.agent.initialize, async () => ({
        protocolVersion: acp.PROTOCOL_VERSION,
        agentCapabilities: {},
        agentInfo: { name: process.env.UNIQUE_ID, version: "1" },
    }))
    .onRequest(acp.methods.agent.session.new, async () => ({ sessionId: "one" }))
    .onRequest(acp.methods.agent.session.prompt, async ({ client, params }) => {
        const { sessionId, prompt } = params;

        for (const text of prompt[0].text) {
            await client.notify(acp.methods.client.session.update, {
                sessionId,
                update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } },
            });
        }
        return { stopReason: "end_turn" };
    })
    .connect(acp.ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
