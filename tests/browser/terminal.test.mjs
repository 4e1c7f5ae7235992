// SPDX-License-Identifier: BSD-2-Clause
// Real programs in the terminal page, in Chromium. Every wait has a deadline; there are no sleeps.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { chromium } from "playwright-core";

import { binary, DEADLINE, Server, within } from "./server.mjs";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
    timeout: DEADLINE,
});
after(() => browser.close());

const BASH = ["env", "PS1=<\\W>", "INPUTRC=/dev/null", "bash", "--norc", "--noprofile", "-i"];
const servers = [];
process.on("exit", () => servers.forEach((server) => server.process.kill("SIGKILL"))); // those that no test has ended

async function serve(t, ...command) {
    const server = await Server.start("--pty", "--", ...command);

    servers.push(server);
    t.after(() => server.process.kill("SIGKILL"));
    return server;
}

async function open(t, server, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1000, height: 600 }, ...options });
    const page = await context.newPage();
    const errors = [];

    t.after(async () => {
        await context.close();
        assert.deepEqual(errors, []);
    });
    page.setDefaultTimeout(DEADLINE);
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
        if (message.type() === "error" && !/WebSocket connection|ERR_CONNECTION_/.test(message.text()))
            errors.push(message.text());
    });
    page.on("request", (request) => {
        if (!request.url().startsWith(server.origin) && !/^(data|blob):/.test(request.url()))
            errors.push(`loaded ${request.url()}`);
    });
    await page.goto(server.origin);
    await page.locator(".xterm-rows").waitFor();
    return page;
}

const screen = (page) => page.evaluate(() => {
    const { active } = terminal.buffer;

    return Array.from({ length: active.length }, (_, i) => active.getLine(i).translateToString(true).trimEnd()).join("\n");
});
const shows = (page, pattern) => page.waitForFunction(([source]) => {
    const { active } = terminal.buffer;

    return new RegExp(source, "m").test(Array.from({ length: active.length }, (_, i) => active.getLine(i).translateToString(true).trimEnd()).join("\n"));
}, [pattern.source]);
const state = (page, text) => page.locator("#what", { hasText: text }).waitFor();
// The color of the dot next to it; that of the border is seen where nothing fills it.
const dot = (page) => page.locator(".dot").evaluate((node) => {
    const { backgroundColor, borderTopColor } = getComputedStyle(node);

    return backgroundColor === "rgba(0, 0, 0, 0)" ? `edge ${borderTopColor}` : backgroundColor;
});
const type = async (page, text) => {
    await page.keyboard.type(text);
    await page.keyboard.press("Enter");
};
// The foreground process of a shell with this number.
const running = (pid) => {
    try {
        const group = fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /s, "").split(" ")[5];
        return fs.readFileSync(`/proc/${group}/comm`, "utf8").trim();
    } catch {
        return "";
    }
};
const alive = (pid) => {
    try {
        return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
        return false;
    }
};

// Waits for a condition.
async function until(what, condition) {
    const loop = async () => {
        while (!condition())
            await new Promise((resolve) => setTimeout(resolve, 10));
    };

    await within(what, loop());
}

// Without npm at the time of the build, there is no such page.
const skip = /xterm/.test(execFileSync(binary, ["--version"], { encoding: "utf8" })) && "the build has no xterm.js";

function check(name, body) {
    test(name, { timeout: 4 * DEADLINE, skip }, body);
}

async function shell(t) {
    const server = await serve(t, ...BASH);
    const page = await open(t, server);

    await shows(page, /^<.*>/);
    await type(page, "echo pid-$$");
    await shows(page, /^pid-\d+/);
    return { server, page, pid: Number(/^pid-(\d+)/m.exec(await screen(page))[1]) };
}

check("a shell: keys that are signals, job control, the size of the window", async (t) => {
    const { page, pid } = await shell(t);

    await type(page, "sleep 1000");
    await until("sleep runs", () => running(pid) === "sleep");
    await page.keyboard.press("Control+c");
    await shows(page, /\^C\n<.*>/);
    await type(page, "sleep 1001");
    await until("sleep runs", () => running(pid) === "sleep");
    await page.keyboard.press("Control+z");
    await shows(page, /Stopped +sleep 1001/);
    await type(page, "kill %1");
    await type(page, "stty size");
    const before = await page.evaluate(() => `${terminal.rows} ${terminal.cols}`);
    await shows(page, new RegExp(`^${before}$`));
    await page.setViewportSize({ width: 700, height: 400 });
    await page.waitForFunction((size) => `${terminal.rows} ${terminal.cols}` !== size, before);
    const resized = await page.evaluate(() => `${terminal.rows} ${terminal.cols}`);
    await type(page, "until stty size | grep -x '" + resized + "'; do :; done; echo resized");
    await shows(page, /^resized/);
    await type(page, "exit 3");
    await state(page, "status 3");
    await page.getByRole("button", { name: "Reconnect" }).click();
    await shows(page, /^<.*>$/);
    assert.doesNotMatch(await screen(page), /resized/);
});

check("the dot shows the state of the connection", async (t) => {
    const { page } = await shell(t);
    const open = await dot(page);

    await type(page, "exit 3");
    await state(page, "status 3");
    const bad = await dot(page);
    await page.getByRole("button", { name: "Reconnect" }).click();
    await shows(page, /^<.*>$/);
    assert.equal(await dot(page), open);
    await type(page, "exit");
    await state(page, "status 0");
    const closed = await dot(page);
    assert.equal(new Set([open, bad, closed]).size, 3, `${open}, ${bad}, ${closed}`);
});

check("no process is left when the tab is closed", async (t) => {
    const { server, page, pid } = await shell(t);

    await type(page, "nohup sleep 1000 >/dev/null 2>&1 & disown; echo job-$!");
    await shows(page, /^job-\d+/);
    const job = Number(/^job-(\d+)/m.exec(await screen(page))[1]);
    assert.ok(alive(job));
    await page.close();
    await until("the processes end", () => !alive(job) && !alive(pid));
    await until("the session ends", () => /session #1 close/.test(server.log));
});

check("vim, less, top and a Python REPL", async (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "wspipe-terminal-"));
    t.after(() => fs.rmSync(directory, { recursive: true }));
    const { page, pid } = await shell(t);

    await type(page, `vim -u NONE -N ${directory}/text`);
    await shows(page, /^~$/);
    await page.keyboard.type("ihellö");
    await page.keyboard.press("Escape");
    await type(page, ":wq");
    await until("vim writes", () => fs.existsSync(`${directory}/text`) && fs.readFileSync(`${directory}/text`, "utf8") === "hellö\n");
    await until("vim ends", () => running(pid) === "bash");
    await type(page, "seq 1000 | less");
    await shows(page, /^:$/);
    await page.keyboard.type("G");
    await shows(page, /^1000$/);
    await page.keyboard.type("q");
    await until("less ends", () => running(pid) === "bash");
    await type(page, "top");
    await shows(page, /load average/);
    await page.keyboard.type("q");
    await until("top ends", () => running(pid) === "bash");
    await type(page, "python3 -q");
    await shows(page, /^>>>/);
    await type(page, "print(6 * 7)");
    await shows(page, /^42$/);
    await page.keyboard.press("Control+d");
    await until("Python ends", () => running(pid) === "bash");
    await type(page, "exit");
    await state(page, "status 0");
});

check("10 MB of yes, and a page that pauses an endless one", async (t) => {
    const server = await serve(t, "sh", "-c", "yes | head -c 6666666; echo; echo the end");
    const page = await open(t, server);

    await shows(page, /^the end/);
    await state(page, "status 0");
    assert.ok(await page.evaluate(() => undrawn) >= 0);
    const endless = await serve(t, "yes");
    const other = await open(t, endless);
    await shows(other, /^y$/);
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${endless.process.pid}/status`, "utf8"))[1]);
    const before = memory();
    await other.evaluate(() => {
        send("2", []);
        drawn = () => {};
    });
    const read = () => Number(/rchar: (\d+)/.exec(fs.readFileSync(`/proc/${endless.process.pid}/io`, "utf8"))[1]);
    let last = -1;
    let same = 0;
    await until("the server is still", () => {
        same = read() === last ? same + 1 : 0;
        last = read();
        return same === 20;
    });
    assert.ok(memory() - before < 1024);
});

check("output can't leave the terminal", async (t) => {
    const server = await serve(t, "sh", "-c", String.raw`printf '\033]8;;http://example.com/\033\\link\033]8;;\033\\ \033]2;title\007\033]52;c;aGVsbG8=\007<img src=x onerror=alert(1)>\n'; cat`);
    const page = await open(t, server);

    await shows(page, /^link <img src=x onerror=alert\(1\)>/);
    assert.equal(await page.title(), "sh · wspipe");
    assert.equal(await page.locator("#terminal img").count(), 0);
    assert.equal(await page.locator("#terminal a").count(), 0);
    const popups = [];
    page.context().on("page", (popup) => popups.push(popup));
    const box = await page.locator(".xterm-rows").getByText("link").first().boundingBox();
    await page.mouse.move(box.x + 8, box.y + 5);
    await page.mouse.click(box.x + 9, box.y + 6);
    await type(page, "echo");
    await shows(page, /^echo\necho/);
    assert.deepEqual(popups, []);
});

check("copy, paste, and what a keyboard needs", async (t) => {
    const server = await serve(t, "sh", "-c", "echo copied; cat");
    const page = await open(t, server, { permissions: ["clipboard-read", "clipboard-write"] });

    await shows(page, /^copied/);
    await page.evaluate(() => terminal.select(0, 0, 6));
    await page.locator("#terminal textarea").focus();
    await page.keyboard.press("Control+Shift+C");
    await page.waitForFunction(async () => await navigator.clipboard.readText() === "copied");
    await page.evaluate(() => navigator.clipboard.writeText("pasted text"));
    await page.getByRole("button", { name: "Paste" }).click();
    await shows(page, /^pasted text/);
    await page.keyboard.press("Control+F6");
    await page.waitForFunction(() => document.activeElement.id === "connect");
    await page.getByRole("button", { name: "Screen reader" }).click();
    await page.locator(".xterm-accessibility", { hasText: "copied" }).waitFor();
    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.getByRole("button", { name: "Reconnect" }).waitFor();
});

check("no axe violations, narrow and wide, dark and light", async (t) => {
    const server = await serve(t, "sh", "-c", String.raw`for i in 31 32 33 34 35 36 90 97; do printf "\033[${"$"}{i}mcolour\033[0m "; done; echo done; cat`);

    for (const [width, colorScheme] of [[320, "dark"], [1440, "dark"], [320, "light"], [1440, "light"]]) {
        const page = await open(t, server, { viewport: { width, height: 700 }, colorScheme, bypassCSP: true });

        await shows(page, /done/);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`), []);
        if (process.env.SCREENSHOTS)
            await page.screenshot({ path: `${process.env.SCREENSHOTS}/terminal-${width}-${colorScheme}.png` });
        await page.context().close();
    }
});

check("the message console is one link away", async (t) => {
    const server = await serve(t, "cat");
    const page = await open(t, server);

    await page.getByRole("link", { name: "Messages" }).click();
    await page.locator(".pane").first().waitFor();
});
