// SPDX-License-Identifier: BSD-2-Clause
// A page behind a password, and its WebSockets: by the credentials that the browser has, by a token as a subprotocol, and
// by a cookie.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { chromium } from "playwright-core";

import { DEADLINE, Server } from "./server.mjs";

const TOKEN = "0123456789abcdef0123456789abcdef";
const directory = fs.mkdtempSync(path.join(os.tmpdir(), "wspipe-browser-"));
const file = (name, text) => {
    fs.writeFileSync(path.join(directory, name), text, { mode: 0o600 });
    return path.join(directory, name);
};
// The password is "correct horse".
const passwords = file("htpasswd", "ann:$2y$04$QcZ8PZnpPlk/YAeZ620izeSlJmCrfZkQ8rA7r8sI5brGMKdltRsVW\n");
const tokens = file("tokens", `${TOKEN} bob\n`);
const site = path.join(directory, "www");
fs.mkdirSync(site);
file("www/index.html", "<!doctype html><title>page</title>");
const server = await Server.start(`--auth-basic=${passwords}`, `--auth-token=${tokens}`, `--staticdir=${site}`, "--passenv=",
    "--", "/bin/sh", "-c", "echo $REMOTE_USER; exec /bin/cat");
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
    timeout: DEADLINE,
});
process.on("exit", () => {
    server.process.kill("SIGKILL");
    fs.rmSync(directory, { recursive: true });
});
after(async () => {
    await browser.close();
    assert.equal(await server.stop(), 0);
    assert.ok(!server.log.includes(TOKEN), server.log);
});

// What a WebSocket of the page gets first, and its subprotocol; null: it was not opened.
const connect = (page, protocols) =>
    page.evaluate(([url, names]) => new Promise((resolve) => {
        const ws = new WebSocket(url, names);
        ws.onmessage = (event) => resolve([event.data, ws.protocol]);
        ws.onerror = () => resolve(null);
    }), [server.ws, protocols]);

async function open(t, options, cookies = []) {
    const context = await browser.newContext(options);
    t.after(() => context.close());
    await context.addCookies(cookies);
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE);
    return [page, await page.goto(server.origin)];
}

test("the password of the page is that of its WebSockets", { timeout: 4 * DEADLINE }, async (t) => {
    const [page, response] = await open(t, { httpCredentials: { username: "ann", password: "correct horse" } });
    assert.equal(response.status(), 200);
    assert.deepEqual(await connect(page, []), ["ann", ""]);
});

test("without credentials there is neither", { timeout: 4 * DEADLINE }, async (t) => {
    const [page, response] = await open(t, { httpCredentials: { username: "ann", password: "wrong" } });
    assert.equal(response.status(), 401);
    assert.equal(await connect(page, []), null);
    assert.equal(await connect(page, ["bearer", `${TOKEN}0`]), null);
});

test("a token as a cookie, or as a subprotocol", { timeout: 4 * DEADLINE }, async (t) => {
    const cookie = { name: "wspipe_token", value: TOKEN, url: server.origin, sameSite: "Strict" };
    const [page, response] = await open(t, {}, [cookie]);
    assert.equal(response.status(), 200);
    assert.deepEqual(await connect(page, []), ["bob", ""]);
    await page.context().clearCookies();
    assert.equal(await connect(page, []), null);
    assert.deepEqual(await connect(page, ["bearer", TOKEN]), ["bob", "bearer"]);
});
