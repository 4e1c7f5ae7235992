// SPDX-License-Identifier: BSD-2-Clause
// WspipeSocket of js/wspipe.js, and EventSource, in Chromium; with FIREFOX=PROGRAM in Firefox, and with WEBKIT=1 in
// WebKitGTK: over each transport, with others blocked, and over a network that breaks.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { chromium, firefox } from "playwright-core";

import { Network } from "./network.mjs";
import { DEADLINE, Server, within } from "./server.mjs";
import { launch } from "./webkit.mjs";

const kind = process.env.FIREFOX ? "firefox" : process.env.WEBKIT ? "webkit" : "chromium";
const browser = await {
    firefox: () => firefox.launch({ executablePath: process.env.FIREFOX, channel: "moz-firefox", timeout: DEADLINE }),
    webkit: launch,
    chromium: () => chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
        timeout: DEADLINE,
    }),
}[kind]();
after(() => browser.close());

// The processes of the browser: those below this one, but not the servers of the tests.
function browserProcesses() {
    const parents = new Map();

    for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
            const [, name, parent] = /^\d+ \((.*)\) . (\d+)/.exec(fs.readFileSync(`/proc/${pid}/stat`, "latin1"));
            if (name !== "wspipe")
                parents.set(Number(pid), Number(parent));
        } catch { /* it has ended */ }
    }
    const below = (pid) => pid === process.pid || (parents.has(pid) && below(parents.get(pid)));
    return [...parents.keys()].filter((pid) => pid !== process.pid && below(pid));
}

const PAGE = '<!doctype html><meta charset="utf-8"><title>x</title><script src="/-/wspipe.js"></script>';

async function serve(t, ...args) {
    const site = fs.mkdtempSync(path.join(os.tmpdir(), "streams-"));
    const server = await Server.start(`--staticdir=${site}`, ...args);

    fs.writeFileSync(path.join(site, "index.html"), PAGE);
    t.after(() => {
        server.process.kill("SIGKILL");
        fs.rmSync(site, { recursive: true });
    });
    return server;
}

// A page that has the class, from a server.
async function open(t, address) {
    const context = await browser.newContext();
    const page = await context.newPage();

    t.after(() => context.close());
    page.setDefaultTimeout(DEADLINE);
    await page.goto(address);
    return page;
}

function check(name, body) {
    test(`${kind}: ${name}`, { timeout: 4 * DEADLINE }, body);
}

// In the page: opens globalThis.ws, and keeps what happens to it in globalThis.seen.
function connect({ path = "/", protocols = [], ...options }) {
    const ws = globalThis.ws = new WspipeSocket(path, protocols, options);
    const seen = globalThis.seen = [];

    ws.binaryType = "arraybuffer";
    ws.onopen = () => seen.push("open");
    ws.onreconnecting = () => seen.push("reconnecting");
    ws.onmessage = ({ data }) => seen.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
    ws.onerror = () => seen.push("error");
    ws.onclose = ({ code, reason, wasClean }) => seen.push({ code, reason, wasClean });
    if (options.close)
        ws.close();
}

const last = (value) => globalThis.seen?.at(-1) === value;
const closed = () => globalThis.ws.readyState === WspipeSocket.CLOSED;
const seen = (page) => page.evaluate(() => globalThis.seen);
const numbers = (count) => Array.from({ length: count }, (_, i) => String(i + 1));

check("errors are those of WebSocket", async (t) => {
    const server = await serve(t, "cat");
    const page = await open(t, server.origin);
    const results = await page.evaluate(async () => {
        const tried = (type, call) => {
            try {
                return call(type) ?? null;
            } catch (error) {
                return `${error.constructor.name} ${error.name}`;
            }
        };
        const made = (...args) => (type) => {
            const ws = new type(...args);
            ws.close();
            return ws.url;
        };
        const after = (call) => (type) => {
            const ws = new type("/");
            try {
                return call(ws);
            } finally {
                ws.close();
            }
        };
        const host = location.host;
        const cases = {
            relative: made("a/../b?c"), absolute: made("/x"), http: made(`http://${host}/`), ws: made(`ws://${host}`),
            ftp: made("ftp://x/"), fragment: made("#x"), port: made("ws://x:99999/"), space: made("ws://a b/"),
            protocol: made("/", "chat"), protocols: made("/", ["a", "b"]), twice: made("/", ["a", "a"]), none: made("/", []),
            token: made("/", "a b"), nothing: made("/", ""), object: made({ toString: () => "/o" }), url: made(new URL("/u", location)),
            early: after((ws) => ws.send("x")), code: after((ws) => ws.close(1001)), low: after((ws) => ws.close(2999)),
            high: after((ws) => ws.close(5000)), good: after((ws) => ws.close(3000)), long: after((ws) => ws.close(1000, "ä".repeat(62))),
            fits: after((ws) => ws.close(1000, "a".repeat(123))), blob: after((ws) => ws.binaryType),
            wrong: after((ws) => { ws.binaryType = "x"; return ws.binaryType; }), buffered: after((ws) => ws.bufferedAmount),
            constants: (type) => [type.CONNECTING, type.OPEN, type.CLOSING, type.CLOSED].join(),
            inherited: after((ws) => [ws.CONNECTING, ws.OPEN, ws.CLOSING, ws.CLOSED].join()),
            handlers: after((ws) => [ws.onopen, ws.onmessage, ws.onerror, ws.onclose].join()),
            state: after((ws) => `${ws.readyState} ${ws.protocol} ${ws.extensions} ${ws instanceof EventTarget}`),
            closing: after((ws) => { ws.close(); ws.close(); ws.send("ignored"); return ws.readyState; }),
        };
        return Object.entries(cases).map(([name, call]) => [name, tried(WspipeSocket, call), tried(WebSocket, call)]);
    });

    for (const [name, ours, theirs] of results)
        assert.equal(ours, theirs, name);
});

check("a socket that is closed early has an error and a close", async (t) => {
    const server = await serve(t, "cat");
    const page = await open(t, server.origin);

    for (const transport of ["websocket", "events", "poll"]) {
        await page.evaluate(connect, { transports: [transport], close: true });
        await page.waitForFunction(closed);
        assert.deepEqual(await seen(page), ["error", { code: 1006, reason: "", wasClean: false }]);
    }
});

for (const transport of ["websocket", "events", "poll"]) {
    check(`${transport}: messages of both types go both ways, in order`, async (t) => {
        const server = await serve(t, "--framing=json", "cat");
        const page = await open(t, `${server.origin}/?`);

        await page.evaluate(connect, { path: "/?a=b", transports: [transport] });
        await page.waitForFunction(last, "open");
        await page.evaluate(() => {
            const view = new Uint8Array([9, 0, 255, 10, 13, 9]).subarray(1, 5);
            for (const data of ["one", "ä\n\n€\u2028", "\ufeffa\r\nb", "", view, new Blob(["x"]), new ArrayBuffer(0), "\ud800", 5])
                globalThis.ws.send(data);
            view.fill(1);
        });
        await page.waitForFunction(last, "5");
        // Alone, not with others in one request.
        for (const [data, back] of [["alone", "alone"], ["", ""], ["a\r", "a\r"]]) {
            await page.evaluate((data) => globalThis.ws.send(data), data);
            await page.waitForFunction(last, back);
        }
        await page.evaluate(() => { globalThis.ws.send(new Uint8Array([0])); });
        await page.waitForFunction(() => globalThis.seen.length === 14);
        await page.evaluate(() => { globalThis.ws.send("end"); globalThis.ws.close(4001, "done"); globalThis.ws.send("ignored"); });
        await page.waitForFunction(closed);
        const all = await seen(page);
        assert.deepEqual(all.filter((each) => each !== "end"), [
            "open", "one", "ä\n\n€\u2028", "\ufeffa\r\nb", "", [0, 255, 10, 13], [120], [], "\ufffd", "5", "alone", "", "a\r", [0],
            { code: 4001, reason: "", wasClean: true },
        ]);
        assert.deepEqual(await page.evaluate(() => [globalThis.ws.transport, globalThis.ws.bufferedAmount >= 0]), [transport, true]);
        await within("the log", (async () => { while (!/close_received=4001/.test(server.log)) await new Promise(setImmediate); })());
    });

    check(`${transport}: the exit of the program is the close code, and Blobs are the default`, async (t) => {
        const server = await serve(t, "--binary", "sh", "-c", "printf last; exit 7");
        const page = await open(t, server.origin);
        const got = await page.evaluate((transport) => new Promise((resolve) => {
            const ws = new WspipeSocket("/", [], { transports: [transport] });
            let text;

            ws.addEventListener("message", ({ data, origin }) => { text = data.text(); globalThis.origin_ = origin; });
            ws.onclose = async ({ code, reason, wasClean }) => resolve({ code, reason, wasClean, text: await text, origin: globalThis.origin_ });
        }), transport);

        assert.deepEqual(got, { code: 4007, reason: "exit 7", wasClean: true, text: "last", origin: server.ws });
    });

    check(`${transport}: ten thousand messages arrive in order, each way`, async (t) => {
        const server = await serve(t, "sh", "-c", "seq 10000; exec cat");
        const page = await open(t, server.origin);

        await page.evaluate(connect, { transports: [transport] });
        await page.waitForFunction(last, "10000");
        await page.evaluate(() => { for (let i = 10001; i <= 20000; i++) globalThis.ws.send(i); });
        await page.waitForFunction(last, "20000");
        assert.equal(await page.evaluate(() => globalThis.ws.bufferedAmount), 0);
        assert.deepEqual(await seen(page), ["open", ...numbers(20000)]);
    });

    check(`${transport}: large and small messages arrive together`, async (t) => {
        const server = await serve(t, "--binary", "sh", "-c", "head -c 790004 | wc -c; exec cat");
        const page = await open(t, server.origin);

        await page.evaluate(connect, { transports: [transport] });
        await page.waitForFunction(last, "open");
        await page.evaluate(() => { for (const size of [1, 1, 790000, 1, 1]) globalThis.ws.send(new Uint8Array(size)); });
        await page.waitForFunction(() => globalThis.seen.length === 2);
        assert.equal(String.fromCharCode(...(await seen(page))[1]), "790004\n");
    });

    check(`${transport}: a message that is not accepted closes with its code`, async (t) => {
        const server = await serve(t, "--maxframesize=1000", "cat");
        const page = await open(t, server.origin);

        await page.evaluate(connect, { transports: [transport] });
        await page.waitForFunction(last, "open");
        await page.evaluate(() => { for (let i = 0; i < 4; i++) globalThis.ws.send(String(i).repeat(1000)); });
        await page.waitForFunction(last, "3".repeat(1000));
        await page.evaluate(() => globalThis.ws.send("x".repeat(1001)));
        await page.waitForFunction(closed);
        assert.equal((await seen(page)).at(-1).code, 1009);
    });

    check(`${transport}: a session ends with its page`, async (t) => {
        // A page that the browser keeps may come back to it.
        const server = await serve(t, ...(kind === "chromium" ? [] : ["--resume-wait=1"]), "cat");
        const page = await open(t, server.origin);

        await page.evaluate(connect, { transports: [transport] });
        await page.waitForFunction(last, "open");
        await page.goto("about:blank");
        await within("the log", (async () => { while (!/ close .*exit=0/.test(server.log)) await new Promise(setImmediate); })());
    });
}

check("poll: a message that comes too late does not hide the close code", async (t) => {
    const server = await serve(t, "sh", "-c", "read line; exit 7");
    const page = await open(t, server.origin);

    await page.evaluate(() => {
        const fetched = globalThis.fetch, missed = new Promise((resolve) => { globalThis.onmissed = resolve; });

        // Nothing is received before a message has come too late.
        globalThis.fetch = async (url, options) => {
            if (!options.method)
                await missed;
            const response = await fetched(url, options);
            if (options.method === "POST" && response.status === 404)
                globalThis.onmissed();
            return response;
        };
    });
    await page.evaluate(connect, { transports: ["poll"] });
    await page.waitForFunction(last, "open");
    await page.evaluate(() => globalThis.ws.send("in time"));
    await within("the log", (async () => { while (!/ close .*exit=7/.test(server.log)) await new Promise(setImmediate); })());
    await page.evaluate(() => globalThis.ws.send("too late"));
    await page.waitForFunction(closed);
    assert.deepEqual(await seen(page), ["open", { code: 4007, reason: "exit 7", wasClean: true }]);
});

for (const [websocket, events, expected] of [
    ["pass", "pass", "websocket"], ["reject", "pass", "events"], ["reject", "reject", "poll"], ["hang", "pass", "events"], ["hang", "hang", "poll"],
]) {
    check(`with WebSocket: ${websocket}, events: ${events}, it uses ${expected}`, async (t) => {
        const network = await Network.start(t, await serve(t, "cat"));
        const page = await open(t, network.origin);

        Object.assign(network, { websocket, events });
        // Time runs out for those that hang, however slow the others are.
        await page.evaluate(([hanging, timeout]) => {
            const start = setTimeout;

            globalThis.setTimeout = (call, ms) => start(call, ms === timeout && hanging-- > 0 ? 300 : ms);
        }, [[websocket, events].filter((how) => how === "hang").length, DEADLINE]);
        await page.evaluate(connect, { timeout: DEADLINE });
        await page.waitForFunction(last, "open");
        await page.evaluate(() => globalThis.ws.send("hello"));
        await page.waitForFunction(last, "hello");
        assert.equal(await page.evaluate(() => globalThis.ws.transport), expected);
    });
}

check("a page without WebSocket", async (t) => {
    const page = await open(t, (await serve(t, "cat")).origin);

    await page.evaluate(() => { delete globalThis.WebSocket; });
    await page.evaluate(connect, {});
    await page.waitForFunction(last, "open");
    assert.equal(await page.evaluate(() => globalThis.ws.transport), "events");
});

for (const transport of ["events", "poll"]) {
    check(`${transport}: nothing is lost or doubled where the network is cut`, async (t) => {
        const network = await Network.start(t, await serve(t, "cat"));
        const page = await open(t, network.origin);

        await page.evaluate(connect, { transports: [transport] });
        await page.waitForFunction(last, "open");
        await page.evaluate(() => {
            let next = 1;
            globalThis.timer = setInterval(() => {
                for (let i = 0; i < 10; i++)
                    globalThis.ws.send(next++);
                if (next > 500)
                    clearInterval(globalThis.timer);
            }, 5);
        });
        for (const count of [50, 200, 350]) {
            await page.waitForFunction((count) => globalThis.seen.length > count, count);
            network.cut();
        }
        await page.waitForFunction(last, "500");
        assert.deepEqual(await seen(page), ["open", ...numbers(500)]);
    });

    check(`${transport}: a request whose response is lost counts once`, async (t) => {
        const network = await Network.start(t, await serve(t, "cat"));
        const page = await open(t, network.origin);

        await page.evaluate(connect, { transports: [transport] });
        await page.waitForFunction(last, "open");
        network.deaf = true;
        await page.evaluate(() => globalThis.ws.send("1"));
        await page.waitForFunction(last, "1");
        await page.evaluate(() => globalThis.ws.send("2"));
        network.deaf = false;
        await page.waitForFunction(last, "2");
        assert.deepEqual(await seen(page), ["open", "1", "2"]);
    });

    check(`${transport}: a laptop sleeps, and its connections die`, async (t) => {
        const server = await serve(t, "sh", "-c", "while read -r x; do [ $x = 1 ] && kill -STOP $$; echo $x; done");
        const network = await Network.start(t, server);
        const page = await open(t, network.origin);

        await page.evaluate(connect, { transports: [transport] });
        await page.waitForFunction(last, "open");
        const stopped = browserProcesses();
        stopped.forEach((pid) => process.kill(pid, "SIGSTOP"));
        try {
            network.cut();
        } finally {
            stopped.reverse().forEach((pid) => process.kill(pid, "SIGCONT"));
        }
        await page.evaluate(() => globalThis.ws.send("2"));
        await page.waitForFunction(last, "2");
        assert.deepEqual(await seen(page), ["open", "2"]);
    });

    check(`${transport}: a program that does not read delays messages`, async (t) => {
        const go = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "streams-")), "go");
        const server = await serve(t, "sh", "-c", `until [ -e ${go} ]; do sleep 0.05; done; exec wc -c`);
        const page = await open(t, server.origin);

        t.after(() => fs.rmSync(path.dirname(go), { recursive: true }));
        await page.evaluate(connect, { transports: [transport] });
        await page.waitForFunction(last, "open");
        await page.evaluate(() => { for (let i = 0; i < 40; i++) globalThis.ws.send("x".repeat(49999)); });
        assert.ok(await page.evaluate(() => globalThis.ws.bufferedAmount) > 0);
        fs.writeFileSync(go, "");
        await page.waitForFunction(() => globalThis.ws.bufferedAmount === 0);
        await page.evaluate(() => globalThis.ws.close());
        await page.waitForFunction(closed);
        await within("the log", (async () => { while (!/ close .*in_messages=40 /.test(server.log)) await new Promise(setImmediate); })());
    });
}

for (const transport of ["websocket", "events", "poll"]) {
    check(`${transport}: a server that is killed and started again has another session`, async (t) => {
        const program = ["sh", "-c", "echo up; exec cat"];
        const server = await serve(t, ...program);
        const network = await Network.start(t, server);
        const page = await open(t, network.origin);

        await page.evaluate(connect, { reconnect: true, transports: [transport] });
        await page.waitForFunction(last, "up");
        server.process.kill("SIGKILL");
        network.target = (await serve(t, ...program)).origin;
        await page.waitForFunction(() => globalThis.seen.includes("reconnecting"));
        await page.evaluate(() => globalThis.ws.send("kept"));
        await page.waitForFunction(last, "kept");
        assert.deepEqual(await seen(page), ["open", "up", "reconnecting", "open", "up", "kept"]);
        await page.evaluate(() => globalThis.ws.close());
        await page.waitForFunction(closed);
    });
}

check("reconnecting goes on until the server is there, and ends with close()", async (t) => {
    const network = await Network.start(t, await serve(t, "cat"));
    const page = await open(t, network.origin);

    network.down = true;
    network.cut();
    await page.evaluate(connect, { reconnect: true });
    await page.waitForFunction(() => globalThis.seen.length === 2);
    network.down = false;
    await page.waitForFunction(last, "open");
    network.down = true;
    network.cut();
    await page.waitForFunction(last, "reconnecting");
    await page.evaluate(() => globalThis.ws.close());
    await page.waitForFunction(closed);
    assert.deepEqual((await seen(page)).slice(-3), ["reconnecting", "error", { code: 1006, reason: "", wasClean: false }]);
});

for (const transport of ["events", "poll"]) {
    check(`${transport}: a request waits as long as the response says, or until the network is back`, async (t) => {
        const server = await serve(t, "cat");
        const page = await open(t, server.origin);

        // The first two requests with messages get the response of a server that is busy.
        await page.evaluate(() => {
            const { fetch } = globalThis, times = globalThis.times = [];

            globalThis.fetch = async (url, options) => {
                if (!options.headers["Wspipe-Post"])
                    return fetch(url, options);
                times.push(performance.now());
                return times.length > 2 ? fetch(url, options) : new Response("", {
                    status: 503, headers: { "Retry-After": times.length === 1 ? "2" : "3600" },
                });
            };
        });
        await page.evaluate(connect, { transports: [transport] });
        await page.waitForFunction(last, "open");
        await page.evaluate(() => globalThis.ws.send("hello"));
        await page.waitForFunction(() => globalThis.times.length === 2);
        const [first, second] = await page.evaluate(() => globalThis.times);
        assert.ok(second - first >= 1999, `${second - first} ms`);
        await page.evaluate(() => new Promise((resolve) => setTimeout(resolve))); // the response has been read
        await page.evaluate(() => globalThis.dispatchEvent(new Event("online")));
        await page.waitForFunction(last, "hello");
        assert.deepEqual(await seen(page), ["open", "hello"]);
    });
}

check("a page that the browser has kept goes on", async (t) => {
    const server = await serve(t, "cat");
    const page = await open(t, server.origin);

    await page.evaluate(connect, { reconnect: true, transports: ["events"] });
    await page.waitForFunction(last, "open");
    await page.goto(`${server.origin}/?other`);
    await page.goBack();
    if (await page.evaluate(() => !globalThis.ws))
        return t.diagnostic("the browser has not kept it");
    await page.evaluate(() => globalThis.ws.send("back"));
    await page.waitForFunction(last, "back");
    assert.deepEqual(await seen(page), ["open", "back"]);
});

check("the module is the same class", async (t) => {
    const page = await open(t, (await serve(t, "cat")).origin);

    assert.ok(await page.evaluate(async () => (await import("/-/wspipe.mjs")).default === globalThis.WspipeSocket));
});

check("both scripts are smaller than 4 KiB together", async (t) => {
    const server = await serve(t, "cat");
    let size = 0;

    for (const name of ["wspipe.js", "wspipe.mjs"]) {
        const response = await fetch(`${server.origin}/-/${name}`, { headers: { "Accept-Encoding": "gzip" } });
        assert.equal(response.headers.get("content-encoding"), "gzip");
        size += Number(response.headers.get("content-length"));
    }
    assert.ok(size < 4096, `${size} bytes`);
});

check("EventSource comes back by itself, and fetch sends", async (t) => {
    const network = await Network.start(t, await serve(t, "--framing=json", "cat"));
    const page = await open(t, network.origin);

    await page.evaluate(() => {
        const source = new EventSource("/");
        const seen = globalThis.seen = [];

        source.addEventListener("open", ({ data }) => { globalThis.session = data && JSON.parse(data).session; });
        source.addEventListener("binary", ({ data }) => seen.push(atob(data)));
        source.addEventListener("close", ({ data }) => { seen.push(JSON.parse(data)); source.close(); });
        source.onmessage = ({ data }) => seen.push(data);
        globalThis.post = async (body, type, method = "POST") =>
            (await fetch("/", { method, body, headers: { "Content-Type": type, "Wspipe-Session": globalThis.session } })).status;
    });
    await page.waitForFunction(() => globalThis.session);
    assert.equal(await page.evaluate(() => globalThis.post("a\nb", "text/plain")), 202);
    await page.waitForFunction(last, "a\nb");
    network.cut();
    assert.equal(await page.evaluate(() => globalThis.post("x", "application/octet-stream")), 202);
    await page.waitForFunction(last, "x");
    assert.equal(await page.evaluate(() => globalThis.post(undefined, "text/plain", "DELETE")), 204);
    await page.waitForFunction(() => globalThis.seen.length === 3);
    assert.deepEqual(await seen(page), ["a\nb", "x", { code: 1000, reason: "" }]);
});
