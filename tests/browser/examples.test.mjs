// SPDX-License-Identifier: BSD-2-Clause
// The examples that have a page of their own: a page that a program renders, and front ends of others as npm installs
// them; over ws and wss. Then what a hostile client of each of them gets.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { DEADLINE, Server } from "./server.mjs";

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "wspipe-browser-"));
const [cert, key] = ["cert", "key"].map((name) => path.join(directory, name));
const tls = [`--sslcert=${cert}`, `--sslkey=${key}`, "--ssl"];
const live = ["--staticdir=examples/live/www", "examples/live/shopping.py"];
const protocols = ["--config=examples/protocols/wspipe.conf"];
const servers = [];
let browser;

process.on("exit", () => {
    for (const { process } of servers)
        process.kill("SIGKILL"); // when they did not stop
    fs.rmSync(directory, { recursive: true });
});
before(async () => {
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
        "-subj", "/CN=localhost", "-keyout", key, "-out", cert], { stdio: "ignore" });
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
        timeout: DEADLINE,
    });
});
after(async () => {
    await browser.close();
    for (const server of servers)
        assert.equal(await server.stop(), 0);
});

async function start(...args) {
    const server = await Server.start(...args);
    servers.push(server);
    return server;
}

// A page in a context of its own, which must have made no error when the test ends.
async function open(t, address) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const errors = [];

    page.on("pageerror", (error) => errors.push(String(error)));
    t.after(async () => {
        await context.close();
        assert.deepEqual(errors, []);
    });
    page.setDefaultTimeout(DEADLINE);
    await page.goto(address);
    return page;
}

async function submit(form, value) {
    await form.locator("[name=value]").fill(value);
    await form.locator("[name=value]").press("Enter");
}

for (const [scheme, options] of [["ws", []], ["wss", tls]]) {
    const check = (name, body) => test(`${name} (${scheme})`, { timeout: 4 * DEADLINE }, body);

    check("a page is what its program renders", async (t) => {
        const page = await open(t, (await start(...options, ...live)).origin);
        const form = page.locator("form");
        const items = page.locator("#items li");
        const count = (text) => page.locator("#count", { hasText: text }).waitFor();
        const hostile = "<img src=x onerror=alert(1)>\"'&";

        await count("0 to buy");
        await submit(form, "Milk");
        await submit(form, hostile);
        await count("2 to buy");
        assert.deepEqual(await items.allInnerTexts(), ["☐ Milk ×", `☐ ${hostile} ×`]);
        assert.equal(await page.locator("img").count(), 0);
        await page.getByRole("button", { name: "☐ Milk" }).click();
        await count("1 to buy");
        await page.getByRole("button", { name: `Remove ${hostile}` }).click();
        await count("0 to buy");
        await page.getByLabel("Search").fill("x");
        await items.first().waitFor({ state: "detached" });
        await page.getByLabel("Search").fill("mi");
        await page.getByRole("button", { name: "☑ Milk" }).waitFor();
    });

    check("the front ends of Phoenix, Socket.IO and SignalR work as they are", async (t) => {
        const { origin } = await start(...options, ...protocols);
        const page = await open(t, origin);
        const line = (form, text, on = page) => on.locator(`#${form} li`, { hasText: text }).waitFor();

        await line("phoenix", /^members: /);
        const other = await open(t, origin);
        await line("phoenix", /^members: .*, .*/, other);
        await line("phoenix", /^guest \d+ has joined$/);
        await submit(page.locator("#phoenix"), "hello <b>");
        for (const one of [page, other])
            await line("phoenix", /^guest \d+: hello <b>$/, one);
        await other.close();
        await line("phoenix", /^guest \d+ has left$/);

        await line("socketio", "connected");
        await submit(page.locator("#socketio"), "straße\u2028ä");
        await line("socketio", "STRASSE\u2028Ä");
        await page.locator("#socketio output", { hasText: /^\d+\.\d\d$/ }).waitFor();

        await line("signalr", "connected");
        await submit(page.locator("#signalr"), "5");
        await line("signalr", /^Add returns 5$/);
        await submit(page.locator("#signalr"), "37");
        await line("signalr", /^Add returns 42$/);
        await page.locator("#signalr output", { hasText: /^42$/ }).waitFor();
        await submit(page.locator("#signalr"), "");
        await line("signalr", /no such method, or its arguments are wrong/);
        await page.getByRole("button", { name: "Countdown" }).click();
        await line("signalr", "complete");
        assert.deepEqual((await page.locator("#signalr li").allInnerTexts()).slice(-4), ["3", "2", "1", "complete"]);
    });
}

// Opens URL in the page, sends MESSAGES, and returns the code of its Close frame.
const end = (page, url, messages) =>
    page.evaluate(([address, texts]) => new Promise((resolve) => {
        const socket = new WebSocket(address);
        socket.onopen = () => texts.forEach((text) => socket.send(text));
        socket.onclose = ({ code }) => resolve(code);
    }), [url, messages]);

test("a malformed message ends the session of its client alone", { timeout: 4 * DEADLINE }, async (t) => {
    const { ws, origin } = await start(...protocols);
    const page = await open(t, origin);
    const join = JSON.stringify(["1", "1", "room:a", "phx_join", { name: "x" }]);
    const deep = "[".repeat(100_000);
    const cases = [
        ["/hub", [], [deep, "{", "[]", "1", '{"type":1}', '{"type":6}{}', '{"type":1,"target":"Add","invocationId":NaN,"arguments":[1]}']
            .map((text) => `${text}\x1e`)],
        ["/socket.io/", ["40"], [deep, "42[", `42${deep}`, "42{}", "constructor", "4", "2", "45", ""]],
        ["/socket/websocket", [join], [deep, "{", "{}", "[]", "1", "[[],[],[],[],[]]", '["1","1",[],"phx_join",{}]', '["1","1","room:b","phx_join",1]',
            '["1","1","room:a","say",[]]', '["1",NaN,"room:a","say",{"text":1}]', '["1","1","room:a","say",{}]']],
    ];

    // Its page is connected to the same program as these.
    await page.locator("#phoenix li", { hasText: "members: " }).waitFor();
    for (const [name, first, messages] of cases) {
        const codes = await Promise.all(messages.map((message) => end(page, ws + name, [...first, message])));
        assert.deepEqual(codes, codes.map(() => (name.startsWith("/socket/") ? 1008 : 4001)), name);
    }
    await submit(page.locator("#phoenix"), "still here");
    await page.locator("#phoenix li", { hasText: "still here" }).waitFor();
    assert.equal(await page.locator("#phoenix li", { hasText: "members: " }).count(), 1); // it did not have to join again

    const list = await start(...live);
    await page.goto(list.origin);
    for (const message of [deep, "{", "[]", "1", "{}", '{"event":"add"}'])
        assert.equal(await end(page, list.ws, [message]), 4001, message.slice(0, 20));
});
