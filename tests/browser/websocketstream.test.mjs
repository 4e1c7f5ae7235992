// SPDX-License-Identifier: BSD-2-Clause
// Backpressure from end to end: a page that does not read from its WebSocketStream stops the program,
// through the browser, the connection, the server and the pipe; and when it reads, the program goes on.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

import { chromium } from "playwright-core";

import { DEADLINE, demo, Server, within } from "./server.mjs";

const STILL = 1_000; // how long the program must have written nothing to count as stopped
const POLL = 50;

// Writes numbered lines of about 16,000 bytes without end, and to the file $1 how many it has written.
const PROGRAM = `
    line=$(printf '%016000d' 0)
    n=0
    while :; do
        n=$((n + 1))
        echo "$n $line"
        echo "$n" >"$1"
    done`;

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "wspipe-browser-"));
const progress = path.join(directory, "progress");
const server = await Server.start(`--staticdir=${demo}`, "--", "sh", "-c", PROGRAM, "sh", progress);
process.on("exit", () => {
    server.process.kill("SIGKILL");
    fs.rmSync(directory, { recursive: true });
});
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
    timeout: DEADLINE,
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// How many lines the program has written; 0 also while it replaces the number.
const written = () => (fs.existsSync(progress) ? Number(fs.readFileSync(progress, "utf8")) : 0);

// Waits until the program has written more than FROM lines and stands still; how many it has written.
async function stopped(from) {
    const end = Date.now() + DEADLINE;
    let last = 0;
    let since = Date.now();

    for (;;) {
        const now = written();
        if (now !== last) {
            last = now;
            since = Date.now();
        } else if (now > from && Date.now() - since >= STILL) {
            return now;
        }
        assert.ok(Date.now() < end, `the program does not stop: it wrote ${now} lines`);
        await pause(POLL);
    }
}

// In the page: reads the lines up to number COUNT. The first that is not the next one, or null.
const read = (page, count) =>
    within(`reading up to line ${count}`, page.evaluate(async (count) => {
        while (window.lines < count) {
            const { value, done } = await window.reader.read();
            if (done || Number(value.split(" ")[0]) !== window.lines + 1 || value.length < 16_000)
                return `${done ? "the end" : value.slice(0, 40)} after line ${window.lines}`;
            window.lines++;
        }
        return null;
    }, count));

test("a page that does not read stops the program, and it goes on where it stopped", { timeout: 8 * DEADLINE }, async (t) => {
    t.after(() => browser.close());
    const page = await browser.newPage();

    await page.goto(`${server.origin}/style.css`);
    await within("the WebSocketStream opens", page.evaluate(async (url) => {
        window.stream = new WebSocketStream(url);
        window.reader = (await window.stream.opened).readable.getReader();
        window.lines = 0;
    }, `${server.ws}/`));

    let from = 0;
    for (let round = 0; round < 2; round++) {
        const count = await stopped(from);
        // All that was written is on its way to the page. Reading it makes room for as much again.
        assert.equal(await read(page, count), null);
        from = count;
    }
    await stopped(from);

    const end = await within("the close", page.evaluate(async () => {
        window.stream.close({ closeCode: 1000, reason: "enough" });
        // What is still on its way comes before the server's CLOSE, so it is read.
        while (!(await window.reader.read()).done);
        const { closeCode } = await window.stream.closed;
        return closeCode;
    }));
    assert.equal(end, 1000);
    assert.equal(await server.stop(), 0, server.log);
    assert.match(server.log, /close_received=1000/);
});
