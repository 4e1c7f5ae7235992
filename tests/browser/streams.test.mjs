// SPDX-License-Identifier: BSD-2-Clause
// WspipeSocket of js/wspipe.js in Chromium, or with FIREFOX=PROGRAM in Firefox: over each transport, with those before
// it blocked, and over a network that breaks.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { chromium, firefox } from "playwright-core";

import { DEADLINE, Server } from "./server.mjs";

const browser = process.env.FIREFOX
    ? await firefox.launch({ executablePath: process.env.FIREFOX, channel: "moz-firefox", timeout: DEADLINE })
    : await chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
        timeout: DEADLINE,
    });
after(() => browser.close());

async function serve(t, ...args) {
    const site = fs.mkdtempSync(path.join(os.tmpdir(), "streams-"));
    const server = await Server.start(`--staticdir=${site}`, ...args);

    fs.writeFileSync(path.join(site, "index.html"), '<!doctype html><title>x</title><script src="/-/wspipe.js"></script>');
    t.after(() => {
        server.process.kill("SIGKILL");
        fs.rmSync(site, { recursive: true });
    });
    return server;
}

// A page of the server that has the class.
async function open(t, address) {
    const context = await browser.newContext();
    const page = await context.newPage();

    t.after(() => context.close());
    page.setDefaultTimeout(DEADLINE);
    await page.goto(address);
    return page;
}

const TRANSPORTS = ["websocket", "events", "poll"];

function check(name, body) {
    test(name, { timeout: 4 * DEADLINE }, body);
}

for (const transport of TRANSPORTS) {
    check(`${transport}: messages of both types go both ways, in order`, async (t) => {
        const server = await serve(t, "--framing=json", "cat");
        const page = await open(t, server.origin);
        const got = await page.evaluate(async (transport) => {
            const ws = new WspipeSocket("/", [], { transports: [transport] });
            const got = [];
            const end = new Promise((resolve) => { ws.onclose = resolve; });

            ws.binaryType = "arraybuffer";
            ws.onmessage = ({ data }) => {
                got.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
                if (got.length === 6)
                    ws.close(1000, "done");
            };
            await new Promise((resolve) => { ws.onopen = resolve; });
            for (const data of ["one", "ä\n\n€\u2028", "a\r\nb", "", new Uint8Array([0, 255, 10, 13]), new Blob(["x"])])
                ws.send(data);
            const { code, wasClean } = await end;
            return { got, code, wasClean, transport: ws.transportName, state: ws.readyState, left: ws.bufferedAmount };
        }, transport);

        assert.deepEqual(got, {
            got: ["one", "ä\n\n€\u2028", "a\r\nb", "", [0, 255, 10, 13], [120]],
            code: 1000, wasClean: true, transport, state: 3, left: 0,
        });
    });

    check(`${transport}: the exit of the program is the close code`, async (t) => {
        const server = await serve(t, "sh", "-c", "echo last; exit 7");
        const page = await open(t, server.origin);
        const got = await page.evaluate((transport) => new Promise((resolve) => {
            const ws = new WspipeSocket("/x?y=1", [], { transports: [transport] });
            let last;

            ws.onmessage = ({ data }) => { last = data; };
            ws.onclose = ({ code, reason }) => resolve({ code, reason, last });
        }), transport);

        assert.deepEqual(got, { code: 4007, reason: "exit 7", last: "last" });
    });

    check(`${transport}: ten thousand messages arrive in order`, async (t) => {
        const server = await serve(t, "sh", "-c", "seq 10000; read -r line");
        const page = await open(t, server.origin);
        const count = await page.evaluate((transport) => new Promise((resolve) => {
            const ws = new WspipeSocket("/", [], { transports: [transport] });
            let next = 1;

            ws.onmessage = ({ data }) => {
                if (Number(data) !== next++)
                    resolve(`${data} after ${next - 2}`);
                if (next > 10000)
                    resolve(next - 1);
            };
        }), transport);

        assert.equal(count, 10000);
    });
}

check("the next transport is used where one is blocked", async (t) => {
    const server = await serve(t, "cat");

    for (const [blocked, expected] of [[[], "websocket"], [["ws"], "events"], [["ws", "events"], "poll"]]) {
        const page = await open(t, server.origin);
        const name = await page.evaluate((blocked) => new Promise((resolve) => {
            const { fetch } = globalThis;

            if (blocked.includes("ws"))
                globalThis.WebSocket = class { constructor() { setTimeout(() => this.onclose({ code: 1006, reason: "" })); } close() {} };
            if (blocked.includes("events"))
                globalThis.fetch = (url, options) => (options?.headers?.Accept ? Promise.reject(new TypeError("blocked")) : fetch(url, options));
            const ws = new WspipeSocket("/");

            ws.onopen = () => ws.send("hello");
            ws.onmessage = ({ data }) => resolve(`${ws.transportName} ${data}`);
            ws.onclose = () => resolve("closed");
        }), blocked);
        assert.equal(name, `${expected} hello`);
    }
});

check("the module is the same class", async (t) => {
    const server = await serve(t, "cat");
    const text = await (await fetch(new URL("/-/wspipe.mjs", server.origin))).text();

    assert.match(text, /export default WspipeSocket/);
    assert.match((await fetch(new URL("/-/wspipe.mjs", server.origin))).headers.get("content-type"), /^text\/javascript/);
});

// A network between the page and the server: connections pass through it until they are cut.
async function network(t, server) {
    const { port } = new URL(server.origin);
    const pairs = new Set();
    const proxy = net.createServer((client) => {
        const far = net.connect(Number(port), "127.0.0.1");
        const pair = [client, far];

        pairs.add(pair);
        client.pipe(far).pipe(client);
        for (const socket of pair) {
            socket.on("error", () => {});
            socket.on("close", () => { pairs.delete(pair); pair.forEach((other) => other.destroy()); });
        }
    });

    await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    t.after(() => { proxy.close(); pairs.forEach((pair) => pair.forEach((socket) => socket.destroy())); });
    return { address: `http://127.0.0.1:${proxy.address().port}/`, cut: () => pairs.forEach((pair) => pair.forEach((socket) => socket.destroy())) };
}

check("events: nothing is lost or doubled where the network is cut", async (t) => {
    const server = await serve(t, "sh", "-c", "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; sleep 0.01; done; read -r line");
    const net = await network(t, server);
    const page = await open(t, net.address);
    const done = page.evaluate(() => new Promise((resolve) => {
        const ws = new WspipeSocket("/", [], { transports: ["events"] });
        const got = [];

        globalThis.count = () => got.length;
        ws.onmessage = ({ data }) => { got.push(Number(data)); if (got.length >= 300) resolve(got); };
        ws.onclose = () => resolve(got);
    }));

    for (const count of [50, 120, 200]) {
        await page.waitForFunction((count) => globalThis.count() > count, count);
        net.cut();
    }
    assert.deepEqual(await done, Array.from({ length: 300 }, (_, i) => i + 1));
});

check("reconnect: a session that was lost is followed by another", async (t) => {
    const server = await serve(t, "sh", "-c", "echo up; exec cat");
    const net = await network(t, server);
    const page = await open(t, net.address);
    const done = page.evaluate(() => new Promise((resolve) => {
        const ws = new WspipeSocket("/", [], { reconnect: true, transports: ["websocket"] });
        const seen = [];

        ws.onopen = () => seen.push("open");
        ws.addEventListener("reconnecting", () => { seen.push("reconnecting"); ws.send("kept"); });
        ws.onmessage = ({ data }) => {
            seen.push(data);
            globalThis.up = true;
            if (data === "kept")
                resolve(seen);
        };
    }));

    await page.waitForFunction(() => globalThis.up);
    net.cut();
    assert.deepEqual(await done, ["open", "up", "reconnecting", "open", "up", "kept"]);
});
