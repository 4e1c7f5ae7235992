// SPDX-License-Identifier: BSD-2-Clause
// The client "websocket" of node, by its own interface.
import { once } from "node:events";

import websocket from "websocket";

import { input, sizes } from "./w3c.mjs";

const DEADLINE = 30_000;
const facts = input();
const soon = () => ({ signal: AbortSignal.timeout(DEADLINE) });

function same(got, wanted, what) {
    if (got !== wanted)
        throw new Error(`${what} is ${String(got).slice(0, 60)}, not ${String(wanted).slice(0, 60)}`);
}

async function open(url) {
    // It sends long messages in fragments, unless told otherwise: so both are tried.
    const client = new websocket.client({ closeTimeout: DEADLINE });
    const connected = once(client, "connect", soon());

    client.on("connectFailed", (error) => client.emit("error", error));
    client.connect(url);
    const [connection] = await connected;
    const came = [];
    connection.on("message", (message) => {
        came.push(message);
        connection.emit("came");
    });
    connection.next = async () => {
        while (came.length === 0)
            await once(connection, "came", soon());
        return came.shift();
    };
    return connection;
}

async function check(name, body) {
    try {
        await body();
        console.log(`ok ${name}`);
    } catch (error) {
        console.log(`not ok ${name}: ${error.message}`);
    }
}

const text = await open(facts.text);
for (const n of sizes) {
    await check(`text-${n}`, async () => {
        const words = "€01234567890123".repeat(Math.floor(n / 17)) + "x".repeat(n % 17);
        text.sendUTF(words);
        const back = await text.next();
        same(back.type, "utf8", "the type");
        same(back.utf8Data, words, "the text");
    });
}
await check("ping", async () => {
    for (const payload of [Buffer.from([0, 255, 128, 10]), Buffer.alloc(0), Buffer.alloc(125, "p")]) {
        text.ping(payload);
        const [back] = await once(text, "pong", soon());
        same(back.toString("hex"), payload.toString("hex"), "the payload");
    }
});
await check("close-client", async () => {
    const closed = once(text, "close", soon());
    text.close(4001, "bye");
    await closed;
    // Of the server's answer it only says that it was the one that was waited for.
    same(text.closeReasonCode, 4001, "the code");
    same(text.state, "closed", "the state");
});

const bytes = await open(facts.bytes);
for (const n of sizes) {
    await check(`binary-${n}`, async () => {
        const all = Buffer.from(Array.from({ length: n || 1 }, (_, i) => (i * 31 + (i >> 8)) & 255));
        const parts = [];
        let got = 0;
        if (n === 0)
            bytes.sendBytes(Buffer.alloc(0));
        bytes.sendBytes(all);
        while (got < all.length) {
            const part = await bytes.next();
            same(part.type, "binary", "the type");
            parts.push(part.binaryData);
            got += part.binaryData.length;
        }
        same(Buffer.concat(parts).equals(all), true, "it came back unchanged, which");
    });
}
bytes.close();

await check("close-server", async () => {
    const connection = await open(facts.exit);
    const closed = once(connection, "close", soon());
    connection.sendUTF("3");
    const [code, reason] = await closed;
    same(`${code} ${reason}`, "4003 exit 3", "the end");
});
await check("pong", async () => {
    const connection = await open(facts.idle);
    same((await connection.next()).utf8Data, "awake", "the message");
    connection.sendUTF("still here");
    same((await connection.next()).utf8Data, "still here", "the message");
    connection.close();
});
if (facts.deflate)
    console.log("skip deflate: it has no compression");
