// SPDX-License-Identifier: BSD-2-Clause
// Chromium against the real server: the demo page as a person uses it, and the
// WebSocket as a page sees it. Every wait has a deadline; there are no sleeps.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

import { chromium } from "playwright-core";

import { console_, DEADLINE, demo, examples, Server, sources, tests, within } from "./server.mjs";

// What ./dev demo serves: the page with the sources of the examples, and an endpoint for each that needs options.
const site = fs.mkdtempSync(path.join(os.tmpdir(), "wspipe-browser-"));
const config = path.join(site, "wspipe.conf");
const www = path.join(site, "page");
fs.mkdirSync(www);
fs.writeFileSync(path.join(www, "index.html"), execFileSync(path.join(console_, "assemble"), ["html", path.join(demo, "examples.js")]));
fs.cpSync(sources, path.join(www, "source"), { recursive: true });
fs.writeFileSync(config, fs.readFileSync(path.join(demo, "wspipe.conf"), "utf8").replace("@PROGRAMS@", examples).replace("@PAGE@", www)
    .replace("@NPM@", path.join(tests, "node_modules")).replace("@LOG@", path.join(site, "server.log")));
fs.writeFileSync(path.join(site, "server.log"), "the first line\n");
const server = await Server.start(`--config=${config}`);
process.on("exit", () => {
    server.process.kill("SIGKILL"); // when the last test did not stop it
    fs.rmSync(site, { recursive: true });
});
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
    timeout: DEADLINE,
});

// A test with the log of its server in the error, as the page alone rarely says why.
function check(name, body) {
    test(name, { timeout: 4 * DEADLINE }, async (t) => {
        const from = server.log.length;
        try {
            await body(t);
        } catch (error) {
            error.message += `\n--- the server's log since this test began:\n${server.log.slice(from)}`;
            throw error;
        }
    });
}

// A page in a context of its own. It is closed after the test, and must have made no error.
async function open(t, address, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
    const page = await context.newPage();
    const errors = [];

    t.after(() => context.close());
    page.setDefaultTimeout(DEADLINE);
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(address);
    page.assertNoErrors = () => assert.deepEqual(errors, []);
    return page;
}

const openDemo = (t, program, options) => open(t, `${server.origin}/#${program}`, options);

// Waits for a row of the list: KIND is its class, TEXT is contained in it.
const line = (page, kind, text) =>
    page.locator(`.row.${kind}:not([hidden])`, { hasText: text }).last().waitFor({ state: "visible" });

const pick = (page, name) => page.locator("#programs button", { hasText: name }).click();

async function say(page, text) {
    await page.locator("[name=message]").fill(text);
    await page.locator("[name=message]").press("Enter");
}

// In the page: opens URL, sends each of MESSAGES, and returns what happened until the close. When COUNT
// characters or bytes were received, it closes by itself. A message {"size": n} stands for n bytes of
// a pattern; "intact" tells whether all the bytes that came back follow it.
const talk = (page, url, messages = [], count = Infinity) =>
    within(`a conversation with ${url}`, page.evaluate(
        ({ url, messages, count }) => new Promise((resolve) => {
            const facts = { opened: false, error: false, received: [], size: 0, intact: true };
            const socket = new WebSocket(url);
            const pattern = (i) => (i * 31 + (i >> 8)) & 255;
            const bytes = (length) => Uint8Array.from({ length }, (_, i) => pattern(i));

            socket.binaryType = "arraybuffer";
            socket.onopen = () => {
                facts.opened = true;
                for (const message of messages)
                    socket.send(message.size ? bytes(message.size) : message);
            };
            socket.onmessage = ({ data }) => {
                if (typeof data === "string") {
                    facts.received.push(data);
                    facts.size += data.length;
                } else {
                    for (const byte of new Uint8Array(data))
                        facts.intact &&= byte === pattern(facts.size++);
                }
                if (facts.size >= count)
                    socket.close(1000);
            };
            socket.onerror = () => {
                facts.error = true;
            };
            socket.onclose = ({ code, reason, wasClean }) => resolve({ ...facts, code, reason, wasClean });
        }),
        { url, messages, count: count === Infinity ? Number.MAX_SAFE_INTEGER : count },
    ));

// ---- The demo page: the console with the examples.

check("the page starts with an example that moves by itself", async (t) => {
    const page = await open(t, `${server.origin}/`);

    await page.locator(".row.in:not([hidden])").nth(3).waitFor();
    assert.match(await page.locator(".row.in .text").first().textContent(), /^\d+$/);
    await page.getByRole("button", { name: "Send work" }).click();
    await line(page, "out", "work");
    await page.locator(".about summary").click();
    await page.locator(".about pre", { hasText: "read -r -t 0.25 message" }).waitFor();
    page.assertNoErrors();
});

check("every example can be picked, and its message and its end seen", async (t) => {
    const page = await openDemo(t, "cat.sh");

    await line(page, "note", "Connected");
    await say(page, "<b>& as it is");
    await line(page, "in", "<b>& as it is");

    await pick(page, "count.sh");
    await line(page, "in", "10");
    await line(page, "good", "exited with status 0 (1000");
    assert.equal(await page.locator(".row.in:not([hidden])").count(), 10, "a pick clears the log");

    await pick(page, "greeter.py");
    await line(page, "note", "Connected");
    await page.keyboard.type("Ada"); // a pick with the mouse puts the cursor there
    await page.keyboard.press("Enter");
    await line(page, "in", "Hello, Ada!");

    await pick(page, "env.sh");
    await line(page, "good", "exited with status 0 (1000");
    for (const variable of ["GATEWAY_INTERFACE=CGI/1.1", "SCRIPT_NAME=/env.sh"]) {
        await page.locator("[name=filter]").fill(variable);
        await line(page, "in", variable);
    }
    assert.equal(new URL(page.url()).hash, "#env.sh");
    page.assertNoErrors();
});

check("a message to a program that has ended starts it again", async (t) => {
    const page = await openDemo(t, "exit.sh");
    const button = (text) => page.getByRole("button", { name: `Send ${text}`, exact: true });

    await line(page, "in", "How should I exit?");
    await button("signal TERM").click();
    await line(page, "bad", "terminated by SIGTERM (4271");
    await button("3").click();
    await line(page, "bad", "exited with status 3 (4003");
    await say(page, "0");
    await line(page, "good", "exited with status 0 (1000");
    assert.equal(await page.locator(".row.note:not([hidden])").count(), 3, "each started it once");
    page.assertNoErrors();
});

check("the other framings work in the page", async (t) => {
    const page = await openDemo(t, "guess.py");
    const button = (text) => page.getByRole("button", { name: `Send ${text}`, exact: true });

    await line(page, "in", "Guess 1:");
    await say(page, "0");
    await line(page, "in", "Too low.");

    await pick(page, "thumbnail.py");
    await button("4,096 bytes").click();
    await page.locator(".row.in:not([hidden])", { hasText: "1.0 KiB" }).click();
    await page.locator(".facts", { hasText: "binary, 1,024 B" }).waitFor();
    assert.match(await page.locator(".content .dump").textContent(), /ff ff/, "the thumbnail is no empty picture");

    await pick(page, "counter.js");
    await line(page, "in", "You connected to /");
    await button("hello").click();
    await line(page, "in", "text of 5 bytes");
    await button("two↵lines").click();
    await line(page, "in", "text of 9 bytes");
    await button("5 bytes").click();
    await line(page, "in", "binary of 5 bytes");
    await line(page, "good", "The program closed the connection (4000 “three are enough”)");
    page.assertNoErrors();
});

check("shared programs and those with a page of their own work in the page", async (t) => {
    const page = await openDemo(t, "cat.sh");
    const cases = [
        ["chat.awk", "hello all", ": hello all"],
        ["counter.py", "1", "1"],
        ["rooms.py", "50", "guesses 50", "wins"],
        ["shopping.py", '{"event":"add","value":"Milk"}', "1 to buy"],
        ["phoenix.py", '["1","1","room:lobby","phx_join",{"name":"Ada"}]', "phx_reply"],
        ["socketio.js", "40", '40{"sid":'],
        ["signalr.py", '{"protocol":"json","version":1}\u001e', "{}"],
    ];

    for (const [name, message, ...answers] of cases) {
        await pick(page, name);
        await line(page, "note", "Connected");
        await page.locator("button.use").first().click();
        await line(page, "out", message.slice(0, 20));
        await line(page, "in", new RegExp(answers.map((text) => text.replace(/[{}]/g, "\\$&")).join("|")));
    }
    await pick(page, "log");
    await line(page, "in", "the first line");
    fs.appendFileSync(path.join(site, "server.log"), "the next one\n");
    await line(page, "in", "the next one");
    for (const [name, command] of [["zmq-subscriber.py", "--shared"], ["redis-cli", "--linger=forever redis-cli subscribe news"]]) {
        await pick(page, name);
        await page.locator(".about p", { hasText: "Not started: it needs" }).waitFor();
        await page.locator(".about .commands", { hasText: command }).waitFor({ state: "attached" });
    }
    for (const name of ["top.sh", "shopping.py", "phoenix.py"]) {
        await pick(page, name);
        const address = await page.locator(".about a").evaluate((link) => link.href);
        assert.equal((await page.request.get(address)).status(), 200, address);
    }
    page.assertNoErrors();
});

check("examples that run any code are shown but not started", async (t) => {
    const page = await openDemo(t, "repl.sh");

    await page.locator(".about", { hasText: "can run programs with your privileges" }).waitFor();
    assert.ok(await page.locator(".target [type=submit]").isDisabled());
    await page.locator(".about summary").click();
    await page.locator(".about .commands", { hasText: "--framing=text examples/framings/repl.sh" }).waitFor();
    await page.locator(".about pre", { hasText: "exec python3 -i" }).waitFor();
    page.assertNoErrors();
});

check("a rejected connection and a stopped server are distinguished", async (t) => {
    const page = await openDemo(t, "missing.sh");

    await line(page, "bad", "No program has this path");
    for (const signal of ["SIGTERM", "SIGKILL"]) {
        const other = await Server.start(`--dir=${examples}`, `--staticdir=${www}`);
        t.after(() => other.process.kill("SIGKILL"));
        await page.goto(`${other.origin}/#cat.sh`);
        await line(page, "note", "Connected");
        other.process.kill(signal);
        await within("the server ends", other.ended);
        if (signal === "SIGTERM") {
            await line(page, "bad", "The server is shutting down (1001");
            await page.getByRole("button", { name: "Connect", exact: true }).click();
        }
        await line(page, "bad", "The server does not respond");
    }
});

check("on a phone, the message box is in view after an example is picked", async (t) => {
    for (const [width, height] of [[320, 568], [390, 664]]) {
        const page = await openDemo(t, "cat.sh", { viewport: { width, height }, isMobile: true, hasTouch: true });

        await line(page, "note", "Connected");
        for (const name of ["cpu.sh", "exit.sh", "guess.py", "counter.js"]) {
            await page.locator("#programs button", { hasText: name }).tap();
            await line(page, "note", "Connected");
            const { top, bottom } = await page.locator("[name=message]").evaluate((input) => input.getBoundingClientRect());
            assert.ok(top >= 0 && bottom <= height, `the input of ${name} is at ${top} to ${bottom} of ${height}`);
        }
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "it scrolls sideways");
        page.assertNoErrors();
    }
});

check("without JavaScript the page says what it needs", async (t) => {
    const page = await open(t, `${server.origin}/`, { javaScriptEnabled: false });

    assert.ok(await page.locator("noscript p").isVisible());
    assert.ok(!await page.locator("#app").isVisible());
});

check("two tabs have a program each", async (t) => {
    const [one, two] = [await openDemo(t, "cat.sh"), await openDemo(t, "cat.sh")];

    await Promise.all([line(one, "note", "Connected"), line(two, "note", "Connected")]);
    await Promise.all([say(one, "from one"), say(two, "from two")]);
    await Promise.all([line(one, "in", "from one"), line(two, "in", "from two")]);
    for (const page of [one, two])
        assert.equal(await page.locator(".row.in:not([hidden])").count(), 1);
});

check("a large message comes back, and the page shows its start", async (t) => {
    const page = await openDemo(t, "cat.sh");

    await line(page, "note", "Connected");
    await page.evaluate(() => {
        document.querySelector("[name=message]").value = "x".repeat(1 << 20);
    });
    await page.locator("[name=message]").press("Enter");
    await page.locator(".row.in", { hasText: "1.0 MiB" }).click();
    await page.getByRole("button", { name: "Show more of 1,048,576" }).waitFor();
    page.assertNoErrors();
});

// ---- The WebSocket, as a page sees it.

check("close codes tell how a program ended", async (t) => {
    const page = await openDemo(t, "missing.sh");
    const cases = [
        ["0", 1000, "exit 0"],
        ["3", 4003, "exit 3"],
        ["255", 4255, "exit 255"],
        ["signal TERM", 4271, "signal TERM"],
        ["signal KILL", 4265, "signal KILL"],
    ];

    for (const [message, code, reason] of cases) {
        const end = await talk(page, `${server.ws}/exit.sh`, [message]);
        assert.deepEqual(
            [end.opened, end.error, end.code, end.reason, end.wasClean],
            [true, false, code, reason, true],
            `after "${message}"`,
        );
    }
});

check("every other example answers as it says", async (t) => {
    const page = await openDemo(t, "missing.sh");
    const cases = [
        ["shout.pl", "straße é", "STRASSE É"],
        ["dice.awk", "1d1", "1d1: 1"],
        ["clock.js", "tick", 'You said "tick".'],
        ["rpn", "3 4 + 2 *", "[ 14 ]"],
    ];

    for (const [name, message, answer] of cases) {
        const end = await talk(page, `${server.ws}/${name}`, [message], answer.length);
        assert.ok(end.received.includes(answer), `${name} said ${JSON.stringify(end.received)}`);
    }
});

check("a program that cannot be started is an error, and never open", async (t) => {
    const page = await openDemo(t, "cat.sh");

    for (const name of ["missing.sh", "README.md"]) {
        const end = await talk(page, `${server.ws}/${name}`);
        assert.deepEqual([end.opened, end.error, end.code], [false, true, 1006], name);
    }
});

check("a message of 1 MiB comes back whole", async (t) => {
    const page = await openDemo(t, "missing.sh");
    const text = "0123456789abcdef".repeat(1 << 16);
    const end = await talk(page, `${server.ws}/cat.sh`, [text], text.length);

    assert.equal(end.received.length, 1);
    assert.ok(end.received[0] === text, "the message was changed");
    assert.equal(end.code, 1000);
});

check("binary data passes unchanged with --binary", async (t) => {
    const binary = await Server.start("--binary", `--staticdir=${demo}`, "cat");

    t.after(() => binary.process.kill("SIGKILL"));
    const page = await open(t, `${binary.origin}/examples.js`);
    const end = await talk(page, `${binary.ws}/`, [{ size: 300_000 }], 300_000);
    assert.deepEqual([end.size, end.intact, end.received, end.code], [300_000, true, [], 1000], binary.log);
    assert.equal(await binary.stop(), 0, binary.log);
});

// A person who opens the address of a program in the browser is shown how to connect, and does it.
check("the address of a program explains how to connect", async (t) => {
    const one = await Server.start("--devconsole=false", "--", path.join(examples, "count.sh"));

    t.after(() => one.process.kill("SIGKILL"));
    const page = await open(t, `${one.origin}/`);
    const text = await page.locator("body").innerText();
    const code = text.match(/^ {4}const ws = .*$/m)?.[0];

    assert.match(text, /^426 Upgrade Required\n\nThis is a WebSocket server/);
    const first = await within("a message", page.evaluate(
        (code) => new Function(`${code}; return new Promise((done) => { ws.onmessage = (e) => done(e.data); });`)(), code));
    assert.equal(first, "1");
    page.assertNoErrors();
    assert.equal(await one.stop(), 0, one.log);
});

check("a page of another origin is refused", async (t) => {
    const other = await Server.start(`--dir=${examples}`, `--staticdir=${demo}`);

    t.after(() => other.process.kill("SIGKILL"));
    const page = await open(t, `${other.origin}/#missing.sh`);
    assert.equal((await talk(page, `${other.ws}/cat.sh`, ["own"], 3)).opened, true);
    const end = await talk(page, `${server.ws}/cat.sh`, ["foreign"], 7);
    assert.deepEqual([end.opened, end.error, end.received, end.code], [false, true, [], 1006]);
    assert.match(server.log, /--origin/, "the log names the option that would allow it");
    assert.equal(await other.stop(), 0, other.log);
});

// ---- The last one: it stops the server, and then the browser.

check("SIGTERM closes what is open with 1001, and the server exits with 0", async (t) => {
    t.after(() => browser.close());
    const page = await openDemo(t, "cat.sh");

    await line(page, "note", "Connected");
    const [status] = await Promise.all([server.stop(), line(page, "bad", "shutting down (1001")]);
    assert.equal(status, 0);
    page.assertNoErrors();
});
